//! Descriptions of the methods on HD keys.

use ::rpc::{Arg, Example, MethodDoc, Res, method};

/// `addhdkey`
pub(crate) fn addhdkey() -> MethodDoc {
    method(
        "wallet",
        "addhdkey",
        concat!("Add a BIP 32 HD key to the wallet that can be used with ", "'createwalletdescriptor'\n"),
    )
    .arg(
        Arg::str(
            "hdkey",
            concat!(
                "The BIP 32 extended private key to add. If none is provided, a randomly ",
                "generated one will be added."
            ),
        )
        .hint("Automatically generated new key"),
    )
    .result(Res::obj("", "", [Res::str("xpub", "The xpub of the HD key that was added to the wallet")]))
    .example_cli("xprv")
    .example_rpc("xprv")
}

/// `createwalletdescriptor`
pub(crate) fn createwalletdescriptor() -> MethodDoc {
    method(
        "wallet",
        "createwalletdescriptor",
        concat!(
            "Creates the wallet's descriptor for the given address type. The address ",
            "type must be one that the wallet does not already have a descriptor for.\n",
            "Requires wallet passphrase to be set with walletpassphrase call if wallet ",
            "is encrypted.\n"
        ),
    )
    .arg(Arg::str(
        "type",
        concat!(
            "The address type the descriptor will produce. Options are \"legacy\", ",
            "\"p2sh-segwit\", \"bech32\", \"bech32m\"."
        ),
    ))
    .arg(
        Arg::obj_named(
            "options",
            "",
            [
                Arg::bool(
                    "internal",
                    concat!(
                        "Whether to only make one descriptor that is internal (if parameter is true) ",
                        "or external (if parameter is false)"
                    ),
                )
                .hint(concat!("Both external and internal will be generated unless this parameter is ", "specified")),
                Arg::str(
                    "hdkey",
                    concat!(
                        "The HD key that the wallet knows the private key of, listed using ",
                        "'gethdkeys', to use for this descriptor's key"
                    ),
                )
                .hint("The HD key used by all other active descriptors"),
            ],
        )
        .optional(),
    )
    .result(Res::obj(
        "",
        "",
        [Res::arr("descs", "The public descriptors that were added to the wallet", [Res::str("", "")])],
    ))
    .example_cli("bech32m")
    .example_rpc("bech32m")
}

/// `derivehdkey`
pub(crate) fn derivehdkey() -> MethodDoc {
    method(
        "wallet",
        "derivehdkey",
        concat!(
            "Derive extended public or private key from HD key in the wallet at a given ",
            "path.\n",
            "Derivation uses wallet private key material.\n",
            "\n",
            "Requires wallet passphrase to be set with walletpassphrase call if wallet ",
            "is encrypted.\n"
        ),
    )
    .arg(Arg::str("path", "BIP 32 derivation path with at least one hardened step."))
    .arg(
        Arg::obj_named(
            "options",
            "",
            [
                Arg::bool("private", "Show private key").default(false),
                Arg::str(
                    "hdkey",
                    concat!(
                        "The HD key that the wallet knows the private key of, listed using ",
                        "'gethdkeys', to use for derivation"
                    ),
                )
                .hint(concat!("Either the HD key of an unused(KEY) descriptor, or any other active ", "descriptor.")),
            ],
        )
        .optional(),
    )
    .result(Res::obj(
        "",
        "",
        [
            Res::str("origin", "Fingerprint and path for use in descriptors"),
            Res::str("xpub", "The extended public key"),
            Res::str("xprv", "The extended private key if \"private\" is true").optional(),
        ],
    ))
    .example_cli("m/87h/0h/0h")
    .example_rpc("\"m/87h/0h/0h\"")
    .example(Example::CliNamed {
        method: "derivehdkey".into(),
        args: vec![("path".into(), "m/87h/0h/0h".into()), ("private".into(), "true".into())],
    })
    .example(Example::RpcNamed {
        method: "derivehdkey".into(),
        args: vec![("path".into(), "m/87h/0h/0h".into()), ("private".into(), "true".into())],
    })
}

/// `gethdkeys`
pub(crate) fn gethdkeys() -> MethodDoc {
    method("wallet", "gethdkeys", "List all BIP 32 HD keys in the wallet and which descriptors use them.\n")
        .arg(
            Arg::obj_named(
                "options",
                "",
                [
                    Arg::bool("active_only", "Show the keys for only active descriptors").default(false),
                    Arg::bool("private", "Show private keys").default(false),
                ],
            )
            .optional(),
        )
        .result(Res::arr(
            "",
            "",
            [Res::obj(
                "",
                "",
                [
                    Res::str("xpub", "The extended public key"),
                    Res::bool("has_private", "Whether the wallet has the private key for this xpub"),
                    Res::str("xprv", "The extended private key if \"private\" is true").optional(),
                    Res::arr(
                        "descriptors",
                        "Array of descriptor objects that use this HD key",
                        [Res::obj(
                            "",
                            "",
                            [
                                Res::str("desc", "Descriptor string public representation"),
                                Res::bool(
                                    "active",
                                    "Whether this descriptor is currently used to generate new addresses",
                                ),
                            ],
                        )],
                    ),
                ],
            )],
        ))
        .example_cli("")
        .example_rpc("")
        .example(Example::CliNamed {
            method: "gethdkeys".into(),
            args: vec![("active_only".into(), "true".into()), ("private".into(), "true".into())],
        })
        .example(Example::RpcNamed {
            method: "gethdkeys".into(),
            args: vec![("active_only".into(), "true".into()), ("private".into(), "true".into())],
        })
}
