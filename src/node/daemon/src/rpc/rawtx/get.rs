//! One transaction, of a block or of the pool.

use std::sync::Arc;

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, method};
use bitcoin::{BlockHash, Txid};
use chainstate::{Node, NodeId};
use descriptors::Notation;
use primitives::{Block, TxOutEntry, WitnessMode, hex};

use crate::{
    NodeContext, render,
    rpc::{blockchain::stored_block, parse},
};

pub(super) fn get() -> Method<NodeContext> {
    let place = || {
        vec![
            Res::bool("in_active_chain", "Whether specified block is in the active chain or not (only present with explicit \"blockhash\" argument)").optional(),
            Res::hex("blockhash", "the block hash").optional(),
            Res::num("vsize_adjusted", "Sigop-adjusted virtual size in bytes, present for mempool transactions.").optional().since(32),
            Res::num("confirmations", "The confirmations").optional(),
            Res::time("blocktime", "The block time expressed in UNIX epoch time").optional(),
            Res::num("time", "Same as \"blocktime\"").optional(),
        ]
    };
    let fields = |with_prevout| {
        let mut fields = place();
        fields.extend(render::tx_fields("{ticker}", with_prevout, with_prevout, true));
        Res::obj("", "", fields)
    };
    method(
        "rawtransactions",
        "getrawtransaction",
        "By default, this call only returns a transaction if it is in the mempool. If -txindex is enabled\n\
         and no blockhash argument is passed, it will return the transaction if it is in the mempool or any block.\n\
         If a blockhash argument is passed, it will return the transaction if\n\
         the specified block is available and the transaction is in that block.\n\n\
         Hint: Use gettransaction for wallet transactions.\n\n\
         If verbosity is 0 or omitted, returns the serialized transaction as a hex-encoded string.\n\
         If verbosity is 1, returns a JSON Object with information about the transaction.\n\
         If verbosity is 2, returns a JSON Object with information about the transaction, including fee and prevout information.",
    )
    .arg(Arg::hex("txid", "The transaction id"))
    .arg(
        Arg::num(
            "verbosity|verbose",
            "0 for hex-encoded data, 1 for a JSON object, and 2 for JSON object with fee and prevout",
        )
        .default(0)
        .skip_type_check(),
    )
    .arg(Arg::hex("blockhash", "The block in which to look for the transaction").optional())
    .result(
        Res::str("data", "The serialized transaction as a hex-encoded string for 'txid'")
            .when("if verbosity is not set or set to 0"),
    )
    .result(fields(false).when("if verbosity is set to 1"))
    .result(fields(true).when("for verbosity = 2"))
    .example_cli("\"mytxid\"")
    .example_cli("\"mytxid\" 1")
    .example_rpc("\"mytxid\", 1")
    .example_cli("\"mytxid\" 0 \"myblockhash\"")
    .example_cli("\"mytxid\" 1 \"myblockhash\"")
    .example_cli("\"mytxid\" 2 \"myblockhash\"")
    .run(answer)
}

fn answer(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let txid: Txid = parse::parse_hash(request.str("txid")?, "parameter 1")?;
    let genesis = node.reader().at_height(0).map(|id| node.reader().node(id).header.merkle_root.to_raw_hash());
    if genesis == Some(txid.to_raw_hash()) {
        return Err(RpcError::new(
            Code::INVALID_ADDRESS_OR_KEY,
            "The genesis block coinbase is not considered an ordinary transaction and cannot be retrieved",
        ));
    }
    let verbosity = request.verbosity("verbosity", 0, true)?;
    let Some(hash) = request.opt_str("blockhash")? else {
        return match in_mempool(node, &txid, verbosity) {
            Some(shown) => Ok(shown),
            None => in_index(node, txid, verbosity),
        };
    };
    in_block(node, parse::parse_hash(hash, "parameter 3")?, txid, verbosity, true)
}

