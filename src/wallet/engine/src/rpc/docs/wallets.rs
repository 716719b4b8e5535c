//! Descriptions of the methods on wallets as a whole.

use ::rpc::{Arg, Example, MethodDoc, Res, method};

use super::parts::last_processed_block;

/// `createwallet`
pub(crate) fn createwallet() -> MethodDoc {
    method("wallet", "createwallet", "Creates and loads a new wallet.\n")
        .arg(Arg::str(
            "wallet_name",
            concat!(
                "The name for the new wallet. If this is a path, the wallet will be created ",
                "at the path location."
            ),
        ))
        .arg(
            Arg::bool(
                "disable_private_keys",
                concat!("Disable the possibility of private keys (only watchonlys are possible in ", "this mode)."),
            )
            .default(false),
        )
        .arg(Arg::bool("blank", "Create a blank wallet. A blank wallet has no keys.").default(false))
        .arg(Arg::str("passphrase", "Encrypt the wallet with this passphrase.").optional())
        .arg(
            Arg::bool(
                "avoid_reuse",
                concat!(
                    "Keep track of coin reuse, and treat dirty and clean coins differently with ",
                    "privacy considerations in mind."
                ),
            )
            .default(false),
        )
        .arg(Arg::bool("descriptors", "If set, must be \"true\"").default(true))
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
        .arg(
            Arg::bool(
                "external_signer",
                concat!(
                    "Use an external signer such as a hardware wallet. Requires -signer to be ",
                    "configured. Wallet creation will fail if keys cannot be fetched. Requires ",
                    "disable_private_keys and descriptors set to true."
                ),
            )
            .default(false),
        )
        .result(Res::obj(
            "",
            "",
            [
                Res::str(
                    "name",
                    concat!(
                        "The wallet name if created successfully. If the wallet was created using a ",
                        "full path, the wallet_name will be the full path."
                    ),
                ),
                Res::arr(
                    "warnings",
                    "Warning messages, if any, related to creating and loading the wallet.",
                    [Res::str("", "")],
                )
                .optional(),
            ],
        ))
        .example_cli("\"testwallet\"")
        .example_rpc("\"testwallet\"")
        .example(Example::CliNamed {
            method: "createwallet".into(),
            args: vec![
                ("wallet_name".into(), "descriptors".into()),
                ("avoid_reuse".into(), true.into()),
                ("load_on_startup".into(), true.into()),
            ],
        })
        .example(Example::RpcNamed {
            method: "createwallet".into(),
            args: vec![
                ("wallet_name".into(), "descriptors".into()),
                ("avoid_reuse".into(), true.into()),
                ("load_on_startup".into(), true.into()),
            ],
        })
}

/// `exportwatchonlywallet`
pub(crate) fn exportwatchonlywallet() -> MethodDoc {
    method(
        "wallet",
        "exportwatchonlywallet",
        concat!(
            "Creates a wallet file at the specified destination containing a watchonly ",
            "version of the current wallet. This watchonly wallet contains the wallet's ",
            "public descriptors, its transactions, and address book data. Descriptors ",
            "that use hardened derivation will only have a limited number of derived ",
            "keys included in the export due to hardened derivation requiring private ",
            "keys. Descriptors with unhardened derivation do not have this limitation. ",
            "The watchonly wallet can be imported into another node using ",
            "'restorewallet'."
        ),
    )
    .arg(Arg::str("destination", "The path to the filename the exported watchonly wallet will be saved to"))
    .result(Res::obj("", "", [Res::str("exported_file", "The full path that the file has been exported to")]))
    .example_cli("\"/path/to/export.dat\"")
    .example_rpc("\"/path/to/export.dat\"")
}

