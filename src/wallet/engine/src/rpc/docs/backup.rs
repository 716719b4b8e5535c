//! Descriptions of the methods on descriptors, imports and backups.

use ::rpc::{Arg, Example, MethodDoc, Res, method};

/// `backupwallet`
pub(crate) fn backupwallet() -> MethodDoc {
    method(
        "wallet",
        "backupwallet",
        concat!(
            "Safely copies the current wallet file to the specified destination, which ",
            "can either be a directory or a path with a filename.\n"
        ),
    )
    .arg(Arg::str("destination", "The destination directory or file"))
    .result(Res::none("", ""))
    .example_cli("\"backup.dat\"")
    .example_rpc("\"backup.dat\"")
}

/// `importdescriptors`
pub(crate) fn importdescriptors() -> MethodDoc {
    method(
        "wallet",
        "importdescriptors",
        concat!(
            "Import descriptors. This will trigger a rescan of the blockchain based on ",
            "the earliest timestamp of all descriptors being imported. Requires a new ",
            "wallet backup.\n",
            "When importing descriptors with multipath key expressions, if the multipath ",
            "specifier contains exactly two elements, the descriptor produced from the ",
            "second element will be imported as an internal descriptor.\n",
            "\n",
            "Note: This call can take over an hour to complete if using an early ",
            "timestamp; during that time, other rpc calls\n",
            "may report that the imported keys, addresses or scripts exist but related ",
            "transactions are still missing.\n",
            "The rescan is significantly faster if block filters are available (using ",
            "startup option \"-blockfilterindex=1\").\n"
        ),
    )
    .arg(
        Arg::arr(
            "requests",
            "Data to be imported",
            [Arg::obj(
                "",
                "",
                [
                    Arg::str("desc", "Descriptor to import."),
                    Arg::bool(
                        "active",
                        concat!(
                            "Set this descriptor to be the active descriptor for the corresponding ",
                            "output type/externality"
                        ),
                    )
                    .default(false),
                    Arg::range(
                        "range",
                        concat!(
                            "If a ranged descriptor is used, this specifies the end or the range (in the ",
                            "form [begin,end]) to import"
                        ),
                    )
                    .optional(),
                    Arg::num(
                        "next_index",
                        concat!(
                            "If a ranged descriptor is set to active, this specifies the next index to ",
                            "generate addresses from"
                        ),
                    )
                    .optional(),
                    Arg::num(
                        "timestamp",
                        concat!(
                            "Time from which to start rescanning the blockchain for this descriptor, in ",
                            "UNIX epoch time\n",
                            "Use the string \"now\" to substitute the current synced blockchain time.\n",
                            "\"now\" can be specified to bypass scanning, for outputs which are known to ",
                            "never have been used, and\n",
                            "0 can be specified to scan the entire blockchain. Blocks up to 2 hours ",
                            "before the earliest timestamp\n",
                            "of all descriptors being imported will be scanned as well as the mempool."
                        ),
                    )
                    .type_words("timestamp | \"now\"", "integer / string"),
                    Arg::bool(
                        "internal",
                        concat!(
                            "Whether matching outputs should be treated as not incoming payments (e.g. ",
                            "change)"
                        ),
                    )
                    .default(false),
                    Arg::str(
                        "label",
                        concat!(
                            "Label to assign to the address, only allowed with internal=false. Disabled ",
                            "for ranged descriptors"
                        ),
                    )
                    .default(""),
                ],
            )
            .optional()],
        )
        .oneline("requests"),
    )
    .result(Res::arr(
        "",
        concat!("Response is an array with the same size as the input that has the execution ", "result"),
        [Res::obj(
            "",
            "",
            [
                Res::bool("success", ""),
                Res::arr("warnings", "", [Res::str("", "")]).optional(),
                Res::obj(
                    "error",
                    "",
                    [Res::num("code", "JSONRPC error code"), Res::str("message", "JSONRPC error message")],
                )
                .optional(),
            ],
        )],
    ))
    .example_cli(concat!(
        "'[{ \"desc\": \"<my descriptor>\", \"timestamp\":1455191478, \"internal\": true }, ",
        "{ \"desc\": \"<my descriptor 2>\", \"label\": \"example 2\", \"timestamp\": ",
        "1455191480 }]'"
    ))
    .example_cli(concat!(
        "'[{ \"desc\": \"<my descriptor>\", \"timestamp\":1455191478, \"active\": true, ",
        "\"range\": [0,100], \"label\": \"<my bech32 wallet>\" }]'"
    ))
}

