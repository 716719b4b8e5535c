//! The rules of a chain behind one trait.
//!
//! The provided methods are Bitcoin's rules, driven by [`ChainParams`]. A coin that differs in numbers only has nothing
//! to add; a coin that differs in behaviour overrides the methods that differ. There is one value per process, made at
//! start by [`rules_for`](crate::rules_for).

use std::fmt::Debug;
use std::sync::Arc;

use bitcoin::{BlockHash, Sequence, TxOut};
use primitives::{AuxPow, Block, FinalTx, Header, Tx, TxOutEntry};
use script::Flags;

use crate::block::{self, BlockChecks, HeaderContext, Scope};
use crate::connect;
use crate::deployment::{Buried, VersionBitsCache};
use crate::params::ChainParams;
use crate::pow;
use crate::reason::{BlockReason, ConnectReason, HeaderReason, TxReason};
use crate::tx::{self, CoinView};
use crate::uint256::U256;
use crate::view::{HeaderView, MergedFacts, next_height};

/// What is not verified of a chain, and from where on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unverified {
    /// The option with which a person says that it need not be.
    pub option: &'static str,
    /// The first height that needs it.
    pub from_height: u32,
    /// What it is, one rule a line.
    pub rules: &'static [&'static str],
}

/// What a block needs to be mined together with a block of another chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MergedMining {
    /// The version of its header.
    pub version: i32,
    /// The id that its place among the chains follows from.
    pub chain_id: u32,
    /// The script of an output that the other block's coinbase must have.
    pub parent_output: Vec<u8>,
    /// If the block must name the one that the other block builds on: what stands before that name, at the end of what
    /// is behind the commitment to witnesses.
    pub name_tag: Option<[u8; 4]>,
}

/// What a coin's rules want to know of a block's place in its chain beyond the height, found once for each block.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Era(u8);

impl Era {
    /// Limits that protected old software are lifted.
    pub const LOOSENED: Self = Self(1);
    /// Blocks may be large.
    pub const EXPANDED: Self = Self(2);

    /// Whether all of `other` holds.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What a miner puts at both ends of a block, as the rules want it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockEnds {
    /// The sequence of the coinbase's input.
    pub sequence: u32,
    /// The lock time of the coinbase.
    pub lock_time: u32,
    /// The one item of the coinbase's witness, if it has one.
    pub witness: Option<Vec<u8>>,
    /// Whether the coinbase commits to the witnesses, in an output of its own.
    pub commitment_in_coinbase: bool,
    /// What else that output holds.
    pub data: Vec<u8>,
    /// Outputs that the coinbase begins with.
    pub first_outputs: Vec<TxOut>,
    /// The transaction that the block ends with, and what it pays.
    pub last: Option<(Tx, i64)>,
}

impl BlockEnds {
    /// What most coins want of the block that follows `prev`.
    pub(crate) fn usual(params: &ChainParams, prev: &dyn HeaderView) -> Self {
        let segwit = params.is_active(Buried::Segwit, next_height(Some(prev)));
        Self {
            // Not final, so that the lock time counts: the same coinbase is never valid at another height.
            sequence: Sequence::ENABLE_LOCKTIME_NO_RBF.to_consensus_u32(),
            lock_time: prev.height(),
            witness: segwit.then(|| block::WITNESS_RESERVED_VALUE.to_vec()),
            // Where segwit is to come, blocks commit to their witnesses before it is in force.
            commitment_in_coinbase: params.activation(Buried::Segwit).height().is_some(),
            data: Vec::new(),
            first_outputs: Vec::new(),
            last: None,
        }
    }
}

/// The consensus rules of one chain.
pub trait Rules: Debug + Send + Sync {
    /// The numbers that the rules depend on.
    fn params(&self) -> &ChainParams;

    /// What changes with the place in the chain beyond the height, for the block that follows `prev`.
    fn era(&self, prev: &dyn HeaderView) -> Era {
        let _ = prev;
        Era::default()
    }

    // Money.

    /// What `value`, held by `coin`, is worth when it is spent at `height`. A coin with demurrage is worth less each
    /// block.
    fn worth(&self, value: i64, coin: &TxOutEntry, height: u32) -> i64 {
        let _ = (coin, height);
        value
    }

    /// The sum of the outputs that the inputs of a transaction pay for; `None` if it does not fit.
    fn value_out(&self, tx: &Tx) -> Option<i64> {
        tx::output_value(tx)
    }

    /// What a block at `height` may create.
    fn subsidy(&self, height: u32) -> i64 {
        self.params().subsidy().map_or(0, |schedule| schedule.at(height))
    }

    /// How deep a coinbase must be before a block at `height` spends it.
    fn coinbase_maturity(&self, height: u32) -> u32 {
        let _ = height;
        self.params().coinbase_maturity()
    }

