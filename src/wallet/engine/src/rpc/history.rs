//! Lists of transactions, and giving one up.

use std::collections::BTreeSet;

use ::rpc::values::hash_from_value;
use ::rpc::{Code, Json, Method, Object, Request, RpcError};
use bitcoin::BlockHash;
use bitcoin::hashes::Hash;
use primitives::{Destination, hex};

use super::common::{label_of, parent_descs, synced_wallet, txid_of};
use super::docs::transactions as docs;
use super::gettransaction;
use crate::convert;
use crate::ledger::{Amounts, State, WalletTx};
use crate::loader::Wallets;
use crate::shared::Shared;
use crate::wallet::{Core, road};

pub(super) fn methods() -> Vec<Method<Wallets>> {
    vec![
        docs::abandontransaction().run(abandon),
        docs::gettransaction().run(gettransaction::answer),
        docs::listsinceblock().run(list_since_block),
        docs::listtransactions().run(list),
    ]
}

/// How many fields an entry has at most, as a rule.
const FIELDS: usize = 24;

/// Which entries of a transaction are shown.
pub(super) struct Entries<'a> {
    pub(super) min_depth: i32,
    pub(super) with_details: bool,
    pub(super) label: Option<&'a str>,
    pub(super) with_change: bool,
}

/// Shows transactions.
pub(super) struct Teller<'a> {
    core: &'a Core,
    shared: &'a Shared,
    trust_change: bool,
    with_bip125: bool,
}

impl<'a> Teller<'a> {
    pub(super) fn new(core: &'a Core, shared: &'a Shared, trust_change: bool) -> Result<Self, RpcError> {
        let with_bip125 = shared.memo.is_deprecated("bip125", &*shared.chain).map_err(road)?;
        Ok(Self { core, shared, trust_change, with_bip125 })
    }

    fn block_time(&self, block: &BlockHash) -> Result<i64, RpcError> {
        let time = self.shared.memo.block_time(block, &*self.shared.chain).map_err(road)?;
        Ok(time.unwrap_or(0))
    }

    /// What is said of any transaction.
    pub(super) fn push_tx(&self, tx: &WalletTx, object: &mut Object) -> Result<(), RpcError> {
        let ledger = &self.core.ledger;
        let depth = ledger.depth(tx);
        object.push("confirmations", depth);
        if tx.tx().is_coinbase() {
            object.push("generated", true);
        }
        if let State::Confirmed { block, height, index } = tx.state() {
            object.push("blockhash", hex::of_hash(&block));
            object.push("blockheight", height);
            object.push("blockindex", index);
            object.push("blocktime", self.block_time(&block)?);
        } else {
            let trusted = ledger.is_trusted(tx, &self.core.keys, self.trust_change, &mut BTreeSet::default());
            object.push("trusted", trusted);
        }
        if let Some(height) = tx.tx().lock_height() {
            object.push("refheight", height);
        }
        object.push("txid", hex::of_hash(&tx.txid()));
        object.push("wtxid", hex::of_hash(&tx.tx().wtxid()));
        let mut others: Vec<String> = tx.variants().map(|variant| hex::of_hash(&variant.wtxid())).collect();
        others.sort_unstable();
        object.push("alternate_wtxids", others);
        let ids = |ids: &BTreeSet<bitcoin::Txid>| ids.iter().map(hex::of_hash).collect::<Json>();
        object.push("walletconflicts", ids(&ledger.conflicts(tx)));
        object.push("mempoolconflicts", ids(tx.mempool_conflicts()));
        object.push("time", tx.time());
        object.push("timereceived", tx.details().time_received);
        if self.with_bip125 {
            let signals = tx.tx().inputs().iter().any(|input| input.sequence.0 < 0xffff_fffe);
            let word = match depth {
                1.. => "no",
                _ if signals => "yes",
                _ if tx.in_mempool() => "no",
                _ => "unknown",
            };
            object.push("bip125-replaceable", word);
        }
        let notes = tx.notes();
        for (key, text) in [("comment", &notes.comment), ("to", &notes.comment_to)] {
            if let Some(text) = text {
                object.push(key, text.to_lossy());
            }
        }
        for (key, txid) in [("replaces_txid", notes.replaces), ("replaced_by_txid", notes.replaced_by)] {
            if let Some(txid) = txid {
                object.push(key, txid.to_string());
            }
        }
        Ok(())
    }

