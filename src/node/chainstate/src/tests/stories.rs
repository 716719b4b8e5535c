//! What must happen, one situation at a time.

use std::sync::Arc;

use bitcoin::OutPoint;
use consensus::{BlockResult, Scope, U256};
use primitives::{Block, Header, Tx};

use super::lab::{Lab, locked, split};
use crate::{Arrival, DumpError, FlushMode, HashKind, LoadError, Node, Received, Scratch, Unfit, shared::write};

fn coinbase_of(block: &Block) -> OutPoint {
    OutPoint { txid: block.txs[0].txid(), vout: 0 }
}

#[test]
fn a_chain_is_there_again_after_a_restart() {
    let mut lab = Lab::new();
    lab.mine(5);
    let (tip, coins) = (lab.tip(), lab.coins());
    assert_eq!((coins.len(), lab.height()), (5, 5));
    lab.restart();
    assert_eq!((lab.tip(), lab.coins()), (tip, coins));
    lab.mine(1);
    assert_eq!(lab.height(), 6);
}

#[test]
fn what_was_not_flushed_is_gone_after_a_crash_and_nothing_else() {
    let mut lab = Lab::new();
    let first = lab.mine(3);
    lab.engine().flush(FlushMode::Sync).unwrap();
    let lost = lab.mine(2);
    lab.crash();
    assert_eq!(lab.tip(), first[2].hash());
    assert!(lab.submit(&lost[0]).0.unwrap().new);
    assert!(lab.submit(&lost[1]).0.unwrap().new);
    assert_eq!((lab.tip(), lab.coins().len()), (lost[1].hash(), 5));
}

#[test]
fn the_longer_branch_wins_and_coins_follow() {
    let mut lab = Lab::new();
    let blocks = lab.mine(101);
    let spend = split(coinbase_of(&blocks[0]), 5_000_000_000);
    let genesis_side = blocks[100].hash();
    let a = lab.block(genesis_side, vec![spend.clone()], 1, 0);
    lab.submit(&a).0.unwrap();
    let spent = lab.coins();
    assert!(!spent.contains_key(&coinbase_of(&blocks[0])));
    assert!(spent.contains_key(&OutPoint { txid: spend.txid(), vout: 1 }));
    // The same height arrives too late, one more block makes the difference.
    let b1 = lab.block(genesis_side, Vec::new(), 2, 0);
    lab.submit(&b1).0.unwrap();
    assert_eq!(lab.tip(), a.hash());
    let listener = lab.engine().reader().subscribe();
    let b2 = lab.block(b1.hash(), Vec::new(), 3, 0);
    lab.submit(&b2).0.unwrap();
    assert_eq!(lab.tip(), b2.hash());
    assert!(lab.coins().contains_key(&coinbase_of(&blocks[0])));
    let seen: Vec<String> = std::iter::from_fn(|| listener.try_next())
        .filter_map(|e| match e {
            Received::Event(crate::ChainEvent::Disconnected { hash, .. }) => Some(format!("-{hash}")),
            Received::Event(crate::ChainEvent::Connected { hash, .. }) => Some(format!("+{hash}")),
            _ => None,
        })
        .collect();
    assert_eq!(seen, [format!("-{}", a.hash()), format!("+{}", b1.hash()), format!("+{}", b2.hash())]);
}

