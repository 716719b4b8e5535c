//! Descriptions of the methods that take private keys from outside a wallet.

use ::rpc::{Arg, Example, MethodDoc, Res, method};

/// `descriptorprocesspsbt`
pub(crate) fn descriptorprocesspsbt() -> MethodDoc {
    method(
        "rawtransactions",
        "descriptorprocesspsbt",
        concat!(
            "Update all segwit inputs in a PSBT with information from output ",
            "descriptors, the UTXO set or the mempool. \n",
            "Then, sign the inputs we are able to with information from the output ",
            "descriptors. "
        ),
    )
    .arg(Arg::str("psbt", "The transaction base64 string"))
    .arg(Arg::arr(
        "descriptors",
        "An array of either strings or objects",
        [
            Arg::str("", "An output descriptor").optional(),
            Arg::obj(
                "",
                "An object with an output descriptor and extra information",
                [
                    Arg::str("desc", "An output descriptor"),
                    Arg::range("range", "Up to what index HD chains should be explored (either end or [begin,end])")
                        .default(1000),
                ],
            )
            .optional(),
        ],
    ))
    .arg(
        Arg::str(
            "sighashtype",
            concat!(
                "The signature hash type to sign with if not specified by the PSBT. Must be ",
                "one of\n",
                "       \"DEFAULT\"\n",
                "       \"ALL\"\n",
                "       \"NONE\"\n",
                "       \"SINGLE\"\n",
                "       \"ALL|ANYONECANPAY\"\n",
                "       \"NONE|ANYONECANPAY\"\n",
                "       \"SINGLE|ANYONECANPAY\""
            ),
        )
        .hint("\"DEFAULT for Taproot, ALL otherwise\""),
    )
    .arg(Arg::bool("bip32derivs", "Include BIP 32 derivation paths for public keys if we know them").default(true))
    .arg(Arg::bool("finalize", "Also finalize inputs if possible").default(true))
    .result(Res::obj(
        "",
        "",
        [
            Res::str("psbt", "The base64-encoded partially signed transaction"),
            Res::bool("complete", "If the transaction has a complete set of signatures"),
            Res::hex("hex", "The hex-encoded network transaction if complete").optional(),
        ],
    ))
    .example_cli("\"psbt\" \"[\\\"descriptor1\\\", \\\"descriptor2\\\"]\"")
    .example_cli("\"psbt\" \"[{\\\"desc\\\":\\\"mydescriptor\\\", \\\"range\\\":21}]\"")
}

/// `signmessagewithprivkey`
pub(crate) fn signmessagewithprivkey() -> MethodDoc {
    method("util", "signmessagewithprivkey", "Sign a message with the private key of an address\n")
        .arg(Arg::str("privkey", "The private key to sign the message with."))
        .arg(Arg::str("message", "The message to create a signature of."))
        .result(Res::str("signature", "The signature of the message encoded in base 64"))
        .example_text("\nCreate the signature\n")
        .example_cli("\"privkey\" \"my message\"")
        .example_text("\nVerify the signature\n")
        .example(Example::Cli {
            method: "verifymessage".into(),
            args: "\"1D1ZrZNe3JUo7ZycKEYQQiQAWd9y54F4XX\" \"signature\" \"my message\"".into(),
        })
        .example_text("\nAs a JSON-RPC call\n")
        .example_rpc("\"privkey\", \"my message\"")
}

/// `signrawtransactionwithkey`
pub(crate) fn signrawtransactionwithkey() -> MethodDoc {
    method(
        "rawtransactions",
        "signrawtransactionwithkey",
        concat!(
            "Sign inputs for raw transaction (serialized, hex-encoded).\n",
            "The second argument is an array of base58-encoded private\n",
            "keys that will be the only keys used to sign the transaction.\n",
            "The third optional argument (may be null) is an array of previous ",
            "transaction outputs that\n",
            "this transaction depends on but may not yet be in the block chain.\n"
        ),
    )
    .arg(Arg::str("hexstring", "The transaction hex string"))
    .arg(Arg::arr(
        "privkeys",
        "The base58-encoded private keys for signing",
        [Arg::hex("privatekey", "private key in base58-encoding").optional()],
    ))
    .arg(
        Arg::arr(
            "prevtxs",
            "The previous dependent transaction outputs",
            [Arg::obj(
                "",
                "",
                [
                    Arg::hex("txid", "The transaction id"),
                    Arg::num("vout", "The output number"),
                    Arg::hex("scriptPubKey", "output script"),
                    Arg::hex("redeemScript", "(required for P2SH) redeem script").optional(),
                    Arg::hex("witnessScript", "(required for P2WSH or P2SH-P2WSH) witness script").optional(),
                    Arg::amount("amount", "(required for Segwit inputs) the amount spent").optional(),
                ],
            )
            .optional()],
        )
        .optional(),
    )
    .arg(
        Arg::str(
            "sighashtype",
            concat!(
                "The signature hash type. Must be one of:\n",
                "       \"DEFAULT\"\n",
                "       \"ALL\"\n",
                "       \"NONE\"\n",
                "       \"SINGLE\"\n",
                "       \"ALL|ANYONECANPAY\"\n",
                "       \"NONE|ANYONECANPAY\"\n",
                "       \"SINGLE|ANYONECANPAY\"\n"
            ),
        )
        .hint("\"DEFAULT for Taproot, ALL otherwise\""),
    )
    .result(Res::obj(
        "",
        "",
        [
            Res::hex("hex", "The hex-encoded raw transaction with signature(s)"),
            Res::bool("complete", "If the transaction has a complete set of signatures"),
            Res::arr(
                "errors",
                "Script verification errors (if there are any)",
                [Res::obj(
                    "",
                    "",
                    [
                        Res::hex("txid", "The hash of the referenced, previous transaction"),
                        Res::num("vout", "The index of the output to spent and used as input"),
                        Res::arr("witness", "", [Res::hex("witness", "")]),
                        Res::hex("scriptSig", "The hex-encoded signature script"),
                        Res::num("sequence", "Script sequence number"),
                        Res::str("error", "Verification or signing error related to the input"),
                    ],
                )],
            )
            .optional(),
        ],
    ))
    .example_cli("\"myhex\" \"[\\\"key1\\\",\\\"key2\\\"]\"")
    .example_rpc("\"myhex\", \"[\\\"key1\\\",\\\"key2\\\"]\"")
}
