//! The vectors of every profile, and the sums that coins state about themselves.

use coin::ChainKind;

use super::*;

fn schedule(id: &str, kind: ChainKind) -> SubsidySchedule {
    let coin = coin::by_id(id).unwrap();
    SubsidySchedule::new(coin, coin.chain(kind).unwrap()).unwrap()
}

#[test]
fn vectors_of_every_coin() {
    let mut cases = 0;
    for coin in coin::all() {
        let schedule = schedule(coin.id, ChainKind::Main);
        for vector in coin.consensus.subsidy.vectors() {
            assert_eq!(schedule.at(vector.height).cast_unsigned(), vector.amount, "{} {}", coin.id, vector.height);
            cases += 1;
        }
    }
    println!("{cases} subsidy vectors");
    assert!(cases >= 66, "{cases}");
}

#[test]
fn every_chain_has_a_schedule_that_ends_or_goes_on() {
    for coin in coin::all() {
        for chain in coin.chains {
            let schedule = SubsidySchedule::new(coin, chain).unwrap();
            let max = i64::try_from(coin.consensus.max_money).unwrap();
            for height in (0..5_000_000).step_by(997).chain([u32::MAX]) {
                assert!((0..=max).contains(&schedule.at(height)), "{} {} {height}", coin.id, chain.kind);
            }
        }
    }
}

#[test]
fn halving_ends_where_the_coin_says() {
    let steps = &[coin::SubsidyStep { from: 0, amount: 1 << 40, halve: true }];
    let data = StepsSubsidy { steps, max_halvings: 3, vectors: &[] };
    let paid = [0, 29, 30].map(|height| super::steps(&data, 10, height));
    assert_eq!(paid, [1 << 40, 1 << 38, 0], "no coin's amount outlasts its last halving by itself");
}

/// The sum over all heights, interval by interval.
fn issued(id: &str, ends: &[u32]) -> i64 {
    let schedule = schedule(id, ChainKind::Main);
    let mut sum = 0;
    let mut from = 1;
    for end in ends {
        assert_eq!(schedule.at(from), schedule.at(end - 1), "{id} {from}..{end} is not one step");
        sum += schedule.at(from) * i64::from(end - from);
        from = *end;
    }
    assert_eq!(schedule.at(from), 0, "{id}");
    sum
}

#[test]
fn all_the_money_there_will_be() {
    let halvings = |interval: u32, times: u32| (1..=times).map(move |n| n * interval);
    let bitcoin: Vec<_> = halvings(210_000, 33).collect();
    assert_eq!(issued("bitcoin", &bitcoin), 2_099_999_997_690_000 - 5_000_000_000, "without the genesis block");
    let arcadia = [2, 2_100_000, 4_200_000, 6_300_000, 6_510_000, 6_720_000];
    assert_eq!(issued("arcadia", &arcadia), 98_699_960_000_630_000);
    let c1pzo: Vec<_> = halvings(100_000, 30).collect();
    assert_eq!(issued("c1pzo", &c1pzo), 199_999_998_700_000 - 1_000_000_000, "without the genesis block");
}

#[test]
fn test_chains_halve_at_their_own_pace() {
    for id in ["bitcoin", "widecoin", "syscoin", "freicoin", "c1pzo"] {
        let schedule = schedule(id, ChainKind::Regtest);
        assert_eq!(schedule.at(300), schedule.at(299) / 2, "{id}");
    }
    assert_eq!(schedule("bitcoin", ChainKind::Regtest).at(150), 2_500_000_000);
    assert_eq!(schedule("arcadia", ChainKind::Regtest).at(300), 20_000_000_000);
}
