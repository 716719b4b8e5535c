//! The rules of a chain behind one trait.
//!
//! The provided methods are Bitcoin's rules, driven by [`ChainParams`]. A coin that differs in numbers only has nothing
//! to add; a coin that differs in behaviour overrides the methods that differ. There is one value per process, made at
//! start by [`rules_for`](crate::rules_for).

use std::fmt::Debug;

use bitcoin::BlockHash;
use primitives::{Block, Header, Tx, TxOutEntry};
use script::Flags;

use crate::block::{self, BlockChecks, HeaderContext, Scope};
use crate::connect;
use crate::deployment::VersionBitsCache;
use crate::params::ChainParams;
use crate::pow;
use crate::reason::{BlockReason, HeaderReason, TxReason};
use crate::tx;
use crate::uint256::U256;
use crate::view::HeaderView;

/// The consensus rules of one chain.
pub trait Rules: Debug + Send + Sync {
    /// The numbers that the rules depend on.
    fn params(&self) -> &ChainParams;

    // Money.

    /// What `value`, held by `coin`, is worth when it is spent at `height`. A coin with demurrage is worth less each
    /// block.
    fn worth(&self, value: i64, coin: &TxOutEntry, height: u32) -> i64 {
        let _ = (coin, height);
        value
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

    /// Whether a transaction may be in a block at `height`, with `time` as the time to compare with.
    fn is_final(&self, tx: &Tx, height: u32, time: i64) -> bool {
        tx::is_final(tx, height, time)
    }

    /// The weighted number of signature operations of a transaction that spends `spent`.
    fn sigop_cost(&self, tx: &Tx, spent: &[TxOutEntry], flags: Flags) -> u64 {
        tx::sigop_cost(self.params(), tx, spent, flags)
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

    /// What a header adds to the work of its chain.
    fn header_work(&self, header: &Header) -> U256 {
        pow::proof_of_bits(header.bits())
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

    // Blocks.

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

    /// What the coinbase of a block at `height` may pay, if its transactions pay `fees`.
    fn reward_limit(&self, height: u32, fees: i64) -> i64 {
        fees.saturating_add(self.subsidy(height))
    }
}
