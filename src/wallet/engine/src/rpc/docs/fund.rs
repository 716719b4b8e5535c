//! Descriptions of the methods that fund transactions.

use ::rpc::{Arg, Example, Json, MethodDoc, Res, method};

use super::parts::{fund_options, outputs_doc};

/// `fundrawtransaction`
pub(crate) fn fundrawtransaction() -> MethodDoc {
    method(
        "rawtransactions",
        "fundrawtransaction",
        concat!(
            "If the transaction has no inputs, they will be automatically selected to ",
            "meet its out value.\n",
            "It will add at most one change output to the outputs.\n",
            "No existing outputs will be modified unless \"subtractFeeFromOutputs\" is ",
            "specified.\n",
            "Note that inputs which were signed may need to be resigned after completion ",
            "since in/outputs have been added.\n",
            "The inputs added will not be signed, use signrawtransactionwithkey\n",
            "or signrawtransactionwithwallet for that.\n",
            "All existing inputs must either have their previous output transaction be ",
            "in the wallet\n",
            "or be in the UTXO set. Solving data must be provided for non-wallet inputs.\n",
            "Note that all inputs selected must be of standard form and P2SH scripts ",
            "must be\n",
            "in the wallet using importdescriptors (to calculate fees).\n",
            "You can see whether this is the case by checking the \"solvable\" field in ",
            "the listunspent output.\n",
            "Note that if specifying an exact fee rate, the resulting transaction may ",
            "have a higher fee rate\n",
            "if the transaction has unconfirmed inputs. This is because the wallet will ",
            "attempt to make the\n",
            "entire package have the given fee rate, not the resulting transaction.\n"
        ),
    )
    .arg(Arg::hex("hexstring", "The hex string of the raw transaction"))
    .arg(
        Arg::obj_named(
            "options",
            "",
            [
                vec![
                    Arg::bool(
                        "add_inputs",
                        concat!(
                            "For a transaction with existing inputs, automatically include more if they ",
                            "are not enough."
                        ),
                    )
                    .default(true),
                ],
                choice("The integers.\n"),
                vec![
                    Arg::arr(
                        "input_weights",
                        "Inputs and their corresponding weights",
                        [Arg::obj(
                            "",
                            "",
                            [
                                Arg::hex("txid", "The transaction id"),
                                Arg::num("vout", "The output index"),
                                Arg::num(
                                    "weight",
                                    concat!(
                                        "The maximum weight for this input, including the weight of the outpoint and ",
                                        "sequence number. Note that serialized signature sizes are not guaranteed to ",
                                        "be consistent, so the maximum DER signatures size of 73 bytes should be ",
                                        "used when considering ECDSA signatures.Remember to convert serialized sizes ",
                                        "to weight units when necessary."
                                    ),
                                ),
                            ],
                        )
                        .optional()],
                    )
                    .optional(),
                    heaviest(),
                ],
                fund_options(true),
            ]
            .concat(),
        )
        .optional()
        .oneline("options"),
    )
    .arg(
        Arg::bool(
            "iswitness",
            concat!(
                "Whether the transaction hex is a serialized witness transaction.\n",
                "If iswitness is not present, heuristic tests will be used in decoding.\n",
                "If true, only witness deserialization will be tried.\n",
                "If false, only non-witness deserialization will be tried.\n",
                "This boolean should reflect whether the transaction has inputs\n",
                "(e.g. fully valid, or on-chain transactions), if known by the caller."
            ),
        )
        .hint("depends on heuristic tests"),
    )
    .result(Res::obj(
        "",
        "",
        [
            Res::hex("hex", "The resulting raw transaction (hex-encoded string)"),
            Res::amount("fee", "Fee in {ticker} the resulting transaction pays"),
            Res::num("changepos", "The position of the added change output, or -1"),
        ],
    ))
    .example_text("\nCreate a transaction with no inputs\n")
    .example(Example::Cli { method: "createrawtransaction".into(), args: "\"[]\" \"{\\\"myaddress\\\":0.01}\"".into() })
    .example_text("\nAdd sufficient unsigned inputs to meet the output value\n")
    .example_cli("\"rawtransactionhex\"")
    .example_text("\nSign the transaction\n")
    .example(Example::Cli { method: "signrawtransactionwithwallet".into(), args: "\"fundedtransactionhex\"".into() })
    .example_text("\nSend the transaction\n")
    .example(Example::Cli { method: "sendrawtransaction".into(), args: "\"signedtransactionhex\"".into() })
}

