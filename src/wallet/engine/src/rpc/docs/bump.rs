//! Descriptions of the methods that raise fees, and of those that sign.

use ::rpc::{Arg, Json, MethodDoc, Res, method};

use super::parts::outputs_doc;

/// `bumpfee`
pub(crate) fn bumpfee() -> MethodDoc {
    let begins = "Bumps the fee of a transaction T, replacing it with a new transaction B.\n";
    let made = Res::hex("txid", "The id of the new transaction.");
    bumps("bumpfee", begins, Vec::new(), ("txid", made))
}

/// `psbtbumpfee`
pub(crate) fn psbtbumpfee() -> MethodDoc {
    let begins = concat!(
        "Bumps the fee of a transaction T, replacing it with a new transaction B.\n",
        "Returns a PSBT instead of creating and signing a new transaction.\n",
    );
    let version = Arg::num("psbt_version", "The PSBT version number to use.").default(2);
    let made = Res::str("psbt", "The base64-encoded unsigned PSBT of the new transaction.");
    bumps("psbtbumpfee", begins, vec![version], ("psbt", made))
}

/// A method that raises a fee: what is said first, which options it has besides, and what it makes.
fn bumps(name: &'static str, begins: &'static str, more: Vec<Arg>, (key, made): (&'static str, Res)) -> MethodDoc {
    method(
        "wallet",
        name,
        format!(
            "{begins}{}",
            concat!(
                "A transaction with the given txid must be in the wallet.\n",
                "The command will pay the additional fee by reducing change outputs or ",
                "adding inputs when necessary.\n",
                "It may add a new change output if one does not already exist.\n",
                "All inputs in the original transaction will be included in the replacement ",
                "transaction.\n",
                "The command will fail if the wallet or mempool contains a transaction that ",
                "spends one of T's outputs.\n",
                "By default, the new fee will be calculated automatically using the ",
                "estimatesmartfee RPC.\n",
                "The user can specify a confirmation target for estimatesmartfee.\n",
                "Alternatively, the user can specify a fee rate in {atom}/vB for ",
                "the new transaction.\n",
                "At a minimum, the new fee rate must be high enough to pay an additional new ",
                "relay fee (incrementalfee\n",
                "returned by getnetworkinfo) to enter the node's mempool.\n",
                "* WARNING: before version 0.21, fee_rate was in {ticker}/kvB. As of ",
                "0.21, fee_rate is in {atom}/vB. *\n"
            )
        ),
    )
    .arg(Arg::hex("txid", "The txid to be bumped"))
    .arg(
        Arg::obj_named(
            "options",
            "",
            [
                vec![
                    Arg::num("conf_target", "Confirmation target in blocks\n").hint("wallet -txconfirmtarget"),
                    Arg::amount(
                        "fee_rate",
                        concat!(
                            "\n",
                            "Specify a fee rate in {atom}/vB instead of relying on the ",
                            "built-in fee estimator.\n",
                            "Must be at least 0.100 {atom}/vB higher than the current ",
                            "transaction fee rate.\n",
                            "WARNING: before version 0.21, fee_rate was in {ticker}/kvB. As of ",
                            "0.21, fee_rate is in {atom}/vB.\n"
                        ),
                    )
                    .hint("not set, fall back to wallet fee estimation"),
                    Arg::bool(
                        "replaceable",
                        concat!(
                            "Whether the new transaction should be\n",
                            "marked bip-125 replaceable. If true, the sequence numbers in the ",
                            "transaction will\n",
                            "be set to 0xfffffffd. If false, any input sequence numbers in the\n",
                            "transaction will be set to 0xfffffffe\n",
                            "so the new transaction will not be explicitly bip-125 replaceable (though ",
                            "it may\n",
                            "still be replaceable in practice, for example if it has unconfirmed ",
                            "ancestors which\n",
                            "are replaceable).\n"
                        ),
                    )
                    .default(true),
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
                    Arg::arr(
                        "outputs",
                        concat!(
                            "The outputs specified as key-value pairs.\n",
                            "Each key may only appear once, i.e. there can only be one 'data' output, ",
                            "and no address may be duplicated.\n",
                            "At least one output of either type must be specified.\n",
                            "Cannot be provided if 'original_change_index' is specified."
                        ),
                        outputs_doc(),
                    )
                    .default(Json::Arr(Vec::new()))
                    .skip_type_check(),
                    Arg::num(
                        "original_change_index",
                        concat!(
                            "The 0-based index of the change output on the original transaction. The ",
                            "indicated output will be recycled into the new change output on the bumped ",
                            "transaction. The remainder after paying the recipients and fees will be ",
                            "sent to the output script of the original change output. The change ",
                            "output’s amount can increase if bumping the transaction adds new inputs, ",
                            "otherwise it will decrease. Cannot be used in combination with the ",
                            "'outputs' option."
                        ),
                    )
                    .hint("not set, detect change automatically"),
                ],
                more,
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
            made,
            Res::amount("origfee", "The fee of the replaced transaction."),
            Res::amount("fee", "The fee of the new transaction."),
            Res::arr("errors", "Errors encountered during processing (may be empty).", [Res::str("", "")]),
        ],
    ))
    .example_text("\nBump the fee, get the new transaction's ")
    .example_text(key)
    .example_text("\n")
    .example_cli("<txid>")
}

/// `signrawtransactionwithwallet`
pub(crate) fn signrawtransactionwithwallet() -> MethodDoc {
    method(
        "wallet",
        "signrawtransactionwithwallet",
        concat!(
            "Sign inputs for raw transaction (serialized, hex-encoded).\n",
            "The second optional argument (may be null) is an array of previous ",
            "transaction outputs that\n",
            "this transaction depends on but may not yet be in the block chain.\n",
            "Requires wallet passphrase to be set with walletpassphrase call if wallet ",
            "is encrypted.\n"
        ),
    )
    .arg(Arg::str("hexstring", "The transaction hex string"))
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
                    Arg::hex("scriptPubKey", "The output script"),
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
                "The signature hash type. Must be one of\n",
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
    .example_cli("\"myhex\"")
    .example_rpc("\"myhex\"")
}

/// `walletprocesspsbt`
pub(crate) fn walletprocesspsbt() -> MethodDoc {
    method(
        "wallet",
        "walletprocesspsbt",
        concat!(
            "Update a PSBT with input information from our wallet and then sign inputs\n",
            "that we can sign for.\n",
            "Requires wallet passphrase to be set with walletpassphrase call if wallet ",
            "is encrypted.\n"
        ),
    )
    .arg(Arg::str("psbt", "The transaction base64 string"))
    .arg(Arg::bool("sign", "Also sign the transaction when updating (requires wallet to be unlocked)").default(true))
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
    .example_cli("\"psbt\"")
}
