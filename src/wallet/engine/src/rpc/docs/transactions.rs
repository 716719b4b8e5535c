//! Descriptions of the methods on history.

use ::rpc::{Arg, Example, MethodDoc, Res, method};

use super::parts::{decoded_tx, last_processed_block, list_since_block_tx_fields, transaction_description_string};

/// `abandontransaction`
pub(crate) fn abandontransaction() -> MethodDoc {
    method(
        "wallet",
        "abandontransaction",
        concat!(
            "Mark in-wallet transaction <txid> as abandoned\n",
            "This will mark this transaction and all its in-wallet descendants as ",
            "abandoned which will allow\n",
            "for their inputs to be respent.  It can be used to replace \"stuck\" or ",
            "evicted transactions.\n",
            "It only works on transactions which are not included in a block and are not ",
            "currently in the mempool.\n",
            "It has no effect on transactions which are already abandoned.\n"
        ),
    )
    .arg(Arg::hex("txid", "The transaction id"))
    .result(Res::none("", ""))
    .example_cli("\"1075db55d416d3ca199f55b6084e2115b9345e16c5cf302fc80e9d5fbf5d48d\"")
    .example_rpc("\"1075db55d416d3ca199f55b6084e2115b9345e16c5cf302fc80e9d5fbf5d48d\"")
}

/// `abortrescan`
pub(crate) fn abortrescan() -> MethodDoc {
    method(
        "wallet",
        "abortrescan",
        concat!(
            "Stops current wallet rescan triggered by an RPC call, e.g. by a ",
            "rescanblockchain call.\n",
            "Note: Use \"getwalletinfo\" to query the scanning progress.\n"
        ),
    )
    .result(Res::bool("", "Whether the abort was successful"))
    .example_text("\nImport a private key\n")
    .example(Example::Cli { method: "rescanblockchain".into(), args: "".into() })
    .example_text("\nAbort the running wallet rescan\n")
    .example_cli("")
    .example_text("\nAs a JSON-RPC call\n")
    .example_rpc("")
}

/// `gettransaction`
pub(crate) fn gettransaction() -> MethodDoc {
    method("wallet", "gettransaction", "Get detailed information about in-wallet transaction <txid>\n")
        .arg(Arg::str("txid", "The transaction id"))
        .arg(Arg::bool("include_watchonly", "(DEPRECATED) No longer used").default(false))
        .arg(
            Arg::bool(
                "verbose",
                concat!(
                    "Whether to include a `decoded` field containing the decoded transaction ",
                    "(equivalent to RPC decoderawtransaction)"
                ),
            )
            .default(false),
        )
        .result(Res::obj(
            "",
            "",
            [
                vec![
                    Res::amount("amount", "The amount in {ticker}"),
                    Res::amount(
                        "fee",
                        concat!(
                            "The amount of the fee in {ticker}. This is negative and only ",
                            "available for the\n",
                            "'send' category of transactions."
                        ),
                    )
                    .optional(),
                ],
                transaction_description_string(),
                vec![
                    Res::arr(
                        "details",
                        "",
                        [Res::obj(
                            "",
                            "",
                            [
                                Res::str("address", "The bitcoin address involved in the transaction.").optional(),
                                Res::str(
                                    "category",
                                    concat!(
                                        "The transaction category.\n",
                                        "\"send\"                  Transactions sent.\n",
                                        "\"receive\"               Non-coinbase transactions received.\n",
                                        "\"generate\"              Coinbase transactions received with more than 100 ",
                                        "confirmations.\n",
                                        "\"immature\"              Coinbase transactions received with 100 or fewer ",
                                        "confirmations.\n",
                                        "\"orphan\"                Orphaned coinbase transactions received."
                                    ),
                                ),
                                Res::amount("amount", "The amount in {ticker}"),
                                Res::str("label", "A comment for the address/transaction, if any").optional(),
                                Res::num("vout", "the vout value"),
                                Res::amount(
                                    "fee",
                                    concat!(
                                        "The amount of the fee in {ticker}. This is negative and only ",
                                        "available for the \n",
                                        "'send' category of transactions."
                                    ),
                                )
                                .optional(),
                                Res::bool(
                                    "abandoned",
                                    "'true' if the transaction has been abandoned (inputs are respendable).",
                                ),
                                Res::arr(
                                    "parent_descs",
                                    concat!(
                                        "Only if 'category' is 'received'. List of parent descriptors for the output ",
                                        "script of this coin."
                                    ),
                                    [Res::str("desc", "The descriptor string.")],
                                )
                                .optional(),
                            ],
                        )],
                    ),
                    Res::hex("hex", "Raw data for transaction"),
                    Res::obj(
                        "decoded",
                        "The decoded transaction (only present when `verbose` is passed)",
                        decoded_tx(),
                    )
                    .optional(),
                ],
                vec![last_processed_block()],
            ]
            .concat(),
        ))
        .example_cli("\"1075db55d416d3ca199f55b6084e2115b9345e16c5cf302fc80e9d5fbf5d48d\"")
        .example_cli("\"1075db55d416d3ca199f55b6084e2115b9345e16c5cf302fc80e9d5fbf5d48d\" true")
        .example_cli("\"1075db55d416d3ca199f55b6084e2115b9345e16c5cf302fc80e9d5fbf5d48d\" false true")
        .example_rpc("\"1075db55d416d3ca199f55b6084e2115b9345e16c5cf302fc80e9d5fbf5d48d\"")
}

