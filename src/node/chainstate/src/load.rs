//! The start: what the disk remembers becomes a tree, a tip and a cache again.

use std::{
    path::PathBuf,
    sync::{
        Arc, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use bitcoin::{block::Header as RawHeader, hashes::Hash};
use coin::Snapshot;
use consensus::{Buried, Rules, U256};
use platform::{Clock, Entropy};
use primitives::{Codec, FinalTx};
use store::{
    BlockFiles, BlockFilesOptions, CoinsDb, CoinsTip, Disk, IndexDb, IndexRecord, KvOptions, StoreError, XorKey,
};

use crate::{
    Engine, EngineOptions, Fatal, NodeId, Tree,
    candidates::Candidates,
    coins::CoinsCache,
    events::Hub,
    hashing::SaltedState,
    recent::Recent,
    scripts::ScriptChecker,
    shared::{CoinsState, Shared, read, write},
    snapshot::{self, CoinPlaces},
};

/// Where things are and how they are opened.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// `<datadir>/<chain>/blocks`, or what `-blocksdir` says.
    pub blocks_dir: PathBuf,
    /// `<datadir>/<chain>/blocks/index`; it stays in the data directory.
    pub index_dir: PathBuf,
    /// `<datadir>/<chain>/chainstate`.
    pub chainstate_dir: PathBuf,
    /// `-blocksxor`.
    pub xor: bool,
    /// `-fastprune`.
    pub fast_prune: bool,
    /// `-reindex`: build the index again from the block files.
    pub reindex: bool,
    /// `-reindex-chainstate`: build the coins again from the blocks.
    pub reindex_chainstate: bool,
    /// `-forcecompactdb`: merge the files of the databases.
    pub compact: bool,
    /// `-par`: threads that check scripts.
    pub script_threads: usize,
    /// Bytes for the caches of signatures and scripts.
    pub script_cache_bytes: usize,
    /// Bytes for RocksDB's own caches of the block index.
    pub index_cache_bytes: usize,
    /// Bytes for RocksDB's own caches of the coins.
    pub coins_cache_bytes: usize,
}

/// Why the chain state cannot be loaded. The texts are what the daemon says before it asks for `-reindex`.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The disk or a database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The validation engine.
    #[error(transparent)]
    Fatal(#[from] Fatal),
    /// The block index does not fit together.
    #[error("Error loading block database")]
    Index,
    /// The blocks are those of another chain.
    #[error("Incorrect or no genesis block found. Wrong datadir for network?")]
    Genesis,
    /// Files were pruned, and now everything is wanted.
    #[error(
        "You need to rebuild the database using -reindex to go back to unpruned mode.  This will redownload the entire blockchain"
    )]
    Pruned,
    /// The coins are those of a block that the index does not know.
    #[error("Error initializing block database")]
    UnknownTip,
    /// Segwit is in force for blocks whose witnesses nobody has looked at.
    #[error("Witness data for blocks after height {height} requires validation. Please restart with -reindex.")]
    Witnesses {
        /// Where segwit begins.
        height: u32,
    },
    /// The coins are those of a snapshot that the program does not know.
    #[error(
        "A fatal internal error occurred, see debug.log for details: Assumeutxo data not found for the given blockhash '{0}'."
    )]
    UnknownSnapshot(bitcoin::BlockHash),
    /// The coins that were computed behind a snapshot are others.
    #[error(
        "UTXO snapshot failed to validate. Restart to resume normal initial block download, or try loading a different snapshot."
    )]
    InvalidSnapshot,
    /// An interrupted flush cannot be finished.
    #[error("Unable to replay blocks. You will need to rebuild the database using -reindex-chainstate.")]
    Replay,
    /// The machine gave no random bytes.
    #[error("no randomness from the operating system: {0}")]
    Entropy(std::io::Error),
}

impl LoadError {
    /// Whether `-reindex` is what to try next.
    pub fn reindex_helps(&self) -> bool {
        matches!(self, Self::Index | Self::UnknownTip | Self::Witnesses { .. })
    }
}

