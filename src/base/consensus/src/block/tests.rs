//! Every rule of a header and of a block broken once; the malleations that must not blame the header.

use bitcoin::block::Version;
use bitcoin::{OutPoint, ScriptBuf, Witness};
use coin::ChainKind;
use proptest::prelude::*;

use super::*;
use crate::reason::{BlockReason, BlockResult, HeaderReason, TxReason};
use crate::testing::*;
use crate::view::{HeaderVec, HeaderView};
use crate::{ActivationOverride, Rules, rules_for};

fn late() -> HeaderContext {
    HeaderContext { now: 4_000_000_000, checkpoint: None }
}

#[test]
fn each_rule_of_a_header() {
    let rules = regtest();
    let chain = branch(&*rules, 20);
    let good = next_header(&chain);
    let check = |change: fn(&mut bitcoin::block::Header), context| {
        let mut raw = good;
        change(&mut raw);
        rules.check_header_context(&header(raw), &chain, context)
    };
    assert_eq!(check(|_| {}, late()), Ok(()));
    assert_eq!(
        check(|raw| raw.bits = bitcoin::CompactTarget::from_consensus(0x207f_fffe), late()),
        Err(HeaderReason::BadDiffBits)
    );
    // The median of the last eleven is five blocks back.
    assert_eq!(check(|raw| raw.time -= 6 * 600, late()), Err(HeaderReason::TimeTooOld));
    assert_eq!(check(|raw| raw.time -= 6 * 600 - 1, late()), Ok(()));
    let now = |seconds: i64| HeaderContext { now: i64::from(good.time) + seconds, checkpoint: None };
    assert_eq!(check(|_| {}, now(-7200)), Ok(()));
    assert_eq!(check(|_| {}, now(-7201)), Err(HeaderReason::TimeTooNew));
    assert_eq!(check(|raw| raw.version = Version::from_consensus(3), late()), Err(HeaderReason::BadVersion(3)));
    assert_eq!(check(|raw| raw.version = Version::from_consensus(-1), late()), Err(HeaderReason::BadVersion(-1)));
    assert_eq!(check(|raw| raw.version = Version::from_consensus(4), late()), Ok(()));
    let passed = |height| HeaderContext { checkpoint: Some(height), ..late() };
    assert_eq!(check(|_| {}, passed(21)), Ok(()));
    assert_eq!(check(|_| {}, passed(22)), Err(HeaderReason::ForkBeforeCheckpoint));
}

#[test]
fn versions_rise_with_the_rules() {
    let activations = ["bip34@10", "dersig@20", "cltv@30"];
    let params = activations.iter().fold(params("bitcoin", ChainKind::Regtest), |params, text| {
        params.with_activation(text.parse::<ActivationOverride>().unwrap())
    });
    let rules = rules_for(params).unwrap();
    for (height, least) in [(9, 1), (10, 2), (19, 2), (20, 3), (29, 3), (30, 4)] {
        let chain = branch(&*rules, height - 1);
        let check = |version| {
            let raw = bitcoin::block::Header { version: Version::from_consensus(version), ..next_header(&chain) };
            rules.check_header_context(&header(raw), &chain, late())
        };
        assert_eq!(check(least), Ok(()), "{height}");
        if least > 1 {
            assert_eq!(check(least - 1), Err(HeaderReason::BadVersion(least - 1)), "{height}");
        }
    }
}

#[test]
fn bip94_guards_the_start_of_a_period() {
    let plain = regtest();
    let guarded = rules_for(params("bitcoin", ChainKind::Regtest).with_bip94()).unwrap();
    let chain = branch(&*plain, 143);
    let check = |rules: &dyn Rules, early: u32, chain: &HeaderVec| {
        let tip = chain.at(chain.height()).unwrap();
        let raw = bitcoin::block::Header { time: tip.time - early, ..next_header(chain) };
        rules.check_header_context(&header(raw), chain, late())
    };
    assert_eq!(check(&*guarded, 600, &chain), Ok(()));
    assert_eq!(check(&*guarded, 601, &chain), Err(HeaderReason::Timewarp));
    assert_eq!(check(&*plain, 601, &chain), Ok(()));
    let chain = branch(&*plain, 142);
    assert_eq!(check(&*guarded, 601, &chain), Ok(()));
}

