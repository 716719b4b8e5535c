//! Rust's standard library from its sources, for a machine that nobody packs one for.
//!
//! The sources must be those of the very compiler that will use it, so both come from one recipe. The crates that the
//! library needs are fetched by cargo into a folder of its own, where it checks each against the lock file that lies
//! in the hashed source. What comes out does not name any folder of the building machine.

use std::env;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context as _, Result, ensure};

use super::pack;
use super::recipe::RustStd;
use super::steps::{Site, copy_file, logged};
use crate::report::Job;

/// Variables of a user that would change what is built.
const NOT_PASSED: [&str; 5] =
    ["RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "CARGO_TARGET_DIR", "CARGO_BUILD_TARGET", "RUSTC_WRAPPER"];

/// Builds the library for the site's target with `rustc`, and lays it where that compiler looks for it.
pub(super) fn build(package: &str, std: &RustStd, rustc: &Path, site: &Site<'_>) -> Result<()> {
    let library = site.source.join(&std.library).canonicalize().context("the source has no library")?;
    let top = site.source.canonicalize()?;
    let (home, out) = (top.join("cargo-home"), top.join("cargo-target"));
    fs::create_dir_all(&home)?;
    bring_settings(&home)?;
    let log = Mutex::new(File::create(site.log)?);
    let job = Job::start(package, &format!("compiling it for {}, {} at once", site.target, site.jobs), 0);
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for name in NOT_PASSED {
        cargo.env_remove(name);
    }
    cargo.current_dir(library.join("sysroot")).env("CARGO_HOME", &home).env("RUSTC", rustc.canonicalize()?);
    // What the library's own build sets: it needs features that are not for everybody.
    cargo.env("RUSTC_BOOTSTRAP", "1").env("__CARGO_DEFAULT_LIB_METADATA", "bulkhead");
    cargo.env("CARGO_INCREMENTAL", "0").env("LC_ALL", "C");
    let maps = [(&library, "/rustc/library"), (&home, "/cargo"), (&out, "/target")];
    let maps = maps.map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()));
    let flags = ["-Zforce-unstable-if-unmarked", "-Cembed-bitcode=yes"].map(str::to_owned);
    let flags: Vec<String> = flags.into_iter().chain(maps).collect();
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    cargo.args(["build", "--locked", "--release", "--target", site.target, "--jobs", &site.jobs.to_string()]);
    cargo.arg("--target-dir").arg(&out).args(["--features", &std.features.join(" ")]);
    cargo.args(["--config", "profile.release.codegen-units=1", "--config", "profile.release.debug=0"]);
    logged(&mut cargo, &log).context("compiling the standard library")?;
    job.finish();
    let made = pack::files(&out.join(site.target).join("release/deps"))?;
    let to = site.stage.join(&std.rustlib).join(site.target).join("lib");
    let mut found = false;
    for file in made.iter().filter(|file| file.extension().is_some_and(|ending| ending == "rlib")) {
        let name = file.file_name().context("a file has a name")?;
        found |= name.to_string_lossy().starts_with("libstd-");
        copy_file(file, &to.join(name))?;
    }
    ensure!(found, "cargo made no standard library");
    Ok(())
}

