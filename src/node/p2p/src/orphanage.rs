//! Transactions that wait for their parents.
//!
//! An orphan stays as long as one of the peers that announced it is there. Each peer has a share of the room: when all
//! together take too much, whoever takes most beyond its share loses its oldest orphans. So no peer can push out what
//! others have sent.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, Txid, Wtxid};
use primitives::{Block, Tx};

use crate::PeerId;
use crate::chance::Chance;

/// How much weight may wait for each peer.
const WEIGHT_PER_PEER: u64 = 404_000;
/// How much looking up orphans may cost in all: one for each announcement, and one for each ten inputs.
const MAX_COST: u64 = 3000;
/// A heavier transaction is not kept.
const MAX_TX_WEIGHT: u64 = 400_000;

#[derive(Debug)]
struct Orphan {
    tx: Arc<Tx>,
    /// Who announced it, and when that was.
    announcers: BTreeMap<PeerId, u64>,
    /// On whose account it will be looked at again, as a parent has come.
    again: Option<PeerId>,
}

/// What waits for a peer.
#[derive(Debug, Default)]
struct Share {
    weight: u64,
    cost: u64,
    /// Its orphans: those that are to be looked at again last, then the oldest first.
    order: BTreeSet<(bool, u64, Wtxid)>,
}

/// An orphan as it is shown.
#[derive(Debug, Clone)]
pub struct OrphanInfo {
    /// The transaction.
    pub tx: Arc<Tx>,
    /// Who announced it.
    pub announcers: Vec<PeerId>,
}

/// Transactions and who announced them.
#[derive(Debug, Default)]
pub(crate) struct Orphanage {
    orphans: BTreeMap<Wtxid, Orphan>,
    by_outpoint: HashMap<OutPoint, BTreeSet<Wtxid>>,
    shares: BTreeMap<PeerId, Share>,
    /// The weight of all orphans, and what their inputs cost.
    weight: u64,
    input_cost: u64,
    announcements: u64,
    next: u64,
}

/// What the inputs of a transaction cost.
fn input_cost(tx: &Tx) -> u64 {
    u64::try_from(tx.inputs().len() / 10).unwrap_or(u64::MAX)
}

impl Orphanage {
    pub(crate) fn contains(&self, wtxid: &Wtxid) -> bool {
        self.orphans.contains_key(wtxid)
    }

    pub(crate) fn get(&self, wtxid: &Wtxid) -> Option<Arc<Tx>> {
        self.orphans.get(wtxid).map(|orphan| orphan.tx.clone())
    }

    pub(crate) fn is_announced_by(&self, wtxid: &Wtxid, peer: PeerId) -> bool {
        self.orphans.get(wtxid).is_some_and(|orphan| orphan.announcers.contains_key(&peer))
    }

    /// All orphans.
    pub(crate) fn list(&self) -> Vec<OrphanInfo> {
        let show = |orphan: &Orphan| OrphanInfo {
            tx: orphan.tx.clone(),
            announcers: orphan.announcers.keys().copied().collect(),
        };
        self.orphans.values().map(show).collect()
    }

    /// Keeps a transaction for a peer. Tells whether it was not here yet.
    pub(crate) fn add(&mut self, tx: &Arc<Tx>, peer: PeerId) -> bool {
        let (wtxid, weight) = (tx.wtxid(), tx.weight());
        if weight > MAX_TX_WEIGHT {
            tracing::debug!(
                target: "txpackages",
                "ignoring large orphan tx (size: {weight}, txid: {}, wtxid: {wtxid})", tx.txid()
            );
            return false;
        }
        if self.contains(&wtxid) {
            self.add_announcer(&wtxid, peer);
            return false;
        }
        for input in tx.inputs() {
            self.by_outpoint.entry(input.previous_output).or_default().insert(wtxid);
        }
        self.weight += weight;
        self.input_cost += input_cost(tx);
        self.orphans.insert(wtxid, Orphan { tx: tx.clone(), announcers: BTreeMap::new(), again: None });
        self.announce(&wtxid, peer);
        tracing::debug!(
            target: "txpackages",
            "stored orphan tx {} (wtxid={wtxid}), weight: {weight} (mapsz {} outsz {})",
            tx.txid(), self.announcements, self.by_outpoint.len()
        );
        self.limit();
        true
    }

