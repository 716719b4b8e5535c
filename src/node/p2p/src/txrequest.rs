//! Which transaction is asked of which peer, and when: one peer at a time, the preferred ones first.
//!
//! A peer's announcement waits until its time has come. Then the peers that announced the same transaction are compared,
//! and the best of them is asked. The others sleep until that one has failed, so a tick costs only what changes.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use bitcoin::hashes::siphash24;

use crate::PeerId;
use crate::chance::Chance;
use crate::message::Inv;

/// How many announcements a peer may have open.
pub(crate) const MAX_ANNOUNCEMENTS: usize = 5000;
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

/// What has to be known of a peer that announces something.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Announcer {
    /// It is asked before others.
    pub(crate) preferred: bool,
    /// It may announce without limits.
    pub(crate) unlimited: bool,
    /// Others are likely to announce the same in a better way.
    pub(crate) by_txid: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Asked, with an answer due then.
    Asked(Duration),
    Failed,
}

#[derive(Debug, Clone, Copy)]
struct Offer {
    peer: PeerId,
    inv: Inv,
    preferred: bool,
    from: Duration,
    number: u64,
    state: State,
}

/// What a peer has open.
#[derive(Debug, Default)]
struct Account {
    offers: usize,
    asked: usize,
    /// Announcements to be looked at, and when.
    waiting: BTreeSet<(Duration, u64, [u8; 32])>,
}

/// All announcements that are not settled.
#[derive(Debug)]
pub(crate) struct TxRequests {
    salt: (u64, u64),
    wanted: HashMap<[u8; 32], Vec<Offer>>,
    accounts: HashMap<PeerId, Account>,
    deadlines: BTreeSet<(Duration, [u8; 32], PeerId)>,
    next: u64,
}

impl TxRequests {
    pub(crate) fn new(chance: &mut Chance) -> Self {
        Self {
            salt: (chance.u64(), chance.u64()),
            wanted: HashMap::new(),
            accounts: HashMap::new(),
            deadlines: BTreeSet::new(),
            next: 0,
        }
    }

    /// Whether a peer may announce so many more.
    pub(crate) fn has_room(&self, peer: PeerId, more: usize) -> bool {
        self.accounts.get(&peer).map_or(0, |account| account.offers) + more <= MAX_ANNOUNCEMENTS
    }

    /// A peer has announced a transaction.
    pub(crate) fn announced(&mut self, peer: PeerId, inv: Inv, how: Announcer, now: Duration) {
        if !how.unlimited && !self.has_room(peer, 1) {
            return;
        }
        let offers = self.wanted.entry(inv.hash).or_default();
        if offers.iter().any(|offer| offer.peer == peer) {
            return;
        }
        let account = self.accounts.entry(peer).or_default();
        let overloaded = !how.unlimited && account.asked >= MAX_IN_FLIGHT;
        let delays = [(!how.preferred, NONPREF_DELAY), (how.by_txid, TXID_DELAY), (overloaded, OVERLOADED_DELAY)];
        let delay: Duration = delays.into_iter().filter_map(|(applies, delay)| applies.then_some(delay)).sum();
        let from = now + delay;
        let number = self.next;
        self.next += 1;
        offers.push(Offer { peer, inv, preferred: how.preferred, from, number, state: State::Open });
        account.offers += 1;
        account.waiting.insert((from, number, inv.hash));
    }

    /// Requests that took too long, by the peer and what it was asked for. Others are asked instead.
    pub(crate) fn expire(&mut self, now: Duration) -> Vec<(PeerId, Inv)> {
        let mut late = Vec::new();
        while let Some((deadline, hash, peer)) = self.deadlines.first().copied() {
            if deadline > now {
                break;
            }
            let offers = self.wanted.get(&hash);
            late.extend(offers.into_iter().flatten().find(|offer| offer.peer == peer).map(|offer| (peer, offer.inv)));
            self.failed(peer, &hash);
        }
        late
    }