#[test]
fn c1pzo_regtest_needs_real_work_unless_it_is_late() {
    let rules = rules("c1pzo", ChainKind::Regtest);
    let chain = branch(&*rules, 0);
    let required = |gap: u32| {
        let time = chain.at(0).unwrap().time + gap;
        rules.next_work_required(&chain, &header(bitcoin::block::Header { time, ..next_header(&chain) }))
    };
    assert_eq!((required(1200), required(1201)), (0x1d00_ffff, 0x207f_ffff));
}

/// A block on a regtest branch with a coinbase and some transactions.
fn sample(rules: &dyn Rules, chain: &HeaderVec, more: Vec<bitcoin::Transaction>) -> primitives::Block {
    let height = chain.height() + 1;
    let txs = [vec![coinbase(height, vec![output(50 * COIN, &[0x51])])], more].concat();
    mined(rules, next_header(chain), txs)
}

fn spend(number: u8) -> bitcoin::Transaction {
    transaction(vec![input(outpoint(number))], vec![output(COIN, &[0x51])])
}

#[test]
fn each_rule_of_a_lone_block() {
    let rules = regtest();
    let chain = branch(&*rules, 5);
    let check = |block: &primitives::Block| rules.check_block(block, Scope::FULL, &mut BlockChecks::default());
    let good = sample(&*rules, &chain, vec![spend(1), spend(2)]);
    assert_eq!(check(&good), Ok(()));

    let mut unproven = *good.header.raw();
    unproven.bits = bitcoin::CompactTarget::from_consensus(0x1d00_ffff);
    let unproven = block(unproven, good.txs.clone());
    assert_eq!(check(&unproven), Err(BlockReason::Header(HeaderReason::HighHash)));
    assert_eq!(rules.check_block(&unproven, Scope::TEMPLATE, &mut BlockChecks::default()), Ok(()));

    let other = block(*good.header.raw(), good.txs[..2].to_vec());
    assert_eq!(check(&other), Err(BlockReason::MerkleRoot));
    // Three transactions have the same root as four of which the last two are the same.
    let doubled = block(*good.header.raw(), [&good.txs[..], &good.txs[2..]].concat());
    assert_eq!(check(&doubled), Err(BlockReason::DuplicateTransactions));
    assert_eq!(check(&doubled).unwrap_err().result(), BlockResult::Mutated);

    let with = |txs: Vec<_>| check(&mined(&*rules, next_header(&chain), txs));
    let base = || coinbase(6, vec![output(1, &[0x51])]);
    assert_eq!(with(vec![spend(1)]), Err(BlockReason::CoinbaseMissing));
    assert_eq!(with(vec![base(), spend(1), base()]), Err(BlockReason::CoinbaseMultiple));
    let broken = transaction(vec![input(outpoint(1))], vec![]);
    let txid = broken.compute_txid();
    let reason = with(vec![base(), broken]).unwrap_err();
    assert_eq!(reason, BlockReason::Transaction { txid, reason: TxReason::NoOutputs });
    assert_eq!(reason.full(), format!("bad-txns-vout-empty, Transaction check failed (tx hash {txid}) "));

    let large = |size: usize| {
        let mut inner = spend(1);
        inner.output[0].script_pubkey = ScriptBuf::from_bytes(vec![0x51; size]);
        with(vec![base(), inner])
    };
    assert_eq!(large(900_000), Ok(()));
    assert_eq!(large(999_950), Err(BlockReason::Length));
    let empty = block(*good.header.raw(), vec![]);
    assert_eq!(
        rules.check_block(&empty, Scope { pow: true, merkle_root: false }, &mut BlockChecks::default()),
        Err(BlockReason::Length)
    );

    let checksigs = |count: usize| {
        let mut inner = spend(1);
        inner.output[0].script_pubkey = ScriptBuf::from_bytes(vec![0xac; count]);
        with(vec![base(), inner])
    };
    assert_eq!(checksigs(20_000), Ok(()));
    assert_eq!(checksigs(20_001), Err(BlockReason::SigOps));
}

