//! What transactions do with assets, on coins whose transactions carry some.

use ::rpc::{Arg, Code, Method, Object, Request, Res, RpcError, method};
use bitcoin::Txid;
use primitives::{Codec, assets, hex};

use crate::{NodeContext, render, rpc::parse};

/// A larger transaction takes more than one packet, so its conflicts may be seen late.
const MAX_ZDAG_SIZE: usize = 1100;

/// What can be said of a transaction that waits for a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zdag {
    NotFound,
    Fine,
    Replaceable,
    OtherKind,
    Large,
}

impl Zdag {
    fn number(self) -> i32 {
        match self {
            Self::NotFound => -1,
            Self::Fine => 0,
            Self::Replaceable => 1,
            Self::OtherKind => 2,
            Self::Large => 3,
        }
    }
}

pub(in crate::rpc) fn methods() -> Vec<Method<NodeContext>> {
    vec![decode(), verify(), roots(), minted()]
}

fn decode() -> Method<NodeContext> {
    let about = "Decode raw syscoin transaction (serialized, hex-encoded) and display information pertaining to the \
                 service that is included in the transactiion data output(OP_RETURN)\n";
    method("syscoin", "syscoindecoderawtransaction", about)
        .arg(Arg::hex("hexstring", "The transaction hex string."))
        .result(Res::obj("", "", render::meaning_fields()))
        .example_cli("\"hexstring\"")
        .example_rpc("\"hexstring\"")
        .run(|node: &NodeContext, request| {
            let bad = |text| RpcError::new(Code::DESERIALIZATION_ERROR, text);
            let bytes = hex::decode(request.str("hexstring")?);
            let tx = bytes.and_then(|bytes| Codec::for_coin(node.config.coin()).guess_tx(&bytes, true, true));
            let tx = tx.ok_or_else(|| bad("Could not decode transaction"))?;
            Ok(render::meaning(&tx).ok_or_else(|| bad("Not a Syscoin transaction"))?.into())
        })
}

fn verify() -> Method<NodeContext> {
    method(
        "syscoin",
        "assetallocationverifyzdag",
        "Show status as it pertains to any current Z-DAG conflicts or warnings related to a ZDAG transaction.\n\
         Return value is in the status field and can represent 3 levels(0, 1 or 2)\n\
         Level -1 means not found, not a ZDAG transaction, perhaps it is already confirmed.\n\
         Level 0 means OK.\n\
         Level 1 means warning (checked that in the mempool there are more spending balances than current POW sender balance). An active stance should be taken and perhaps a deeper analysis as to potential conflicts related to the sender.\n\
         Level 2 means an active double spend was found and any depending asset allocation sends are also flagged as dangerous and should wait for POW confirmation before proceeding.\n",
    )
    .arg(Arg::hex("txid", "The transaction id of the ZDAG transaction."))
    .result(Res::obj("", "", [Res::num("status", "The status level of the transaction")]))
    .example_cli("\"txid\"")
    .example_rpc("\"txid\"")
    .run(|node: &NodeContext, request| {
        let txid: Txid = parse::hash(request, "txid")?;
        Ok(Object::new().with("status", status(node, &txid).number()).into())
    })
}

/// What can be said of a transaction and of those that it depends on.
fn status(node: &NodeContext, txid: &Txid) -> Zdag {
    let pool = node.mempool().read();
    let Some(id) = pool.id_of(txid) else { return Zdag::NotFound };
    let of = |id| {
        pool.get(id).map_or(Zdag::NotFound, |entry| {
            if entry.tx.version() != assets::SEND {
                Zdag::OtherKind
            } else if entry.tx.total_size() > MAX_ZDAG_SIZE {
                Zdag::Large
            } else {
                Zdag::Fine
            }
        })
    };
    let own = of(id);
    if own != Zdag::Fine {
        return own;
    }
    if pool.signals_replacement(id) {
        return Zdag::Replaceable;
    }
    pool.ancestors(id).into_iter().map(of).find(|found| *found != Zdag::Fine).unwrap_or(Zdag::Fine)
}

fn roots() -> Method<NodeContext> {
    method("syscoin", "syscoingettxroots", "Get NEVM transaction and receipt roots based on block hash.\n")
        .arg(Arg::hex("blockhash", "The block hash to lookup."))
        .result(Res::obj(
            "",
            "",
            [Res::hex("txroot", "The transaction merkle root"), Res::hex("receiptroot", "The receipt merkle root")],
        ))
        .example_cli("0xd8ac75c7b4084c85a89d6e28219ff162661efb8b794d4b66e6e9ea52b4139b10")
        .example_rpc("0xd8ac75c7b4084c85a89d6e28219ff162661efb8b794d4b66e6e9ea52b4139b10")
        // Nothing here follows the other chain, so there are none.
        .run(|_: &NodeContext, request| Err(unknown(request, "blockhash", "Could not read transaction roots")))
}

fn minted() -> Method<NodeContext> {
    method(
        "syscoin",
        "syscoincheckmint",
        "Get the Syscoin mint transaction by looking up using NEVM tx hash (This is no the txid, it is the sha3 of the transaction bytes value).\n",
    )
    .arg(Arg::hex("nevm_txhash", "NEVM Tx Hash used to burn funds to move to Syscoin."))
    .result(Res::obj("", "", [Res::hex("txid", "The transaction id")]))
    .example_cli("d8ac75c7b4084c85a89d6e28219ff162661efb8b794d4b66e6e9ea52b4139b10")
    .example_rpc("d8ac75c7b4084c85a89d6e28219ff162661efb8b794d4b66e6e9ea52b4139b10")
    .run(|_: &NodeContext, request| {
        let text = "Could not read Syscoin txid using mint transaction hash";
        Err(unknown(request, "nevm_txhash", text))
    })
}

/// Why there is no answer about the other chain.
fn unknown(request: &Request, name: &str, text: &'static str) -> RpcError {
    match request.str(name) {
        Ok(_) => RpcError::new(Code::INVALID_ADDRESS_OR_KEY, text),
        Err(error) => error,
    }
}
