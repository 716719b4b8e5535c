//! A flush that was cut off, and whose repair was cut off too: whatever the disk has then of the coins between the old tip
//! and the new one, the next start ends at the right ones.

use std::collections::BTreeMap;

use bitcoin::{BlockHash, OutPoint};
use store::{CoinsBatch, CoinsTip};

use super::lab::{Lab, split};
use crate::FlushMode;

type Coins = BTreeMap<OutPoint, Vec<u8>>;

/// What is on the disk after a flush.
fn flushed(lab: &mut Lab) -> Coins {
    lab.engine().flush(FlushMode::Sync).unwrap();
    lab.engine().shared.coins_db().cursor().map(Result::unwrap).collect()
}

/// Says on the disk that a flush from `old` to `new` is under way, which has come so far.
fn cut_off(lab: &mut Lab, old: BlockHash, new: BlockHash, coins: &[(OutPoint, Option<&Vec<u8>>)]) {
    let db = lab.engine().shared.coins_db();
    let mut batch = CoinsBatch::default();
    db.finish(&mut batch, &old);
    db.write(batch, true).unwrap();
    let mut batch = CoinsBatch::default();
    db.begin(&mut batch, &new).unwrap();
    for (out, coin) in coins {
        match coin {
            Some(coin) => db.put(&mut batch, out, coin),
            None => db.delete(&mut batch, out),
        }
    }
    db.write(batch, true).unwrap();
    assert_eq!(db.tip().unwrap(), CoinsTip::Between { new, old: Some(old) });
}

#[test]
fn a_flush_that_was_cut_off_is_finished() {
    let mut lab = Lab::new();
    let mined = lab.mine(101);
    let base = lab.tip();
    let part = |tx: &primitives::Tx| OutPoint { txid: tx.txid(), vout: 0 };
    let parent = split(part(&mined[0].txs[0]), 5_000_000_000);
    let child = split(part(&parent), 2_500_000_000);
    let grandchild = split(part(&child), 1_250_000_000);

    // A branch that will lose, and one whose coins come and go within it. Whatever was ever on the disk may be there.
    let losing = lab.block(base, vec![parent.clone()], 1, 0);
    lab.submit(&losing).0.unwrap();
    let (old, mut ever) = (lab.tip(), flushed(&mut lab));
    let mut tip = base;
    for (salt, txs) in [(2, vec![parent]), (3, vec![child]), (4, vec![grandchild]), (5, vec![])] {
        let block = lab.block(tip, txs, salt, 0);
        lab.submit(&block).0.unwrap();
        tip = block.hash();
        ever.extend(flushed(&mut lab));
    }
    let (new, wanted) = (lab.tip(), flushed(&mut lab));
    assert_eq!(new, tip);
    let same = |out: &OutPoint| mined.iter().any(|block| part(&block.txs[0]) == *out) && wanted.contains_key(out);
    let moved: Vec<_> = ever.iter().filter(|(out, _)| !same(out)).collect();
    assert!(moved.iter().filter(|(out, _)| !wanted.contains_key(*out)).count() >= 3, "coins that came and went");

    for round in 0..12_usize {
        let is_there = |n: usize| match round {
            0 => false,
            1 => true,
            _ => (n * 7 + n / 3).is_multiple_of(round),
        };
        let coins: Vec<_> =
            moved.iter().enumerate().map(|(n, (out, coin))| (**out, is_there(n).then_some(*coin))).collect();
        cut_off(&mut lab, old, new, &coins);
        lab.abandon();
        // With no room in the cache, what was done again is written at once.
        lab.cache_bytes = if round % 2 == 0 { 64 << 20 } else { 1 };
        lab.open(false, false).unwrap();
        assert_eq!(lab.tip(), new);
        assert_eq!(flushed(&mut lab), wanted, "round {round}");
    }
}
