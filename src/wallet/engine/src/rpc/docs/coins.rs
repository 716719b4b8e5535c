//! Descriptions of the methods on coins and balances.

use ::rpc::{Arg, Example, Json, MethodDoc, Res, method};

use super::parts::last_processed_block;

/// `getbalance`
pub(crate) fn getbalance() -> MethodDoc {
    method(
        "wallet",
        "getbalance",
        concat!(
            "Returns the total available balance.\n",
            "The available balance is what the wallet considers currently spendable, and ",
            "is\n",
            "thus affected by options which limit spendability such as ",
            "-spendzeroconfchange.\n"
        ),
    )
    .arg(
        Arg::str("dummy", "Remains for backward compatibility. Must be excluded or set to \"*\".")
            .optional()
            .placeholder(),
    )
    .arg(Arg::num("minconf", "Only include transactions confirmed at least this many times.").default(0))
    .arg(Arg::bool("include_watchonly", "No longer used").default(false))
    .arg(
        Arg::bool(
            "avoid_reuse",
            concat!(
                "(only available if avoid_reuse wallet flag is set) Do not include balance ",
                "in dirty outputs; addresses are considered dirty if they have previously ",
                "been used in a transaction."
            ),
        )
        .default(true),
    )
    .result(Res::amount("amount", "The total amount in {ticker} received for this wallet."))
    .example_text("\nThe total amount in the wallet with 0 or more confirmations\n")
    .example_cli("")
    .example_text("\nThe total amount in the wallet with at least 6 confirmations\n")
    .example_cli("\"*\" 6")
    .example_text("\nAs a JSON-RPC call\n")
    .example_rpc("\"*\", 6")
}

/// `getbalances`
pub(crate) fn getbalances() -> MethodDoc {
    method("wallet", "getbalances", "Returns an object with all balances in {ticker}.\n")
        .result(Res::obj(
            "",
            "",
            [
                vec![Res::obj(
                    "mine",
                    "balances from outputs that the wallet can sign",
                    [
                        Res::amount("trusted", "trusted balance (outputs created by the wallet or confirmed outputs)"),
                        Res::amount(
                            "untrusted_pending",
                            concat!(
                                "untrusted pending balance (outputs created by others that are in the ",
                                "mempool)"
                            ),
                        ),
                        Res::amount("immature", "balance from immature coinbase outputs"),
                        Res::amount(
                            "nonmempool",
                            concat!(
                                "sum of coins that are spent by transactions not in the mempool (usually an ",
                                "over-estimate due to not accounting for change or spends that conflict with ",
                                "each other)"
                            ),
                        )
                        .since(32),
                        Res::amount(
                            "used",
                            concat!(
                                "(only present if avoid_reuse is set) balance from coins sent to addresses ",
                                "that were previously spent from (potentially privacy violating)"
                            ),
                        )
                        .optional(),
                    ],
                )],
                vec![last_processed_block()],
            ]
            .concat(),
        ))
        .example_cli("")
        .example_rpc("")
}

/// `getreceivedbyaddress`
pub(crate) fn getreceivedbyaddress() -> MethodDoc {
    method(
        "wallet",
        "getreceivedbyaddress",
        concat!(
            "Returns the total amount received by the given address in transactions with ",
            "at least minconf confirmations.\n"
        ),
    )
    .arg(Arg::str("address", "The bitcoin address for transactions."))
    .arg(Arg::num("minconf", "Only include transactions confirmed at least this many times.").default(1))
    .arg(Arg::bool("include_immature_coinbase", "Include immature coinbase transactions.").default(false))
    .result(Res::amount("amount", "The total amount in {ticker} received at this address."))
    .example_text("\nThe amount from transactions with at least 1 confirmation\n")
    .example_cli("\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\"")
    .example_text("\nThe amount including unconfirmed transactions, zero confirmations\n")
    .example_cli("\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\" 0")
    .example_text("\nThe amount with at least 6 confirmations\n")
    .example_cli("\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\" 6")
    .example_text(concat!("\n", "The amount with at least 6 confirmations including immature coinbase ", "outputs\n"))
    .example_cli("\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\" 6 true")
    .example_text("\nAs a JSON-RPC call\n")
    .example_rpc("\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\", 6")
}

/// `getreceivedbylabel`
pub(crate) fn getreceivedbylabel() -> MethodDoc {
    method(
        "wallet",
        "getreceivedbylabel",
        concat!(
            "Returns the total amount received by addresses with <label> in transactions ",
            "with at least [minconf] confirmations.\n"
        ),
    )
    .arg(Arg::str("label", "The selected label, may be the default label using \"\"."))
    .arg(Arg::num("minconf", "Only include transactions confirmed at least this many times.").default(1))
    .arg(Arg::bool("include_immature_coinbase", "Include immature coinbase transactions.").default(false))
    .result(Res::amount("amount", "The total amount in {ticker} received for this label."))
    .example_text("\nAmount received by the default label with at least 1 confirmation\n")
    .example_cli("\"\"")
    .example_text(concat!(
        "\n",
        "Amount received at the tabby label including unconfirmed amounts with zero ",
        "confirmations\n"
    ))
    .example_cli("\"tabby\" 0")
    .example_text("\nThe amount with at least 6 confirmations\n")
    .example_cli("\"tabby\" 6")
    .example_text(concat!("\n", "The amount with at least 6 confirmations including immature coinbase ", "outputs\n"))
    .example_cli("\"tabby\" 6 true")
    .example_text("\nAs a JSON-RPC call\n")
    .example_rpc("\"tabby\", 6, true")
}

