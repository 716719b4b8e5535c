//! Signing what the wallet built.

use std::collections::BTreeMap;

use primitives::{Codec, Tx};
use signer::{Coin, Provider, sign_transaction};

use crate::wallet::Core;

/// The usual hash type: all of the transaction.
const SIGHASH_DEFAULT: i32 = 0;

impl Core {
    /// A transaction with all its signatures. `None` if one of them cannot be made, or if an input spends something that
    /// the wallet does not know.
    pub(crate) fn sign(&self, codec: Codec, tx: &Tx) -> Option<Tx> {
        let mut coins = BTreeMap::new();
        let mut provider = Provider::new(*self.keys.notation());
        for input in tx.inputs() {
            let outpoint = input.previous_output;
            let parent = self.ledger.get(&outpoint.txid)?;
            let out = parent.output(outpoint.vout)?.clone();
            self.add_signing(&out.script_pubkey, &mut provider);
            coins.insert(outpoint, Coin { out, reference_height: parent.tx().lock_height() });
        }
        let signed = sign_transaction(codec, tx, &coins, &provider, SIGHASH_DEFAULT, u64::MAX);
        signed.is_complete().then_some(signed.tx)
    }
}
