//! The parameters of one chain: a coin's profile, and what the command line changes of it.

use std::num::NonZeroU32;

use bitcoin::BlockHash;
use bitcoin::hashes::Hash;
use coin::{Activation, Chain, Coin, ScriptFlag, Taproot};
use script::Flags;

use crate::deployment::{ActivationOverride, BadOption, Buried, Deployment, Machine, SignalOverride, Start};
use crate::pow::PowParams;
use crate::signet;
use crate::subsidy::SubsidySchedule;
use crate::uint256::U256;

/// Everything that the rules of a chain depend on. A chain is named by its coin and its kind; never by magic, port or
/// genesis block, which several chains share.
#[derive(Clone, Debug)]
pub struct ChainParams {
    coin: &'static Coin,
    chain: &'static Chain,
    pow: PowParams,
    buried: [(Buried, Activation); 5],
    deployments: Vec<Deployment>,
    taproot: Taproot,
    subsidy: Option<SubsidySchedule>,
    script_exceptions: Vec<(BlockHash, Flags)>,
    signet_challenge: Option<Vec<u8>>,
    minimum_chain_work: U256,
    assume_valid: Option<BlockHash>,
    accepts_unverified: bool,
    timeless: bool,
    starts: Vec<(OwnStart, u32)>,
}

/// The start of a rule that only one coin has, which may be moved on regtest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OwnStart {
    /// Syscoin: masternodes, and with them assets and what a coinbase may be.
    Masternodes,
    /// Syscoin: the NEVM.
    Nevm,
    /// Syscoin: the strict form of lists of assets.
    Receipts,
    /// Syscoin: no block may look like the parent of another.
    SecondBridge,
    /// Syscoin: blocks say something of Bitcoin's chain.
    Checkpoints,
}

impl OwnStart {
    /// The options that move them, without their dash. The value of the first may be two heights with a colon between, the
    /// second of which is for what needs masternodes to exist.
    pub const OPTIONS: [(&str, Self); 5] = [
        ("dip3params", Self::Masternodes),
        ("nevmstartheight", Self::Nevm),
        ("clreceiptstartheight", Self::Receipts),
        ("bridgev2startheight", Self::SecondBridge),
        ("btccstartheight", Self::Checkpoints),
    ];
}

