//! Whatever changes states, in whatever order, the standing of each coin is what it would be if it were found out anew, and the
//! balance from sums is that of a walk over all coins.

use std::collections::BTreeSet;
use std::sync::Arc;

use bitcoin::{OutPoint, Script};
use primitives::Tx;
use proptest::prelude::*;

use super::super::{Balance, BalanceQuery, Changes, CoinFilter, Ledger, Spent, Stamp, State};
use super::{MINE, THEIRS, empty, foreign, hash, mine, output, tx};

/// Transactions of one story.
const TXS: usize = 12;

#[derive(Debug, Clone)]
enum Step {
    Add { which: usize, state: usize, height: i32 },
    BlockHas { which: usize, height: i32 },
    BlockLost { which: usize, height: i32 },
    Mempool { which: usize, there: bool },
    Submitted { which: usize },
    Resolve { which: usize, height: i32 },
    Refresh { which: usize, there: bool },
    Abandon { which: usize },
    Remove { which: usize },
    Tip { height: i32 },
    Learn,
}

fn step() -> impl Strategy<Value = Step> {
    let which = || 0..TXS;
    let height = || 0_i32..230;
    prop_oneof![
        4 => (which(), 0_usize..5, height()).prop_map(|(which, state, height)| Step::Add { which, state, height }),
        2 => (which(), height()).prop_map(|(which, height)| Step::BlockHas { which, height }),
        1 => (which(), height()).prop_map(|(which, height)| Step::BlockLost { which, height }),
        1 => (which(), any::<bool>()).prop_map(|(which, there)| Step::Mempool { which, there }),
        1 => which().prop_map(|which| Step::Submitted { which }),
        1 => (which(), height()).prop_map(|(which, height)| Step::Resolve { which, height }),
        1 => (which(), any::<bool>()).prop_map(|(which, there)| Step::Refresh { which, there }),
        1 => which().prop_map(|which| Step::Abandon { which }),
        1 => which().prop_map(|which| Step::Remove { which }),
        2 => height().prop_map(|height| Step::Tip { height }),
        1 => Just(Step::Learn),
    ]
}

/// Transactions of which each spends from up to two earlier ones, from strangers, or is a coinbase.
fn txs(shapes: &[(usize, usize, u64)]) -> Vec<Arc<Tx>> {
    let mut made: Vec<Arc<Tx>> = Vec::new();
    for (salt, (first, second, value)) in (0_u32..).zip(shapes) {
        let spend = |pick: usize| match made.get(pick) {
            Some(parent) => output(parent, u32::try_from(pick % 2).unwrap()),
            None => foreign(salt),
        };
        let inputs = match first % 5 {
            0 => vec![OutPoint::null()],
            _ => Vec::from_iter(BTreeSet::from([spend(*first), spend(*second)])),
        };
        made.push(tx(
            &inputs,
            &[(MINE, *value), (if value.is_multiple_of(2) { MINE } else { THEIRS }, value / 2)],
            salt,
        ));
    }
    made
}

