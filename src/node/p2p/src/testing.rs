//! A chain, a pool and a network that are small enough to be seen through.

mod sim;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bitcoin::absolute::LockTime;
use bitcoin::block::Header as RawHeader;
use bitcoin::hashes::Hash;
use bitcoin::{
    Amount, BlockHash, CompactTarget, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxMerkleNode, TxOut, Txid,
    Witness, Work, Wtxid,
};
use primitives::{Block, Codec, Header, Tx, WitnessMode};

use crate::{
    Behind, BlockInfo, BlockVerdict, ChainAccess, Chance, Fault, NODE_NETWORK, NODE_WITNESS, Options, PackageVerdict,
    PeerManager, PresyncOptions, Refusal, RejectKind, TxAccess, TxVerdict,
};

pub(crate) use sim::Sim;

/// When all stories start.
pub(crate) const START: Duration = Duration::from_secs(1_700_000_000);
const EASY: u32 = 0x207f_ffff;

/// A transaction that spends one output, with a script of some length.
pub(crate) fn spend(previous_output: OutPoint, value: u64, script: usize) -> Arc<Tx> {
    let input =
        TxIn { previous_output, script_sig: ScriptBuf::new(), sequence: Sequence::MAX, witness: Witness::new() };
    let output = TxOut { value: Amount::from_sat(value), script_pubkey: ScriptBuf::from_bytes(vec![0x51; script]) };
    let version = bitcoin::transaction::Version::TWO;
    let inner = Transaction { version, lock_time: LockTime::ZERO, input: vec![input], output: vec![output] };
    Arc::new(Tx::new(inner, None))
}

/// A block behind another, with a proof of work.
pub(crate) fn mine(prev: BlockHash, time: u32, salt: u64) -> Arc<Block> {
    mine_with(prev, time, salt, &[])
}

/// The same with transactions.
pub(crate) fn mine_with(prev: BlockHash, time: u32, salt: u64, txs: &[Arc<Tx>]) -> Arc<Block> {
    let mut all = vec![spend(OutPoint { txid: Txid::all_zeros(), vout: u32::MAX }, salt, 1)];
    all.extend_from_slice(txs);
    let mut raw = RawHeader {
        version: bitcoin::block::Version::from_consensus(4),
        prev_blockhash: prev,
        merkle_root: TxMerkleNode::all_zeros(),
        time,
        bits: CompactTarget::from_consensus(EASY),
        nonce: 0,
    };
    let draft = Block { header: Header::new(raw), txs: all, tail: None };
    raw.merkle_root = draft.merkle_root().0;
    while !raw.target().is_met_by(raw.block_hash()) {
        raw.nonce += 1;
    }
    Arc::new(Block { header: Header::new(raw), ..draft })
}

#[derive(Debug, Clone)]
struct Entry {
    header: Header,
    height: u32,
    work: Work,
    block: Option<Arc<Block>>,
    /// A block far below, to find ancestors by.
    skip: BlockHash,
    children: Vec<BlockHash>,
    whole: bool,
}

/// A chain that knows no rule but the most work.
#[derive(Debug, Clone)]
pub(crate) struct FakeChain {
    entries: HashMap<BlockHash, Entry>,
    tip: BlockHash,
    best_header: BlockHash,
    pub(crate) minimum: Work,
    pub(crate) catching_up: bool,
    pub(crate) invalid: HashSet<BlockHash>,
    /// What is validated behind a snapshot: from where, and up to where.
    pub(crate) behind: Option<(BlockHash, BlockHash)>,
    /// Blocks are judged elsewhere, and these wait for that.
    pub(crate) slow: bool,
    pub(crate) waiting: Vec<BlockHash>,
}

impl FakeChain {
    pub(crate) fn new() -> Self {
        let genesis = mine(BlockHash::all_zeros(), 1_699_990_000, 0);
        let hash = genesis.hash();
        let work = genesis.header.raw().work();
        let header = genesis.header.clone();
        let entry = Entry { header, height: 0, work, block: Some(genesis), skip: hash, children: vec![], whole: true };
        Self {
            entries: HashMap::from([(hash, entry)]),
            tip: hash,
            best_header: hash,
            minimum: work,
            catching_up: false,
            invalid: HashSet::new(),
            behind: None,
            slow: false,
            waiting: Vec::new(),
        }
    }

    /// Mines blocks on the tip.
    pub(crate) fn grow(&mut self, count: u32, salt: u64) {
        for _ in 0..count {
            let tip = self.tip();
            let block = mine(tip.hash, tip.time + 1, salt + u64::from(tip.height));
            self.submit_block(block, true).unwrap().unwrap();
        }
    }

    /// Goes on from a block of which only the header is here, as with a snapshot.
    pub(crate) fn begin_with(&mut self, base: BlockHash) {
        self.behind = Some((self.tip, base));
        self.tip = base;
        self.entries.get_mut(&base).unwrap().whole = true;
    }

