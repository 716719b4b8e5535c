//! PSBTs that are done, and what the others lack.

use ::rpc::{Arg, Json, Method, Object, Request, Res, RpcError, method};
use config::Config;
use primitives::{WitnessMode, hex};

use super::{max_money, read};
use ::psbt::analyze::{InputStatus, Role, analyze as look_over};
use ::psbt::finalize::{extract_tx, finalize as finish};

pub(super) fn finalize() -> Method<Config> {
    method(
        "rawtransactions",
        "finalizepsbt",
        "Finalize the inputs of a PSBT. If the transaction is fully signed, it will produce a\n\
         network serialized transaction which can be broadcast with sendrawtransaction. Otherwise a PSBT will be\n\
         created which has the final_scriptSig and final_scriptwitness fields filled for inputs that are complete.\n\
         Implements the Finalizer and Extractor roles.\n",
    )
    .arg(Arg::str("psbt", "A base64 string of a PSBT"))
    .arg(
        Arg::bool(
            "extract",
            "If true and the transaction is complete,\n                             \
             extract and return the complete transaction in normal network serialization instead of the PSBT.",
        )
        .default(true),
    )
    .result(Res::obj(
        "",
        "",
        [
            Res::str("psbt", "The base64-encoded partially signed transaction if not extracted").optional(),
            Res::hex("hex", "The hex-encoded network transaction if extracted").optional(),
            Res::bool("complete", "If the transaction has a complete set of signatures"),
        ],
    ))
    .example_cli("\"psbt\"")
    .run(|config: &Config, request| {
        let mut psbt = read(config, request.str("psbt")?)?;
        let complete = finish(&mut psbt);
        let tx = if complete && request.bool("extract")? { extract_tx(&psbt) } else { None };
        let answer = match tx {
            Some(tx) => Object::new().with("hex", hex::encode(&tx.to_bytes(WitnessMode::Include))),
            None => Object::new().with("psbt", psbt.to_base64()),
        };
        Ok(answer.with("complete", complete).into())
    })
}

pub(super) fn analyze() -> Method<Config> {
    let key = |what| {
        Res::hex("keyid", format!("Public key ID, hash160 of the public key, of a public key whose {what} is missing"))
    };
    let missing = [
        Res::arr("pubkeys", "", [key("BIP 32 derivation path")]).optional(),
        Res::arr("signatures", "", [key("signature")]).optional(),
        Res::hex("redeemscript", "Hash160 of the redeem script that is missing").optional(),
        Res::hex("witnessscript", "SHA256 of the witness script that is missing").optional(),
    ];
    let input = [
        Res::bool("has_utxo", "Whether a UTXO is provided"),
        Res::bool("is_final", "Whether the input is finalized"),
        Res::obj("missing", "Things that are missing that are required to complete this input", missing).optional(),
        Res::str("next", "Role of the next person that this input needs to go to").optional(),
    ];
    let fields = [
        Res::arr("inputs", "", [Res::obj("", "", input)]).optional(),
        Res::num("estimated_vsize", "Estimated vsize of the final signed transaction").optional(),
        Res::amount("estimated_feerate", "Estimated feerate of the final signed transaction in {ticker}/kvB. Shown only if all UTXO slots in the PSBT have been filled").optional(),
        Res::amount("fee", "The transaction fee paid. Shown only if all UTXO slots in the PSBT have been filled").optional(),
        Res::str("next", "Role of the next person that this psbt needs to go to"),
        Res::str("error", "Error message (if there is one)").optional(),
    ];
    method(
        "rawtransactions",
        "analyzepsbt",
        "Analyzes and provides information about the current status of a PSBT and its inputs\n",
    )
    .arg(Arg::str("psbt", "A base64 string of a PSBT"))
    .result(Res::obj("", "", fields))
    .example_cli("\"psbt\"")
    .run(answer_analyze)
}

fn answer_analyze(config: &Config, request: &Request) -> Result<Json, RpcError> {
    let psbt = read(config, request.str("psbt")?)?;
    let analysis = match look_over(psbt, max_money(config)) {
        Ok(analysis) => analysis,
        Err(why) => {
            return Ok(Object::new().with("next", Role::Creator.name()).with("error", why.to_string()).into());
        }
    };
    let mut answer = Object::new();
    if !analysis.inputs.is_empty() {
        answer.push("inputs", analysis.inputs.iter().map(show).collect::<Json>());
    }
    if let Some(vsize) = analysis.vsize {
        answer.push("estimated_vsize", vsize);
        if let (Some(fee), Ok(size @ 1..)) = (analysis.fee, i64::try_from(vsize)) {
            let per_k = (i128::from(fee) * 1000).div_euclid(i128::from(size));
            answer.push("estimated_feerate", Json::amount(i64::try_from(per_k).unwrap_or(i64::MAX)));
        }
    }
    if let Some(fee) = analysis.fee {
        answer.push("fee", Json::amount(fee));
    }
    Ok(answer.with("next", analysis.next.name()).into())
}

fn show(input: &InputStatus) -> Object {
    let ids = |ids: &[[u8; 20]]| ids.iter().map(|id| hex::encode(id)).collect::<Json>();
    let mut missing = Object::new();
    if !input.missing.keys.is_empty() {
        missing.push("pubkeys", ids(&input.missing.keys));
    }
    if let Some(hash) = input.missing.redeem_script {
        missing.push("redeemscript", hex::encode(&hash));
    }
    if let Some(hash) = input.missing.witness_script {
        missing.push("witnessscript", hex::encode(&hash));
    }
    if !input.missing.signatures.is_empty() {
        missing.push("signatures", ids(&input.missing.signatures));
    }
    let mut object =
        Object::new().with("has_utxo", input.has_utxo).with("is_final", input.is_final).with("next", input.next.name());
    if !missing.is_empty() {
        object.push("missing", missing);
    }
    object
}