/// How the user's cargo reaches its registry is passed on, and nothing that lies in the user's folder.
fn bring_settings(home: &Path) -> Result<()> {
    let user = super::source::user_cargo_home()?;
    for name in ["config.toml", "config"] {
        if user.join(name).is_file() {
            fs::copy(user.join(name), home.join(name))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::recipe::{Build, Recipe};
    use super::super::steps::write_script;
    use super::super::toolchain::{Toolchain, read};
    use super::*;
    use crate::project::Host;

    /// A library that is as small as one can be, and the settings that build it.
    fn sources(top: &Path) -> RustStd {
        let write = |name: &str, text: &str| {
            let path = top.join("library").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"sysroot\", \"std\"]\n");
        write(
            "Cargo.lock",
            "version = 4\n\n[[package]]\nname = \"std\"\nversion = \"0.0.0\"\n\n[[package]]\nname = \"sysroot\"\nversion = \"0.0.0\"\ndependencies = [\"std\"]\n",
        );
        let package = |name: &str| format!("[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n");
        let needs = "[dependencies]\nstd = { path = \"../std\" }\n[features]\nloud = []\n";
        write("sysroot/Cargo.toml", &(package("sysroot") + needs));
        write("sysroot/src/lib.rs", "#![no_std]\n#[cfg(not(feature = \"loud\"))]\ncompile_error!(\"too quiet\");\n");
        write("std/Cargo.toml", &package("std"));
        write("std/src/lib.rs", "#![no_std]\npub fn place() -> &'static str { file!() }\n");
        RustStd {
            files: Vec::new(),
            scripts: std::collections::BTreeMap::new(),
            library: "library".to_owned(),
            rustlib: "rustlib".to_owned(),
            features: vec!["loud".to_owned()],
        }
    }

    /// The library that was made, and what went wrong.
    fn make(std: &RustStd, top: &Path) -> Result<Vec<u8>> {
        let host = Host::native().unwrap();
        let toolchain = Toolchain::find(host).unwrap();
        let rustc = read("rustc", &["--print", "sysroot"]).unwrap() + "/bin/rustc";
        let (stage, log) = (top.join("stage"), top.join("log"));
        let site = Site {
            host,
            target: host.target,
            toolchain: &toolchain,
            source: top,
            stage: &stage,
            jobs: 1,
            debug: false,
            programs: None,
            log: &log,
        };
        build("p", std, Path::new(&rustc), &site)?;
        let made = pack::files(&stage.join("rustlib").join(host.target).join("lib"))?;
        let library = made.iter().find(|file| file.to_string_lossy().contains("libstd-")).unwrap();
        Ok(fs::read(library)?)
    }

    #[test]
    fn a_library_lies_where_the_compiler_looks_and_is_the_same_from_another_folder() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let deep = other.path().join("deeper/down");
        fs::create_dir_all(&deep).unwrap();
        let first = make(&sources(one.path()), one.path()).unwrap();
        assert!(first.starts_with(b"!<arch>"));
        assert!(first == make(&sources(&deep), &deep).unwrap(), "the folder can be seen in the library");
    }

    /// The library's parts that name functions of Windows are made by `dlltool`, in a folder with a random name.
    #[test]
    #[cfg(unix)]
    fn dlltool_is_not_told_the_folder_that_it_writes_to() {
        let recipe = include_str!("../../../depends/packages/native_rust_std_windows.toml");
        let recipe = Recipe::parse("native_rust_std_windows", recipe).unwrap();
        let Build::RustStd(std) = &recipe.build else { panic!("it builds something else") };
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in &std.scripts {
            write_script(&dir.path().join(name), text).unwrap();
        }
        let (own, real) = (dir.path().join("native/same-names"), dir.path().join("some where/bin"));
        let name = "x86_64-w64-mingw32-dlltool";
        write_script(&real.join(name), "#!/bin/sh\npwd -P; printf '%s\\n' \"$@\"\n").unwrap();
        let path = [own.as_path(), &real, Path::new("/usr/bin"), Path::new("/bin")];
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("a b.lib");
        let mut call = Command::new(own.join(name));
        call.args(["-d", "/x y/z.def", "-l"]).arg(library).args(["--temp-prefix", "-l"]);
        let said = call.env("PATH", env::join_paths(path).unwrap()).output().unwrap();
        let expected = format!(
            "{}\n-d\n/x y/z.def\n-l\na b.lib\n--temp-prefix\n-l\n",
            folder.path().canonicalize().unwrap().display()
        );
        assert_eq!(String::from_utf8(said.stdout).unwrap(), expected);
    }

    #[test]
    fn a_library_that_does_not_compile_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let std = RustStd { features: Vec::new(), ..sources(dir.path()) };
        let error = format!("{:#}", make(&std, dir.path()).unwrap_err());
        assert!(error.contains("compiling the standard library") && error.contains("too quiet"), "{error}");
    }
}
