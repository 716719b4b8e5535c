//! The C++ compiler and its companions, for the machine that is built for.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use crate::project::Host;

/// What compiles native code.
#[derive(Debug, Clone)]
pub(crate) struct Toolchain {
    /// The C++ compiler.
    pub(crate) cxx: String,
    /// The archiver.
    pub(crate) ar: String,
    /// Name, version and target of the compiler: part of every package's identity.
    pub(crate) identity: String,
    /// The compiler's own C headers, for a libclang that came without any.
    pub(crate) c_headers: Option<PathBuf>,
    /// A recipe brings it: it lies in a prefix, and not on `PATH`.
    brought: bool,
}

impl Toolchain {
    /// The C compiler of the same family.
    pub(crate) fn cc(&self) -> String {
        let (dir, name) = self.cxx.rfind('/').map_or(("", self.cxx.as_str()), |at| self.cxx.split_at(at));
        dir.to_owned() + &name.replace("clang++", "clang").replace("g++", "gcc").replace("c++", "cc")
    }

    /// A tool that lies beside the archiver: `objcopy`, `ld`.
    pub(crate) fn binutil(&self, name: &str) -> String {
        match self.ar.strip_suffix("ar") {
            Some(prefix) => format!("{prefix}{name}"),
            None => name.to_owned(),
        }
    }

    /// What the linker calls itself.
    pub(crate) fn linker(&self) -> String {
        if self.brought {
            return "the compiler's own".to_owned();
        }
        let said = read(&self.binutil("ld"), &["--version"]).unwrap_or_default();
        said.lines().next().unwrap_or_default().to_owned()
    }

    /// The same compiler, found in `prefix` if a recipe brings it there.
    pub(crate) fn at(mut self, prefix: &Path) -> Toolchain {
        if self.brought {
            self.cxx = prefix.join("native/bin").join(&self.cxx).display().to_string();
        }
        self
    }

    /// What linking for `host` needs, besides what crates ask for.
    pub(crate) fn link_flags(host: Host) -> &'static [&'static str] {
        match host.family {
            // The crate of RocksDB does not say what a library that is there already needs, and rustc's own list is over
            // when these come. The first thread gets as much stack as on Linux.
            "windows" => &[
                "-Clink-arg=-Wl,--start-group,-lstdc++,-lssp,-lpthread,-lgcc_eh,-lgcc,-lmingw32,-lmingwex,-lmsvcrt,\
                 -lrpcrt4,-lshlwapi,-ladvapi32,-luser32,-lkernel32,--end-group",
                "-Clink-arg=-static",
                "-Clink-arg=-Wl,--stack,8388608",
            ],
            _ => &[],
        }
    }

    /// The program that links for `host` if it is not the compiler itself: its place in the prefix, and its text.
    ///
    /// For Windows rustc asks for shared libraries by name, the compiler's among them, whatever else is asked for. None of
    /// those is on a user's machine. What the system has is the same in either way of linking.
    pub(crate) fn link_script(&self, host: Host) -> Option<(&'static str, String)> {
        let text = format!(
            "#!/bin/sh\n# Links no shared library of the compiler.\nfor arg; do\n  shift\n  \
             [ \"$arg\" = -Wl,-Bdynamic ] && arg=-Wl,-Bstatic\n  set -- \"$@\" \"$arg\"\ndone\nexec '{}' \"$@\"\n",
            self.cc()
        );
        (host.family == "windows" && !host.is_native()).then_some(("native/bin/link-static", text))
    }

    /// Finds the compiler for `host`: `CXX` and `AR` if they are set and the host is this machine.
    ///
    /// For an old glibc a recipe brings the compiler, whose identity is that recipe's.
    pub(crate) fn find(host: Host) -> Result<Toolchain> {
        if host.glibc().is_some() {
            return Ok(Toolchain {
                cxx: format!("{}-g++", host.triplet),
                ar: "ar".to_owned(),
                identity: format!("zig c++ for {}", host.triplet),
                c_headers: None,
                brought: true,
            });
        }
        let native = host.is_native();
        let set = |name: &str| env::var(name).ok().filter(|value| native && !value.is_empty());
        let candidates: Vec<String> = match set("CXX") {
            Some(cxx) => vec![cxx],
            None if native => ["g++", "c++", "clang++"].map(str::to_owned).to_vec(),
            None => ["g++-posix", "g++"].map(|tool| format!("{}-{tool}", host.triplet)).to_vec(),
        };
        for cxx in &candidates {
            let Some(version) = read(cxx, &["--version"]) else { continue };
            let machine = read(cxx, &["-dumpmachine"]).unwrap_or_default();
            let first = version.lines().next().unwrap_or_default();
            let c_headers = read(cxx, &["-print-file-name=include"]).map(PathBuf::from);
            let ar = set("AR").unwrap_or_else(|| if native { "ar".into() } else { format!("{}-ar", host.triplet) });
            read(&ar, &["--version"]).with_context(|| {
                format!("no archiver `{ar}`; install it with: apt-get install {}", debian_name(host, "binutils"))
            })?;
            return Ok(Toolchain {
                identity: format!("{first} for {machine}"),
                cxx: cxx.clone(),
                ar,
                c_headers: c_headers.filter(|dir| dir.is_absolute() && dir.is_dir()),
                brought: false,
            });
        }
        bail!(
            "no C++ compiler for {} (looked for {}); install one with: apt-get install {}",
            host.triplet,
            candidates.join(", "),
            debian_name(host, "g++")
        )
    }
}