/// Profiles are compiled in; a number that is zero there and must not be is taken for one.
fn at_least_one(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

/// A length as the limits count it.
pub(crate) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn hash_unless_null(bytes: [u8; 32]) -> Option<BlockHash> {
    (bytes != [0; 32]).then(|| BlockHash::from_byte_array(bytes))
}

impl ChainParams {
    /// The parameters of a chain as its coin's profile has them.
    pub fn new(coin: &'static Coin, chain: &'static Chain) -> Self {
        let spacing = at_least_one(chain.pow_target_spacing);
        let pow = PowParams {
            limit: U256::from_le_bytes(chain.pow_limit),
            timespan: chain.pow_target_timespan.max(1),
            spacing,
            interval: at_least_one(chain.pow_target_timespan / spacing),
            allow_min_difficulty: chain.allow_min_difficulty,
            min_difficulty_gap: coin.consensus.min_difficulty_gap_multiplier,
            no_retargeting: chain.no_retargeting,
            bip94: chain.enforce_bip94,
        };
        Self {
            coin,
            chain,
            pow,
            buried: [
                (Buried::HeightInCoinbase, chain.bip34_height),
                (Buried::Dersig, chain.bip66_height),
                (Buried::Cltv, chain.bip65_height),
                (Buried::Csv, chain.csv_height),
                (Buried::Segwit, chain.segwit_height),
            ],
            deployments: chain.deployments.iter().map(|profile| deployment(profile, chain.taproot)).collect(),
            taproot: chain.taproot,
            subsidy: SubsidySchedule::new(coin, chain),
            script_exceptions: exceptions(chain),
            signet_challenge: chain.signet_challenge.map(<[u8]>::to_vec),
            minimum_chain_work: U256::from_le_bytes(chain.minimum_chain_work),
            assume_valid: hash_unless_null(chain.assume_valid),
            accepts_unverified: false,
            timeless: false,
            starts: Vec::new(),
        }
    }

    /// `-testactivationheight`.
    #[must_use]
    pub fn with_activation(mut self, change: ActivationOverride) -> Self {
        for (deployment, activation) in &mut self.buried {
            if *deployment == change.deployment {
                *activation = Activation::At(change.height);
            }
        }
        self
    }

    /// `-vbparams`.
    pub fn with_signal(mut self, change: &SignalOverride) -> Result<Self, BadOption> {
        let found = self.deployments.iter_mut().find(|deployment| deployment.name == change.name);
        let found = found.ok_or_else(|| BadOption::SignalName(change.name.clone()))?;
        found.start = change.start;
        found.timeout = change.timeout;
        found.min_activation_height = change.min_activation_height;
        Ok(self)
    }

    /// `-signetchallenge`: another signet. Nothing is known of its chain, so no work is demanded and nothing assumed.
    #[must_use]
    pub fn with_signet_challenge(mut self, challenge: Vec<u8>) -> Self {
        self.signet_challenge = Some(challenge);
        self.minimum_chain_work = U256::ZERO;
        self.assume_valid = None;
        self
    }

    /// `-test=bip94`.
    #[must_use]
    pub fn with_bip94(mut self) -> Self {
        self.pow.bip94 = true;
        self
    }

    /// The upgrade starts at another height than the profile says.
    #[must_use]
    pub(crate) fn with_buried(mut self, upgrade: Buried, from: Activation) -> Self {
        for (deployment, activation) in &mut self.buried {
            // What the command line says counts more.
            if *deployment == upgrade && *activation == Activation::Absent {
                *activation = from;
            }
        }
        self
    }

    /// `-bitcoinmode`: values do not decay. Only for regtest.
    #[must_use]
    pub fn with_timeless_values(mut self) -> Self {
        self.timeless = true;
        self
    }

    /// Whether values do not decay, on a chain where they would.
    pub fn is_timeless(&self) -> bool {
        self.timeless
    }

    /// `-minimumchainwork`.
    #[must_use]
    pub fn with_minimum_chain_work(mut self, work: U256) -> Self {
        self.minimum_chain_work = work;
        self
    }

    /// `-assumevalid`; `None` verifies every script.
    #[must_use]
    pub fn with_assume_valid(mut self, block: Option<BlockHash>) -> Self {
        self.assume_valid = block;
        self
    }

    /// Moves the start of a coin's own rule.
    #[must_use]
    pub fn with_start(mut self, rule: OwnStart, height: u32) -> Self {
        self.starts.push((rule, height));
        self
    }

    /// The starts that were moved.
    pub(crate) fn moved_starts(&self) -> &[(OwnStart, u32)] {
        &self.starts
    }

    /// The option of [`crate::Unverified`]: rules that are not verified need not be.
    #[must_use]
    pub fn with_unverified(mut self) -> Self {
        self.accepts_unverified = true;
        self
    }

    /// Whether rules that are not verified need not be.
    pub fn accepts_unverified(&self) -> bool {
        self.accepts_unverified
    }

    /// The coin.
    pub fn coin(&self) -> &'static Coin {
        self.coin
    }

    /// The chain's profile, without what the command line changed.
    pub fn chain(&self) -> &'static Chain {
        self.chain
    }

    /// Whether this is any chain but the main one.
    pub fn is_test_chain(&self) -> bool {
        self.chain.is_test_chain()
    }

    /// The hash of the genesis block.
    pub fn genesis_hash(&self) -> BlockHash {
        BlockHash::from_byte_array(self.chain.genesis.hash)
    }

    /// Proof of work.
    pub fn pow(&self) -> &PowParams {
        &self.pow
    }

    /// How the subsidy falls; `None` if that is not known, and then the chain has no rules.
    pub fn subsidy(&self) -> Option<&SubsidySchedule> {
        self.subsidy.as_ref()
    }

    /// All the money there can be.
    pub fn max_money(&self) -> i64 {
        i64::try_from(self.coin.consensus.max_money).unwrap_or(i64::MAX)
    }

    /// How deep a coinbase must be before it is spent.
    pub fn coinbase_maturity(&self) -> u32 {
        self.coin.consensus.coinbase_maturity
    }

    /// The heaviest that a block may be.
    pub fn max_block_weight(&self) -> u64 {
        self.coin.consensus.max_block_weight.into()
    }

    /// The most signature operations that a block may have, weighted.
    pub fn max_block_sigops_cost(&self) -> u64 {
        self.coin.consensus.max_block_sigops_cost.into()
    }

    /// How much heavier a byte outside a witness is than one inside.
    pub fn witness_scale(&self) -> u64 {
        self.coin.consensus.witness_scale_factor.into()
    }

    /// What a number of bytes, or of operations, outside a witness weighs.
    pub(crate) fn scaled(&self, number: u64) -> u64 {
        number.saturating_mul(self.witness_scale())
    }

    /// How many seconds a block may be ahead of our clock.
    pub fn max_future_block_time(&self) -> u32 {
        self.coin.consensus.max_future_block_time
    }

    /// From which height a buried upgrade is in force.
    pub fn activation(&self, deployment: Buried) -> Activation {
        let found = self.buried.iter().find(|(buried, _)| *buried == deployment);
        found.map_or(Activation::Absent, |(_, activation)| *activation)
    }

    /// Whether a buried upgrade is in force for a block at `height`.
    pub fn is_active(&self, deployment: Buried, height: u32) -> bool {
        self.activation(deployment).is_active_at(height)
    }

    /// The signalled upgrades, in the order in which they are reported.
    pub fn deployments(&self) -> &[Deployment] {
        &self.deployments
    }

    /// The signalled upgrade of this name.
    pub fn deployment(&self, name: &str) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.name == name)
    }

    /// How Taproot comes into force.
    pub fn taproot(&self) -> Taproot {
        self.taproot
    }

    /// Below this height unknown bits are not warned of.
    pub fn min_bip9_warning_height(&self) -> u32 {
        self.chain.min_bip9_warning_height
    }

    /// The block whose presence on a branch proves that no coinbase can be repeated there, with its height.
    pub fn bip34_anchor(&self) -> (Activation, BlockHash) {
        (self.activation(Buried::HeightInCoinbase), BlockHash::from_byte_array(self.chain.bip34_hash))
    }

    /// The flags of a block that breaks the rules of today and was valid in its time.
    pub fn script_exception(&self, block: &BlockHash) -> Option<Flags> {
        self.script_exceptions.iter().find(|(hash, _)| hash == block).map(|(_, flags)| *flags)
    }

    /// What messages and records of block files start with. A signet of somebody's own has its own, made of its challenge.
    pub fn magic(&self) -> [u8; 4] {
        match self.signet_challenge() {
            Some(challenge) if Some(challenge) != self.chain.signet_challenge => signet::magic(challenge),
            _ => self.chain.magic,
        }
    }

    /// The challenge that blocks of a signet solve.
    pub fn signet_challenge(&self) -> Option<&[u8]> {
        self.signet_challenge.as_deref()
    }

    /// The work that the best chain is known to have.
    pub fn minimum_chain_work(&self) -> U256 {
        self.minimum_chain_work
    }

    /// The block whose ancestors' scripts are assumed to be valid.
    pub fn assume_valid(&self) -> Option<BlockHash> {
        self.assume_valid
    }

    /// Blocks that are known to be on the chain, lowest first.
    pub fn checkpoints(&self) -> impl Iterator<Item = (u32, BlockHash)> + use<> {
        self.chain.checkpoints.iter().map(|point| (point.height, BlockHash::from_byte_array(point.hash)))
    }
}