#[test]
fn a_block_that_breaks_a_rule_is_never_tried_again() {
    let mut lab = Lab::new();
    let blocks = lab.mine(2);
    let tip = lab.tip();
    let greedy = lab.block(tip, Vec::new(), 7, 1);
    let (taken, activation) = lab.submit(&greedy);
    assert!(taken.unwrap().new, "its coins are looked at later");
    assert_eq!(activation.refused[0].reason.to_string(), "bad-cb-amount");
    assert_eq!(lab.tip(), tip);
    let again = lab.engine().accept_block(&greedy, Arrival::SUBMITTED).unwrap().unwrap_err();
    assert_eq!((again.to_string().as_str(), again.result()), ("duplicate-invalid", BlockResult::CachedInvalid));
    let child = lab.block(greedy.hash(), Vec::new(), 8, 0);
    assert_eq!(lab.submit(&child).0.unwrap_err().to_string(), "bad-prevblk");
    lab.restart();
    assert_eq!(lab.tip(), tip);
    assert_eq!(lab.submit(&greedy).0.unwrap_err().to_string(), "duplicate-invalid");
    let missing = split(OutPoint { txid: blocks[0].txs[0].txid(), vout: 5 }, 10);
    let bad = lab.block(tip, vec![missing], 9, 0);
    assert_eq!(lab.submit(&bad).1.refused[0].reason.to_string(), "bad-txns-inputs-missingorspent");
    let early = split(coinbase_of(&blocks[0]), 10);
    let bad = lab.block(tip, vec![early], 10, 0);
    assert_eq!(lab.submit(&bad).1.refused[0].reason.to_string(), "bad-txns-premature-spend-of-coinbase");
}

#[test]
fn an_operator_can_refuse_and_forgive() {
    let mut lab = Lab::new();
    let blocks = lab.mine(10);
    let fifth = lab.id(blocks[4].hash());
    assert!(lab.engine().invalidate(fifth).unwrap());
    lab.engine().activate().unwrap();
    assert_eq!(lab.tip(), blocks[3].hash());
    let other = lab.mine(1);
    lab.engine().reconsider(fifth);
    lab.engine().activate().unwrap();
    assert_eq!(lab.tip(), blocks[9].hash());
    let rival = lab.block(blocks[8].hash(), Vec::new(), 99, 0);
    lab.submit(&rival).0.unwrap();
    assert_eq!(lab.tip(), blocks[9].hash());
    let rival_id = lab.id(rival.hash());
    lab.engine().precious(rival_id);
    lab.engine().activate().unwrap();
    assert_eq!(lab.tip(), rival.hash());
    let weak = lab.id(other[0].hash());
    lab.engine().precious(weak);
    lab.engine().activate().unwrap();
    assert_eq!(lab.tip(), rival.hash(), "less work is not made up for");
    let genesis = lab.engine().reader().at_height(0).unwrap();
    assert!(!lab.engine().invalidate(genesis).unwrap());
}

#[test]
fn reindexing_finds_the_same_coins() {
    let mut lab = Lab::new();
    let blocks = lab.mine(110);
    let tx = split(coinbase_of(&blocks[3]), 5_000_000_000);
    let tip = lab.tip();
    let block = lab.block(tip, vec![tx], 1, 0);
    lab.submit(&block).0.unwrap();
    let (tip, coins) = (lab.tip(), lab.coins());
    for (reindex, chainstate) in [(true, false), (false, true)] {
        lab.stop();
        lab.open(reindex, chainstate).unwrap();
        assert_eq!(lab.tip(), tip);
        assert_eq!(lab.coins(), coins);
        assert!(!lab.engine().reindexing().unwrap());
        let checked = lab.engine().verify(4, 0).unwrap().unwrap();
        assert_eq!(checked.blocks, 111);
    }
}

/// A chain of several files that go when they are told to.
fn pruned_by_hand() -> Lab {
    let mut lab = Lab::new();
    lab.stop();
    lab.prune_target = Some(u64::MAX);
    lab.open(false, false).unwrap();
    lab.mine(760);
    lab
}

#[test]
fn old_block_files_go_when_pruning() {
    let mut lab = pruned_by_hand();
    let tip = lab.tip();
    assert_eq!(lab.engine().prune_to_height(10).unwrap(), 0, "every file holds higher blocks too");
    let gone = lab.engine().prune_to_height(760).unwrap();
    assert!(gone >= 1, "{gone} files");
    let reader = lab.engine().reader();
    let first = reader.node(reader.at_height(1).unwrap());
    let late = reader.node(reader.at_height(760 - 287).unwrap());
    assert!(!first.has_data() && late.has_data() && reader.have_pruned());
    let last = reader.tree(|tree| tree.last_pruned(reader.tip().unwrap().id)).unwrap();
    assert!(!reader.node(reader.at_height(last).unwrap()).has_data());
    assert!(reader.node(reader.at_height(last + 1).unwrap()).has_data());
    drop(reader);
    assert!(!lab.path().join("blocks/blk00000.dat").exists());
    lab.restart();
    assert_eq!(lab.tip(), tip);
    lab.mine(1);
    assert!(lab.engine().verify(3, 0).unwrap().unwrap().skipped_pruned);
    lab.stop();
    lab.prune_target = None;
    assert!(matches!(lab.open(false, false), Err(LoadError::Pruned)));
}

