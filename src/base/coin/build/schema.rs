//! The shape of a file. A table here has the keys of the TOML and becomes the public struct of the same name.

use serde::{Deserialize, Deserializer, de::Error};

use crate::emit::{Emit, field, source, table};
use crate::extra::Extra;
use crate::facts::{
    Activation, Bech32V0, Bits, Bytes, Bytes4, DifficultyAlgo, Flags, Hash32, HashFunction, HeaderFormat, MaybeBytes,
    MaybeText, MaybeTime, Start, TxFormat,
};

/// A whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    schema: u32,
    coin: Names,
    consensus: ConsensusConstants,
    main: Chain,
    test: Option<Chain>,
    testnet4: Option<Chain>,
    signet: Option<Chain>,
    regtest: Chain,
}

impl Document {
    /// Reads and checks a file.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut document: Self = toml::from_str(text).map_err(|e| e.to_string())?;
        if document.schema != 1 {
            return Err(format!("schema is {}, this build reads 1", document.schema));
        }
        let Self { main, test, testnet4, signet, regtest, .. } = &mut document;
        for chain in [test.as_mut(), testnet4.as_mut(), signet.as_mut(), Some(regtest)].into_iter().flatten() {
            chain.extra.inherit(&main.extra);
        }
        for (name, chain) in document.chains() {
            chain.check().map_err(|e| format!("[{name}]: {e}"))?;
        }
        Ok(document)
    }

    /// The name that the coin is known by.
    pub(crate) fn id(&self) -> &str {
        &self.coin.id
    }

    fn chains(&self) -> Vec<(&'static str, &Chain)> {
        let all = [
            ("Main", Some(&self.main)),
            ("Test", self.test.as_ref()),
            ("Testnet4", self.testnet4.as_ref()),
            ("Signet", self.signet.as_ref()),
            ("Regtest", Some(&self.regtest)),
        ];
        all.into_iter().filter_map(|(name, chain)| Some((name, chain?))).collect()
    }
}

impl Emit for Document {
    fn emit(&self, out: &mut String) {
        out.push_str("Coin { ");
        self.coin.emit_fields(out);
        field(out, "consensus", &self.consensus);
        out.push_str("chains: &[");
        for (kind, chain) in self.chains() {
            out.push_str(&format!("\nChain {{ kind: ChainKind::{kind}, "));
            chain.emit_fields(out);
            out.push_str(&format!("deployments: &[{}] ", chain.deployments(kind).join(", ")));
            out.push_str("}, ");
        }
        out.push_str("] }");
    }
}

table!(Unit { symbol: String, sat: u64 });

table!(Names {
    id: String,
    name: String,
    client_name: String,
    ticker: String,
    minor_unit: String,
    units: Vec<Unit>,
    version: String,
    upstream_base: String,
    repo: String,
    commit: String,
    license: String,
    datadir_unix: String,
    datadir_macos: String,
    datadir_windows: String,
    windows_legacy_datadir: MaybeText,
    conf_file: String,
    pid_file: String,
    user_agent_name: String,
    protocol_version: u32,
    message_magic: String,
    bech32_v0_encoding: Bech32V0,
    binaries: Vec<String>,
    test_env_daemon: String,
    test_env_vars: Vec<String>,
});

table!(ConsensusConstants {
    block_hash: HashFunction,
    pow_hash: HashFunction,
    header_format: HeaderFormat,
    tx_format: TxFormat,
    coin: u64,
    max_money: u64,
    coinbase_maturity: u32,
    max_block_weight: u32,
    max_block_serialized_size: u32,
    max_block_sigops_cost: u32,
    witness_scale_factor: u32,
    max_protocol_message_length: u32,
    max_future_block_time: u32,
    min_difficulty_gap_multiplier: u32,
    subsidy: Subsidy,
});

