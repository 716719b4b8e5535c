//! A chain, a pool and a network that are small enough to be seen through.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bitcoin::absolute::LockTime;
use bitcoin::block::Header as RawHeader;
use bitcoin::hashes::Hash;
use bitcoin::{
    Amount, BlockHash, CompactTarget, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxMerkleNode, TxOut, Txid,
    Witness, Work, Wtxid,
};
use primitives::{Block, Codec, Header, Tx};

use crate::{
    Action, BlockInfo, ChainAccess, Chance, ConnectionKind, NODE_NETWORK, NODE_WITNESS, NewPeer, Options, PeerId,
    PeerManager, Permissions, PresyncOptions, Received, Refusal, Transport, TxAccess, TxVerdict,
};

/// When all stories start.
pub(crate) const START: Duration = Duration::from_secs(1_700_000_000);
const MAGIC: [u8; 4] = [0xfa, 0xbf, 0xb5, 0xda];
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
    let tx = spend(OutPoint { txid: Txid::all_zeros(), vout: u32::MAX }, salt, 1);
    let mut raw = RawHeader {
        version: bitcoin::block::Version::from_consensus(4),
        prev_blockhash: prev,
        merkle_root: TxMerkleNode::from_byte_array(tx.txid().to_byte_array()),
        time,
        bits: CompactTarget::from_consensus(EASY),
        nonce: 0,
    };
    while !raw.target().is_met_by(raw.block_hash()) {
        raw.nonce += 1;
    }
    Arc::new(Block { header: Header::new(raw), txs: vec![tx], tail: None })
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
        }
    }

    /// Mines blocks on the tip.
    pub(crate) fn grow(&mut self, count: u32, salt: u64) {
        for _ in 0..count {
            let tip = self.tip();
            let block = mine(tip.hash, tip.time + 1, salt + u64::from(tip.height));
            self.submit_block(block, true).unwrap();
        }
    }

    /// A block has come: it and those that waited for it may have their whole chain now.
    fn settle(&mut self, hash: BlockHash) {
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
                return Err(Refusal { reason: "duplicate-invalid".into(), punish: true });
            }
            if work > self.entries[&self.best_header].work {
                self.best_header = header.hash();
            }
        }
        Ok(())
    }

    fn submit_block(&mut self, block: Arc<Block>, _requested: bool) -> Result<bool, Refusal> {
        self.accept_headers(std::slice::from_ref(&block.header))?;
        let hash = block.hash();
        let entry = self.entries.get_mut(&hash).unwrap();
        let new = entry.block.is_none();
        entry.block = Some(block);
        self.settle(hash);
        Ok(new)
    }
}

/// A pool that takes what spends something it knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct FakePool {
    pub(crate) txs: BTreeMap<Txid, Arc<Tx>>,
    pub(crate) coins: HashSet<OutPoint>,
    /// Transactions that pay too little by themselves.
    pub(crate) poor: HashSet<Txid>,
}

impl FakePool {
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

    fn list(&self) -> Vec<(Txid, Wtxid)> {
        self.txs.values().map(|tx| (tx.txid(), tx.wtxid())).collect()
    }

    fn feerate(&self, txid: &Txid) -> Option<i64> {
        self.txs.get(txid).map(|_| 1000)
    }

    fn minimum_feerate(&self) -> i64 {
        100
    }

    fn submit(&mut self, tx: Arc<Tx>) -> TxVerdict {
        if self.txs.contains_key(&tx.txid()) {
            return TxVerdict::Known;
        }
        if !self.knows_inputs(&tx) {
            return TxVerdict::MissingInputs;
        }
        if self.poor.contains(&tx.txid()) {
            return TxVerdict::Rejected { reason: "min relay fee not met".into(), reconsiderable: true };
        }
        self.txs.insert(tx.txid(), tx);
        TxVerdict::Accepted
    }

    fn submit_package(&mut self, parent: Arc<Tx>, child: Arc<Tx>) -> TxVerdict {
        if !self.knows_inputs(&parent) {
            return TxVerdict::MissingInputs;
        }
        self.txs.insert(parent.txid(), parent);
        self.txs.insert(child.txid(), child);
        TxVerdict::Accepted
    }
}

pub(crate) type Manager = PeerManager<FakeChain, FakePool>;

pub(crate) fn options() -> Options {
    Options {
        services: NODE_NETWORK | NODE_WITNESS,
        user_agent: "/Bulkhead:31.99.0/".into(),
        blocks_only: false,
        presync: PresyncOptions { commitment_period: 50, redownload_buffer: 300 },
        block_spacing: 600,
        handshake_timeout: Duration::from_mins(1),
    }
}

pub(crate) fn manager(seed: u8, options: Options) -> Manager {
    PeerManager::new(FakeChain::new(), FakePool::default(), Codec::BITCOIN, options, Chance::new([seed; 32]))
}

