//! Copies of one transaction, each signed by somebody, made one.

use ::rpc::{Arg, Code, Json, Method, Res, RpcError, method};
use bitcoin::{OutPoint, ScriptBuf, Transaction, TxOut, Witness};
use descriptors::Known;
use primitives::{Codec, WitnessMode, hex};
use script::{TxData, TxSignatureChecker};

use crate::NodeContext;
use ::psbt::{
    extract::extract,
    produce::produce,
    spend::{Nobody, Spend},
};

pub(super) fn combine() -> Method<NodeContext> {
    method(
        "rawtransactions",
        "combinerawtransaction",
        "Combine multiple partially signed transactions into one transaction.\n\
         The combined transaction may be another partially signed transaction or a \n\
         fully signed transaction.",
    )
    .arg(Arg::arr(
        "txs",
        "The hex strings of partially signed transactions",
        [Arg::hex("hexstring", "A hex-encoded raw transaction").optional()],
    ))
    .result(Res::str("", "The hex-encoded raw transaction with signature(s)"))
    .example_cli("'[\"myhex1\", \"myhex2\", \"myhex3\"]'")
    .run(|node: &NodeContext, request| {
        let codec = Codec::for_coin(node.config.coin());
        combine_texts(codec, request.arg("txs").as_arr()?, |out| {
            let coin = node.coin(out).map_err(|e| RpcError::new(Code::DATABASE_ERROR, e.to_string()))?;
            Ok(coin.map(|coin| coin.out))
        })
    })
}

/// The transactions are in hex; `coin` finds what an input spends.
pub(super) fn combine_texts(
    codec: Codec,
    list: &[Json],
    coin: impl Fn(&OutPoint) -> Result<Option<TxOut>, RpcError>,
) -> Result<Json, RpcError> {
    if list.len() < 2 {
        let text = "Missing transactions. At least two transactions required.";
        return Err(RpcError::new(Code::DESERIALIZATION_ERROR, text));
    }
    let mut copies = Vec::with_capacity(list.len());
    let mut lock_height = 0;
    for (number, text) in list.iter().enumerate() {
        let tx = hex::decode(text.as_str()?).and_then(|bytes| codec.guess_tx(&bytes, false, true));
        let tx = tx.ok_or_else(|| {
            let text = format!("TX decode failed for tx {number}. Make sure the tx has at least one input.");
            RpcError::new(Code::DESERIALIZATION_ERROR, text)
        })?;
        lock_height = tx.lock_height().unwrap_or(0);
        copies.push(tx.into_inner());
    }
    let first = bare(&copies[0]);
    if let Some(other) = copies.iter().position(|copy| bare(copy) != first) {
        let text = format!("Transaction number {} not compatible with first transaction", other + 1);
        return Err(RpcError::invalid_parameter(text));
    }
    let mut merged = copies[0].clone();
    for input in 0..merged.input.len() {
        let spent = coin(&merged.input[input].previous_output)?;
        let spent = spent.ok_or_else(|| RpcError::new(Code::VERIFY_ERROR, "Input not found or already spent"))?;
        let known = combine_input(&copies, input, &spent);
        merged.input[input].script_sig = known.script_sig;
        merged.input[input].witness = Witness::from_slice(&known.witness);
    }
    Ok(hex::encode(&codec.new_tx(merged, lock_height).to_bytes(WitnessMode::Include)).into())
}

/// A transaction without signatures.
fn bare(tx: &Transaction) -> Transaction {
    let mut tx = tx.clone();
    for input in &mut tx.input {
        input.script_sig = ScriptBuf::new();
        input.witness = Witness::new();
    }
    tx
}

fn combine_input(copies: &[Transaction], input: usize, spent: &TxOut) -> Spend {
    let mut spend = Spend::default();
    for copy in copies {
        let data = TxData::without_prevouts(copy);
        spend.merge(extract(&data, input, &copy.input[input], spent));
    }
    let data = TxData::without_prevouts(&copies[0]);
    let checker = TxSignatureChecker::new(&data, input, spent.value);
    produce(&spent.script_pubkey, &Known::default(), &Nobody(checker), &mut spend);
    spend
}
