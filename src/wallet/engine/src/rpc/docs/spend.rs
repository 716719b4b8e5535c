//! Descriptions of the methods that send.

use ::rpc::{Arg, Example, Json, MethodDoc, Res, method};

use super::parts::{fund_options, outputs_doc};

/// `send`
pub(crate) fn send() -> MethodDoc {
    method("wallet", "send", "Send a transaction.\n")
        .arg(Arg::arr("outputs", concat!("The outputs specified as key-value pairs.\n", "Each key may only appear once, i.e. there can only be one 'data' output, ", "and no address may be duplicated.\n", "At least one output of either type must be specified.\n", "For convenience, a dictionary, which holds the key-value pairs directly, is ", "also accepted."), outputs_doc()).skip_type_check())
        .arg(Arg::num("conf_target", "Confirmation target in blocks").hint("wallet -txconfirmtarget"))
        .arg(Arg::str("estimate_mode", concat!("The fee estimate mode, must be one of (case insensitive):\n", "unset, economical, conservative \n", "unset means no mode set (economical mode is used if the transaction is ", "replaceable;\n", "otherwise, conservative mode is used). \n", "economical mode potentially returns a lower fee rate estimate.\n", "conservative potentially returns a higher fee rate estimate.\n")).default("unset"))
        .arg(Arg::amount("fee_rate", "Specify a fee rate in {atom}/vB.").hint("not set, fall back to wallet fee estimation"))
        .arg(Arg::obj_named("options", "", [vec![Arg::bool("add_inputs", "Automatically include coins from the wallet to cover the target amount.\n").hint("false when \"inputs\" are specified, true otherwise"), Arg::bool("include_unsafe", concat!("Include inputs that are not safe to spend (unconfirmed transactions from ", "outside keys and unconfirmed replacement transactions).\n", "Warning: the resulting transaction may become invalid if one of the unsafe ", "inputs disappears.\n", "If that happens, you will need to fund the transaction with different ", "inputs and republish it.")).default(false), Arg::num("minconf", concat!("If add_inputs is specified, require inputs with at least this many ", "confirmations.")).default(0), Arg::num("maxconf", concat!("If add_inputs is specified, require inputs with at most this many ", "confirmations.")).optional(), Arg::bool("add_to_wallet", concat!("When false, returns a serialized transaction which will not be added to the ", "wallet or broadcast")).default(true), Arg::str("change_address", "The bitcoin address to receive the change").hint("automatic"), Arg::num("change_position", "The index of the change output").hint("random"), Arg::str("change_type", concat!("The output type to use. Only valid if change_address is not specified. ", "Options are \"legacy\", \"p2sh-segwit\", \"bech32\", \"bech32m\".")).hint("set by -changetype"), Arg::amount("fee_rate", "Specify a fee rate in {atom}/vB.").hint("not set, fall back to wallet fee estimation").also_positional(), Arg::bool("include_watching", "(DEPRECATED) No longer used").default(false), Arg::arr("inputs", "Specify inputs instead of adding them automatically.", [Arg::obj("", "", [Arg::hex("txid", "The transaction id"), Arg::num("vout", "The output number"), Arg::num("sequence", "The sequence number").hint("depends on the value of the 'replaceable' and 'locktime' arguments"), Arg::num("weight", concat!("The maximum weight for this input, including the weight of the outpoint and ", "sequence number. Note that signature sizes are not guaranteed to be ", "consistent, so the maximum DER signatures size of 73 bytes should be used ", "when considering ECDSA signatures.Remember to convert serialized sizes to ", "weight units when necessary.")).hint("Calculated from wallet and solving data")]).optional()]).default(Json::Arr(Vec::new())), Arg::num("locktime", "Raw locktime. Non-0 value also locktime-activates inputs").hint("locktime close to block height to prevent fee sniping"), Arg::bool("lock_unspents", "Lock selected unspent outputs").default(false), Arg::bool("psbt", "Always return a PSBT, implies add_to_wallet=false.").hint("automatic"), Arg::arr("subtract_fee_from_outputs", concat!("Outputs to subtract the fee from, specified as integer indices.\n", "The fee will be equally deducted from the amount of each specified output.\n", "Those recipients will receive less bitcoins than you enter in their ", "corresponding amount field.\n", "If no outputs are specified here, the sender pays the fee."), [Arg::num("vout_index", "The zero-based output index, before a change output is added.").optional()]).default(Json::Arr(Vec::new())), Arg::num("max_tx_weight", concat!("The maximum acceptable transaction weight.\n", "Transaction building will fail if this can not be satisfied.")).default(400_000)], fund_options(true)].concat()).optional().oneline("options"))
        .arg(Arg::num("version", "Transaction version").default(2))
        .result(Res::obj("", "", [Res::bool("complete", "If the transaction has a complete set of signatures"), Res::hex("txid", concat!("The transaction id for the send. Only 1 transaction is created regardless ", "of the number of addresses.")).optional(), Res::hex("hex", "If add_to_wallet is false, the hex-encoded raw transaction with signature(s)").optional(), Res::str("psbt", concat!("If more signatures are needed, or if add_to_wallet is false, the ", "base64-encoded (partially) signed transaction")).optional()]))
        .example_text(concat!("\n", "Send 0.1 BTC with a confirmation target of 6 blocks in economical fee ", "estimate mode\n")).example_cli("'{\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\": 0.1}' 6 economical\n").example_text("Send 0.2 BTC with a fee rate of 1.1 ").example_text("{atom}").example_text("/vB using positional arguments\n").example_cli("'{\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\": 0.2}' null \"unset\" 1.1\n").example_text("Send 0.2 BTC with a fee rate of 1 ").example_text("{atom}").example_text("/vB using the options argument\n").example_cli(concat!("'{\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\": 0.2}' null \"unset\" null ", "'{\"fee_rate\": 1}'\n")).example_text("Send 0.3 BTC with a fee rate of 25 ").example_text("{atom}").example_text("/vB using named arguments\n").example(Example::Cli { method: "-named send".into(), args: "outputs='{\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\": 0.3}' fee_rate=25\n".into() }).example_text(concat!("Create a transaction that should confirm the next block, with a specific ", "input, and return result without adding to wallet or broadcasting to the ", "network\n")).example_cli(concat!("'{\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\": 0.1}' 1 economical null ", "'{\"add_to_wallet\": false, \"inputs\": ", "[{\"txid\":\"a08e6907dbbd3d809776dbfc5d82e371b764ed838b5655e72f463568df1aadf0\", ", "\"vout\":1}]}'"))
}

