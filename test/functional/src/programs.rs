//! Which executables are under test: those that the environment names, else ours.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use coin::Coin;

/// How the software is cut into processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `<coin>d`: everything in one process.
    Mono,
    /// `<coin>-node`, with the wallet in a process of its own.
    Multi,
}

impl Shape {
    /// As it is written in names and options.
    pub fn name(self) -> &'static str {
        match self {
            Shape::Mono => "mono",
            Shape::Multi => "multi",
        }
    }

    /// What makes the wrapper start this shape.
    fn wrapper_option(self) -> &'static str {
        match self {
            Shape::Mono => "-M",
            Shape::Multi => "-m",
        }
    }

    /// What the daemon of this shape is called for a coin.
    pub fn daemon(self, coin: &Coin) -> String {
        match self {
            Shape::Mono => format!("{}d", coin.id),
            Shape::Multi => format!("{}-node", coin.id),
        }
    }
}

/// The executables for one coin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// The daemon.
    pub daemon: PathBuf,
    /// Whether the daemon was named by the environment, so that nothing of ours can be relied on.
    pub foreign: bool,
    /// Our daemon, whatever the environment names.
    pub ours: PathBuf,
    /// The command line client.
    pub cli: PathBuf,
    /// The wallet's offline tool; none if the daemon is foreign and nobody says what belongs to it.
    pub wallet: Option<PathBuf>,
    /// The wrapper and its first options, before the command (`BITCOIN_CMD="bitcoin -m"`); none as with the tool.
    pub wrapper: Option<Vec<OsString>>,
}

impl Programs {
    /// Finds the executables; `variable` looks a variable up. A bare name means an executable in `bin`, if it is there,
    /// else one on the search path. Names of executables in `bin` are ours, whoever names them.
    pub fn find(coin: &Coin, shape: Shape, bin: &Path, variable: impl Fn(&str) -> Option<OsString>) -> Programs {
        let resolve = |named: OsString| {
            let ours = bin.join(&named);
            // A path says itself where it leads, whether or not something is there.
            if Path::new(&named).components().count() == 1 && ours.is_file() {
                (ours, false)
            } else {
                (PathBuf::from(named), true)
            }
        };
        let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(resolve);
        let ours = bin.join(shape.daemon(coin));
        let (daemon, foreign) = set(coin.test_env_daemon).unwrap_or_else(|| (ours.clone(), false));
        let variable_of = |ending: &str| coin.test_env_vars.iter().find(|name| name.ends_with(ending));
        let named = |ending: &str| variable_of(ending).and_then(|name| set(name)).map(|(program, _)| program);
        let cli = named("CLI").unwrap_or_else(|| bin.join(format!("{}-cli", coin.id)));
        let wallet = named("WALLET").or_else(|| (!foreign).then(|| bin.join(format!("{}-wallet", coin.id))));
        let words = variable_of("_CMD").and_then(|name| variable(name)).filter(|words| !words.is_empty());
        let wrapper = match words.and_then(|words| words.into_string().ok()) {
            Some(words) => Some(command_of(&words, resolve)),
            None if foreign => None,
            None => Some(vec![bin.join(coin.id).into_os_string(), shape.wrapper_option().into()]),
        };
        Programs { daemon, foreign, ours, cli, wallet, wrapper }
    }

    /// The same from the environment of this process.
    pub fn from_environment(coin: &Coin, shape: Shape, bin: &Path) -> Programs {
        Programs::find(coin, shape, bin, |name| env::var_os(name))
    }
}

/// A program and its first options, separated by blanks.
fn command_of(words: &str, resolve: impl Fn(OsString) -> (PathBuf, bool)) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
    if let Some(program) = words.first_mut() {
        *program = resolve(std::mem::take(program)).0.into_os_string();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_wins_over_our_own() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("bitcoin-node"), "").unwrap();
        let bitcoin = coin::by_id("bitcoin").unwrap();
        let find = |named: Option<&str>| {
            Programs::find(bitcoin, Shape::Mono, dir.path(), |name| {
                (name == "BITCOIND").then_some(named).flatten().map(OsString::from)
            })
        };
        let ours = find(None);
        assert_eq!((ours.daemon, ours.foreign), (dir.path().join("bitcoind"), false));
        assert_eq!(ours.cli, dir.path().join("bitcoin-cli"));
        let bare = find(Some("bitcoin-node"));
        assert_eq!((bare.daemon, bare.foreign), (dir.path().join("bitcoin-node"), false));
        let path = find(Some("/opt/bin/bitcoind"));
        assert_eq!((path.daemon, path.foreign), (PathBuf::from("/opt/bin/bitcoind"), true));
        assert_eq!(path.ours, dir.path().join("bitcoind"));
        let elsewhere = tempfile::NamedTempFile::new().unwrap();
        assert!(find(elsewhere.path().to_str()).foreign, "a path that is there is still not ours");
    }

    #[test]
    fn tool_and_wrapper_are_ours_unless_they_are_named() {
        let bitcoin = coin::by_id("bitcoin").unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("bitcoin"), "").unwrap();
        let find = |named: &[(&str, &str)]| {
            let variable = |name: &str| named.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
            Programs::find(bitcoin, Shape::Multi, dir.path(), variable)
        };
        let ours = find(&[]);
        assert_eq!(ours.wallet, Some(dir.path().join("bitcoin-wallet")));
        assert_eq!(ours.wrapper, Some(vec![dir.path().join("bitcoin").into(), "-m".into()]));
        let foreign = find(&[("BITCOIND", "/x/bitcoind")]);
        assert_eq!((foreign.wallet, foreign.wrapper), (None, None));
        let named = find(&[("BITCOIND", "/x/d"), ("BITCOINWALLET", "/x/w"), ("BITCOIN_CMD", "bitcoin -M")]);
        assert_eq!(named.wallet, Some("/x/w".into()));
        assert_eq!(named.wrapper, Some(vec![dir.path().join("bitcoin").into(), "-M".into()]));
    }

    #[test]
    fn each_coin_has_a_variable_of_its_own() {
        let daemon = |id: &str| {
            let find = |name: &str| Some(format!("/named-by/{name}").into());
            Programs::find(coin::by_id(id).unwrap(), Shape::Multi, Path::new("/none"), find).daemon
        };
        assert_eq!(daemon("freicoin"), Path::new("/named-by/FREICOIND"));
        assert_eq!(daemon("arcadia"), Path::new("/named-by/BITCOIND"));
    }
}