    /// What is to be asked of a peer now, in the order of its announcements. It is taken as asked.
    pub(crate) fn requests(&mut self, peer: PeerId, now: Duration) -> Vec<Inv> {
        let Some(account) = self.accounts.get_mut(&peer) else { return Vec::new() };
        let later = account.waiting.split_off(&(now + Duration::from_nanos(1), 0, [0; 32]));
        let due = std::mem::replace(&mut account.waiting, later);
        let mut list = Vec::new();
        for (_, number, hash) in due {
            let salt = self.salt;
            let Some(offers) = self.wanted.get_mut(&hash) else { continue };
            if offers.iter().any(|offer| matches!(offer.state, State::Asked(_))) {
                continue;
            }
            let ready = offers.iter_mut().filter(|offer| offer.state == State::Open && offer.from <= now);
            let best = ready.max_by_key(|offer| (offer.preferred, priority(salt, &hash, offer.peer)));
            if let Some(best) = best.filter(|best| best.peer == peer) {
                best.state = State::Asked(now + TIMEOUT);
                list.push((number, best.inv));
                self.deadlines.insert((now + TIMEOUT, hash, peer));
                account.asked += 1;
            }
        }
        list.sort_unstable_by_key(|(number, _)| *number);
        list.into_iter().map(|(_, inv)| inv).collect()
    }

    /// Who has announced a transaction and might still give it.
    pub(crate) fn candidates(&self, hash: &[u8; 32]) -> Vec<PeerId> {
        let open = |offer: &&Offer| offer.state != State::Failed;
        self.wanted.get(hash).into_iter().flatten().filter(open).map(|offer| offer.peer).collect()
    }

    /// A peer has answered, or cannot or will not send it; others may.
    pub(crate) fn failed(&mut self, peer: PeerId, hash: &[u8; 32]) {
        let Some(offers) = self.wanted.get_mut(hash) else { return };
        let Some(offer) = offers.iter_mut().find(|offer| offer.peer == peer && offer.state != State::Failed) else {
            return;
        };
        if let (State::Asked(deadline), Some(account)) = (offer.state, self.accounts.get_mut(&peer)) {
            account.asked -= 1;
            self.deadlines.remove(&(deadline, *hash, peer));
        }
        offer.state = State::Failed;
        if offers.iter().all(|offer| offer.state == State::Failed) {
            self.settled(hash);
            return;
        }
        for offer in offers.iter().filter(|offer| offer.state == State::Open) {
            if let Some(account) = self.accounts.get_mut(&offer.peer) {
                account.waiting.insert((offer.from, offer.number, *hash));
            }
        }
    }

    /// The transaction is here, or nobody wants it any more.
    pub(crate) fn settled(&mut self, hash: &[u8; 32]) {
        for offer in self.wanted.remove(hash).unwrap_or_default() {
            let Some(account) = self.accounts.get_mut(&offer.peer) else { continue };
            account.offers -= 1;
            account.waiting.remove(&(offer.from, offer.number, *hash));
            if let State::Asked(deadline) = offer.state {
                account.asked -= 1;
                self.deadlines.remove(&(deadline, *hash, offer.peer));
            }
        }
    }

    /// A peer is gone.
    pub(crate) fn disconnected(&mut self, peer: PeerId) {
        if self.accounts.get(&peer).is_none_or(|account| account.offers == 0) {
            self.accounts.remove(&peer);
            return;
        }
        let announced = |offers: &&Vec<Offer>| offers.iter().any(|offer| offer.peer == peer);
        let hashes: Vec<_> =
            self.wanted.iter().filter(|(_, offers)| announced(offers)).map(|(hash, _)| *hash).collect();
        for hash in hashes {
            self.failed(peer, &hash);
            if let Some(offers) = self.wanted.get_mut(&hash) {
                offers.retain(|offer| offer.peer != peer);
            }
        }
        self.accounts.remove(&peer);
    }
}

