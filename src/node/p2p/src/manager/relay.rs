//! Telling peers of transactions, at times and in an order that do not reveal where they came from.

use std::collections::HashSet;
use std::time::Duration;

use bitcoin::{Txid, Wtxid};

use super::PeerManager;
use crate::PeerId;
use crate::message::{FEEFILTER_VERSION, Inv, MAX_INV, Message};
use crate::peer::{ConnectionKind, NODE_BLOOM, Peer};
use crate::view::{ChainAccess, TxAccess};

/// How long the announcements to all callers wait on average, and those to each peer that we chose.
const INBOUND_INTERVAL: Duration = Duration::from_secs(5);
const OUTBOUND_INTERVAL: Duration = Duration::from_secs(2);
/// How often a peer is told our feerate, and how soon when it has changed much.
const FEERATE_INTERVAL: Duration = Duration::from_mins(10);
const FEERATE_CHANGE_DELAY: Duration = Duration::from_mins(5);
/// The feerate by which a node that wants no transaction says so: all the money there is.
const NO_TXS: i64 = 2_100_000_000_000_000;
/// When our own transactions that nobody has asked for are told again: not before this, and at most half as much later.
const REBROADCAST_INTERVAL: Duration = Duration::from_mins(10);
/// How often the backlog is looked at.
const BACKLOG_DELAY: Duration = Duration::from_millis(100);

/// Something that fills at a steady rate, up to a limit.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    rate: f64,
    value: f64,
    most: f64,
}

impl Bucket {
    fn fill(&mut self, passed: Duration) {
        if self.value < self.most {
            self.value = self.most.min(self.value + self.rate * passed.as_secs_f64());
        }
    }
}

/// How much waits to be told, and how much may be told now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Waiting {
    /// How many transactions wait.
    pub txs: usize,
    /// How many may be told.
    pub count: f64,
    /// How many bytes these may have.
    pub bytes: f64,
}

/// Transactions that wait to be told to all callers, or to all peers that we chose. In the long run no more are told than
/// blocks can take, so a flood elsewhere does not become one here.
#[derive(Debug)]
struct Queue {
    waiting: Vec<Txid>,
    count: Bucket,
    bytes: Bucket,
    /// How far the count may go below zero, so that whole messages are filled.
    floor: f64,
}

impl Queue {
    fn new(rate: f64, times: f64) -> Self {
        Self {
            waiting: Vec::new(),
            count: Bucket { rate: rate * times, value: rate * 30.0, most: rate * 30.0 },
            bytes: Bucket { rate: 20_000.0 * times, value: 12_000_000.0, most: 50_000_000.0 },
            floor: -rate * INBOUND_INTERVAL.as_secs_f64(),
        }
    }

    fn show(&self) -> Waiting {
        Waiting { txs: self.waiting.len(), count: self.count.value, bytes: self.bytes.value }
    }

    /// The transactions that are told now; the others stay.
    fn take(&mut self, pool: &impl TxAccess) -> Vec<Txid> {
        if self.waiting.is_empty() || self.count.value <= 0.0 || self.bytes.value <= 0.0 {
            return Vec::new();
        }
        pool.sort_for_relay(&mut self.waiting);
        let mut count = 0;
        for txid in &self.waiting {
            count += 1;
            let size = pool.by_txid(txid).map_or(0, |tx| tx.total_size());
            self.bytes.value -= f64::from(u32::try_from(size).unwrap_or(u32::MAX));
            self.count.value -= 1.0;
            if self.bytes.value <= -50_000.0 || self.count.value <= self.floor {
                break;
            }
        }
        let rest = self.waiting.split_off(count);
        std::mem::replace(&mut self.waiting, rest)
    }
}

/// Transactions on their way to the peers.
#[derive(Debug)]
pub(super) struct Backlog {
    callers: Queue,
    chosen: Queue,
    last: Option<Duration>,
    changed: bool,
}

