//! What a transaction meant for the wallet.

use bitcoin::Script;

use super::{Ledger, Owner, WalletTx};

/// An output that was paid or received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The place of the output.
    pub vout: u32,
    /// Its amount.
    pub amount: i64,
}

/// What went out and came in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Amounts {
    /// What was paid to somebody, change left out.
    pub sent: Vec<Entry>,
    /// What came to the wallet.
    pub received: Vec<Entry>,
    /// The fee, if the wallet spent coins.
    pub fee: i64,
}

impl Ledger {
    /// What the wallet's inputs of a transaction were worth.
    pub fn debit(&self, tx: &primitives::Tx) -> i64 {
        let next = u32::try_from(self.tip.height.saturating_add(1)).unwrap_or(0);
        let height = tx.lock_height().unwrap_or(next);
        let inputs = tx.inputs().iter().filter_map(|input| {
            let (parent, _) = self.coin(&input.previous_output)?;
            Some(self.worth_at(parent, input.previous_output.vout, height))
        });
        inputs.fold(0, i64::saturating_add)
    }

    /// What the outputs of a transaction pay to the wallet.
    pub fn credit(&self, tx: &WalletTx, owner: &dyn Owner) -> i64 {
        let outputs = tx.tx().outputs().iter().filter(|output| owner.is_mine(&output.script_pubkey));
        outputs.map(amount_of).fold(0, i64::saturating_add)
    }

    /// The sum of the outputs.
    pub fn value_out(tx: &primitives::Tx) -> i64 {
        tx.outputs().iter().map(amount_of).fold(0, i64::saturating_add)
    }

    /// What went out and came in. `is_change` tells the wallet's own outputs that are not worth a mention when it sends.
    pub fn amounts(&self, tx: &WalletTx, owner: &dyn Owner, is_change: Option<&dyn Fn(&Script) -> bool>) -> Amounts {
        let debit = self.debit(tx.tx());
        let mut amounts = Amounts::default();
        if debit > 0 {
            amounts.fee = debit.saturating_sub(Self::value_out(tx.tx()));
        }
        for (vout, output) in (0_u32..).zip(tx.tx().outputs()) {
            let mine = owner.is_mine(&output.script_pubkey);
            if debit > 0 {
                if is_change.is_some_and(|is_change| is_change(&output.script_pubkey)) {
                    continue;
                }
                amounts.sent.push(Entry { vout, amount: amount_of(output) });
            }
            if mine {
                amounts.received.push(Entry { vout, amount: amount_of(output) });
            }
        }
        amounts
    }
}

fn amount_of(output: &bitcoin::TxOut) -> i64 {
    i64::try_from(output.value.to_sat()).unwrap_or(0)
}
