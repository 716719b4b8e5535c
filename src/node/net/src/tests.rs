//! Whole networks in memory: drivers with sockets that are pipes.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, Txid, Work, Wtxid};
use p2p::{
    BlockInfo, BlockVerdict, ChainAccess, Chance, ConnectionKind, Message, PackageVerdict, PeerManager, PresyncOptions,
    Received, Refusal, Transport, TransportKind, TxAccess, TxVerdict,
};
use platform::SystemClock;
use primitives::{Block, Codec, Header, Tx};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::*;

const MAGIC: [u8; 4] = [0xfa, 0xbf, 0xb5, 0xda];

/// A chain of one block.
struct OneBlock;

impl ChainAccess for OneBlock {
    fn tip(&self) -> BlockInfo {
        BlockInfo {
            hash: BlockHash::all_zeros(),
            height: 0,
            time: 1_700_000_000,
            work: Work::from_be_bytes([1; 32]),
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
        (*hash == BlockHash::all_zeros()).then(|| self.tip())
    }
    fn ancestor(&self, hash: &BlockHash, height: u32) -> Option<BlockHash> {
        (height == 0 && *hash == BlockHash::all_zeros()).then_some(*hash)
    }
    fn header(&self, _: &BlockHash) -> Option<Header> {
        None
    }
    fn block(&self, _: &BlockHash) -> Option<Arc<Block>> {
        None
    }
    fn block_bytes(&self, _: &BlockHash) -> Option<Vec<u8>> {
        None
    }
    fn is_initial_download(&self) -> bool {
        false
    }
    fn minimum_work(&self) -> Work {
        self.tip().work
    }
    fn has_valid_proof(&self, _: &Header) -> bool {
        true
    }
    fn permits_transition(&self, _: u32, _: u32, _: u32) -> bool {
        true
    }
    fn is_mutated(&self, _: &Block) -> bool {
        false
    }
    fn commits_to_witnesses(&self, _: u32) -> bool {
        true
    }
    fn accept_headers(&mut self, _: &[Header]) -> Result<(), Refusal> {
        Ok(())
    }
    fn submit_block(&mut self, _: Arc<Block>, _: bool) -> Option<BlockVerdict> {
        Some(Ok(false))
    }
}

/// A pool that stays empty.
struct Empty;

impl TxAccess for Empty {
    fn by_txid(&self, _: &Txid) -> Option<Arc<Tx>> {
        None
    }
    fn by_wtxid(&self, _: &Wtxid) -> Option<Arc<Tx>> {
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
    fn feerate(&self, _: &Txid) -> Option<i64> {
        None
    }
    fn sequence(&self) -> u64 {
        1
    }
    fn sequence_of(&self, _: &Txid) -> Option<u64> {
        None
    }
    fn minimum_feerate(&self) -> i64 {
        1000
    }
    fn relay_feerate(&self) -> i64 {
        1000
    }
    fn round_feerate(&self, feerate: i64, _: u32) -> i64 {
        feerate
    }
    fn unbroadcast(&self) -> Vec<(Txid, Wtxid)> {
        Vec::new()
    }
    fn mark_broadcast(&mut self, _: &Txid) {}
    fn submit(&mut self, _: Arc<Tx>) -> TxVerdict {
        TxVerdict::Known
    }
    fn would_accept(&self, _: &Arc<Tx>) -> Result<(), String> {
        Ok(())
    }
    fn submit_package(&mut self, _: Arc<Tx>, _: Arc<Tx>) -> PackageVerdict {
        PackageVerdict { refused: None, parent: None, child: None }
    }
}

/// Who listens where.
#[derive(Debug, Clone, Default)]
struct Wires(Arc<Mutex<HashMap<SocketAddr, UnboundedSender<Connected>>>>);

/// The network as one machine sees it.
#[derive(Debug)]
struct Plugged {
    wires: Wires,
    own: IpAddr,
}

#[derive(Debug)]
struct Socket(SocketAddr, UnboundedReceiver<Connected>);

impl Listener for Socket {
    fn address(&self) -> SocketAddr {
        self.0
    }
    fn accept(&mut self) -> Later<'_, io::Result<Connected>> {
        Box::pin(async {
            match self.1.recv().await {
                Some(connected) => Ok(connected),
                // Nobody will ever call again.
                None => std::future::pending().await,
            }
        })
    }
}

impl Wires {
    fn call(&self, from: SocketAddr, to: SocketAddr) -> io::Result<DuplexStream> {
        let (near, far) = tokio::io::duplex(64 << 10);
        let called = Connected { stream: Box::new(far), local: Some(to.into()), remote: Some(from.into()) };
        let wires = self.0.lock().unwrap();
        let sender = wires.get(&to).ok_or(io::ErrorKind::ConnectionRefused)?;
        sender.send(called).map_err(|_| io::ErrorKind::ConnectionRefused)?;
        Ok(near)
    }
}

impl Sockets for Plugged {
    fn listen(&self, address: SocketAddr) -> io::Result<Box<dyn Listener>> {
        let (sender, receiver) = unbounded_channel();
        let mut wires = self.wires.0.lock().unwrap();
        if wires.contains_key(&address) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        wires.insert(address, sender);
        Ok(Box::new(Socket(address, receiver)))
    }
    fn connect(&self, to: Endpoint) -> Later<'static, io::Result<Connected>> {
        let Endpoint::Tcp(to) = to else { panic!("no test has proxies in files") };
        let local = SocketAddr::new(self.own, 50_000);
        let connected = self.wires.call(local, to).map(|near| Connected {
            stream: Box::new(near),
            local: Some(local.into()),
            remote: Some(to.into()),
        });
        Box::pin(async { connected })
    }
    fn resolve(&self, host: String) -> Later<'static, Vec<IpAddr>> {
        Box::pin(async move { if host == "b.example" { vec![ip(2)] } else { Vec::new() } })
    }
}

