//! Methods of the node that are given private keys, or ask devices that have some. The node describes them and passes them
//! on: it never works with a private key itself, and starts no program of a device. The wallet process is started for them
//! if no wallet is in use.

use std::sync::Arc;

use ::rpc::{Arg, Caller, Json, Method, Request, Res, RpcError, method};
use bitcoin::ScriptBuf;
use descriptors::{
    Descriptor, ExtendedKey, NoPrivateKeys, Notation, PrivateKeyText, PrivateKeys, PublicPart, Refusal, describe, parse,
};

use crate::NodeContext;

/// The methods that are nothing but that.
pub(crate) fn methods() -> Vec<Method<NodeContext>> {
    vec![sign_transaction(), sign_message(), process_psbt(), list_devices()]
}

fn signature_hash_type(description: &'static str, end: &'static str) -> Arg {
    let types = ["DEFAULT", "ALL", "NONE", "SINGLE", "ALL|ANYONECANPAY", "NONE|ANYONECANPAY", "SINGLE|ANYONECANPAY"];
    let lines: Vec<String> = types.iter().map(|name| format!("       \"{name}\"")).collect();
    Arg::str("sighashtype", format!("{description}\n{}{end}", lines.join("\n")))
        .hint("DEFAULT for Taproot, ALL otherwise")
}

fn sign_transaction() -> Method<NodeContext> {
    let previous = [
        Arg::hex("txid", "The transaction id"),
        Arg::num("vout", "The output number"),
        Arg::hex("scriptPubKey", "output script"),
        Arg::hex("redeemScript", "(required for P2SH) redeem script").optional(),
        Arg::hex("witnessScript", "(required for P2WSH or P2SH-P2WSH) witness script").optional(),
        Arg::amount("amount", "(required for Segwit inputs) the amount spent").optional(),
    ];
    let problem = [
        Res::hex("txid", "The hash of the referenced, previous transaction"),
        Res::num("vout", "The index of the output to spent and used as input"),
        Res::arr("witness", "", [Res::hex("witness", "")]),
        Res::str("scriptSig", "The hex-encoded signature script"),
        Res::num("sequence", "Script sequence number"),
        Res::str("error", "Verification or signing error related to the input"),
    ];
    let fields = [
        Res::hex("hex", "The hex-encoded raw transaction with signature(s)"),
        Res::bool("complete", "If the transaction has a complete set of signatures"),
        Res::arr("errors", "Script verification errors (if there are any)", [Res::obj("", "", problem)]).optional(),
    ];
    method(
        "rawtransactions",
        "signrawtransactionwithkey",
        "Sign inputs for raw transaction (serialized, hex-encoded).\n\
         The second argument is an array of base58-encoded private\n\
         keys that will be the only keys used to sign the transaction.\n\
         The third optional argument (may be null) is an array of previous transaction outputs that\n\
         this transaction depends on but may not yet be in the block chain.\n",
    )
    .arg(Arg::str("hexstring", "The transaction hex string"))
    .arg(Arg::arr(
        "privkeys",
        "The base58-encoded private keys for signing",
        [Arg::hex("privatekey", "private key in base58-encoding").optional()],
    ))
    .arg(
        Arg::arr("prevtxs", "The previous dependent transaction outputs", [Arg::obj("", "", previous).optional()])
            .optional(),
    )
    .arg(signature_hash_type("The signature hash type. Must be one of:", "\n"))
    .result(Res::obj("", "", fields))
    .example_cli("\"myhex\" \"[\\\"key1\\\",\\\"key2\\\"]\"")
    .example_rpc("\"myhex\", \"[\\\"key1\\\",\\\"key2\\\"]\"")
    .run(|node: &NodeContext, request| node.wallets()?.pass_keys_on(request))
}

fn sign_message() -> Method<NodeContext> {
    method("util", "signmessagewithprivkey", "Sign a message with the private key of an address\n")
        .arg(Arg::str("privkey", "The private key to sign the message with."))
        .arg(Arg::str("message", "The message to create a signature of."))
        .result(Res::str("signature", "The signature of the message encoded in base 64"))
        .example_text("\nCreate the signature\n")
        .example_cli("\"privkey\" \"my message\"")
        .example_text("\nAs a JSON-RPC call\n")
        .example_rpc("\"privkey\", \"my message\"")
        .run(|node: &NodeContext, request| node.wallets()?.pass_keys_on(request))
}

