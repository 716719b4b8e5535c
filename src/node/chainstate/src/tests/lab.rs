//! A regtest chain state in a temporary directory, and a miner for it.

use std::{collections::BTreeMap, num::NonZeroU32, path::Path, sync::Arc};

use bitcoin::{
    Amount, BlockHash, CompactTarget, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxMerkleNode, TxOut, Witness,
    absolute::LockTime, block::Header as RawHeader, hashes::Hash,
};
use consensus::{ChainParams, Rules, rules_for};
use platform::{Clock, ManualClock, SystemEntropy};
use primitives::{Block, Header, Tx};
use store::{Disk, KeepingDisk};
use tempfile::TempDir;

use crate::{Accepted, Activation, Arrival, Engine, EngineOptions, FlushMode, LoadError, LoadOptions, NodeId, Refusal};

/// A time shortly after the genesis block of regtest.
const START: i64 = 1_300_000_000;

pub(super) struct Lab {
    pub(super) clock: Arc<ManualClock>,
    rules: Arc<dyn Rules>,
    pub(super) prune_target: Option<u64>,
    pub(super) prefetch: bool,
    pub(super) prune_after_height: u32,
    pub(super) cache_bytes: usize,
    pub(super) fast_prune: bool,
    /// What block files are written to; counts from the next opening.
    pub(super) disk: Arc<dyn Disk>,
    engine: Option<Engine>,
    /// The last to go: databases write into it until they are closed.
    dir: TempDir,
}

impl Lab {
    pub(super) fn new() -> Self {
        let coin = coin::by_id("bitcoin").unwrap();
        let params = ChainParams::new(coin, coin.chain(coin::ChainKind::Regtest).unwrap());
        Self::with_rules(rules_for(params).unwrap())
    }