    /// Another peer has announced an orphan.
    pub(crate) fn add_announcer(&mut self, wtxid: &Wtxid, peer: PeerId) {
        if self.is_announced_by(wtxid, peer) || !self.announce(wtxid, peer) {
            return;
        }
        if let Some(orphan) = self.orphans.get(wtxid) {
            tracing::debug!(
                target: "txpackages",
                "added peer={peer} as announcer of orphan tx {} (wtxid={wtxid})", orphan.tx.txid()
            );
        }
        self.limit();
    }

    fn announce(&mut self, wtxid: &Wtxid, peer: PeerId) -> bool {
        let Some(orphan) = self.orphans.get_mut(wtxid) else { return false };
        orphan.announcers.insert(peer, self.next);
        let share = self.shares.entry(peer).or_default();
        share.weight += orphan.tx.weight();
        share.cost += 1 + input_cost(&orphan.tx);
        share.order.insert((false, self.next, *wtxid));
        self.announcements += 1;
        self.next += 1;
        true
    }

    /// Takes a peer's announcement back, and the orphan with it if it was the last one.
    fn forget(&mut self, wtxid: &Wtxid, peer: PeerId) {
        let Some(orphan) = self.orphans.get_mut(wtxid) else { return };
        let Some(number) = orphan.announcers.remove(&peer) else { return };
        let again = orphan.again == Some(peer);
        if again {
            orphan.again = None;
        }
        self.announcements -= 1;
        if let Some(share) = self.shares.get_mut(&peer) {
            share.weight -= orphan.tx.weight();
            share.cost -= 1 + input_cost(&orphan.tx);
            share.order.remove(&(again, number, *wtxid));
            if share.order.is_empty() {
                self.shares.remove(&peer);
            }
        }
        if !orphan.announcers.is_empty() {
            return;
        }
        let Some(orphan) = self.orphans.remove(wtxid) else { return };
        self.weight -= orphan.tx.weight();
        self.input_cost -= input_cost(&orphan.tx);
        for input in orphan.tx.inputs() {
            if let Some(spenders) = self.by_outpoint.get_mut(&input.previous_output) {
                spenders.remove(wtxid);
                if spenders.is_empty() {
                    self.by_outpoint.remove(&input.previous_output);
                }
            }
        }
    }

    /// The orphans of a peer that spend outputs of that one, newest first.
    pub(crate) fn children_of(&self, parent: &Txid, peer: PeerId) -> Vec<Arc<Tx>> {
        let spends = |tx: &Tx| tx.inputs().iter().any(|input| input.previous_output.txid == *parent);
        let all = self.shares.get(&peer).into_iter().flat_map(|share| share.order.iter().rev());
        let found = all.filter_map(|(_, _, wtxid)| self.orphans.get(wtxid)).filter(|orphan| spends(&orphan.tx));
        found.map(|orphan| orphan.tx.clone()).collect()
    }

    /// A transaction has come that orphans may have waited for. Each is given to one of its announcers, so that none of
    /// them can keep it from being looked at.
    pub(crate) fn parent_came(&mut self, parent: &Tx, chance: &mut Chance) {
        let txid = parent.txid();
        for (vout, _) in (0..).zip(parent.outputs()) {
            let Some(spenders) = self.by_outpoint.get(&OutPoint { txid, vout }) else { continue };
            for wtxid in spenders {
                let Some(orphan) = self.orphans.get_mut(wtxid).filter(|orphan| orphan.again.is_none()) else {
                    continue;
                };
                let pick = chance.index(orphan.announcers.len());
                let Some((peer, number)) = orphan.announcers.iter().nth(pick) else { continue };
                orphan.again = Some(*peer);
                if let Some(share) = self.shares.get_mut(peer) {
                    share.order.remove(&(false, *number, *wtxid));
                    share.order.insert((true, *number, *wtxid));
                }
                tracing::debug!(
                    target: "txpackages", "added {} (wtxid={wtxid}) to peer {peer} workset", orphan.tx.txid()
                );
            }
        }
    }

