//! `simulaterawtransaction`

use std::collections::{BTreeMap, BTreeSet};

use ::rpc::{Code, Json, Object, Request, RpcError};
use bitcoin::OutPoint;
use primitives::hex;

use super::common::wallet_of;
use crate::convert;
use crate::ledger::Owner;
use crate::loader::Wallets;
use crate::wallet::road;

pub(super) fn answer(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    let shared = wallets.shared();
    let bad = |text: &'static str| RpcError::invalid_parameter(text);
    let mut change = 0_i64;
    let mut made: BTreeMap<OutPoint, i64> = BTreeMap::new();
    let mut spent = BTreeSet::new();
    for text in request.param(0).as_arr()? {
        let bytes = hex::decode(text.as_str()?);
        let tx = bytes
            .and_then(|bytes| shared.codec.guess_tx(&bytes, true, true))
            .ok_or_else(|| RpcError::new(Code::DESERIALIZATION_ERROR, "Transaction hex string decoding failure."))?;
        let inputs: Vec<OutPoint> = tx.inputs().iter().map(|input| input.previous_output).collect();
        let asked: Vec<_> = inputs.iter().map(convert::to_outpoint).collect();
        let coins = shared.chain.find_coins(&asked).map_err(road)?;
        wallet.read(|core| {
            for (outpoint, coin) in inputs.iter().zip(&coins) {
                if !spent.insert(*outpoint) {
                    return Err(bad("Transaction(s) are spending the same output more than once"));
                }
                if let Some(value) = made.remove(outpoint) {
                    change -= value;
                } else if coin.is_none() {
                    return Err(bad("One or more transaction inputs are missing or have been spent already"));
                } else if let Some((parent, _)) = core.ledger.coin(outpoint) {
                    change -= core.ledger.worth(parent, outpoint.vout);
                }
            }
            for (vout, output) in (0_u32..).zip(tx.outputs()) {
                let mine = core.keys.is_mine(&output.script_pubkey);
                let value = if mine { consensus::value_of(output) } else { 0 };
                made.insert(OutPoint { txid: tx.txid(), vout }, value);
                change += value;
            }
            Ok(())
        })?;
    }
    Ok(Object::new().with("balance_change", Json::amount(change)).into())
}
