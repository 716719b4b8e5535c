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
        let client = coin.test_env_vars.iter().find(|name| name.ends_with("CLI"));
        let cli =
            client.and_then(|name| set(name)).map_or_else(|| bin.join(format!("{}-cli", coin.id)), |(cli, _)| cli);
        Programs { daemon, foreign, ours, cli }
    }

    /// The same from the environment of this process.
    pub fn from_environment(coin: &Coin, shape: Shape, bin: &Path) -> Programs {
        Programs::find(coin, shape, bin, |name| env::var_os(name))
    }
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
    fn each_coin_has_a_variable_of_its_own() {
        let daemon = |id: &str| {
            let find = |name: &str| Some(format!("/named-by/{name}").into());
            Programs::find(coin::by_id(id).unwrap(), Shape::Multi, Path::new("/none"), find).daemon
        };
        assert_eq!(daemon("freicoin"), Path::new("/named-by/FREICOIND"));
        assert_eq!(daemon("arcadia"), Path::new("/named-by/BITCOIND"));
    }
}
