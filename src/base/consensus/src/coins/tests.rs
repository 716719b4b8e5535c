//! Which chains run, and that the others say why they do not.

use coin::ChainKind;

use super::*;
use crate::testing::{params, rules};
use crate::{Buried, U256};

#[test]
fn a_chain_runs_or_says_what_is_missing() {
    for coin in coin::all() {
        for chain in coin.chains {
            let result = rules_for(ChainParams::new(coin, chain));
            match coin.id {
                // The sources of these two leave heights of their signets undefined.
                "freicoin" if chain.kind == ChainKind::Signet => {
                    let text = result.expect_err("heights are not defined").to_string();
                    assert!(text.starts_with("freicoin signet cannot be validated: "), "{text}");
                    assert!(text.contains("which its own source leaves out"), "{text}");
                }
                "syscoin" if chain.kind == ChainKind::Signet => {
                    let text = result.expect_err("its heights are not defined").to_string();
                    assert!(text.contains("which its source leaves undefined"), "{text}");
                }
                _ => assert_eq!(result.expect("these are").params().coin().id, coin.id),
            }
        }
    }
}

#[test]
fn a_profile_with_a_tail_is_never_plain() {
    assert_eq!(not_plain(&params("bitcoin", ChainKind::Main)), [""; 0]);
    let tails = ["headers with a tail", "transactions with a tail", "another retarget", "another subsidy"];
    assert_eq!(not_plain(&params("freicoin", ChainKind::Main)), tails);
    assert_eq!(not_plain(&params("syscoin", ChainKind::Main)), tails);
}

#[test]
fn the_numbers_of_each_coin() {
    // id, retarget interval, interval of test chains' BIP9 windows, maturity, weight, max money
    let table = [
        ("bitcoin", 2016, 100, 4_000_000, 2_100_000_000_000_000),
        ("arcadia", 60, 30, 4_000_000, 210_000_000_000_000_000),
        ("widecoin", 120, 50, 32_000_000, 3_500_000_000_000_000),
        ("c1pzo", 4032, 50, 4_000_000, 2_000_000_000_000_000),
    ];
    for (id, interval, maturity, weight, max_money) in table {
        let rules = rules(id, ChainKind::Main);
        let params = rules.params();
        assert_eq!(params.pow().interval.get(), interval, "{id}");
        assert_eq!((params.max_block_weight(), params.max_money()), (weight, max_money), "{id}");
        assert_eq!(rules.coinbase_maturity(1), maturity, "{id}");
        assert_eq!(rules.enforces_checkpoints(), id != "c1pzo");
        // A retarget of the easiest target must not overflow, or it would wrap.
        let longest = u64::from(params.pow().timespan) * 4;
        assert!(params.pow().limit <= U256::MAX.div_rem(longest.into()).unwrap().0, "{id}");
    }
    let arcadia = params("arcadia", ChainKind::Main);
    assert!(Buried::ALL.iter().all(|deployment| arcadia.is_active(*deployment, 0)));
    let widecoin = params("widecoin", ChainKind::Main);
    assert!(!widecoin.is_active(Buried::Cltv, 9999) && widecoin.is_active(Buried::Cltv, 10_000));
    assert_eq!(widecoin.checkpoints().count(), 4);
}

#[test]
fn another_signet_starts_from_nothing() {
    let bitcoin = params("bitcoin", ChainKind::Signet);
    assert!(bitcoin.assume_valid().is_some() && bitcoin.minimum_chain_work() > U256::ZERO);
    let custom = bitcoin.with_signet_challenge(vec![0x51]);
    assert_eq!((custom.assume_valid(), custom.minimum_chain_work()), (None, U256::ZERO));
    assert_eq!(custom.signet_challenge(), Some(&[0x51][..]));
    // The public signet is no exception: its magic is made of its challenge as well.
    let public = params("bitcoin", ChainKind::Signet);
    assert_eq!(public.magic(), [0x0a, 0x03, 0xcf, 0x40]);
    assert_eq!(crate::signet::magic(public.signet_challenge().unwrap()), public.magic());
    assert_ne!(custom.magic(), public.magic());
    let work = U256::from(7u64);
    let changed =
        custom.with_minimum_chain_work(work).with_assume_valid(Some(params("bitcoin", ChainKind::Main).genesis_hash()));
    assert!(changed.minimum_chain_work() == work && changed.assume_valid().is_some());
    assert!(changed.is_test_chain());
}
