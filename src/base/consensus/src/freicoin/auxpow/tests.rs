//! Proofs that the reference made, a proof of our own with every bit flipped, and what headers and bodies must say.

use std::sync::Arc;

use coin::ChainKind;
use primitives::{Codec, Reader, WitnessMode};

use super::*;
use crate::freicoin::tests::{Coins, make};
use crate::testing::{branch, params};
use crate::view::{HeaderVec, HeaderView};
use crate::{BlockChecks, BlockReason, HeaderContext, HeaderReason, Rules, Scope};

/// Proofs, both of their hashes, and the verdict.
const PROOFS: &str = include_str!("proofs.txt");
const CONTEXT: HeaderContext = HeaderContext { now: 4_000_000_000, checkpoint: None };

/// Regtest, with merged mining from the first block on, and no last transactions.
fn merged() -> Arc<dyn Rules> {
    ruled(&["auxpow:-1:9223372036854775807", "finaltx:-2:0"])
}

fn ruled(changes: &[&str]) -> Arc<dyn Rules> {
    let start = params("freicoin", ChainKind::Regtest);
    let change = |params: crate::ChainParams, text: &&str| params.with_signal(&text.parse().unwrap()).unwrap();
    crate::rules_for(changes.iter().fold(start, change)).unwrap()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn codec() -> Codec {
    Codec::for_coin(coin::by_id("freicoin").unwrap())
}

/// A block with all of its work, on a branch.
fn solved(rules: &dyn Rules, chain: &HeaderVec) -> Block {
    solved_with(rules, chain, |_| ())
}

/// The same with another parent.
fn solved_with(rules: &dyn Rules, chain: &HeaderVec, change: impl Fn(&mut FreicoinAuxPow)) -> Block {
    let mut block = make(rules, chain, &Coins::default(), Vec::new(), 0);
    let mut proof = of(&block.header).unwrap().clone();
    change(&mut proof);
    block.header = Header::with_aux(*block.header.raw(), Some(Arc::new(AuxPow::Freicoin(Box::new(proof)))));
    assert!(rules.solve_proof(&mut block, &mut 1000));
    reworked(rules, block)
}

/// A parent as there are some: a secret, other chains' commitments, six transactions of which the last is long.
fn of_a_pool(proof: &mut FreicoinAuxPow) {
    (proof.secret_lo, proof.secret_hi) = (0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210);
    proof.commit_branch = vec![(3, [5; 32]), (17, [6; 32])];
    (proof.midstate_hash, proof.midstate_buffer, proof.midstate_length) = ([7; 32], vec![8; 36], 100);
    (proof.aux_branch, proof.aux_num_txns) = (vec![[9; 32], [10; 32]], 6);
    proof.aux_lock_time = 800_000;
}

fn push(rules: &dyn Rules, chain: &mut HeaderVec, header: &Header) {
    chain.push(header.hash(), header.version(), header.time(), header.bits());
    chain.set_merged(rules.merged_facts(header));
}

#[test]
fn the_references_proofs() {
    let key = &params("freicoin", ChainKind::Main).chain().freicoin().unwrap().aux_pow_path;
    let mut verdicts = [0, 0];
    for line in PROOFS.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split(' ').collect();
        let [header, first, second, good] = fields[..] else { panic!("{line}") };
        let bytes = unhex(header);
        let header = codec().decode_header(&bytes).unwrap();
        let mut again = Vec::new();
        header.encode(&mut again, WitnessMode::Include);
        assert_eq!(again, bytes);
        let found = stages(&header, of(&header).unwrap(), key);
        let found = found.unwrap();
        assert_eq!((found.first.to_vec(), found.second.to_vec()), (unhex(first), unhex(second)), "{line}");
        let verdict = check(&header, key);
        assert_eq!(verdict.is_ok(), good == "1", "{verdict:?} {line}");
        verdicts[usize::from(verdict.is_ok())] += 1;
    }
    assert!(verdicts.iter().all(|count| *count >= 6), "{verdicts:?}");
}

