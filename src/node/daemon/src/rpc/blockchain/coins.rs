//! Unspent outputs.

use std::sync::mpsc::{SyncSender, sync_channel};

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, method};
use bitcoin::{BlockHash, OutPoint};
use descriptors::Notation;

use crate::{NodeContext, render, rpc::parse};

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![tx_out()]
}

fn tx_out() -> Method<NodeContext> {
    let fields = [
        Res::hex("bestblock", "The hash of the block at the tip of the chain"),
        Res::num("confirmations", "The number of confirmations"),
        Res::amount("value", "The transaction value in {ticker}"),
        Res::amount("amount", "What it is worth in the next block").optional().skip_in_help(),
        Res::obj("scriptPubKey", "", render::script_pubkey_fields()),
        Res::bool("coinbase", "Coinbase or not"),
        Res::num("refheight", "The height that the value was written for").optional().skip_in_help(),
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
    let notation = Notation::new(node.config.coin(), node.config.chain());
    let value = consensus::value_of(&coin.out);
    let mut answer = Object::new()
        .with("bestblock", tip.hash.to_string())
        .with("confirmations", (tip.height + 1).saturating_sub(coin.height))
        .with("value", Json::amount(value));
    if coin.refheight().is_some() {
        answer.push("amount", Json::amount(node.rules.worth(value, &coin, tip.height + 1)));
    }
    answer.push("scriptPubKey", render::script_pubkey(&coin.out.script_pubkey, &notation));
    answer.push("coinbase", coin.coinbase);
    if let Some(reference) = coin.refheight() {
        answer.push("refheight", reference);
    }
    Ok(answer.into())
}

/// Makes the engine write the coins and wait until the second part is dropped, so that nothing changes before the caller
/// has its cursor. Answers the block that the coins are the result of.
pub(in crate::rpc) fn hold_still(node: &NodeContext) -> Result<((BlockHash, u32), SyncSender<()>), RpcError> {
    let ((send_at, at), (fix, wait_fixed)) = (sync_channel(1), sync_channel::<()>(1));
    node.chain()
        .post(move |engine| {
            if send_at.send(engine.flush_for_cursor()).is_ok() {
                // An error means that the other side is done.
                let _ = wait_fixed.recv();
            }
        })
        .map_err(|e| RpcError::misc(e.to_string()))?;
    let at = at.recv().map_err(|_| RpcError::misc("Shutting down"))?;
    let at = at.map_err(|e| RpcError::new(Code::DATABASE_ERROR, e.to_string()))?.ok_or_else(parse::no_tip)?;
    Ok((at, fix))
}
