//! Where things are: the checkout, its output folders, the shared cache, and the machine that is built for.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use xshell::{Cmd, Shell, cmd};

/// The checkout that this harness belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    root: PathBuf,
}

impl Project {
    /// Finds the checkout: the one that cargo runs the harness in, else the one that it was compiled in.
    pub(crate) fn locate() -> Result<Project> {
        let here = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let here = Path::new(&here);
        let root = here.parent().context("the harness has no parent folder")?;
        Project::at(root)
    }

    /// Takes the checkout at `root`.
    pub(crate) fn at(root: &Path) -> Result<Project> {
        let root = root.canonicalize().with_context(|| format!("no checkout at {}", root.display()))?;
        Ok(Project { root })
    }

    /// The folder of the root manifest.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Recipes and outputs of native packages.
    pub(crate) fn depends(&self) -> PathBuf {
        self.root.join("depends")
    }

    /// Cargo's output folder, where the harness keeps what it makes as well.
    pub(crate) fn target(&self) -> PathBuf {
        match env::var_os("CARGO_TARGET_DIR") {
            Some(dir) => self.root.join(dir),
            None => self.root.join("target"),
        }
    }

    /// A shell that stands in the checkout.
    pub(crate) fn shell(&self) -> Result<Shell> {
        let sh = Shell::new()?;
        sh.change_dir(&self.root);
        Ok(sh)
    }

    /// A cargo command, with the cargo that started the harness.
    ///
    /// That cargo gave the harness the settings of `depends` as variables. They are taken back: what the harness installs
    /// may change them, and a variable that is set wins over cargo's settings.
    pub(crate) fn cargo<'sh>(&self, sh: &'sh Shell) -> Cmd<'sh> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = cmd!(sh, "{cargo}").quiet();
        let settings = fs::read_to_string(self.depends().join("native/share/config.toml")).unwrap_or_default();
        for (name, value) in variables(&settings) {
            if env::var(&name).is_ok_and(|set| set == value) {
                command = command.env_remove(name);
            }
        }
        command
    }
}

/// The variables that a cargo configuration sets to plain texts.
fn variables(settings: &str) -> Vec<(String, String)> {
    let table: toml::Table = settings.parse().unwrap_or_default();
    let variables = table.get("env").and_then(|env| env.as_table()).cloned().unwrap_or_default();
    variables.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect()
}

/// The cache that checkouts share: `dir` if given, else `BULKHEAD_CACHE`, else the user's cache folder.
pub(crate) fn cache_dir(dir: Option<&Path>) -> Result<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(dir) = dir {
        return std::path::absolute(dir).with_context(|| format!("bad cache folder {}", dir.display()));
    }
    if let Some(dir) = env::var_os("BULKHEAD_CACHE") {
        return std::path::absolute(dir).context("bad BULKHEAD_CACHE");
    }
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .map(|base| base.join("bulkhead"))
        .context("no place for the cache: set BULKHEAD_CACHE to a folder")
}

/// A kind of machine that executables are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Host {
    /// Name of the output folder under `depends/`, and prefix of cross compilers.
    pub(crate) triplet: &'static str,
    /// Rust's name of the same machine.
    pub(crate) target: &'static str,
    /// Operating system, as recipes name it.
    pub(crate) family: &'static str,
    /// Processor, as recipes name it.
    pub(crate) arch: &'static str,
}

/// Every machine that the recipes know. Others are refused by name.
pub(crate) const HOSTS: [Host; 4] = [
    Host { triplet: "x86_64-linux-gnu", target: "x86_64-unknown-linux-gnu", family: "linux", arch: "x86_64" },
    Host { triplet: "aarch64-linux-gnu", target: "aarch64-unknown-linux-gnu", family: "linux", arch: "aarch64" },
    Host { triplet: "x86_64-linux-gnu.2.28", target: "x86_64-unknown-linux-gnu", family: "linux", arch: "x86_64" },
    Host { triplet: "x86_64-w64-mingw32", target: "x86_64-pc-windows-gnu", family: "windows", arch: "x86_64" },
];