#[test]
fn the_way_along_the_right_edge() {
    for count in 1u32..70 {
        let leaves: Vec<[u8; 32]> = (0..count).map(|n| [u8::try_from(n).unwrap() + 1; 32]).collect();
        let place = usize::try_from(count - 1).unwrap();
        let mut at = leaves[place];
        // What equals the way itself is left out.
        let mut short = Vec::new();
        for (level, beside) in merkle::branch(leaves.clone(), place).into_iter().enumerate() {
            if beside != at {
                short.push(beside);
            }
            at = if place >> level & 1 == 1 { merkle::pair(&beside, &at) } else { merkle::pair(&at, &beside) };
        }
        let mut proof = own(&Header::new(crate::testing::next_header(&branch(&*merged(), 0))), facts_of(1, 2));
        (proof.aux_branch, proof.aux_num_txns) = (short, count);
        assert_eq!(parent_root(leaves[place], &proof), merkle::root(leaves.clone()).hash, "{count}");
        proof.aux_branch.push([0; 32]);
        assert_ne!(parent_root(leaves[place], &proof), merkle::root(leaves).hash, "{count}");
    }
}

fn facts_of(bits: u32, filtered_time: i64) -> MergedFacts {
    MergedFacts { bits, filtered_time }
}

#[test]
fn the_filters_state_fits_in_time_and_nonce() {
    let header = Header::new(crate::testing::next_header(&branch(&*merged(), 0)));
    for time in [0, 1, -1, 900 << 32, -(1 << 55), (1 << 55) - 1, -123_456_789_012] {
        let mut proof = own(&header, facts_of(7, time));
        assert_eq!((facts(&proof), proof.commit_nonce & BIAS), (facts_of(7, time), 0));
        proof.commit_nonce |= 0xc8;
        assert_eq!(facts(&proof), facts_of(7, time), "the bias is no part of it");
    }
}

#[test]
fn a_chain_of_merged_blocks() {
    let rules = merged();
    let mut chain = branch(&*rules, 0);
    let mut works = Vec::new();
    for _ in 0..5 {
        let block = solved(&*rules, &chain);
        assert_eq!(rules.check_block(&block, Scope::FULL, &mut BlockChecks::default()), Ok(()));
        assert_eq!(rules.check_header_context(&block.header, &chain, CONTEXT), Ok(()));
        assert_eq!(rules.check_block_context(&block, Some(&chain), &mut BlockChecks::default()), Ok(()));
        let facts = rules.merged_facts(&block.header).unwrap();
        works.push(rules.header_work(&block.header));
        assert_eq!(facts.bits, 0x2100_ffff, "half of the work of the header, and it stays so");
        push(&*rules, &mut chain, &block.header);
    }
    // Two for the header and one for the proof.
    assert!(works.iter().all(|work| *work == U256::from(3u64)), "{works:?}");
    // Without a proof, and with one too early.
    let bare = Header::new(*solved(&*rules, &chain).header.raw());
    let missing = rules.check_header_context(&bare, &chain, CONTEXT).unwrap_err();
    assert_eq!(missing.full(), "native-mined-post, rejected non-merge-mined block after activation");
    let early = ruled(&[]);
    let block = solved(&*rules, &chain);
    let reason = early.check_header_context(&block.header, &chain, CONTEXT).unwrap_err();
    assert_eq!(reason.full(), "merge-mined-pre, rejected merge-mined block before activation");
}

