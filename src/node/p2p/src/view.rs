//! What the peer logic asks of the chain and of the memory pool. Whoever owns those implements the traits.

use std::sync::Arc;

use bitcoin::{BlockHash, Txid, Work, Wtxid};
use primitives::{Block, Header, Tx};

use crate::netaddr::{NetAddr, Network};

/// What is known of a block or its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockInfo {
    /// Its hash.
    pub hash: BlockHash,
    /// Its height.
    pub height: u32,
    /// Its time, in seconds since 1970.
    pub time: u32,
    /// The work of its chain up to it.
    pub work: Work,
    /// Whether the block itself is here.
    pub has_data: bool,
    /// Whether the block was here once, and is not any more.
    pub pruned: bool,
    /// Whether it is part of the active chain.
    pub active: bool,
    /// Whether it is known to be invalid.
    pub invalid: bool,
    /// Whether all its rules were checked, its scripts included.
    pub checked: bool,
}

/// Whose fault a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nobody's: a clock, or too little work.
    Nobody,
    /// The block breaks a rule, or is not the one that its header promises. Who only passed a compact block on could not
    /// know.
    Block,
    /// The header breaks a rule, or follows an invalid or unknown one: that can be seen without the block.
    Header,
    /// It was found invalid before. Others may still believe in it, but one that we chose ourselves is of no use then.
    KnownInvalid,
}

/// Why a header or a block is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The daemon's word for it.
    pub reason: String,
    /// Whose fault it is.
    pub fault: Fault,
}

/// What became of a block: whether it was new, or why it is not taken.
pub type BlockVerdict = Result<bool, Refusal>;

/// The chain that is validated behind a snapshot of the coins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behind {
    /// Where it ends now.
    pub tip: BlockInfo,
    /// The block of the snapshot, where it will end.
    pub target: BlockInfo,
}

/// The chain, as far as peers have to do with it.
pub trait ChainAccess {
    /// The last block of the active chain.
    fn tip(&self) -> BlockInfo;
    /// The header with the most work.
    fn best_header(&self) -> BlockInfo;
    /// What is known of a block.
    fn info(&self, hash: &BlockHash) -> Option<BlockInfo>;
    /// The block of that height among a block's ancestors and itself.
    fn ancestor(&self, hash: &BlockHash, height: u32) -> Option<BlockHash>;
    /// A header.
    fn header(&self, hash: &BlockHash) -> Option<Header>;
    /// A block.
    fn block(&self, hash: &BlockHash) -> Option<Arc<Block>>;
    /// A block as it is sent with witnesses, if it is kept in that form: to read it as a block would be for nothing.
    fn block_bytes(&self, hash: &BlockHash) -> Option<Vec<u8>>;
    /// What is validated behind a snapshot; nothing if the chain did not begin with one.
    fn behind(&self) -> Option<Behind> {
        None
    }
    /// Whether the node is still catching up.
    fn is_initial_download(&self) -> bool;
    /// The work below which a chain is not worth keeping.
    fn minimum_work(&self) -> Work;
    /// Whether a header's hash meets its own target. No other rule is asked for.
    fn has_valid_proof(&self, header: &Header) -> bool;
    /// The work that a header claims. Where headers are mined together with those of other chains, both kinds count.
    fn header_work(&self, header: &Header) -> Work {
        header.raw().work()
    }
    /// Whether a block of that height may have those bits behind a block with `old` bits.
    fn permits_transition(&self, height: u32, old: u32, new: u32) -> bool;
    /// Whether a block that follows a known one has other transactions or witnesses than its header promises, or none
    /// that can be judged by it.
    fn is_mutated(&self, block: &Block) -> bool;
    /// Whether blocks of that height commit to witnesses, so that only peers with witnesses can give them.
    fn commits_to_witnesses(&self, height: u32) -> bool;
    /// Takes headers that follow one another; the one before the first is known. The peer is told for the log.
    fn accept_headers(&mut self, headers: &[Header]) -> Result<(), Refusal>;
    /// Takes a block. One that nobody asked for may be left alone. `None` says that it is being judged elsewhere: whoever
    /// judges it then calls [`PeerManager::block_judged`](crate::PeerManager::block_judged), and until then nothing more of
    /// that peer is handled.
    fn submit_block(&mut self, block: Arc<Block>, requested: bool) -> Option<BlockVerdict>;
}