impl Engine {
    /// Opens or creates the chain state of one chain.
    pub fn load(
        rules: Arc<dyn Rules>,
        load: &LoadOptions,
        options: EngineOptions,
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        entropy: &dyn Entropy,
    ) -> Result<Self, LoadError> {
        let params = rules.params().clone();
        let random = platform::entropy::random_bytes::<72>(entropy).map_err(LoadError::Entropy)?;
        let word = |n: usize| u64::from_le_bytes(random[n * 8..][..8].try_into().expect("eight of 72 bytes"));
        let salt = SaltedState::new([word(0), word(1)]);
        let key = |n: usize| XorKey::new(word(n).to_le_bytes());
        let script_salt: [u8; 32] = random[32..64].try_into().expect("32 of 72 bytes");

        std::fs::create_dir_all(&load.blocks_dir).map_err(|source| StoreError::Io {
            action: "create",
            path: load.blocks_dir.clone(),
            source,
        })?;
        let blocks_key = store::blocks_key(&load.blocks_dir, load.xor, key(3))?;
        let kv = |wipe| KvOptions { cache_bytes: load.coins_cache_bytes, wipe, compact: load.compact };
        let index_kv = KvOptions { wipe: load.reindex, cache_bytes: load.index_cache_bytes, ..kv(false) };
        let wipe = load.reindex || load.reindex_chainstate;
        let snapshot = snapshot::settle(&params, &load.chainstate_dir, wipe, kv(false))?;
        let known = snapshot.and_then(|base| snapshot::known(&params, &base));
        // Opening waits for the disk more than for anything else, and the two do not wait for one another.
        let (index_db, coins_db) = std::thread::scope(|scope| {
            let coins_db = scope.spawn(|| CoinsDb::open(&load.chainstate_dir, kv(wipe), key(2)));
            let index_db = IndexDb::open(&load.index_dir, index_kv);
            (index_db, coins_db.join())
        });
        let index_db = index_db?;
        let coins_db = coins_db.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let file_options = BlockFilesOptions {
            dir: load.blocks_dir.clone(),
            magic: params.magic(),
            key: blocks_key,
            fast_prune: load.fast_prune,
        };
        let files = BlockFiles::new(disk, &file_options, index_db.files()?);
        let codec = Codec::for_coin(params.coin());
        let mut cache = CoinsCache::new(salt);
        cache.remember_final_tx(coins_db.final_tx()?.map(|(txid, outputs)| FinalTx { txid, outputs }));
        let places = CoinPlaces {
            coins: load.chainstate_dir.clone(),
            cache_bytes: load.coins_cache_bytes,
            key: key(8),
            total_cache: options.cache_bytes,
            tip_cache: AtomicUsize::new(options.cache_bytes),
            loading: AtomicBool::new(false),
        };
        let shared = Arc::new(Shared {
            params,
            codec,
            tree: Arc::new(RwLock::new(Tree::new(salt))),
            state: RwLock::new(CoinsState { tip: None, cache, db: coins_db }),
            files: Arc::new(files),
            events: Hub::default(),
            snapshot: RwLock::new(None),
            places: Arc::new(places),
            initial_download: Arc::new(AtomicBool::new(true)),
            have_pruned: Arc::new(AtomicBool::new(false)),
            interrupt: Arc::new(AtomicBool::new(false)),
            best_header: Arc::new(RwLock::new(None)),
            best_invalid: Arc::new(RwLock::new(None)),
            prune_locks: Arc::default(),
            versionbits: Arc::default(),
        });
        let scripts = Arc::new(ScriptChecker::new(load.script_threads, load.script_cache_bytes, &script_salt, salt));
        let last_write = clock.unix_seconds();
        let mut engine = Self {
            shared,
            rules,
            clock,
            index_db,
            options,
            scripts,
            candidates: Candidates::default(),
            dirty: std::collections::HashSet::default(),
            active_tip: None,
            // 0 is for the best chain, 1 for the others that come from the disk.
            next_sequence: 2,
            precious_sequence: -1,
            precious_work: U256::ZERO,
            last_write,
            uninspected: 0,
            verifies: std::cell::Cell::default(),
            recent: Recent::default(),
            ahead: None,
            followers: Vec::new(),
            background: None,
            in_background: false,
            abandoned: false,
        };
        engine.load_index(known)?;
        engine.load_tip()?;
        if let Some(known) = known {
            engine.resume_snapshot(known)?;
        }
        Ok(engine)
    }

