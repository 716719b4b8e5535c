//! Which caller has to go when all places are taken.
//!
//! Callers are protected by things that are hard to fake: a network group that the attacker cannot choose, a short way to
//! us, new transactions and blocks, a long time. Of those that are left, the youngest one of the most crowded group goes.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::PeerId;
use crate::netaddr::Network;

/// What is known of a caller that may have to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its number.
    pub id: PeerId,
    /// When it called.
    pub connected: Duration,
    /// Its shortest ping.
    pub min_ping: Option<Duration>,
    /// When it last sent a new block.
    pub last_block: Option<Duration>,
    /// When it last sent a new transaction.
    pub last_tx: Option<Duration>,
    /// Whether it offers what we want of a peer.
    pub useful: bool,
    /// Whether it wants transactions.
    pub relays_txs: bool,
    /// Whether it has loaded a bloom filter.
    pub has_bloom: bool,
    /// Its network group, salted so that nobody can choose one.
    pub group: u64,
    /// Whether it goes before others, as its address has misbehaved.
    pub prefer: bool,
    /// Whether it is on this machine.
    pub is_local: bool,
    /// The network that it came through.
    pub network: Network,
    /// Whether the user wants it to stay.
    pub noban: bool,
}

/// Spares the last `count` in the order of `key`, as far as they are of that kind.
fn spare<K: Ord>(
    list: &mut Vec<Candidate>,
    count: usize,
    key: impl Fn(&Candidate) -> K,
    kind: impl Fn(&Candidate) -> bool,
) {
    list.sort_by_key(key);
    let from = list.len().saturating_sub(count);
    let last = list.split_off(from);
    list.extend(last.into_iter().filter(|candidate| !kind(candidate)));
}

/// Spares half of the callers, those that have been here longest; up to half of these places are kept for networks in
/// which connections are slow, so that they are not all lost.
fn spare_half(list: &mut Vec<Candidate>) {
    let total = list.len() / 2;
    let most = total / 2;
    let rare: [fn(&Candidate) -> bool; 4] = [
        |it| it.network == Network::Cjdns,
        |it| it.network == Network::I2p,
        |it| it.is_local,
        |it| it.network == Network::Onion,
    ];
    let mut kinds: Vec<_> = rare.iter().map(|kind| (list.iter().filter(|it| kind(it)).count(), kind)).collect();
    kinds.sort_by_key(|(count, _)| *count);
    let mut spared = 0;
    while spared < most {
        let present = kinds.iter().filter(|(count, _)| *count > 0).count();
        let Some(each) = (most - spared).checked_div(present) else { break };
        let before = spared;
        for (count, kind) in kinds.iter_mut().filter(|(count, _)| *count > 0) {
            let len = list.len();
            spare(list, each.max(1), |it| (kind(it), Reverse(it.connected)), |it| kind(it));
            let gone = len - list.len();
            spared += gone;
            *count -= gone;
            if spared >= most {
                break;
            }
        }
        if spared == before {
            break;
        }
    }
    spare(list, total - spared, |it| Reverse(it.connected), |_| true);
}