/// The subsidy schedules. The public enum has a variant for each.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Subsidy {
    Steps(StepsSubsidy),
    Freicoin(FreicoinSubsidy),
    Syscoin(SyscoinSubsidy),
}

impl Emit for Subsidy {
    fn emit(&self, out: &mut String) {
        out.push_str(&match self {
            Self::Steps(it) => format!("Subsidy::Steps({})", source(it)),
            Self::Freicoin(it) => format!("Subsidy::Freicoin({})", source(it)),
            Self::Syscoin(it) => format!("Subsidy::Syscoin({})", source(it)),
        });
    }
}

table!(SubsidyStep { from: u32, amount: u64, halve: bool });

table!(SubsidyVector { height: u32, amount: u64 });

table!(DemurrageVector { value: u64, distance: u32, result: u64 });

table!(StepsSubsidy {
    steps: Vec<SubsidyStep>,
    max_halvings: u32,
    vectors: Vec<SubsidyVector>,
});

table!(FreicoinSubsidy {
    perpetual: u64,
    equilibrium_height: u32,
    equilibrium_monetary_base: u64,
    initial_excess: u64,
    vectors: Vec<SubsidyVector>,
    subsidy_limit_sum: u64,
    demurrage_vectors: Vec<DemurrageVector>,
});

table!(SyscoinSubsidy {
    base: u64,
    post_nevm_factor: f64,
    height_1: u64,
    height_0: u64,
    reduction_per_interval_divisor: u64,
    max_reductions: u32,
    superblock_part: f64,
    miner_share_percent: u32,
    masternode_share_percent: u32,
    regtest: String,
    vectors: Vec<SubsidyVector>,
});

table!(FlagException { block: Hash32, flags: Flags });

table!(Checkpoint { height: u32, hash: Hash32 });

table!(ChainTxData { time: u32, tx_count: u64, tx_rate: f64 });

table!(HeadersSync { commitment_period: u32, redownload_buffer_size: u32 });

table!(Snapshot { height: u32, hash_serialized: Hash32, chain_tx_count: u64, blockhash: Hash32 });

table!(GenesisOutput { value: u64, script: Bytes });

table!(Genesis {
    time: u32,
    nonce: u32,
    bits: Bits,
    version: i32,
    reward: u64,
    timestamp_text: String,
    tx_version: i32,
    script_sig: Bytes,
    outputs: Vec<GenesisOutput>,
    #[serde(default)]
    tx_lock_time: u32,
    tx_lock_height: Option<u32>,
    coinbase_tx: Bytes,
    merkle_root: Hash32,
    hash: Hash32,
    source_asserted_merkle_root: Option<Hash32>,
    source_nonce: Option<u32>,
    source_literal_merkle_root: Option<Hash32>,
    source_literal_hash: Option<Hash32>,
});

table!(Chain {
    datadir_subdir: String,
    magic: Bytes4,
    p2p_port: u16,
    rpc_port: u16,
    onion_port: u16,
    base58_pubkey: u8,
    base58_script: u8,
    base58_secret: u8,
    ext_public: Bytes4,
    ext_secret: Bytes4,
    bech32_hrp: String,
    addr_zero_p2pkh: String,
    addr_zero_p2sh: String,
    addr_zero_wit20: String,
    dns_seeds: Vec<String>,
    fixed_seeds_usable: bool,
    halving_interval: u32,
    pow_limit: Hash32,
    pow_limit_bits: Bits,
    difficulty_algo: DifficultyAlgo,
    pow_target_timespan: u32,
    pow_target_spacing: u32,
    allow_min_difficulty: bool,
    no_retargeting: bool,
    enforce_bip94: bool,
    bip34_height: Activation,
    bip34_hash: Hash32,
    bip65_height: Activation,
    bip66_height: Activation,
    csv_height: Activation,
    segwit_height: Activation,
    taproot: Taproot,
    bip9_window: u32,
    bip9_threshold: u32,
    min_bip9_warning_height: u32,
    minimum_chain_work: Hash32,
    assume_valid: Hash32,
    signet_challenge: MaybeBytes,
    script_flag_exceptions: Vec<FlagException>,
    checkpoints: Vec<Checkpoint>,
    prune_after_height: u32,
    assumed_blockchain_gb: u64,
    assumed_chain_state_gb: u64,
    tx_data: ChainTxData,
    headers_sync: HeadersSync,
    assumeutxo: Vec<Snapshot>,
    genesis: Genesis,
    extra: Extra,
});