    /// Whether there is something to look at again on a peer's account.
    pub(crate) fn has_work(&self, peer: PeerId) -> bool {
        self.shares.get(&peer).and_then(|share| share.order.last()).is_some_and(|(again, ..)| *again)
    }

    /// The peers on whose account there is something to look at again.
    pub(crate) fn workers(&self) -> Vec<PeerId> {
        self.shares.keys().copied().filter(|peer| self.has_work(*peer)).collect()
    }

    /// The oldest orphan to look at again on a peer's account. It stays until it is removed.
    pub(crate) fn take_work(&mut self, peer: PeerId) -> Option<Arc<Tx>> {
        let share = self.shares.get_mut(&peer)?;
        let (again, number, wtxid) = share.order.range((true, 0, Wtxid::all_zeros())..).next().copied()?;
        share.order.remove(&(again, number, wtxid));
        share.order.insert((false, number, wtxid));
        let orphan = self.orphans.get_mut(&wtxid)?;
        orphan.again = None;
        Some(orphan.tx.clone())
    }

    /// Removes an orphan. Tells whether it was here.
    pub(crate) fn remove(&mut self, wtxid: &Wtxid) -> bool {
        let Some(orphan) = self.orphans.get(wtxid) else { return false };
        let (txid, peers) = (orphan.tx.txid(), orphan.announcers.keys().copied().collect::<Vec<_>>());
        for peer in &peers {
            self.forget(wtxid, *peer);
        }
        tracing::debug!(
            target: "txpackages", "removed orphan tx {txid} (wtxid={wtxid}) ({} announcements)", peers.len()
        );
        self.limit();
        true
    }

    /// A block is there: what it contains and what conflicts with it need not wait any longer.
    pub(crate) fn block_came(&mut self, block: &Block) {
        let spent = block.txs.iter().flat_map(|tx| tx.inputs()).map(|input| input.previous_output);
        let gone: BTreeSet<_> = spent.filter_map(|out| self.by_outpoint.get(&out)).flatten().copied().collect();
        for wtxid in &gone {
            self.remove(wtxid);
        }
        if !gone.is_empty() {
            tracing::debug!(
                target: "txpackages", "Erased {} orphan transaction(s) included or conflicted by block", gone.len()
            );
        }
    }

    /// A peer is gone, and with it what only it has announced.
    pub(crate) fn disconnected(&mut self, peer: PeerId) {
        let own: Vec<_> = self.shares.get(&peer).into_iter().flat_map(|share| &share.order).copied().collect();
        for (_, _, wtxid) in &own {
            self.forget(wtxid, peer);
        }
        if !own.is_empty() {
            tracing::debug!(target: "txpackages", "Erased {} orphan transaction(s) from peer={peer}", own.len());
        }
        self.limit();
    }

    fn peers(&self) -> u64 {
        u64::try_from(self.shares.len()).unwrap_or(u64::MAX).max(1)
    }

    fn is_full(&self) -> bool {
        self.announcements + self.input_cost > MAX_COST || self.weight > WEIGHT_PER_PEER * self.peers()
    }

