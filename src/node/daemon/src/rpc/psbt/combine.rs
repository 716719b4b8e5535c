//! Several PSBTs made one.

use std::collections::{BTreeMap, BTreeSet};

use ::rpc::{Arg, Code, Json, Method, Request, Res, RpcError, method};
use config::Config;
use platform::{Entropy, SystemEntropy};
use primitives::Codec;

use super::read;
use ::psbt::{Psbt, Version};

fn txs(request: &Request, config: &Config) -> Result<Vec<Psbt>, RpcError> {
    request.arg("txs").as_arr()?.iter().map(|text| read(config, text.as_str()?)).collect()
}

pub(super) fn combine() -> Method<Config> {
    method(
        "rawtransactions",
        "combinepsbt",
        "Combine multiple partially signed {Coin} transactions into one transaction.\nImplements the Combiner role.\n",
    )
    .arg(Arg::arr(
        "txs",
        "The base64 strings of partially signed transactions",
        [Arg::str("psbt", "A base64 string of a PSBT").optional()],
    ))
    .result(Res::str("", "The base64-encoded partially signed transaction"))
    .example_cli("'[\"mybase64_1\", \"mybase64_2\", \"mybase64_3\"]'")
    .run(|config: &Config, request| {
        let mut psbts = txs(request, config)?.into_iter();
        let first = psbts.next().ok_or_else(|| RpcError::invalid_parameter("Parameter 'txs' cannot be empty"))?;
        let merged = psbts.try_fold(first, Psbt::merge);
        let merged =
            merged.ok_or_else(|| RpcError::invalid_parameter("PSBTs not compatible (different transactions)"))?;
        Ok(merged.to_base64().into())
    })
}

pub(super) fn join() -> Method<Config> {
    method(
        "rawtransactions",
        "joinpsbts",
        "Joins multiple distinct version 0 PSBTs with different inputs and outputs into one version 0 PSBT with inputs and outputs from all of the PSBTs\n\
         No input in any of the PSBTs can be in more than one of the PSBTs.\n",
    )
    .arg(Arg::arr(
        "txs",
        "The base64 strings of partially signed transactions",
        [Arg::str("psbt", "A base64 string of a PSBT")],
    ))
    .result(Res::str("", "The base64-encoded partially signed transaction"))
    .example_cli("\"psbt\"")
    .run(|config: &Config, request| answer_join(config, request, &SystemEntropy))
}

fn answer_join(config: &Config, request: &Request, entropy: &dyn Entropy) -> Result<Json, RpcError> {
    if request.arg("txs").as_arr()?.len() <= 1 {
        return Err(RpcError::invalid_parameter("At least two PSBTs are required to join PSBTs."));
    }
    let psbts = txs(request, config)?;
    if psbts.iter().any(|psbt| psbt.version != Version::V0) {
        return Err(RpcError::invalid_parameter("joinpsbts only operates on version 0 PSBTs"));
    }
    let mut joined = Psbt {
        codec: Codec::for_coin(config.coin()),
        version: Version::V0,
        // The highest version and the lowest lock time are the ones that all of them can live with.
        tx_version: psbts.iter().map(|psbt| psbt.tx_version).fold(1, u32::max),
        fallback_locktime: psbts.iter().map(|psbt| psbt.fallback_locktime.unwrap_or(0)).min(),
        lock_height: psbts.iter().map(|psbt| psbt.lock_height).max().unwrap_or(0),
        modifiable: None,
        xpubs: BTreeMap::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        proprietary: BTreeMap::new(),
        unknown: BTreeMap::new(),
    };
    let mut spent = BTreeSet::new();
    for psbt in psbts {
        for mut input in psbt.inputs {
            if !spent.insert(input.prevout) {
                let text = format!("Input {} exists in multiple PSBTs", input.prevout);
                return Err(RpcError::invalid_parameter(text));
            }
            // Signatures are for the transaction that they came with.
            input.signatures.clear();
            input.final_script_sig = bitcoin::ScriptBuf::new();
            input.final_witness.clear();
            joined.inputs.push(input);
        }
        joined.outputs.extend(psbt.outputs);
        for (key, value) in psbt.unknown {
            joined.unknown.entry(key).or_insert(value);
        }
    }
    shuffle(&mut joined.inputs, entropy)?;
    shuffle(&mut joined.outputs, entropy)?;
    Ok(joined.to_base64().into())
}

/// Nobody shall see who brought what.
fn shuffle<T>(items: &mut [T], entropy: &dyn Entropy) -> Result<(), RpcError> {
    for last in (1..items.len()).rev() {
        let mut bytes = [0; 8];
        entropy.fill(&mut bytes).map_err(|e| RpcError::new(Code::INTERNAL_ERROR, e.to_string()))?;
        let choices = last as u64 + 1;
        let chosen = usize::try_from(u64::from_le_bytes(bytes) % choices).unwrap_or(last);
        items.swap(last, chosen);
    }
    Ok(())
}