/// `importprunedfunds`
pub(crate) fn importprunedfunds() -> MethodDoc {
    method(
        "wallet",
        "importprunedfunds",
        concat!(
            "Imports funds without rescan. Corresponding address or script must ",
            "previously be included in wallet. Aimed towards pruned wallets. The ",
            "end-user is responsible to import additional transactions that subsequently ",
            "spend the imported outputs or rescan after the point in the blockchain the ",
            "transaction is included.\n"
        ),
    )
    .arg(Arg::hex("rawtransaction", "A raw transaction in hex funding an already-existing address in wallet"))
    .arg(Arg::hex("txoutproof", "The hex output from gettxoutproof that contains the transaction"))
    .result(Res::none("", ""))
}

/// `listdescriptors`
pub(crate) fn listdescriptors() -> MethodDoc {
    method("wallet", "listdescriptors", "List all descriptors present in a wallet.\n")
        .arg(Arg::bool("private", "Show private descriptors.").default(false))
        .result(Res::obj(
            "",
            "",
            [
                Res::str("wallet_name", "Name of wallet this operation was performed on"),
                Res::arr(
                    "descriptors",
                    "Array of descriptor objects (sorted by descriptor string representation)",
                    [Res::obj(
                        "",
                        "",
                        [
                            Res::str("desc", "Descriptor string representation"),
                            Res::num("timestamp", "The creation time of the descriptor"),
                            Res::bool("active", "Whether this descriptor is currently used to generate new addresses"),
                            Res::bool(
                                "internal",
                                concat!(
                                    "True if this descriptor is used to generate change addresses. False if this ",
                                    "descriptor is used to generate receiving addresses; defined only for active ",
                                    "descriptors"
                                ),
                            )
                            .optional(),
                            Res::arr_fixed(
                                "range",
                                "Defined only for ranged descriptors",
                                [Res::num("", "Range start inclusive"), Res::num("", "Range end inclusive")],
                            )
                            .optional(),
                            Res::num("next", "Same as next_index field. Kept for compatibility reason.").optional(),
                            Res::num(
                                "next_index",
                                concat!(
                                    "The next index to generate addresses from; defined only for ranged ",
                                    "descriptors"
                                ),
                            )
                            .optional(),
                        ],
                    )],
                ),
            ],
        ))
        .example_cli("")
        .example_rpc("")
        .example_cli("true")
        .example_rpc("true")
}

/// `removeprunedfunds`
pub(crate) fn removeprunedfunds() -> MethodDoc {
    method(
        "wallet",
        "removeprunedfunds",
        concat!(
            "(DEPRECATED) This feature will be removed in the next major release. Start ",
            "bitcoind with the `-deprecatedrpc=removeprunedfunds` option in order to use ",
            "this.\n",
            "Deletes the specified transaction from the wallet. Meant for use with ",
            "pruned wallets and as a companion to importprunedfunds. This will affect ",
            "wallet balances.\n"
        ),
    )
    .arg(Arg::hex("txid", "The hex-encoded id of the transaction you are deleting"))
    .result(Res::none("", ""))
    .example_cli("\"a8d0c0184dde994a09ec054286f1ce581bebf46446a512166eae7628734ea0a5\"")
    .example_text("\nAs a JSON-RPC call\n")
    .example_rpc("\"a8d0c0184dde994a09ec054286f1ce581bebf46446a512166eae7628734ea0a5\"")
}

/// `restorewallet`
pub(crate) fn restorewallet() -> MethodDoc {
    method(
        "wallet",
        "restorewallet",
        concat!(
            "Restores and loads a wallet from backup.\n",
            "\n",
            "The rescan is significantly faster if block filters are available\n",
            "(using startup option \"-blockfilterindex=1\").\n"
        ),
    )
    .arg(Arg::str("wallet_name", "The name that will be applied to the restored wallet"))
    .arg(Arg::str("backup_file", "The backup file that will be used to restore the wallet."))
    .arg(
        Arg::bool(
            "load_on_startup",
            concat!(
                "Save wallet name to persistent settings and load on startup. True to add ",
                "wallet to startup list, false to remove, null to leave unchanged."
            ),
        )
        .optional(),
    )
    .result(Res::obj(
        "",
        "",
        [
            Res::str("name", "The wallet name if restored successfully."),
            Res::arr(
                "warnings",
                "Warning messages, if any, related to restoring and loading the wallet.",
                [Res::str("", "")],
            )
            .optional(),
        ],
    ))
    .example_cli("\"testwallet\" \"home\\backups\\backup-file.bak\"")
    .example_rpc("\"testwallet\" \"home\\backups\\backup-file.bak\"")
    .example(Example::CliNamed {
        method: "restorewallet".into(),
        args: vec![
            ("wallet_name".into(), "testwallet".into()),
            ("backup_file".into(), "home\\backups\\backup-file.bak\"".into()),
            ("load_on_startup".into(), true.into()),
        ],
    })
    .example(Example::RpcNamed {
        method: "restorewallet".into(),
        args: vec![
            ("wallet_name".into(), "testwallet".into()),
            ("backup_file".into(), "home\\backups\\backup-file.bak\"".into()),
            ("load_on_startup".into(), true.into()),
        ],
    })
}