/// `listlockunspent`
pub(crate) fn listlockunspent() -> MethodDoc {
    method("wallet", "listlockunspent", concat!("Returns list of temporarily unspendable outputs.\n", "See the lockunspent call to lock and unlock transactions for spending.\n"))
        .result(Res::arr("", "", [Res::obj("", "", [Res::hex("txid", "The transaction id locked"), Res::num("vout", "The vout value")])]))
        .example_text("\nList the unspent transactions\n").example(Example::Cli { method: "listunspent".into(), args: "".into() }).example_text("\nLock an unspent transaction\n").example(Example::Cli { method: "lockunspent".into(), args: concat!("false ", "\"[{\\\"txid\\\":\\\"a08e6907dbbd3d809776dbfc5d82e371b764ed838b5655e72f463568df1aadf0\\\",\\\"vout\\\":1}]\"").into() }).example_text("\nList the locked transactions\n").example_cli("").example_text("\nUnlock the transaction again\n").example(Example::Cli { method: "lockunspent".into(), args: concat!("true ", "\"[{\\\"txid\\\":\\\"a08e6907dbbd3d809776dbfc5d82e371b764ed838b5655e72f463568df1aadf0\\\",\\\"vout\\\":1}]\"").into() }).example_text("\nAs a JSON-RPC call\n").example_rpc("")
}

/// `listunspent`
pub(crate) fn listunspent() -> MethodDoc {
    method(
        "wallet",
        "listunspent",
        concat!(
            "Returns array of unspent transaction outputs\n",
            "with between minconf and maxconf (inclusive) confirmations.\n",
            "Optionally filter to only include txouts paid to specified addresses.\n"
        ),
    )
    .arg(Arg::num("minconf", "The minimum confirmations to filter").default(1))
    .arg(Arg::num("maxconf", "The maximum confirmations to filter").default(9_999_999))
    .arg(
        Arg::arr("addresses", "The bitcoin addresses to filter", [Arg::str("address", "bitcoin address").optional()])
            .default(Json::Arr(Vec::new())),
    )
    .arg(
        Arg::bool(
            "include_unsafe",
            concat!("Include outputs that are not safe to spend\n", "See description of \"safe\" attribute below."),
        )
        .default(true),
    )
    .arg(
        Arg::obj_named(
            "query_options",
            "",
            [
                Arg::amount("minimumAmount", "Minimum value of each UTXO in {ticker}").default("0.00"),
                Arg::amount("maximumAmount", "Maximum value of each UTXO in {ticker}").hint("unlimited"),
                Arg::num("maximumCount", "Maximum number of UTXOs").hint("unlimited"),
                Arg::amount("minimumSumAmount", "Minimum sum value of all UTXOs in {ticker}").hint("unlimited"),
                Arg::bool("include_immature_coinbase", "Include immature coinbase UTXOs").default(false),
            ],
        )
        .optional()
        .oneline("query_options"),
    )
    .result(Res::arr(
        "",
        "",
        [Res::obj(
            "",
            "",
            [
                Res::hex("txid", "the transaction id"),
                Res::num("vout", "the vout value"),
                Res::str("address", "the bitcoin address").optional(),
                Res::str("label", "The associated label, or \"\" for the default label").optional(),
                Res::str("scriptPubKey", "the output script"),
                Res::amount("value", "What it was worth when it was received").optional().skip_in_help(),
                Res::amount("amount", "the transaction output amount in {ticker}"),
                Res::num("refheight", "The height that the value was written for").optional().skip_in_help(),
                Res::num("asset_guid", "The asset that the output carries").optional().skip_in_help(),
                Res::amount("asset_amount", "How much of it").optional().skip_in_help(),
                Res::num("confirmations", "The number of confirmations"),
                Res::num(
                    "ancestorcount",
                    concat!(
                        "The number of in-mempool ancestor transactions, including this one (if ",
                        "transaction is in the mempool)"
                    ),
                )
                .optional(),
                Res::num(
                    "ancestorsize",
                    concat!(
                        "The virtual transaction size of in-mempool ancestors, including this one ",
                        "(if transaction is in the mempool)"
                    ),
                )
                .optional(),
                Res::amount(
                    "ancestorfees",
                    concat!(
                        "The total fees of in-mempool ancestors (including this one) with fee deltas ",
                        "used for mining priority in {atom} (if transaction is in the ",
                        "mempool)"
                    ),
                )
                .optional(),
                Res::hex("redeemScript", "The redeem script if the output script is P2SH").optional(),
                Res::str("witnessScript", "witness script if the output script is P2WSH or P2SH-P2WSH").optional(),
                Res::bool("spendable", "(DEPRECATED) Always true"),
                Res::bool("solvable", "Whether we know how to spend this output, ignoring the lack of keys"),
                Res::bool(
                    "reused",
                    concat!(
                        "(only present if avoid_reuse is set) Whether this output is reused/dirty ",
                        "(sent to an address that was previously spent from)"
                    ),
                )
                .optional(),
                Res::str("desc", "(only when solvable) A descriptor for spending this output").optional(),
                Res::arr(
                    "parent_descs",
                    "List of parent descriptors for the output script of this coin.",
                    [Res::str("desc", "The descriptor string.")],
                ),
                Res::bool(
                    "safe",
                    concat!(
                        "Whether this output is considered safe to spend. Unconfirmed transactions\n",
                        "from outside keys and unconfirmed replacement transactions are considered ",
                        "unsafe\n",
                        "and are not eligible for spending by fundrawtransaction and sendtoaddress."
                    ),
                ),
            ],
        )],
    ))
    .example_cli("")
    .example_cli(concat!(
        "6 9999999 ",
        "\"[\\\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\\\",\\\"bc1q02ad21edsxd23d32dfgqqsz4vv4nmtfzuklhy3\\\"]\""
    ))
    .example_rpc(concat!(
        "6, 9999999 ",
        "\"[\\\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\\\",\\\"bc1q02ad21edsxd23d32dfgqqsz4vv4nmtfzuklhy3\\\"]\""
    ))
    .example_cli("6 9999999 '[]' true '{ \"minimumAmount\": 0.005 }'")
    .example_rpc("6, 9999999, [] , true, { \"minimumAmount\": 0.005 } ")
}

