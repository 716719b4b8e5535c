//! The cases of `tx_valid.json` and `tx_invalid.json`: whole transactions, and which flags make or break them.

use std::collections::HashMap;

use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, TxOut};
use serde_json::Value;

use crate::notation::{cases, parse, text, transaction, txid};

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// The transaction.
    pub tx: Transaction,
    /// What its inputs spend.
    pub spent: HashMap<OutPoint, (ScriptBuf, Amount)>,
    /// Flags as text; what they mean differs between the files.
    pub flags: String,
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
    pub fn prevouts(&self) -> Option<Vec<TxOut>> {
        let inputs = self.tx.input.iter();
        inputs
            .map(|input| {
                let (script, amount) = self.spent.get(&input.previous_output)?;
                Some(TxOut { value: *amount, script_pubkey: script.clone() })
            })
            .collect()
    }
}

/// All cases of a file.
pub fn read_all(name: &str) -> Vec<Case> {
    cases(&vectors::load(name)).into_iter().map(|row| Case::read(row)).collect()
}