    /// A block has come: it and those that waited for it may have their whole chain now.
    pub(crate) fn settle(&mut self, hash: BlockHash) {
        let mut waiting = vec![hash];
        while let Some(hash) = waiting.pop() {
            let entry = &self.entries[&hash];
            if !self.entries[&entry.header.prev()].whole || entry.block.is_none() || self.invalid.contains(&hash) {
                continue;
            }
            if entry.work > self.entries[&self.tip].work {
                self.tip = hash;
            }
            waiting.extend(entry.children.iter().copied());
            self.entries.get_mut(&hash).unwrap().whole = true;
        }
    }
}

impl ChainAccess for FakeChain {
    fn tip(&self) -> BlockInfo {
        self.info(&self.tip).unwrap()
    }

    fn best_header(&self) -> BlockInfo {
        self.info(&self.best_header).unwrap()
    }

    fn info(&self, hash: &BlockHash) -> Option<BlockInfo> {
        let entry = self.entries.get(hash)?;
        Some(BlockInfo {
            hash: *hash,
            height: entry.height,
            time: entry.header.time(),
            work: entry.work,
            has_data: entry.block.is_some(),
            pruned: false,
            checked: entry.whole,
            active: self.ancestor(&self.tip, entry.height) == Some(*hash),
            invalid: self.invalid.contains(hash),
        })
    }

    fn ancestor(&self, hash: &BlockHash, height: u32) -> Option<BlockHash> {
        let mut entry = self.entries.get(hash)?;
        if height > entry.height {
            return None;
        }
        while entry.height > height {
            let far = entry.height & (entry.height - 1) >= height;
            let next = if far { entry.skip } else { entry.header.prev() };
            entry = &self.entries[&next];
        }
        Some(entry.header.hash())
    }

    fn header(&self, hash: &BlockHash) -> Option<Header> {
        self.entries.get(hash).map(|entry| entry.header.clone())
    }

    fn block(&self, hash: &BlockHash) -> Option<Arc<Block>> {
        self.entries.get(hash)?.block.clone()
    }

    fn block_bytes(&self, hash: &BlockHash) -> Option<Vec<u8>> {
        // Every other block is kept in another form.
        let block = self.block(hash).filter(|block| block.header.nonce() & 1 == 0)?;
        Some(block.to_bytes(WitnessMode::Include))
    }

    fn behind(&self) -> Option<Behind> {
        let (tip, target) = self.behind?;
        Some(Behind { tip: self.info(&tip)?, target: self.info(&target)? })
    }

    fn is_initial_download(&self) -> bool {
        self.catching_up
    }

    fn minimum_work(&self) -> Work {
        self.minimum
    }

    fn has_valid_proof(&self, header: &Header) -> bool {
        header.raw().target().is_met_by(header.hash())
    }

    fn permits_transition(&self, _height: u32, old: u32, new: u32) -> bool {
        old == new
    }

    fn is_mutated(&self, block: &Block) -> bool {
        let (root, mutated) = block.merkle_root();
        mutated || root != block.header.merkle_root()
    }

    fn commits_to_witnesses(&self, _height: u32) -> bool {
        true
    }

    fn accept_headers(&mut self, headers: &[Header]) -> Result<(), Refusal> {
        for header in headers {
            let prev = &self.entries[&header.prev()];
            let (height, work) = (prev.height + 1, prev.work + header.raw().work());
            if !self.entries.contains_key(&header.hash()) {
                let skip = self.ancestor(&header.prev(), height & (height - 1)).unwrap();
                let fresh =
                    Entry { header: header.clone(), height, work, block: None, skip, children: vec![], whole: false };
                self.entries.insert(header.hash(), fresh);
                self.entries.get_mut(&header.prev()).unwrap().children.push(header.hash());
            }
            if self.invalid.contains(&header.hash()) {
                return Err(Refusal { reason: "duplicate-invalid".into(), fault: Fault::KnownInvalid });
            }
            if work > self.entries[&self.best_header].work {
                self.best_header = header.hash();
            }
        }
        Ok(())
    }

    fn submit_block(&mut self, block: Arc<Block>, _requested: bool) -> Option<BlockVerdict> {
        if let Err(refusal) = self.accept_headers(std::slice::from_ref(&block.header)) {
            return Some(Err(refusal));
        }
        let hash = block.hash();
        let entry = self.entries.get_mut(&hash).unwrap();
        let new = entry.block.is_none();
        entry.block = Some(block);
        if self.slow {
            self.waiting.push(hash);
            return None;
        }
        self.settle(hash);
        Some(Ok(new))
    }
}

