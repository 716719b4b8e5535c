//! What a foreign framework expects of a build: a folder with `bin/`, a configuration, and variables. All of it is made
//! outside the checkout, which may be read-only.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use coin::{ChainKind, Coin};

use super::adapt;
use crate::programs::{Program, Programs, Shape};

/// Parts of the software that Bulkhead promises. What the framework asks about and is not here is not built, and tests
/// that need it are skipped by the framework itself.
const PROMISED: [&str; 8] = [
    "ENABLE_WALLET",
    "USE_SQLITE",
    "BUILD_BITCOIN_CLI",
    "BUILD_BITCOIN_WALLET",
    "BUILD_BITCOIND",
    "ENABLE_ZMQ",
    "ENABLE_EXTERNAL_SIGNER",
    "ENABLE_IPC",
];

/// A prepared suite.
#[derive(Debug, Clone)]
pub struct Setup {
    scripts: PathBuf,
    work: PathBuf,
    suite: String,
    daemon: PathBuf,
    variables: Vec<(String, PathBuf)>,
    /// The framework makes wallets of the old kind, which no daemon makes any more, unless it is told otherwise.
    old_wallets: bool,
}

impl Setup {
    /// Prepares the suite of `checkout` in the empty folder `work`.
    pub fn make(checkout: &Path, work: &Path, coin: &Coin, shape: Shape, bin: &Path) -> Result<Setup> {
        let bin = bin.canonicalize().with_context(|| format!("no executables in {}", bin.display()))?;
        let template = checkout.join("test/config.ini.in");
        let text = fs::read_to_string(&template).with_context(|| format!("no {}", template.display()))?;
        let build = work.join("build");
        fs::create_dir_all(&build)?;
        link(&bin, &build.join("bin"))?;
        // Where suites of version 28 and before look.
        link(&bin, &build.join("src"))?;
        fs::write(work.join("config.ini"), filled(&text, checkout, &build, coin))?;
        let programs = Programs::from_environment(coin, shape, &bin);
        // The framework knows the wrapper's variable by itself, and what is started through it without being told.
        let direct = |program: &Program, ours: &Path| {
            if program.first().is_empty() { program.path().to_owned() } else { ours.to_owned() }
        };
        let daemon = direct(&programs.daemon, &programs.ours);
        let mut variables = Vec::new();
        for &name in coin.test_env_vars {
            let program = match name {
                _ if name.ends_with("CLI") => direct(&programs.cli, &bin.join(format!("{}-cli", coin.id))),
                _ if name.ends_with("WALLET") => bin.join(format!("{}-wallet", coin.id)),
                _ => continue,
            };
            if env::var_os(name).is_none() {
                variables.push((name.to_owned(), program));
            }
        }
        let suite = coin.client_name.to_lowercase().replace(' ', "-");
        let writing = adapt::Writing::of(coin.chain(ChainKind::Regtest).context("the coin has no regtest")?)?;
        let scripts = if writing.is_theirs() {
            checkout.join("test/functional")
        } else {
            adapt::copy(&checkout.join("test/functional"), &work.join("scripts"), writing)?;
            work.join("scripts")
        };
        let framework = fs::read_to_string(scripts.join("test_framework/test_framework.py")).unwrap_or_default();
        let old_wallets = framework.contains("\"--descriptors\", default=False");
        // A suite from before there were two transports counts the bytes of the first.
        let started = if framework.contains("v2transport") { daemon.clone() } else { launcher(&daemon, work)? };
        variables.push((coin.test_env_daemon.to_owned(), started));
        Ok(Setup { scripts, work: work.to_owned(), suite, daemon, variables, old_wallets })
    }

    /// What the suite is called in the baselines.
    pub fn suite(&self) -> &str {
        &self.suite
    }

    /// The daemon under test.
    pub fn daemon(&self) -> &Path {
        &self.daemon
    }

    /// A directory for what belongs to `name`.
    pub fn dir(&self, name: &str) -> PathBuf {
        self.work.join(name)
    }

    /// Removes from the suite's cache what is no block: frameworks of old remove files only, and stop at a folder.
    pub fn tidy_cache(&self) -> Result<()> {
        for entry in fs::read_dir(self.work.join("cache/node0/regtest"))? {
            let entry = entry?;
            let kept = ["chainstate", "blocks", "indexes"].iter().any(|name| entry.file_name() == *name);
            match entry.file_type()?.is_dir() {
                _ if kept => {}
                true => fs::remove_dir_all(entry.path())?,
                false => fs::remove_file(entry.path())?,
            }
        }
        Ok(())
    }

    /// What a script is told besides its own `words`: to make wallets that there still are, unless it is about others.
    pub fn kind_of_wallets(&self, words: &[&str]) -> Option<&'static str> {
        let own = words.iter().any(|word| ["--descriptors", "--legacy-wallet"].contains(word));
        (self.old_wallets && !own).then_some("--descriptors")
    }

    /// A script of the suite, with everything that all of its scripts need.
    pub fn script(&self, name: &str) -> Command {
        let python = env::var_os("PYTHON").unwrap_or_else(|| OsString::from("python3"));
        let mut command = Command::new(python);
        command.arg(self.scripts.join(name));
        command.arg(option("--configfile", &self.work.join("config.ini")));
        command.arg(option("--cachedir", &self.work.join("cache")));
        command.current_dir(&self.work).envs(self.variables.iter().map(|(name, path)| (name, path)));
        // The checkout stays as it is.
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

/// A program that starts the daemon with the old transport, unless it is told otherwise.
fn launcher(daemon: &Path, work: &Path) -> Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;

    let path = work.join("daemon");
    let name = daemon.to_str().context("the path of the daemon is no text")?.replace('\'', r"'\''");
    fs::write(&path, format!("#!/bin/sh\nexec '{name}' -v2transport=0 \"$@\"\n"))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

/// `--name=path`.
pub(crate) fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push("=");
    option.push(path);
    option
}