#[test]
fn every_bit_of_a_proof_counts() {
    let rules = merged();
    let mut chain = branch(&*rules, 0);
    for _ in 0..3 {
        let block = solved(&*rules, &chain);
        push(&*rules, &mut chain, &block.header);
    }
    let good = solved_with(&*rules, &chain, of_a_pool);
    let mut bytes = Vec::new();
    good.header.encode(&mut bytes, WitnessMode::Include);
    let (mut reasons, mut unreadable) = (std::collections::BTreeMap::new(), 0);
    // Behind the 80 bytes of the header, of which the nonce and the bits of the version may be anything with enough work.
    for bit in 80 * 8..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        match codec().read_header(&mut Reader::new(&bytes)) {
            Ok(header) => {
                let block = Block { header, ..good.clone() };
                assert_eq!(block.hash(), good.hash());
                let alone = rules.check_block(&block, Scope::FULL, &mut BlockChecks::default());
                // Without the flag there is no proof, which only the place in the chain forbids.
                let placed = || rules.check_header_context(&block.header, &chain, CONTEXT).map_err(BlockReason::from);
                let reason = alone.and_then(|()| placed()).unwrap_err();
                *reasons.entry(reason.full()).or_insert(0) += 1;
            }
            Err(_) => unreadable += 1,
        }
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    let total: usize = reasons.values().sum();
    assert_eq!(total + unreadable, (bytes.len() - 80) * 8);
    assert!(total > unreadable, "{reasons:?} {unreadable}");
    let seen: Vec<&str> = reasons.keys().map(|reason| reason.split(',').next().unwrap()).collect();
    for reason in ["bad-auxpow-commit", "native-mined-post", "auxpow-midstate-length"] {
        assert!(seen.contains(&reason), "{seen:?}");
    }
}

/// Where the branch is too short for a place, the reference takes it for one to the first place. So the count of a lone
/// transaction, which has no branch, is not looked at: that is all the freedom that a proof leaves.
#[test]
fn the_count_of_a_lone_transaction_is_free() {
    let rules = merged();
    let chain = branch(&*rules, 0);
    let good = solved(&*rules, &chain);
    for count in [1, 2, 3, 1000] {
        let mut proof = of(&good.header).unwrap().clone();
        proof.aux_num_txns = count;
        let header = Header::with_aux(*good.header.raw(), Some(Arc::new(AuxPow::Freicoin(Box::new(proof)))));
        let block = Block { header, ..good.clone() };
        assert_eq!(rules.check_block(&block, Scope::FULL, &mut BlockChecks::default()), Ok(()), "{count}");
    }
}

/// Damage to a proof, and why it is refused.
type Case<'a> = (&'a dyn Fn(&mut FreicoinAuxPow), MergedReason);