    // Transactions.

    /// Checks a transaction by itself.
    fn check_transaction(&self, tx: &Tx) -> Result<(), TxReason> {
        tx::check_transaction(self.params(), tx)
    }

    /// Checks a transaction that spends `spent` in a block at `height`, and tells its fee.
    fn check_inputs(&self, tx: &Tx, spent: &[TxOutEntry], height: u32) -> Result<i64, TxReason> {
        tx::check_inputs(self, tx, spent, height)
    }

    /// The same in a block whose place is known.
    fn check_inputs_in(&self, tx: &Tx, spent: &[TxOutEntry], height: u32, era: Era) -> Result<i64, TxReason> {
        let _ = era;
        self.check_inputs(tx, spent, height)
    }

    /// What the fee of a transaction is worth to the miner of a block at `height`.
    fn fee_in_block(&self, tx: &Tx, fee: i64, height: u32) -> i64 {
        let _ = (tx, height);
        fee
    }

    /// Whether a transaction may be in a block at `height`, with `time` as the time to compare with.
    fn is_final(&self, tx: &Tx, height: u32, time: i64) -> bool {
        tx::is_final(tx, height, time)
    }

    /// The weighted number of signature operations of a transaction that spends `spent`.
    fn sigop_cost(&self, tx: &Tx, spent: &[TxOutEntry], flags: Flags) -> u64 {
        tx::sigop_cost(self.params(), tx, spent, flags)
    }

    /// The most signature operations that a block may have, weighted.
    fn max_sigops_cost(&self, era: Era) -> u64 {
        let _ = era;
        self.params().max_block_sigops_cost()
    }

    // Headers.

    /// Whether a header has the proof of work that it claims.
    fn is_proven(&self, header: &Header) -> bool {
        pow::is_proven(&header.hash(), header.bits(), self.params().pow())
    }

    /// The compact target that a header must have after `prev`. The target that it has is not looked at.
    fn next_work_required(&self, prev: &dyn HeaderView, header: &Header) -> u32 {
        pow::next_work_required(self.params().pow(), prev, header.time())
    }

    /// Whether a header at `height` may follow one with `old_bits`, as far as these three numbers tell.
    fn permitted_transition(&self, height: u32, old_bits: u32, new_bits: u32) -> bool {
        pow::permitted_transition(self.params().pow(), height, old_bits, new_bits)
    }

    /// What of the proof behind a header later headers are judged by.
    fn merged_facts(&self, header: &Header) -> Option<MergedFacts> {
        let _ = header;
        None
    }

    /// What a header adds to the work of its chain.
    fn header_work(&self, header: &Header) -> U256 {
        pow::header_work(header.bits(), self.merged_facts(header))
    }

    /// Checks a header by itself.
    fn check_header(&self, header: &Header) -> Result<(), HeaderReason> {
        block::check_header(self, header)
    }

    /// Checks a header against the branch that it extends.
    fn check_header_context(
        &self,
        header: &Header,
        prev: &dyn HeaderView,
        context: HeaderContext,
    ) -> Result<(), HeaderReason> {
        block::check_header_context(self, header, prev, context)
    }

    /// Whether the reference daemon of the coin enforces its checkpoints unless told otherwise.
    fn enforces_checkpoints(&self) -> bool {
        true
    }

    // Mining.

    /// What a miner pays itself for a block at `height`, if its transactions pay `fees`.
    fn reward(&self, height: u32, fees: i64) -> i64 {
        self.reward_limit(height, fees)
    }

    /// The version of a new block at `height`, from the bits that it signals with.
    fn block_version(&self, signalled: i32, height: u32) -> i32 {
        let _ = height;
        signalled
    }

    /// What a block after `prev` needs to be mined together with one of another chain, if that is possible.
    fn merged_mining(&self, signalled: i32, prev: &dyn HeaderView) -> Option<MergedMining> {
        let _ = (signalled, prev);
        None
    }

    // Blocks.

    /// What of a chain these rules do not verify, if there is anything.
    fn unverified(&self) -> Option<Unverified> {
        None
    }

    /// The first height that may not be followed: what it needs is not verified, and nobody said that it need not be.
    fn frontier(&self) -> Option<u32> {
        self.unverified().filter(|_| !self.params().accepts_unverified()).map(|unverified| unverified.from_height)
    }

    /// The height below which the chain is trusted to its checkpoints: no script is run, whatever is assumed valid.
    fn trusted_below(&self) -> Option<u32> {
        None
    }

    /// Whether the scripts of blocks at `height` are run at all.
    fn runs_scripts(&self, height: u32) -> bool {
        self.trusted_below().is_none_or(|trusted| height >= trusted)
    }

    /// Whether the size of a block without its witnesses is limited.
    fn limits_block_size(&self, block: &Block) -> bool {
        let _ = block;
        true
    }