#[cfg(unix)]
fn link(to: &Path, from: &Path) -> Result<()> {
    std::os::unix::fs::symlink(to, from).with_context(|| format!("linking {}", from.display()))
}

/// The configuration's template with every `@NAME@` filled in. A switch is either `true`, or commented out as the
/// templates of older suites want it.
fn filled(template: &str, checkout: &Path, build: &Path, coin: &Coin) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('@') {
        out.push_str(before);
        let Some((name, after)) = behind.split_once('@').filter(|(name, _)| is_name(name)) else {
            out.push('@');
            rest = behind;
            continue;
        };
        out.push_str(&value(name, checkout, build, coin));
        rest = after;
    }
    out + rest
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
}

fn value(name: &str, checkout: &Path, build: &Path, coin: &Coin) -> String {
    // Each coin's suite names the programs after its coin.
    let is_promised = |part: &str| PROMISED.contains(&part.replace(&coin.id.to_uppercase(), "BITCOIN").as_str());
    match name {
        "abs_top_srcdir" => checkout.display().to_string(),
        "abs_top_builddir" => build.display().to_string(),
        "CLIENT_NAME" | "PACKAGE_NAME" => coin.client_name.to_owned(),
        "CLIENT_BUGREPORT" | "PACKAGE_BUGREPORT" => coin::BUG_CONTACT.to_owned(),
        _ => match (name.strip_suffix("_VALUE"), name.strip_suffix("_TRUE")) {
            (Some(part), _) => is_promised(part).to_string(),
            (_, Some(part)) if !is_promised(part) => "#".to_owned(),
            _ => String::new(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_filled_in() {
        let template = "A=@CLIENT_NAME@\nmail a@b\nSRCDIR=@abs_top_srcdir@\nBUILDDIR=@abs_top_builddir@\nEXEEXT=@EXEEXT@\n\
                        W=@ENABLE_WALLET_VALUE@\nF=@ENABLE_FUZZ_BINARY_VALUE@\n\
                        @BUILD_WIDECOIN_CLI_TRUE@CLI=true\n@USE_BDB_TRUE@BDB=true\n";
        let text = filled(template, Path::new("/c"), Path::new("/b"), coin::by_id("widecoin").unwrap());
        let expected =
            "A=Widecoin Core\nmail a@b\nSRCDIR=/c\nBUILDDIR=/b\nEXEEXT=\nW=true\nF=false\nCLI=true\n#BDB=true\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_suite_that_knows_both_transports_starts_the_daemon_itself() {
        let [checkout, bin, work] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let framework = checkout.path().join("test/functional/test_framework");
        fs::create_dir_all(&framework).unwrap();
        fs::write(framework.join("test_framework.py"), "args.append('-v2transport=1')\n").unwrap();
        fs::write(checkout.path().join("test/config.ini.in"), "").unwrap();
        let coin = coin::by_id("widecoin").unwrap();
        let setup = Setup::make(checkout.path(), work.path(), coin, Shape::Mono, bin.path()).unwrap();
        let (_, started) = setup.variables.iter().find(|(name, _)| name == "WIDECOIND").unwrap();
        assert!(started.ends_with("widecoind"), "{}", started.display());
    }

    #[test]
    fn a_script_gets_its_configuration_and_the_executables() {
        let [checkout, bin, work] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        fs::create_dir_all(checkout.path().join("test/functional")).unwrap();
        fs::write(checkout.path().join("test/config.ini.in"), "S=@abs_top_srcdir@\n").unwrap();
        let coin = coin::by_id("freicoin").unwrap();
        let setup = Setup::make(checkout.path(), work.path(), coin, Shape::Multi, bin.path()).unwrap();
        let script = setup.script("x.py");
        let set = |name: &str| script.get_envs().find(|(key, _)| *key == name).and_then(|(_, value)| value);
        let started = PathBuf::from(set("FREICOIND").unwrap());
        assert_eq!(started, work.path().join("daemon"));
        let text = fs::read_to_string(started).unwrap();
        assert!(text.ends_with("/freicoin-node' -v2transport=0 \"$@\"\n") && text.starts_with("#!/bin/sh\n"), "{text}");
        assert_eq!(set("PYTHONDONTWRITEBYTECODE").unwrap(), "1");
        assert!(work.path().join("build/bin").is_dir());
        assert_eq!(setup.kind_of_wallets(&[]), None);
        let old = Setup { old_wallets: true, ..setup.clone() };
        assert_eq!(old.kind_of_wallets(&["--usecli"]), Some("--descriptors"));
        assert_eq!(old.kind_of_wallets(&["--legacy-wallet"]), None);
        let text = fs::read_to_string(work.path().join("config.ini")).unwrap();
        assert_eq!(text, format!("S={}\n", checkout.path().display()));
        assert_eq!(fs::read_dir(checkout.path()).unwrap().count(), 1, "the checkout was written to");
    }
}