impl Backlog {
    pub(super) fn new(rate: u32) -> Self {
        let rate = f64::from(rate.max(1));
        let times = INBOUND_INTERVAL.as_secs_f64() / OUTBOUND_INTERVAL.as_secs_f64();
        Self { callers: Queue::new(rate, 1.0), chosen: Queue::new(rate, times), last: None, changed: false }
    }
}

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    /// A transaction has entered the pool: every peer is told in its time.
    pub fn relay_tx(&mut self, txid: Txid, _wtxid: Wtxid) {
        self.backlog.callers.waiting.push(txid);
        self.backlog.chosen.waiting.push(txid);
        self.backlog.changed = true;
        self.work_on_backlog();
    }

    /// What waits to be told to callers, and to peers that we chose.
    pub fn waiting_txs(&self) -> (Waiting, Waiting) {
        (self.backlog.callers.show(), self.backlog.chosen.show())
    }

    /// Hands transactions of the backlog to the peers.
    pub(super) fn work_on_backlog(&mut self) {
        let now = self.now;
        let last = self.backlog.last.unwrap_or(now);
        if !self.backlog.changed && now <= last + BACKLOG_DELAY {
            return;
        }
        self.backlog.changed = false;
        self.backlog.last = Some(now);
        for (queue, inbound) in [(&mut self.backlog.callers, true), (&mut self.backlog.chosen, false)] {
            let passed = now.saturating_sub(last);
            queue.count.fill(passed);
            queue.bytes.fill(passed);
            let list = queue.take(&self.pool);
            if list.is_empty() {
                continue;
            }
            let mut any = false;
            for peer in self.peers.values_mut().filter(|peer| peer.is_inbound() == inbound) {
                // Before the handshake is over nothing is noted: what came meanwhile would be told at once then.
                if let Some(relay) = peer.relay.as_mut().filter(|relay| relay.next_announcement.is_some()) {
                    any = true;
                    relay.to_announce.extend(&list);
                }
            }
            if !any {
                queue.waiting.clear();
            }
        }
    }

    /// Tells a peer of transactions when it is its turn.
    pub(super) fn announce_txs(&mut self, id: PeerId, now: Duration) {
        let Some(peer) = self.peers.get(&id) else { return };
        let (inbound, noban, by_wtxid, key) =
            (peer.is_inbound(), peer.permissions.noban, peer.wtxid_relay, peer.network_key);
        let Some(relay) = &peer.relay else { return };
        let due = relay.next_announcement.is_none_or(|next| next < now);
        if !due && !noban {
            return;
        }
        let next = due.then(|| self.next_announcement(inbound, key, now));
        let Some(mut relay) = self.peers.get_mut(&id).and_then(|peer| peer.relay.take()) else { return };
        if next.is_some() {
            relay.next_announcement = next;
        }
        if !relay.wanted {
            relay.to_announce.clear();
        }
        let whole = std::mem::take(&mut relay.send_pool);
        let mut list = std::mem::take(&mut relay.to_announce);
        if whole {
            // All are told, whatever waited.
            list = self.pool.list().into_iter().map(|(txid, _)| txid).collect();
        } else if !list.is_empty() {
            self.pool.sort_for_relay(&mut list);
        }
        if whole || !list.is_empty() {
            relay.last_sequence = self.pool.sequence();
        }
        let mut invs = Vec::new();
        let mut done = HashSet::new();
        for txid in list {
            let Some(tx) = self.pool.by_txid(&txid) else { continue };
            let pays = self.pool.feerate(&txid).is_some_and(|feerate| feerate >= relay.minimum_feerate);
            let inv = if by_wtxid { Inv::wtx(tx.wtxid()) } else { Inv::tx(txid) };
            if !pays || !done.insert(txid) || (!whole && relay.known.contains(&inv.hash)) {
                continue;
            }
            if relay.bloom.as_mut().is_some_and(|bloom| !bloom.wants(&tx)) {
                continue;
            }
            relay.known.insert(&inv.hash);
            invs.push(inv);
        }
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.relay = Some(relay);
        }
        for part in invs.chunks(MAX_INV) {
            self.send(id, Message::Inv(part.to_vec()));
        }
    }

    /// When a peer is told again. All callers that came the same way are told at the same time: many connections must not
    /// tell more than one.
    fn next_announcement(&mut self, inbound: bool, key: u64, now: Duration) -> Duration {
        if !inbound {
            return now + self.chance.exponential(OUTBOUND_INTERVAL);
        }
        let next = self.inbound_announcements.entry(key).or_default();
        if *next < now {
            *next = now + self.chance.exponential(INBOUND_INTERVAL);
        }
        *next
    }

    /// Tells our own transactions again that nobody has asked for: maybe there was nobody to ask.
    pub(super) fn rebroadcast(&mut self, now: Duration) {
        let due = self.next_rebroadcast.is_some_and(|next| now >= next);
        if self.next_rebroadcast.is_none() || due {
            self.next_rebroadcast = Some(now + REBROADCAST_INTERVAL + self.chance.span(REBROADCAST_INTERVAL / 2));
        }
        if due {
            for (txid, wtxid) in self.pool.unbroadcast() {
                self.relay_tx(txid, wtxid);
            }
        }
    }

    pub(super) fn on_feefilter(&mut self, id: PeerId, rate: i64) {
        if !(0..=NO_TXS).contains(&rate) {
            return;
        }
        if let Some(relay) = self.peers.get_mut(&id).and_then(|peer| peer.relay.as_mut()) {
            relay.minimum_feerate = rate;
        }
        let (whole, part) = (rate / 100_000_000, rate % 100_000_000);
        tracing::debug!(target: "net", "received: feefilter of {whole}.{part:08} BTC/kvB from peer={id}");
    }

    /// Tells a peer below which feerate we want nothing.
    pub(super) fn tell_feerate(&mut self, id: PeerId, now: Duration) {
        let catching_up = self.chain.is_initial_download();
        let current = if catching_up { NO_TXS } else { self.pool.minimum_feerate() };
        let Some(peer) = self.peers.get(&id) else { return };
        let silent = self.options.blocks_only
            || peer.common_version < FEEFILTER_VERSION
            || peer.permissions.force_relay
            || peer.kind == ConnectionKind::BlockRelayOnly;
        let Some(relay) = peer.relay.as_ref().filter(|_| !silent) else { return };
        let (sent, next) = (relay.sent_feerate, relay.next_feerate);
        // The highest one is always rounded to the same, whatever the dice say.
        let leaving = !catching_up && sent != 0 && sent == self.pool.round_feerate(NO_TXS, 0);
        let (mut wanted, mut later) = (None, None);
        if now > next || leaving {
            let dice = u32::try_from(self.chance.below(1 << 32)).unwrap_or(0);
            wanted = Some(self.pool.round_feerate(current, dice).max(self.pool.relay_feerate()));
            later = Some(now + self.chance.exponential(FEERATE_INTERVAL));
        } else if now + FEERATE_CHANGE_DELAY < next && (current < 3 * sent / 4 || current > 4 * sent / 3) {
            later = Some(now + self.chance.span(FEERATE_CHANGE_DELAY));
        }
        let Some(relay) = self.peers.get_mut(&id).and_then(|peer| peer.relay.as_mut()) else { return };
        relay.next_feerate = later.unwrap_or(next);
        if let Some(wanted) = wanted.filter(|wanted| *wanted != sent) {
            relay.sent_feerate = wanted;
            self.send(id, Message::FeeFilter(wanted));
        }
    }

    pub(super) fn on_mempool(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let Peer { permissions, our_services, .. } = peer;
        let problem = if *our_services & NODE_BLOOM == 0 && !permissions.mempool {
            Some("bloom filters disabled")
        } else if self.upload_limits.1 && !permissions.mempool {
            Some("bandwidth limit reached")
        } else {
            None
        };
        match problem {
            None => {
                if let Some(relay) = &mut peer.relay {
                    relay.send_pool = true;
                }
            }
            Some(_) if permissions.noban => {}
            Some(problem) => {
                tracing::debug!(target: "net", "mempool request with {problem}, disconnecting peer={id}");
                self.disconnect(id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::hashes::Hash;

    use super::*;

    #[test]
    fn a_queue_lets_a_burst_through_and_then_its_rate() {
        let mut queue = Queue::new(14.0, 1.0);
        let pool = crate::testing::FakePool::default();
        let fill = |queue: &mut Queue, count: u32| {
            queue.waiting.extend((0..count).map(|number| {
                let mut bytes = [0; 32];
                bytes[..4].copy_from_slice(&number.to_le_bytes());
                Txid::from_byte_array(bytes)
            }));
        };
        fill(&mut queue, 1000);
        // Thirty seconds' worth, and one message more.
        assert_eq!(queue.take(&pool).len(), 420 + 70);
        assert_eq!(queue.take(&pool), []);
        queue.count.fill(Duration::from_secs(5));
        assert_eq!(queue.take(&pool), [], "the debt comes first");
        queue.count.fill(Duration::from_secs(1));
        assert_eq!(queue.take(&pool).len(), 14 + 70);
    }
}
