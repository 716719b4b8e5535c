//! Which transaction is asked of which peer, and when: one peer at a time, the preferred ones first.

use std::collections::HashMap;
use std::time::Duration;

use crate::PeerId;
use crate::message::Inv;

/// How many announcements a peer may have open.
const MAX_ANNOUNCEMENTS: usize = 5000;
/// How many requests a peer may have open before it has to wait longer.
const MAX_IN_FLIGHT: usize = 100;
/// How long a peer that we did not choose has to wait, so that one that we chose can be first.
const NONPREF_DELAY: Duration = Duration::from_secs(2);
/// How long an announcement by txid has to wait while others announce by wtxid.
const TXID_DELAY: Duration = Duration::from_secs(2);
/// How long a peer with many open requests has to wait.
const OVERLOADED_DELAY: Duration = Duration::from_secs(2);
/// How long a peer has to answer.
const TIMEOUT: Duration = Duration::from_mins(1);

#[derive(Debug, Clone, Copy)]
struct Offer {
    peer: PeerId,
    inv: Inv,
    preferred: bool,
    from: Duration,
}

#[derive(Debug, Default)]
struct Wanted {
    offers: Vec<Offer>,
    asked: Option<(PeerId, Duration)>,
}

/// All announcements that are not settled.
#[derive(Debug, Default)]
pub(crate) struct TxRequests {
    wanted: HashMap<[u8; 32], Wanted>,
    offers: HashMap<PeerId, usize>,
    in_flight: HashMap<PeerId, usize>,
}

impl TxRequests {
    /// A peer has announced a transaction.
    pub(crate) fn announced(&mut self, peer: PeerId, inv: Inv, preferred: bool, txid_delay: bool, now: Duration) {
        let count = self.offers.entry(peer).or_default();
        if *count >= MAX_ANNOUNCEMENTS {
            return;
        }
        let wanted = self.wanted.entry(inv.hash).or_default();
        if wanted.offers.iter().any(|offer| offer.peer == peer) {
            return;
        }
        let mut from = now;
        if !preferred {
            from += NONPREF_DELAY;
        }
        if txid_delay {
            from += TXID_DELAY;
        }
        if self.in_flight.get(&peer).is_some_and(|count| *count >= MAX_IN_FLIGHT) {
            from += OVERLOADED_DELAY;
        }
        wanted.offers.push(Offer { peer, inv, preferred, from });
        *count += 1;
    }

    /// What is to be asked of a peer now. It is taken as asked.
    pub(crate) fn requests(&mut self, peer: PeerId, now: Duration) -> Vec<Inv> {
        if self.offers.get(&peer).is_none_or(|count| *count == 0) {
            return Vec::new();
        }
        let mut list = Vec::new();
        let mut late = Vec::new();
        for (hash, wanted) in &mut self.wanted {
            if let Some((slow, deadline)) = wanted.asked {
                if now < deadline {
                    continue;
                }
                late.push((*hash, slow));
                if slow == peer {
                    continue;
                }
            }
            let slow = wanted.asked.map(|(slow, _)| slow);
            let ready = wanted.offers.iter().filter(|offer| offer.from <= now && Some(offer.peer) != slow);
            let best = ready.min_by_key(|offer| (!offer.preferred, offer.from));
            if let Some(offer) = best.filter(|offer| offer.peer == peer) {
                list.push((offer.from, offer.inv));
            }
        }
        for (hash, slow) in late {
            self.failed(slow, &hash);
        }
        list.sort_unstable();
        for (_, inv) in &list {
            if let Some(wanted) = self.wanted.get_mut(&inv.hash) {
                wanted.asked = Some((peer, now + TIMEOUT));
                *self.in_flight.entry(peer).or_default() += 1;
            }
        }
        list.into_iter().map(|(_, inv)| inv).collect()
    }

    /// A peer cannot or will not send it; others may.
    pub(crate) fn failed(&mut self, peer: PeerId, hash: &[u8; 32]) {
        let Some(wanted) = self.wanted.get_mut(hash) else { return };
        if wanted.asked.is_some_and(|(asked, _)| asked == peer) {
            wanted.asked = None;
            decrease(&mut self.in_flight, peer);
        }
        let before = wanted.offers.len();
        wanted.offers.retain(|offer| offer.peer != peer);
        if wanted.offers.len() < before {
            decrease(&mut self.offers, peer);
        }
        if wanted.offers.is_empty() {
            self.wanted.remove(hash);
        }
    }

    /// The transaction is here, or nobody wants it any more.
    pub(crate) fn settled(&mut self, hash: &[u8; 32]) {
        let Some(wanted) = self.wanted.remove(hash) else { return };
        if let Some((asked, _)) = wanted.asked {
            decrease(&mut self.in_flight, asked);
        }
        for offer in wanted.offers {
            decrease(&mut self.offers, offer.peer);
        }
    }

    /// A peer is gone.
    pub(crate) fn disconnected(&mut self, peer: PeerId) {
        let hashes: Vec<_> = self.wanted.keys().copied().collect();
        for hash in hashes {
            self.failed(peer, &hash);
        }
        self.offers.remove(&peer);
        self.in_flight.remove(&peer);
    }
}

fn decrease(counts: &mut HashMap<PeerId, usize>, peer: PeerId) {
    if let Some(count) = counts.get_mut(&peer) {
        *count = count.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::InvKind;

    const TX: Inv = Inv { kind: InvKind::Wtx, hash: [7; 32] };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_chosen_peer_is_asked_before_one_that_called() {
        let mut requests = TxRequests::default();
        requests.announced(1, TX, false, false, at(0));
        requests.announced(2, TX, true, false, at(1));
        assert_eq!(requests.requests(1, at(1)), []);
        assert_eq!(requests.requests(2, at(1)), [TX]);
        assert_eq!(requests.requests(1, at(30)), []);
        assert_eq!(requests.wanted[&TX.hash].asked, Some((2, at(61))));
        requests.settled(&TX.hash);
        assert_eq!(requests.requests(1, at(100)), []);
        assert_eq!(requests.in_flight.get(&2), Some(&0));
    }

    #[test]
    fn the_next_peer_is_asked_when_one_fails_is_late_or_leaves() {
        let mut requests = TxRequests::default();
        for peer in 1..=4 {
            requests.announced(peer, TX, true, false, at(peer));
        }
        assert_eq!(requests.requests(1, at(5)), [TX]);
        requests.failed(1, &TX.hash);
        assert_eq!(requests.requests(2, at(5)), [TX]);
        assert_eq!(requests.requests(3, at(64)), []);
        assert_eq!(requests.requests(3, at(65)), [TX]);
        assert_eq!(requests.requests(2, at(200)), []);
        requests.disconnected(3);
        assert_eq!(requests.requests(4, at(66)), [TX]);
        requests.disconnected(4);
        assert!(requests.wanted.is_empty());
    }

    #[test]
    fn a_peer_cannot_announce_without_end() {
        let mut requests = TxRequests::default();
        for number in 0..10_000_u32 {
            let mut hash = [0; 32];
            hash[..4].copy_from_slice(&number.to_le_bytes());
            requests.announced(1, Inv { kind: InvKind::Wtx, hash }, true, false, at(0));
        }
        assert_eq!(requests.wanted.len(), MAX_ANNOUNCEMENTS);
        assert_eq!(requests.requests(1, at(0)).len(), MAX_ANNOUNCEMENTS);
        requests.disconnected(1);
        assert!(requests.wanted.is_empty());
    }
}