#[test]
fn a_short_chain_is_not_pruned_by_itself() {
    let mut lab = Lab::new();
    lab.stop();
    (lab.prune_target, lab.prune_after_height) = (Some(1), 761);
    lab.open(false, false).unwrap();
    lab.mine(761);
    assert!(!lab.engine().reader().have_pruned());
    lab.mine(1);
    assert!(lab.engine().reader().have_pruned());
    lab.stop();
}

#[test]
fn digests_do_not_depend_on_the_way() {
    let stats = |lab: &mut Lab, kind| {
        let at = lab.engine().flush_for_cursor().unwrap().unwrap();
        lab.engine().reader().coin_stats(at, kind, || {}, || true).unwrap().unwrap()
    };
    let mut lab = Lab::new();
    let blocks = lab.mine(4);
    let before = [HashKind::Serialized, HashKind::MuHash].map(|kind| stats(&mut lab, kind));
    assert_eq!((before[0].outputs, before[0].transactions, before[0].height), (4, 4, 4));
    assert_eq!(before[0].total, Some(4 * 5_000_000_000));
    let last = lab.id(blocks[3].hash());
    lab.engine().invalidate(last).unwrap();
    assert_ne!(stats(&mut lab, HashKind::MuHash).digest, before[1].digest);
    lab.engine().reconsider(last);
    lab.engine().activate().unwrap();
    let after = [HashKind::Serialized, HashKind::MuHash].map(|kind| stats(&mut lab, kind));
    assert_eq!(before.map(|s| s.digest), after.map(|s| s.digest));
}

#[test]
fn a_block_can_be_judged_without_being_kept() {
    let mut lab = Lab::new();
    lab.mine(3);
    let (tip, coins) = (lab.tip(), lab.coins());
    let good = lab.block(tip, Vec::new(), 7, 0);
    assert_eq!(lab.engine().test_block(&good, Scope::FULL).unwrap(), Ok(()));
    let greedy = lab.block(tip, Vec::new(), 8, 1);
    let unfit = lab.engine().test_block(&greedy, Scope::FULL).unwrap().unwrap_err();
    assert_eq!(unfit.to_string(), "bad-cb-amount");
    assert_eq!(unfit.full(), "bad-cb-amount, coinbase pays too much (actual=5000000001 vs limit=5000000000)");
    let mut raw = Block::clone(&good);
    raw.header = Header::new(bitcoin::block::Header { version: bitcoin::block::Version::ONE, ..*raw.header.raw() });
    let unfit = lab.engine().test_block(&Arc::new(raw), Scope::TEMPLATE).unwrap().unwrap_err();
    assert_eq!(unfit.full(), "bad-version(0x00000001), rejected nVersion=0x00000001 block");
    let spend = lab.block(tip, vec![split(OutPoint::null(), 1)], 9, 0);
    assert!(lab.engine().test_block(&spend, Scope::FULL).unwrap().is_err());
    // Nothing of all this was kept.
    assert_eq!((lab.tip(), lab.coins()), (tip, coins));
    assert!(lab.engine().reader().find(&good.hash()).is_none());
    assert!(lab.submit(&good).0.unwrap().new);
    assert_eq!(lab.engine().test_block(&good, Scope::FULL).unwrap(), Err(Unfit::NotOnTip));
}

/// The file as of `target`, and how many coins are in it.
fn dump(lab: &mut Lab, target: bitcoin::BlockHash, scratch: Scratch<'_>) -> Result<(Vec<u8>, u64), DumpError> {
    lab.engine().flush_for_cursor().unwrap();
    let (tip, target) = (lab.engine().tip().unwrap(), lab.id(target));
    let mut file = Vec::new();
    let dumped = lab.engine().reader().dump_coins(tip, target, scratch, &mut file, || {}, &mut || true)?;
    Ok((file, dumped.coins))
}

