//! What the validation thread and its readers share, and how a reader looks at it without waiting.
//!
//! Three locks, each held for a lookup or an insertion and never across a disk access or a script: the tree, the tip with
//! the coins cache (they change in one step, so a reader never sees coins of another block than the tip), and the event
//! listeners. Blocks and undo data are read from their files without any lock.

use std::sync::{
    Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
    atomic::{AtomicBool, Ordering},
};

use bitcoin::{BlockHash, OutPoint, hashes::Hash};
use consensus::{ChainParams, MemoryCache};
use primitives::{Block, BlockUndo, Codec, TxOutEntry};
use store::{BlockFiles, CoinsDb, FlatPos, StoreError};

use crate::{
    ChainEvent, Node, NodeId, Tree,
    coins::{CoinsCache, Lookup, StoredCoin},
    events::{Hub, Subscription},
    prune::PruneLocks,
    snapshot::{CoinPlaces, SnapshotState},
};

/// The tip and the coins that are its result.
#[derive(Debug)]
pub(crate) struct CoinsState {
    /// `None` only before genesis is connected.
    pub(crate) tip: Option<NodeId>,
    pub(crate) cache: CoinsCache,
    /// What the cache is in front of. It is another one once a snapshot was loaded.
    pub(crate) db: CoinsDb,
}

/// Everything that outlives a command to the validation thread. While the chain behind a snapshot is validated there are two
/// of them: coins and listeners are each one's own, everything behind an [`Arc`] they have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) params: ChainParams,
    pub(crate) codec: Codec,
    pub(crate) tree: Arc<RwLock<Tree>>,
    pub(crate) state: RwLock<CoinsState>,
    pub(crate) files: Arc<BlockFiles>,
    pub(crate) events: Hub<ChainEvent>,
    /// The snapshot that the coins began with, and how far it is proven.
    pub(crate) snapshot: RwLock<Option<SnapshotState>>,
    /// Where databases of coins are, and how large their caches may be.
    pub(crate) places: Arc<CoinPlaces>,
    /// Still catching up with the network; once false, for ever false.
    pub(crate) initial_download: Arc<AtomicBool>,
    /// Some block files were removed by pruning.
    pub(crate) have_pruned: Arc<AtomicBool>,
    /// The program is asked to stop: long work ends at the next block.
    pub(crate) interrupt: Arc<AtomicBool>,
    /// The most work header chain that is not known to be invalid.
    pub(crate) best_header: Arc<RwLock<Option<NodeId>>>,
    /// The most work chain that is known to be invalid.
    pub(crate) best_invalid: Arc<RwLock<Option<NodeId>>>,
    /// Up to where each consumer of blocks has come, by its name.
    pub(crate) prune_locks: Arc<RwLock<PruneLocks>>,
    /// What signalled upgrades have come to, by period.
    pub(crate) versionbits: Arc<MemoryCache>,
}

/// A lock whose holder cannot leave it half-changed: a panic elsewhere does not make its content wrong.
pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// The same chain state with other coins, which nobody listens to.
    pub(crate) fn beside(&self, state: CoinsState) -> Self {
        Self {
            params: self.params.clone(),
            codec: self.codec,
            tree: Arc::clone(&self.tree),
            state: RwLock::new(state),
            files: Arc::clone(&self.files),
            events: Hub::default(),
            snapshot: RwLock::new(None),
            places: Arc::clone(&self.places),
            initial_download: Arc::clone(&self.initial_download),
            have_pruned: Arc::clone(&self.have_pruned),
            interrupt: Arc::clone(&self.interrupt),
            best_header: Arc::clone(&self.best_header),
            best_invalid: Arc::clone(&self.best_invalid),
            prune_locks: Arc::clone(&self.prune_locks),
            versionbits: Arc::clone(&self.versionbits),
        }
    }

    /// The coins on disk.
    pub(crate) fn coins_db(&self) -> CoinsDb {
        read(&self.state).db.clone()
    }

    /// The coin at `out` as of the tip, from memory or from the disk; the cache remembers what the disk said.
    pub(crate) fn coin(&self, out: &OutPoint) -> Result<Option<StoredCoin>, StoreError> {
        let db = {
            let state = read(&self.state);
            match state.cache.get(out) {
                Lookup::Coin(coin) => return Ok(Some(coin.clone())),
                Lookup::Spent => return Ok(None),
                Lookup::Unknown => state.db.clone(),
            }
        };
        Ok(db.get(out)?.map(|bytes| StoredCoin::new(&bytes)))
    }

    pub(crate) fn read_block(&self, pos: FlatPos) -> Result<Block, StoreError> {
        let bytes = self.files.read_block(pos)?;
        self.codec.decode_block(&bytes).map_err(|e| StoreError::Decode { pos, what: "block", reason: e.to_string() })
    }

    pub(crate) fn read_undo(&self, pos: FlatPos, parent: &BlockHash) -> Result<BlockUndo, StoreError> {
        let bytes = self.files.read_undo(pos, parent.as_byte_array())?;
        self.codec.decode_undo(&bytes).map_err(|e| StoreError::Decode {
            pos,
            what: "block undo",
            reason: e.to_string(),
        })
    }
}

/// A view of the chain for RPC, P2P, wallet and indexes. Cheap to clone; never waits for validation.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(crate) shared: Arc<Shared>,
}