    /// Rebuilds the tree from its records, lowest first, so that a parent is there before its children.
    fn load_index(&mut self, snapshot: Option<&Snapshot>) -> Result<(), LoadError> {
        let mut records: Vec<_> = self.index_db.records().collect::<Result<_, _>>()?;
        records.sort_unstable_by_key(|(_, record)| record.height);
        let genesis = self.shared.params.genesis_hash();
        let mut needed = std::collections::BTreeSet::new();
        let shared = Arc::clone(&self.shared);
        {
            let mut tree = write(&shared.tree);
            for (hash, record) in &records {
                let header: RawHeader =
                    bitcoin::consensus::deserialize(&record.header).map_err(|_| LoadError::Index)?;
                let parent = tree.find(&header.prev_blockhash);
                let fits = header.block_hash() == *hash
                    && parent.map_or(*hash == genesis && record.height == 0, |p| tree[p].height + 1 == record.height);
                if !fits {
                    tracing::error!("LoadBlockIndex: {hash} at height {} does not fit its parent", record.height);
                    return Err(if record.height == 0 { LoadError::Genesis } else { LoadError::Index });
                }
                let id = tree.restore(header, *hash, parent, record);
                if let Some(known) = snapshot.filter(|known| known.blockhash == hash.to_byte_array()) {
                    tree[id].chain_tx_count = known.chain_tx_count;
                }
                self.link(&mut tree, id, record);
                needed.extend(tree[id].has_data().then_some(record.file));
            }
        }
        tracing::info!("Checking all blk files are present...");
        if let Some(gone) = needed.iter().find(|file| !self.shared.files.exists(**file)) {
            tracing::error!("Unable to open file {}", self.shared.files.block_path(*gone).display());
            return Err(LoadError::Index);
        }
        let pruned = self.index_db.flag("prunedblockfiles")?;
        self.shared.have_pruned.store(pruned, Ordering::Release);
        if pruned {
            tracing::info!("Loading block index db: Block files have previously been pruned");
            if self.options.prune_target.is_none() {
                return Err(LoadError::Pruned);
            }
        }
        self.find_best_header();
        Ok(())
    }

    /// Derives what is not stored: counts along the chain, failures inherited from below, candidates.
    fn link(&mut self, tree: &mut Tree, id: NodeId, record: &IndexRecord) {
        let parent = tree[id].parent();
        if parent.is_some_and(|p| tree[p].failed()) && !tree[id].failed() {
            tree[id].set_failed(true);
            self.dirty.insert(id);
        }
        if record.tx_count > 0 {
            match parent.map(|p| (p, tree[p].chain_tx_count)) {
                Some((parent, 0)) => self.candidates.wait_for(parent, id),
                // The block of a snapshot counts all those below it, whether they are here or not.
                _ if tree[id].chain_tx_count > 0 => {}
                below => tree[id].chain_tx_count = below.map_or(0, |b| b.1) + u64::from(record.tx_count),
            }
        }
        if Candidates::eligible(&tree[id]) {
            self.candidates.offer(tree, id, None);
        }
        if tree[id].failed() {
            let mut best = write(&self.shared.best_invalid);
            if best.is_none_or(|b| tree[id].chain_work > tree[b].chain_work) {
                *best = Some(id);
            }
        }
    }

    /// Finds the block that the coins on disk are the result of, finishing an interrupted flush first.
    pub(crate) fn load_tip(&mut self) -> Result<(), LoadError> {
        let tip = match self.shared.coins_db().tip()? {
            CoinsTip::Empty => return Ok(()),
            CoinsTip::At(hash) => hash,
            CoinsTip::Between { new, old } => {
                self.replay(new, old)?;
                new
            }
        };
        let id = read(&self.shared.tree).find(&tip).ok_or(LoadError::UnknownTip)?;
        self.set_loaded_tip(id);
        self.check_witnesses(id)?;
        let node = self.node(id);
        tracing::info!(
            "Loaded best chain: hashBestChain={} height={} date={} progress={:.6}",
            node.hash,
            node.height,
            platform::format_iso8601(i64::from(node.header.time)),
            self.progress_of(&read(&self.shared.tree), &node),
        );
        Ok(())
    }

    /// Blocks that were taken in before segwit was known to be in force must be read again.
    fn check_witnesses(&self, tip: NodeId) -> Result<(), LoadError> {
        let params = &self.shared.params;
        let tree = read(&self.shared.tree);
        // Those below the block of a snapshot are looked at behind it.
        let base = read(&self.shared.snapshot).map(|snapshot| snapshot.base);
        let mut at = Some(tip);
        while let Some(id) = at.filter(|id| params.is_active(Buried::Segwit, tree[*id].height) && Some(*id) != base) {
            if !tree[id].stored_with_witness() {
                return Err(LoadError::Witnesses { height: params.activation(Buried::Segwit).height().unwrap_or(0) });
            }
            at = tree[id].parent();
        }
        Ok(())
    }

    fn set_loaded_tip(&mut self, tip: NodeId) {
        let mut tree = write(&self.shared.tree);
        let mut at = Some(tip);
        while let Some(id) = at {
            // At equal work the chain that was the best before the stop is the best after it.
            self.candidates.remove(&tree, id);
            tree[id].sequence = 0;
            at = tree[id].parent();
        }
        self.candidates.offer(&tree, tip, None);
        self.candidates.prune(&tree, tip);
        drop(tree);
        self.active_tip = Some(tip);
        write(&self.shared.state).tip = Some(tip);
        self.update_initial_download();
    }
}
