//! Putting a block on the tip of the chain: the rules that need coins.
//!
//! [`Connecting`] holds what adds up over the transactions of a block. The caller owns the coins: for each transaction
//! it lets the spent coins be taken from its view, makes the script checks if scripts are to be run, and then applies the
//! transaction to the view.

use bitcoin::{BlockHash, OutPoint};
use coin::Taproot;
use primitives::{Block, FinalTx, Tx, TxOutEntry};
use script::Flags;

use crate::deployment::{Buried, ThresholdState, VersionBitsCache, state_after};
use crate::money::in_range;
use crate::params::ChainParams;
use crate::reason::ConnectReason;
use crate::rules::{Era, Rules};
use crate::tx::{CoinView, SequenceLocks, spent_coins};
use crate::view::{HeaderView, next_height};

/// From this height on a coinbase could repeat one from before BIP34, whose script happened to name a later height.
const BIP34_IMPLIES_BIP30_LIMIT: u32 = 1_983_702;

/// The two blocks of Bitcoin that repeat the coinbase of an earlier one, with the hash in display order.
const BIP30_REPEATS: [(u32, &str); 2] = [
    (91_842, "00000000000a4d0a398161ffc163c503763b1f4360639393e0e4c8e300e0caec"),
    (91_880, "00000000000743f190a18c5577a3c2d2a1f610ae9601ac046a38084ccb7cd721"),
];

/// The two blocks whose coinbase they overwrote, before it was spent.
const BIP30_UNSPENDABLE: [(u32, &str); 2] = [
    (91_722, "00000000000271a2dc26e7667f8419f2e15416dc6955e5a6c6cdf3f2574dd08e"),
    (91_812, "00000000000af0aed4792b1acee3d966af36cf5def14935db8de83d6f9306f2f"),
];

fn is_listed(list: &[(u32, &str)], hash: &BlockHash, height: u32) -> bool {
    list.iter().any(|(listed, text)| *listed == height && hash.to_string() == *text)
}

/// Whether this block is one of the two that repeat an unspent coinbase.
pub fn is_bip30_repeat(hash: &BlockHash, height: u32) -> bool {
    is_listed(&BIP30_REPEATS, hash, height)
}

/// Whether the coinbase of this block can never be spent, because a later block repeated it.
pub fn is_bip30_unspendable(hash: &BlockHash, height: u32) -> bool {
    is_listed(&BIP30_UNSPENDABLE, hash, height)
}

/// Whether the block that follows `prev` must not repeat unspent transactions.
///
/// On the branch that is known to hold the first block of BIP34 there is nothing to repeat, so the costly look-up is
/// left out there, until heights that early coinbases named by chance.
pub(crate) fn enforces_bip30(params: &ChainParams, hash: &BlockHash, prev: &dyn HeaderView) -> bool {
    let height = next_height(Some(prev));
    if height >= BIP34_IMPLIES_BIP30_LIMIT {
        return true;
    }
    let (start, anchor) = params.bip34_anchor();
    let found = start.height().and_then(|height| prev.at(height));
    let anchored = found.is_some_and(|header| header.hash == anchor);
    !anchored && !is_bip30_repeat(hash, height)
}

/// The flags of the block that follows `prev`.
pub(crate) fn script_flags(
    params: &ChainParams,
    hash: &BlockHash,
    prev: Option<&dyn HeaderView>,
    cache: &dyn VersionBitsCache,
) -> Flags {
    let height = next_height(prev);
    // P2SH, witness and Taproot hold from the first block on, although miners began to enforce them later: only the
    // listed blocks break them.
    let always = Flags::P2SH | Flags::WITNESS;
    let usual = if params.taproot() == Taproot::Always { always | Flags::TAPROOT } else { always };
    let mut flags = params.script_exception(hash).unwrap_or(usual);
    if params.taproot() == Taproot::Bip9
        && let Some(taproot) = params.deployment("taproot")
        && state_after(taproot, prev, cache) == ThresholdState::Active
    {
        flags |= Flags::TAPROOT;
    }
    for (deployment, flag) in [
        (Buried::Dersig, Flags::DERSIG),
        (Buried::Cltv, Flags::CHECKLOCKTIMEVERIFY),
        (Buried::Csv, Flags::CHECKSEQUENCEVERIFY),
        (Buried::Segwit, Flags::NULLDUMMY),
    ] {
        if params.is_active(deployment, height) {
            flags |= flag;
        }
    }
    flags
}

/// A block that is being put on the tip of a branch.
#[derive(Debug)]
pub struct Connecting<'a, R: Rules + ?Sized> {
    rules: &'a R,
    prev: Branch<'a>,
    height: u32,
    flags: Flags,
    relative_locks: bool,
    era: Era,
    final_tx: Option<FinalTx>,
    fees: i64,
    sigops: u64,
}

/// Coins of any kind behind the trait.
struct Dyn<'a, V: ?Sized>(&'a V);