/// A pool that takes what spends something it knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct FakePool {
    pub(crate) txs: BTreeMap<Txid, Arc<Tx>>,
    pub(crate) coins: HashSet<OutPoint>,
    /// Transactions that pay too little by themselves.
    pub(crate) poor: HashSet<Txid>,
    /// Transactions that are refused, and how.
    pub(crate) bad: HashMap<Txid, RejectKind>,
    /// What was submitted, in order.
    pub(crate) submitted: Vec<Txid>,
    pub(crate) unbroadcast: BTreeSet<(Txid, Wtxid)>,
    pub(crate) minimum: i64,
    entered: HashMap<Txid, u64>,
}

impl FakePool {
    /// Puts a transaction in, whatever it spends.
    pub(crate) fn put(&mut self, tx: Arc<Tx>) {
        self.entered.insert(tx.txid(), self.sequence());
        self.txs.insert(tx.txid(), tx);
    }

    fn knows_inputs(&self, tx: &Tx) -> bool {
        tx.inputs().iter().all(|input| {
            self.coins.contains(&input.previous_output) || self.txs.contains_key(&input.previous_output.txid)
        })
    }
}

impl TxAccess for FakePool {
    fn by_txid(&self, txid: &Txid) -> Option<Arc<Tx>> {
        self.txs.get(txid).cloned()
    }

    fn by_wtxid(&self, wtxid: &Wtxid) -> Option<Arc<Tx>> {
        self.txs.values().find(|tx| tx.wtxid() == *wtxid).cloned()
    }

    fn size(&self) -> (usize, usize) {
        (self.txs.len(), 1000 * self.txs.len())
    }

    fn list(&self) -> Vec<(Txid, Wtxid)> {
        self.txs.values().map(|tx| (tx.txid(), tx.wtxid())).collect()
    }

    fn feerate(&self, txid: &Txid) -> Option<i64> {
        self.txs.get(txid).map(|_| 1000)
    }

    fn sort_for_relay(&self, list: &mut Vec<Txid>) {
        list.sort_unstable();
    }

    fn sequence(&self) -> u64 {
        1 + u64::try_from(self.entered.len()).unwrap()
    }

    fn sequence_of(&self, txid: &Txid) -> Option<u64> {
        self.txs.get(txid).map(|_| self.entered.get(txid).copied().unwrap_or(0))
    }

    fn minimum_feerate(&self) -> i64 {
        self.minimum.max(100)
    }

    fn relay_feerate(&self) -> i64 {
        100
    }

    fn round_feerate(&self, feerate: i64, dice: u32) -> i64 {
        if feerate >= 9_170_997 {
            return 9_170_997;
        }
        let step = feerate / 10 * 10;
        if dice.is_multiple_of(3) { step } else { step - step % 100 }
    }

    fn unbroadcast(&self) -> Vec<(Txid, Wtxid)> {
        self.unbroadcast.iter().copied().collect()
    }

    fn mark_broadcast(&mut self, txid: &Txid) {
        self.unbroadcast.retain(|(own, _)| own != txid);
    }

    fn submit(&mut self, tx: Arc<Tx>) -> TxVerdict {
        self.submitted.push(tx.txid());
        if self.txs.contains_key(&tx.txid()) {
            return TxVerdict::Known;
        }
        if let Some(kind) = self.bad.get(&tx.txid()) {
            return TxVerdict::Rejected { reason: "bad".into(), kind: *kind };
        }
        if !self.knows_inputs(&tx) {
            return TxVerdict::MissingInputs;
        }
        if self.poor.contains(&tx.txid()) {
            return TxVerdict::Rejected { reason: "min relay fee not met".into(), kind: RejectKind::Reconsiderable };
        }
        self.put(tx);
        TxVerdict::Accepted { replaced: Vec::new() }
    }

    fn would_accept(&self, tx: &Arc<Tx>) -> Result<(), String> {
        let bad = self.bad.contains_key(&tx.txid());
        if bad || !self.knows_inputs(tx) { Err("bad".into()) } else { Ok(()) }
    }

    fn submit_package(&mut self, parent: Arc<Tx>, child: Arc<Tx>) -> PackageVerdict {
        if !self.knows_inputs(&parent) || self.bad.contains_key(&child.txid()) {
            return PackageVerdict { refused: Some("transaction failed".into()), parent: None, child: None };
        }
        self.put(parent);
        self.put(child);
        let accepted = || Some(TxVerdict::Accepted { replaced: Vec::new() });
        PackageVerdict { refused: None, parent: accepted(), child: accepted() }
    }
}

pub(crate) type Manager = PeerManager<FakeChain, FakePool>;

pub(crate) fn options() -> Options {
    let presync = PresyncOptions { commitment_period: 50, redownload_buffer: 300 };
    Options::new(NODE_NETWORK | NODE_WITNESS, "/Bulkhead:31.99.0/".into(), presync, 600)
}

pub(crate) fn manager(seed: u8, options: Options) -> Manager {
    PeerManager::new(FakeChain::new(), FakePool::default(), Codec::BITCOIN, options, Chance::new([seed; 32]))
}
