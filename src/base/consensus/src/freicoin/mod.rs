//! The rules of Freicoin: values that decay, blocks that end with a transaction of their own, another witness.
//!
//! - [`demurrage`] says what is left of a value. A transaction names the height that its values are meant for, its lock
//!   height; what it spends is taken at that height, and its fee decays until the block is made.
//! - [`retarget`] filters the times between blocks.
//! - [`auxpow`] follows the proofs of merged mining, which every header needs once that is in force.
//! - [`final_tx`] chains the last transactions of blocks, [`witness`] finds the commitment to witnesses there.
//! - [`blocks`] holds what differs in the checks of headers and blocks. Two relaxations, by height and by median time,
//!   make up the [`Era`] of a block.

pub mod auxpow;
mod blocks;
pub mod demurrage;
mod final_tx;
mod retarget;
#[cfg(test)]
mod tests;
mod witness;

use std::sync::Arc;

use bitcoin::BlockHash;
use coin::{Activation, FreicoinExtra};
use primitives::{AuxPow, Block, FinalTx, Header, Tx, TxOutEntry};
use script::Flags;

use crate::block::{BlockChecks, HeaderContext, Scope};
use crate::deployment::{Buried, MemoryCache, VersionBitsCache};
use crate::money::{in_range, value_of};
use crate::params::ChainParams;
use crate::pow;
use crate::reason::{BlockReason, ConnectReason, HeaderReason, TxReason};
use crate::rules::{BlockEnds, Era, Rules};
use crate::tx::{self, CoinView, output_value};
use crate::view::{HeaderView, MergedFacts, next_height, tip_median_time};

/// The signalled upgrades that whoever makes a block must know.
pub(crate) const RULES_OF_BLOCKS: [&str; 2] = [final_tx::DEPLOYMENT, blocks::MERGED_MINING];

/// Rules that begin at a time begin so many seconds earlier where that time is a header's own, which may be wrong.
const CLOCKS_MAY_DIFFER: i64 = 3 * 60 * 60;

/// Freicoin's rules.
pub(crate) struct Freicoin {
    params: ChainParams,
    data: &'static FreicoinExtra,
    versionbits: MemoryCache,
}

impl std::fmt::Debug for Freicoin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The numbers are those of the profile, which fill pages.
        f.debug_struct("Freicoin").field("chain", &self.params.chain().kind).finish_non_exhaustive()
    }
}

impl Freicoin {
    /// The rules of a chain, or what its profile lacks.
    pub(crate) fn new(params: ChainParams) -> Result<Self, &'static str> {
        let Some(data) = params.chain().freicoin() else { return Err("numbers of the chain") };
        if data.truncate_inputs_activation_height.is_none() || data.alu_activation_height.is_none() {
            return Err("the heights at which values came to be rounded, which its own source leaves out");
        }
        // BIP68 and BIP113 came without BIP112, at a height of their own.
        let params = params.with_buried(Buried::Csv, data.locktime_height);
        Ok(Self { params, data, versionbits: MemoryCache::default() })
    }

    /// What the first years added to each input, because values were rounded otherwise then.
    fn tolerance(&self, height: u32) -> i64 {
        i64::from(!active(self.data.truncate_inputs_activation_height, height)) + self.fee_tolerance(height)
    }

    /// What they added to each fee.
    fn fee_tolerance(&self, height: u32) -> i64 {
        i64::from(!active(self.data.alu_activation_height, height))
    }

    /// The sum of what is spent, at the height that the transaction names, and what of it is left as the fee.
    fn fee(&self, tx: &Tx, spent: &[TxOutEntry], height: u32, era: Era, tolerance: i64) -> Result<i64, TxReason> {
        if spent.len() != tx.inputs().len() {
            return Err(TxReason::MissingInputs);
        }
        let max = self.params.max_money();
        let lock_height = tx.lock_height().unwrap_or(0);
        let maturity = i64::from(self.maturity(era));
        let mut value_in = 0i64;
        for coin in spent {
            let depth = i64::from(height) - i64::from(coin.height);
            if coin.coinbase && depth < maturity {
                return Err(TxReason::Immature { depth });
            }
            let (stated, reference) = (value_of(&coin.out), coin.refheight().unwrap_or(0));
            // A coin may not travel back in time, or decay could be undone. Nothing is not worth the trouble.
            let matters = !self.params.is_timeless() && (stated != 0 || !era.has(Era::LOOSENED));
            if lock_height < reference && matters {
                return Err(TxReason::LockHeight { lock_height, reference });
            }
            let value = self.worth(stated, coin, lock_height).saturating_add(tolerance);
            let sum = value_in.checked_add(value);
            let sum = sum.filter(|sum| in_range(stated, max) && in_range(value, max) && in_range(*sum, max));
            value_in = sum.ok_or(TxReason::InputValues)?;
        }
        let value_out = output_value(tx).ok_or(TxReason::OutputTotalTooLarge)?;
        if value_in < value_out {
            return Err(TxReason::InBelowOut { value_in, value_out });
        }
        let fee = value_in - value_out;
        if in_range(fee, max) { Ok(fee) } else { Err(TxReason::Fee) }
    }

    /// What the proof of the header after `prev` has to say.
    fn next_merged(&self, prev: &dyn HeaderView, bits: u32) -> MergedFacts {
        retarget::next_merged(self.params.pow(), self.data, prev, bits)
    }

    fn maturity(&self, era: Era) -> u32 {
        if era.has(Era::EXPANDED) {
            self.data.post_size_expansion_coinbase_maturity
        } else {
            self.params.coinbase_maturity()
        }
    }

    fn max_weight(&self, era: Era) -> u64 {
        if era.has(Era::EXPANDED) {
            self.data.post_size_expansion_max_block_weight.into()
        } else {
            self.params.max_block_weight()
        }
    }
}

