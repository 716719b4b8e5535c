//! Transactions made, and transactions shown.

use ::rpc::{Arg, Code, Json, Method, MethodDoc, Request, Res, RpcError, method};
use config::Config;
use descriptors::Notation;
use primitives::{Codec, Tx, WitnessMode, hex};

use super::{construct, construct_args};
use crate::{NodeContext, render};

/// A transaction that names a height names that of the next block.
pub(super) fn create() -> Method<NodeContext> {
    page().run(|node: &NodeContext, request| {
        let mut tx = construct(&node.config, request)?;
        if tx.lock_height().is_some() {
            let next = node.reader().tip().map_or(0, |tip| tip.height + 1);
            tx = node.reader().codec().new_tx(tx.into_inner(), next);
        }
        Ok(hex::encode(&tx.to_bytes(WitnessMode::Include)).into())
    })
}

pub(super) fn page() -> MethodDoc {
    let inputs = "\"[{\\\"txid\\\":\\\"myid\\\",\\\"vout\\\":0}]\"";
    let (pay, data) = ("\"[{\\\"address\\\":0.01}]\"", "\"[{\\\"data\\\":\\\"00010203\\\"}]\"");
    method(
        "rawtransactions",
        "createrawtransaction",
        "Create a transaction spending the given inputs and creating new outputs.\n\
         Outputs can be addresses or data.\n\
         Returns hex-encoded raw transaction.\n\
         Note that the transaction's inputs are not signed, and\n\
         it is not stored in the wallet or transmitted to the network.\n",
    )
    .args(construct_args())
    .result(Res::hex("transaction", "hex string of the transaction"))
    .example_cli(format!("{inputs} {pay}"))
    .example_cli(format!("{inputs} {data}"))
    .example_rpc(format!("{inputs}, {pay}"))
    .example_rpc(format!("{inputs}, {data}"))
}

/// The argument that says how to read a transaction.
pub(in crate::rpc) fn is_witness_arg() -> Arg {
    Arg::bool(
        "iswitness",
        "Whether the transaction hex is a serialized witness transaction.\n\
         If iswitness is not present, heuristic tests will be used in decoding.\n\
         If true, only witness deserialization will be tried.\n\
         If false, only non-witness deserialization will be tried.\n\
         This boolean should reflect whether the transaction has inputs\n\
         (e.g. fully valid, or on-chain transactions), if known by the caller.",
    )
    .hint("depends on heuristic tests")
}

/// The transaction that the argument `hexstring` holds, read as `iswitness` says.
pub(in crate::rpc) fn read_tx(config: &Config, request: &Request) -> Result<Tx, RpcError> {
    let (plain, extended) = match request.opt_bool("iswitness")? {
        None => (true, true),
        Some(witness) => (!witness, witness),
    };
    let bytes = hex::decode(request.str("hexstring")?);
    bytes
        .and_then(|bytes| Codec::for_coin(config.coin()).guess_tx(&bytes, plain, extended))
        .ok_or_else(|| RpcError::new(Code::DESERIALIZATION_ERROR, "TX decode failed"))
}

pub(super) fn decode() -> Method<Config> {
    method(
        "rawtransactions",
        "decoderawtransaction",
        "Return a JSON object representing the serialized, hex-encoded transaction.",
    )
    .arg(Arg::hex("hexstring", "The transaction hex string"))
    .arg(is_witness_arg())
    .result(Res::obj("", "", render::tx_fields("{ticker}", false, false, false)))
    .example_cli("\"hexstring\"")
    .example_rpc("\"hexstring\"")
    .run(answer_decode)
}

fn answer_decode(config: &Config, request: &Request) -> Result<Json, RpcError> {
    let tx = read_tx(config, request)?;
    let notation = Notation::new(config.coin(), config.chain());
    Ok(render::tx(&tx, None, &notation, render::Prevouts::Unknown, false).into())
}
