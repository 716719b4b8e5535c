//! Script checks as plain data.
//!
//! A [`ScriptCheck`] owns all that it needs, so that it can be sent to any thread and run there at any time. It stands for
//! some inputs of a transaction. What the signatures of a transaction have in common is computed once for all its checks.
//! A [`ScriptQueue`] hands the checks of a block to the threads that run them.

mod queue;

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;

use primitives::{Tx, TxOutEntry};
use script::{Dialect, Flags, Keep, SharedHashes, SignatureCache, TxData, TxSignatureChecker, verify_script_in};

pub use queue::ScriptQueue;

use crate::reason::ScriptFailure;

/// The scripts of some inputs of a transaction.
#[derive(Clone, Debug)]
pub struct ScriptCheck {
    tx: Arc<Tx>,
    spent: Arc<Vec<TxOutEntry>>,
    inputs: Range<usize>,
    flags: Flags,
    dialect: Dialect,
    /// What other checks of the same transaction compute, too; `None` if there are none.
    shared: Option<Arc<SharedHashes>>,
}

impl ScriptCheck {
    /// All inputs of a transaction that spends `spent`, in checks of at most `size` inputs.
    pub fn split(
        tx: &Arc<Tx>,
        spent: &Arc<Vec<TxOutEntry>>,
        flags: Flags,
        dialect: Dialect,
        size: NonZeroUsize,
    ) -> impl Iterator<Item = Self> {
        let count = if tx.is_coinbase() { 0 } else { tx.inputs().len() };
        let shared = (count > size.get()).then(Arc::<SharedHashes>::default);
        (0..count).step_by(size.get()).map(move |start| Self {
            tx: Arc::clone(tx),
            spent: Arc::clone(spent),
            inputs: start..count.min(start.saturating_add(size.get())),
            flags,
            dialect,
            shared: shared.clone(),
        })
    }

    /// All inputs of a transaction in one check.
    pub fn whole(tx: &Arc<Tx>, spent: &Arc<Vec<TxOutEntry>>, flags: Flags, dialect: Dialect) -> Self {
        let count = if tx.is_coinbase() { 0 } else { tx.inputs().len() };
        Self { tx: Arc::clone(tx), spent: Arc::clone(spent), inputs: 0..count, flags, dialect, shared: None }
    }

    /// How many inputs it stands for.
    pub fn inputs(&self) -> usize {
        self.inputs.len()
    }

    /// The transaction, if all of its inputs are in this check.
    pub fn whole_tx(&self) -> Option<&Tx> {
        (self.inputs() == self.tx.inputs().len()).then_some(&*self.tx)
    }

    /// Runs the scripts, and stops at the first that fails. Signatures that are in `cache` are not verified again.
    pub fn run(&self, cache: Option<(&SignatureCache, Keep)>) -> Result<(), ScriptFailure> {
        let tx = self.tx.inner();
        let own = SharedHashes::default();
        let data = TxData::sharing(&self.tx, &self.spent, self.shared.as_deref().unwrap_or(&own));
        for index in self.inputs.clone() {
            let input = &tx.input[index];
            let failure = |error| ScriptFailure {
                error,
                input: index,
                txid: self.tx.txid(),
                wtxid: self.tx.wtxid(),
                prevout: input.previous_output,
            };
            // A coin that is not there is the caller's mistake, and must not pass for a script that succeeded.
            let coin = self.spent.get(index).ok_or_else(|| failure(script::ScriptError::Unknown))?;
            let mut checker = TxSignatureChecker::new(&data, index, coin.out.value);
            if let Some((cache, keep)) = cache {
                checker = checker.with_cache(cache, keep);
            }
            let script_pubkey = &coin.out.script_pubkey;
            verify_script_in(&self.dialect, &input.script_sig, script_pubkey, &input.witness, self.flags, &checker)
                .map_err(failure)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