/// A transaction that the index knows.
fn in_index(node: &NodeContext, txid: Txid, verbosity: i32) -> Result<Json, RpcError> {
    let Some(index) = &node.library().txs else {
        return Err(not_found(
            "No such mempool transaction. Use -txindex or provide a block hash to enable blockchain transaction queries",
        ));
    };
    let ready = node.library().wait_for("txindex", node);
    let found = index.find(node.reader(), txid).map_err(|e| RpcError::new(Code::INTERNAL_ERROR, e.to_string()))?;
    match found {
        Some(found) if verbosity <= 0 => Ok(hex::encode(&found.tx.to_bytes(WitnessMode::Include)).into()),
        Some(found) => in_block(node, found.block, txid, verbosity, false),
        None if ready => Err(not_found("No such mempool or blockchain transaction")),
        None => Err(not_found(
            "No such mempool transaction. Blockchain transactions are still in the process of being indexed",
        )),
    }
}

/// A transaction of a block; whoever named the block is told whether it is in the active chain.
fn in_block(node: &NodeContext, hash: BlockHash, txid: Txid, verbosity: i32, named: bool) -> Result<Json, RpcError> {
    let found = node.reader().find(&hash);
    let (id, stored) = found.ok_or_else(|| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, "Block hash not found"))?;
    let block = stored_block(node, &stored).map_err(|_| RpcError::misc("Block not available"))?;
    let place = block.txs.iter().position(|tx| tx.txid() == txid);
    let place = place.ok_or_else(|| not_found("No such transaction found in the provided block"))?;
    if verbosity <= 0 {
        return Ok(hex::encode(&block.txs[place].to_bytes(WitnessMode::Include)).into());
    }
    let spent = if verbosity >= 2 { spent(node, &stored, place)? } else { None };
    let place = (id, &stored, place);
    Ok(show(node, place, &block, spent.as_deref(), named).into())
}

/// A transaction that waits for a block.
fn in_mempool(node: &NodeContext, txid: &Txid, verbosity: i32) -> Option<Json> {
    let (tx, vsize) = {
        let pool = node.mempool().read();
        let entry = pool.entry(txid)?;
        (Arc::clone(&entry.tx), entry.vsize)
    };
    if verbosity <= 0 {
        return Some(hex::encode(&tx.to_bytes(WitnessMode::Include)).into());
    }
    let notation = Notation::new(node.config.coin(), node.config.chain());
    let mut shown = Object::new().with("vsize_adjusted", vsize);
    for (key, value) in render::tx(&tx, None, &notation, render::Prevouts::Unknown, true) {
        shown.push(key, value);
    }
    Some(shown.into())
}

fn not_found(why: &str) -> RpcError {
    RpcError::new(Code::INVALID_ADDRESS_OR_KEY, format!("{why}. Use gettransaction for wallet transactions."))
}

/// What a transaction of a block spends, unless that is not known. A coinbase spends nothing.
fn spent(node: &NodeContext, stored: &Node, place: usize) -> Result<Option<Vec<TxOutEntry>>, RpcError> {
    let Some(place) = place.checked_sub(1) else { return Ok(None) };
    let Some(undo) = node.reader().undo(stored) else { return Ok(None) };
    let undo = undo.map_err(|e| {
        tracing::error!("{e}");
        RpcError::new(
            Code::INTERNAL_ERROR,
            "Undo data expected but can't be read. This could be due to disk corruption or a conflict with a pruning event.",
        )
    })?;
    Ok(undo.txs.into_iter().nth(place).map(|tx| tx.spent))
}

fn show(
    node: &NodeContext,
    (id, stored, place): (NodeId, &Node, usize),
    block: &Block,
    spent: Option<&[TxOutEntry]>,
    named: bool,
) -> Object {
    let active = node.reader().is_active(id);
    let notation = Notation::new(node.config.coin(), node.config.chain());
    let prevouts = spent.map_or(render::Prevouts::Unknown, render::Prevouts::Shown);
    let mut object = Object::new();
    if named {
        object.push("in_active_chain", active);
    }
    for (key, value) in render::tx(&block.txs[place], None, &notation, prevouts, true) {
        object.push(key, value);
    }
    object.push("blockhash", stored.hash.to_string());
    if active {
        let tip = node.reader().tip().map_or(0, |tip| tip.height);
        object.push("confirmations", (tip + 1).saturating_sub(stored.height));
        object.push("time", stored.header.time);
        object.push("blocktime", stored.header.time);
    } else {
        object.push("confirmations", 0);
    }
    object
}
