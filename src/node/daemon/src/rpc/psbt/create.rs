//! PSBTs of transactions that nobody signed.

use ::rpc::{Arg, Code, Method, Request, Res, RpcError, method};
use bitcoin::{ScriptBuf, Witness};
use config::Config;
use primitives::Codec;

use crate::rpc::rawtx::{construct, construct_args, is_witness_arg, read_tx};
use ::psbt::{Psbt, Version};

fn version_arg() -> Arg {
    Arg::num("psbt_version", "The PSBT version number to use.").default(2)
}

fn version(config: &Config, request: &Request) -> Result<Version, RpcError> {
    if !request.has("psbt_version") && config.answers_deprecated("psbtv0") {
        return Ok(Version::V0);
    }
    match request.int("psbt_version")? {
        0_u32 => Ok(Version::V0),
        2 => Ok(Version::V2),
        _ => Err(RpcError::invalid_parameter("The PSBT version can only be 2 or 0")),
    }
}

pub(super) fn create() -> Method<Config> {
    method(
        "rawtransactions",
        "createpsbt",
        "Creates a transaction in the Partially Signed Transaction format.\n\
         Implements the Creator role.\n\
         Note that the transaction's inputs are not signed, and\n\
         it is not stored in the wallet or transmitted to the network.\n",
    )
    .args(construct_args())
    .arg(version_arg())
    .result(Res::str("", "The resulting raw transaction (base64-encoded string)"))
    .example_cli("\"[{\\\"txid\\\":\\\"myid\\\",\\\"vout\\\":0}]\" \"[{\\\"address\\\":0.01}]\"")
    .run(|config: &Config, request| {
        let tx = construct(config, request)?;
        Ok(Psbt::new(Codec::for_coin(config.coin()), version(config, request)?, &tx).to_base64().into())
    })
}

pub(super) fn convert() -> Method<Config> {
    method(
        "rawtransactions",
        "converttopsbt",
        "Converts a network serialized transaction to a PSBT. This should be used only with createrawtransaction and fundrawtransaction\n\
         createpsbt and walletcreatefundedpsbt should be used for new applications.\n",
    )
    .arg(Arg::hex("hexstring", "The hex string of a raw transaction"))
    .arg(
        Arg::bool(
            "permitsigdata",
            "If true, any signatures in the input will be discarded and conversion\n                              \
             will continue. If false, RPC will fail if any signatures are present.",
        )
        .default(false),
    )
    .arg(is_witness_arg())
    .arg(version_arg())
    .result(Res::str("", "The resulting raw transaction (base64-encoded string)"))
    .example_text("\nCreate a transaction\n")
    .example(::rpc::Example::Cli {
        method: "createrawtransaction".into(),
        args: "\"[{\\\"txid\\\":\\\"myid\\\",\\\"vout\\\":0}]\" \"[{\\\"data\\\":\\\"00010203\\\"}]\"".into(),
    })
    .example_text("\nConvert the transaction to a PSBT\n")
    .example_cli("\"rawtransaction\"")
    .run(|config: &Config, request| {
        let tx = read_tx(config, request)?;
        let (lock_height, mut inner) = (tx.lock_height().unwrap_or(0), tx.into_inner());
        let permitted = request.bool("permitsigdata")?;
        for input in &mut inner.input {
            if !permitted && (!input.script_sig.is_empty() || !input.witness.is_empty()) {
                let text = "Inputs must not have scriptSigs and scriptWitnesses";
                return Err(RpcError::new(Code::DESERIALIZATION_ERROR, text));
            }
            (input.script_sig, input.witness) = (ScriptBuf::new(), Witness::new());
        }
        let codec = Codec::for_coin(config.coin());
        Ok(Psbt::new(codec, version(config, request)?, &codec.new_tx(inner, lock_height)).to_base64().into())
    })
}
