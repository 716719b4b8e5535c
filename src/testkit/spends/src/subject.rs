//! One input to be judged, and where such inputs come from.

use bitcoin::{Transaction, TxOut};

use crate::notation::spend;
use crate::{script_cases, tx_cases};

/// One input to be judged.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The transaction.
    pub tx: Transaction,
    /// Which of its inputs.
    pub index: usize,
    /// What its inputs spend, in their order.
    pub spent: Vec<TxOut>,
}

/// Every input of every vector.
pub fn subjects() -> Vec<Subject> {
    let mut subjects: Vec<Subject> = script_cases::pairs()
        .into_iter()
        .map(|(script_sig, witness, spent)| Subject {
            tx: spend(script_sig, witness, &spent),
            index: 0,
            spent: vec![spent],
        })
        .collect();
    // The transactions are fewer but richer, so each of their inputs comes four times.
    for _ in 0..4 {
        for case in tx_cases::read_all("tx_valid.json").into_iter().chain(tx_cases::read_all("tx_invalid.json")) {
            if let Some(spent) = case.prevouts() {
                let inputs = 0..case.tx.input.len();
                subjects.extend(inputs.map(|index| Subject { tx: case.tx.clone(), index, spent: spent.clone() }));
            }
        }
    }
    // What the other engine cannot be told: values that are no amounts.
    subjects.retain(|subject| subject.spent.iter().all(|output| i64::try_from(output.value.to_sat()).is_ok()));
    subjects
}
