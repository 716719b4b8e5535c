//! PSBTs get what the node knows: what their inputs spend, and what descriptors say about that.

use std::sync::Arc;

use ::psbt::finalize::{Keyless, Manner, Means, Problem};
use ::psbt::{Psbt, is_segwit};
use ::rpc::values::range_from_value;
use ::rpc::{Arg, Code, Json, Method, Request, Res, RpcError, method};
use descriptors::{Descriptor, Known, NoPrivateKeys, Notation, parse};

use super::read;
use crate::NodeContext;
use crate::wallet_host::scripts_behind_keys;

pub(super) fn update() -> Method<NodeContext> {
    let object = [
        Arg::str("desc", "An output descriptor"),
        Arg::range("range", "Up to what index HD chains should be explored (either end or [begin,end])").default(1000),
    ];
    let descriptors = [
        Arg::str("", "An output descriptor").optional(),
        Arg::obj("", "An object with an output descriptor and extra information", object).optional(),
    ];
    method(
        "rawtransactions",
        "utxoupdatepsbt",
        "Updates all segwit inputs and outputs in a PSBT with data from output descriptors, the UTXO set, txindex, or the mempool.\n",
    )
    .arg(Arg::str("psbt", "A base64 string of a PSBT"))
    .arg(Arg::arr("descriptors", "An array of either strings or objects", descriptors).optional())
    .result(Res::str("", "The base64-encoded partially signed transaction with inputs updated"))
    .example_cli("\"psbt\"")
    .run(answer)
}

fn answer(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let mut known = Known::default();
    if let Some(given) = request.opt("descriptors") {
        for given in given.as_arr()? {
            learn(node, given, &mut known)?;
        }
    }
    let mut psbt = read(&node.config, request.str("psbt")?)?;
    add_spent(node, &mut psbt, &known)?;
    let manner = Manner { sighash: None, finalize: false };
    psbt.process(&Means { known: &known, signers: &Keyless, manner }, |problem| problem == Problem::SighashMismatch)
        .map_err(|problem| match problem {
            Problem::SighashMismatch => RpcError::new(Code::DESERIALIZATION_ERROR, problem.to_string()),
            problem => RpcError::new(Code::VERIFY_ERROR, problem.to_string()),
        })?;
    Ok(psbt.to_base64().into())
}

/// Adds everything public that a descriptor, or an object with one and a range, says.
fn learn(node: &NodeContext, given: &Json, known: &mut Known) -> Result<(), RpcError> {
    let (text, range) = match given {
        Json::Str(text) => (text.as_str(), None),
        Json::Obj(_) => {
            let text = given.get("desc");
            if text.is_null() {
                return Err(RpcError::invalid_parameter("Descriptor needs to be provided in scan object"));
            }
            (text.as_str()?, Some(given.get("range")).filter(|range| !range.is_null()))
        }
        _ => return Err(RpcError::invalid_parameter("Scan object needs to be either a string or an object")),
    };
    let (begin, end) = range.map_or(Ok((0, 1000)), range_from_value)?;
    if let Some(found) = scripts_behind_keys(node, text, range)? {
        for (_, descriptor) in found {
            add(&descriptor, 0, text, known)?;
        }
        return Ok(());
    }
    let notation = Notation::new(node.config.coin(), node.config.chain());
    let parsed = parse(text, false, &notation, &mut NoPrivateKeys);
    let parsed = parsed.map_err(|error| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, error.to_string()))?;
    for descriptor in &parsed.descriptors {
        let (begin, end) = if descriptor.is_range() { (begin, end) } else { (0, 0) };
        for index in begin..=end {
            let index = u32::try_from(index).map_err(|_| RpcError::invalid_parameter("End of range is too high"))?;
            add(descriptor, index, text, known)?;
        }
    }
    Ok(())
}

fn add(descriptor: &Descriptor, index: u32, text: &str, known: &mut Known) -> Result<(), RpcError> {
    let expansion = descriptor.expand(index, &NoPrivateKeys).ok_or_else(|| {
        let text = format!("Cannot derive script without private keys: '{text}'");
        RpcError::new(Code::INVALID_ADDRESS_OR_KEY, text)
    })?;
    known.merge(expansion.known);
    Ok(())
}

/// A PSBT with the transactions that it spends, as far as the node has them: wallets do not. None if it is no PSBT.
pub(crate) fn with_transactions(node: &NodeContext, text: &str) -> Result<Option<String>, RpcError> {
    let Ok(mut psbt) = read(&node.config, text) else { return Ok(None) };
    add_transactions(node, &mut psbt)?;
    Ok(Some(psbt.to_base64()))
}

/// Adds the transactions that made what inputs spend.
fn add_transactions(node: &NodeContext, psbt: &mut Psbt) -> Result<(), RpcError> {
    if node.library().txs.is_some() {
        node.library().wait_for("txindex", node);
    }
    for input in psbt.inputs.iter_mut().filter(|input| input.non_witness_utxo.is_none()) {
        let txid = input.prevout.txid;
        if let Some(index) = &node.library().txs {
            let found = index.find(node.reader(), txid);
            let found = found.map_err(|error| RpcError::new(Code::INTERNAL_ERROR, error.to_string()))?;
            input.non_witness_utxo = found.map(|found| Arc::new(found.tx));
        }
        if input.non_witness_utxo.is_none() {
            let pool = node.mempool().read();
            input.non_witness_utxo = pool.entry(&txid).map(|entry| Arc::clone(&entry.tx));
        }
        // An output that the transaction does not have would make the PSBT unreadable.
        if input.utxo().is_none() {
            input.non_witness_utxo = None;
        }
    }
    Ok(())
}

/// Adds what inputs spend: the whole transaction if the node has it, else the output, if a witness will say its amount.
fn add_spent(node: &NodeContext, psbt: &mut Psbt, known: &Known) -> Result<(), RpcError> {
    add_transactions(node, psbt)?;
    for input in psbt.inputs.iter_mut().filter(|input| input.non_witness_utxo.is_none()) {
        let coin = node.reader().coin(&input.prevout);
        let coin = coin.map_err(|error| RpcError::new(Code::DATABASE_ERROR, error.to_string()))?;
        if let Some(coin) = coin.filter(|coin| is_segwit(&coin.out.script_pubkey, known)) {
            input.witness_utxo = Some(coin.out);
        }
    }
    Ok(())
}