/// Why a transaction is refused, as far as it decides whether it is asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectKind {
    /// It stays refused, with this witness.
    Final,
    /// It stays refused with any witness: what it spends is not standard.
    AnyWitness,
    /// Its witness is missing: the same transaction from another peer may be fine.
    WitnessStripped,
    /// It pays too little by itself; a child could pay for it.
    Reconsiderable,
}

/// What became of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TxVerdict {
    /// It is in the pool now.
    Accepted {
        /// What it took the place of.
        replaced: Vec<Arc<Tx>>,
    },
    /// It was there, or is in the chain.
    Known,
    /// It spends outputs that nobody knows.
    MissingInputs,
    /// It is refused.
    Rejected {
        /// The daemon's word for it.
        reason: String,
        /// Whether it may come again.
        kind: RejectKind,
    },
}

/// What became of a parent and the child that pays for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageVerdict {
    /// Why the two were refused as a whole, if they were.
    pub refused: Option<String>,
    /// What became of the parent, if it was judged by itself.
    pub parent: Option<TxVerdict>,
    /// What became of the child, if it was judged by itself.
    pub child: Option<TxVerdict>,
}

/// The memory pool, as far as peers have to do with it.
pub trait TxAccess {
    /// A transaction of the pool.
    fn by_txid(&self, txid: &Txid) -> Option<Arc<Tx>>;
    /// A transaction of the pool.
    fn by_wtxid(&self, wtxid: &Wtxid) -> Option<Arc<Tx>>;
    /// How many transactions there are, and the bytes of memory that they take.
    fn size(&self) -> (usize, usize);
    /// All transactions of the pool, those that are to be told first in front.
    fn list(&self) -> Vec<(Txid, Wtxid)>;
    /// Puts transactions in the order in which they are told: parents before children, the best paying first. Those that
    /// are not in the pool may go.
    fn sort_for_relay(&self, list: &mut Vec<Txid>);
    /// What a transaction of the pool pays, in satoshis per thousand virtual bytes.
    fn feerate(&self, txid: &Txid) -> Option<i64>;
    /// How often the pool has changed. It starts at 1.
    fn sequence(&self) -> u64;
    /// The sequence number when a transaction entered; 0 for one that came back from a block.
    fn sequence_of(&self, txid: &Txid) -> Option<u64>;
    /// What a transaction must pay now, in satoshis per thousand virtual bytes.
    fn minimum_feerate(&self) -> i64;
    /// What a transaction must pay even when the pool is empty.
    fn relay_feerate(&self) -> i64;
    /// A feerate near to this one that tells less about our pool; the dice decide which.
    fn round_feerate(&self, feerate: i64, dice: u32) -> i64;
    /// Our own transactions that nobody has asked for yet.
    fn unbroadcast(&self) -> Vec<(Txid, Wtxid)>;
    /// Somebody has asked for one of those.
    fn mark_broadcast(&mut self, txid: &Txid);
    /// Takes a transaction.
    fn submit(&mut self, tx: Arc<Tx>) -> TxVerdict;
    /// Whether a transaction would be taken, or the daemon's word for why not.
    fn would_accept(&self, tx: &Arc<Tx>) -> Result<(), String>;
    /// Takes a transaction and a child that pays for it, both or none.
    fn submit_package(&mut self, parent: Arc<Tx>, child: Arc<Tx>) -> PackageVerdict;
}

/// Filters of the blocks of the chain (BIP158), which an index keeps.
pub trait FilterAccess: std::fmt::Debug + Send {
    /// The filter of a block.
    fn filter(&self, block: &BlockHash) -> Option<Vec<u8>>;
    /// The hash of a block's filter.
    fn filter_hash(&self, block: &BlockHash) -> Option<[u8; 32]>;
    /// The filter header of a block.
    fn filter_header(&self, block: &BlockHash) -> Option<[u8; 32]>;
}

/// Which addresses are worth being kept and passed on.
pub trait AddrPolicy: std::fmt::Debug + Send {
    /// Whether we can reach that network at all.
    fn is_reachable(&self, network: Network) -> bool;
    /// Whether the address is banned or discouraged.
    fn is_shunned(&self, addr: &NetAddr) -> bool;
}
