//! The `[<chain>.extra]` tables: facts that only one coin has.

use serde::{Deserialize, de::DeserializeOwned};

use crate::emit::{Emit, field, table};
use crate::facts::{Activation, Bits, Bytes20, Bytes32, Hash32, MaybeTime};
use crate::schema::Bip9;

table!(FreicoinExtra {
    locktime_height: Activation,
    cleanup_height: Activation,
    truncate_inputs_activation_height: Option<Activation>,
    alu_activation_height: Option<Activation>,
    verify_coinbase_lock_time_activation_height: Activation,
    protocol_cleanup_activation_time: MaybeTime,
    size_expansion_activation_time: MaybeTime,
    original_adjust_interval: u32,
    filtered_adjust_interval: u32,
    diff_adjust_threshold: Activation,
    aux_pow_target_spacing: u32,
    perpetual_subsidy: u64,
    equilibrium_height: u32,
    equilibrium_monetary_base: u64,
    initial_excess_subsidy: u64,
    aux_pow_limit: Hash32,
    aux_pow_path: Hash32,
    difficulty_reset_after_block: Option<Hash32>,
    difficulty_reset_bits: Option<Bits>,
    post_size_expansion_coinbase_maturity: u32,
    post_size_expansion_max_block_weight: u32,
    filter_coefficients: Vec<i64>,
    filter_gain: [i64; 2],
    filter_limiter: [i64; 2],
    filter_low: i64,
    filter_high: i64,
    aux_filter_b0_b1_b2_a2: [i64; 4],
    aux_gain: [i64; 2],
    aux_limiter: [i64; 2],
    aux_filter_low: i64,
    aux_filter_high: i64,
    legacy_0_9_testnet_genesis_hash: Option<Hash32>,
});

table!(SyscoinExtra {
    auxpow_chain_id: u32,
    auxpow_old_chain_id: u32,
    auxpow_start_height: Activation,
    strict_chain_id: bool,
    legacy_blocks_before: u32,
    nevm_chain_id: u32,
    sysx_asset: u64,
    bridge_start_block: Activation,
    nevm_start_block: Activation,
    nevm_start_time: u32,
    cl_receipt_start_block: Activation,
    btcc_start_block: Activation,
    bridge_v2_start_block: Activation,
    poda_start_block: Activation,
    v19_start_block: Activation,
    nexus_start_block: Activation,
    nevm_bootstrap_bypass_height: Option<u32>,
    dip3_height: Activation,
    dip3_enforcement_height: Activation,
    superblock_start_block: Activation,
    superblock_cycle: u32,
    superblock_maturity_window: u32,
    governance_min_quorum: u32,
    masternode_min_confirmations: u32,
    min_mn_subsidy: u64,
    seniority_height_1: u32,
    seniority_level_1: f64,
    seniority_height_2: u32,
    seniority_level_2: f64,
    vault_manager_legacy: Bytes20,
    vault_manager: Bytes20,
    token_freeze_topic: Bytes32,
    spork_addresses: Vec<String>,
    min_spork_keys: u32,
    llmq_chainlocks: String,
    pre_nevm_target_spacing: u32,
    masternode_collateral: u64,
    retarget_clamp_from_bridge: [u32; 2],
});

table!(OtherExtra {
    #[serde(default)]
    contrib_seed_nodes: Vec<String>,
    pre_v6_bip34_65_66_csv_height: Option<u32>,
    pre_v6_bip34_hash: Option<Hash32>,
});

/// The keys that Freicoin's main net states once for all of its chains.
const STATED_BY_MAIN: [&str; 12] = [
    "post_size_expansion_coinbase_maturity",
    "post_size_expansion_max_block_weight",
    "filter_coefficients",
    "filter_gain",
    "filter_limiter",
    "filter_low",
    "filter_high",
    "aux_filter_b0_b1_b2_a2",
    "aux_gain",
    "aux_limiter",
    "aux_filter_low",
    "aux_filter_high",
];

/// One chain's extras. The table stays raw until main's values have been filled in.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Extra(toml::Table);

/// What the table turned out to be.
#[derive(Default)]
struct Parsed {
    freicoin: Option<FreicoinExtra>,
    syscoin: Option<SyscoinExtra>,
    other: Option<OtherExtra>,
    deployments: Vec<(&'static str, Bip9)>,
}

impl Extra {
    /// Fills in what Freicoin's main net states for all of its chains.
    pub(crate) fn inherit(&mut self, main: &Self) {
        if !self.is_freicoin() {
            return;
        }
        for key in STATED_BY_MAIN {
            if let (false, Some(value)) = (self.0.contains_key(key), main.0.get(key)) {
                self.0.insert(key.to_owned(), value.clone());
            }
        }
    }

    /// Whether the table has exactly the keys that its coin needs.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.parse().map(drop)
    }

    /// The version-bits deployments that only this coin has.
    pub(crate) fn deployments(&self) -> Vec<(&'static str, Bip9)> {
        self.parse().map(|parsed| parsed.deployments).unwrap_or_default()
    }

    fn is_freicoin(&self) -> bool {
        self.0.contains_key("aux_pow_path")
    }

    fn parse(&self) -> Result<Parsed, String> {
        let mut table = self.0.clone();
        let mut parsed = Parsed::default();
        if table.is_empty() {
            return Ok(parsed);
        }
        if self.is_freicoin() {
            for (name, key) in [("finaltx", "bip9_finaltx"), ("auxpow", "bip9_auxpow")] {
                let value = table.remove(key).ok_or_else(|| format!("missing key extra.{key}"))?;
                parsed.deployments.push((name, value.try_into().map_err(|e| format!("extra.{key}: {e}"))?));
            }
            parsed.freicoin = Some(read(table)?);
        } else if table.contains_key("auxpow_chain_id") {
            parsed.syscoin = Some(read(table)?);
        } else {
            parsed.other = Some(read(table)?);
        }
        Ok(parsed)
    }
}

fn read<T: DeserializeOwned>(table: toml::Table) -> Result<T, String> {
    table.try_into().map_err(|e: toml::de::Error| format!("extra: {e}"))
}

impl Emit for Extra {
    fn emit(&self, out: &mut String) {
        let parsed = self.parse().expect("checked after reading");
        out.push_str("Extra { ");
        field(out, "freicoin", &parsed.freicoin);
        field(out, "syscoin", &parsed.syscoin);
        field(out, "other", &parsed.other);
        out.push('}');
    }
}
