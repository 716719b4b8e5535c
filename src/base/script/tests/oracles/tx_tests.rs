//! `tx_valid.json` and `tx_invalid.json`: whole transactions, and which flags make or break them.

use std::collections::HashSet;

use bitcoin::{OutPoint, Transaction};
use script::{Flags, TxData, TxSignatureChecker, verify_script};
use spends::tx_cases::{Case, read_all};

use crate::common::{Dice, fill, trim};

/// Verifies every input. Amounts are given, but nothing else is said about what is spent.
fn is_valid(case: &Case, flags: Flags) -> bool {
    let data = TxData::without_prevouts(&case.tx);
    case.tx.input.iter().enumerate().all(|(index, input)| {
        let (script, amount) = &case.spent[&input.previous_output];
        let checker = TxSignatureChecker::new(&data, index, *amount);
        verify_script(&input.script_sig, script, &input.witness, flags, &checker).is_ok()
    })
}

/// The checks on a transaction by itself, which decide the cases marked `BADTX`.
fn is_well_formed(tx: &Transaction) -> bool {
    let max = 2_100_000_000_000_000;
    let values = tx.output.iter().map(|output| output.value.to_sat());
    let distinct: HashSet<OutPoint> = tx.input.iter().map(|input| input.previous_output).collect();
    !tx.input.is_empty()
        && !tx.output.is_empty()
        && tx.base_size() * 4 <= 4_000_000
        && values.clone().all(|value| value <= max)
        && values.sum::<u64>() <= max
        && distinct.len() == tx.input.len()
        && if tx.is_coinbase() {
            (2..=100).contains(&tx.input[0].script_sig.len())
        } else {
            tx.input.iter().all(|input| !input.previous_output.is_null())
        }
}

/// Every set with one flag less.
fn one_less(flags: Flags) -> HashSet<Flags> {
    Flags::NAMED.iter().map(|(_, flag)| trim(flags.without(*flag))).filter(|less| *less != flags).collect()
}

#[test]
fn valid_transactions_stay_valid_with_fewer_flags() {
    let all = read_all("tx_valid.json");
    let mut dice = Dice(0x7871_a11d);
    for case in &all {
        assert!(is_well_formed(&case.tx), "{}", case.tx.compute_txid());
        // The file names the flags that have to be off.
        let off: Flags = case.flags.parse().unwrap();
        assert_eq!(!off, fill(!off));
        let id = case.tx.compute_txid();
        assert!(is_valid(case, !off), "{id} without {off}");
        for (_, flag) in Flags::NAMED {
            for off in [off | *flag, off | dice.flags()] {
                assert!(is_valid(case, trim(!off)), "{id} without {off}");
            }
        }
        for off in one_less(off) {
            assert!(!is_valid(case, !off), "{id} needs more flags off than {off}");
        }
    }
    vectors::ran("tx_valid.json", all.len(), 121);
}

#[test]
fn invalid_transactions_stay_invalid_with_more_flags() {
    let all = read_all("tx_invalid.json");
    let mut dice = Dice(0x7871_0bad);
    for case in &all {
        let id = case.tx.compute_txid();
        if !is_well_formed(&case.tx) {
            assert_eq!(case.flags, "BADTX", "{id}");
            continue;
        }
        let flags: Flags = case.flags.parse().unwrap();
        assert_eq!(flags, fill(flags));
        assert!(!is_valid(case, flags), "{id} under {flags}");
        for (_, flag) in Flags::NAMED {
            for more in [flags | *flag, flags | dice.flags()] {
                assert!(!is_valid(case, fill(more)), "{id} under {more}");
            }
        }
        for less in one_less(flags) {
            assert!(is_valid(case, less), "{id} needs fewer flags than {flags}: {less}");
        }
    }
    vectors::ran("tx_invalid.json", all.len(), 93);
}