#[test]
fn a_block_is_checked_once() {
    let rules = regtest();
    let chain = branch(&*rules, 5);
    let good = sample(&*rules, &chain, vec![]);
    let mut checks = BlockChecks::default();
    rules.check_block(&good, Scope::FULL, &mut checks).unwrap();
    assert!(checks.body && checks.merkle_root && !checks.witness);
    // What was passed is not looked at again, whatever the block.
    assert_eq!(rules.check_block(&block(*good.header.raw(), vec![]), Scope::FULL, &mut checks), Ok(()));
    let mut checks = BlockChecks::default();
    rules.check_block(&good, Scope::TEMPLATE, &mut checks).unwrap();
    assert_eq!(checks, BlockChecks::default());
}

#[test]
fn the_coinbase_begins_with_the_height() {
    let table: &[(u32, &[u8])] = &[
        (0, &[0x00]),
        (1, &[0x51]),
        (16, &[0x60]),
        (17, &[0x01, 0x11]),
        (127, &[0x01, 0x7f]),
        (128, &[0x02, 0x80, 0x00]),
        (255, &[0x02, 0xff, 0x00]),
        (256, &[0x02, 0x00, 0x01]),
        (32_768, &[0x03, 0x00, 0x80, 0x00]),
        (227_836, &[0x03, 0xfc, 0x79, 0x03]),
        (u32::MAX, &[0x05, 0xff, 0xff, 0xff, 0xff, 0x00]),
    ];
    for (height, script) in table {
        assert_eq!(height_script(*height), *script, "{height}");
    }
    let rules = regtest();
    let chain = branch(&*rules, 299);
    let check = |height: u32| {
        let block = mined(&*rules, next_header(&chain), vec![coinbase(height, vec![output(1, &[])])]);
        rules.check_block_context(&block, Some(&chain), &mut BlockChecks::default())
    };
    assert_eq!(check(300), Ok(()));
    assert_eq!(check(301), Err(BlockReason::CoinbaseHeight));
}

#[test]
fn transactions_must_be_final_by_the_median_time() {
    let rules = regtest();
    let old = rules_for(params("bitcoin", ChainKind::Regtest).with_activation("csv@1000".parse().unwrap())).unwrap();
    let chain = branch(&*rules, 20);
    let check = |rules: &dyn Rules, lock: u32| {
        let mut inner = spend(1);
        inner.lock_time = bitcoin::absolute::LockTime::from_consensus(lock);
        inner.input[0].sequence = bitcoin::Sequence::ZERO;
        rules.check_block_context(&sample(rules, &chain, vec![inner]), Some(&chain), &mut BlockChecks::default())
    };
    assert_eq!((check(&*rules, 20), check(&*rules, 21)), (Ok(()), Err(BlockReason::NonFinal)));
    let median = u32::try_from(chain.median_time_past(20).unwrap()).unwrap();
    assert_eq!((check(&*rules, median - 1), check(&*rules, median)), (Ok(()), Err(BlockReason::NonFinal)));
    let time = next_header(&chain).time;
    assert_eq!((check(&*old, time - 1), check(&*old, time)), (Ok(()), Err(BlockReason::NonFinal)));
}

/// A block with a spend that has a witness, and a commitment to it.
fn committed(rules: &dyn Rules, chain: &HeaderVec) -> Vec<bitcoin::Transaction> {
    let mut inner = spend(1);
    inner.input[0].witness = Witness::from_slice(&[vec![1, 2, 3]]);
    let mut base = coinbase(chain.height() + 1, vec![output(1, &[0x51])]);
    base.input[0].witness = Witness::from_slice(&[WITNESS_RESERVED_VALUE]);
    let bare = mined(rules, next_header(chain), vec![base.clone(), inner.clone()]);
    base.output.push(commitment_output(&bare, &[]));
    vec![base, inner]
}