/// Whether something that begins at a height has begun.
fn active(from: Option<Activation>, height: u32) -> bool {
    from.is_some_and(|from| from.is_active_at(height))
}

impl Rules for Freicoin {
    fn params(&self) -> &ChainParams {
        &self.params
    }

    fn era(&self, prev: &dyn HeaderView) -> Era {
        let mut era = Era::default();
        if self.data.cleanup_height.is_active_at(prev.height()) {
            era = era.with(Era::LOOSENED);
        }
        if self.data.size_expansion_activation_time.is_some_and(|time| tip_median_time(prev) >= time) {
            era = era.with(Era::EXPANDED);
        }
        era
    }

    fn worth(&self, value: i64, coin: &TxOutEntry, height: u32) -> i64 {
        if self.params.is_timeless() {
            return value;
        }
        let reference = coin.refheight().unwrap_or(0);
        match height.checked_sub(reference) {
            Some(blocks) => demurrage::decayed(value, blocks),
            None => demurrage::undecayed(value, reference - height, self.params.max_money()),
        }
    }

    fn check_transaction(&self, tx: &Tx) -> Result<(), TxReason> {
        tx::check_transaction(&self.params, tx)
    }

    fn check_inputs(&self, tx: &Tx, spent: &[TxOutEntry], height: u32) -> Result<i64, TxReason> {
        self.fee(tx, spent, height, Era::default(), 0)
    }

    fn check_inputs_in(&self, tx: &Tx, spent: &[TxOutEntry], height: u32, era: Era) -> Result<i64, TxReason> {
        self.fee(tx, spent, height, era, self.tolerance(height))
    }

    fn fee_in_block(&self, tx: &Tx, fee: i64, height: u32) -> i64 {
        let age = height.saturating_sub(tx.lock_height().unwrap_or(0));
        let left = if self.params.is_timeless() { fee } else { demurrage::decayed(fee, age) };
        left.saturating_add(self.fee_tolerance(height))
    }

    fn is_final(&self, tx: &Tx, height: u32, time: i64) -> bool {
        tx.lock_height().unwrap_or(0) <= height && tx::is_final(tx, height, time)
    }

    fn sigop_cost(&self, tx: &Tx, spent: &[TxOutEntry], flags: Flags) -> u64 {
        // Those of witnesses are not counted.
        tx::sigop_cost(&self.params, tx, spent, flags.without(Flags::WITNESS))
    }

    fn max_sigops_cost(&self, era: Era) -> u64 {
        if era.has(Era::LOOSENED) { u64::MAX } else { self.params.max_block_sigops_cost() }
    }

    fn is_proven(&self, header: &Header) -> bool {
        // Merged mining has replaced the header's own work.
        let replaced = self
            .data
            .protocol_cleanup_activation_time
            .is_some_and(|time| i64::from(header.time()) > time.saturating_sub(CLOCKS_MAY_DIFFER));
        replaced || pow::is_proven(&header.hash(), header.bits(), self.params.pow())
    }

    fn merged_facts(&self, header: &Header) -> Option<MergedFacts> {
        auxpow::of(header).map(auxpow::facts)
    }