/// The Debian package of `tool` for `host`.
fn debian_name(host: Host, tool: &str) -> String {
    match host.triplet {
        _ if host.is_native() => tool.to_owned(),
        "x86_64-w64-mingw32" if tool == "g++" => "g++-mingw-w64-x86-64-posix".to_owned(),
        "x86_64-w64-mingw32" => "binutils-mingw-w64-x86-64".to_owned(),
        triplet => format!("{tool}-{}", triplet.replace('_', "-")),
    }
}

/// What `program` prints, if it is there and succeeds.
pub(crate) fn read(program: &str, args: &[&str]) -> Option<String> {
    let sh = Shell::new().ok()?;
    let said = cmd!(sh, "{program} {args...}").env("LC_ALL", "C").quiet().ignore_stderr().read().ok()?;
    Some(said.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_compiler_is_named_with_the_remedy() {
        let host = Host::named(Some("aarch64-linux-gnu")).unwrap();
        if host.is_native() || read("aarch64-linux-gnu-g++", &["--version"]).is_some() {
            assert!(Toolchain::find(host).unwrap().identity.contains("aarch64"));
            return;
        }
        let error = Toolchain::find(host).unwrap_err().to_string();
        assert!(error.contains("apt-get install g++-aarch64-linux-gnu"), "{error}");
    }

    #[test]
    fn a_compiler_that_a_recipe_brings_is_looked_for_in_the_prefix() {
        let host = Host::named(Some("x86_64-linux-gnu.2.28")).unwrap();
        let toolchain = Toolchain::find(host).unwrap().at(Path::new("/prefix"));
        assert_eq!(toolchain.cxx, "/prefix/native/bin/x86_64-linux-gnu.2.28-g++");
        assert_eq!(toolchain.cc(), "/prefix/native/bin/x86_64-linux-gnu.2.28-gcc");
        assert_eq!(toolchain.binutil("objcopy"), "objcopy", "the machine is the same, and so are its tools");
        let native = Toolchain::find(Host::native().unwrap()).unwrap();
        assert_eq!(native.clone().at(Path::new("/prefix")).cxx, native.cxx);
    }

    #[test]
    fn programs_for_windows_are_linked_with_static_libraries_only() {
        let (windows, native) = (Host::named(Some("x86_64-w64-mingw32")).unwrap(), Host::native().unwrap());
        let dir = tempfile::tempdir().unwrap();
        let toolchain = Toolchain { cxx: "echo".to_owned(), ..Toolchain::find(native).unwrap() };
        assert_eq!(toolchain.link_script(native), None);
        let (_, text) = toolchain.link_script(windows).unwrap();
        let script = dir.path().join("link").display().to_string();
        std::fs::write(&script, text).unwrap();
        let said = read("sh", &[&script, "a b", "-Wl,-Bstatic", "-lx", "-Wl,-Bdynamic", "-ly"]).unwrap();
        assert_eq!(said, "a b -Wl,-Bstatic -lx -Wl,-Bstatic -ly");
    }

    #[test]
    fn the_native_compiler_has_an_identity() {
        let toolchain = Toolchain::find(Host::native().unwrap()).unwrap();
        assert!(toolchain.identity.contains(" for "), "{}", toolchain.identity);
    }
}