#[test]
fn witnesses_are_committed_to() {
    let rules = regtest();
    let chain = branch(&*rules, 5);
    let check = |txs: &[bitcoin::Transaction]| {
        let mut checks = BlockChecks::default();
        let block = mined(&*rules, next_header(&chain), txs.to_vec());
        let result = rules.check_block_context(&block, Some(&chain), &mut checks);
        assert_eq!(checks.witness, result.is_ok() && commitment_index(&block.txs[0]).is_some());
        assert_eq!(is_mutated(&*regtest(), &block, true, &mut BlockChecks::default()), result.is_err());
        result
    };
    let good = committed(&*rules, &chain);
    assert_eq!(check(&good), Ok(()));

    let mut other = good.clone();
    other[1].input[0].witness = Witness::from_slice(&[vec![1, 2, 4]]);
    assert_eq!(check(&other), Err(BlockReason::WitnessMerkleMatch));
    for items in [vec![], vec![vec![0; 31]], vec![vec![0; 33]], vec![vec![0; 32], vec![]]] {
        let mut other = good.clone();
        other[0].input[0].witness = Witness::from_slice(&items);
        assert_eq!(check(&other), Err(BlockReason::WitnessNonceSize));
    }
    let mut other = good.clone();
    other[0].output.pop();
    assert_eq!(check(&other), Err(BlockReason::UnexpectedWitness));
    other[0].input[0].witness = Witness::new();
    other[1].input[0].witness = Witness::new();
    assert_eq!(check(&other), Ok(()), "nothing to commit to");

    // The last commitment counts, and one with more behind it counts too.
    let mut two = good.clone();
    let mut decoy = two[0].output[1].clone();
    two[0].output.push(output(0, &[0x6a, 0x24, 0xaa, 0x21, 0xa9]));
    assert_eq!(check(&two), Ok(()));
    let mut longer = decoy.script_pubkey.to_bytes();
    longer.extend([0x51, 0x52]);
    two[0].output.push(output(0, &longer));
    assert_eq!(check(&two), Ok(()));
    let mut wrong = decoy.script_pubkey.to_bytes();
    wrong[10] ^= 1;
    decoy.script_pubkey = ScriptBuf::from_bytes(wrong);
    two[0].output.push(decoy);
    assert_eq!(check(&two), Err(BlockReason::WitnessMerkleMatch));

    // Before segwit a commitment is an output like any other.
    let old = rules_for(params("bitcoin", ChainKind::Regtest).with_activation("segwit@100".parse().unwrap())).unwrap();
    let block = mined(&*old, next_header(&chain), good);
    let result = old.check_block_context(&block, Some(&chain), &mut BlockChecks::default());
    assert_eq!(result, Err(BlockReason::UnexpectedWitness));
}

#[test]
fn weight_is_judged_after_the_witness() {
    let rules = regtest();
    let chain = branch(&*rules, 5);
    let heavy = |size: usize, commit: bool| {
        let mut txs = committed(&*rules, &chain);
        txs[1].input[0].witness = Witness::from_slice(&[vec![0; size]]);
        txs[0].output.pop();
        let bare = mined(&*rules, next_header(&chain), txs.clone());
        txs[0].output.push(commitment_output(&bare, &[]));
        if !commit {
            txs[1].input[0].witness = Witness::from_slice(&[vec![1; size]]);
        }
        let block = mined(&*rules, next_header(&chain), txs);
        (block.weight(), rules.check_block_context(&block, Some(&chain), &mut BlockChecks::default()))
    };
    let (base, _) = heavy(100_000, true);
    let most = 100_000 + usize::try_from(4_000_000 - base).unwrap();
    assert_eq!(heavy(most, true), (4_000_000, Ok(())));
    assert_eq!(heavy(most + 1, true), (4_000_001, Err(BlockReason::Weight)));
    assert_eq!(heavy(most + 1, false), (4_000_001, Err(BlockReason::WitnessMerkleMatch)));
}

#[test]
fn a_block_without_a_coinbase_may_hide_a_tree_node() {
    let rules = regtest();
    let chain = branch(&*rules, 5);
    let mut disguised = spend(1);
    disguised.output[0].script_pubkey = ScriptBuf::from_bytes(vec![0x51; 64 - 61 + 1]);
    while disguised.base_size() != 64 {
        let length = disguised.output[0].script_pubkey.len() + 64 - disguised.base_size();
        disguised.output[0].script_pubkey = ScriptBuf::from_bytes(vec![0x51; length]);
    }
    let mutated = |txs: Vec<_>| {
        is_mutated(&*regtest(), &mined(&*rules, next_header(&chain), txs), true, &mut BlockChecks::default())
    };
    assert!(mutated(vec![disguised.clone()]));
    assert!(!mutated(vec![spend(1)]));
    assert!(!mutated(vec![coinbase(6, vec![output(1, &[])]), disguised]));
}

