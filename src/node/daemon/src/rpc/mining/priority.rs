//! What the operator pretends that transactions pay.

use ::rpc::{Arg, Json, Method, Object, Res, RpcError, method};
use bitcoin::Txid;

use crate::{NodeContext, rpc::parse};

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![prioritise(), list()]
}

fn prioritise() -> Method<NodeContext> {
    method(
        "mining",
        "prioritisetransaction",
        "Accepts the transaction into mined blocks at a higher (or lower) priority\n",
    )
    .arg(Arg::hex("txid", "The transaction id."))
    .arg(
        Arg::num(
            "dummy",
            "API-Compatibility for previous API. Must be zero or null.\n                  DEPRECATED. For forward compatibility use named arguments and omit this parameter.",
        )
        .optional()
        .placeholder(),
    )
    .arg(Arg::num(
        "fee_delta",
        "The fee value (in satoshis) to add (or subtract, if negative).\n                  Note, that this value is not a fee rate. It is a value to modify absolute fee of the TX.\n                  The fee is not actually paid, only the algorithm for selecting transactions into a block\n                  considers the transaction as it would have paid a higher (or lower) fee.",
    ))
    .result(Res::bool("", "Returns true"))
    .example_cli("\"txid\" 0.0 10000")
    .example_rpc("\"txid\", 0.0, 10000")
    .run(|node: &NodeContext, request| {
        let txid: Txid = parse::hash(request, "txid")?;
        let dummy = if request.opt("dummy").is_some() { request.real("dummy")? } else { 0.0 };
        let change: i64 = request.int("fee_delta")?;
        if dummy != 0.0 {
            let text = "Priority is no longer supported, dummy argument to prioritisetransaction must be 0.";
            return Err(RpcError::invalid_parameter(text));
        }
        // What has dust pays nothing, and must not look as if it did.
        if node.mempool().read().has_dust(&txid) {
            let text = "Priority is not supported for transactions with dust outputs.";
            return Err(RpcError::invalid_parameter(text));
        }
        node.mempool().prioritise(txid, change);
        Ok(Json::Bool(true))
    })
}

fn list() -> Method<NodeContext> {
    let fields = [
        Res::num("fee_delta", "transaction fee delta in satoshis"),
        Res::bool("in_mempool", "whether this transaction is currently in mempool"),
        Res::num("modified_fee", "modified fee in satoshis. Only returned if in_mempool=true").optional(),
    ];
    method(
        "mining",
        "getprioritisedtransactions",
        "Returns a map of all user-created (see prioritisetransaction) fee deltas by txid, and whether the tx is present in mempool.\n",
    )
    .result(Res::obj_dyn("", "prioritisation keyed by txid", [Res::obj("<transactionid>", "", fields)]))
    .example_cli("")
    .example_rpc("")
    .run(|node: &NodeContext, _| {
        let pool = node.mempool().read();
        let shown = pool.deltas().iter().map(|(txid, delta)| {
            let entry = pool.entry(txid);
            let mut shown = Object::new().with("fee_delta", *delta).with("in_mempool", entry.is_some());
            if let Some(entry) = entry {
                shown.push("modified_fee", entry.modified_fee);
            }
            (txid.to_string(), shown)
        });
        Ok(Json::Obj(shown.collect()))
    })
}