#[test]
fn a_snapshot_of_a_block_below_is_what_it_was_when_that_was_the_tip() {
    let mut lab = Lab::new();
    let blocks = lab.mine(102);
    let then = lab.tip();
    let (file, coins) = dump(&mut lab, then, Scratch::Memory).unwrap();
    assert_eq!((coins, &file[..7], &file[7..11]), (102, &b"utxo\xff\x02\0"[..], &[0xfa, 0xbf, 0xb5, 0xda][..]));
    // One coin is spent in two, one of those in the same block again, the other in the next.
    let first = split(coinbase_of(&blocks[0]), 5_000_000_000);
    let part = |vout| OutPoint { txid: first.txid(), vout };
    let value = |vout: usize| first.outputs()[vout].value.to_sat();
    let (again, next) = (split(part(0), value(0)), split(part(1), value(1)));
    let a = lab.block(then, vec![first.clone(), again], 1, 0);
    lab.submit(&a).0.unwrap();
    let b = lab.block(a.hash(), vec![next], 2, 0);
    lab.submit(&b).0.unwrap();
    assert_eq!(lab.tip(), b.hash());
    let below = lab.path().join("temp_utxo");
    assert_eq!(dump(&mut lab, then, Scratch::Memory).unwrap(), (file.clone(), coins));
    assert_eq!(dump(&mut lab, then, Scratch::Directory(&below)).unwrap(), (file.clone(), coins));
    assert!(!below.exists());
    let (now, _) = dump(&mut lab, b.hash(), Scratch::Directory(&below)).unwrap();
    assert_ne!(now, file);
    let stray = lab.block(then, Vec::new(), 3, 0);
    lab.submit(&stray).0.unwrap();
    assert!(matches!(dump(&mut lab, stray.hash(), Scratch::Memory), Err(DumpError::NotActive)));
}

#[test]
fn what_was_looked_at_before_its_turn_counts_only_if_its_turn_comes() {
    let mut lab = Lab::new();
    let blocks = lab.mine(110);
    let coin = |n: usize| coinbase_of(&blocks[n]);
    let mut salt = 0;
    let mut add = |lab: &mut Lab, parent: &Block, txs: Vec<Tx>| {
        salt += 1;
        let block = lab.block(parent.hash(), txs, salt, 0);
        assert!(lab.engine().accept_block(&block, Arrival::SUBMITTED).unwrap().unwrap().new);
        block
    };
    // Three good blocks, and one whose second payment takes a coin that nobody can, with another on top of it.
    let txs = vec![split(coin(0), 5_000_000_000), split(coin(1), 5_000_000_000)];
    let halves = [0, 1].map(|vout| split(OutPoint { txid: txs[0].txid(), vout }, 2_500_000_000));
    let first = add(&mut lab, &blocks[109], txs);
    let second = add(&mut lab, &first, halves.into());
    let locked = locked(coin(2), 5_000_000_000);
    let thief = split(OutPoint { txid: locked.txid(), vout: 0 }, 5_000_000_000);
    let third = add(&mut lab, &second, vec![split(coin(3), 5_000_000_000), locked]);
    let wrong = add(&mut lab, &third, vec![split(coin(4), 5_000_000_000), thief]);
    add(&mut lab, &wrong, vec![split(coin(5), 5_000_000_000)]);
    let ids = [&first, &second, &third, &wrong].map(|block| lab.id(block.hash()));
    for pair in ids.windows(2) {
        assert_eq!(lab.engine().following(pair[0], ids[3]), Some(pair[1]), "it is looked at beside the one before");
    }
    assert_eq!(lab.engine().following(ids[3], ids[3]), None, "nothing is behind the target");
    let done = lab.engine().activate().unwrap();
    assert_eq!((lab.tip(), done.refused.len()), (third.hash(), 1));
    assert_eq!(done.refused[0].hash, wrong.hash());
    assert!(done.refused[0].reason.to_string().starts_with("block-script-verify-flag-failed"));
    let coins = lab.coins();
    assert!(coins.contains_key(&coin(4)) && coins.contains_key(&coin(5)), "nothing of what came after is left");
    // The same, read again from the block files, and then without what is wrong.
    lab.stop();
    lab.open(false, true).unwrap();
    assert_eq!((lab.tip(), lab.coins()), (third.hash(), coins));
    let right = lab.block(third.hash(), vec![split(coin(4), 5_000_000_000)], 6, 0);
    lab.submit(&right).0.unwrap();
    assert_eq!(lab.tip(), right.hash());
    assert!(lab.engine().ahead.is_none());
}