/// The caller that has to go, or none if all are protected. All candidates have called us.
pub fn choose(mut list: Vec<Candidate>) -> Option<PeerId> {
    let all = |_: &Candidate| true;
    list.retain(|candidate| !candidate.noban);
    spare(&mut list, 4, |it| it.group, all);
    spare(&mut list, 8, |it| Reverse(it.min_ping.unwrap_or(Duration::MAX)), all);
    spare(&mut list, 4, |it| (it.last_tx, it.relays_txs, !it.has_bloom, Reverse(it.connected)), all);
    let for_blocks = |it: &Candidate| (!it.relays_txs, it.last_block, it.useful, Reverse(it.connected));
    spare(&mut list, 8, for_blocks, |it| !it.relays_txs && it.useful);
    spare(&mut list, 4, |it| (it.last_block, it.useful, Reverse(it.connected)), all);
    spare_half(&mut list);
    if list.iter().any(|candidate| candidate.prefer) {
        list.retain(|candidate| candidate.prefer);
    }
    let mut groups: BTreeMap<u64, Vec<&Candidate>> = BTreeMap::new();
    for candidate in &list {
        groups.entry(candidate.group).or_default().push(candidate);
    }
    // Of the largest groups the one with the youngest member, and of that group this member.
    let youngest = |group: &[&Candidate]| group.iter().map(|it| (it.connected, it.id)).max();
    groups
        .values()
        .max_by_key(|group| (group.len(), youngest(group)))
        .and_then(|group| youngest(group))
        .map(|(_, id)| id)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidate(id: PeerId) -> Candidate {
        Candidate {
            id,
            connected: Duration::from_secs(id),
            min_ping: None,
            last_block: None,
            last_tx: None,
            useful: true,
            relays_txs: true,
            has_bloom: false,
            group: id,
            prefer: false,
            is_local: false,
            network: Network::Ipv4,
            noban: false,
        }
    }

    fn many(count: u64, change: impl Fn(&mut Candidate)) -> Vec<Candidate> {
        (0..count)
            .map(|id| {
                let mut it = candidate(id);
                change(&mut it);
                it
            })
            .collect()
    }

    /// Whether any of the first `protected` peers goes, whatever the order in which they are given.
    fn spared(protected: u64, list: &[Candidate]) -> bool {
        let mut chance = crate::Chance::new([9; 32]);
        (0..20).all(|_| {
            let mut list = list.to_vec();
            chance.shuffle(&mut list);
            choose(list).is_none_or(|id| id >= protected)
        })
    }

    #[test]
    fn few_peers_are_all_protected() {
        assert_eq!(choose(vec![]), None);
        assert_eq!(choose(many(20, |_| {})), None);
        assert_eq!(choose(many(100, |it| it.noban = true)), None);
        assert!(choose(many(30, |_| {})).is_some());
    }

    #[test]
    fn what_is_hard_to_fake_protects() {
        let late = |id: u64| Duration::from_secs(1_000_000 + id);
        let young = |it: &mut Candidate| it.connected = late(1000 - it.id);
        assert!(spared(
            8,
            &many(100, |it| {
                young(it);
                it.min_ping = Some(Duration::from_millis(it.id));
            })
        ));
        assert!(spared(
            4,
            &many(100, |it| {
                young(it);
                it.last_tx = Some(late(1000 - it.id));
            })
        ));
        assert!(spared(
            4,
            &many(100, |it| {
                young(it);
                it.last_block = Some(late(1000 - it.id));
            })
        ));
        assert!(spared(
            8,
            &many(100, |it| {
                young(it);
                it.relays_txs = it.id >= 8;
                it.last_block = (it.id < 8).then_some(late(1));
            })
        ));
        assert!(spared(
            4,
            &many(100, |it| {
                young(it);
                it.group = 1000 - it.id;
            })
        ));
    }

    #[test]
    fn a_quarter_of_the_rest_is_kept_for_slow_networks() {
        let list = many(80, |it| {
            it.connected = Duration::from_secs(10_000 - it.id);
            it.network = if it.id < 4 { Network::Onion } else { Network::Ipv4 };
            it.min_ping = Some(Duration::from_secs(100 - it.id));
        });
        assert!(spared(4, &list));
    }

    #[test]
    fn the_youngest_of_the_largest_group_goes() {
        let list = many(100, |it| it.group = if it.id >= 60 { 7 } else { it.id });
        assert_eq!(choose(list.clone()), Some(99));
        let shunned: Vec<_> = list.into_iter().map(|it| Candidate { prefer: it.id == 85, ..it }).collect();
        assert_eq!(choose(shunned), Some(85));
    }

    proptest! {
        #[test]
        fn the_choice_is_one_of_the_candidates(
            numbers in proptest::collection::vec(any::<(u8, u8, u8, bool, bool, bool)>(), 0..120),
        ) {
            let list: Vec<_> = (0..).zip(numbers).map(|(id, (connected, group, block, relays, local, noban))| Candidate {
                connected: Duration::from_secs(connected.into()),
                group: u64::from(group % 8),
                last_block: (block > 100).then(|| Duration::from_secs(block.into())),
                relays_txs: relays,
                is_local: local,
                noban,
                ..candidate(id)
            }).collect();
            if let Some(id) = choose(list.clone()) {
                prop_assert!(list.iter().any(|it| it.id == id && !it.noban));
            } else {
                prop_assert!(list.iter().filter(|it| !it.noban).count() <= 28);
            }
        }
    }
}