    /// Adds an entry for each output that was paid, and for each that was received.
    pub(super) fn push_entries(&self, tx: &WalletTx, which: &Entries<'_>, out: &mut Vec<Json>) -> Result<(), RpcError> {
        let core = self.core;
        let is_change = |script: &bitcoin::Script| core.is_change(script);
        let hide: Option<&dyn Fn(&bitcoin::Script) -> bool> = if which.with_change { None } else { Some(&is_change) };
        let amounts = core.ledger.amounts(tx, &core.keys, hide);
        if which.label.is_none() {
            self.push_sent(tx, &amounts, which, out)?;
        }
        if core.ledger.depth(tx) >= which.min_depth {
            self.push_received(tx, &amounts, which, out)?;
        }
        Ok(())
    }

    fn destination(&self, tx: &WalletTx, vout: u32) -> Option<Destination> {
        tx.output(vout).map(|output| self.core.destination(&output.script_pubkey))
    }

    fn push_address(&self, destination: Option<&Destination>, object: &mut Object) {
        let address = destination.filter(|destination| destination.has_address());
        if let Some(address) = address.and_then(|destination| self.core.addresses.encode(destination)) {
            object.push("address", address);
        }
    }

    fn push_sent(
        &self,
        tx: &WalletTx,
        amounts: &Amounts,
        which: &Entries<'_>,
        out: &mut Vec<Json>,
    ) -> Result<(), RpcError> {
        for entry in &amounts.sent {
            let destination = self.destination(tx, entry.vout);
            let mut object = Object::with_capacity(FIELDS);
            self.push_address(destination.as_ref(), &mut object);
            object.push("category", "send");
            object.push("amount", Json::amount(-entry.amount));
            if let Some(known) = destination.and_then(|destination| self.core.book.find(&destination)) {
                object.push("label", known.label_text());
            }
            object.push("vout", entry.vout);
            object.push("fee", Json::amount(-amounts.fee));
            if which.with_details {
                self.push_tx(tx, &mut object)?;
            }
            object.push("abandoned", tx.is_abandoned());
            out.push(object.into());
        }
        Ok(())
    }

    fn push_received(
        &self,
        tx: &WalletTx,
        amounts: &Amounts,
        which: &Entries<'_>,
        out: &mut Vec<Json>,
    ) -> Result<(), RpcError> {
        let ledger = &self.core.ledger;
        for entry in &amounts.received {
            let Some(output) = tx.output(entry.vout) else { continue };
            let destination = self.core.destination(&output.script_pubkey);
            let label = self.core.book.find(&destination).map(crate::book::BookEntry::label_text);
            if which.label.is_some_and(|wanted| label.as_deref().unwrap_or_default() != wanted) {
                continue;
            }
            let mut object = Object::with_capacity(FIELDS);
            self.push_address(Some(&destination), &mut object);
            object.push("parent_descs", parent_descs(self.core, &output.script_pubkey));
            let category = match tx.tx().is_coinbase() {
                false => "receive",
                true if ledger.depth(tx) < 1 => "orphan",
                true if ledger.is_immature(tx) => "immature",
                true => "generate",
            };
            object.push("category", category);
            object.push("amount", Json::amount(entry.amount));
            if let Some(label) = label {
                object.push("label", label);
            }
            object.push("vout", entry.vout);
            object.push("abandoned", tx.is_abandoned());
            if which.with_details {
                self.push_tx(tx, &mut object)?;
            }
            out.push(object.into());
        }
        Ok(())
    }
}

fn list(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = synced_wallet(wallets, request)?;
    let label = match request.param(0) {
        Json::Null => None,
        value if value.as_str()? == "*" => None,
        value => Some(label_of(value)?),
    };
    if label.as_deref() == Some("") {
        return Err(RpcError::invalid_parameter("Label argument must be a valid label name or \"*\"."));
    }
    let (count, skip): (i32, i32) = (request.int("count")?, request.int("skip")?);
    let count = usize::try_from(count).map_err(|_| RpcError::invalid_parameter("Negative count"))?;
    let skip = usize::try_from(skip).map_err(|_| RpcError::invalid_parameter("Negative from"))?;
    let shared = wallets.shared();
    wallet.read(|core| {
        let teller = Teller::new(core, shared, wallet.settings().spend_zero_conf_change)?;
        let which = Entries { min_depth: 0, with_details: true, label: label.as_deref(), with_change: false };
        let mut found = Vec::new();
        for tx in core.ledger.in_order().rev() {
            teller.push_entries(tx, &which, &mut found)?;
            if found.len() >= count.saturating_add(skip) {
                break;
            }
        }
        // The newest come first; the answer begins with the oldest.
        let mut wanted: Vec<Json> = found.into_iter().skip(skip).take(count).collect();
        wanted.reverse();
        Ok(Json::Arr(wanted))
    })
}