fn ip(n: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, n])
}

/// A node with the address 10.0.0.n.
struct Node {
    network: Network,
    dir: tempfile::TempDir,
}

impl Node {
    fn start(wires: &Wires, n: u8, change: impl FnOnce(&mut Options)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut options = Options::new(MAGIC, 1000, dir.path().to_owned());
        let address = SocketAddr::new(ip(n), 1000);
        options.binds =
            vec![Bind { address, grant: Grant::default(), onion: false, optional: false, whitebind: false }];
        // Nobody is called who was not named.
        options.connect = Some(Vec::new());
        change(&mut options);
        let services = options.services;
        let presync = PresyncOptions { commitment_period: 600, redownload_buffer: 14_000 };
        let make = |_: &NetHandle, chance| {
            let options = p2p::Options::new(services, "/test:0.1/".to_owned(), presync, 600);
            PeerManager::new(OneBlock, Empty, Codec::BITCOIN, options, chance)
        };
        let sockets = Box::new(Plugged { wires: wires.clone(), own: ip(n) });
        let network = start(make, options, sockets, Arc::new(SystemClock::new()), [n; 32]).unwrap();
        Self { network, dir }
    }

    fn ask<R: Send + 'static>(&self, work: impl FnOnce(&mut dyn Control) -> R + Send + 'static) -> R {
        self.network.handle().call(work).unwrap()
    }

    fn peers(&self) -> Vec<PeerInfo> {
        self.ask(|net| net.peers())
    }

    /// Calls a peer and waits for the end of the call.
    fn call(&self, name: &'static str, v2: bool) {
        let (done, end) = std::sync::mpsc::channel();
        self.ask(move |net| net.connect(name, ConnectionKind::Manual, v2, done));
        let _ = end.recv();
    }

    fn established(&self) -> usize {
        self.peers().iter().filter(|peer| peer.stats.established).count()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.network.stop();
    }
}

fn until(mut holds: impl FnMut() -> bool) {
    for _ in 0..100_000 {
        if holds() {
            return;
        }
        std::thread::yield_now();
    }
    panic!("it never came true");
}

