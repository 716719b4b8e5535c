//! Transactions that are sent through Tor and I2P only: `getprivatebroadcastinfo`, `abortprivatebroadcast`.

use std::sync::Arc;

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, method};
use bitcoin::{Txid, hashes::Hash};
use p2p::{Network, PrivateAdded, PrivateTx};
use primitives::{Tx, WitnessMode, hex};

use super::ask;
use crate::{NodeContext, rpc::parse};

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![info(), abort()]
}

/// Neither network may be reachable: where Tor is may be known later only, or never.
pub(in crate::rpc) fn check_networks(node: &NodeContext) -> Result<(), RpcError> {
    let networks = ask(node, |net| net.networks())?;
    let hidden = |network| matches!(network, Network::Onion | Network::I2p);
    if networks.iter().any(|it| it.reachable && hidden(it.network)) {
        return Ok(());
    }
    Err(RpcError::misc(
        "-privatebroadcast is enabled, but none of the Tor or I2P networks is reachable. Maybe the location of the Tor \
         proxy couldn't be retrieved from the Tor daemon at startup. Check whether the Tor daemon is running and that \
         -torcontrol, -torpassword and -i2psam are configured properly.",
    ))
}

/// Puts a transaction on the list.
pub(in crate::rpc) fn send(node: &NodeContext, tx: Arc<Tx>) -> Result<(), RpcError> {
    match ask(node, move |net| net.broadcast_privately(tx))? {
        PrivateAdded::Full => Err(RpcError::new(Code::LIMIT_EXCEEDED, "Private broadcast queue is full")),
        PrivateAdded::Added | PrivateAdded::Known => Ok(()),
    }
}

fn check_enabled(node: &NodeContext) -> Result<(), RpcError> {
    if node.config.args().get_bool("privatebroadcast", false) {
        return Ok(());
    }
    // Tools look for this text, the other client's name included.
    Err(RpcError::new(
        Code::METHOD_NOT_FOUND,
        "Private broadcast is not enabled. Ensure you're running Bitcoin Core with -privatebroadcast=1.",
    ))
}

fn tx_fields() -> Vec<Res> {
    vec![
        Res::hex("txid", "The transaction hash in hex"),
        Res::hex("wtxid", "The transaction witness hash in hex"),
        Res::hex("hex", "The serialized, hex-encoded transaction data"),
    ]
}

fn show_tx(tx: &Tx) -> Object {
    Object::new()
        .with("txid", tx.txid().to_string())
        .with("wtxid", tx.wtxid().to_string())
        .with("hex", hex::encode(&tx.to_bytes(WitnessMode::Include)))
}

fn info() -> Method<NodeContext> {
    let peer = [
        Res::str("address", "The address of the peer to which the transaction was sent"),
        Res::time(
            "sent",
            "The time this transaction was picked for sending to this peer via private broadcast (seconds since epoch)",
        ),
        Res::time("received", "The time this peer acknowledged reception of the transaction (seconds since epoch)")
            .optional(),
    ];
    let mut fields = tx_fields();
    fields.extend([
        Res::time(
            "time_added",
            "The time this transaction was added to the private broadcast queue (seconds since epoch)",
        )
        .since(32),
        Res::num(
            "attempts_remaining",
            "The number of additional private broadcast send attempts allowed for this transaction",
        )
        .since(32),
        Res::arr(
            "peers",
            "Per-peer send and acknowledgment information for this transaction",
            [Res::obj("", "", peer)],
        ),
    ]);
    method(
        "rawtransactions",
        "getprivatebroadcastinfo",
        "Returns information about transactions tracked for private broadcast.\n\
         Transactions that have reached the send-attempt limit remain in the result with attempts_remaining=0.\n\
         This method is only available when running with -privatebroadcast enabled.\n",
    )
    .result(Res::obj("", "", [Res::arr("transactions", "", [Res::obj("", "", fields)])]))
    .example_cli("")
    .example_rpc("")
    .run(answer_info)
}

fn answer_info(node: &NodeContext, _: &Request) -> Result<Json, RpcError> {
    check_enabled(node)?;
    let list = ask(node, |net| net.private_txs())?;
    Ok(Object::new().with("transactions", list.iter().map(show).collect::<Json>()).into())
}

fn show(it: &PrivateTx) -> Object {
    let peers = it.sends.iter().map(|send| {
        let shown = Object::new().with("address", send.address.to_string()).with("sent", send.picked.as_secs());
        match send.confirmed {
            Some(time) => shown.with("received", time.as_secs()),
            None => shown,
        }
    });
    show_tx(&it.tx)
        .with("time_added", it.added.as_secs())
        .with("attempts_remaining", it.attempts_left())
        .with("peers", peers.collect::<Json>())
}

fn abort() -> Method<NodeContext> {
    method(
        "rawtransactions",
        "abortprivatebroadcast",
        "Abort private broadcast attempts for a transaction currently being privately broadcast.\n\
         The transaction will be removed from the private broadcast queue.\n\
         This method is only available when running with -privatebroadcast enabled.\n",
    )
    .arg(Arg::hex(
        "id",
        "A transaction identifier to abort. It will be matched against both txid and wtxid for all transactions in the private broadcast queue.\n\
         If the provided id matches a txid that corresponds to multiple transactions with different wtxids, multiple transactions will be removed and returned.",
    ))
    .result(Res::obj(
        "",
        "",
        [Res::arr(
            "removed_transactions",
            "Transactions removed from the private broadcast queue",
            [Res::obj("", "", tx_fields())],
        )],
    ))
    .example_cli("\"id\"")
    .example_rpc("\"id\"")
    .run(answer_abort)
}

fn answer_abort(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    check_enabled(node)?;
    let id = parse::hash::<Txid>(request, "id")?.to_byte_array();
    let removed = ask(node, move |net| net.abort_private(&id))?;
    if removed.is_empty() {
        let text = "Transaction not in private broadcast queue. Check getprivatebroadcastinfo.";
        return Err(RpcError::new(Code::INVALID_ADDRESS_OR_KEY, text));
    }
    Ok(Object::new().with("removed_transactions", removed.iter().map(|tx| show_tx(tx)).collect::<Json>()).into())
}
