//! Script checks: split and whole say the same, and a failure names its input.

use std::sync::Arc;

use proptest::prelude::*;
use script::{BITCOIN, ScriptError};

use super::*;
use crate::testing::{COIN, coin, coinbase, input, outpoint, output, transaction, tx};

fn spending(scripts: &[&[u8]]) -> (Arc<Tx>, Arc<Vec<TxOutEntry>>) {
    let inputs = (1..).take(scripts.len()).map(|number| input(outpoint(number))).collect();
    let spent = scripts.iter().map(|script| coin(COIN, script, 1, false)).collect();
    (Arc::new(tx(transaction(inputs, vec![output(1, &[])]))), Arc::new(spent))
}

#[test]
fn a_failure_names_its_input() {
    let (tx, spent) = spending(&[&[0x51], &[0x51], &[0x6a]]);
    let failure = ScriptCheck::whole(&tx, &spent, Flags::P2SH, BITCOIN).run(None).unwrap_err();
    assert_eq!((failure.error, failure.input), (ScriptError::OpReturn, 2));
    assert_eq!((failure.txid, failure.wtxid, failure.prevout), (tx.txid(), tx.wtxid(), outpoint(3)));
    let text = format!("input 2 of {} (wtxid {}), spending {}:3", tx.txid(), tx.wtxid(), outpoint(3).txid);
    assert_eq!(failure.debug_message(), text);
}

#[test]
fn missing_coins_never_pass() {
    let (tx, _) = spending(&[&[0x51], &[0x51]]);
    let (_, fewer) = spending(&[&[0x51]]);
    let failure = ScriptCheck::whole(&tx, &fewer, Flags::NONE, BITCOIN).run(None).unwrap_err();
    assert_eq!((failure.error, failure.input), (ScriptError::Unknown, 1));
}

#[test]
fn a_coinbase_has_no_scripts() {
    let base = Arc::new(tx(coinbase(1, vec![])));
    let none = Arc::new(Vec::new());
    assert_eq!(ScriptCheck::split(&base, &none, Flags::NONE, BITCOIN, NonZeroUsize::MIN).count(), 0);
    assert_eq!(ScriptCheck::whole(&base, &none, Flags::NONE, BITCOIN).run(None), Ok(()));
}

#[test]
fn checks_go_to_other_threads() {
    let (tx, spent) = spending(&[&[0x51][..]; 5]);
    let two = NonZeroUsize::new(2).unwrap();
    let checks: Vec<_> = ScriptCheck::split(&tx, &spent, Flags::P2SH, BITCOIN, two).collect();
    assert_eq!(checks.iter().map(ScriptCheck::inputs).collect::<Vec<_>>(), [2, 2, 1]);
    let threads: Vec<_> = checks.into_iter().map(|check| std::thread::spawn(move || check.run(None))).collect();
    assert!(threads.into_iter().all(|thread| thread.join().unwrap().is_ok()));
    // The spent coins are free again, for the undo record.
    assert_eq!(Arc::try_unwrap(spent).unwrap().len(), 5);
}

#[test]
fn a_part_is_not_the_whole() {
    let (tx, spent) = spending(&[&[0x51][..]; 5]);
    let split = |size| -> Vec<_> {
        ScriptCheck::split(&tx, &spent, Flags::P2SH, BITCOIN, NonZeroUsize::new(size).unwrap()).collect()
    };
    assert!(split(4).iter().all(|check| check.whole_tx().is_none()));
    assert!(split(5).iter().all(|check| check.whole_tx() == Some(&*tx)));
    assert_eq!(ScriptCheck::whole(&tx, &spent, Flags::P2SH, BITCOIN).whole_tx(), Some(&*tx));
}

fn queue_of(good: &[bool]) -> ScriptQueue {
    let script = |good: &bool| if *good { &[0x51][..] } else { &[0x00][..] };
    let (tx, spent) = spending(&good.iter().map(script).collect::<Vec<_>>());
    ScriptQueue::new(ScriptCheck::split(&tx, &spent, Flags::P2SH, BITCOIN, NonZeroUsize::MIN).collect())
}

fn run(check: &ScriptCheck) -> Result<(), ScriptFailure> {
    check.run(None)
}

#[test]
fn a_check_that_was_taken_and_not_done_is_done_by_another() {
    for good in [true, false] {
        let queue = queue_of(&[true, good, true]);
        let lost = |check: &ScriptCheck| if check.inputs.start == 1 { panic!("lost") } else { run(check) };
        let taken = std::thread::scope(|scope| scope.spawn(|| queue.work(lost)).join());
        assert!(taken.is_err());
        assert_eq!(queue.finish(run).map_err(|failure| failure.input), if good { Ok(()) } else { Err(1) });
    }
}

#[test]
fn after_a_failure_no_check_is_handed_out() {
    let queue = queue_of(&[true, false, true, true]);
    let seen = std::cell::Cell::new(0);
    let count = |check: &ScriptCheck| {
        seen.set(seen.get() + 1);
        run(check)
    };
    queue.work(count);
    assert_eq!(queue.finish(count).unwrap_err().input, 1);
    assert_eq!(seen.get(), 2);
}

proptest! {
    #[test]
    fn the_first_failure_counts_whoever_finds_one(
        good in proptest::collection::vec(proptest::bool::weighted(0.9), 0..40),
        threads in 0usize..4,
    ) {
        let queue = queue_of(&good);
        prop_assert_eq!((queue.len(), queue.is_empty()), (good.len(), good.is_empty()));
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| queue.work(run));
            }
        });
        let first = good.iter().position(|good| !good);
        prop_assert_eq!(queue.finish(run).map_err(|failure| failure.input), first.map_or(Ok(()), Err));
    }

    #[test]
    fn split_and_whole_agree(good in proptest::collection::vec(any::<bool>(), 1..20), size in 1usize..25) {
        let scripts: Vec<&[u8]> = good.iter().map(|good| if *good { &[0x51][..] } else { &[0x00][..] }).collect();
        let (tx, spent) = spending(&scripts);
        let whole = ScriptCheck::whole(&tx, &spent, Flags::P2SH, BITCOIN).run(None);
        let parts: Vec<_> = ScriptCheck::split(&tx, &spent, Flags::P2SH, BITCOIN, size.try_into().unwrap()).collect();
        prop_assert_eq!(parts.iter().map(ScriptCheck::inputs).sum::<usize>(), good.len());
        prop_assert_eq!(parts.iter().try_for_each(|check| check.run(None)), whole.clone());
        prop_assert_eq!(whole.map_err(|failure| failure.input), match good.iter().position(|good| !good) {
            None => Ok(()),
            Some(first) => Err(first),
        });
    }
}