#[test]
fn each_rule_has_its_reason() {
    let rules = merged();
    let mut chain = branch(&*rules, 0);
    for _ in 0..3 {
        let block = solved(&*rules, &chain);
        push(&*rules, &mut chain, &block.header);
    }
    let good = solved(&*rules, &chain);
    let with = |change: &dyn Fn(&mut FreicoinAuxPow)| {
        let mut proof = of(&good.header).unwrap().clone();
        change(&mut proof);
        Header::with_aux(*good.header.raw(), Some(Arc::new(AuxPow::Freicoin(Box::new(proof)))))
    };
    let alone = |change: &dyn Fn(&mut FreicoinAuxPow)| rules.check_header(&with(change)).unwrap_err();
    let cases: [Case<'_>; 8] = [
        (&|proof| proof.midstate_buffer = vec![0; 64], MergedReason::MidstateBuffer),
        (&|proof| proof.midstate_buffer = vec![0; 63], MergedReason::MidstateLength),
        (&|proof| proof.aux_branch = vec![[0; 32]; 26], MergedReason::ParentBranch),
        (&|proof| proof.commit_branch = vec![(0, [0; 32]); 33], MergedReason::MapBranch),
        (&|proof| proof.commit_branch = vec![(255, [0; 32])], MergedReason::MapBits),
        (&|proof| proof.commit_bits = 0x2080_ffff, MergedReason::Target),
        (&|proof| proof.commit_nonce |= 0xff, MergedReason::Bias),
        (&|proof| proof.commit_bits = 0x0300_0001, MergedReason::FirstStage),
    ];
    for (change, reason) in cases {
        assert_eq!(alone(change), HeaderReason::Merged(reason));
    }
    // A bias that the target has room for, and a hash that has not that many zeros.
    assert_eq!(
        alone(&|proof| (proof.commit_bits, proof.commit_nonce) = (0x0400_ffff, proof.commit_nonce | 0xe8)),
        HeaderReason::Merged(MergedReason::SecondStage)
    );
    let placed = |change: &dyn Fn(&mut FreicoinAuxPow)| {
        rules.check_header_context(&with(change), &chain, CONTEXT).map_err(|reason| reason.full())
    };
    assert_eq!(placed(&|_| ()), Ok(()));
    assert_eq!(
        placed(&|proof| proof.commit_bits = 0x207f_ffff).unwrap_err(),
        "bad-aux-diffbits, incorrect auxiliary proof of work target"
    );
    assert_eq!(
        placed(&|proof| proof.commit_time ^= 1).unwrap_err(),
        "bad-aux-filter-time, incorrect filtered time commitment"
    );
    // The body: what the coinbase ends with, and the transactions that were committed to.
    let mut other = good.clone();
    let mut inner = other.txs[0].inner().clone();
    inner.output[0].value = bitcoin::Amount::from_sat(1);
    other.txs[0] = Arc::new(Tx::new(inner, other.txs[0].lock_height()));
    other = reworked(&*rules, other);
    let reason = rules.check_block(&other, Scope::FULL, &mut BlockChecks::default()).unwrap_err();
    assert_eq!((reason.to_string().as_str(), reason), ("bad-commit-txnmrklroot", BlockReason::MergedMerkleRoot));
    let mut other = good.clone();
    let mut inner = other.txs[0].inner().clone();
    inner.input[0].script_sig.push_slice([7; 3]);
    other.txs[0] = Arc::new(Tx::new(inner, other.txs[0].lock_height()));
    other = reworked(&*rules, other);
    let reason = rules.check_block(&other, Scope::FULL, &mut BlockChecks::default()).unwrap_err();
    assert_eq!((reason.to_string().as_str(), reason), ("bad-auxpow-commit", BlockReason::MergedCommitment));
    // A body whose proof leads nowhere says nothing about the header.
    let lost = Block { header: with(&|proof| proof.midstate_buffer = vec![0; 64]), ..good.clone() };
    let scope = Scope { pow: false, merkle_root: true };
    let reason = rules.check_block(&lost, scope, &mut BlockChecks::default()).unwrap_err();
    assert_eq!((reason.to_string().as_str(), reason.result()), ("bad-auxpow-mutated", crate::BlockResult::Mutated));
    assert!(crate::is_mutated(&*rules, &lost, true, &mut BlockChecks::default()));
}

/// The block with its own work done again, and not that of its proof.
fn reworked(rules: &dyn Rules, mut block: Block) -> Block {
    let aux = block.header.aux().cloned();
    let mut raw = bitcoin::block::Header { merkle_root: block.merkle_root().0, ..*block.header.raw() };
    while !rules.is_proven(&Header::new(raw)) {
        raw.nonce += 1;
    }
    block.header = Header::with_aux(raw, aux);
    block
}

#[test]
fn too_few_tries_solve_nothing() {
    let rules = merged();
    let chain = branch(&*rules, 0);
    let mut block = make(&*rules, &chain, &Coins::default(), Vec::new(), 0);
    let mut proof = of(&block.header).unwrap().clone();
    proof.commit_bits = 0x0300_0001;
    block.header = Header::with_aux(*block.header.raw(), Some(Arc::new(AuxPow::Freicoin(Box::new(proof)))));
    let mut tries = 20;
    assert!(!rules.solve_proof(&mut block, &mut tries));
    assert_eq!((tries, chain.merged(0)), (0, None));
}

#[test]
fn the_headers_own_work_is_replaced_in_time() {
    let rules = crate::testing::rules("freicoin", ChainKind::Main);
    let header = |time| Header::new(crate::testing::raw_header(BlockHash::all_zeros(), time, 0x1d00_ffff));
    let start = 1_729_062_000 - 3 * 60 * 60;
    assert_eq!(rules.check_header(&header(start)), Err(HeaderReason::HighHash));
    assert_eq!(rules.check_header(&header(start + 1)), Ok(()));
}