fn process_psbt() -> Method<NodeContext> {
    let with_range = [
        Arg::str("desc", "An output descriptor"),
        Arg::range("range", "Up to what index HD chains should be explored (either end or [begin,end])").default(1000),
    ];
    let descriptors = [
        Arg::str("", "An output descriptor").optional(),
        Arg::obj("", "An object with an output descriptor and extra information", with_range).optional(),
    ];
    let fields = [
        Res::str("psbt", "The base64-encoded partially signed transaction"),
        Res::bool("complete", "If the transaction has a complete set of signatures"),
        Res::hex("hex", "The hex-encoded network transaction if complete").optional(),
    ];
    method(
        "rawtransactions",
        "descriptorprocesspsbt",
        "Update all segwit inputs in a PSBT with information from output descriptors, the UTXO set or the mempool. \n\
         Then, sign the inputs we are able to with information from the output descriptors. ",
    )
    .arg(Arg::str("psbt", "The transaction base64 string"))
    .arg(Arg::arr("descriptors", "An array of either strings or objects", descriptors))
    .arg(signature_hash_type("The signature hash type to sign with if not specified by the PSBT. Must be one of", ""))
    .arg(Arg::bool("bip32derivs", "Include BIP 32 derivation paths for public keys if we know them").default(true))
    .arg(Arg::bool("finalize", "Also finalize inputs if possible").default(true))
    .result(Res::obj("", "", fields))
    .example_cli("\"psbt\" \"[\\\"descriptor1\\\", \\\"descriptor2\\\"]\"")
    .example_cli("\"psbt\" \"[{\\\"desc\\\":\\\"mydescriptor\\\", \\\"range\\\":21}]\"")
    .run(|node: &NodeContext, request| {
        // Wallets can look up coins, but not the transactions that made them.
        let mut request = request.clone();
        if let Json::Arr(params) = &mut request.params
            && let Some(Json::Str(psbt)) = params.first_mut()
            && let Some(more) = crate::rpc::with_transactions(node, psbt)?
        {
            *psbt = more;
        }
        node.wallets()?.pass_keys_on(&request)
    })
}

fn list_devices() -> Method<NodeContext> {
    let device = [
        Res::hex("fingerprint", "Master key fingerprint"),
        Res::str("name", "Device name, the model returned by the signer"),
    ];
    method(
        "signer",
        "enumeratesigners",
        "Returns a list of external signers from -signer. Signers with duplicate master key fingerprints are skipped.",
    )
    .result(Res::obj("", "", [Res::arr("signers", "", [Res::obj("", "", device)])]))
    .example_cli("")
    .example_rpc("")
    .run(|node: &NodeContext, request| node.wallets()?.pass_keys_on(request))
}

/// A method of the node that passes a request on if one of the descriptors in this argument has private keys.
pub(crate) fn with_private_keys(mut method: Method<NodeContext>, argument: &'static str) -> Method<NodeContext> {
    let own = Arc::clone(&method.handler);
    method.handler = Arc::new(move |node: &NodeContext, request| {
        let notation = Notation::new(node.config.coin(), node.config.chain());
        if has_keys(request.arg(argument), &notation) {
            node.wallets()?.pass_keys_on(request)
        } else {
            own(node, request)
        }
    });
    method
}

/// The scripts of a descriptor that has private keys, each with a descriptor that has none. `None` if this one has none
/// itself: then the node finds them alone.
pub(crate) fn scripts_behind_keys(
    node: &NodeContext,
    descriptor: &str,
    range: Option<&Json>,
) -> Result<Option<Vec<(ScriptBuf, Descriptor)>>, RpcError> {
    let notation = Notation::new(node.config.coin(), node.config.chain());
    if !has_keys(&Json::from(descriptor), &notation) {
        return Ok(None);
    }
    let params = std::iter::once(Json::from(descriptor)).chain(range.cloned()).collect();
    let answer = node.wallets()?.pass_keys_on(&Request::new(super::forward::FOR_NODE, params, Caller::default()))?;
    let pair = |pair: &Json| {
        let script = ScriptBuf::from_hex(pair.at(0).as_str().ok()?).ok()?;
        let parsed = parse(pair.at(1).as_str().ok()?, false, &notation, &mut NoPrivateKeys).ok()?;
        Some((script, parsed.descriptors.into_iter().next()?))
    };
    let pairs: Option<Vec<_>> = answer.as_arr()?.iter().map(pair).collect();
    pairs.map(Some).ok_or_else(|| RpcError::misc("The wallet's answer is not a list of scripts."))
}

/// Whether a descriptor, or one of several, has private keys. Objects have theirs under `desc`.
fn has_keys(value: &Json, notation: &Notation) -> bool {
    match value {
        Json::Str(text) => {
            let mut seen = Seen(false);
            // What else is wrong with it is the method's to tell.
            let _ = describe(text, notation, &mut seen);
            seen.0
        }
        Json::Arr(several) => several.iter().any(|one| has_keys(one, notation)),
        Json::Obj(_) => has_keys(value.get("desc"), notation),
        _ => false,
    }
}

/// Notices that there is a private key, and nothing else about it.
struct Seen(bool);

impl PrivateKeys for Seen {
    fn learn(&mut self, _: &PrivateKeyText) -> Result<PublicPart, Refusal> {
        self.0 = true;
        Err(Refusal::NotHere)
    }

    fn derive(&self, _: &ExtendedKey, _: &[u32]) -> Option<ExtendedKey> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_keys_are_noticed_wherever_a_descriptor_stands() {
        let coin = coin::by_id("bitcoin").unwrap();
        let notation = Notation::new(coin, coin.chain(coin::ChainKind::Regtest).unwrap());
        let public = "pkh(02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5)";
        let private = "pkh(cVpF924EspNh8KjYsfhgY96mmxvT6DgdWiTYMtMjuM74hJaU5psW)";
        let object = |text: &str| Json::from(::rpc::Object::new().with("desc", text));
        for (value, expected) in [
            (Json::from(public), false),
            (Json::from(private), true),
            (object(public), false),
            (object(private), true),
            (Json::Arr(vec![public.into(), object(private)]), true),
            (Json::from("nonsense"), false),
            (Json::from(7), false),
        ] {
            assert_eq!(has_keys(&value, &notation), expected, "{}", value.write());
        }
    }
}