/// One end of a connection in the simulator.
#[derive(Debug)]
struct End {
    transport: Transport,
    other: (usize, PeerId),
}

/// Nodes that are connected to each other, all in one thread.
#[derive(Debug)]
pub(crate) struct Sim {
    pub(crate) nodes: Vec<Manager>,
    pub(crate) now: Duration,
    pub(crate) discouraged: Vec<usize>,
    /// Nodes from which no byte arrives any more.
    pub(crate) mute: HashSet<usize>,
    ends: BTreeMap<(usize, PeerId), End>,
    chance: Chance,
    next: PeerId,
}

impl Sim {
    pub(crate) fn new(count: u8, seed: u8) -> Self {
        Self {
            nodes: (0..count).map(|node| manager(seed.wrapping_mul(31).wrapping_add(node), options())).collect(),
            now: START,
            discouraged: Vec::new(),
            mute: HashSet::new(),
            ends: BTreeMap::new(),
            chance: Chance::new([seed; 32]),
            next: 0,
        }
    }

    pub(crate) fn connect(&mut self, from: usize, to: usize) -> (PeerId, PeerId) {
        let (one, two) = (self.next, self.next + 1);
        self.next += 2;
        let v2 = self.chance.below(2) == 1;
        let mut transport = |initiating| {
            if v2 { Transport::v2(MAGIC, initiating, &mut self.chance) } else { Transport::v1(MAGIC) }
        };
        self.ends.insert((from, one), End { transport: transport(true), other: (to, two) });
        self.ends.insert((to, two), End { transport: transport(false), other: (from, one) });
        let permissions = Permissions::default();
        let at = |node: usize| SocketAddr::from(([8, 8, 8, u8::try_from(node).unwrap()], 8333)).into();
        let outbound = NewPeer { id: one, address: at(to), kind: ConnectionKind::OutboundFullRelay, permissions };
        let inbound = NewPeer { id: two, address: at(from), kind: ConnectionKind::Inbound, permissions };
        self.nodes[from].connected(outbound, self.now);
        self.nodes[to].connected(inbound, self.now);
        (one, two)
    }

    pub(crate) fn is_connected(&self, node: usize, peer: PeerId) -> bool {
        self.ends.contains_key(&(node, peer))
    }

    fn close(&mut self, node: usize, peer: PeerId) {
        if let Some(end) = self.ends.remove(&(node, peer)) {
            self.nodes[node].disconnected(peer);
            self.close(end.other.0, end.other.1);
        }
    }

    /// A tenth of a second passes.
    pub(crate) fn step(&mut self) {
        self.now += Duration::from_millis(100);
        for node in 0..self.nodes.len() {
            self.nodes[node].tick(self.now);
            for action in self.nodes[node].take_actions() {
                match action {
                    Action::Send(peer, message) => {
                        if let Some(end) = self.ends.get_mut(&(node, peer)) {
                            end.transport.send(message.name(), &message.payload());
                        }
                    }
                    Action::Disconnect(peer) => self.close(node, peer),
                    Action::Discourage(_) => self.discouraged.push(node),
                    Action::Good(..) | Action::Addresses { .. } | Action::WantsAddresses(_) => {}
                }
            }
        }
        let keys: Vec<_> = self.ends.keys().copied().collect();
        for key in keys {
            self.deliver(key);
        }
    }

    /// Moves what one end has to send to the other, in pieces of random size.
    fn deliver(&mut self, key: (usize, PeerId)) {
        let Some(end) = self.ends.get_mut(&key) else { return };
        let (bytes, other) = (end.transport.take_output(), end.other);
        if self.mute.contains(&key.0) {
            return;
        }
        let mut received = Vec::new();
        let piece = 1 + self.chance.index(60_000);
        for part in bytes.chunks(piece) {
            if let Some(end) = self.ends.get_mut(&other) {
                end.transport.receive(part, &mut received).unwrap();
            }
        }
        for message in received {
            match message {
                Received::Message { name, payload, .. } => {
                    self.nodes[other.0].receive(other.1, &name, &payload, self.now);
                }
                Received::Rejected { reason, .. } => panic!("{reason}"),
            }
        }
        while self.nodes[other.0].has_requests(other.1) {
            self.nodes[other.0].serve(other.1);
        }
    }

    /// Steps until something is so, for at most some simulated seconds.
    pub(crate) fn until(&mut self, seconds: u32, what: impl Fn(&Self) -> bool) -> bool {
        for _ in 0..seconds * 10 {
            if what(self) {
                return true;
            }
            self.step();
        }
        what(self)
    }

    pub(crate) fn same_tip(&self) -> bool {
        self.nodes.windows(2).all(|pair| pair[0].chain.tip().hash == pair[1].chain.tip().hash)
    }
}