/// `listreceivedbyaddress`
pub(crate) fn listreceivedbyaddress() -> MethodDoc {
    method("wallet", "listreceivedbyaddress", "List balances by receiving address.\n")
        .arg(Arg::num("minconf", "The minimum number of confirmations before payments are included.").default(1))
        .arg(
            Arg::bool("include_empty", "Whether to include addresses that haven't received any payments.")
                .default(false),
        )
        .arg(Arg::bool("include_watchonly", "(DEPRECATED) No longer used").default(false))
        .arg(
            Arg::str("address_filter", "If present and non-empty, only return information on this address.").optional(),
        )
        .arg(Arg::bool("include_immature_coinbase", "Include immature coinbase transactions.").default(false))
        .result(Res::arr(
            "",
            "",
            [Res::obj(
                "",
                "",
                [
                    Res::str("address", "The receiving address"),
                    Res::amount("amount", "The total amount in {ticker} received by the address"),
                    Res::num("confirmations", "The number of confirmations of the most recent transaction included"),
                    Res::str("label", "The label of the receiving address. The default label is \"\""),
                    Res::arr("txids", "", [Res::hex("txid", "The ids of transactions received with the address")]),
                ],
            )],
        ))
        .example_cli("")
        .example_cli("6 true")
        .example_cli("6 true true \"\" true")
        .example_rpc("6, true, true")
        .example_rpc("6, true, true, \"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\", true")
}

/// `listreceivedbylabel`
pub(crate) fn listreceivedbylabel() -> MethodDoc {
    method("wallet", "listreceivedbylabel", "List received transactions by label.\n")
        .arg(Arg::num("minconf", "The minimum number of confirmations before payments are included.").default(1))
        .arg(Arg::bool("include_empty", "Whether to include labels that haven't received any payments.").default(false))
        .arg(Arg::bool("include_watchonly", "(DEPRECATED) No longer used").default(false))
        .arg(Arg::bool("include_immature_coinbase", "Include immature coinbase transactions.").default(false))
        .result(Res::arr(
            "",
            "",
            [Res::obj(
                "",
                "",
                [
                    Res::amount("amount", "The total amount received by addresses with this label"),
                    Res::num("confirmations", "The number of confirmations of the most recent transaction included"),
                    Res::str("label", "The label of the receiving address. The default label is \"\""),
                ],
            )],
        ))
        .example_cli("")
        .example_cli("6 true")
        .example_rpc("6, true, true, true")
}

/// `listsinceblock`
pub(crate) fn listsinceblock() -> MethodDoc {
    method(
        "wallet",
        "listsinceblock",
        concat!(
            "Get all transactions in blocks since block [blockhash], or all transactions ",
            "if omitted.\n",
            "If \"blockhash\" is no longer a part of the main chain, transactions from the ",
            "fork point onward are included.\n",
            "Additionally, if include_removed is set, transactions affecting the wallet ",
            "which were removed are returned in the \"removed\" array.\n"
        ),
    )
    .arg(
        Arg::str(
            "blockhash",
            concat!("If set, the block hash to list transactions since, otherwise list all ", "transactions."),
        )
        .optional(),
    )
    .arg(
        Arg::num(
            "target_confirmations",
            concat!(
                "Return the nth block hash from the main chain. e.g. 1 would mean the best ",
                "block hash. Note: this is not used as a filter, but only affects ",
                "[lastblock] in the return value"
            ),
        )
        .default(1),
    )
    .arg(Arg::bool("include_watchonly", "(DEPRECATED) No longer used").default(false))
    .arg(
        Arg::bool(
            "include_removed",
            concat!(
                "Show transactions that were removed due to a reorg in the \"removed\" array\n",
                "(not guaranteed to work on pruned nodes)"
            ),
        )
        .default(true),
    )
    .arg(Arg::bool("include_change", "Also add entries for change outputs.\n").default(false))
    .arg(
        Arg::str(
            "label",
            concat!("Return only incoming transactions paying to addresses with the specified ", "label.\n"),
        )
        .optional(),
    )
    .result(Res::obj(
        "",
        "",
        [
            Res::arr("transactions", "", [Res::obj("", "", list_since_block_tx_fields())]),
            Res::arr(
                "removed",
                concat!(
                    "<structure is the same as \"transactions\" above, only present if ",
                    "include_removed=true>\n",
                    "Note: transactions that were re-added in the active chain will appear as-is ",
                    "in this array, and may thus have a positive confirmation count."
                ),
                [Res::obj("", "", list_since_block_tx_fields()).elide("")],
            )
            .optional(),
            Res::hex(
                "lastblock",
                concat!(
                    "The hash of the block (target_confirmations-1) from the best block on the ",
                    "main chain, or the genesis hash if the referenced block does not exist yet. ",
                    "This is typically used to feed back into listsinceblock the next time you ",
                    "call it. So you would generally use a target_confirmations of say 6, so you ",
                    "will be continually re-notified of transactions until they've reached 6 ",
                    "confirmations plus any new ones"
                ),
            ),
        ],
    ))
    .example_cli("")
    .example_cli("\"000000000000000bacf66f7497b7dc45ef753ee9a7d38571037cdb1a57f663ad\" 6")
    .example_rpc("\"000000000000000bacf66f7497b7dc45ef753ee9a7d38571037cdb1a57f663ad\", 6")
}

