//! A network in one thread: nodes, connections, time. What happens follows from the seed, so a failing one replays.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use super::{Manager, START, manager, options};
use crate::{
    Action, ChainAccess, Chance, ConnectionKind, MESSAGE_NAMES, NewPeer, PeerId, Permissions, Received, Service,
    Transport,
};

const MAGIC: [u8; 4] = [0xfa, 0xbf, 0xb5, 0xda];

/// One end of a connection.
#[derive(Debug)]
struct End {
    transport: Transport,
    other: (usize, PeerId),
    inbox: VecDeque<(String, Vec<u8>)>,
}

/// Nodes that are connected to each other.
#[derive(Debug)]
pub(crate) struct Sim {
    pub(crate) nodes: Vec<Manager>,
    pub(crate) now: Duration,
    /// Who was discouraged, and by whom.
    pub(crate) discouraged: Vec<(usize, usize)>,
    /// Nodes from which no byte arrives any more.
    pub(crate) mute: HashSet<usize>,
    /// Nodes that say what no honest one does.
    pub(crate) liars: BTreeSet<usize>,
    ends: BTreeMap<(usize, PeerId), End>,
    /// Connections that a partition has cut.
    cut: Vec<(usize, usize)>,
    pub(crate) chance: Chance,
    next: PeerId,
}

fn service(node: usize) -> Service {
    SocketAddr::from(([8, 8, 8, u8::try_from(node).unwrap()], 8333)).into()
}

impl Sim {
    pub(crate) fn new(count: u8, seed: u8) -> Self {
        Self {
            nodes: (0..count).map(|node| manager(seed.wrapping_mul(31).wrapping_add(node), options())).collect(),
            now: START,
            discouraged: Vec::new(),
            mute: HashSet::new(),
            liars: BTreeSet::new(),
            ends: BTreeMap::new(),
            cut: Vec::new(),
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
        let end = |transport, other| End { transport, other, inbox: VecDeque::new() };
        self.ends.insert((from, one), end(transport(true), (to, two)));
        self.ends.insert((to, two), end(transport(false), (from, one)));
        let permissions = Permissions::default();
        let outbound = NewPeer::new(one, service(to), ConnectionKind::OutboundFullRelay, permissions);
        let inbound = NewPeer::new(two, service(from), ConnectionKind::Inbound, permissions);
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

    /// Cuts all connections between those nodes and the others.
    pub(crate) fn partition(&mut self, group: &BTreeSet<usize>) {
        let crossing = |(node, end): (&(usize, PeerId), &End)| {
            (group.contains(&node.0) && !group.contains(&end.other.0)).then_some((*node, end.other.0))
        };
        let crossing: Vec<_> = self.ends.iter().filter_map(crossing).collect();
        for ((node, peer), other) in crossing {
            self.cut.push((node, other));
            self.close(node, peer);
        }
    }

    /// Makes the connections again that were cut.
    pub(crate) fn heal(&mut self) {
        for (from, to) in std::mem::take(&mut self.cut) {
            self.connect(from, to);
        }
    }

    /// A tenth of a second passes.
    pub(crate) fn step(&mut self) {
        self.pass(Duration::from_millis(100));
    }

    /// Some time passes, and what was on its way arrives.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.now += time;
        for node in 0..self.nodes.len() {
            self.judge(node);
            self.nodes[node].notice_tip(self.now);
            self.nodes[node].tick(self.now);
            self.act(node);
        }
        let keys: Vec<_> = self.ends.keys().copied().collect();
        for key in keys {
            self.deliver(key);
        }
    }

    /// The blocks that are judged elsewhere are.
    fn judge(&mut self, node: usize) {
        for hash in std::mem::take(&mut self.nodes[node].chain.waiting) {
            self.nodes[node].chain.settle(hash);
            self.nodes[node].block_judged(hash, Ok(true), self.now);
        }
    }

    fn act(&mut self, node: usize) {
        for action in self.nodes[node].take_actions() {
            match action {
                Action::Send(peer, message) => self.send(node, peer, message.name(), message.payload()),
                Action::Disconnect(peer) => self.close(node, peer),
                Action::Discourage(addr) => {
                    let who = (0..self.nodes.len()).find(|other| service(*other).addr == addr).unwrap();
                    self.discouraged.push((node, who));
                }
                _ => {}
            }
        }
    }

    fn send(&mut self, node: usize, peer: PeerId, name: &str, mut payload: Vec<u8>) {
        let Some(end) = self.ends.get_mut(&(node, peer)) else { return };
        if self.liars.contains(&node) && !["version", "verack"].contains(&name) {
            match self.chance.below(10) {
                0 => return,
                1 if !payload.is_empty() => {
                    let place = self.chance.index(payload.len());
                    payload[place] ^= 1 << self.chance.below(8);
                }
                2 => {
                    let name = MESSAGE_NAMES[self.chance.index(MESSAGE_NAMES.len())];
                    let mut noise = vec![0; self.chance.index(200)];
                    self.chance.fill(&mut noise);
                    end.transport.send(name, &noise);
                }
                _ => {}
            }
        }
        end.transport.send(name, &payload);
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
        let Some(end) = self.ends.get_mut(&other) else { return };
        for message in received {
            match message {
                Received::Message { name, payload, .. } => end.inbox.push_back((name, payload)),
                Received::Rejected { reason, .. } => panic!("{reason}"),
            }
        }
        self.handle(other);
    }

    /// Gives a node what has arrived, as far as it is ready for it.
    fn handle(&mut self, (node, peer): (usize, PeerId)) {
        loop {
            while self.nodes[node].has_requests(peer) {
                self.nodes[node].serve(peer, self.now);
            }
            let Some(end) = self.ends.get_mut(&(node, peer)) else { return };
            let next_is_block = end.inbox.front().is_some_and(|(name, _)| name == "block");
            let ahead = next_is_block && self.nodes[node].takes_block_ahead(peer);
            if self.nodes[node].is_busy(peer) && !ahead {
                return;
            }
            let Some((name, payload)) = end.inbox.pop_front() else { return };
            self.nodes[node].receive(peer, &name, &payload, self.now);
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

    /// The nodes that are what they seem.
    pub(crate) fn honest(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.nodes.len()).filter(|node| !self.liars.contains(node) && !self.mute.contains(node))
    }

    /// Whether all of those have the same tip.
    pub(crate) fn honest_agree(&self) -> bool {
        let tips: BTreeSet<_> = self.honest().map(|node| self.nodes[node].chain.tip().hash).collect();
        tips.len() == 1
    }
}
