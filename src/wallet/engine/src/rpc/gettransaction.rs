//! `gettransaction`

use ::rpc::{Code, Json, Object, Request, RpcError};
use primitives::{WitnessMode, hex};

use super::common::{last_processed, synced_wallet, txid_of};
use super::history::{Entries, Teller};
use super::render;
use crate::ledger::Ledger;
use crate::loader::Wallets;

pub(super) fn answer(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = synced_wallet(wallets, request)?;
    let txid = txid_of(request.arg("txid"), "txid")?;
    let verbose = request.bool("verbose")?;
    let shared = wallets.shared();
    wallet.read(|core| {
        let missing = || RpcError::new(Code::INVALID_ADDRESS_OR_KEY, "Invalid or non-wallet transaction id");
        let tx = core.ledger.get(&txid).ok_or_else(missing)?;
        let debit = core.ledger.debit(tx.tx());
        let credit = if core.ledger.is_immature(tx) { 0 } else { core.ledger.credit(tx, &core.keys) };
        let from_me = core.ledger.is_from_me(tx.tx());
        let fee = if from_me { Ledger::value_out(tx.tx()) - debit } else { 0 };
        let mut object = Object::new().with("amount", Json::amount(credit - debit - fee));
        if from_me {
            object.push("fee", Json::amount(fee));
        }
        let teller = Teller::new(core, shared, wallet.settings().spend_zero_conf_change)?;
        teller.push_tx(tx, &mut object)?;
        let which = Entries { min_depth: 0, with_details: false, label: None, with_change: false };
        let mut details = Vec::new();
        teller.push_entries(tx, &which, &mut details)?;
        object.push("details", details);
        object.push("hex", hex::encode(&tx.tx().to_bytes(WitnessMode::Include)));
        if verbose {
            let is_change = |script: &bitcoin::Script| core.is_change(script);
            object.push("decoded", render::tx(tx.tx(), shared.addresses(), &shared.notation, &is_change));
        }
        object.push("lastprocessedblock", last_processed(core));
        Ok(object.into())
    })
}
