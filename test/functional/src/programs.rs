//! Which executables are under test: those that the environment names, else ours.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use coin::Coin;

/// How the software is cut into processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `<coin>d`: everything in one process.
    Mono,
    /// `<coin>-node`, which starts its wallet in a process of its own.
    Multi,
    /// `<coin>-node` without a wallet, and a `<coin>-wallet` that attaches to it.
    Attached,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Shape; 3] = [Shape::Mono, Shape::Multi, Shape::Attached];

    /// As it is written in names and options.
    pub fn name(self) -> &'static str {
        match self {
            Shape::Mono => "mono",
            Shape::Multi => "multi",
            Shape::Attached => "attached",
        }
    }

    /// What makes the wrapper start this shape.
    fn wrapper_option(self) -> &'static str {
        match self {
            Shape::Mono => "-M",
            Shape::Multi | Shape::Attached => "-m",
        }
    }

    /// What the daemon of this shape is called for a coin.
    pub fn daemon(self, coin: &Coin) -> String {
        match self {
            Shape::Mono => format!("{}d", coin.id),
            Shape::Multi | Shape::Attached => format!("{}-node", coin.id),
        }
    }
}

/// An executable, and the words that it is always told first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    path: PathBuf,
    first: Vec<OsString>,
}

impl Program {
    /// The executable.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it is always told first.
    pub fn first(&self) -> &[OsString] {
        &self.first
    }

    /// What starts it.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.args(&self.first);
        command
    }

    /// The same with one more word.
    fn told(&self, word: &str) -> Program {
        let mut program = self.clone();
        program.first.push(word.into());
        program
    }
}

impl From<PathBuf> for Program {
    fn from(path: PathBuf) -> Program {
        Program { path, first: Vec::new() }
    }
}

/// The executables for one coin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// The daemon.
    pub daemon: Program,
    /// Whether the daemon was named by the environment, so that nothing of ours can be relied on.
    pub foreign: bool,
    /// Whether the daemon is of the shape that was asked for. The environment names one only.
    pub fits: bool,
    /// Our daemon, whatever the environment names.
    pub ours: PathBuf,
    /// The command line client.
    pub cli: Program,
    /// The wallet's offline tool; none if the daemon is foreign and nobody says what belongs to it.
    pub wallet: Option<Program>,
    /// The wrapper and its first options, before the command (`BITCOIN_CMD="bitcoin -m"`); none as with the tool.
    pub wrapper: Option<Program>,
}

impl Programs {
    /// Finds the executables; `variable` looks a variable up. A bare name means an executable in `bin`, if it is there,
    /// else one on the search path. Names of executables in `bin` are ours, whoever names them. If the wrapper is named
    /// and the daemon is not, everything is started through the wrapper.
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
        // Coins may share a variable; what has the name of one coin's program is not another one's.
        let theirs = |named: &OsString| is_of_another(coin, Path::new(named));
        let set = |name: &str| variable(name).filter(|value| !value.is_empty() && !theirs(value));
        let variable_of = |ending: &str| coin.test_env_vars.iter().find(|name| name.ends_with(ending));
        let named = |ending: &str| variable_of(ending).and_then(|name| set(name)).map(|path| resolve(path).0.into());
        let words = variable_of("_CMD").and_then(|name| set(name)).and_then(|words| words.into_string().ok());
        let wrapper = words.map(|words| command_of(&words, resolve));

        let ours = bin.join(shape.daemon(coin));
        let (daemon, foreign, fits) = if let Some(named) = set(coin.test_env_daemon) {
            let (path, foreign) = resolve(named);
            let fits = if foreign { shape == Shape::Mono } else { path == ours };
            (path.into(), foreign, fits)
        } else if let Some((wrapper, foreign)) = &wrapper {
            let is_asked_for = wrapper.first.iter().any(|word| word == shape.wrapper_option());
            let fits = if *foreign { shape == Shape::Mono } else { is_asked_for };
            (wrapper.told("node"), *foreign, fits)
        } else {
            (ours.clone().into(), false, true)
        };
        let through = |word: &str| wrapper.as_ref().map(|(wrapper, _)| wrapper.told(word));
        let own = |role: &str| Program::from(bin.join(format!("{}-{role}", coin.id)));
        Programs {
            foreign,
            fits,
            ours,
            // The wrapper's client takes names unless it is told not to.
            cli: named("CLI").or_else(|| Some(through("rpc")?.told("-nonamed"))).unwrap_or_else(|| own("cli")),
            wallet: named("WALLET").or_else(|| through("wallet")).or_else(|| (!foreign).then(|| own("wallet"))),
            wrapper: match wrapper {
                Some((wrapper, _)) => Some(wrapper),
                None if foreign => None,
                None => Some(Program::from(bin.join(coin.id)).told(shape.wrapper_option())),
            },
            daemon,
        }
    }

    /// The same from the environment of this process.
    pub fn from_environment(coin: &Coin, shape: Shape, bin: &Path) -> Programs {
        Programs::find(coin, shape, bin, |name| env::var_os(name))
    }
}

/// Whether a file has the name of a program of another coin.
fn is_of_another(coin: &Coin, named: &Path) -> bool {
    let Some(name) = named.file_name().and_then(|name| name.to_str()) else { return false };
    let has = |other: &&Coin| {
        let rest = name.strip_prefix(other.id);
        rest.is_some_and(|rest| ["", "d", "-node", "-cli", "-wallet"].contains(&rest))
    };
    coin::all().iter().any(|other| other.id != coin.id && has(other))
}