/// `getwalletinfo`
pub(crate) fn getwalletinfo() -> MethodDoc {
    method("wallet", "getwalletinfo", "Returns an object containing various wallet state info.\n")
        .result(Res::obj(
            "",
            "",
            [
                vec![
                    Res::str("walletname", "the wallet name"),
                    Res::num(
                        "walletversion",
                        concat!(
                            "(DEPRECATED) only related to unsupported legacy wallet, returns the latest ",
                            "version 169900 for backwards compatibility"
                        ),
                    ),
                    Res::str("format", "the database format (only sqlite)"),
                    Res::amount("balance", "(DEPRECATED, returned only with -rpccompat=29) see getbalances").optional(),
                    Res::amount(
                        "unconfirmed_balance",
                        "(DEPRECATED, returned only with -rpccompat=29) see getbalances",
                    )
                    .optional(),
                    Res::amount("immature_balance", "(DEPRECATED, returned only with -rpccompat=29) see getbalances")
                        .optional(),
                    Res::num("txcount", "the total number of transactions in the wallet"),
                    Res::num("keypoolsize", "how many new keys are pre-generated (only counts external keys)"),
                    Res::num(
                        "keypoolsize_hd_internal",
                        concat!(
                            "how many new keys are pre-generated for internal use (used for change ",
                            "outputs, only appears if the wallet is using this feature, otherwise ",
                            "external keys are used)"
                        ),
                    )
                    .optional(),
                    Res::time(
                        "unlocked_until",
                        concat!(
                            "the UNIX epoch time until which the wallet is unlocked for transfers, or 0 ",
                            "if the wallet is locked (only present for passphrase-encrypted wallets)"
                        ),
                    )
                    .optional(),
                    Res::amount("paytxfee", "(DEPRECATED, returned only with -rpccompat=30 or below) always 0")
                        .optional(),
                    Res::bool(
                        "private_keys_enabled",
                        concat!("false if privatekeys are disabled for this wallet (enforced watch-only ", "wallet)"),
                    ),
                    Res::bool("avoid_reuse", "whether this wallet tracks clean/dirty coins in terms of reuse"),
                    Res::obj(
                        "scanning",
                        "current scanning details, or false if no scan is in progress",
                        [
                            Res::num("duration", "elapsed seconds since scan start"),
                            Res::num("progress", "scanning progress percentage [0.0, 1.0]"),
                        ],
                    )
                    .skip_type_check(),
                    Res::bool("descriptors", "whether this wallet uses descriptors for output script management"),
                    Res::bool(
                        "external_signer",
                        concat!(
                            "whether this wallet is configured to use an external signer such as a ",
                            "hardware wallet"
                        ),
                    ),
                    Res::bool(
                        "blank",
                        concat!(
                            "Whether this wallet intentionally does not contain any keys, scripts, or ",
                            "descriptors"
                        ),
                    ),
                    Res::time(
                        "birthtime",
                        concat!(
                            "The start time for blocks scanning. It could be modified by (re)importing ",
                            "any descriptor with an earlier timestamp."
                        ),
                    )
                    .optional(),
                    Res::arr(
                        "flags",
                        "The flags currently set on the wallet",
                        [Res::str("flag", "The name of the flag")],
                    )
                    .since(30),
                ],
                vec![last_processed_block()],
            ]
            .concat(),
        ))
        .example_cli("")
        .example_rpc("")
}

/// `listwalletdir`
pub(crate) fn listwalletdir() -> MethodDoc {
    method("wallet", "listwalletdir", "Returns a list of wallets in the wallet directory.\n")
        .result(Res::obj(
            "",
            "",
            [Res::arr(
                "wallets",
                "",
                [Res::obj(
                    "",
                    "",
                    [
                        Res::str("name", "The wallet name"),
                        Res::arr(
                            "warnings",
                            "Warning messages, if any, related to loading the wallet.",
                            [Res::str("", "")],
                        )
                        .optional()
                        .since(30),
                    ],
                )],
            )],
        ))
        .example_cli("")
        .example_rpc("")
}

/// `listwallets`
pub(crate) fn listwallets() -> MethodDoc {
    method(
        "wallet",
        "listwallets",
        concat!(
            "Returns a list of currently loaded wallets.\n",
            "For full information on the wallet, use \"getwalletinfo\"\n"
        ),
    )
    .result(Res::arr("", "", [Res::str("walletname", "the wallet name")]))
    .example_cli("")
    .example_rpc("")
}

/// `loadwallet`
pub(crate) fn loadwallet() -> MethodDoc {
    method(
        "wallet",
        "loadwallet",
        concat!(
            "Loads a wallet from a wallet file or directory.\n",
            "Note that all wallet command-line options used when starting bitcoind will ",
            "be\n",
            "applied to the new wallet.\n"
        ),
    )
    .arg(Arg::str(
        "filename",
        concat!(
            "The path to the directory of the wallet to be loaded, either absolute or ",
            "relative to the \"wallets\" directory. The \"wallets\" directory is set by the ",
            "-walletdir option and defaults to the \"wallets\" folder within the data ",
            "directory."
        ),
    ))
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
            Res::str("name", "The wallet name if loaded successfully."),
            Res::arr("warnings", "Warning messages, if any, related to loading the wallet.", [Res::str("", "")])
                .optional(),
        ],
    ))
    .example_text("\nLoad wallet from the wallet dir:\n")
    .example_cli("\"walletname\"")
    .example_rpc("\"walletname\"")
    .example_text("\nLoad wallet using absolute path (Unix):\n")
    .example_cli("\"/path/to/walletname/\"")
    .example_rpc("\"/path/to/walletname/\"")
    .example_text("\nLoad wallet using absolute path (Windows):\n")
    .example_cli("\"DriveLetter:\\path\\to\\walletname\\\"")
    .example_rpc("\"DriveLetter:\\path\\to\\walletname\\\"")
}

