//! The numbers of consensus that hold on all chains of a coin, and how new coins come into being.

/// Formats and limits.
#[derive(Debug, PartialEq)]
pub struct ConsensusConstants {
    /// The hash that identifies a block.
    pub block_hash: HashFunction,
    /// The hash that is compared with the target.
    pub pow_hash: HashFunction,
    /// What a header carries beyond its 80 bytes.
    pub header_format: HeaderFormat,
    /// What a transaction carries beyond Bitcoin's fields.
    pub tx_format: TxFormat,
    /// One coin in the smallest unit.
    pub coin: u64,
    /// The largest amount that an output or a sum may have.
    pub max_money: u64,
    /// How many blocks must lie between a coinbase and the first spend of it.
    pub coinbase_maturity: u32,
    /// The weight limit of a block.
    pub max_block_weight: u32,
    /// The size of the buffers for serialized blocks.
    pub max_block_serialized_size: u32,
    /// The limit of signature operations in a block, times the witness scale.
    pub max_block_sigops_cost: u32,
    /// How many weight units a byte outside the witness costs.
    pub witness_scale_factor: u32,
    /// The largest P2P message.
    pub max_protocol_message_length: u32,
    /// How many seconds a block's time may be ahead of the clock.
    pub max_future_block_time: u32,
    /// After how many times the spacing a test network allows a minimum-difficulty block.
    pub min_difficulty_gap_multiplier: u32,
    /// The schedule of new coins.
    pub subsidy: Subsidy,
}

/// A hash function of block headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HashFunction {
    /// SHA-256 twice.
    Sha256d,
}

/// What a header carries beyond its 80 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeaderFormat {
    /// Nothing.
    Bitcoin,
    /// Namecoin's merged-mining proof behind the header if bit 8 of the version is set.
    AuxpowNamecoin,
    /// Freicoin's merged-mining proof behind the header if bit 23 of the compact target is set on the wire.
    AuxpowFreicoin,
}

/// What a transaction carries beyond Bitcoin's fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TxFormat {
    /// Nothing.
    Bitcoin,
    /// A `lock_height` behind the lock time, and 0xff as the witness marker.
    FreicoinLockHeight,
    /// Bitcoin's bytes; some versions give meaning to the data of an `OP_RETURN` output.
    Syscoin,
}

impl TxFormat {
    /// Whether outputs may carry assets of their own beside coins.
    pub const fn carries_assets(self) -> bool {
        matches!(self, Self::Syscoin)
    }

    /// Whether some peers are masternodes, which read a longer greeting.
    pub const fn has_masternodes(self) -> bool {
        matches!(self, Self::Syscoin)
    }

    /// Whether a transaction says the height at which its amounts are counted.
    pub const fn has_lock_height(self) -> bool {
        matches!(self, Self::FreicoinLockHeight)
    }
}

/// The schedule of new coins. The height of a halving is the chain's `halving_interval`.
#[derive(Debug, PartialEq)]
pub enum Subsidy {
    /// A table of amounts, some of which halve.
    Steps(StepsSubsidy),
    /// A falling excess on top of a perpetual subsidy.
    Freicoin(FreicoinSubsidy),
    /// A base that shrinks by a twentieth, split among miners, masternodes and superblocks.
    Syscoin(SyscoinSubsidy),
}

impl Subsidy {
    /// Known values on the main chain, for tests.
    pub fn vectors(&self) -> &'static [SubsidyVector] {
        match self {
            Self::Steps(it) => it.vectors,
            Self::Freicoin(it) => it.vectors,
            Self::Syscoin(it) => it.vectors,
        }
    }
}

/// Amounts by height.
#[derive(Debug, PartialEq)]
pub struct StepsSubsidy {
    /// The last step whose `from` is not above the height is the one that counts.
    pub steps: &'static [SubsidyStep],
    /// From that many halvings on, a halving step pays nothing.
    pub max_halvings: u32,
    /// Known values on the main chain, for tests.
    pub vectors: &'static [SubsidyVector],
}

/// One step of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubsidyStep {
    /// The first height.
    pub from: u32,
    /// The amount before halvings.
    pub amount: u64,
    /// Whether the amount is shifted right by the number of halvings since height 0.
    pub halve: bool,
}

/// A height and what it pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubsidyVector {
    /// The height.
    pub height: u32,
    /// The subsidy there.
    pub amount: u64,
}

/// Freicoin's schedule.
#[derive(Debug, PartialEq)]
pub struct FreicoinSubsidy {
    /// What each block pays for ever.
    pub perpetual: u64,
    /// The height at which the excess is used up.
    pub equilibrium_height: u32,
    /// The amount that demurrage and the perpetual subsidy keep in balance.
    pub equilibrium_monetary_base: u64,
    /// The excess at height 0.
    pub initial_excess: u64,
    /// Known values on the main chain, for tests.
    pub vectors: &'static [SubsidyVector],
    /// The decayed sum of all subsidies below the equilibrium height, for tests.
    pub subsidy_limit_sum: u64,
    /// Known results of demurrage, for tests.
    pub demurrage_vectors: &'static [DemurrageVector],
}

/// An amount, for how many blocks it lay, and what is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemurrageVector {
    /// The amount at first.
    pub value: u64,
    /// The blocks.
    pub distance: u32,
    /// The amount that is left.
    pub result: u64,
}

/// Syscoin's schedule. The fractions are doubles because the reference computes with doubles.
#[derive(Debug, PartialEq)]
pub struct SyscoinSubsidy {
    /// The amount before reductions.
    pub base: u64,
    /// The amount grows by this from the NEVM start on, and so does the reduction interval before it.
    pub post_nevm_factor: f64,
    /// What block 1 pays.
    pub height_1: u64,
    /// What the genesis block pays.
    pub height_0: u64,
    /// Each reduction takes the amount divided by this away.
    pub reduction_per_interval_divisor: u64,
    /// From that many reductions on, nothing is paid.
    pub max_reductions: u32,
    /// The share that is kept for superblocks.
    pub superblock_part: f64,
    /// The miner's share.
    pub miner_share_percent: u32,
    /// The masternode's share.
    pub masternode_share_percent: u32,
    /// How regtest differs, in words.
    pub regtest: &'static str,
    /// Known values on the main chain, for tests.
    pub vectors: &'static [SubsidyVector],
}