/// A program and its first options, separated by blanks, and whether it is foreign.
fn command_of(words: &str, resolve: impl Fn(OsString) -> (PathBuf, bool)) -> (Program, bool) {
    let mut words = words.split_whitespace().map(OsString::from);
    let (path, foreign) = resolve(words.next().unwrap_or_default());
    (Program { path, first: words.collect() }, foreign)
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
        assert_eq!((ours.daemon.path(), ours.foreign), (&*dir.path().join("bitcoind"), false));
        assert_eq!(ours.cli.path(), dir.path().join("bitcoin-cli"));
        let path = find(Some("/opt/bin/bitcoind"));
        assert_eq!((path.daemon.path(), path.foreign), (Path::new("/opt/bin/bitcoind"), true));
        assert_eq!(path.ours, dir.path().join("bitcoind"));
        let elsewhere = tempfile::NamedTempFile::new().unwrap();
        assert!(find(elsewhere.path().to_str()).foreign, "a path that is there is still not ours");
    }

    #[test]
    fn a_daemon_that_is_named_has_one_shape() {
        let bitcoin = coin::by_id("bitcoin").unwrap();
        let dir = tempfile::tempdir().unwrap();
        for name in ["bitcoin", "bitcoind", "bitcoin-node"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let shapes = |variable: &str, value: &str| {
            Shape::ALL.map(|shape| {
                let find = |name: &str| (name == variable).then(|| value.into());
                Programs::find(bitcoin, shape, dir.path(), find).fits
            })
        };
        assert_eq!(shapes("NOTHING", ""), [true, true, true]);
        assert_eq!(shapes("BITCOIND", "bitcoind"), [true, false, false]);
        assert_eq!(shapes("BITCOIND", "bitcoin-node"), [false, true, true]);
        assert_eq!(shapes("BITCOIND", "/opt/bin/bitcoin-node"), [true, false, false]);
        assert_eq!(shapes("BITCOIN_CMD", "bitcoin -M"), [true, false, false]);
        assert_eq!(shapes("BITCOIN_CMD", "bitcoin -m"), [false, true, true]);
        assert_eq!(shapes("BITCOIN_CMD", "/opt/bin/bitcoin -m"), [true, false, false]);
    }

    #[test]
    fn tool_and_wrapper_are_ours_unless_they_are_named() {
        let bitcoin = coin::by_id("bitcoin").unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("bitcoin"), "").unwrap();
        let program = |path: PathBuf, first: &[&str]| Program { path, first: first.iter().map(Into::into).collect() };
        let find = |named: &[(&str, &str)]| {
            let variable = |name: &str| named.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
            Programs::find(bitcoin, Shape::Multi, dir.path(), variable)
        };
        let ours = find(&[]);
        assert_eq!(ours.wallet, Some(dir.path().join("bitcoin-wallet").into()));
        assert_eq!(ours.wrapper, Some(program(dir.path().join("bitcoin"), &["-m"])));
        let foreign = find(&[("BITCOIND", "/x/bitcoind")]);
        assert_eq!((foreign.wallet, foreign.wrapper), (None, None));
        let named = find(&[("BITCOIND", "/x/d"), ("BITCOINWALLET", "/x/w"), ("BITCOIN_CMD", "bitcoin -M")]);
        assert_eq!((named.daemon, named.wallet), (program("/x/d".into(), &[]), Some(program("/x/w".into(), &[]))));
        assert_eq!(named.wrapper, Some(program(dir.path().join("bitcoin"), &["-M"])));
    }

    #[test]
    fn the_wrapper_starts_what_is_not_named() {
        let bitcoin = coin::by_id("bitcoin").unwrap();
        let find = |name: &str| (name == "BITCOIN_CMD").then(|| "/opt/bin/bitcoin -m".into());
        let programs = Programs::find(bitcoin, Shape::Mono, Path::new("/none"), find);
        let words = |program: &Program| {
            let command = program.command();
            let mut words = vec![command.get_program().to_owned()];
            words.extend(command.get_args().map(ToOwned::to_owned));
            words.join(std::ffi::OsStr::new(" ")).into_string().unwrap()
        };
        assert!(programs.foreign);
        assert_eq!(words(&programs.daemon), "/opt/bin/bitcoin -m node");
        assert_eq!(words(&programs.cli), "/opt/bin/bitcoin -m rpc -nonamed");
        assert_eq!(programs.wallet.as_ref().map(words).unwrap(), "/opt/bin/bitcoin -m wallet");
    }

    #[test]
    fn each_coin_has_a_variable_of_its_own() {
        let daemon = |id: &str, named: &str| {
            let find = |name: &str| Some(format!("{named}/{name}").into());
            let found = Programs::find(coin::by_id(id).unwrap(), Shape::Multi, Path::new("/none"), find);
            found.daemon.path().to_owned()
        };
        assert_eq!(daemon("freicoin", "/x"), Path::new("/x/FREICOIND"));
        // Two coins share this one. A daemon that has the other one's name is not meant.
        let shared = |id: &str, named: &str| {
            let find = |name: &str| (name == "BITCOIND").then(|| named.into());
            Programs::find(coin::by_id(id).unwrap(), Shape::Multi, Path::new("/none"), find).foreign
        };
        for (named, of_arcadia, of_bitcoin) in [
            ("/x/arcadiad", true, false),
            ("/x/bitcoind", false, true),
            ("/x/bitcoin-node", false, true),
            ("/x/d", true, true),
        ] {
            assert_eq!((shared("arcadia", named), shared("bitcoin", named)), (of_arcadia, of_bitcoin), "{named}");
        }
    }
}
