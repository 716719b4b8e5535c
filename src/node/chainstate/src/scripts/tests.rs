//! Verdicts are those of one thread, whoever helps; what the memory pool has run is not run again.

use bitcoin::{
    Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness, absolute::LockTime, hashes::Hash,
    transaction::Version,
};
use primitives::{CoinTail, Tx, TxOutEntry};
use script::{BITCOIN, ScriptError};

use super::*;

const FLAGS: Flags = Flags::P2SH;

/// A transaction whose inputs spend scripts that are true or false.
fn spending(number: u8, good: &[bool]) -> Spending {
    let input = |vout| TxIn {
        previous_output: OutPoint { txid: Txid::from_byte_array([number; 32]), vout },
        script_sig: ScriptBuf::new(),
        sequence: Sequence::MAX,
        witness: Witness::new(),
    };
    let output = |script: u8| TxOut { value: Amount::from_sat(1), script_pubkey: ScriptBuf::from_bytes(vec![script]) };
    let coin = |good: &bool| TxOutEntry::new(output(if *good { 0x51 } else { 0x00 }), 1, false, CoinTail::None);
    let tx = Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: (0..).map(input).take(good.len()).collect(),
        output: vec![output(0x51)],
    };
    Spending { tx: Arc::new(Tx::new(tx, None)), spent: Arc::new(good.iter().map(coin).collect()) }
}

fn checker(threads: usize) -> Arc<ScriptChecker> {
    Arc::new(ScriptChecker::new(threads, 1 << 20, &[7; 32], SaltedState::default()))
}

/// Which input of which transaction failed.
fn place(spendings: &[Spending], verdict: Result<(), ScriptFailure>) -> Option<(usize, usize)> {
    let failure = verdict.err()?;
    assert_eq!(failure.error, ScriptError::EvalFalse);
    Some((spendings.iter().position(|s| s.tx.txid() == failure.txid).unwrap(), failure.input))
}

#[test]
fn the_first_failure_is_the_same_for_any_number_of_threads() {
    let long = [[true; 40].as_slice(), &[false, true, false]].concat();
    let block = |bad: &[bool]| [spending(1, &[true]), spending(2, bad), spending(3, &long), spending(4, &[false])];
    for threads in [1, 2, 5] {
        let checker = checker(threads);
        for (bad, first) in [(&[true, false][..], (1, 1)), (&[true, true], (2, 40))] {
            let block = block(bad);
            assert_eq!(place(&block, ScriptChecker::check(&checker, &block, FLAGS, BITCOIN)), Some(first));
            assert_eq!(ScriptChecker::check(&checker, &block[..1], FLAGS, BITCOIN), Ok(()));
        }
        assert_eq!(ScriptChecker::check(&checker, &[], FLAGS, BITCOIN), Ok(()));
    }
}

#[test]
fn blocks_stand_in_line() {
    assert!(ScriptChecker::begin(&checker(1), &[], FLAGS, BITCOIN).is_none());
    let checker = checker(2);
    let block = |bad: bool| [spending(1, &[true; 50]), spending(2, &[true, !bad]), spending(3, &[true])];
    let asked: Vec<_> = (0..20)
        .map(|number| (number % 3 == 0, block(number % 3 == 0)))
        .map(|(bad, block)| (bad, ScriptChecker::begin(&checker, &block, FLAGS, BITCOIN).unwrap(), block))
        .collect();
    for (bad, verdict, block) in asked {
        assert_eq!(place(&block, verdict.recv().unwrap()), bad.then_some((1, 1)));
        // The coins are the caller's alone again.
        assert!(block.into_iter().all(|s| Arc::try_unwrap(s.spent).is_ok()));
    }
    let nothing = ScriptChecker::begin(&checker, &[], FLAGS, BITCOIN).unwrap();
    assert_eq!(nothing.recv().unwrap(), Ok(()));
}

#[test]
fn what_the_memory_pool_has_run_is_not_run_again() {
    for threads in [1, 2] {
        let checker = checker(threads);
        // Scripts that fail tell whether they were run. One transaction is a single check, the other several.
        let block = [spending(1, &[false]), spending(2, &[false; 40])];
        for spending in &block {
            checker.executions().insert(spending.tx.wtxid(), FLAGS);
        }
        assert_eq!(ScriptChecker::check(&checker, &block, FLAGS, BITCOIN), Ok(()));
        // The entries are used up.
        assert_eq!(place(&block, ScriptChecker::check(&checker, &block, FLAGS, BITCOIN)), Some((0, 0)));
        assert_eq!(place(&block, ScriptChecker::check(&checker, &block[1..], FLAGS, BITCOIN)), Some((1, 0)));
    }
}
