//! Transactions of our own that are sent over connections made for nothing else, so that nobody learns who made them.
//!
//! A transaction is picked for one connection after another, always the one that was sent least. It leaves the list
//! when somebody else sends it to us, which shows that the network has it; when it cannot be mined any more; or when
//! the user takes it back.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bitcoin::Wtxid;
use bitcoin::hashes::Hash;
use primitives::Tx;

use crate::PeerId;
use crate::netaddr::Service;

/// How many peers are sent a transaction at first.
pub(crate) const PEERS_PER_TX: usize = 3;
/// How many transactions are on the list at most.
const MAX_TXS: usize = 10_000;
/// How often a transaction is sent at most, unless the user asks again.
const MAX_SENDS: usize = 1000;
/// How long nobody may have taken a transaction before it is sent again, and how long after somebody did it may not
/// have come back.
const FIRST_PATIENCE: Duration = Duration::from_mins(5);
const PATIENCE: Duration = Duration::from_mins(1);

/// What became of a wish to send a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrivateAdded {
    /// It is on the list now, or has got new tries.
    Added,
    /// It was there.
    Known,
    /// The list is full.
    Full,
}

/// One peer that a transaction was meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrivateSend {
    /// Where the peer is.
    pub address: Service,
    /// When the transaction was picked for it.
    pub picked: Duration,
    /// When it has shown that it has the transaction.
    pub confirmed: Option<Duration>,
    peer: PeerId,
}

/// A transaction of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateTx {
    /// The transaction.
    pub tx: Arc<Tx>,
    /// When it was put on the list.
    pub added: Duration,
    /// Whom it was meant for, in that order.
    pub sends: Vec<PrivateSend>,
}

impl PrivateTx {
    /// How often it may still be sent.
    pub fn attempts_left(&self) -> usize {
        MAX_SENDS.saturating_sub(self.sends.len())
    }

    fn is_pending(&self) -> bool {
        self.attempts_left() > 0
    }

    /// How many peers have it.
    fn confirmations(&self) -> usize {
        self.sends.iter().filter(|send| send.confirmed.is_some()).count()
    }

    fn last_confirmed(&self) -> Option<Duration> {
        self.sends.iter().filter_map(|send| send.confirmed).max()
    }

    /// What decides who is next: the smallest is.
    fn order(&self) -> (usize, usize, Option<Duration>, Option<Duration>) {
        let last = self.sends.iter().map(|send| send.picked).max();
        (self.sends.len(), self.confirmations(), last, self.last_confirmed())
    }

    fn is_stale(&self, now: Duration) -> bool {
        match self.last_confirmed() {
            None => self.added + FIRST_PATIENCE < now,
            Some(last) => last + PATIENCE < now,
        }
    }
}

/// The list. The same transaction with another witness is another one.
#[derive(Debug, Default)]
pub(crate) struct PrivateQueue {
    txs: BTreeMap<Wtxid, PrivateTx>,
    /// What was picked for the peers that are connected.
    picked: HashMap<PeerId, Wtxid>,
}

impl PrivateQueue {
    pub(crate) fn add(&mut self, tx: Arc<Tx>, now: Duration) -> PrivateAdded {
        let wtxid = tx.wtxid();
        let full = self.txs.len() >= MAX_TXS;
        match self.txs.get_mut(&wtxid) {
            Some(known) if known.is_pending() => PrivateAdded::Known,
            Some(spent) => {
                spent.added = now;
                spent.sends.clear();
                PrivateAdded::Added
            }
            None if full => PrivateAdded::Full,
            None => {
                self.txs.insert(wtxid, PrivateTx { tx, added: now, sends: Vec::new() });
                PrivateAdded::Added
            }
        }
    }

    /// Takes a transaction off the list. Tells how many peers have it.
    pub(crate) fn remove(&mut self, wtxid: &Wtxid) -> Option<usize> {
        let removed = self.txs.remove(wtxid)?;
        self.picked.retain(|_, picked| picked != wtxid);
        Some(removed.confirmations())
    }

    /// Takes off what has that txid or wtxid. Tells with each how many peers have it.
    pub(crate) fn abort(&mut self, id: &[u8; 32]) -> Vec<(Arc<Tx>, usize)> {
        let hit = |it: &&PrivateTx| it.tx.txid().as_byte_array() == id || it.tx.wtxid().as_byte_array() == id;
        let txs: Vec<Arc<Tx>> = self.txs.values().filter(hit).map(|it| Arc::clone(&it.tx)).collect();
        txs.into_iter().filter_map(|tx| self.remove(&tx.wtxid()).map(|confirmed| (tx, confirmed))).collect()
    }

    /// Picks a transaction for a peer, which must not have got one before: two together would tell that they belong to
    /// one sender.
    pub(crate) fn pick(&mut self, peer: PeerId, address: Service, now: Duration) -> Option<Arc<Tx>> {
        if self.picked.contains_key(&peer) {
            return None;
        }
        let next = self.txs.values_mut().filter(|it| it.is_pending()).min_by_key(|it| it.order())?;
        next.sends.push(PrivateSend { address, picked: now, confirmed: None, peer });
        self.picked.insert(peer, next.tx.wtxid());
        Some(Arc::clone(&next.tx))
    }