impl consensus::CoinView for Reader {
    /// The coin as of the tip; a disk that fails has none.
    fn coin(&self, outpoint: &OutPoint) -> Option<TxOutEntry> {
        Self::coin(self, outpoint).ok().flatten()
    }

    fn final_tx(&self) -> Option<primitives::FinalTx> {
        Self::final_tx(self)
    }
}

/// What most callers want to know of the tip.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tip {
    /// Its node.
    pub id: NodeId,
    /// Its hash.
    pub hash: BlockHash,
    /// Its height.
    pub height: u32,
    /// Its time.
    pub time: u32,
}

impl Reader {
    /// The parameters of the chain.
    pub fn params(&self) -> &ChainParams {
        &self.shared.params
    }

    /// What is known of the states of upgrades, so that nobody counts signals twice.
    pub fn versionbits(&self) -> &MemoryCache {
        &self.shared.versionbits
    }

    /// The last transaction that the next block has to continue, on chains that have such a rule.
    pub fn final_tx(&self) -> Option<primitives::FinalTx> {
        read(&self.shared.state).cache.final_tx()
    }

    /// The chain's wire format.
    pub fn codec(&self) -> Codec {
        self.shared.codec
    }

    /// The tip; `None` only while the program starts.
    pub fn tip(&self) -> Option<Tip> {
        let id = read(&self.shared.state).tip?;
        let tree = read(&self.shared.tree);
        let node = &tree[id];
        Some(Tip { id, hash: node.hash, height: node.height, time: node.header.time })
    }

    /// Looks at the tree. The lock is held while `look` runs, so it must be short.
    pub fn tree<T>(&self, look: impl FnOnce(&Tree) -> T) -> T {
        look(&read(&self.shared.tree))
    }

    /// A copy of the node of this hash.
    pub fn find(&self, hash: &BlockHash) -> Option<(NodeId, Node)> {
        self.tree(|tree| tree.find(hash).map(|id| (id, tree[id].clone())))
    }

    /// A copy of a node.
    pub fn node(&self, id: NodeId) -> Node {
        self.tree(|tree| tree[id].clone())
    }

    /// The block of the active chain at `height`.
    pub fn at_height(&self, height: u32) -> Option<NodeId> {
        let tip = self.tip()?;
        self.tree(|tree| tree.ancestor(tip.id, height))
    }

    /// Whether a block is on the active chain.
    pub fn is_active(&self, id: NodeId) -> bool {
        let Some(tip) = self.tip() else { return false };
        self.tree(|tree| tree.ancestor(tip.id, tree[id].height) == Some(id))
    }

    /// The header chain with the most work.
    pub fn best_header(&self) -> Option<NodeId> {
        *read(&self.shared.best_header)
    }

    /// The most work chain that is known to be invalid.
    pub fn best_invalid(&self) -> Option<NodeId> {
        *read(&self.shared.best_invalid)
    }

    /// The block's bytes as they are stored.
    pub fn block_bytes(&self, node: &Node) -> Option<Result<Vec<u8>, StoreError>> {
        Some(self.shared.files.read_block(node.block_pos()?))
    }

    /// Keeps the blocks from `height` on from being pruned, until `name` says another height, or none.
    pub fn set_prune_lock(&self, name: &str, height: Option<u32>) {
        write(&self.shared.prune_locks).set(name, height);
    }

    /// A part of the block's bytes.
    pub fn block_part(&self, node: &Node, offset: u32, size: u32) -> Option<Result<Vec<u8>, StoreError>> {
        Some(self.shared.files.read_block_part(node.block_pos()?, offset, size))
    }

    /// A part of the block that is stored at `pos`, whether or not it is still part of the chain.
    pub fn stored_part(&self, pos: FlatPos, offset: u32, size: u32) -> Result<Vec<u8>, StoreError> {
        self.shared.files.read_block_part(pos, offset, size)
    }

    /// The block, if it is stored.
    pub fn block(&self, node: &Node) -> Option<Result<Block, StoreError>> {
        Some(self.shared.read_block(node.block_pos()?))
    }

    /// The block's undo data, if they are stored.
    pub fn undo(&self, node: &Node) -> Option<Result<BlockUndo, StoreError>> {
        Some(self.shared.read_undo(node.undo_pos()?, &node.header.prev_blockhash))
    }

    /// The unspent output at `out` as of the tip.
    pub fn coin(&self, out: &OutPoint) -> Result<Option<TxOutEntry>, StoreError> {
        self.shared.coin(out)?.map(|c| c.decode(self.shared.codec)).transpose()
    }

    /// Starts listening to what happens from now on.
    pub fn subscribe(&self) -> Subscription<ChainEvent> {
        self.shared.events.subscribe()
    }

    /// Calls `relay` with what happens from now on, on the thread where it happens; see [`Hub::relay`].
    pub fn relay(&self, relay: impl Fn(&ChainEvent) + Send + 'static) {
        self.shared.events.relay(relay);
    }

    /// Whether the node is still catching up.
    pub fn initial_download(&self) -> bool {
        self.shared.initial_download.load(Ordering::Acquire)
    }

    /// Whether block files were ever removed by pruning.
    pub fn have_pruned(&self) -> bool {
        self.shared.have_pruned.load(Ordering::Acquire)
    }

    /// Bytes that block and undo files take.
    pub fn disk_usage(&self) -> u64 {
        self.shared.files.disk_usage()
    }

    /// Asks long work on the validation thread to end at the next block.
    pub fn interrupt(&self) {
        self.shared.interrupt.store(true, Ordering::Release);
    }
}
