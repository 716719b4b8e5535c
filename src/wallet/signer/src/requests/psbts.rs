//! `descriptorprocesspsbt`.

use ::rpc::values::range_from_value;
use ::rpc::{Code, Json, Object, Request, RpcError};
use bitcoin::OutPoint;
use descriptors::parse;
use primitives::{WitnessMode, hex};
use psbt::finalize::extract_tx;
use psbt::{Psbt, is_segwit};

use super::{World, psbt_error, read_psbt, read_sighash};
use crate::{Provider, PsbtManner, process_psbt};

/// Answers `descriptorprocesspsbt`.
pub fn descriptor_process_psbt(world: &dyn World, request: &Request) -> Result<Json, RpcError> {
    let mut provider = Provider::new(*world.notation());
    for given in request.arg("descriptors").as_arr()? {
        evaluate_descriptor(given, &mut provider)?;
    }
    let manner = PsbtManner {
        sign: true,
        sighash: read_sighash(request)?,
        finalize: request.bool("finalize")?,
        bip32_derivs: request.bool("bip32derivs")?,
    };
    let mut psbt = read_psbt(world, request.str("psbt")?)?;
    add_spent(world, &mut psbt, &provider)?;
    let complete = process_psbt(&mut psbt, &provider, manner).map_err(psbt_error)?;
    let mut answer = Object::new().with("psbt", psbt.to_base64()).with("complete", complete);
    if let Some(tx) = extract_tx(&psbt).filter(|_| complete) {
        answer.push("hex", hex::encode(&tx.to_bytes(WitnessMode::Include)));
    }
    Ok(answer.into())
}

/// Adds everything that a descriptor, or an object with one and a range, says: scripts, public and private keys.
pub fn evaluate_descriptor(given: &Json, provider: &mut Provider) -> Result<(), RpcError> {
    let (text, range) = match given {
        Json::Str(text) => (text.as_str(), (0, 1000)),
        Json::Obj(_) => {
            let text = given.get("desc");
            if text.is_null() {
                return Err(RpcError::invalid_parameter("Descriptor needs to be provided in scan object"));
            }
            let range = given.get("range");
            (text.as_str()?, if range.is_null() { (0, 1000) } else { range_from_value(range)? })
        }
        _ => {
            return Err(RpcError::invalid_parameter("Scan object needs to be either a string or an object"));
        }
    };
    let wrong = |text: String| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, text);
    let mut ring = provider.keys.clone();
    let parsed = parse(text, false, &ring.notation().clone(), &mut ring).map_err(|error| wrong(error.to_string()))?;
    for descriptor in &parsed.descriptors {
        let (begin, end) = if descriptor.is_range() { range } else { (0, 0) };
        let index = |index| u32::try_from(index).map_err(|_| RpcError::invalid_parameter("End of range is too high"));
        if !provider.add_all(descriptor, index(begin)?, index(end)?, &ring) {
            return Err(wrong(format!("Cannot derive script without private keys: '{text}'")));
        }
    }
    provider.keys.merge(ring);
    Ok(())
}

/// Adds what inputs spend: the whole transaction if it can be found, else the output, if a witness will say its amount.
fn add_spent(world: &dyn World, psbt: &mut Psbt, provider: &Provider) -> Result<(), RpcError> {
    let mut missing: Vec<(usize, OutPoint)> = Vec::new();
    for (index, input) in psbt.inputs.iter_mut().enumerate() {
        if input.non_witness_utxo.is_some() {
            continue;
        }
        input.non_witness_utxo = world.transaction(&input.prevout.txid)?;
        if input.non_witness_utxo.is_none() {
            missing.push((index, input.prevout));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let outpoints: Vec<OutPoint> = missing.iter().map(|(_, outpoint)| *outpoint).collect();
    for ((index, _), coin) in missing.into_iter().zip(world.coins(&outpoints)?) {
        if let Some(coin) = coin.filter(|coin| is_segwit(&coin.out.script_pubkey, &provider.known)) {
            psbt.inputs[index].witness_utxo = Some(coin.out);
        }
    }
    Ok(())
}