/// `migratewallet`
pub(crate) fn migratewallet() -> MethodDoc {
    method(
        "wallet",
        "migratewallet",
        concat!(
            "Migrate the wallet to a descriptor wallet.\n",
            "A new wallet backup will need to be made.\n",
            "\n",
            "The migration process will create a backup of the wallet before migrating. ",
            "This backup\n",
            "file will be named <wallet name>-<timestamp>.legacy.bak and can be found in ",
            "the directory\n",
            "for this wallet. In the event of an incorrect migration, the backup can be ",
            "restored using restorewallet.\n",
            "Encrypted wallets must have the passphrase provided as an argument to this ",
            "call.\n",
            "\n",
            "This RPC may take a long time to complete. Increasing the RPC client timeout ",
            "is recommended."
        ),
    )
    .arg(
        Arg::str(
            "wallet_name",
            concat!(
                "The name of the wallet to migrate. If provided both here and in the RPC ",
                "endpoint, the two must be identical."
            ),
        )
        .hint("the wallet name from the RPC endpoint"),
    )
    .arg(Arg::str("passphrase", "The wallet passphrase").optional())
    .arg(Arg::bool("load_wallet", "Load the wallet after migration.").default(true))
    .result(Res::obj(
        "",
        "",
        [
            Res::str("wallet_name", "The name of the primary migrated wallet"),
            Res::str("watchonly_name", "The name of the migrated wallet containing the watchonly scripts").optional(),
            Res::str("solvables_name", "The name of the migrated wallet containing solvable but not watched scripts")
                .optional(),
            Res::str("backup_path", "The location of the backup of the original wallet"),
        ],
    ))
    .example_cli("")
    .example_rpc("")
}

/// `setwalletflag`
pub(crate) fn setwalletflag() -> MethodDoc {
    method("wallet", "setwalletflag", "Change the state of the given wallet flag for a wallet.\n")
        .arg(Arg::str("flag", "The name of the flag to change. Current available flags: avoid_reuse"))
        .arg(Arg::bool("value", "The new state.").default(true))
        .result(Res::obj(
            "",
            "",
            [
                Res::str("flag_name", "The name of the flag that was modified"),
                Res::bool("flag_state", "The new state of the flag"),
                Res::str("warnings", "Any warnings associated with the change").optional(),
            ],
        ))
        .example_cli("avoid_reuse")
        .example_rpc("\"avoid_reuse\"")
}

/// `simulaterawtransaction`
pub(crate) fn simulaterawtransaction() -> MethodDoc {
    method(
        "wallet",
        "simulaterawtransaction",
        concat!(
            "Calculate the balance change resulting in the signing and broadcasting of ",
            "the given transaction(s).\n"
        ),
    )
    .arg(
        Arg::arr("rawtxs", "An array of hex strings of raw transactions.\n", [Arg::hex("rawtx", "").optional()])
            .optional(),
    )
    .arg(
        Arg::obj_named("options", "", [Arg::bool("include_watchonly", "(DEPRECATED) No longer used").default(false)])
            .optional(),
    )
    .result(Res::obj("", "", [Res::amount("balance_change", "The wallet balance change (negative means decrease).")]))
    .example_cli("[\"myhex\"]")
    .example_rpc("[\"myhex\"]")
}

/// `unloadwallet`
pub(crate) fn unloadwallet() -> MethodDoc {
    method(
        "wallet",
        "unloadwallet",
        concat!(
            "Unloads the wallet referenced by the request endpoint or the wallet_name ",
            "argument.\n",
            "If both are specified, they must be identical."
        ),
    )
    .arg(
        Arg::str(
            "wallet_name",
            concat!(
                "The name of the wallet to unload. If provided both here and in the RPC ",
                "endpoint, the two must be identical."
            ),
        )
        .hint("the wallet name from the RPC endpoint"),
    )
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
        [Res::arr("warnings", "Warning messages, if any, related to unloading the wallet.", [Res::str("", "")])
            .optional()],
    ))
    .example_cli("wallet_name")
    .example_rpc("wallet_name")
}