#[test]
fn blocks_that_came_together_are_connected_without_being_read_again() {
    let mut lab = Lab::new();
    let mut tip = lab.mine(1)[0].hash();
    for salt in 1..=3 {
        let block = lab.block(tip, Vec::new(), salt, 0);
        tip = block.hash();
        assert!(lab.engine().accept_block(&block, Arrival::SUBMITTED).unwrap().unwrap().new);
    }
    std::fs::write(lab.path().join("blocks/blk00000.dat"), "nothing that can be read").unwrap();
    lab.engine().activate().unwrap();
    assert_eq!(lab.tip(), tip);
}

#[test]
fn who_follows_the_tip_keeps_blocks_and_goes_back_with_it() {
    let mut lab = pruned_by_hand();
    let first = lab.engine().reader().at_height(1).unwrap();
    let kept = |lab: &mut Lab| lab.engine().reader().node(first).has_data();
    let reader = lab.engine().reader();
    reader.set_prune_lock("behind", Some(5));
    assert_eq!(lab.engine().prune_to_height(760).unwrap(), 0);
    reader.set_prune_lock("behind", None);
    reader.set_prune_lock("at the tip", Some(760));
    let fork = reader.at_height(4).unwrap();
    lab.engine().invalidate(fork).unwrap();
    assert_eq!(reader.tip().unwrap().height, 3);
    lab.engine().reconsider(fork);
    lab.engine().activate().unwrap();
    assert_eq!(reader.tip().unwrap().height, 760);
    assert_eq!(lab.engine().prune_to_height(760).unwrap(), 0, "it has not followed yet");
    assert!(kept(&mut lab));
    reader.set_prune_lock("at the tip", Some(760));
    assert!(lab.engine().prune_to_height(760).unwrap() > 0);
    assert!(!kept(&mut lab));
    drop(reader);
    lab.stop();
}

#[test]
fn what_does_not_fit_together_is_named() {
    let mut lab = Lab::new();
    lab.mine(6);
    let low = lab.engine().reader().at_height(3).unwrap();
    lab.engine().inspect().unwrap();
    let mut damaged = |damage: fn(&mut Node), told: &str| {
        let whole = lab.engine().node(low);
        damage(&mut write(&lab.engine().shared.tree)[low]);
        let error = lab.engine().inspect().unwrap_err().to_string();
        assert!(error.contains(&whole.hash.to_string()) && error.ends_with(told), "{error}");
        write(&lab.engine().shared.tree)[low] = whole;
        lab.engine().inspect().unwrap();
    };
    damaged(|node| node.height += 1, "is not one above its parent");
    damaged(|node| node.time_max += 1, "has another latest time than its chain");
    damaged(|node| node.chain_tx_count += 1, "counts other transactions than its chain has");
    damaged(Node::clear_stored, "has no data, or data that nobody counted");
    damaged(|node| node.chain_work = U256::ZERO, "adds no work");
}

#[test]
fn what_a_block_spends_is_found_without_being_read_ahead() {
    let mut lab = Lab::new();
    lab.stop();
    lab.prefetch = false;
    lab.open(false, false).unwrap();
    let mined = lab.mine(101);
    lab.engine().flush(FlushMode::Empty).unwrap();
    let tip = lab.tip();
    let block = lab.block(tip, vec![split(coinbase_of(&mined[0]), 5_000_000_000)], 1, 0);
    lab.submit(&block).0.unwrap();
    assert_eq!(lab.tip(), block.hash());
    assert!(lab.engine().reader().coin(&coinbase_of(&mined[0])).unwrap().is_none());
}