impl<V: CoinView + ?Sized> CoinView for Dyn<'_, V> {
    fn coin(&self, outpoint: &OutPoint) -> Option<TxOutEntry> {
        self.0.coin(outpoint)
    }

    fn final_tx(&self) -> Option<FinalTx> {
        self.0.final_tx()
    }

    fn has_any(&self, outpoints: &[OutPoint]) -> bool {
        self.0.has_any(outpoints)
    }
}

struct Branch<'a>(&'a dyn HeaderView);

impl std::fmt::Debug for Branch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Branch({})", self.0.height())
    }
}

impl<'a, R: Rules + ?Sized> Connecting<'a, R> {
    /// Begins with a block that follows `prev` and has passed all checks that need no coins. Not for the genesis block,
    /// which creates nothing that could be spent.
    pub fn start(
        rules: &'a R,
        block: &Block,
        prev: &'a dyn HeaderView,
        coins: &(impl CoinView + ?Sized),
        cache: &dyn VersionBitsCache,
    ) -> Result<Self, ConnectReason> {
        let hash = block.hash();
        if rules.enforces_bip30(&hash, prev) {
            check_bip30(block, coins)?;
        }
        let height = next_height(Some(prev));
        let flags = rules.script_flags(&hash, Some(prev), cache);
        let relative_locks = rules.params().is_active(Buried::Csv, height);
        let final_tx = rules.open_block(block, prev, flags, &Dyn(coins), cache)?;
        let era = rules.era(prev);
        Ok(Self { rules, prev: Branch(prev), height, flags, relative_locks, era, final_tx, fees: 0, sigops: 0 })
    }

    /// The height of the block.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The flags to run its scripts with.
    pub fn flags(&self) -> Flags {
        self.flags
    }

    /// The last transaction of this block, if the next one has to continue it.
    pub fn final_tx(&self) -> Option<FinalTx> {
        self.final_tx
    }

    /// The fees so far.
    pub fn fees(&self) -> i64 {
        self.fees
    }

    /// Takes what the next transaction spends from `coins`, and checks it, all but its scripts.
    pub fn spend(&mut self, tx: &Tx, coins: &(impl CoinView + ?Sized)) -> Result<Vec<TxOutEntry>, ConnectReason> {
        let spent = if tx.is_coinbase() { Ok(Vec::new()) } else { spent_coins(tx, coins) };
        let spent = spent.map_err(|reason| ConnectReason::Transaction { txid: tx.txid(), reason })?;
        self.transaction(tx, &spent)?;
        Ok(spent)
    }

    /// Checks the next transaction, which spends `spent` (nothing if it is the coinbase), all but its scripts.
    pub fn transaction(&mut self, tx: &Tx, spent: &[TxOutEntry]) -> Result<(), ConnectReason> {
        let params = self.rules.params();
        if !tx.is_coinbase() {
            let txid = tx.txid();
            let fee = self.rules.check_inputs_in(tx, spent, self.height, self.era);
            let fee = fee.map_err(|reason| ConnectReason::Transaction { txid, reason })?;
            let fee = self.rules.fee_in_block(tx, fee, self.height);
            let fees = self.fees.checked_add(fee).filter(|fees| in_range(*fees, params.max_money()));
            self.fees = fees.ok_or(ConnectReason::AccumulatedFees)?;
            if self.relative_locks {
                let locks = SequenceLocks::of(tx, spent.iter().map(|coin| coin.height), self.prev.0);
                if !locks.are_open_after(self.prev.0) {
                    return Err(ConnectReason::SequenceLock(txid));
                }
            }
        }
        self.sigops = self.sigops.saturating_add(self.rules.sigop_cost(tx, spent, self.flags));
        if self.sigops > self.rules.max_sigops_cost(self.era) { Err(ConnectReason::SigOps) } else { Ok(()) }
    }

    /// Ends with what the coinbase may pay, and tells the fees.
    pub fn finish(self, coinbase: &Tx) -> Result<i64, ConnectReason> {
        self.rules.check_coinbase(coinbase, self.height)?;
        let limit = self.rules.reward_limit(self.height, self.fees);
        let actual = self.rules.value_out(coinbase).unwrap_or(i64::MAX);
        if actual > limit { Err(ConnectReason::CoinbaseAmount { actual, limit }) } else { Ok(self.fees) }
    }
}

/// No transaction of the block may have an output that exists unspent.
fn check_bip30(block: &Block, coins: &(impl CoinView + ?Sized)) -> Result<(), ConnectReason> {
    let outputs = block.txs.iter().flat_map(|tx| {
        let txid = tx.txid();
        (0u32..).take(tx.outputs().len()).map(move |vout| OutPoint { txid, vout })
    });
    let outputs: Vec<_> = outputs.collect();
    if coins.has_any(&outputs) { Err(ConnectReason::Bip30) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
