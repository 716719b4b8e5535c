//! Tests of the address tables.

use std::net::SocketAddr;

use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_700_000_000;
const MAGIC: [u8; 4] = [0xfa, 0xbf, 0xb5, 0xda];

fn service(a: u8, b: u8, c: u8) -> Service {
    SocketAddr::from(([a, b, c, 1], 8333)).into()
}

fn heard(service: Service) -> PeerAddress {
    PeerAddress { time: 1_699_999_000, services: 1, service }
}

fn man(seed: u8) -> AddrMan {
    AddrMan::new(Chance::new([seed; 32]))
}

fn filled() -> AddrMan {
    let mut man = man(1);
    for a in 20..60 {
        for b in 0..10 {
            man.add(&[heard(service(a, b, 1))], service(a, 200, 1).addr, 0, NOW);
        }
    }
    for a in 20..40 {
        man.good(&service(a, 3, 1), NOW);
    }
    man
}

/// Each place leads to an entry that counts it, and each entry has a place.
fn check(man: &AddrMan) {
    let mut counts = HashMap::new();
    for id in man.new.iter().flatten() {
        *counts.entry(*id).or_insert(0) += 1;
    }
    for (id, entry) in &man.entries {
        assert_eq!(counts.remove(id).unwrap_or(0), entry.references);
        assert!(entry.references <= MAX_REFERENCES);
        assert!(entry.tried != (entry.references > 0));
        assert_eq!(entry.tried, man.tried[man.tried_slot(&entry.address.service)] == Some(*id));
        assert_eq!(man.ids[&entry.address.service], *id);
    }
    assert!(counts.is_empty());
    assert_eq!(man.ids.len(), man.entries.len());
    assert_eq!(man.tried.iter().flatten().count(), man.len(None, Some(true)));
}

#[test]
fn what_is_told_is_new_and_what_answers_is_tried() {
    let man = filled();
    check(&man);
    assert!(man.len(None, None) > 380 && man.len(None, Some(true)) > 15);
    assert_eq!(man.len(Some(Network::Onion), None), 0);
}

#[test]
fn addresses_that_lead_nowhere_are_not_kept() {
    let mut man = man(1);
    assert_eq!(man.add(&[heard(service(10, 0, 0)), heard(service(127, 0, 0))], service(8, 8, 8).addr, 0, NOW), 0);
    assert!(man.is_empty());
    assert_eq!(man.select(false, &[], NOW), None);
}

#[test]
fn one_source_can_reach_only_few_places() {
    let mut man = man(2);
    for a in 20..120 {
        for b in 0..200 {
            man.add(&[heard(service(a, b, 7))], service(8, 8, 8).addr, 0, NOW);
        }
    }
    check(&man);
    let buckets = man.new.chunks_exact(BUCKET_SIZE).filter(|bucket| bucket.iter().any(Option::is_some)).count();
    assert!(buckets <= 64, "{buckets}");
}

#[test]
fn selection_reaches_both_tables_and_keeps_to_the_networks() {
    let mut man = filled();
    let picks: Vec<_> = (0..60).map(|_| man.select(false, &[], NOW).unwrap().tried).collect();
    assert!(picks.contains(&true) && picks.contains(&false));
    assert!((0..20).all(|_| !man.select(true, &[], NOW).unwrap().tried));
    assert_eq!(man.select(false, &[Network::I2p], NOW), None);
}

#[test]
fn told_addresses_are_a_part_and_none_of_them_terrible() {
    let mut man = filled();
    let all = man.len(None, None);
    let told = man.get_addr(1000, 23, None, NOW);
    assert_eq!(told.len(), (all * 23).div_ceil(100));
    assert_eq!(man.get_addr(5, 100, None, NOW).len(), 5);
    assert!(man.get_addr(1000, 100, None, NOW + 40 * DAY).is_empty());
}

#[test]
fn failures_count_only_while_others_succeed() {
    let mut man = man(3);
    let it = service(20, 1, 1);
    man.add(&[heard(it)], it.addr, 0, NOW);
    for step in 0..5 {
        man.attempt(&it, true, NOW + step);
    }
    assert_eq!(man.entries().next().unwrap().attempts, 1);
}

