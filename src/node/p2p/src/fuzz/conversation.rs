//! A node with a chain of one block and an empty pool, for peers that say anything.

use std::sync::Arc;
use std::time::Duration;

use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, Txid, Work, Wtxid};
use primitives::{Block, Codec, Header, Tx};

use crate::{
    BlockInfo, BlockVerdict, ChainAccess, Chance, ConnectionKind, Fault, MESSAGE_NAMES, Message, NODE_BLOOM,
    NODE_COMPACT_FILTERS, NODE_NETWORK, NODE_WITNESS, NewPeer, Options, PROTOCOL_VERSION, PackageVerdict, PeerManager,
    Permissions, PresyncOptions, Refusal, Service, TxAccess, TxVerdict, Version,
};

/// A header of 80 zeros, or of whatever the bytes are.
fn header(bytes: &[u8]) -> Header {
    let mut all = [0; 80];
    for (to, from) in all.iter_mut().zip(bytes) {
        *to = *from;
    }
    Codec::BITCOIN.decode_header(&all).expect("any 80 bytes are a header")
}

#[derive(Debug)]
struct OneBlock(Header);

impl OneBlock {
    fn hash(&self) -> BlockHash {
        self.0.hash()
    }
}

impl ChainAccess for OneBlock {
    fn tip(&self) -> BlockInfo {
        let (hash, work) = (self.hash(), Work::from_be_bytes([0; 32]));
        BlockInfo {
            hash,
            height: 0,
            time: 0,
            work,
            has_data: true,
            pruned: false,
            active: true,
            invalid: false,
            checked: true,
        }
    }

    fn best_header(&self) -> BlockInfo {
        self.tip()
    }

    fn info(&self, hash: &BlockHash) -> Option<BlockInfo> {
        (*hash == self.hash()).then(|| self.tip())
    }

    fn ancestor(&self, hash: &BlockHash, height: u32) -> Option<BlockHash> {
        (height == 0 && *hash == self.hash()).then(|| self.hash())
    }

    fn header(&self, hash: &BlockHash) -> Option<Header> {
        (*hash == self.hash()).then(|| self.0.clone())
    }

    fn block(&self, hash: &BlockHash) -> Option<Arc<Block>> {
        Some(Arc::new(Block { header: self.header(hash)?, txs: Vec::new(), tail: None }))
    }

    fn block_bytes(&self, _hash: &BlockHash) -> Option<Vec<u8>> {
        None
    }

    fn is_initial_download(&self) -> bool {
        false
    }

    fn minimum_work(&self) -> Work {
        Work::from_be_bytes([0; 32])
    }

    fn has_valid_proof(&self, header: &Header) -> bool {
        // Proofs of work cannot be found by changing bytes, so half of all headers have one here.
        header.nonce() & 1 == 0
    }

    fn permits_transition(&self, _height: u32, old: u32, new: u32) -> bool {
        old == new
    }

    fn is_mutated(&self, block: &Block) -> bool {
        block.header.time() & 1 == 0
    }

    fn commits_to_witnesses(&self, _height: u32) -> bool {
        true
    }

    fn accept_headers(&mut self, _headers: &[Header]) -> Result<(), Refusal> {
        Err(Refusal { reason: "time-too-new".to_owned(), fault: Fault::Nobody })
    }

    fn submit_block(&mut self, block: Arc<Block>, requested: bool) -> Option<BlockVerdict> {
        let fault = if block.header.nonce() & 2 == 0 { Fault::Block } else { Fault::Nobody };
        (!requested).then(|| Err(Refusal { reason: "bad-cb-amount".to_owned(), fault }))
    }
}

/// A pool that is always empty.
#[derive(Debug)]
struct EmptyPool;

impl TxAccess for EmptyPool {
    fn by_txid(&self, _txid: &Txid) -> Option<Arc<Tx>> {
        None
    }

    fn by_wtxid(&self, _wtxid: &Wtxid) -> Option<Arc<Tx>> {
        None
    }

    fn size(&self) -> (usize, usize) {
        (0, 0)
    }

    fn list(&self) -> Vec<(Txid, Wtxid)> {
        Vec::new()
    }

    fn sort_for_relay(&self, list: &mut Vec<Txid>) {
        list.clear();
    }

    fn feerate(&self, _txid: &Txid) -> Option<i64> {
        None
    }

    fn sequence(&self) -> u64 {
        1
    }

