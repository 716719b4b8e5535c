//! `tx_valid.json` and `tx_invalid.json`: whole transactions, and which flags make or break them.

use std::collections::{HashMap, HashSet};

use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, TxOut};
use script::{Flags, TxData, TxSignatureChecker, verify_script};
use serde_json::Value;

use crate::common::{Dice, cases, fill, parse, text, transaction, trim, txid};

pub(crate) struct Case {
    pub(crate) tx: Transaction,
    pub(crate) spent: HashMap<OutPoint, (ScriptBuf, Amount)>,
    flags: String,
}

impl Case {
    fn read(row: &[Value]) -> Self {
        let [inputs, tx, flags] = row else { panic!("not three parts: {row:?}") };
        let spent = inputs.as_array().unwrap().iter().map(|input| {
            // Some outputs have the number -1.
            let number = input[1].as_i64().unwrap();
            let number = u32::try_from(number & 0xffff_ffff).unwrap();
            let amount = input.get(3).map_or(Amount::ZERO, |sats| Amount::from_sat(sats.as_u64().unwrap()));
            (OutPoint::new(txid(&input[0]), number), (parse(&input[2]), amount))
        });
        Self { tx: transaction(tx), spent: spent.collect(), flags: text(flags).to_owned() }
    }

    /// What the inputs spend, in their order.
    pub(crate) fn prevouts(&self) -> Option<Vec<TxOut>> {
        let inputs = self.tx.input.iter();
        inputs
            .map(|input| {
                let (script, amount) = self.spent.get(&input.previous_output)?;
                Some(TxOut { value: *amount, script_pubkey: script.clone() })
            })
            .collect()
    }

    /// Verifies every input. Amounts are given, but nothing else is said about what is spent.
    fn is_valid(&self, flags: Flags) -> bool {
        let data = TxData::without_prevouts(&self.tx);
        self.tx.input.iter().enumerate().all(|(index, input)| {
            let (script, amount) = &self.spent[&input.previous_output];
            let checker = TxSignatureChecker::new(&data, index, *amount);
            verify_script(&input.script_sig, script, &input.witness, flags, &checker).is_ok()
        })
    }
}

pub(crate) fn read_all(name: &str) -> Vec<Case> {
    cases(&vectors::load(name)).into_iter().map(|row| Case::read(row)).collect()
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
        assert!(case.is_valid(!off), "{id} without {off}");
        for (_, flag) in Flags::NAMED {
            for off in [off | *flag, off | dice.flags()] {
                assert!(case.is_valid(trim(!off)), "{id} without {off}");
            }
        }
        for off in one_less(off) {
            assert!(!case.is_valid(!off), "{id} needs more flags off than {off}");
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
        assert!(!case.is_valid(flags), "{id} under {flags}");
        for (_, flag) in Flags::NAMED {
            for more in [flags | *flag, flags | dice.flags()] {
                assert!(!case.is_valid(fill(more)), "{id} under {more}");
            }
        }
        for less in one_less(flags) {
            assert!(case.is_valid(less), "{id} needs fewer flags than {flags}: {less}");
        }
    }
    vectors::ran("tx_invalid.json", all.len(), 93);
}