/// `listtransactions`
pub(crate) fn listtransactions() -> MethodDoc {
    method(
        "wallet",
        "listtransactions",
        concat!(
            "If a label name is provided, this will return only incoming transactions ",
            "paying to addresses with the specified label.\n",
            "Returns up to 'count' most recent transactions ordered from oldest to ",
            "newest while skipping the first number of \n",
            "transactions specified in the 'skip' argument. A transaction can have ",
            "multiple entries in this RPC response. \n",
            "For instance, a wallet transaction that pays three addresses — one ",
            "wallet-owned and two external — will produce \n",
            "four entries. The payment to the wallet-owned address appears both as a ",
            "send entry and as a receive entry. \n",
            "As a result, the RPC response will contain one entry in the receive ",
            "category and three entries in the send category.\n"
        ),
    )
    .arg(
        Arg::str(
            "label",
            concat!(
                "If set, should be a valid label name to return only incoming transactions\n",
                "with the specified label, or \"*\" to disable filtering and return all ",
                "transactions."
            ),
        )
        .optional(),
    )
    .arg(Arg::num("count", "The number of transactions to return").default(10))
    .arg(Arg::num("skip", "The number of transactions to skip").default(0))
    .arg(Arg::bool("include_watchonly", "(DEPRECATED) No longer used").default(false))
    .result(Res::arr(
        "",
        "",
        [Res::obj(
            "",
            "",
            [
                vec![
                    Res::str(
                        "address",
                        concat!(
                            "The bitcoin address of the transaction (not returned if the output does not ",
                            "have an address, e.g. OP_RETURN null data)."
                        ),
                    )
                    .optional(),
                    Res::str(
                        "category",
                        concat!(
                            "The transaction category.\n",
                            "\"send\"                  Transactions sent.\n",
                            "\"receive\"               Non-coinbase transactions received.\n",
                            "\"generate\"              Coinbase transactions received with more than 100 ",
                            "confirmations.\n",
                            "\"immature\"              Coinbase transactions received with 100 or fewer ",
                            "confirmations.\n",
                            "\"orphan\"                Orphaned coinbase transactions received."
                        ),
                    ),
                    Res::amount(
                        "amount",
                        concat!(
                            "The amount in {ticker}. This is negative for the 'send' category, ",
                            "and is positive\n",
                            "for all other categories"
                        ),
                    ),
                    Res::str("label", "A comment for the address/transaction, if any").optional(),
                    Res::num("vout", "the vout value"),
                    Res::amount(
                        "fee",
                        concat!(
                            "The amount of the fee in {ticker}. This is negative and only ",
                            "available for the\n",
                            "'send' category of transactions."
                        ),
                    )
                    .optional(),
                ],
                transaction_description_string(),
                vec![Res::bool("abandoned", "'true' if the transaction has been abandoned (inputs are respendable).")],
            ]
            .concat(),
        )],
    ))
    .example_text("\nList the most recent 10 transactions in the systems\n")
    .example_cli("")
    .example_text("\nList transactions 100 to 120\n")
    .example_cli("\"*\" 20 100")
    .example_text("\nAs a JSON-RPC call\n")
    .example_rpc("\"*\", 20, 100")
}

/// `rescanblockchain`
pub(crate) fn rescanblockchain() -> MethodDoc {
    method(
        "wallet",
        "rescanblockchain",
        concat!(
            "Rescan the local blockchain for wallet related transactions.\n",
            "Note: Use \"getwalletinfo\" to query the scanning progress.\n",
            "The rescan is significantly faster if block filters are available\n",
            "(using startup option \"-blockfilterindex=1\").\n"
        ),
    )
    .arg(Arg::num("start_height", "block height where the rescan should start").default(0))
    .arg(
        Arg::num(
            "stop_height",
            concat!(
                "the last block height that should be scanned. If none is provided it will ",
                "rescan up to the tip at return time of this call."
            ),
        )
        .optional(),
    )
    .result(Res::obj(
        "",
        "",
        [
            Res::num("start_height", "The block height where the rescan started (the requested height or 0)"),
            Res::num(
                "stop_height",
                concat!(
                    "The height of the last rescanned block. May be null in rare cases if there ",
                    "was a reorg and the call didn't scan any blocks because they were already ",
                    "scanned in the background."
                ),
            ),
        ],
    ))
    .example_cli("100000 120000")
    .example_rpc("100000, 120000")
}