    /// Makes room at the cost of whoever takes most of its share.
    fn limit(&mut self) {
        if !self.is_full() {
            return;
        }
        let before = (self.orphans.len(), self.announcements);
        let cost_per_peer = (MAX_COST / self.peers()).max(1);
        while self.is_full() {
            // Both ratios as parts of the product of both limits; of equal ones the newest peer is the worst.
            let ratio = |share: &Share| (share.weight * cost_per_peer).max(share.cost * WEIGHT_PER_PEER);
            let Some((worst, share)) = self.shares.iter().max_by_key(|(peer, share)| (ratio(share), **peer)) else {
                break;
            };
            let (worst, Some((_, _, oldest))) = (*worst, share.order.first().copied()) else { break };
            self.forget(&oldest, worst);
            tracing::debug!(target: "txpackages", "peer={worst} orphanage overflow, removed 1 announcement");
        }
        tracing::debug!(
            target: "txpackages", "orphanage overflow, removed {} tx ({} announcements)",
            before.0 - self.orphans.len(), before.1 - self.announcements
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::spend;

    fn is_empty(orphanage: &Orphanage) -> bool {
        orphanage.orphans.is_empty()
            && orphanage.by_outpoint.is_empty()
            && orphanage.shares.is_empty()
            && (orphanage.weight, orphanage.input_cost, orphanage.announcements) == (0, 0, 0)
    }

    #[test]
    fn an_orphan_stays_while_one_announcer_does() {
        let mut orphanage = Orphanage::default();
        let parent = spend(OutPoint::null(), 1, 0);
        let child = spend(OutPoint { txid: parent.txid(), vout: 0 }, 2, 0);
        assert!(orphanage.add(&child, 5));
        assert!(!orphanage.add(&child, 6));
        assert_eq!(orphanage.children_of(&parent.txid(), 5), std::slice::from_ref(&child));
        assert!(orphanage.children_of(&child.txid(), 5).is_empty());
        assert!(orphanage.children_of(&parent.txid(), 7).is_empty());
        orphanage.disconnected(5);
        assert!(orphanage.contains(&child.wtxid()));
        orphanage.disconnected(6);
        assert!(is_empty(&orphanage));
    }

    #[test]
    fn an_orphan_is_looked_at_once_when_its_parent_comes() {
        let mut orphanage = Orphanage::default();
        let parent = spend(OutPoint::null(), 1, 0);
        let child = spend(OutPoint { txid: parent.txid(), vout: 0 }, 2, 0);
        for peer in [1, 2, 3] {
            orphanage.add(&child, peer);
        }
        orphanage.parent_came(&parent, &mut Chance::new([1; 32]));
        let workers: Vec<_> = [1, 2, 3].into_iter().filter(|peer| orphanage.has_work(*peer)).collect();
        assert_eq!(workers.len(), 1);
        assert_eq!(orphanage.take_work(workers[0]), Some(child.clone()));
        assert_eq!(orphanage.take_work(workers[0]), None);
        assert!(orphanage.remove(&child.wtxid()));
        assert!(is_empty(&orphanage));
    }

    #[test]
    fn a_flooding_peer_pushes_out_only_its_own() {
        let mut orphanage = Orphanage::default();
        let quiet = spend(OutPoint::null(), 1, 100);
        orphanage.add(&quiet, 1);
        for value in 2..60 {
            orphanage.add(&spend(OutPoint::null(), value, 10_000), 2);
        }
        assert!(orphanage.contains(&quiet.wtxid()));
        assert!(orphanage.weight <= 2 * WEIGHT_PER_PEER && orphanage.orphans.len() > 10);
        assert!(!orphanage.add(&spend(OutPoint::null(), 1, 200_000), 3));
        for value in 100..4000 {
            orphanage.add(&spend(OutPoint::null(), value, 1), 3);
        }
        assert!(orphanage.announcements <= MAX_COST && orphanage.contains(&quiet.wtxid()));
        for peer in [1, 2, 3] {
            orphanage.disconnected(peer);
        }
        assert!(is_empty(&orphanage));
    }

    #[test]
    fn a_block_removes_what_it_conflicts_with() {
        let mut orphanage = Orphanage::default();
        let coin = OutPoint { txid: spend(OutPoint::null(), 1, 0).txid(), vout: 3 };
        let (one, two) = (spend(coin, 1, 1), spend(coin, 2, 1));
        orphanage.add(&one, 1);
        let header = crate::testing::mine(bitcoin::BlockHash::from_raw_hash(Hash::all_zeros()), 1, 1);
        orphanage.block_came(&Block { header: header.header.clone(), txs: vec![two], tail: None });
        assert!(is_empty(&orphanage));
    }
}
