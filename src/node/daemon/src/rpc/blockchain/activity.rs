//! What happened to the scripts of descriptors in some blocks, and what is about to happen.

use std::collections::{BTreeMap, HashSet};

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, method};
use bitcoin::{ScriptBuf, TxOut};
use chainstate::{Node, NodeId};
use descriptors::Notation;
use primitives::Tx;

use crate::{NodeContext, render, rpc::parse};

use super::{
    blocks, rates,
    scan::{needles, scan_objects},
};

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![activity()]
}

fn activity() -> Method<NodeContext> {
    let place = |of: &'static str| {
        [
            Res::hex("blockhash", format!("The blockhash this {of} appears in (omitted if unconfirmed)")).optional(),
            Res::num("height", format!("Height of the {of} (omitted if unconfirmed)")).optional(),
        ]
    };
    let mut spend = vec![
        Res::str("type", "always 'spend'"),
        Res::amount("amount", "The total amount in {ticker} of the spent output"),
    ];
    spend.extend(place("spend"));
    spend.extend([
        Res::hex("spend_txid", "The txid of the spending transaction"),
        Res::num("spend_vin", "The input index of the spend"),
        Res::hex("prevout_txid", "The txid of the prevout"),
        Res::num("prevout_vout", "The vout of the prevout"),
        Res::obj("prevout_spk", "", render::script_pubkey_fields()),
    ]);
    let mut receive = vec![
        Res::str("type", "always 'receive'"),
        Res::amount("amount", "The total amount in {ticker} of the new output"),
    ];
    receive.extend(place("receive"));
    receive.extend([
        Res::hex("txid", "The txid of the receiving transaction"),
        Res::num("vout", "The vout of the receiving output"),
        Res::obj("output_spk", "", render::script_pubkey_fields()),
    ]);
    let events = Res::arr("activity", "events", [Res::obj("", "", spend), Res::obj("", "", receive)]).skip_type_check();
    method(
        "blockchain",
        "getdescriptoractivity",
        "Get spend and receive activity associated with a set of descriptors for a set of blocks. \
         This command pairs well with the `relevant_blocks` output of `scanblocks()`.\n\
         This call may take several minutes. If you encounter timeouts, try specifying no RPC timeout (bitcoin-cli -rpcclienttimeout=0)",
    )
    .arg(Arg::arr(
        "blockhashes",
        "The list of blockhashes to examine for activity. Order doesn't matter. Must be along main chain or an error is thrown.\n",
        [Arg::hex("blockhash", "A valid blockhash").optional()],
    ))
    .arg(scan_objects("The list of descriptors (scan objects) to examine for activity. Every scan object is either a string descriptor or an object:"))
    .arg(Arg::bool("include_mempool", "Whether to include unconfirmed activity").default(true))
    .result(Res::obj("", "", [events]))
    .example_cli("'[\"000000000000000000001347062c12fded7c528943c8ce133987e2e2f5a840ee\"]' '[\"addr(bc1qzl6nsgqzu89a66l50cvwapnkw5shh23zarqkw9)\"]'")
    .run(answer_activity)
}

fn answer_activity(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let mut wanted: BTreeMap<u32, NodeId> = BTreeMap::new();
    for hash in request.arg("blockhashes").as_arr()? {
        let hash = parse::parse_hash(hash.as_str()?, "blockhash")?;
        let found = node.reader().find(&hash);
        let (id, block) = found.ok_or_else(|| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, "Block not found"))?;
        if !node.reader().is_active(id) {
            return Err(RpcError::invalid_parameter("Block is not in main chain"));
        }
        wanted.insert(block.height, id);
    }
    let scripts: HashSet<ScriptBuf> = needles(node, request.arg("scanobjects"))?.into_keys().collect();
    let mut watch = Watch { scripts, notation: Notation::new(node.config.coin(), node.config.chain()), events: vec![] };
    for id in wanted.into_values() {
        let found = node.reader().node(id);
        let block = blocks::stored_block(node, &found)?;
        let undo = rates::undo_of(node, &found)?;
        for (index, tx) in block.txs.iter().enumerate() {
            let spent = index.checked_sub(1).and_then(|index| undo.txs.get(index));
            let spent = spent.map_or(&[][..], |tx| tx.spent.as_slice());
            watch.look(tx, spent.iter().map(|entry| &entry.out), Some(&found));
        }
    }
    if request.bool("include_mempool")? {
        let txs: Vec<_> =
            node.mempool().read().in_mining_order().map(|(entry, _)| std::sync::Arc::clone(&entry.tx)).collect();
        let disk = |e: store::StoreError| RpcError::new(Code::DATABASE_ERROR, e.to_string());
        for tx in txs {
            let Some(spent) = node.spent_by(&tx).map_err(disk)? else { continue };
            watch.look(&tx, spent.iter().map(|entry| &entry.out), None);
        }
    }
    Ok(Object::new().with("activity", Json::Arr(watch.events)).into())
}

/// What is looked for, and what was found.
struct Watch {
    scripts: HashSet<ScriptBuf>,
    notation: Notation,
    events: Vec<Json>,
}

impl Watch {
    fn look<'a>(&mut self, tx: &Tx, spent: impl Iterator<Item = &'a TxOut>, block: Option<&Node>) {
        let event = |kind: &'static str, output: &TxOut| {
            let mut event = Object::new().with("type", kind).with("amount", Json::amount(consensus::value_of(output)));
            if let Some(block) = block {
                event.push("blockhash", block.hash.to_string());
                event.push("height", block.height);
            }
            event
        };
        for (vin, (input, output)) in tx.inputs().iter().zip(spent).enumerate() {
            if self.scripts.contains(&output.script_pubkey) {
                let spend = event("spend", output)
                    .with("spend_txid", tx.txid().to_string())
                    .with("spend_vin", vin)
                    .with("prevout_txid", input.previous_output.txid.to_string())
                    .with("prevout_vout", input.previous_output.vout)
                    .with("prevout_spk", render::script_pubkey(&output.script_pubkey, &self.notation));
                self.events.push(spend.into());
            }
        }
        for (vout, output) in tx.outputs().iter().enumerate() {
            if self.scripts.contains(&output.script_pubkey) {
                let receive = event("receive", output)
                    .with("txid", tx.txid().to_string())
                    .with("vout", vout)
                    .with("output_spk", render::script_pubkey(&output.script_pubkey, &self.notation));
                self.events.push(receive.into());
            }
        }
    }
}