    /// With other rules, shortly after their genesis block.
    pub(super) fn with_rules(rules: Arc<dyn Rules>) -> Self {
        let start = START.max(i64::from(rules.params().chain().genesis.time));
        let mut lab = Self {
            dir: TempDir::new().unwrap(),
            clock: Arc::new(ManualClock::new(start)),
            rules,
            prune_target: None,
            prefetch: true,
            prune_after_height: 0,
            cache_bytes: 64 << 20,
            fast_prune: true,
            disk: Arc::new(KeepingDisk::default()),
            engine: None,
        };
        lab.open(false, false).unwrap();
        lab
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn engine(&mut self) -> &mut Engine {
        self.engine.as_mut().unwrap()
    }

    /// Opens what is on the disk. What was in memory must be gone.
    pub(super) fn open(&mut self, reindex: bool, reindex_chainstate: bool) -> Result<(), LoadError> {
        assert!(self.engine.is_none());
        let load = LoadOptions {
            blocks_dir: self.path().join("blocks"),
            index_dir: self.path().join("blocks/index"),
            chainstate_dir: self.path().join("chainstate"),
            xor: true,
            fast_prune: self.fast_prune,
            reindex,
            reindex_chainstate,
            compact: false,
            script_threads: 2,
            script_cache_bytes: 1 << 20,
            index_cache_bytes: 2 << 20,
            coins_cache_bytes: 2 << 20,
        };
        let options = EngineOptions {
            cache_bytes: self.cache_bytes,
            inspect_every: NonZeroU32::new(1),
            prefetch: self.prefetch,
            batch_bytes: 8 << 20,
            mishap: None,
            prune_target: self.prune_target,
            prune_after_height: self.prune_after_height,
            stop_at_height: None,
            max_tip_age: 24 * 60 * 60,
            leave_download_at_first_block: true,
        };
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let mut engine =
            Engine::load(Arc::clone(&self.rules), &load, options, Arc::clone(&self.disk), clock, &SystemEntropy)?;
        if reindex {
            engine.reindex()?;
        }
        engine.start()?;
        self.engine = Some(engine);
        Ok(())
    }

    /// Forgets everything that is not on the disk.
    pub(super) fn crash(&mut self) {
        self.engine = None;
        self.open(false, false).unwrap();
    }

    /// Forgets everything that is not on the disk, and does not start again.
    pub(super) fn abandon(&mut self) {
        self.engine = None;
    }

    pub(super) fn stop(&mut self) {
        self.engine().flush(FlushMode::Empty).unwrap();
        self.engine = None;
    }

    pub(super) fn restart(&mut self) {
        self.stop();
        self.open(false, false).unwrap();
    }

    pub(super) fn tip(&mut self) -> BlockHash {
        let tip = self.engine().tip().unwrap();
        self.engine().node(tip).hash
    }

    pub(super) fn height(&mut self) -> u32 {
        let tip = self.engine().tip().unwrap();
        self.engine().node(tip).height
    }

    pub(super) fn id(&mut self, hash: BlockHash) -> NodeId {
        self.engine().reader().find(&hash).unwrap().0
    }

    /// Hands a block in and lets the chain move.
    pub(super) fn submit(&mut self, block: &Arc<Block>) -> (Result<Accepted, Refusal>, Activation) {
        let taken = self.engine().accept_block(block, Arrival::SUBMITTED).unwrap();
        (taken, self.engine().activate().unwrap())
    }

    /// A valid block on `parent` with these transactions, paying `extra` more than it may.
    pub(super) fn block(&mut self, parent: BlockHash, txs: Vec<Tx>, salt: u32, extra: u64) -> Arc<Block> {
        let (id, node) = self.engine().reader().find(&parent).unwrap();
        let time = self.engine().reader().tree(|tree| tree.median_time_past(id)) + 1;
        let height = node.height + 1;
        let subsidy = u64::try_from(self.rules.subsidy(height)).unwrap();
        let mut script_sig = consensus::height_script(height);
        script_sig.push(4);
        script_sig.extend(salt.to_le_bytes());
        let coinbase = Transaction {
            version: bitcoin::transaction::Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![TxIn {
                previous_output: OutPoint::null(),
                script_sig: ScriptBuf::from_bytes(script_sig),
                sequence: Sequence::MAX,
                witness: Witness::new(),
            }],
            output: vec![TxOut { value: Amount::from_sat(subsidy + extra), script_pubkey: anyone() }],
        };
        let txs: Vec<Arc<Tx>> = std::iter::once(Tx::new(coinbase, None)).chain(txs).map(Arc::new).collect();
        let raw = RawHeader {
            version: bitcoin::block::Version::from_consensus(0x2000_0000),
            prev_blockhash: parent,
            merkle_root: TxMerkleNode::all_zeros(),
            time,
            bits: CompactTarget::from_consensus(0x207f_ffff),
            nonce: 0,
        };
        Arc::new(solved(raw, txs, |header| self.rules.is_proven(header)))
    }

    /// Mines `n` empty blocks on the tip.
    pub(super) fn mine(&mut self, n: u32) -> Vec<Arc<Block>> {
        (0..n)
            .map(|salt| {
                let tip = self.tip();
                let block = self.block(tip, Vec::new(), salt, 0);
                assert!(self.submit(&block).0.unwrap().new);
                assert_eq!(self.tip(), block.hash());
                block
            })
            .collect()
    }

    /// Every coin, from the disk after a flush: height and value by outpoint.
    pub(super) fn coins(&mut self) -> BTreeMap<OutPoint, (u32, u64)> {
        self.engine().flush_for_cursor().unwrap();
        let mut coins = BTreeMap::new();
        let reader = self.engine().reader();
        reader
            .for_each_coin(
                || {},
                |out, coin| {
                    coins.insert(out, (coin.height, coin.out.value.to_sat()));
                    true
                },
            )
            .unwrap();
        coins
    }
}

/// A block of these transactions, with the first nonce that proves it.
pub(super) fn solved(raw: RawHeader, txs: Vec<Arc<Tx>>, is_proven: impl Fn(&Header) -> bool) -> Block {
    let mut block = Block { header: Header::new(raw), txs, tail: None };
    let merkle_root = block.merkle_root().0;
    let headers = (0..u32::MAX).map(|nonce| Header::new(RawHeader { merkle_root, nonce, ..raw }));
    block.header = headers.into_iter().find(is_proven).unwrap();
    block
}

/// A script that anybody can satisfy with nothing.
pub(super) fn anyone() -> ScriptBuf {
    ScriptBuf::from_bytes(vec![0x51])
}

/// Spends `from` into two outputs of half the value each.
pub(super) fn split(from: OutPoint, value: u64) -> Tx {
    let output = TxOut { value: Amount::from_sat(value / 2), script_pubkey: anyone() };
    spend(from, vec![output.clone(), output])
}

/// Spends `from` into a coin that no script can spend.
pub(super) fn locked(from: OutPoint, value: u64) -> Tx {
    spend(from, vec![TxOut { value: Amount::from_sat(value), script_pubkey: ScriptBuf::from_bytes(vec![0]) }])
}

fn spend(from: OutPoint, output: Vec<TxOut>) -> Tx {
    let tx = Transaction {
        version: bitcoin::transaction::Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn {
            previous_output: from,
            script_sig: ScriptBuf::new(),
            sequence: Sequence::MAX,
            witness: Witness::new(),
        }],
        output,
    };
    Tx::new(tx, None)
}
