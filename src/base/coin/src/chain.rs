//! A chain of a coin: how its network is told apart, when its rules start, and where its history is pinned.

use std::fmt;

use crate::{Extra, FreicoinExtra, Genesis, SyscoinExtra};

/// Which of a coin's networks a chain is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChainKind {
    /// The network with value.
    Main,
    /// The old public test network.
    Test,
    /// Bitcoin's test network since 2024.
    Testnet4,
    /// The test network whose blocks are signed.
    Signet,
    /// The private network for tests.
    Regtest,
}

impl ChainKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Main, Self::Test, Self::Testnet4, Self::Signet, Self::Regtest];

    /// The name that `-chain`, configuration sections and RPC answers use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Test => "test",
            Self::Testnet4 => "testnet4",
            Self::Signet => "signet",
            Self::Regtest => "regtest",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for ChainKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// From which height a rule holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activation {
    /// From this height on.
    At(u32),
    /// The rule exists, and it never starts.
    Never,
    /// The coin does not have the rule.
    Absent,
}

impl Activation {
    /// Whether the rule holds in a block of that height.
    pub fn is_active_at(self, height: u32) -> bool {
        self.height().is_some_and(|start| height >= start)
    }

    /// The height, if there is one.
    pub fn height(self) -> Option<u32> {
        match self {
            Self::At(height) => Some(height),
            Self::Never | Self::Absent => None,
        }
    }
}

/// One chain.
#[derive(Debug, PartialEq)]
pub struct Chain {
    /// Which one it is.
    pub kind: ChainKind,
    /// Its directory in the data directory; empty for the data directory itself.
    pub datadir_subdir: &'static str,
    /// The four bytes in front of each P2P message and each block on disk.
    pub magic: [u8; 4],
    /// The default P2P port.
    pub p2p_port: u16,
    /// The default RPC port.
    pub rpc_port: u16,
    /// The default port for connections from Tor.
    pub onion_port: u16,
    /// The first byte of a base58 address that pays to a public key hash.
    pub base58_pubkey: u8,
    /// The first byte of a base58 address that pays to a script hash.
    pub base58_script: u8,
    /// The first byte of a base58 private key.
    pub base58_secret: u8,
    /// The first bytes of an extended public key.
    pub ext_public: [u8; 4],
    /// The first bytes of an extended private key.
    pub ext_secret: [u8; 4],
    /// The first characters of a bech32 address.
    pub bech32_hrp: &'static str,
    /// The P2PKH address of twenty zero bytes.
    pub addr_zero_p2pkh: &'static str,
    /// The P2SH address of twenty zero bytes.
    pub addr_zero_p2sh: &'static str,
    /// The version 0 witness address of twenty zero bytes.
    pub addr_zero_wit20: &'static str,
    /// Names that resolve to nodes.
    pub dns_seeds: &'static [&'static str],
    /// Whether the reference client's built-in list of nodes belongs to this network.
    pub fixed_seeds_usable: bool,
    /// How many blocks lie between halvings; 0 where nothing halves.
    pub halving_interval: u32,
    /// The easiest target, least significant byte first.
    pub pow_limit: [u8; 32],
    /// The easiest target in compact form.
    pub pow_limit_bits: u32,
    /// The retargeting rule.
    pub difficulty_algo: DifficultyAlgo,
    /// How many seconds a retarget period should last.
    pub pow_target_timespan: u32,
    /// How many seconds a block should take.
    pub pow_target_spacing: u32,
    /// Whether a block that comes late may have the easiest target.
    pub allow_min_difficulty: bool,
    /// Whether the target never changes.
    pub no_retargeting: bool,
    /// Whether BIP94 guards the start of a retarget period.
    pub enforce_bip94: bool,
    /// BIP34, the height in the coinbase.
    pub bip34_height: Activation,
    /// The block at the BIP34 height, which makes looking for duplicate transactions unnecessary; zero where unknown.
    pub bip34_hash: [u8; 32],
    /// BIP65, CHECKLOCKTIMEVERIFY.
    pub bip65_height: Activation,
    /// BIP66, strict DER signatures.
    pub bip66_height: Activation,
    /// BIP68, BIP112 and BIP113, relative lock times.
    pub csv_height: Activation,
    /// BIP141, BIP143 and BIP147, the witness.
    pub segwit_height: Activation,
    /// BIP341 and BIP342, taproot.
    pub taproot: Taproot,
    /// How many blocks a version-bits period has.
    pub bip9_window: u32,
    /// How many of them must signal.
    pub bip9_threshold: u32,
    /// Below this height, unknown version bits are not warned about.
    pub min_bip9_warning_height: u32,
    /// The work that a chain must have before the node leaves initial download, least significant byte first.
    pub minimum_chain_work: [u8; 32],
    /// The block up to which scripts are assumed to be valid; zero for none.
    pub assume_valid: [u8; 32],
    /// The script that a block's signature must satisfy, on a signet.
    pub signet_challenge: Option<&'static [u8]>,
    /// Blocks whose scripts are checked with other flags.
    pub script_flag_exceptions: &'static [FlagException],
    /// Blocks that the reference client insists on.
    pub checkpoints: &'static [Checkpoint],
    /// Below this height nothing is pruned.
    pub prune_after_height: u32,
    /// About how large the block files are, in GB, for messages about disk space.
    pub assumed_blockchain_gb: u64,
    /// About how large the UTXO set is, in GB.
    pub assumed_chain_state_gb: u64,
    /// How many transactions there were at some time, to guess how far a synchronisation has come.
    pub tx_data: ChainTxData,
    /// How a header chain is fetched twice, so that a peer cannot fill the memory with a worthless one.
    pub headers_sync: HeadersSync,
    /// The UTXO snapshots that may be loaded.
    pub assumeutxo: &'static [Snapshot],
    /// The first block.
    pub genesis: Genesis,
    /// Facts that only one coin has.
    pub extra: Extra,
    /// The version-bits deployments, `testdummy` first.
    pub deployments: &'static [Deployment],
}

