//! Which coin and which role a program has: read from its own file name, exactly.
//!
//! One executable per role is built and linked under every coin's names. `freicoin-node` is the node of Freicoin,
//! `bitcoind` the monolithic daemon of Bitcoin, `syscoin` the wrapper of Syscoin. Suffixes do not count: `my-bitcoind`
//! is nobody.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use coin::Coin;

/// What a program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// `<coin>-node`: the node as its own process.
    Node,
    /// `<coin>d`: node and wallet in one process.
    Daemon,
    /// `<coin>-wallet`: the wallet process and the offline tool.
    Wallet,
    /// `<coin>-gui`: the GUI as its own process.
    Gui,
    /// `<coin>-qt`: GUI, node and wallet in one process.
    Qt,
    /// `<coin>-cli`: the RPC client.
    Cli,
    /// `<coin>`: the wrapper that starts the others.
    Wrapper,
}

impl Role {
    /// All roles, in the order in which they are explained.
    pub const ALL: [Self; 7] = [Self::Node, Self::Daemon, Self::Wallet, Self::Gui, Self::Qt, Self::Cli, Self::Wrapper];

    /// What follows the coin's id in the file name.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Node => "-node",
            Self::Daemon => "d",
            Self::Wallet => "-wallet",
            Self::Gui => "-gui",
            Self::Qt => "-qt",
            Self::Cli => "-cli",
            Self::Wrapper => "",
        }
    }

    /// The role may listen for and start other processes. The monolithic twins refuse the options for it.
    pub fn is_multiprocess(self) -> bool {
        matches!(self, Self::Node | Self::Gui)
    }

    /// The role runs a node, here or in a process that it starts.
    pub fn is_server(self) -> bool {
        matches!(self, Self::Node | Self::Daemon | Self::Gui | Self::Qt)
    }

    /// The role shows windows.
    pub fn is_gui(self) -> bool {
        matches!(self, Self::Gui | Self::Qt)
    }
}

/// The file name of a coin's program, without the system's ending.
pub fn executable(coin: &Coin, role: Role) -> String {
    format!("{}{}", coin.id, role.suffix())
}

/// All names under which a coin's programs are installed.
pub fn installed_names(coin: &Coin) -> impl Iterator<Item = (Role, String)> {
    Role::ALL.into_iter().map(move |role| (role, executable(coin, role)))
}

/// Reads coin and role from the path of the running program.
pub fn identify(program: &Path) -> Result<(&'static Coin, Role), UnknownName> {
    let name = program.file_name().unwrap_or_default();
    // Windows does not tell names apart by case, and passes on what was typed.
    let compared = if cfg!(windows) { name.to_ascii_lowercase() } else { name.to_owned() };
    let stem = compared.to_str().map(|name| name.strip_suffix(std::env::consts::EXE_SUFFIX).unwrap_or(name));
    for coin in coin::all() {
        let rest = stem.and_then(|stem| stem.strip_prefix(coin.id));
        if let Some(role) = rest.and_then(|rest| Role::ALL.into_iter().find(|role| role.suffix() == rest)) {
            return Ok((coin, role));
        }
    }
    Err(UnknownName { name: name.to_string_lossy().into_owned() })
}

/// The program of the same coin that has another role, beside this one.
pub fn sibling(program: &Path, coin: &Coin, role: Role) -> PathBuf {
    program.with_file_name(file_name(&executable(coin, role)))
}

fn file_name(executable: &str) -> OsString {
    OsString::from(format!("{executable}{}", std::env::consts::EXE_SUFFIX))
}

/// Where the wrapper looks for another program, best place first: `libexec` when it is installed in a `bin` directory,
/// then its own directory. The caller passes its real path, symbolic links resolved. The search path is the last
/// resort, and only when `invoked_as` has no directory, so that a local build never starts a system's program by
/// mistake.
pub fn candidates(program: &Path, invoked_as: &OsStr, executable: &str) -> (Vec<PathBuf>, Option<OsString>) {
    let name = file_name(executable);
    let mut paths = Vec::new();
    if let Some(directory) = program.parent() {
        if directory.file_name() == Some(OsStr::new("bin")) {
            paths.extend(directory.parent().map(|prefix| prefix.join("libexec").join(&name)));
        }
        paths.push(directory.join(&name));
    }
    let searched = Path::new(invoked_as).parent().is_none_or(|parent| parent.as_os_str().is_empty());
    (paths, searched.then_some(name))
}

/// The program's file name says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", explain(.name))]
pub struct UnknownName {
    /// The file name.
    pub name: String,
}

fn explain(name: &str) -> String {
    let coins: Vec<&str> = coin::all().iter().map(|coin| coin.id).collect();
    let example = coins.first().copied().unwrap_or("bitcoin");
    let roles: Vec<String> = Role::ALL.iter().map(|role| format!("<coin>{}", role.suffix())).collect();
    format!(
        "This program takes its coin and its role from its own file name, and '{name}' names neither.\n\
         Names are {}, where <coin> is one of {}.\n\
         'cargo xtask install --coin {example} --prefix DIR' installs a coin's programs under their names; a link works \
         too: 'ln {name} {example}-node'.",
        roles.join(", "),
        coins.join(", "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Option<(&'static str, Role)> {
        identify(Path::new(name)).ok().map(|(coin, role)| (coin.id, role))
    }

    #[test]
    fn every_installed_name_is_recognised() {
        for coin in coin::all() {
            for (role, name) in installed_names(coin) {
                assert_eq!(named(&format!("/usr/bin/{name}")), Some((coin.id, role)), "{name}");
            }
        }
    }

    #[test]
    fn names_count_exactly() {
        assert_eq!(named("bitcoind"), Some(("bitcoin", Role::Daemon)));
        assert_eq!(named("bitcoin"), Some(("bitcoin", Role::Wrapper)));
        assert_eq!(named("./freicoin-node"), Some(("freicoin", Role::Node)));
        for name in ["node", "my-bitcoind", "bitcoin-node2", "bitcoindd", "bitcoin_node", "", "/", "dogecoind"] {
            assert_eq!(named(name), None, "{name}");
        }
        assert_eq!(named("Bitcoind").is_some(), cfg!(windows));
    }

    #[test]
    fn an_unknown_name_explains_itself() {
        let text = identify(Path::new("/tmp/node")).unwrap_err().to_string();
        for part in ["'node'", "<coin>-wallet", "freicoin", "cargo xtask install", "ln node"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn siblings_are_in_the_same_directory() {
        let coin = coin::by_id("freicoin").unwrap();
        let path = sibling(Path::new("/opt/x/freicoin-node"), coin, Role::Wallet);
        assert_eq!(path, Path::new("/opt/x").join(file_name("freicoin-wallet")));
    }

    #[test]
    fn the_wrapper_looks_in_libexec_first() {
        let name = file_name("bitcoin-node");
        let (paths, searched) = candidates(Path::new("/usr/bin/bitcoin"), OsStr::new("bitcoin"), "bitcoin-node");
        assert_eq!(paths, [Path::new("/usr/libexec").join(&name), Path::new("/usr/bin").join(&name)]);
        assert_eq!(searched, Some(name));
        let (paths, searched) = candidates(Path::new("/src/out/bitcoin"), OsStr::new("out/bitcoin"), "bitcoin-node");
        assert_eq!(paths.len(), 1);
        assert_eq!(searched, None);
    }
}