#[test]
fn two_nodes_shake_hands_and_part() {
    let wires = Wires::default();
    let (a, b) = (Node::start(&wires, 1, |_| {}), Node::start(&wires, 2, |_| {}));
    a.call("10.0.0.2", true);
    until(|| a.established() == 1 && b.established() == 1);
    let (out, inward) = (&a.peers()[0], &b.peers()[0]);
    assert_eq!((out.name.as_str(), out.stats.kind), ("10.0.0.2", ConnectionKind::Manual));
    assert_eq!((inward.name.as_str(), inward.stats.kind), ("10.0.0.1:50000", ConnectionKind::Inbound));
    assert_eq!((out.transport, inward.transport), (TransportKind::V2, TransportKind::V2));
    assert_eq!(out.session, inward.session);
    assert_eq!((a.ask(|net| net.counts()), b.ask(|net| net.counts())), ((0, 1), (1, 0)));
    assert!(out.sent_by_name.iter().any(|(name, bytes)| name == "version" && *bytes > 100));
    // Calling again changes nothing.
    a.call("10.0.0.2", true);
    a.call("b.example", true);
    assert_eq!(a.peers().len(), 1);
    assert!(a.ask(|net| net.disconnect_name("10.0.0.2:1000")));
    until(|| b.peers().is_empty());
    let totals = a.ask(|net| net.totals());
    assert!(totals.sent > 0 && totals.received > 0, "closed connections still count");
    assert!(!a.ask(|net| net.disconnect_id(0)));
}

#[test]
fn a_peer_that_speaks_only_the_older_language_is_called_again_in_it() {
    let wires = Wires::default();
    let a = Node::start(&wires, 1, |_| {});
    let b = Node::start(&wires, 2, |options| {
        options.v2 = false;
        options.services &= !p2p::NODE_P2P_V2;
    });
    a.call("b.example", true);
    until(|| a.established() == 1 && b.established() == 1);
    let peer = &a.peers()[0];
    assert_eq!((peer.transport, peer.name.as_str(), peer.stats.id), (TransportKind::V1, "b.example", 1));
}

#[test]
fn whom_the_user_bans_stays_outside() {
    let wires = Wires::default();
    let (a, b) = (Node::start(&wires, 1, |_| {}), Node::start(&wires, 2, |_| {}));
    a.call("10.0.0.2", false);
    until(|| b.established() == 1);
    b.ask(|net| {
        let range = "10.0.0.0/24".parse().unwrap();
        net.ban(range, None);
        net.disconnect_range(&range);
    });
    until(|| a.peers().is_empty() && b.peers().is_empty());
    a.call("10.0.0.2", false);
    until(|| a.peers().is_empty());
    assert!(b.peers().is_empty());
    let file = std::fs::read_to_string(b.dir.path().join("banlist.json")).unwrap();
    assert!(file.contains("10.0.0.0/24"), "{file}");
    b.ask(|net| net.clear_bans());
    a.call("10.0.0.2", false);
    until(|| b.established() == 1);
}

#[test]
fn a_switched_off_network_is_silent() {
    let wires = Wires::default();
    let (a, b) = (Node::start(&wires, 1, |_| {}), Node::start(&wires, 2, |_| {}));
    a.call("10.0.0.2", true);
    until(|| b.established() == 1);
    b.ask(|net| net.set_active(false));
    until(|| a.peers().is_empty());
    a.call("10.0.0.2", true);
    until(|| a.peers().is_empty());
    assert!(b.peers().is_empty() && !b.ask(|net| net.is_active()));
    b.ask(|net| net.set_active(true));
    // The call before may still be on its way to its end, and then a new one is none.
    until(|| {
        a.call("10.0.0.2", true);
        b.established() > 0
    });
}

#[test]
fn named_peers_are_called_until_they_are_there() {
    let wires = Wires::default();
    let b = Node::start(&wires, 2, |_| {});
    let a = Node::start(&wires, 1, |options| options.added = vec!["10.0.0.2".to_owned()]);
    until(|| b.established() == 1);
    let nodes = a.ask(|net| net.added_nodes());
    assert!(matches!(&nodes[..], [node] if node.name == "10.0.0.2" && node.connected.is_some_and(|it| !it.1)));
    assert!(!a.ask(|net| net.add_node("10.0.0.2:1000", true)), "that is the same in other words");
    assert!(a.ask(|net| net.remove_node("10.0.0.2")) && !a.ask(|net| net.remove_node("10.0.0.2")));
}