/// `sendall`
pub(crate) fn sendall() -> MethodDoc {
    method(
        "wallet",
        "sendall",
        concat!(
            "Spend the value of all (or specific) confirmed UTXOs and unconfirmed change ",
            "in the wallet to one or more recipients.\n",
            "Unconfirmed inbound UTXOs and locked UTXOs will not be spent. Sendall will ",
            "respect the avoid_reuse wallet flag.\n",
            "If your wallet contains many small inputs, either because it received tiny ",
            "payments or as a result of accumulating change, consider using `send_max` ",
            "to exclude inputs that are worth less than the fees needed to spend them.\n"
        ),
    )
    .arg(Arg::arr(
        "recipients",
        concat!(
            "The sendall destinations. Each address may only appear once.\n",
            "Optionally some recipients can be specified with an amount to perform ",
            "payments, but at least one address must appear without a specified amount.\n"
        ),
        [
            Arg::str("address", "A bitcoin address which receives an equal share of the unspecified amount."),
            Arg::obj_user_keys(
                "",
                "",
                [Arg::amount(
                    "address",
                    concat!(
                        "A key-value pair. The key (string) is the bitcoin address, the value (float ",
                        "or string) is the amount in {ticker}"
                    ),
                )],
            )
            .optional(),
        ],
    ))
    .arg(Arg::num("conf_target", "Confirmation target in blocks").hint("wallet -txconfirmtarget"))
    .arg(
        Arg::str(
            "estimate_mode",
            concat!(
                "The fee estimate mode, must be one of (case insensitive):\n",
                "unset, economical, conservative \n",
                "unset means no mode set (economical mode is used if the transaction is ",
                "replaceable;\n",
                "otherwise, conservative mode is used). \n",
                "economical mode potentially returns a lower fee rate estimate.\n",
                "conservative potentially returns a higher fee rate estimate.\n"
            ),
        )
        .default("unset"),
    )
    .arg(
        Arg::amount("fee_rate", "Specify a fee rate in {atom}/vB.").hint("not set, fall back to wallet fee estimation"),
    )
    .arg(
        Arg::obj_named(
            "options",
            "",
            [
                vec![
                    Arg::bool(
                        "add_to_wallet",
                        concat!(
                            "When false, returns the serialized transaction without broadcasting or ",
                            "adding it to the wallet"
                        ),
                    )
                    .default(true),
                    Arg::amount("fee_rate", "Specify a fee rate in {atom}/vB.")
                        .hint("not set, fall back to wallet fee estimation")
                        .also_positional(),
                    Arg::bool("include_watching", "(DEPRECATED) No longer used").default(false),
                    Arg::arr(
                        "inputs",
                        concat!(
                            "Use exactly the specified inputs to build the transaction. Specifying ",
                            "inputs is incompatible with the send_max, minconf, and maxconf options."
                        ),
                        [Arg::obj(
                            "",
                            "",
                            [
                                Arg::hex("txid", "The transaction id"),
                                Arg::num("vout", "The output number"),
                                Arg::num("sequence", "The sequence number")
                                    .hint("depends on the value of the 'replaceable' and 'locktime' arguments"),
                            ],
                        )
                        .optional()],
                    )
                    .default(Json::Arr(Vec::new())),
                    Arg::num("locktime", "Raw locktime. Non-0 value also locktime-activates inputs")
                        .hint("locktime close to block height to prevent fee sniping"),
                    Arg::bool("lock_unspents", "Lock selected unspent outputs").default(false),
                    Arg::bool("psbt", "Always return a PSBT, implies add_to_wallet=false.").hint("automatic"),
                    Arg::bool(
                        "send_max",
                        concat!(
                            "When true, only use UTXOs that can pay for their own fees to maximize the ",
                            "output amount. When 'false' (default), no UTXO is left behind. send_max is ",
                            "incompatible with providing specific inputs."
                        ),
                    )
                    .default(false),
                    Arg::num("minconf", "Require inputs with at least this many confirmations.").default(0),
                    Arg::num("maxconf", "Require inputs with at most this many confirmations.").optional(),
                    Arg::num("version", "Transaction version").default(2),
                ],
                fund_options(true),
            ]
            .concat(),
        )
        .optional()
        .oneline("options"),
    )
    .result(Res::obj(
        "",
        "",
        [
            Res::bool("complete", "If the transaction has a complete set of signatures"),
            Res::hex(
                "txid",
                concat!(
                    "The transaction id for the send. Only 1 transaction is created regardless ",
                    "of the number of addresses."
                ),
            )
            .optional(),
            Res::hex("hex", "If add_to_wallet is false, the hex-encoded raw transaction with signature(s)").optional(),
            Res::str(
                "psbt",
                concat!(
                    "If more signatures are needed, or if add_to_wallet is false, the ",
                    "base64-encoded (partially) signed transaction"
                ),
            )
            .optional(),
        ],
    ))
    .example_text("\nSpend all UTXOs from the wallet with a fee rate of 1 ")
    .example_text("{atom}")
    .example_text("/vB using named arguments\n")
    .example(Example::Cli {
        method: "-named sendall".into(),
        args: "recipients='[\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\"]' fee_rate=1\n".into(),
    })
    .example_text("Spend all UTXOs with a fee rate of 1.1 ")
    .example_text("{atom}")
    .example_text("/vB using positional arguments\n")
    .example_cli("'[\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\"]' null \"unset\" 1.1\n")
    .example_text(concat!("Spend all UTXOs split into equal amounts to two addresses with a fee rate ", "of 1.5 "))
    .example_text("{atom}")
    .example_text("/vB using the options argument\n")
    .example_cli(concat!(
        "'[\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\", ",
        "\"bc1q02ad21edsxd23d32dfgqqsz4vv4nmtfzuklhy3\"]' null \"unset\" null ",
        "'{\"fee_rate\": 1.5}'\n"
    ))
    .example_text(concat!(
        "Leave dust UTXOs in wallet, spend only UTXOs with positive effective value ",
        "with a fee rate of 10 "
    ))
    .example_text("{atom}")
    .example_text("/vB using the options argument\n")
    .example_cli(concat!(
        "'[\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\"]' null \"unset\" null ",
        "'{\"fee_rate\": 10, \"send_max\": true}'\n"
    ))
    .example_text("Spend all UTXOs with a fee rate of 1.3 ")
    .example_text("{atom}")
    .example_text("/vB using named arguments and sending a 0.25 ")
    .example_text("{ticker}")
    .example_text(" to another recipient\n")
    .example(Example::Cli {
        method: "-named sendall".into(),
        args: concat!(
            "recipients='[{\"bc1q02ad21edsxd23d32dfgqqsz4vv4nmtfzuklhy3\": 0.25}, ",
            "\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\"]' fee_rate=1.3\n"
        )
        .into(),
    })
}