    /// Whether the weight of a block at `height` is limited.
    fn limits_block_weight(&self, height: u32) -> bool {
        let _ = height;
        true
    }

    /// What only this coin demands before the body of a block is known to be the one that was mined; runs when its Merkle
    /// root has been checked.
    fn check_merkle_extra(&self, block: &Block) -> Result<(), BlockReason> {
        let _ = block;
        Ok(())
    }

    /// What only this coin demands of a block by itself; runs when its size has been checked.
    fn check_body_extra(&self, block: &Block) -> Result<(), BlockReason> {
        let _ = block;
        Ok(())
    }

    /// Checks a block by itself.
    fn check_block(&self, block: &Block, scope: Scope, checks: &mut BlockChecks) -> Result<(), BlockReason> {
        block::check_block(self, block, scope, checks)
    }

    /// Checks a block against the branch that it extends; `None` for the genesis block.
    fn check_block_context(
        &self,
        block: &Block,
        prev: Option<&dyn HeaderView>,
        checks: &mut BlockChecks,
    ) -> Result<(), BlockReason> {
        block::check_block_context(self, block, prev, checks)
    }

    /// Checks that the witnesses of a block are those that it commits to, if a commitment is `expected`.
    fn check_witness(&self, block: &Block, expected: bool, checks: &mut BlockChecks) -> Result<(), BlockReason> {
        block::check_witness(block, expected, checks)
    }

    /// What only this coin demands of a block, with the same knowledge; runs last.
    fn check_block_extra(&self, block: &Block, prev: Option<&dyn HeaderView>) -> Result<(), BlockReason> {
        let _ = (block, prev);
        Ok(())
    }

    // Blocks and coins.

    /// Whether the block that follows `prev` must not repeat transactions that are not spent (BIP30).
    fn enforces_bip30(&self, hash: &BlockHash, prev: &dyn HeaderView) -> bool {
        connect::enforces_bip30(self.params(), hash, prev)
    }

    /// The Script of the coin.
    fn dialect(&self) -> script::Dialect {
        script::BITCOIN
    }

    /// The flags that the scripts of the block that follows `prev` are run with.
    fn script_flags(&self, hash: &BlockHash, prev: Option<&dyn HeaderView>, cache: &dyn VersionBitsCache) -> Flags {
        connect::script_flags(self.params(), hash, prev, cache)
    }

    /// What only this coin demands of a block against the coins before it. Tells the last transaction that the next block
    /// has to continue.
    fn open_block(
        &self,
        block: &Block,
        prev: &dyn HeaderView,
        flags: Flags,
        coins: &dyn CoinView,
        cache: &dyn VersionBitsCache,
    ) -> Result<Option<FinalTx>, ConnectReason> {
        let _ = (block, prev, flags, coins, cache);
        Ok(None)
    }

    /// What only this coin demands of the coinbase of a block at `height`.
    fn check_coinbase(&self, coinbase: &Tx, height: u32) -> Result<(), ConnectReason> {
        let _ = (coinbase, height);
        Ok(())
    }

    // Making blocks.

    /// What a miner puts at both ends of the block that follows `prev`.
    fn block_ends(
        &self,
        prev: &dyn HeaderView,
        coins: &dyn CoinView,
        cache: &dyn VersionBitsCache,
    ) -> Result<BlockEnds, ConnectReason> {
        let _ = (coins, cache);
        Ok(BlockEnds::usual(self.params(), prev))
    }

    /// What the witness of a block's coinbase holds if its miner left it out; `None` if it needs none.
    fn usual_coinbase_witness(&self, block: &Block) -> Option<Vec<u8>> {
        block::commitment_index(block.txs.first()?).map(|_| block::WITNESS_RESERVED_VALUE.to_vec())
    }

    /// Brings what commits to the witnesses of a block up to date after a change, where that is not in the coinbase.
    fn commit_to_witnesses(&self, block: &mut Block) {
        let _ = block;
    }

    /// The proof of merged mining that a new block with this header after `prev` needs, for a parent that is nobody's
    /// block; `None` if it needs none. The work is not done yet.
    fn own_proof(&self, header: &Header, prev: &dyn HeaderView) -> Option<Arc<AuxPow>> {
        let _ = (header, prev);
        None
    }

    /// Does the work of the proof behind a block's header, if there is one, and lets the block commit to it. Takes from
    /// `tries` what it used; `false` if they were too few.
    fn solve_proof(&self, block: &mut Block, tries: &mut u64) -> bool {
        let _ = (block, tries);
        true
    }

    /// What the coinbase of a block at `height` may pay, if its transactions pay `fees`.
    fn reward_limit(&self, height: u32, fees: i64) -> i64 {
        fees.saturating_add(self.subsidy(height))
    }
}
