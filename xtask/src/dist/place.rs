//! A place to build a release in: sources, cargo's own folder and outputs, all apart from the user's.
//!
//! ```text
//! PLACE/source    the commit, with its native packages in depends/
//! PLACE/cargo     packages of the locked crates, each checked against Cargo.lock, and nothing else
//! PLACE/target    what cargo makes
//! ```
//!
//! Nothing of the user's environment is passed on but what says where tools are and how the network is reached. Where
//! the place is cannot be seen in what it makes: every path is written as `/src`, `/cargo`, `/target` or `/rust`.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use super::commit::Commit;
use crate::depends::hash;
use crate::depends::source::user_cargo_home;
use crate::depends::toolchain::Toolchain;
use crate::project::{Host, Project};

/// Variables that reach the build as they are.
const PASSED: [&str; 8] =
    ["PATH", "HOME", "TMPDIR", "RUSTUP_HOME", "RUSTUP_AUTO_INSTALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "TERM"];

/// The place and what is built there.
#[derive(Debug)]
pub(crate) struct Place {
    dir: PathBuf,
    /// The commit's checkout.
    pub(crate) project: Project,
    host: Host,
    time: u64,
    /// The compiler that makes the executables.
    rustc: PathBuf,
}

impl Place {
    /// Exports the commit into an empty `dir`. With `go_on`, what cargo made there of the same commit stays.
    pub(crate) fn prepare(from: &Project, commit: &Commit, host: Host, dir: &Path, go_on: bool) -> Result<Place> {
        let note = dir.join("commit");
        if go_on && fs::read_to_string(&note).is_ok_and(|id| id == commit.id) {
            for folder in ["source", "cargo", "split"].map(|name| dir.join(name)) {
                crate::depends::empty(&folder)?;
                fs::remove_dir(&folder)?;
            }
        } else {
            crate::depends::empty(dir)?;
            fs::write(&note, &commit.id)?;
        }
        let dir = dir.canonicalize()?;
        let source = dir.join("source");
        fs::create_dir(&source)?;
        commit.export(from.root(), &source)?;
        Ok(Place { project: Project::at(&source)?, dir, host, time: commit.time, rustc: "rustc".into() })
    }

    /// The compiler that the native packages brought, if they brought one.
    pub(crate) fn take_compiler(&mut self) -> Result<()> {
        #[derive(Deserialize)]
        struct Settings {
            #[serde(default)]
            build: BTreeMap<String, String>,
        }
        let text = fs::read_to_string(crate::depends::prefix::config(&self.project, self.host))?;
        let settings: Settings = toml::from_str(&text).context("the settings that depends wrote")?;
        if let Some(rustc) = settings.build.get("rustc") {
            self.rustc = rustc.into();
        }
        Ok(())
    }

    /// Cargo's own folder.
    fn cargo_home(&self) -> PathBuf {
        self.dir.join("cargo")
    }

    /// Where the executables are.
    pub(crate) fn outputs(&self) -> PathBuf {
        self.dir.join("target").join(self.host.target).join("release")
    }

    /// Copies the packages of the locked crates, as the user's cargo has them, and refuses one that is not what the
    /// lock file says. Cargo itself looks at the hash when it downloads and never again.
    pub(crate) fn bring_crates(&self) -> Result<usize> {
        let user = user_cargo_home()?;
        let sh = self.project.shell()?;
        let fetch = self.project.cargo(&sh).args(["fetch", "--locked", "--quiet"]);
        fetch.run().context("cargo cannot fetch the locked crates")?;
        let locked = locked_crates(&fs::read_to_string(self.project.root().join("Cargo.lock"))?)?;
        let to = self.cargo_home().join("registry");
        copy_crates(&user.join("registry/cache"), &to.join("cache"), &locked)?;
        copy_tree(&user.join("registry/index"), &to.join("index"))?;
        for name in ["config.toml", "config"] {
            if user.join(name).is_file() {
                fs::copy(user.join(name), self.cargo_home().join(name))?;
            }
        }
        Ok(locked.len())
    }

    /// Cargo in this place, with nothing of the user's environment.
    pub(crate) fn cargo(&self) -> Result<Command> {
        let mut cargo = Command::new("cargo");
        scrub(&mut cargo);
        cargo.current_dir(self.project.root()).env("CARGO_HOME", self.cargo_home());
        let target = self.host.target;
        let toolchain = self.toolchain()?;
        let flags: Vec<String> = self.rust_flags()?;
        cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
        let native = self.native_flags().join(" ");
        for name in ["CFLAGS", "CXXFLAGS"] {
            cargo.env(format!("{name}_{}", target.replace('-', "_")), &native);
        }
        cargo.env(format!("CXX_{}", target.replace('-', "_")), &toolchain.cxx);
        cargo.env(format!("CC_{}", target.replace('-', "_")), toolchain.cc());
        cargo.env("SOURCE_DATE_EPOCH", self.time.to_string()).env("CARGO_INCREMENTAL", "0");
        cargo.env("LC_ALL", "C").env("TZ", "UTC").env("ZERO_AR_DATE", "1").env("CARGO_TERM_PROGRESS_WHEN", "never");
        Ok(cargo)
    }

    /// What compiles native code here.
    pub(crate) fn toolchain(&self) -> Result<Toolchain> {
        Ok(Toolchain::find(self.host)?.at(&crate::depends::prefix::dir(&self.project, self.host)))
    }

    /// The options that every build of this place shares.
    pub(crate) fn cargo_options(&self) -> Vec<OsString> {
        let mut options: Vec<OsString> =
            ["--locked", "--offline", "--release", "--target", self.host.target].map(OsString::from).to_vec();
        options.extend(["--target-dir".into(), self.dir.join("target").into_os_string()]);
        options.extend(["--config".into(), crate::depends::prefix::config(&self.project, self.host).into_os_string()]);
        options
    }

    /// What the compiler says about itself.
    pub(crate) fn compiler(&self) -> Result<String> {
        let mut rustc = Command::new(&self.rustc);
        scrub(&mut rustc);
        let output = rustc.arg("-vV").current_dir(self.project.root()).output().context("starting rustc")?;
        ensure!(output.status.success(), "rustc does not say what it is");
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn sysroot(&self) -> Result<String> {
        let mut rustc = Command::new(&self.rustc);
        scrub(&mut rustc);
        let output = rustc.args(["--print", "sysroot"]).current_dir(self.project.root()).output()?;
        ensure!(output.status.success(), "rustc does not say where it is");
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Each folder of the building machine with the name that stands for it.
    fn remapped(&self) -> Vec<(String, &'static str)> {
        let at = |name: &str| self.dir.join(name).display().to_string();
        vec![(at("source"), "/src"), (at("target"), "/target"), (at("cargo"), "/cargo")]
    }

    fn rust_flags(&self) -> Result<Vec<String>> {
        let mut folders = self.remapped();
        folders.push((self.sysroot()?, "/rust"));
        let mut flags: Vec<String> =
            folders.into_iter().map(|(from, to)| format!("--remap-path-prefix={from}={to}")).collect();
        if self.host.family == "linux" {
            flags.push("-Clink-arg=-Wl,-z,relro,-z,now,-z,noexecstack".to_owned());
            // A number made of the contents: the same for the same contents.
            flags.push("-Clink-arg=-Wl,--build-id=sha1".to_owned());
        } else {
            flags.push("-Clink-arg=-Wl,--no-insert-timestamp".to_owned());
        }
        flags.extend(Toolchain::link_flags(self.host).iter().map(|&flag| flag.to_owned()));
        Ok(flags)
    }

    fn native_flags(&self) -> Vec<String> {
        let maps = self.remapped().into_iter().map(|(from, to)| format!("-ffile-prefix-map={from}={to}"));
        maps.chain(["-fstack-protector-strong".to_owned(), "-O2".to_owned()]).collect()
    }
}

/// Takes the user's environment away, but for what says where tools and the network are.
fn scrub(command: &mut Command) {
    command.env_clear();
    for (name, value) in env::vars_os() {
        if is_passed(&name) {
            command.env(name, value);
        }
    }
}

/// Whether a variable reaches the build: where tools are, and how cargo, pip and apt reach the network.
fn is_passed(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    let network = ["CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTR", "CARGO_SOURCE_", "PIP_"];
    PASSED.contains(&name)
        || name.to_lowercase().ends_with("_proxy")
        || network.iter().any(|start| name.starts_with(start))
}

/// Hash of each foreign crate's package, by file name.
pub(super) fn locked_crates(lock: &str) -> Result<BTreeMap<String, String>> {
    #[derive(Deserialize)]
    struct Lock {
        package: Vec<Locked>,
    }
    #[derive(Deserialize)]
    struct Locked {
        name: String,
        version: String,
        source: Option<String>,
        checksum: Option<String>,
    }
    let lock: Lock = toml::from_str(lock).context("reading Cargo.lock")?;
    let mut crates = BTreeMap::new();
    for Locked { name, version, source, checksum } in lock.package {
        match (source, checksum) {
            (None, _) => {}
            (Some(_), Some(checksum)) => _ = crates.insert(format!("{name}-{version}.crate"), checksum),
            (Some(source), None) => bail!("Cargo.lock has no hash of {name} {version} from {source}"),
        }
    }
    Ok(crates)
}

/// Copies the locked crates among the packages in `from`; one whose hash is another than the locked one is refused.
fn copy_crates(from: &Path, to: &Path, locked: &BTreeMap<String, String>) -> Result<()> {
    for (registry, files) in folders(from)? {
        for (file, from) in files.iter().filter_map(|path| Some((path.file_name()?.to_str()?, path))) {
            if let Some(sha256) = locked.get(file) {
                hash::check(from, sha256)?;
                let to = to.join(&registry);
                fs::create_dir_all(&to)?;
                fs::copy(from, to.join(file)).with_context(|| format!("copying {}", from.display()))?;
            }
        }
    }
    Ok(())
}

/// The folders in `dir` with their files.
fn folders(dir: &Path) -> Result<Vec<(String, Vec<PathBuf>)>> {
    let mut found = Vec::new();
    if !dir.exists() {
        return Ok(found); // nothing was ever downloaded
    }
    for entry in fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.push((entry.file_name().to_string_lossy().into_owned(), crate::depends::pack::files(&entry.path())?));
        }
    }
    Ok(found)
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    if !from.exists() {
        return Ok(());
    }
    for file in crate::depends::pack::files(from)? {
        let below = file.strip_prefix(from).expect("the walk stays below its start");
        let to = to.join(below);
        fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
        fs::copy(&file, &to).with_context(|| format!("copying {}", file.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_environment_stays_out() {
        for name in ["PATH", "https_proxy", "NO_PROXY", "CARGO_NET_OFFLINE", "PIP_CERT"] {
            assert!(is_passed(OsStr::new(name)), "{name}");
        }
        for name in
            ["RUSTFLAGS", "CARGO_HOME", "CFLAGS", "ROCKSDB_LIB_DIR", "CARGO_PROFILE_RELEASE_LTO", "LANG", "USER"]
        {
            assert!(!is_passed(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn only_locked_crates_come_along_and_a_flipped_byte_in_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("user"), dir.path().join("place"));
        fs::create_dir_all(from.join("registry-1")).unwrap();
        fs::write(from.join("registry-1/a-1.0.0.crate"), "source").unwrap();
        fs::write(from.join("registry-1/b-1.0.0.crate"), "another's").unwrap();
        let locked = [("a-1.0.0.crate".to_owned(), hash::of_text("source"))].into();
        copy_crates(&from, &to, &locked).unwrap();
        assert_eq!(fs::read(to.join("registry-1/a-1.0.0.crate")).unwrap(), b"source");
        assert!(!to.join("registry-1/b-1.0.0.crate").exists());
        fs::write(from.join("registry-1/a-1.0.0.crate"), "sourcf").unwrap();
        let error = copy_crates(&from, &dir.path().join("second"), &locked).unwrap_err().to_string();
        assert!(error.contains("a-1.0.0.crate") && error.contains("refused"), "{error}");
        assert!(!dir.path().join("second/registry-1/a-1.0.0.crate").exists());
    }

    #[test]
    fn every_foreign_crate_has_a_hash() {
        let lock = "[[package]]\nname = \"own\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"foreign\"\n\
                    version = \"2.0.0\"\nsource = \"registry+x\"\nchecksum = \"abc\"\n";
        let crates = locked_crates(lock).unwrap();
        assert_eq!(crates.into_iter().collect::<Vec<_>>(), [("foreign-2.0.0.crate".to_owned(), "abc".to_owned())]);
        let error = locked_crates(&lock.replace("checksum = \"abc\"", "")).unwrap_err().to_string();
        assert!(error.contains("foreign 2.0.0"), "{error}");
    }
}