#[test]
fn there_is_no_room_for_everybody() {
    let wires = Wires::default();
    // Ten are kept for calls of our own, one more may call.
    let b = Node::start(&wires, 2, |options| {
        options.max_connections = 12;
        options.inbound_relay_percent = 100;
    });
    let others: Vec<Node> = (3..6).map(|n| Node::start(&wires, n, |_| {})).collect();
    others[0].call("10.0.0.2", true);
    until(|| b.established() == 1);
    others[1].call("10.0.0.2", true);
    others[2].call("10.0.0.2", true);
    until(|| others[1].peers().is_empty() && others[2].peers().is_empty());
    assert_eq!(b.peers().len(), 1);
}

#[test]
fn who_asks_without_listening_slows_down_himself_alone() {
    let wires = Wires::default();
    let b = Node::start(&wires, 2, |options| {
        options.max_receive_buffer = 20_000;
        options.max_send_buffer = 20_000;
    });
    let honest = Node::start(&wires, 1, |_| {});
    let mut rude = wires.call(SocketAddr::new(ip(9), 9), SocketAddr::new(ip(2), 1000)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let mut transport = Transport::v1(MAGIC);
        // What the other side says first is read, all that follows is not.
        let hello = p2p::Version {
            version: p2p::PROTOCOL_VERSION,
            services: 0,
            time: 0,
            receiver_services: 0,
            receiver: p2p::Service::NOWHERE,
            nonce: 5,
            user_agent: String::new(),
            start_height: 0,
            relay: true,
            challenge: None,
        };
        for message in [Message::Version(Box::new(hello)), Message::Verack] {
            transport.send(message.name(), &message.payload());
        }
        rude.write_all(&transport.take_output()).await.unwrap();
        let (mut buffer, mut seen) = ([0; 4096], Vec::new());
        while !seen.iter().any(|it| matches!(it, Received::Message { name, .. } if name == "verack")) {
            let count = rude.read(&mut buffer).await.unwrap();
            transport.receive(&buffer[..count], &mut seen).unwrap();
        }
        let ping = Message::Ping(7);
        for _ in 0..100_000 {
            transport.send(ping.name(), &ping.payload());
        }
        let flood = transport.take_output();
        let mut written = 0;
        // All buffers together are far smaller than this, so it has to stop somewhere.
        while let Ok(count) = tokio::time::timeout(Duration::from_millis(300), rude.write(&flood[written..])).await {
            written += count.unwrap();
            assert!(written < flood.len(), "everything was swallowed");
        }
        assert!(written < 2_000_000, "{written} bytes were taken");
    });
    honest.call("10.0.0.2", true);
    until(|| honest.established() == 1);
    honest.ask(|net| net.ping());
    until(|| honest.peers()[0].stats.ping.0.is_some());
    drop(rude);
    until(|| b.peers().len() == 1);
}

#[test]
fn a_place_that_is_taken_is_told() {
    let wires = Wires::default();
    let _first = Node::start(&wires, 1, |_| {});
    let dir = tempfile::tempdir().unwrap();
    let mut options = Options::new(MAGIC, 1000, dir.path().to_owned());
    let address = SocketAddr::new(ip(1), 1000);
    options.binds = vec![Bind { address, grant: Grant::default(), onion: false, optional: false, whitebind: false }];
    let sockets = Box::new(Plugged { wires, own: ip(1) });
    let make = |_: &NetHandle, chance: Chance| {
        let presync = PresyncOptions { commitment_period: 600, redownload_buffer: 14_000 };
        let options = p2p::Options::new(0, String::new(), presync, 600);
        PeerManager::new(OneBlock, Empty, Codec::BITCOIN, options, chance)
    };
    let error = start(make, options, sockets, Arc::new(SystemClock::new()), [0; 32]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Unable to bind to 10.0.0.1:1000 on this computer. Bulkhead is probably already running."
    );
}
