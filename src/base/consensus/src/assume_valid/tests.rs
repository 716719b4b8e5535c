//! Each reason to run scripts, in the order in which they are looked for.

use bitcoin::hashes::Hash;
use coin::ChainKind;

use super::*;
use crate::pow::claimed_work;
use crate::testing::{branch, params, regtest};
use crate::view::{Below, HeaderVec};

fn work_at(chain: &HeaderVec, height: u32) -> U256 {
    claimed_work((0..=height).map(|height| chain.at(height).unwrap().bits))
}

#[test]
fn each_reason() {
    // Three thousand blocks of ten minutes are three weeks.
    let best = branch(&*regtest(), 3000);
    let assumed = Below::new(&best, 2500);
    let hash_at = |height| best.at(height).unwrap().hash;
    let params = params("bitcoin", ChainKind::Regtest);
    let assuming = params.clone().with_assume_valid(Some(hash_at(2500)));
    let of = |height| AssumeValid {
        height,
        hash: hash_at(height),
        work: work_at(&best, height),
        assumed: Some(&assumed),
        best: &best,
        best_work: work_at(&best, 3000),
    };
    assert_eq!(of(100).why_verify(&params), Some(WhyVerify::Always));
    assert_eq!(of(100).why_verify(&assuming), None);
    assert_eq!(AssumeValid { assumed: None, ..of(100) }.why_verify(&assuming), Some(WhyVerify::NotInHeaders));
    assert_eq!(of(2501).why_verify(&assuming), Some(WhyVerify::AboveAssumed));
    let stray = AssumeValid { hash: BlockHash::all_zeros(), ..of(100) };
    assert_eq!(stray.why_verify(&assuming), Some(WhyVerify::NotInAssumedChain));
    let low = assuming.clone().with_minimum_chain_work(work_at(&best, 3000).wrapping_add(U256::ONE));
    assert_eq!(of(100).why_verify(&low), Some(WhyVerify::LowWork));
    assert_eq!(of(3000 - 2017).why_verify(&assuming), None);
    assert_eq!(of(3000 - 2016).why_verify(&assuming), Some(WhyVerify::TooRecent));

    let mut other = best.clone();
    other.rewind(50);
    for _ in 0..3000 {
        other.push(BlockHash::all_zeros(), 4, 1_400_000_000, 0x207f_ffff);
    }
    let forked = AssumeValid { best: &other, ..of(100) };
    assert_eq!(forked.why_verify(&assuming), Some(WhyVerify::NotInBestChain));
}

#[test]
fn texts_are_those_of_the_log() {
    assert_eq!(WhyVerify::Always.to_string(), "assumevalid=0 (always verify)");
    assert_eq!(WhyVerify::TooRecent.to_string(), "block too recent relative to best header");
}
