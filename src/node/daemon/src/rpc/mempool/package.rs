//! `submitpackage`: several transactions that depend on one another, taken in as far as that is possible.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, method};
use mempool::{PackageOptions, Verdict, policy};
use primitives::Tx;

use super::submit::{TELL_LIMIT, burn_arg, check_burn, decode, max_burn, max_rate, rate_arg, show_rates};
use crate::NodeContext;

const MAX_PACKAGE: usize = 25;

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![submit()]
}

fn submit() -> Method<NodeContext> {
    let package = "An array of raw transactions.\n\
                   The package must consist of a transaction with (some, all, or none of) its unconfirmed parents. A single transaction is permitted.\n\
                   None of the parents may depend on each other. Parents that are already in mempool do not need to be present in the package.\n\
                   The package must be topologically sorted, with the child being the last element in the array if there are multiple elements.";
    let fees = [
        Res::amount("base", "transaction fee in {ticker}"),
        Res::amount("effective-feerate", "if the transaction was not already in the mempool, the effective feerate in {ticker} per KvB. For example, the package feerate and/or feerate with modified fees from prioritisetransaction.").optional(),
        Res::arr("effective-includes", "if effective-feerate is provided, the wtxids of the transactions whose fees and vsizes are included in effective-feerate.", [Res::hex("", "transaction wtxid in hex")]).optional(),
    ];
    let tx = [
        Res::hex("txid", "The transaction hash in hex"),
        Res::hex("other-wtxid", "The wtxid of a different transaction with the same txid but different witness found in the mempool. This means the submitted transaction was ignored.").optional(),
        Res::num("vsize_adjusted", "Maximum of sigop-adjusted size (-bytespersigop) and virtual transaction size as defined in BIP 141.").optional().since(32),
        Res::num("vsize", "(DEPRECATED) Was previously erroneously described as the BIP 141 vsize, but is actually sigops-adjusted vsize.\nUse vsize_bip141 to actually get that behavior or switch to the explicit vsize_adjusted for retained behavior.").optional(),
        Res::num("vsize_bip141", "Virtual transaction size as defined in BIP 141.").optional().since(32),
        Res::obj("fees", "Transaction fees", fees).optional(),
        Res::str("error", "Error string if rejected from mempool, or \"package-not-validated\" when the package aborts before any per-tx processing.").optional(),
    ];
    let fields = [
        Res::str(
            "package_msg",
            "The transaction package result message. \"success\" indicates all transactions were accepted into or are already in the mempool.",
        ),
        Res::obj_dyn(
            "tx-results",
            "The transaction results keyed by wtxid. An entry is returned for every submitted wtxid.",
            [Res::obj("wtxid", "transaction wtxid", tx)],
        ),
        Res::arr(
            "replaced-transactions",
            "List of txids of replaced transactions",
            [Res::hex("", "The transaction id")],
        )
        .optional(),
    ];
    method(
        "rawtransactions",
        "submitpackage",
        "Submit a package of raw transactions (serialized, hex-encoded) to local node.\n\
         The package will be validated according to consensus and mempool policy rules. If any transaction passes, it will be accepted to mempool.\n\
         This RPC is experimental and the interface may be unstable. Refer to doc/policy/packages.md for documentation on package policies.\n\
         Warning: successful submission does not mean the transactions will propagate throughout the network.\n",
    )
    .arg(Arg::arr("package", package, [Arg::hex("rawtx", "").optional()]))
    .arg(rate_arg())
    .arg(burn_arg())
    .result(Res::obj("", "", fields))
    .example_rpc("[\"raw-parent-tx-1\", \"raw-parent-tx-2\", \"raw-child-tx\"]")
    .example_cli("'[\"raw-tx-without-unconfirmed-parents\"]'")
    .run(answer)
}

fn answer(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let raw = request.arg("package").as_arr()?;
    if raw.is_empty() || raw.len() > MAX_PACKAGE {
        let text = format!("Array must contain between 1 and {MAX_PACKAGE} transactions.");
        return Err(RpcError::invalid_parameter(text));
    }
    let max_fee_rate = max_rate(node, request)?;
    let burn = max_burn(node, request)?;
    let mut txs = Vec::with_capacity(raw.len());
    for text in raw {
        let text = text.as_str()?;
        let tx = decode(node, text).ok_or_else(|| {
            let text = format!("TX decode failed: {text} Make sure the tx has at least one input.");
            RpcError::new(Code::DESERIALIZATION_ERROR, text)
        })?;
        check_burn(node.reader().codec(), &tx, burn)?;
        txs.push(tx);
    }
    if txs.len() > 1 && !policy::is_child_with_parents_tree(&txs) {
        return Err(RpcError::new(
            Code::VERIFY_ERROR,
            "package topology disallowed. not child-with-parents or parents depend on each other.",
        ));
    }
    let (pool, package) = (node.mempool().clone(), txs.clone());
    let outcome = node.validate(move |engine| {
        let options = PackageOptions { test_only: false, max_fee_rate };
        Ok(pool.accept_package(&engine.reader(), &package, options)?)
    })?;
    let mut message = "success".to_owned();
    if let Some(error) = &outcome.error {
        message = error.full();
    }
    for tx in &txs {
        // Does nothing for what is not in the pool.
        node.relay_tx(tx.txid());
    }
    node.feed.flush(TELL_LIMIT);
    let mut replaced = BTreeSet::new();
    let results = txs.iter().map(|tx| (tx.wtxid().to_string(), show(tx, &outcome.verdicts, &mut replaced)));
    let results = Json::Obj(results.collect());
    Ok(Object::new()
        .with("package_msg", message)
        .with("tx-results", results)
        .with("replaced-transactions", replaced.iter().map(ToString::to_string).collect::<Json>())
        .into())
}

/// What became of a transaction.
fn show(tx: &Arc<Tx>, verdicts: &HashMap<bitcoin::Wtxid, Verdict>, replaced: &mut BTreeSet<bitcoin::Txid>) -> Object {
    let mut shown = Object::new().with("txid", tx.txid().to_string());
    let sizes = |shown: &mut Object, vsize: i64| {
        shown.push("vsize_adjusted", vsize);
        shown.push("vsize", vsize);
        shown.push("vsize_bip141", tx.vsize());
    };
    match verdicts.get(&tx.wtxid()) {
        None => shown.push("error", "package-not-validated"),
        Some(Verdict::OtherWitness(wtxid)) => shown.push("other-wtxid", wtxid.to_string()),
        Some(Verdict::Rejected(rejected)) => shown.push("error", rejected.reason.full()),
        Some(Verdict::InMempool { vsize, fee }) => {
            sizes(&mut shown, *vsize);
            shown.push("fees", Object::new().with("base", Json::amount(*fee)));
        }
        Some(Verdict::Accepted(accepted)) => {
            replaced.extend(accepted.replaced.iter().map(|tx| tx.txid()));
            sizes(&mut shown, accepted.vsize);
            shown.push("fees", show_rates(accepted));
        }
    }
    shown
}