fn play(ledger: &mut Ledger, txs: &[Arc<Tx>], step: &Step, learned: &mut bool) {
    let mut changes = Changes::default();
    let stamp = Stamp { now: 5, ..Stamp::default() };
    let block = |height: &i32| hash(u32::try_from(*height).unwrap());
    // At first the wallet does not know its scripts.
    let knows = *learned;
    let owner = move |script: &Script| mine(script) && knows;
    match step {
        Step::Add { which, state, height } => {
            let state = match state {
                0 | 1 => State::Confirmed { block: block(height), height: *height, index: 0 },
                2 => State::InMempool,
                3 => State::Conflicted { block: block(height), height: *height },
                _ => State::Inactive { abandoned: height % 2 == 0 },
            };
            ledger.add(&txs[*which], state, stamp, &owner, &mut changes, None);
        }
        Step::BlockHas { which, height } => {
            ledger.conflict_with_block(&txs[*which], block(height), *height, &mut changes);
        }
        Step::BlockLost { which, height } => ledger.undo_conflicts(&txs[*which], *height, &mut changes),
        Step::Mempool { which, there: true } => ledger.mempool_added(&txs[*which], &mut changes),
        Step::Mempool { which, there: false } => ledger.mempool_removed(&txs[*which], &mut changes),
        Step::Submitted { which } => ledger.note_submitted(&txs[*which].txid()),
        Step::Resolve { which, height } => {
            let state = State::Confirmed { block: block(height), height: *height, index: 0 };
            ledger.resolve(&txs[*which].txid(), state);
        }
        Step::Refresh { which, there } => ledger.refresh_mempool_state(&txs[*which].txid(), *there),
        Step::Abandon { which } => {
            ledger.abandon(&txs[*which].txid(), &mut changes);
        }
        Step::Remove { which } => {
            ledger.remove(&txs[*which].txid(), &mut changes);
        }
        Step::Tip { height } => ledger.set_tip(block(height), *height),
        Step::Learn => {
            *learned = true;
            ledger.refresh_coins(&mine);
        }
    }
}

/// The balance as a walk over all coins finds it.
fn walked(ledger: &Ledger, query: BalanceQuery<'_>) -> Balance {
    let (mut balance, mut known) = (Balance::default(), BTreeSet::new());
    for (outpoint, tx, _) in ledger.coins() {
        let worth = ledger.worth(tx, outpoint.vout);
        let spent = ledger.spent(&outpoint);
        let counts = spent == Spent::No || (spent == Spent::Elsewhere && query.include_nonmempool);
        let trusted = ledger.is_trusted(tx, &mine, query.trust_change, &mut known);
        let bucket = if !counts {
            continue;
        } else if tx.state().is_confirmed() && ledger.is_immature(tx) {
            &mut balance.immature
        } else if trusted && ledger.depth(tx) >= query.min_depth {
            &mut balance.trusted
        } else if !trusted && tx.in_mempool() {
            &mut balance.untrusted_pending
        } else {
            continue;
        };
        *bucket += worth;
        if spent == Spent::Elsewhere {
            balance.nonmempool -= worth;
        }
    }
    balance
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn sums_are_those_of_a_walk(
        shapes in prop::collection::vec((0_usize..TXS, 0_usize..TXS, 2_u64..1000), TXS),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let (txs, mut ledger, mut learned) = (txs(&shapes), empty(), false);
        for step in &steps {
            play(&mut ledger, &txs, step, &mut learned);
            for (outpoint, standing) in ledger.coins.iter() {
                prop_assert_eq!(standing, ledger.standing(outpoint), "{} after {:?}", outpoint, step);
            }
            for (min_depth, outside) in [(0, true), (0, false), (1, false), (6, true), (101, false), (500, true)] {
                let query = BalanceQuery { min_depth, trust_change: outside, include_nonmempool: outside, is_used: None };
                let plain = walked(&ledger, query);
                prop_assert_eq!(ledger.balance(&mine, query), plain, "{} after {:?}", min_depth, step);
                // The way that looks at each coin that is left.
                let nobody = |_: &Script| false;
                let looked = BalanceQuery { is_used: Some(&nobody), ..query };
                prop_assert_eq!(ledger.balance(&mine, looked), plain, "{} after {:?}", min_depth, step);
            }
            let filter = CoinFilter { only_safe: false, min_amount: 0, ..CoinFilter::default() };
            let found: Vec<OutPoint> = ledger.available(&mine, &filter).iter().map(|coin| coin.outpoint).collect();
            let free: Vec<OutPoint> = ledger
                .coins()
                .filter(|(outpoint, tx, _)| {
                    let there = ledger.depth(tx) > 0 || (ledger.depth(tx) == 0 && tx.in_mempool());
                    there && !ledger.is_immature(tx) && !ledger.is_spent(outpoint)
                })
                .map(|(outpoint, ..)| outpoint)
                .collect();
            prop_assert_eq!(found, free, "after {:?}", step);
        }
    }
}