/// `sendtoaddress`
pub(crate) fn sendtoaddress() -> MethodDoc {
    method(
        "wallet",
        "sendtoaddress",
        concat!(
            "Send an amount to a given address.\n",
            "Requires wallet passphrase to be set with walletpassphrase call if wallet ",
            "is encrypted.\n"
        ),
    )
    .arg(Arg::str("address", "The bitcoin address to send to."))
    .arg(Arg::amount("amount", "The amount in {ticker} to send. eg 0.1"))
    .arg(
        Arg::str(
            "comment",
            concat!(
                "A comment used to store what the transaction is for.\n",
                "This is not part of the transaction, just kept in your wallet."
            ),
        )
        .optional(),
    )
    .arg(
        Arg::str(
            "comment_to",
            concat!(
                "A comment to store the name of the person or organization\n",
                "to which you're sending the transaction. This is not part of the \n",
                "transaction, just kept in your wallet."
            ),
        )
        .optional(),
    )
    .arg(
        Arg::bool(
            "subtractfeefromamount",
            concat!(
                "The fee will be deducted from the amount being sent.\n",
                "The recipient will receive less bitcoins than you enter in the amount field."
            ),
        )
        .default(false),
    )
    .arg(
        Arg::bool("replaceable", "Signal that this transaction can be replaced by a transaction (BIP 125)")
            .hint("wallet default"),
    )
    .arg(Arg::num("conf_target", "Confirmation target in blocks").hint("wallet -txconfirmtarget"))
    .arg(
        Arg::str(
            "estimate_mode",
            concat!(
                "The fee estimate mode, must be one of (case insensitive):\n",
                "unset, economical, conservative \n",
                "unset means no mode set (economical mode is used if the transaction is ",
                "replaceable;\n",
                "otherwise, conservative mode is used). \n",
                "economical mode potentially returns a lower fee rate estimate.\n",
                "conservative potentially returns a higher fee rate estimate.\n"
            ),
        )
        .default("unset"),
    )
    .arg(
        Arg::bool(
            "avoid_reuse",
            concat!(
                "(only available if avoid_reuse wallet flag is set) Avoid spending from ",
                "dirty addresses; addresses are considered\n",
                "dirty if they have previously been used in a transaction. If true, this ",
                "also activates avoidpartialspends, grouping outputs by their addresses."
            ),
        )
        .default(true),
    )
    .arg(
        Arg::amount("fee_rate", "Specify a fee rate in {atom}/vB.").hint("not set, fall back to wallet fee estimation"),
    )
    .arg(Arg::bool("verbose", "If true, return extra information about the transaction.").default(false))
    .result(Res::hex("txid", "The transaction id.").when("if verbose is not set or set to false"))
    .result(
        Res::obj(
            "",
            "",
            [
                Res::hex("txid", "The transaction id."),
                Res::str(
                    "fee_reason",
                    concat!(
                        "The reason the wallet selected this fee rate (e.g. fee rate estimator, ",
                        "mempool minimum, fallback, or minimum required)."
                    ),
                ),
            ],
        )
        .when("if verbose is set to true"),
    )
    .example_text("\nSend 0.1 BTC\n")
    .example_cli("\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\" 0.1")
    .example_text(concat!(
        "\n",
        "Send 0.1 BTC with a confirmation target of 6 blocks in economical fee ",
        "estimate mode using positional arguments\n"
    ))
    .example_cli(concat!(
        "\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\" 0.1 \"donation\" \"sean's ",
        "outpost\" false true 6 economical"
    ))
    .example_text("\nSend 0.1 BTC with a fee rate of 1.1 ")
    .example_text("{atom}")
    .example_text(concat!("/vB, subtract fee from amount, BIP125-replaceable, using positional ", "arguments\n"))
    .example_cli(concat!(
        "\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\" 0.1 \"drinks\" \"room77\" true ",
        "true null \"unset\" null 1.1"
    ))
    .example_text(concat!(
        "\n",
        "Send 0.2 BTC with a confirmation target of 6 blocks in economical fee ",
        "estimate mode using named arguments\n"
    ))
    .example(Example::Cli {
        method: "-named sendtoaddress".into(),
        args: concat!(
            "address=\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\" amount=0.2 ",
            "conf_target=6 estimate_mode=\"economical\""
        )
        .into(),
    })
    .example_text("\nSend 0.5 BTC with a fee rate of 25 ")
    .example_text("{atom}")
    .example_text("/vB using named arguments\n")
    .example(Example::Cli {
        method: "-named sendtoaddress".into(),
        args: "address=\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\" amount=0.5 fee_rate=25".into(),
    })
    .example(Example::Cli {
        method: "-named sendtoaddress".into(),
        args: concat!(
            "address=\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\" amount=0.5 fee_rate=25 ",
            "subtractfeefromamount=false replaceable=true avoid_reuse=true comment=\"2 ",
            "pizzas\" comment_to=\"jeremy\" verbose=true"
        )
        .into(),
    })
}

