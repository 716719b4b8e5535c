//! What was received, by address and by label.

use std::collections::BTreeMap;

use ::rpc::{Code, Json, Method, Object, Request, RpcError};
use bitcoin::Txid;
use primitives::Destination;

use super::coins::counts;
use super::common::synced_wallet;
use super::docs::transactions as docs;
use crate::book::BookEntry;
use crate::ledger::Owner;
use crate::loader::Wallets;
use crate::wallet::Core;

pub(super) fn methods() -> Vec<Method<Wallets>> {
    vec![
        docs::listreceivedbyaddress().run(|wallets, request| answer(wallets, request, false)),
        docs::listreceivedbylabel().run(|wallets, request| answer(wallets, request, true)),
    ]
}

/// What came to an address or a label.
#[derive(Default)]
struct Tally {
    amount: i64,
    confirmations: Option<i32>,
    txids: Vec<Txid>,
}

impl Tally {
    fn add(&mut self, amount: i64, confirmations: Option<i32>) {
        self.amount += amount;
        self.confirmations = match (self.confirmations, confirmations) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    fn confirmations(&self) -> i32 {
        self.confirmations.unwrap_or(0)
    }
}

fn answer(wallets: &Wallets, request: &Request, by_label: bool) -> Result<Json, RpcError> {
    let wallet = synced_wallet(wallets, request)?;
    let (min_depth, with_empty): (i32, bool) = (request.int("minconf")?, request.bool("include_empty")?);
    let with_immature = request.bool("include_immature_coinbase")?;
    let mut only = None;
    if !by_label && let Some(text) = request.opt_str("address_filter")?.filter(|text| !text.is_empty()) {
        let wrong = |_| RpcError::new(Code::WALLET_ERROR, "address_filter parameter was invalid");
        only = Some(wallets.shared().addresses().decode(text).map_err(wrong)?);
    }
    Ok(wallet.read(|core| {
        let tally = tally(core, min_depth, with_immature, only.as_ref());
        let wanted = |destination: &Destination| {
            tally.contains_key(destination) || (with_empty && core.keys.is_mine(&core.addresses.script(destination)))
        };
        let entries: Vec<(&Destination, &BookEntry)> = match &only {
            Some(only) => core.book.find(only).map(|entry| (only, entry)).into_iter().collect(),
            None => core.book.entries().collect(),
        };
        let entries = entries.into_iter().filter(|(destination, _)| wanted(destination));
        if by_label { show_labels(entries, &tally) } else { show_addresses(core, entries, &tally) }
    }))
}

fn tally(core: &Core, min_depth: i32, with_immature: bool, only: Option<&Destination>) -> BTreeMap<Destination, Tally> {
    let mut tally: BTreeMap<Destination, Tally> = BTreeMap::new();
    for tx in core.ledger.in_order().filter(|tx| counts(core, tx, min_depth, with_immature)) {
        for output in tx.tx().outputs().iter().filter(|output| core.keys.is_mine(&output.script_pubkey)) {
            let destination = core.destination(&output.script_pubkey);
            if !destination.has_address() || only.is_some_and(|only| *only != destination) {
                continue;
            }
            let entry = tally.entry(destination).or_default();
            entry.add(consensus::value_of(output), Some(core.ledger.depth(tx)));
            entry.txids.push(tx.txid());
        }
    }
    tally
}

fn show_addresses<'a>(
    core: &Core,
    entries: impl Iterator<Item = (&'a Destination, &'a BookEntry)>,
    tally: &BTreeMap<Destination, Tally>,
) -> Json {
    let empty = Tally::default();
    let show = |(destination, entry): (&Destination, &BookEntry)| {
        let received = tally.get(destination).unwrap_or(&empty);
        Object::new()
            .with("address", core.addresses.encode(destination))
            .with("amount", Json::amount(received.amount))
            .with("confirmations", received.confirmations())
            .with("label", entry.label_text())
            .with("txids", received.txids.iter().map(ToString::to_string).collect::<Json>())
    };
    entries.map(show).collect()
}

fn show_labels<'a>(
    entries: impl Iterator<Item = (&'a Destination, &'a BookEntry)>,
    tally: &BTreeMap<Destination, Tally>,
) -> Json {
    let mut labels: BTreeMap<String, Tally> = BTreeMap::new();
    for (destination, entry) in entries {
        let label = labels.entry(entry.label_text()).or_default();
        if let Some(received) = tally.get(destination) {
            label.add(received.amount, received.confirmations);
        }
    }
    let show = |(label, received): (String, Tally)| {
        Object::new()
            .with("amount", Json::amount(received.amount))
            .with("confirmations", received.confirmations())
            .with("label", label)
    };
    labels.into_iter().map(show).collect()
}
