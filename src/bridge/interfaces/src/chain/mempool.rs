//! Unconfirmed transactions: what is there, what it costs, how to send one.

use crate::{Amount, Answer, Call, OutPoint, RawTx, Script, Txid};

/// Reads the mempool and the unspent outputs seen through it.
pub trait ChainMempool: Send + Sync {
    /// The coins at these outputs, in the mempool or the chain; one entry per output, `None` if it does not exist or is
    /// spent in the chain.
    fn find_coins(&self, outpoints: &[OutPoint]) -> Call<Vec<Option<Coin>>>;

    /// Whether the transaction is in the mempool.
    fn is_in_mempool(&self, txid: Txid) -> Call<bool>;

    /// Whether anything in the mempool spends it.
    fn has_descendants_in_mempool(&self, txid: Txid) -> Call<bool>;

    /// The relatives of transactions of the mempool; one entry per id, all zeros for those that are not there.
    fn transaction_ancestries(&self, txids: &[Txid]) -> Call<Vec<TxAncestry>>;

    /// What it costs to spend each of these outputs at a fee rate (per 1000 virtual bytes), their unconfirmed ancestors
    /// included.
    fn individual_bump_fees(&self, outpoints: &[OutPoint], fee_rate: Amount) -> Call<Vec<BumpFee>>;

    /// What it costs to spend all of them together, shared ancestors counted once.
    fn combined_bump_fee(&self, outpoints: &[OutPoint], fee_rate: Amount) -> Call<Option<Amount>>;

    /// How long chains of unconfirmed transactions may be.
    fn package_limits(&self) -> Call<PackageLimits>;

    /// Whether the transaction would keep within them.
    fn check_chain_limits(&self, tx: &RawTx) -> Call<Answer<()>>;
}

/// Fee rates, per 1000 virtual bytes.
pub trait ChainFees: Send + Sync {
    /// The rate at which a transaction confirms within so many blocks.
    fn estimate_fee_rate(&self, blocks: u32, conservative: bool) -> Call<Answer<FeeEstimate>>;

    /// The longest target that can be estimated.
    fn max_fee_target(&self) -> Call<u32>;

    /// Below this the full mempool refuses.
    fn mempool_min_fee(&self) -> Call<Amount>;

    /// Below this nothing is relayed.
    fn relay_min_fee(&self) -> Call<Amount>;

    /// What a replacement pays for its own relay.
    fn relay_incremental_fee(&self) -> Call<Amount>;

    /// The rate that decides what is dust.
    fn relay_dust_fee(&self) -> Call<Amount>;
}

/// Sends transactions.
pub trait ChainBroadcast: Send + Sync {
    /// Adds a transaction to the mempool, or sends it, as `how` says. Refused if it pays more than `max_fee`.
    fn broadcast_transaction(&self, tx: &RawTx, max_fee: Amount, how: Broadcast) -> Call<Answer<()>>;
}

/// What to do with a transaction of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Broadcast {
    /// Add it to the mempool and send it to all peers.
    #[default]
    MempoolAndBroadcastToAll,
    /// Add it to the mempool only.
    MempoolNoBroadcast,
    /// Send it through private connections, past the mempool.
    NoMempoolPrivateBroadcast,
}

/// An unspent output.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coin {
    /// Its amount.
    pub value: Amount,
    /// Its script.
    pub script: Script,
    /// The height it was created at; `0x7fffffff` in the mempool.
    pub height: u32,
    /// Whether a coinbase created it.
    pub coinbase: bool,
}

/// The relatives of an unconfirmed transaction; all zero if it is not in the mempool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TxAncestry {
    /// How many ancestors it has, itself included.
    pub ancestors: u64,
    /// How many transactions its cluster has.
    pub cluster: u64,
    /// The virtual size of its ancestors.
    pub ancestor_size: u64,
    /// The fees of its ancestors.
    pub ancestor_fees: Amount,
}

/// What spending an output costs beyond the spending transaction itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BumpFee {
    /// The output.
    pub outpoint: OutPoint,
    /// The fee.
    pub fee: Amount,
}

/// How long chains of unconfirmed transactions may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PackageLimits {
    /// Ancestors, itself included.
    pub ancestors: u32,
    /// Descendants, itself included.
    pub descendants: u32,
}

/// An estimated fee rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FeeEstimate {
    /// The rate per 1000 virtual bytes.
    pub fee_rate: Amount,
    /// The target it is for, which may be longer than asked.
    pub target: u32,
}