    fn sequence_of(&self, _txid: &Txid) -> Option<u64> {
        None
    }

    fn minimum_feerate(&self) -> i64 {
        0
    }

    fn relay_feerate(&self) -> i64 {
        100
    }

    fn round_feerate(&self, feerate: i64, _dice: u32) -> i64 {
        feerate
    }

    fn unbroadcast(&self) -> Vec<(Txid, Wtxid)> {
        Vec::new()
    }

    fn mark_broadcast(&mut self, _txid: &Txid) {}

    fn submit(&mut self, tx: Arc<Tx>) -> TxVerdict {
        use crate::RejectKind::{AnyWitness, Final, Reconsiderable, WitnessStripped};
        let choice = usize::from(tx.txid().to_byte_array()[0]) % 6;
        match [Final, AnyWitness, Reconsiderable, WitnessStripped].get(choice) {
            Some(kind) => TxVerdict::Rejected { reason: "bad".to_owned(), kind: *kind },
            None if choice == 4 => TxVerdict::MissingInputs,
            None => TxVerdict::Known,
        }
    }

    fn would_accept(&self, tx: &Arc<Tx>) -> Result<(), String> {
        if tx.txid().to_byte_array()[0] & 1 == 0 { Ok(()) } else { Err("bad".to_owned()) }
    }

    fn submit_package(&mut self, _parent: Arc<Tx>, _child: Arc<Tx>) -> PackageVerdict {
        PackageVerdict { refused: Some("package-fee-too-low".to_owned()), parent: None, child: None }
    }
}

fn version() -> Message {
    Message::Version(Box::new(Version {
        version: PROTOCOL_VERSION,
        services: NODE_NETWORK | NODE_WITNESS,
        time: 0,
        receiver_services: 0,
        receiver: Service::NOWHERE,
        nonce: 1,
        user_agent: String::new(),
        start_height: 0,
        relay: true,
        challenge: None,
    }))
}

/// A transaction whose origin nobody must learn.
fn own_tx() -> Arc<Tx> {
    let version = bitcoin::transaction::Version::TWO;
    let lock_time = bitcoin::absolute::LockTime::ZERO;
    Arc::new(Tx::new(bitcoin::Transaction { version, lock_time, input: Vec::new(), output: Vec::new() }, None))
}

/// Three peers, one of them called for one transaction only, say what the bytes make them say; each message is a name, a length and a payload. Whatever it is, it is
/// handled, time goes on, and somebody else is still answered.
pub fn conversation(bytes: &[u8]) {
    let presync = PresyncOptions { commitment_period: 5, redownload_buffer: 10 };
    let services = NODE_NETWORK | NODE_WITNESS | NODE_BLOOM | NODE_COMPACT_FILTERS;
    let options = Options::new(services, "/fuzz/".to_owned(), presync, 600);
    let mut node = PeerManager::new(OneBlock(header(&[])), EmptyPool, Codec::BITCOIN, options, Chance::new([1; 32]));
    let mut now = Duration::from_secs(1000);
    node.broadcast_privately(own_tx(), now);
    for (id, kind) in [
        (0, ConnectionKind::Inbound),
        (1, ConnectionKind::OutboundFullRelay),
        (2, ConnectionKind::Inbound),
        (3, ConnectionKind::PrivateBroadcast),
    ] {
        let addr = std::net::SocketAddr::from(([8, 8, 8, 8], 8333)).into();
        node.connected(NewPeer::new(id, addr, kind, Permissions::default()), now);
        for message in [version(), Message::WtxidRelay, Message::Verack, Message::SendCmpct { announce: 1, version: 2 }]
        {
            node.handle(id, message, now);
        }
    }
    let mut rest = bytes;
    while let [choice, len, tail @ ..] = rest {
        let (payload, next) = tail.split_at(usize::from(*len).min(tail.len()));
        rest = next;
        let id = [0, 1, 3, 0][usize::from(choice & 3)];
        let name = MESSAGE_NAMES[usize::from(choice >> 2) % MESSAGE_NAMES.len()];
        node.receive(id, name, payload, now);
        while node.has_requests(id) {
            node.serve(id, now);
        }
        now += Duration::from_millis(u64::from(*choice) * 100);
        node.tick(now);
        node.take_actions();
    }
    node.receive(2, "ping", &[7; 8], now);
    let pong = crate::Action::Send(2, Message::Pong(Some(u64::from_le_bytes([7; 8]))));
    assert!(node.take_actions().contains(&pong));
}
