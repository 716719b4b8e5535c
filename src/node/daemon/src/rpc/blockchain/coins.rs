//! Unspent outputs: one, and all of them.

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, method};
use bitcoin::OutPoint;
use chainstate::HashKind;
use primitives::Addresses;

use crate::{NodeContext, render, rpc::parse};

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![tx_out(), tx_out_set_info()]
}

fn tx_out() -> Method<NodeContext> {
    let fields = [
        Res::hex("bestblock", "The hash of the block at the tip of the chain"),
        Res::num("confirmations", "The number of confirmations"),
        Res::amount("value", "The transaction value"),
        Res::obj("scriptPubKey", "", render::script_pubkey_fields()),
        Res::bool("coinbase", "Coinbase or not"),
    ];
    method("blockchain", "gettxout", "Returns details about an unspent transaction output.\n")
        .arg(Arg::hex("txid", "The transaction id"))
        .arg(Arg::num("n", "vout number"))
        .arg(Arg::bool("include_mempool", "Whether to include the mempool. Note that an unspent output that is spent in the mempool won't appear.").default(true))
        .result(Res::none("", "").when("If the UTXO was not found"))
        .result(Res::obj("", "", fields).when("Otherwise"))
        .example_cli("\"txid\" 1")
        .example_rpc("\"txid\", 1")
        .run(answer_tx_out)
}

fn answer_tx_out(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let out = OutPoint { txid: parse::hash(request, "txid")?, vout: request.int("n")? };
    let tip = node.reader().tip().ok_or_else(parse::no_tip)?;
    let disk = |e: store::StoreError| RpcError::new(Code::DATABASE_ERROR, e.to_string());
    let with_pool = request.bool("include_mempool")?;
    let coin = if with_pool { node.mempool().coin(node.reader(), &out) } else { node.reader().coin(&out) };
    let Some(coin) = coin.map_err(disk)? else { return Ok(Json::Null) };
    if with_pool && node.mempool().read().spender(&out).is_some() {
        return Ok(Json::Null);
    }
    let addresses = Addresses::new(node.config.coin(), node.config.chain());
    Ok(Object::new()
        .with("bestblock", tip.hash.to_string())
        .with("confirmations", (tip.height + 1).saturating_sub(coin.height))
        .with("value", Json::amount(consensus::value_of(&coin.out)))
        .with("scriptPubKey", render::script_pubkey(&coin.out.script_pubkey, &addresses))
        .with("coinbase", coin.coinbase)
        .into())
}

fn tx_out_set_info() -> Method<NodeContext> {
    let fields = [
        Res::num("height", "The block height (index) of the returned statistics"),
        Res::hex("bestblock", "The hash of the block at which these statistics are calculated"),
        Res::num("txouts", "The number of unspent transaction outputs"),
        Res::num("bogosize", "Database-independent, meaningless metric indicating the UTXO set size"),
        Res::hex("hash_serialized_3", "The serialized hash (only present if 'hash_serialized_3' hash_type is chosen)")
            .optional(),
        Res::hex("muhash", "The serialized hash (only present if 'muhash' hash_type is chosen)").optional(),
        Res::num(
            "transactions",
            "The number of transactions with unspent outputs (not available when coinstatsindex is used)",
        )
        .optional(),
        Res::num(
            "disk_size",
            "The estimated size of the chainstate on disk (not available when coinstatsindex is used)",
        )
        .optional(),
        Res::amount("total_amount", "The total amount of coins in the UTXO set"),
    ];
    method(
        "blockchain",
        "gettxoutsetinfo",
        "Returns statistics about the unspent transaction output set.\nNote this call may take some time.\n",
    )
    .arg(
        Arg::str(
            "hash_type",
            "Which UTXO set hash should be calculated. Options: 'hash_serialized_3' (the legacy algorithm), 'muhash', 'none'.",
        )
        .default("hash_serialized_3"),
    )
    .result(Res::obj("", "", fields))
    .example_cli("")
    .example_cli("\"none\"")
    .example_rpc("")
    .run(answer_set_info)
}

fn answer_set_info(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let kind = match request.str("hash_type")? {
        "hash_serialized_3" => HashKind::Serialized,
        "muhash" => HashKind::MuHash,
        "none" => HashKind::None,
        other => {
            return Err(RpcError::invalid_parameter(format!("'{other}' is not a valid hash_type")));
        }
    };
    // The engine waits until the cursor is made: nothing can change between its flush and that moment.
    let (flushed, fixed) = (std::sync::mpsc::sync_channel(1), std::sync::mpsc::sync_channel::<()>(1));
    let ((send_at, at), (fix, wait_fixed)) = (flushed, fixed);
    node.chain()
        .post(move |engine| {
            if send_at.send(engine.flush_for_cursor()).is_ok() {
                // An error means that the other side has given up.
                let _ = wait_fixed.recv();
            }
        })
        .map_err(|e| RpcError::misc(e.to_string()))?;
    let at = at.recv().map_err(|_| RpcError::misc("Shutting down"))?;
    let at = at.map_err(|e| RpcError::new(Code::DATABASE_ERROR, e.to_string()))?.ok_or_else(parse::no_tip)?;
    let go_on = || node.rpc_state.is_running() && !request.caller.cancel.is_cancelled();
    let stats = node
        .reader()
        .coin_stats(at, kind, || drop(fix), go_on)
        .map_err(|e| RpcError::new(Code::INTERNAL_ERROR, format!("Unable to read UTXO set: {e}")))?
        .ok_or_else(|| RpcError::new(Code::INTERNAL_ERROR, "Unable to read UTXO set"))?;
    let mut info = Object::new()
        .with("height", stats.height)
        .with("bestblock", stats.block.to_string())
        .with("txouts", stats.outputs)
        .with("bogosize", stats.bogo_size);
    if let Some(mut digest) = stats.digest {
        digest.reverse();
        info.push(if kind == HashKind::MuHash { "muhash" } else { "hash_serialized_3" }, render::hex(&digest));
    }
    let total = stats.total.and_then(|t| i64::try_from(t).ok());
    let total = total.ok_or_else(|| RpcError::new(Code::INTERNAL_ERROR, "total amount out of range"))?;
    Ok(info
        .with("total_amount", Json::amount(total))
        .with("transactions", stats.transactions)
        .with("disk_size", stats.disk_size)
        .into())
}