/// `sendmany`
pub(crate) fn sendmany() -> MethodDoc {
    method("wallet", "sendmany", concat!("Send multiple times. Amounts are double-precision floating point numbers.\n", "Requires wallet passphrase to be set with walletpassphrase call if wallet ", "is encrypted.\n"))
        .arg(Arg::str("dummy", "Must be set to \"\" for backwards compatibility.").default("\"\"").oneline("\"\"").placeholder())
        .arg(Arg::obj_user_keys("amounts", "The addresses and amounts", [Arg::amount("address", concat!("The bitcoin address is the key, the numeric amount (can be string) in the ", "coin's unit is the value"))]))
        .arg(Arg::num("minconf", "Ignored dummy value").optional().placeholder())
        .arg(Arg::str("comment", "A comment").optional())
        .arg(Arg::arr("subtractfeefrom", concat!("The addresses.\n", "The fee will be equally deducted from the amount of each selected address.\n", "Those recipients will receive less bitcoins than you enter in their ", "corresponding amount field.\n", "If no addresses are specified here, the sender pays the fee."), [Arg::str("address", "Subtract fee from this address").optional()]).optional())
        .arg(Arg::bool("replaceable", "Signal that this transaction can be replaced by a transaction (BIP 125)").hint("wallet default"))
        .arg(Arg::num("conf_target", "Confirmation target in blocks").hint("wallet -txconfirmtarget"))
        .arg(Arg::str("estimate_mode", concat!("The fee estimate mode, must be one of (case insensitive):\n", "unset, economical, conservative \n", "unset means no mode set (economical mode is used if the transaction is ", "replaceable;\n", "otherwise, conservative mode is used). \n", "economical mode potentially returns a lower fee rate estimate.\n", "conservative potentially returns a higher fee rate estimate.\n")).default("unset"))
        .arg(Arg::amount("fee_rate", "Specify a fee rate in {atom}/vB.").hint("not set, fall back to wallet fee estimation"))
        .arg(Arg::bool("verbose", "If true, return extra information about the transaction.").default(false))
        .result(Res::hex("txid", concat!("The transaction id for the send. Only 1 transaction is created regardless ", "of\n", "the number of addresses.")).when("if verbose is not set or set to false"))
        .result(Res::obj("", "", [Res::hex("txid", concat!("The transaction id for the send. Only 1 transaction is created regardless ", "of\n", "the number of addresses.")), Res::str("fee_reason", concat!("The reason the wallet selected this fee rate (e.g. fee rate estimator, ", "mempool minimum, fallback, or minimum required)."))]).when("if verbose is set to true"))
        .example_text("\nSend two amounts to two different addresses:\n").example_cli(concat!("\"\" ", "\"{\\\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\\\":0.01,\\\"bc1q02ad21edsxd23d32dfgqqsz4vv4nmtfzuklhy3\\\":0.02}\"")).example_text(concat!("\n", "Send two amounts to two different addresses setting the confirmation and ", "comment:\n")).example_cli(concat!("\"\" ", "\"{\\\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\\\":0.01,\\\"bc1q02ad21edsxd23d32dfgqqsz4vv4nmtfzuklhy3\\\":0.02}\" ", "6 \"testing\"")).example_text("\nSend two amounts to two different addresses, subtract fee from amount:\n").example_cli(concat!("\"\" ", "\"{\\\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\\\":0.01,\\\"bc1q02ad21edsxd23d32dfgqqsz4vv4nmtfzuklhy3\\\":0.02}\" ", "1 \"\" ", "\"[\\\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\\\",\\\"bc1q02ad21edsxd23d32dfgqqsz4vv4nmtfzuklhy3\\\"]\"")).example_text("\nAs a JSON-RPC call\n").example_rpc(concat!("\"\", ", "{\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\":0.01,\"bc1q02ad21edsxd23d32dfgqqsz4vv4nmtfzuklhy3\":0.02}, ", "6, \"testing\""))
}