    fn next_work_required(&self, prev: &dyn HeaderView, _header: &Header) -> u32 {
        retarget::next_bits(self.params.pow(), self.data, prev)
    }

    fn permitted_transition(&self, height: u32, old_bits: u32, new_bits: u32) -> bool {
        retarget::permitted(self.params.pow(), self.data, height, old_bits, new_bits)
    }

    fn check_header(&self, header: &Header) -> Result<(), HeaderReason> {
        blocks::check_header(self, header)
    }

    fn check_header_context(
        &self,
        header: &Header,
        prev: &dyn HeaderView,
        context: HeaderContext,
    ) -> Result<(), HeaderReason> {
        blocks::check_header_context(self, header, prev, context)
    }

    fn check_merkle_extra(&self, block: &Block) -> Result<(), BlockReason> {
        blocks::check_merged_body(self, block)
    }

    fn check_block(&self, block: &Block, scope: Scope, checks: &mut BlockChecks) -> Result<(), BlockReason> {
        crate::block::check_block(self, block, scope, checks)
    }

    fn check_block_context(
        &self,
        block: &Block,
        prev: Option<&dyn HeaderView>,
        checks: &mut BlockChecks,
    ) -> Result<(), BlockReason> {
        blocks::check_block_context(self, block, prev, checks)
    }

    fn check_witness(&self, block: &Block, expected: bool, checks: &mut BlockChecks) -> Result<(), BlockReason> {
        witness::check(block, expected, checks)
    }

    fn enforces_bip30(&self, _hash: &BlockHash, _prev: &dyn HeaderView) -> bool {
        false
    }

    fn dialect(&self) -> script::Dialect {
        script::MAST
    }

    fn script_flags(&self, hash: &BlockHash, prev: Option<&dyn HeaderView>, _cache: &dyn VersionBitsCache) -> Flags {
        let height = next_height(prev);
        let mut flags = self.params.script_exception(hash).unwrap_or(Flags::P2SH | Flags::WITNESS);
        if self.params.is_active(Buried::Dersig, height) {
            flags |= Flags::DERSIG;
        }
        if self.data.cleanup_height.is_active_at(height) {
            flags |= Flags::PROTOCOL_CLEANUP;
        }
        if prev.is_some_and(|prev| self.era(prev).has(Era::EXPANDED)) {
            flags |= Flags::SIZE_EXPANSION;
        }
        flags
    }

    fn open_block(
        &self,
        block: &Block,
        prev: &dyn HeaderView,
        flags: Flags,
        coins: &dyn CoinView,
        cache: &dyn VersionBitsCache,
    ) -> Result<Option<FinalTx>, ConnectReason> {
        let height = next_height(Some(prev));
        let coinbase = block.txs.first().ok_or(ConnectReason::Block(BlockReason::CoinbaseMissing))?;
        if self.data.verify_coinbase_lock_time_activation_height.is_active_at(height)
            && i64::from(coinbase.lock_time()) != tip_median_time(prev)
        {
            return Err(ConnectReason::CoinbaseLockTime);
        }
        Ok(final_tx::check(self, &block.txs, prev, flags, coins, cache)?)
    }

    fn check_coinbase(&self, coinbase: &Tx, height: u32) -> Result<(), ConnectReason> {
        match coinbase.lock_height().unwrap_or(0) {
            actual if actual == height => Ok(()),
            actual => Err(ConnectReason::CoinbaseLockHeight { actual, height }),
        }
    }

    fn block_ends(
        &self,
        prev: &dyn HeaderView,
        coins: &dyn CoinView,
        cache: &dyn VersionBitsCache,
    ) -> Result<BlockEnds, ConnectReason> {
        Ok(final_tx::ends(self, prev, coins, cache)?)
    }

    fn usual_coinbase_witness(&self, block: &Block) -> Option<Vec<u8>> {
        witness::commits(block).then(Vec::new)
    }

    fn commit_to_witnesses(&self, block: &mut Block) {
        blocks::commit_to_witnesses(block);
    }

    fn own_proof(&self, header: &Header, prev: &dyn HeaderView) -> Option<Arc<AuxPow>> {
        let facts = blocks::needs_proof(self, prev).then(|| self.next_merged(prev, header.bits()))?;
        Some(Arc::new(AuxPow::Freicoin(Box::new(auxpow::own(header, facts)))))
    }

    fn solve_proof(&self, block: &mut Block, tries: &mut u64) -> bool {
        auxpow::solve(block, &self.data.aux_pow_path, tries)
    }
}