/// How coins are chosen and change is made. `whose` says what the fee is taken from.
fn choice(whose: &'static str) -> Vec<Arg> {
    vec![
        Arg::bool(
            "include_unsafe",
            concat!(
                "Include inputs that are not safe to spend (unconfirmed transactions from ",
                "outside keys and unconfirmed replacement transactions).\n",
                "Warning: the resulting transaction may become invalid if one of the unsafe ",
                "inputs disappears.\n",
                "If that happens, you will need to fund the transaction with different ",
                "inputs and republish it."
            ),
        )
        .default(false),
        Arg::num(
            "minconf",
            concat!("If add_inputs is specified, require inputs with at least this many ", "confirmations."),
        )
        .default(0),
        Arg::num(
            "maxconf",
            concat!("If add_inputs is specified, require inputs with at most this many ", "confirmations."),
        )
        .optional(),
        Arg::str("changeAddress", "The bitcoin address to receive the change").hint("automatic"),
        Arg::num("changePosition", "The index of the change output").hint("random"),
        Arg::str(
            "change_type",
            concat!(
                "The output type to use. Only valid if changeAddress is not specified. ",
                "Options are \"legacy\", \"p2sh-segwit\", \"bech32\", \"bech32m\"."
            ),
        )
        .hint("set by -changetype"),
        Arg::bool("includeWatching", "(DEPRECATED) No longer used").default(false),
        Arg::bool("lockUnspents", "Lock selected unspent outputs").default(false),
        Arg::amount("fee_rate", "Specify a fee rate in {atom}/vB.").hint("not set, fall back to wallet fee estimation"),
        Arg::amount("feeRate", "Specify a fee rate in {ticker}/kvB.")
            .hint("not set, fall back to wallet fee estimation"),
        Arg::arr(
            "subtractFeeFromOutputs",
            format!(
                "{whose}{}",
                concat!(
                    "The fee will be equally deducted from the amount of each specified output.\n",
                    "Those recipients will receive less bitcoins than you enter in their ",
                    "corresponding amount field.\n",
                    "If no outputs are specified here, the sender pays the fee."
                )
            ),
            [Arg::num("vout_index", "The zero-based output index, before a change output is added.").optional()],
        )
        .default(Json::Arr(Vec::new())),
    ]
}

fn heaviest() -> Arg {
    Arg::num(
        "max_tx_weight",
        concat!(
            "The maximum acceptable transaction weight.\n",
            "Transaction building will fail if this can not be satisfied."
        ),
    )
    .default(400_000)
}

/// `walletcreatefundedpsbt`
pub(crate) fn walletcreatefundedpsbt() -> MethodDoc {
    method(
        "wallet",
        "walletcreatefundedpsbt",
        concat!(
            "Creates and funds a transaction in the Partially Signed Transaction format.\n",
            "Implements the Creator and Updater roles.\n",
            "All existing inputs must either have their previous output transaction be ",
            "in the wallet\n",
            "or be in the UTXO set. Solving data must be provided for non-wallet inputs.\n"
        ),
    )
    .arg(
        Arg::arr(
            "inputs",
            "Leave empty to add inputs automatically. See add_inputs option.",
            [Arg::obj(
                "",
                "",
                [
                    Arg::hex("txid", "The transaction id"),
                    Arg::num("vout", "The output number"),
                    Arg::num("sequence", "The sequence number")
                        .hint("depends on the value of the 'locktime' and 'options.replaceable' arguments"),
                    Arg::num(
                        "weight",
                        concat!(
                            "The maximum weight for this input, including the weight of the outpoint and ",
                            "sequence number. Note that signature sizes are not guaranteed to be ",
                            "consistent, so the maximum DER signatures size of 73 bytes should be used ",
                            "when considering ECDSA signatures.Remember to convert serialized sizes to ",
                            "weight units when necessary."
                        ),
                    )
                    .hint("Calculated from wallet and solving data"),
                ],
            )
            .optional()],
        )
        .optional(),
    )
    .arg(
        Arg::arr(
            "outputs",
            concat!(
                "The outputs specified as key-value pairs.\n",
                "Each key may only appear once, i.e. there can only be one 'data' output, ",
                "and no address may be duplicated.\n",
                "At least one output of either type must be specified.\n",
                "For compatibility reasons, a dictionary, which holds the key-value pairs ",
                "directly, is also\n",
                "accepted as second parameter."
            ),
            outputs_doc(),
        )
        .skip_type_check(),
    )
    .arg(Arg::num("locktime", "Raw locktime. Non-0 value also locktime-activates inputs").default(0))
    .arg(
        Arg::obj_named(
            "options",
            "",
            [
                vec![
                    Arg::bool(
                        "add_inputs",
                        "Automatically include coins from the wallet to cover the target amount.\n",
                    )
                    .hint("false when \"inputs\" are specified, true otherwise"),
                ],
                choice("The outputs to subtract the fee from.\n"),
                vec![heaviest()],
                fund_options(true),
            ]
            .concat(),
        )
        .optional()
        .oneline("options"),
    )
    .arg(Arg::bool("bip32derivs", "Include BIP 32 derivation paths for public keys if we know them").default(true))
    .arg(Arg::num("version", "Transaction version").default(2))
    .arg(Arg::num("psbt_version", "The PSBT version number to use.").default(2))
    .result(Res::obj(
        "",
        "",
        [
            Res::str("psbt", "The resulting raw transaction (base64-encoded string)"),
            Res::amount("fee", "Fee in {ticker} the resulting transaction pays"),
            Res::num("changepos", "The position of the added change output, or -1"),
        ],
    ))
    .example_text(concat!(
        "\n",
        "Create a PSBT with automatically picked inputs that sends 0.5 BTC to an ",
        "address and has a fee rate of 2 sat/vB:\n"
    ))
    .example_cli(concat!(
        "\"[]\" \"[{\\\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\\\":0.5}]\" 0 ",
        "\"{\\\"add_inputs\\\":true,\\\"fee_rate\\\":2}\""
    ))
    .example_text("\nCreate the same PSBT as the above one instead using named arguments:\n")
    .example(Example::Cli {
        method: "-named walletcreatefundedpsbt".into(),
        args: concat!(
            "outputs=\"[{\\\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\\\":0.5}]\" ",
            "add_inputs=true fee_rate=2"
        )
        .into(),
    })
}
