//! Transactions that wait for their parents.

use ::rpc::{Arg, Json, Method, Object, Request, Res, RpcError, method};
use p2p::OrphanInfo;
use primitives::{WitnessMode, hex};

use super::ask;
use crate::NodeContext;

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![orphans()]
}

fn fields() -> Vec<Res> {
    vec![
        Res::hex("txid", "The transaction hash in hex"),
        Res::hex("wtxid", "The transaction witness hash in hex"),
        Res::num("bytes", "The serialized transaction size in bytes"),
        Res::num(
            "vsize",
            "(DEPRECATED) use vsize_bip141 instead. The virtual transaction size as defined in BIP 141. This is different from actual serialized size for witness transactions as witness data is discounted.",
        ),
        Res::num(
            "vsize_bip141",
            "The virtual transaction size as defined in BIP 141. This is different from actual serialized size for witness transactions as witness data is discounted.",
        )
        .since(32),
        Res::num("weight", "The transaction weight as defined in BIP 141."),
        Res::arr("from", "", [Res::num("peer_id", "Peer ID")]),
    ]
}

fn orphans() -> Method<NodeContext> {
    let mut whole = fields();
    whole.push(Res::hex("hex", "The serialized, hex-encoded transaction data"));
    method(
        "hidden",
        "getorphantxs",
        "Shows transactions in the tx orphanage.\n\
         \nEXPERIMENTAL warning: this call may be changed in future releases.\n",
    )
    .arg(
        Arg::num(
            "verbosity",
            "0 for an array of txids (may contain duplicates), 1 for an array of objects with tx details, and 2 for details from (1) and tx hex",
        )
        .default(0)
        .skip_type_check(),
    )
    .result(Res::arr("", "", [Res::hex("txid", "The transaction hash in hex")]).when("for verbose = 0"))
    .result(Res::arr("", "", [Res::obj("", "", fields())]).when("for verbose = 1"))
    .result(Res::arr("", "", [Res::obj("", "", whole)]).when("for verbose = 2"))
    .example_cli("2")
    .example_rpc("2")
    .run(answer)
}

fn answer(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let orphans = ask(node, |net| net.orphans())?;
    let verbosity = request.verbosity("verbosity", 0, false)?;
    let all: Vec<Json> = match verbosity {
        0 => orphans.iter().map(|orphan| orphan.tx.txid().to_string().into()).collect(),
        1 => orphans.iter().map(|orphan| show(orphan).into()).collect(),
        2 => orphans
            .iter()
            .map(|orphan| show(orphan).with("hex", hex::encode(&orphan.tx.to_bytes(WitnessMode::Include))).into())
            .collect(),
        other => return Err(RpcError::invalid_parameter(format!("Invalid verbosity value {other}"))),
    };
    Ok(all.into())
}

fn show(orphan: &OrphanInfo) -> Object {
    let tx = &orphan.tx;
    let from: Vec<Json> = orphan.announcers.iter().map(|peer| (*peer).into()).collect();
    Object::new()
        .with("txid", tx.txid().to_string())
        .with("wtxid", tx.wtxid().to_string())
        .with("bytes", tx.total_size())
        .with("vsize", tx.vsize())
        .with("vsize_bip141", tx.vsize())
        .with("weight", tx.weight())
        .with("from", from)
}