impl Host {
    /// The machine that the harness runs on.
    pub(crate) fn native() -> Result<Host> {
        let found = HOSTS.iter().find(|host| host.family == env::consts::OS && host.arch == env::consts::ARCH);
        found.copied().with_context(|| {
            format!("building on {}-{} is not supported yet; see doc/build.md", env::consts::ARCH, env::consts::OS)
        })
    }

    /// The machine called `name` by its triplet or by its Rust target; the native one for `None`.
    pub(crate) fn named(name: Option<&str>) -> Result<Host> {
        let Some(name) = name else { return Host::native() };
        let found = HOSTS.iter().find(|host| host.triplet == name || host.target == name);
        found.copied().with_context(|| {
            let known = HOSTS.map(|host| host.triplet).join(", ");
            format!("unknown host `{name}`; known: {known}; not yet: riscv64-linux-gnu, *-apple-darwin, *-musl")
        })
    }

    /// The glibc that its executables must do with, if its name says one.
    pub(crate) fn glibc(self) -> Option<&'static str> {
        self.triplet.split_once("-gnu.").map(|(_, version)| version)
    }

    /// Whether its executables can start one another and share a socket. Where they cannot, the monolithic ones are all
    /// there is, and the client reaches the node over HTTP only.
    pub(crate) fn is_multiprocess(self) -> bool {
        self.family != "windows"
    }

    /// Whether executables are made with the building machine's own compiler and libraries.
    pub(crate) fn is_native(self) -> bool {
        Host::native().is_ok_and(|native| native == self)
    }

    /// Whether a recipe's selector (`linux`, `x86_64`, `x86_64-linux`, a triplet, `old-glibc`) means this machine.
    pub(crate) fn matches(self, selector: &str) -> bool {
        selector == self.family
            || (selector == "old-glibc" && self.glibc().is_some())
            || selector == self.arch
            || selector == self.triplet
            || selector == format!("{}-{}", self.arch, self.family)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_answer_to_both_names_and_to_selectors() {
        let arm = Host::named(Some("aarch64-linux-gnu")).unwrap();
        assert_eq!(arm, Host::named(Some("aarch64-unknown-linux-gnu")).unwrap());
        assert!(["linux", "aarch64", "aarch64-linux", "aarch64-linux-gnu"].iter().all(|name| arm.matches(name)));
        assert!(["windows", "x86_64", "x86_64-linux"].iter().all(|name| !arm.matches(name)));
    }

    #[test]
    fn an_old_glibc_makes_another_host_of_the_same_machine() {
        let old = Host::named(Some("x86_64-linux-gnu.2.28")).unwrap();
        let new = Host::named(Some("x86_64-unknown-linux-gnu")).unwrap();
        assert_eq!((old.glibc(), new.glibc()), (Some("2.28"), None));
        assert_eq!(old.target, new.target);
        assert!(old.matches("old-glibc") && old.matches("x86_64-linux") && !new.matches("old-glibc"));
        assert!(!old.is_native(), "what runs here is not made for here");
    }

    #[test]
    fn windows_is_monolithic() {
        let monolithic: Vec<&str> =
            HOSTS.into_iter().filter(|host| !host.is_multiprocess()).map(|host| host.triplet).collect();
        assert_eq!(monolithic, ["x86_64-w64-mingw32"]);
    }

    #[test]
    fn an_unknown_host_is_refused_with_the_known_ones() {
        let error = Host::named(Some("sparc-sun-solaris")).unwrap_err().to_string();
        assert!(error.contains("sparc-sun-solaris") && error.contains("x86_64-linux-gnu"), "{error}");
    }

    #[test]
    fn variables_of_the_settings_are_read() {
        let settings = "[env]\nA = \"1\"\nB = { value = \"2\", force = true }\n[build]\ntarget = \"t\"\n";
        assert_eq!(variables(settings), [("A".to_owned(), "1".to_owned())]);
        assert_eq!(variables("not toml"), []);
    }

    #[test]
    fn an_explicit_cache_wins() {
        assert_eq!(cache_dir(Some(Path::new("/a/b"))).unwrap(), Path::new("/a/b"));
    }
}