/// Chance decides among equal peers, so that being first is worth nothing.
fn priority(salt: (u64, u64), hash: &[u8; 32], peer: PeerId) -> u64 {
    let mut bytes = [0; 40];
    bytes[..32].copy_from_slice(hash);
    bytes[32..].copy_from_slice(&peer.to_le_bytes());
    siphash24::Hash::hash_to_u64_with_keys(salt.0, salt.1, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::InvKind;

    const TX: Inv = Inv { kind: InvKind::Wtx, hash: [7; 32] };
    const CHOSEN: Announcer = Announcer { preferred: true, unlimited: false, by_txid: false };
    const CALLER: Announcer = Announcer { preferred: false, unlimited: false, by_txid: false };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn requests() -> TxRequests {
        TxRequests::new(&mut Chance::new([1; 32]))
    }

    #[test]
    fn a_chosen_peer_is_asked_before_one_that_called() {
        let mut requests = requests();
        requests.announced(1, TX, CALLER, at(0));
        requests.announced(2, TX, CHOSEN, at(1));
        assert_eq!(requests.requests(1, at(1)), []);
        assert_eq!(requests.requests(2, at(1)), [TX]);
        assert_eq!(requests.requests(1, at(30)), []);
        assert_eq!(requests.accounts[&2].asked, 1);
        requests.settled(&TX.hash);
        assert_eq!(requests.requests(1, at(100)), []);
        assert_eq!(requests.accounts[&2].asked, 0);
    }

    #[test]
    fn every_other_peer_is_asked_when_one_fails_is_late_or_leaves() {
        let mut requests = requests();
        for peer in 1..=4 {
            requests.announced(peer, TX, CHOSEN, at(0));
        }
        let mut asked = Vec::new();
        for round in 0..4 {
            let now = at(round * 100);
            let late = requests.expire(now);
            let who: Vec<_> = (1..=4).filter(|peer| requests.requests(*peer, now) == [TX]).collect();
            assert_eq!(who.len(), 1, "one peer at a time in round {round}");
            match round {
                0 => requests.failed(who[0], &TX.hash),
                1 => assert_eq!(late, []),
                2 => {
                    assert_eq!(late, [(asked[1], TX)]);
                    requests.disconnected(who[0]);
                }
                _ => {}
            }
            asked.extend(who);
        }
        asked.sort_unstable();
        assert_eq!(asked, [1, 2, 3, 4]);
        requests.expire(at(1000));
        assert!(requests.wanted.is_empty() && requests.deadlines.is_empty());
    }

    #[test]
    fn one_that_has_failed_cannot_announce_the_same_again() {
        let mut requests = requests();
        requests.announced(1, TX, CHOSEN, at(0));
        requests.announced(2, TX, CALLER, at(0));
        assert_eq!(requests.requests(1, at(0)), [TX]);
        requests.failed(1, &TX.hash);
        requests.announced(1, TX, CHOSEN, at(0));
        assert_eq!(requests.requests(1, at(10)), []);
        assert_eq!(requests.candidates(&TX.hash), [2]);
        assert_eq!(requests.requests(2, at(10)), [TX]);
    }

    #[test]
    fn a_peer_cannot_announce_without_end() {
        let mut requests = requests();
        for number in 0..10_000_u32 {
            let mut hash = [0; 32];
            hash[..4].copy_from_slice(&number.to_le_bytes());
            requests.announced(1, Inv { kind: InvKind::Wtx, hash }, CHOSEN, at(0));
        }
        assert_eq!(requests.wanted.len(), MAX_ANNOUNCEMENTS);
        let list = requests.requests(1, at(0));
        assert_eq!(list.len(), MAX_ANNOUNCEMENTS);
        assert!(list.windows(2).all(|pair| pair[0].hash[..2] != pair[1].hash[..2]), "in the order of announcing");
        requests.disconnected(1);
        assert!(requests.wanted.is_empty() && requests.deadlines.is_empty() && requests.accounts.is_empty());
    }
}