fn list_since_block(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = synced_wallet(wallets, request)?;
    let chain = &*wallets.shared().chain;
    let tip = wallet.read(|core| core.ledger.tip());
    let not_found = || RpcError::new(Code::INVALID_ADDRESS_OR_KEY, "Block not found");
    // Where to start, and the block that was named, which may have left the chain.
    let mut since = None;
    if let Some(value) = request.opt("blockhash").filter(|value| value.as_str() != Ok("")) {
        let named = interfaces::BlockHash(hash_from_value(value, "blockhash")?);
        let common = chain.find_common_ancestor(named, convert::to_hash(&tip.hash)).map_err(road)?;
        let (Some(ancestor), Some(first)) = (common.ancestor, common.first) else { return Err(not_found()) };
        since = Some((ancestor.height, first));
    }
    let confirmations: i32 = request.int("target_confirmations")?;
    if confirmations < 1 {
        return Err(RpcError::invalid_parameter("Invalid parameter"));
    }
    let (with_removed, with_change) = (request.bool("include_removed")?, request.bool("include_change")?);
    let label = request.opt("label").map(label_of).transpose()?;
    let removed_blocks = match since {
        Some((height, first)) if with_removed => removed(wallets, first, height)?,
        _ => Vec::new(),
    };
    let depth = since.map(|(height, _)| tip.height.saturating_add(1).saturating_sub(height));
    let mut answer = wallet.read(|core| {
        let teller = Teller::new(core, wallets.shared(), wallet.settings().spend_zero_conf_change)?;
        let label = label.as_deref();
        let which = Entries { min_depth: 0, with_details: true, label, with_change };
        let mut found = Vec::new();
        for tx in core.ledger.in_order() {
            if depth.is_none_or(|depth| core.ledger.depth(tx).abs() < depth) {
                teller.push_entries(tx, &which, &mut found)?;
            }
        }
        let mut answer = Object::new().with("transactions", found);
        if with_removed {
            let which = Entries { min_depth: i32::MIN, ..which };
            let mut gone = Vec::new();
            for tx in removed_blocks.iter().filter_map(|txid| core.ledger.get(txid)) {
                teller.push_entries(tx, &which, &mut gone)?;
            }
            answer.push("removed", gone);
        }
        Ok::<_, RpcError>(answer)
    })?;
    let blocks = tip.height.saturating_add(1);
    let back = confirmations.min(blocks);
    let last = chain.find_ancestor_by_height(convert::to_hash(&tip.hash), blocks - back).map_err(road)?;
    let last = last.map_or_else(|| BlockHash::all_zeros().to_string(), |found| found.block.hash.to_string());
    answer.push("lastblock", last);
    Ok(answer.into())
}

/// The transactions of blocks that left the chain: from a block down to where the chain is still the same.
fn removed(wallets: &Wallets, from: interfaces::BlockRef, height: i32) -> Result<Vec<bitcoin::Txid>, RpcError> {
    let shared = wallets.shared();
    let unreadable = || RpcError::new(Code::INTERNAL_ERROR, "Can't read block from disk");
    let (mut txids, mut hash) = (Vec::new(), from.hash);
    for _ in height..from.height {
        // A file that is gone is the node's failure, and the road's only in its words.
        let found = shared.chain.find_block(hash, true).map_err(|_| unreadable())?;
        let data = found.and_then(|found| found.data).ok_or_else(unreadable)?;
        let block = shared.codec.decode_block(data.as_bytes()).map_err(|_| unreadable())?;
        txids.extend(block.txs.iter().map(|tx| tx.txid()));
        hash = convert::to_hash(&block.header.prev());
    }
    Ok(txids)
}

fn abandon(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = synced_wallet(wallets, request)?;
    let txid = txid_of(request.arg("txid"), "txid")?;
    let refused = |text: &'static str| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, text);
    wallet.change(|core, draft| {
        if core.ledger.get(&txid).is_none() {
            return Err(refused("Invalid or non-wallet transaction id"));
        }
        if !core.ledger.abandon(&txid, &mut draft.changes) {
            return Err(refused("Transaction not eligible for abandonment"));
        }
        Ok(())
    })?;
    Ok(Json::Null)
}
