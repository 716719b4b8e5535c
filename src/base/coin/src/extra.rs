//! Facts that only one coin has.

use crate::Activation;

/// The facts of a chain that only its coin has.
#[derive(Debug, PartialEq)]
pub struct Extra {
    /// Freicoin's.
    pub freicoin: Option<FreicoinExtra>,
    /// Syscoin's.
    pub syscoin: Option<SyscoinExtra>,
    /// Historical notes of the others.
    pub other: Option<OtherExtra>,
}

/// Freicoin's own consensus numbers.
#[derive(Debug, PartialEq)]
pub struct FreicoinExtra {
    /// From here BIP68 and BIP113 hold.
    pub locktime_height: Activation,
    /// From here the protocol clean-up holds.
    pub cleanup_height: Activation,
    /// From here the values of inputs are truncated; unset on signet, where the source leaves it uninitialised.
    pub truncate_inputs_activation_height: Option<Activation>,
    /// From here values are computed with the integer ladder; unset on signet.
    pub alu_activation_height: Option<Activation>,
    /// From here a coinbase's lock time must be its parent's median time.
    pub verify_coinbase_lock_time_activation_height: Activation,
    /// From this median time the protocol clean-up is in force.
    pub protocol_cleanup_activation_time: Option<i64>,
    /// From this median time blocks may be large.
    pub size_expansion_activation_time: Option<i64>,
    /// Blocks between retargets at first.
    pub original_adjust_interval: u32,
    /// Blocks between retargets by filter.
    pub filtered_adjust_interval: u32,
    /// From here the filter sets the difficulty.
    pub diff_adjust_threshold: Activation,
    /// How many seconds a merged-mined block should take.
    pub aux_pow_target_spacing: u32,
    /// What each block pays for ever, on this chain.
    pub perpetual_subsidy: u64,
    /// The height at which the excess is used up, on this chain.
    pub equilibrium_height: u32,
    /// The balanced amount, on this chain.
    pub equilibrium_monetary_base: u64,
    /// The excess at height 0, on this chain.
    pub initial_excess_subsidy: u64,
    /// The easiest merged-mining target, least significant byte first.
    pub aux_pow_limit: [u8; 32],
    /// The key of this chain in the merged-mining map.
    pub aux_pow_path: [u8; 32],
    /// After this block the difficulty was set by hand.
    pub difficulty_reset_after_block: Option<[u8; 32]>,
    /// To this compact target.
    pub difficulty_reset_bits: Option<u32>,
    /// The coinbase maturity after the size expansion.
    pub post_size_expansion_coinbase_maturity: u32,
    /// The weight limit after the size expansion.
    pub post_size_expansion_max_block_weight: u32,
    /// The 144 taps of the difficulty filter, newest block first. They sum to 2^31.
    pub filter_coefficients: &'static [i64],
    /// The filter's gain, as a fraction.
    pub filter_gain: [i64; 2],
    /// The largest change of the target, as a fraction.
    pub filter_limiter: [i64; 2],
    /// Below this output the change is limited.
    pub filter_low: i64,
    /// Above this output the change is limited.
    pub filter_high: i64,
    /// The coefficients of the merged-mining filter in 32.32 fixed point.
    pub aux_filter_b0_b1_b2_a2: [i64; 4],
    /// The merged-mining filter's gain, as a fraction.
    pub aux_gain: [i64; 2],
    /// The largest change of the merged-mining target, as a fraction.
    pub aux_limiter: [i64; 2],
    /// Below this output that change is limited.
    pub aux_filter_low: i64,
    /// Above this output that change is limited.
    pub aux_filter_high: i64,
    /// The genesis of the test network before it was restarted.
    pub legacy_0_9_testnet_genesis_hash: Option<[u8; 32]>,
}

/// Syscoin's own consensus numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct SyscoinExtra {
    /// The chain id in a merged-mined block's version.
    pub auxpow_chain_id: u32,
    /// The chain id of old blocks.
    pub auxpow_old_chain_id: u32,
    /// From here blocks may be merged-mined.
    pub auxpow_start_height: Activation,
    /// Whether a parent block with our own chain id is refused.
    pub strict_chain_id: bool,
    /// Below this height plain version 1 blocks are allowed.
    pub legacy_blocks_before: u32,
    /// The chain id of the NEVM.
    pub nevm_chain_id: u32,
    /// The asset that stands for the coin.
    pub sysx_asset: u64,
    /// The start of the bridge.
    pub bridge_start_block: Activation,
    /// The start of the NEVM.
    pub nevm_start_block: Activation,
    /// The time of that start.
    pub nevm_start_time: u32,
    /// The start of ChainLocks receipts.
    pub cl_receipt_start_block: Activation,
    /// The start of BTC checkpoints.
    pub btcc_start_block: Activation,
    /// The start of the second bridge.
    pub bridge_v2_start_block: Activation,
    /// The start of PoDA blobs.
    pub poda_start_block: Activation,
    /// The start of the basic BLS scheme.
    pub v19_start_block: Activation,
    /// The start of the nexus rules.
    pub nexus_start_block: Activation,
    /// Up to here the NEVM is not asked while bootstrapping.
    pub nevm_bootstrap_bypass_height: Option<u32>,
    /// The start of deterministic masternodes.
    pub dip3_height: Activation,
    /// From here they are enforced.
    pub dip3_enforcement_height: Activation,
    /// The first superblock may come here.
    pub superblock_start_block: Activation,
    /// Blocks between superblocks.
    pub superblock_cycle: u32,
    /// Blocks before a superblock in which its triggers must be known.
    pub superblock_maturity_window: u32,
    /// Votes that a proposal needs at least.
    pub governance_min_quorum: u32,
    /// Confirmations that a masternode's collateral needs.
    pub masternode_min_confirmations: u32,
    /// What a masternode gets at least.
    pub min_mn_subsidy: u64,
    /// The age of the first seniority level, in blocks.
    pub seniority_height_1: u32,
    /// The first seniority level's bonus.
    pub seniority_level_1: f64,
    /// The age of the second seniority level, in blocks.
    pub seniority_height_2: u32,
    /// The second seniority level's bonus.
    pub seniority_level_2: f64,
    /// The first vault contract.
    pub vault_manager_legacy: [u8; 20],
    /// The vault contract.
    pub vault_manager: [u8; 20],
    /// The log topic of a freeze.
    pub token_freeze_topic: [u8; 32],
    /// The keys that sign sporks.
    pub spork_addresses: &'static [&'static str],
    /// How many of them must sign.
    pub min_spork_keys: u32,
    /// The quorum type of ChainLocks.
    pub llmq_chainlocks: &'static str,
    /// The block spacing before the NEVM start.
    pub pre_nevm_target_spacing: u32,
    /// What a masternode locks up.
    pub masternode_collateral: u64,
    /// The shortest and longest timespan of a retarget from the bridge start on.
    pub retarget_clamp_from_bridge: [u32; 2],
}

/// Historical notes.
#[derive(Debug, PartialEq)]
pub struct OtherExtra {
    /// Nodes that the project's own tools name.
    pub contrib_seed_nodes: &'static [&'static str],
    /// The height of the soft forks in versions before the sixth.
    pub pre_v6_bip34_65_66_csv_height: Option<u32>,
    /// The block at that height.
    pub pre_v6_bip34_hash: Option<[u8; 32]>,
}