impl Chain {
    /// Freicoin's own facts, on Freicoin's chains.
    pub fn freicoin(&self) -> Option<&FreicoinExtra> {
        self.extra.freicoin.as_ref()
    }

    /// Syscoin's own facts, on Syscoin's chains (but not its signet, which is Bitcoin's).
    pub fn syscoin(&self) -> Option<&SyscoinExtra> {
        self.extra.syscoin.as_ref()
    }

    /// The version-bits deployment of that name.
    pub fn deployment(&self, name: &str) -> Option<&'static Deployment> {
        self.deployments.iter().find(|deployment| deployment.name == name)
    }

    /// Whether this is a network for tests.
    pub fn is_test_chain(&self) -> bool {
        self.kind != ChainKind::Main
    }
}

/// A retargeting rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DifficultyAlgo {
    /// Once a period, by the time that the period took.
    Bitcoin,
    /// Bitcoin's until a height, then a filter over the last blocks.
    Freicoin,
    /// Bitcoin's with an interval and limits that change by height.
    Syscoin,
}

/// How taproot comes into force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Taproot {
    /// In every block, script-flag exceptions aside.
    Always,
    /// When the deployment `taproot` becomes active.
    Bip9,
    /// The coin does not have it.
    Absent,
}

/// A version-bits deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deployment {
    /// The name in RPC answers and in `-vbparams`.
    pub name: &'static str,
    /// The bit of the block version that signals.
    pub bit: u8,
    /// When signalling starts.
    pub start_time: Start,
    /// The median time at which signalling fails; nothing if it never does.
    pub timeout: Option<i64>,
    /// The first height at which a locked-in deployment may become active.
    pub min_activation_height: u32,
    /// How many blocks a period has.
    pub window: u32,
    /// How many of them must signal.
    pub threshold: u32,
}

/// When signalling for a deployment starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Start {
    /// It is active from the genesis block on.
    AlwaysActive,
    /// It is switched off.
    NeverActive,
    /// From this median time on.
    At(i64),
}

/// A block whose scripts are checked with other flags than its height would give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlagException {
    /// The block's hash.
    pub block: [u8; 32],
    /// The only flags among P2SH, WITNESS and TAPROOT that it is checked with.
    pub flags: &'static [ScriptFlag],
}

/// A script flag that exceptions can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScriptFlag {
    /// BIP16.
    P2sh,
    /// BIP141.
    Witness,
}

/// A block that is known to be in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Its height.
    pub height: u32,
    /// Its hash.
    pub hash: [u8; 32],
}

/// How many transactions a chain had at a time, and how fast new ones came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChainTxData {
    /// The time, in seconds since 1970.
    pub time: u32,
    /// How many there were up to then.
    pub tx_count: u64,
    /// How many have come each second since.
    pub tx_rate: f64,
}

/// The numbers of fetching headers twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadersSync {
    /// One bit is remembered for so many headers.
    pub commitment_period: u32,
    /// How many headers of the second pass wait until their commitments are trusted.
    pub redownload_buffer_size: u32,
}

/// A UTXO snapshot that may be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot {
    /// The height of its block.
    pub height: u32,
    /// The hash of the serialized set.
    pub hash_serialized: [u8; 32],
    /// How many transactions the chain has up to there, that block included.
    pub chain_tx_count: u64,
    /// The block's hash.
    pub blockhash: [u8; 32],
}