#[test]
fn a_tried_address_is_tested_before_it_loses_its_place() {
    let mut man = man(4);
    // Addresses of one group share eight buckets, so some of them want the same place.
    let mut clash = None;
    for c in 0..=255 {
        for d in 1..=255 {
            let it: Service = SocketAddr::from(([20, 1, c, d], 8333)).into();
            man.add(&[heard(it)], service(c, d, 1).addr, 0, NOW);
            if man.ids.contains_key(&it) && !man.good(&it, NOW) {
                clash = Some(it);
                break;
            }
        }
        if clash.is_some() {
            break;
        }
    }
    let it = clash.unwrap();
    let old = man.select_collision().unwrap().address.service;
    man.resolve_collisions(NOW + 10);
    assert!(man.entries[&man.ids[&old]].tried, "it answered lately");
    let later = NOW + 5 * 3600;
    assert!(!man.good(&it, later));
    man.attempt(&old, true, later);
    man.resolve_collisions(later + 120);
    assert!(man.entries[&man.ids[&it]].tried);
    assert!(man.ids.get(&old).is_none_or(|id| !man.entries[id].tried));
    check(&man);
}

#[test]
fn the_file_brings_everything_back() {
    let man = filled();
    let bytes = man.to_file(MAGIC);
    let again = AddrMan::from_file(&bytes, MAGIC, Chance::new([9; 32]), Groups::default()).unwrap();
    check(&again);
    assert_eq!(again.to_file(MAGIC), bytes);
    assert_eq!(again.len(None, None), man.len(None, None));
}

#[test]
fn files_that_are_refused() {
    let bytes = filled().to_file(MAGIC);
    let read = |bytes: &[u8]| {
        AddrMan::from_file(bytes, MAGIC, Chance::new([9; 32]), Groups::default()).map(|_| ()).unwrap_err()
    };
    let sealed = |at: usize, value: u8| {
        let mut content = bytes[..bytes.len() - 32].to_vec();
        content[at] = value;
        content.extend(sha256d::Hash::hash(&content).to_byte_array());
        read(&content)
    };
    let mut flipped = bytes.clone();
    flipped[100] ^= 1;
    assert_eq!(read(&flipped), AddrFileError::Checksum);
    assert_eq!(sealed(0, 0), AddrFileError::Magic);
    assert_eq!(sealed(5, 31), AddrFileError::Compat(31));
    assert_eq!(sealed(5, 37), AddrFileError::Version { format: 4, lowest: 5 });
    assert!(matches!(sealed(41, 255), AddrFileError::Count { name: "nNew", .. }));
    assert_eq!(read(&[]), AddrFileError::EndOfFile);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_tables_stay_consistent(steps in proptest::collection::vec((0..4_u8, 20..26_u8, 0..4_u8, 0..100_000_i64), 0..300)) {
        let mut man = man(5);
        let mut now = NOW;
        for (kind, a, b, pause) in steps {
            let it = service(a, b, 1);
            now += pause;
            match kind {
                0 | 1 => {
                    let time = u32::try_from(now).unwrap();
                    man.add(&[PeerAddress { time, ..heard(it) }], service(b.wrapping_add(30), kind, 1).addr, 0, now);
                }
                2 => { man.good(&it, now); }
                _ => {
                    man.attempt(&it, true, now);
                    man.resolve_collisions(now);
                }
            }
        }
        check(&man);
    }

    #[test]
    fn hostile_files_do_no_harm(at: prop::sample::Index, value: u8, cut: prop::sample::Index) {
        let mut content = filled().to_file(MAGIC);
        content.truncate(content.len() - 32);
        let at = at.index(content.len());
        content[at] = value;
        content.truncate(content.len() - cut.index(content.len()) / 4);
        content.extend(sha256d::Hash::hash(&content).to_byte_array());
        if let Ok(man) = AddrMan::from_file(&content, MAGIC, Chance::new([9; 32]), Groups::default()) {
            check(&man);
        }
    }
}

#[test]
fn buckets_of_another_map_are_chosen_anew() {
    let constant = Groups::by_map(std::sync::Arc::new(crate::AsMap::new(vec![0, 0, 0]).unwrap()));
    let mut man = man(1);
    for last in 1..=20 {
        let service = SocketAddr::from(([250, last, 1, 1], 8333)).into();
        man.add(
            &[PeerAddress { time: 1_000_000, services: 1, service }],
            NetAddr::ip([251, last, 1, 1].into()),
            0,
            1_000_000,
        );
    }
    assert_eq!(man.fault(), None);
    let buckets =
        |man: &AddrMan| man.table(false).map(|(bucket, ..)| bucket).collect::<std::collections::BTreeSet<_>>();
    assert!(buckets(&man).len() > 10);
    let mapped = AddrMan::from_file(&man.to_file(MAGIC), MAGIC, Chance::new([9; 32]), constant.clone()).unwrap();
    // All of them are told by one system now, and are of one.
    assert_eq!((mapped.fault(), buckets(&mapped).len()), (None, 1));
    let again = AddrMan::from_file(&mapped.to_file(MAGIC), MAGIC, Chance::new([9; 32]), constant).unwrap();
    assert_eq!(again.to_file(MAGIC), mapped.to_file(MAGIC));
}