impl Chain {
    /// Facts that must agree with one another.
    fn check(&self) -> Result<(), String> {
        self.extra.check()?;
        let reward: u64 = self.genesis.outputs.iter().map(|output| output.value).sum();
        if reward != self.genesis.reward {
            return Err(format!("genesis.reward is {}, but its outputs pay {reward}", self.genesis.reward));
        }
        if self.bip9_threshold > self.bip9_window {
            return Err("bip9_threshold is above bip9_window".to_owned());
        }
        if self.bech32_hrp.is_empty() || self.bech32_hrp.chars().any(|c| !c.is_ascii_lowercase()) {
            return Err(format!("bech32_hrp \"{}\" is not lower case", self.bech32_hrp));
        }
        Ok(())
    }

    /// The version-bits deployments. The one that tests signal with exists in every coin: only regtest starts it.
    fn deployments(&self, kind: &str) -> Vec<String> {
        let dummy = Start(if kind == "Regtest" { 0 } else { -2 });
        let dummy = Bip9 { bit: 28, start_time: dummy, timeout: MaybeTime::NEVER, min_activation_height: 0 };
        let extra = self.extra.deployments();
        let mut all = vec![("testdummy", &dummy)];
        all.extend(self.taproot.bip9.as_ref().map(|it| ("taproot", it)));
        all.extend(extra.iter().map(|(name, it)| (*name, it)));
        all.iter()
            .map(|(name, it)| {
                let mut text = format!("Deployment {{ name: \"{name}\", ");
                it.emit_fields(&mut text);
                field(&mut text, "window", &self.bip9_window);
                field(&mut text, "threshold", &self.bip9_threshold);
                text + "}"
            })
            .collect()
    }
}

table!(Bip9 {
    bit: u8,
    start_time: Start,
    timeout: MaybeTime,
    #[serde(default)]
    min_activation_height: u32,
});

/// How taproot comes into force, and the deployment that the source declares for it, if any.
pub(crate) struct Taproot {
    mode: &'static str,
    bip9: Option<Bip9>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTaproot {
    mode: String,
    bit: Option<u8>,
    #[serde(alias = "declared_start")]
    start_time: Option<Start>,
    #[serde(alias = "declared_timeout")]
    timeout: Option<MaybeTime>,
    #[serde(alias = "declared_min_activation_height")]
    min_activation_height: Option<u32>,
}

impl<'de> Deserialize<'de> for Taproot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawTaproot::deserialize(deserializer)?;
        let bip9 = match (raw.bit, raw.start_time, raw.timeout, raw.min_activation_height) {
            (None, None, None, None) => None,
            (Some(bit), Some(start_time), Some(timeout), Some(min_activation_height)) => {
                Some(Bip9 { bit, start_time, timeout, min_activation_height })
            }
            _ => return Err(D::Error::custom("a deployment needs bit, start, timeout and min_activation_height")),
        };
        let mode = match (raw.mode.as_str(), &bip9) {
            ("always", _) => "Always",
            ("absent", None) => "Absent",
            ("bip9", Some(_)) => "Bip9",
            (mode, _) => return Err(D::Error::custom(format!("taproot mode \"{mode}\" does not fit its other keys"))),
        };
        Ok(Self { mode, bip9 })
    }
}

impl Emit for Taproot {
    fn emit(&self, out: &mut String) {
        out.push_str("Taproot::");
        out.push_str(self.mode);
    }
}