#[test]
fn the_genesis_block_of_every_chain_passes() {
    let mut chains = 0;
    for coin in coin::all() {
        for chain in coin.chains {
            let Ok(rules) = rules_for(crate::ChainParams::new(coin, chain)) else { continue };
            let block = primitives::genesis_block(chain);
            assert_eq!(block.hash(), rules.params().genesis_hash(), "{} {}", coin.id, chain.kind);
            let mut checks = BlockChecks::default();
            assert_eq!(rules.check_block(&block, Scope::FULL, &mut checks), Ok(()), "{} {}", coin.id, chain.kind);
            assert_eq!(rules.check_block_context(&block, None, &mut checks), Ok(()), "{} {}", coin.id, chain.kind);
            assert!(rules.subsidy(1) > 0);
            chains += 1;
        }
    }
    println!("{chains} genesis blocks");
    assert!(chains >= 20);
}

proptest! {
    #[test]
    fn a_shuffled_body_is_noticed(count in 1u8..9, drop in any::<prop::sample::Index>(), swap in any::<prop::sample::Index>()) {
        let rules = regtest();
        let chain = branch(&*rules, 5);
        let good = sample(&*rules, &chain, (1..=count).map(spend).collect());
        let mut checks = BlockChecks::default();
        prop_assert!(!is_mutated(&*regtest(), &good, true, &mut checks));
        prop_assert!(checks.merkle_root);
        let mut txs = good.txs.clone();
        txs.remove(drop.index(txs.len()));
        prop_assert!(is_mutated(&*regtest(), &block(*good.header.raw(), txs), true, &mut BlockChecks::default()));
        let mut txs = good.txs.clone();
        let (a, b) = (drop.index(txs.len()), swap.index(txs.len()));
        txs.swap(a, b);
        prop_assert_eq!(is_mutated(&*regtest(), &block(*good.header.raw(), txs), true, &mut BlockChecks::default()), a != b);
    }

    #[test]
    fn rust_bitcoin_agrees_on_commitments(
        witnesses in proptest::collection::vec(proptest::collection::vec(0u8..3, 0..3), 0..6),
        reserved in prop::sample::select(vec![vec![[0u8; 32].to_vec()], vec![vec![1; 32]], vec![vec![0; 31]], vec![], vec![vec![0; 32]; 2]]),
        wrong: bool,
        extra: bool,
    ) {
        let rules = regtest();
        let chain = branch(&*rules, 5);
        let mut txs = vec![coinbase(6, vec![output(1, &[0x51])])];
        txs[0].input[0].witness = Witness::from_slice(&reserved);
        for (number, items) in (1..).zip(&witnesses) {
            let mut inner = spend(number);
            inner.input[0].witness = Witness::from_slice(&items.iter().map(|item| vec![*item]).collect::<Vec<_>>());
            txs.push(inner);
        }
        let root = commitment_root(
            &mined(&*rules, next_header(&chain), txs.clone()),
            reserved.first().and_then(|item| item.as_slice().try_into().ok()).unwrap_or(&WITNESS_RESERVED_VALUE),
        );
        let mut script = [&[0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed][..], &root].concat();
        script[20] ^= u8::from(wrong);
        txs[0].output.push(output(0, &script));
        if extra {
            txs[0].output.push(output(0, &[0x6a]));
        }
        let ours = mined(&*rules, next_header(&chain), txs.clone());
        let theirs = bitcoin::Block { header: *ours.header.raw(), txdata: txs };
        prop_assert!(theirs.check_merkle_root());
        prop_assert_eq!(Some(ours.weight()), Some(theirs.weight().to_wu()));
        let result = rules.check_block_context(&ours, Some(&chain), &mut BlockChecks::default());
        // Theirs asks for nothing if no witness is there, ours for a commitment that holds whenever there is one.
        if theirs.txdata.iter().any(|tx| tx.input.iter().any(|input| !input.witness.is_empty())) {
            prop_assert_eq!(result.is_ok(), theirs.check_witness_commitment(), "{:?}", result);
        } else {
            prop_assert_eq!(result, Err(BlockReason::WitnessNonceSize));
        }
    }

    #[test]
    fn the_height_is_the_number_that_a_script_would_push(height: u32) {
        let script = ScriptBuf::builder().push_int(height.into()).into_script();
        prop_assert_eq!(height_script(height), script.to_bytes());
    }
}

#[test]
fn null_outpoints_are_coinbases() {
    assert!(tx(coinbase(1, vec![])).is_coinbase());
    assert!(!tx(transaction(vec![input(OutPoint::null()), input(outpoint(1))], vec![])).is_coinbase());
}
