//! `gettxspendingprevout`: who spends these outputs.

use ::rpc::{Arg, Json, Method, Object, Request, Res, RpcError, method, values::check_object};
use bitcoin::{BlockHash, OutPoint, Txid};
use primitives::{Tx, WitnessMode, hex};

use crate::{NodeContext, rpc::parse};

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![spending()]
}

fn spending() -> Method<NodeContext> {
    let output = [Arg::hex("txid", "The transaction id"), Arg::num("vout", "The output number")];
    let options = [
        Arg::bool(
            "mempool_only",
            "If false and mempool lacks a relevant spend, use txospenderindex (throws an exception if not available).",
        )
        .hint("true if txospenderindex unavailable, otherwise false"),
        Arg::bool("return_spending_tx", "If true, return the full spending tx.").hint("false"),
    ];
    let fields = [
        Res::hex("txid", "the transaction id of the checked output"),
        Res::num("vout", "the vout value of the checked output"),
        Res::hex(
            "spendingtxid",
            "the transaction id of the mempool transaction spending this output (omitted if unspent)",
        )
        .optional(),
        Res::hex(
            "spendingtx",
            "the transaction spending this output (only if return_spending_tx is set, omitted if unspent)",
        )
        .optional(),
        Res::hex(
            "blockhash",
            "the hash of the spending block (omitted if unspent or the spending tx is not confirmed)",
        )
        .optional(),
    ];
    method(
        "blockchain",
        "gettxspendingprevout",
        "Scans the mempool (and the txospenderindex, if available) to find transactions spending any of the given outputs\n",
    )
    .arg(Arg::arr(
        "outputs",
        "The transaction outputs that we want to check, and within each, the txid (string) vout (numeric).",
        [Arg::obj("", "", output).optional()],
    ))
    .arg(Arg::obj_named("options", "", options).optional())
    .result(Res::arr("", "", [Res::obj("", "", fields)]))
    .example_cli("\"[{\\\"txid\\\":\\\"a08e6907dbbd3d809776dbfc5d82e371b764ed838b5655e72f463568df1aadf0\\\",\\\"vout\\\":3}]\"")
    .example_rpc("\"[{\\\"txid\\\":\\\"a08e6907dbbd3d809776dbfc5d82e371b764ed838b5655e72f463568df1aadf0\\\",\\\"vout\\\":3}]\"")
    .run(answer)
}

fn outpoint(value: &Json) -> Result<OutPoint, RpcError> {
    value.as_obj()?;
    check_object(value, &[("txid", Some("string")), ("vout", Some("number"))], false, true)?;
    let txid: Txid = parse::parse_hash(value.get("txid").as_str()?, "txid")?;
    let vout: i32 = value.get("vout").as_int()?;
    let vout =
        u32::try_from(vout).map_err(|_| RpcError::invalid_parameter("Invalid parameter, vout cannot be negative"))?;
    Ok(OutPoint { txid, vout })
}

fn answer(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let given = request.arg("outputs").as_arr()?;
    if given.is_empty() {
        return Err(RpcError::invalid_parameter("Invalid parameter, outputs are missing"));
    }
    let options = request.arg("options");
    if !options.is_null() {
        check_object(options, &[("mempool_only", Some("bool")), ("return_spending_tx", Some("bool"))], true, true)?;
    }
    let index = node.library().spenders.as_ref();
    let flag = |name: &str, default: bool| match options.get(name) {
        Json::Null => Ok(default),
        value => value.as_bool(),
    };
    let (pool_only, with_tx) = (flag("mempool_only", index.is_none())?, flag("return_spending_tx", false)?);
    let outs = given.iter().map(outpoint).collect::<Result<Vec<_>, _>>()?;
    let show = |out: &OutPoint, spender: Option<&Tx>, block: Option<BlockHash>| {
        let mut shown = Object::new().with("txid", out.txid.to_string()).with("vout", out.vout);
        if let Some(tx) = spender {
            shown.push("spendingtxid", tx.txid().to_string());
            if with_tx {
                shown.push("spendingtx", hex::encode(&tx.to_bytes(WitnessMode::Include)));
            }
        }
        if let Some(block) = block {
            shown.push("blockhash", block.to_string());
        }
        Json::from(shown)
    };
    let mut answers: Vec<Option<Json>> = {
        let pool = node.mempool().read();
        let find = |out: &OutPoint| {
            let spender = pool.spender(out).and_then(|id| pool.get(id)).map(|entry| &*entry.tx);
            (pool_only || spender.is_some()).then(|| show(out, spender, None))
        };
        outs.iter().map(find).collect()
    };
    if answers.iter().any(Option::is_none) {
        let index = index.filter(|_| node.library().wait_for("txospenderindex", node));
        let missing = || RpcError::misc("Mempool lacks a relevant spend, and txospenderindex is unavailable.");
        let index = index.ok_or_else(missing)?;
        for (out, answer) in outs.iter().zip(&mut answers).filter(|(_, answer)| answer.is_none()) {
            let found = index.find(node.reader(), out).map_err(|e| RpcError::misc(e.to_string()))?;
            *answer = Some(match &found {
                Some(found) => show(out, Some(&found.tx), Some(found.block)),
                None => show(out, None, None),
            });
        }
    }
    Ok(Json::Arr(answers.into_iter().flatten().collect()))
}