fn deployment(profile: &'static coin::Deployment, taproot: Taproot) -> Deployment {
    // Only coins that forked from before version 22 still decide Taproot by signals.
    let machine = if taproot == Taproot::Bip9 { Machine::TimeoutFirst } else { Machine::ThresholdFirst };
    Deployment {
        name: profile.name,
        bit: profile.bit,
        start: match profile.start_time {
            coin::Start::AlwaysActive => Start::Always,
            coin::Start::NeverActive => Start::Never,
            coin::Start::At(time) => Start::At(time),
        },
        timeout: profile.timeout.unwrap_or(i64::MAX),
        min_activation_height: profile.min_activation_height.into(),
        period: at_least_one(profile.window),
        threshold: profile.threshold,
        machine,
    }
}

fn exceptions(chain: &Chain) -> Vec<(BlockHash, Flags)> {
    let flag = |flag: &ScriptFlag| match flag {
        ScriptFlag::P2sh => Flags::P2SH,
        ScriptFlag::Witness => Flags::WITNESS,
    };
    let one = |exception: &coin::FlagException| {
        let flags = exception.flags.iter().fold(Flags::NONE, |flags, name| flags | flag(name));
        (BlockHash::from_byte_array(exception.block), flags)
    };
    chain.script_flag_exceptions.iter().map(one).collect()
}