    /// What was picked for a peer.
    pub(crate) fn picked_for(&self, peer: PeerId) -> Option<Arc<Tx>> {
        self.txs.get(self.picked.get(&peer)?).map(|it| Arc::clone(&it.tx))
    }

    fn send_to(&mut self, peer: PeerId) -> Option<&mut PrivateSend> {
        let it = self.txs.get_mut(self.picked.get(&peer)?)?;
        it.sends.iter_mut().rfind(|send| send.peer == peer)
    }

    /// A peer has shown that it has what it was sent.
    pub(crate) fn confirm(&mut self, peer: PeerId, now: Duration) {
        if let Some(send) = self.send_to(peer) {
            send.confirmed = Some(now);
        }
    }

    /// A connection is gone. Tells whether its peer had shown that it has the transaction.
    pub(crate) fn gone(&mut self, peer: PeerId) -> bool {
        let confirmed = self.send_to(peer).is_some_and(|send| send.confirmed.is_some());
        self.picked.remove(&peer);
        confirmed
    }

    pub(crate) fn has_pending(&self) -> bool {
        self.txs.values().any(PrivateTx::is_pending)
    }

    /// What should have come back by now.
    pub(crate) fn stale(&self, now: Duration) -> Vec<Arc<Tx>> {
        let fits = |it: &&PrivateTx| it.is_pending() && it.is_stale(now);
        self.txs.values().filter(fits).map(|it| Arc::clone(&it.tx)).collect()
    }

    pub(crate) fn list(&self) -> Vec<PrivateTx> {
        self.txs.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::{OutPoint, Txid};

    use super::*;
    use crate::testing::spend;

    fn tx(number: u32) -> Arc<Tx> {
        spend(OutPoint { txid: Txid::from_byte_array([7; 32]), vout: number }, 1, 1)
    }

    const HERE: Service = Service::NOWHERE;
    const NOW: Duration = Duration::from_secs(1_000_000);

    #[test]
    fn the_one_that_was_sent_least_is_next() {
        let mut queue = PrivateQueue::default();
        assert_eq!(queue.pick(1, HERE, NOW), None);
        let (one, two) = (tx(1), tx(2));
        assert_eq!(queue.add(one.clone(), NOW), PrivateAdded::Added);
        assert_eq!(queue.add(one.clone(), NOW), PrivateAdded::Known);
        assert_eq!(queue.pick(1, HERE, NOW), Some(one.clone()));
        queue.add(two.clone(), NOW);
        assert_eq!(queue.pick(2, HERE, NOW), Some(two.clone()));
        assert_eq!(queue.pick(2, HERE, NOW), None, "a peer gets one only");
        queue.confirm(1, NOW);
        assert_eq!(queue.pick(3, HERE, NOW), Some(two.clone()), "the other one has arrived somewhere");
        assert_eq!(queue.picked_for(1), Some(one));
        assert!(queue.gone(1));
        assert!(!queue.gone(2));
        assert_eq!(queue.picked_for(2), None);
    }

    #[test]
    fn what_does_not_come_back_is_stale() {
        let mut queue = PrivateQueue::default();
        queue.add(tx(1), NOW);
        assert_eq!(queue.stale(NOW + FIRST_PATIENCE), []);
        assert_eq!(queue.stale(NOW + FIRST_PATIENCE + Duration::from_secs(1)).len(), 1);
        queue.pick(1, HERE, NOW);
        queue.confirm(1, NOW + FIRST_PATIENCE);
        assert_eq!(queue.stale(NOW + FIRST_PATIENCE + PATIENCE), []);
        assert_eq!(queue.stale(NOW + FIRST_PATIENCE + PATIENCE * 2).len(), 1);
    }

    #[test]
    fn tries_end_until_the_user_asks_again() {
        let mut queue = PrivateQueue::default();
        queue.add(tx(1), NOW);
        for peer in 0..u64::try_from(MAX_SENDS).unwrap() {
            assert!(queue.pick(peer, HERE, NOW).is_some());
        }
        assert!(!queue.has_pending());
        assert_eq!(queue.pick(5000, HERE, NOW), None);
        assert_eq!(queue.list()[0].attempts_left(), 0);
        assert_eq!(queue.add(tx(1), NOW), PrivateAdded::Added);
        assert_eq!(queue.list()[0].attempts_left(), MAX_SENDS);
    }

    #[test]
    fn it_is_bounded_and_can_be_taken_back() {
        let mut queue = PrivateQueue::default();
        for number in 0..u32::try_from(MAX_TXS).unwrap() {
            queue.add(tx(number), NOW);
        }
        assert_eq!(queue.add(tx(99_999), NOW), PrivateAdded::Full);
        assert_eq!(queue.add(tx(0), NOW), PrivateAdded::Known);
        let id = tx(3).txid().to_byte_array();
        assert_eq!(queue.abort(&id), [(tx(3), 0)]);
        assert_eq!(queue.abort(&id), []);
        assert_eq!(queue.add(tx(99_999), NOW), PrivateAdded::Added);
    }
}