/// `lockunspent`
pub(crate) fn lockunspent() -> MethodDoc {
    method(
        "wallet",
        "lockunspent",
        concat!(
            "Updates list of temporarily unspendable outputs.\n",
            "Temporarily lock (unlock=false) or unlock (unlock=true) specified ",
            "transaction outputs.\n",
            "If no transaction outputs are specified when unlocking then all current ",
            "locked transaction outputs are unlocked.\n",
            "A locked transaction output will not be chosen by automatic coin selection, ",
            "when spending bitcoins.\n",
            "Manually selected coins are automatically unlocked.\n",
            "Locks are stored in memory only, unless persistent=true, in which case they ",
            "will be written to the\n",
            "wallet database and loaded on node start. Unwritten (persistent=false) ",
            "locks are always cleared\n",
            "(by virtue of process exit) when a node stops or fails. Unlocking will ",
            "clear both persistent and not.\n",
            "Also see the listunspent call\n"
        ),
    )
    .arg(Arg::bool("unlock", "Whether to unlock (true) or lock (false) the specified transactions"))
    .arg(
        Arg::arr(
            "transactions",
            "The transaction outputs and within each, the txid (string) vout (numeric).",
            [Arg::obj("", "", [Arg::hex("txid", "The transaction id"), Arg::num("vout", "The output number")])
                .optional()],
        )
        .default(Json::Arr(Vec::new())),
    )
    .arg(
        Arg::bool(
            "persistent",
            concat!(
                "Whether to write/erase this lock in the wallet database, or keep the change ",
                "in memory only. Ignored for unlocking."
            ),
        )
        .default(false),
    )
    .result(Res::bool("", "Whether the command was successful or not"))
    .example_text("\nList the unspent transactions\n")
    .example(Example::Cli { method: "listunspent".into(), args: "".into() })
    .example_text("\nLock an unspent transaction\n")
    .example_cli(concat!(
        "false ",
        "\"[{\\\"txid\\\":\\\"a08e6907dbbd3d809776dbfc5d82e371b764ed838b5655e72f463568df1aadf0\\\",\\\"vout\\\":1}]\""
    ))
    .example_text("\nList the locked transactions\n")
    .example(Example::Cli { method: "listlockunspent".into(), args: "".into() })
    .example_text("\nUnlock the transaction again\n")
    .example_cli(concat!(
        "true ",
        "\"[{\\\"txid\\\":\\\"a08e6907dbbd3d809776dbfc5d82e371b764ed838b5655e72f463568df1aadf0\\\",\\\"vout\\\":1}]\""
    ))
    .example_text("\nLock the transaction persistently in the wallet database\n")
    .example_cli(concat!(
        "false ",
        "\"[{\\\"txid\\\":\\\"a08e6907dbbd3d809776dbfc5d82e371b764ed838b5655e72f463568df1aadf0\\\",\\\"vout\\\":1}]\" ",
        "true"
    ))
    .example_text("\nAs a JSON-RPC call\n")
    .example_rpc(concat!(
        "false, ",
        "\"[{\\\"txid\\\":\\\"a08e6907dbbd3d809776dbfc5d82e371b764ed838b5655e72f463568df1aadf0\\\",\\\"vout\\\":1}]\""
    ))
}
