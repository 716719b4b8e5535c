//! A coin: its names, its directories, its executables, and the way to its chains.

use crate::{Chain, ChainKind, ConsensusConstants};

/// Whom users of a build tell about its bugs.
pub const BUG_CONTACT: &str = "the maintainers of this build";

/// One coin.
#[derive(Debug, PartialEq)]
pub struct Coin {
    /// The name in file names and on command lines, such as `bitcoin`.
    pub id: &'static str,
    /// The name in prose, such as `Bitcoin`.
    pub name: &'static str,
    /// The name of the client, such as `Bitcoin Core`.
    pub client_name: &'static str,
    /// The currency code in help texts and error messages, such as `BTC`.
    pub ticker: &'static str,
    /// The name of the smallest unit.
    pub minor_unit: &'static str,
    /// The units that amounts are shown in, largest first.
    pub units: &'static [Unit],
    /// The version of the reference daemon that the facts were read from.
    pub version: &'static str,
    /// What that daemon was forked from.
    pub upstream_base: &'static str,
    /// Where its source is.
    pub repo: &'static str,
    /// The revision that was read.
    pub commit: &'static str,
    /// The licence of that source. Only facts were taken from it.
    pub license: &'static str,
    /// The data directory on Unix; `~` is the user's home.
    pub datadir_unix: &'static str,
    /// The data directory on macOS.
    pub datadir_macos: &'static str,
    /// The data directory on Windows; `%NAME%` is an environment variable.
    pub datadir_windows: &'static str,
    /// The data directory that older versions used on Windows. It is kept where it exists.
    pub windows_legacy_datadir: Option<&'static str>,
    /// The configuration file in the data directory.
    pub conf_file: &'static str,
    /// The file that holds the daemon's process id.
    pub pid_file: &'static str,
    /// The name between the slashes of the user agent.
    pub user_agent_name: &'static str,
    /// The P2P protocol version.
    pub protocol_version: u32,
    /// What is hashed in front of a signed message.
    pub message_magic: &'static str,
    /// The checksum of version 0 witness addresses.
    pub bech32_v0_encoding: Bech32V0,
    /// The executables of the reference client.
    pub binaries: &'static [&'static str],
    /// The environment variable by which the coin's own test suite finds the daemon.
    pub test_env_daemon: &'static str,
    /// All the environment variables that its test suite reads.
    pub test_env_vars: &'static [&'static str],
    /// The numbers and formats that hold on every chain.
    pub consensus: ConsensusConstants,
    /// The chains: `main` first, `regtest` last.
    pub chains: &'static [Chain],
}

impl Coin {
    /// The chain of that kind, if the coin has one.
    pub fn chain(&self, kind: ChainKind) -> Option<&'static Chain> {
        self.chains.iter().find(|chain| chain.kind == kind)
    }

    /// The main chain, which every coin has.
    ///
    /// # Panics
    /// Never: the build refuses a coin without a main chain.
    pub fn main(&self) -> &'static Chain {
        self.chain(ChainKind::Main).expect("the build script requires [main]")
    }
}

/// A unit that amounts can be shown in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// What stands behind the number.
    pub symbol: &'static str,
    /// How many of the smallest unit it is.
    pub sat: u64,
}

/// The checksum of version 0 witness addresses. Higher versions use bech32m in every coin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bech32V0 {
    /// BIP173.
    Bech32,
    /// BIP350, for version 0 as well.
    Bech32m,
}
