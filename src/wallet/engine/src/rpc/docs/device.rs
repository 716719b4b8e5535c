//! Descriptions of the methods on devices that sign.

use ::rpc::{Arg, MethodDoc, Res, method};

/// `enumeratesigners`
pub(crate) fn enumeratesigners() -> MethodDoc {
    method(
        "signer",
        "enumeratesigners",
        concat!(
            "Returns a list of external signers from -signer. Signers with duplicate ",
            "master key fingerprints are skipped."
        ),
    )
    .result(Res::obj(
        "",
        "",
        [Res::arr(
            "signers",
            "",
            [Res::obj(
                "",
                "",
                [
                    Res::hex("fingerprint", "Master key fingerprint"),
                    Res::str("name", "Device name, the model returned by the signer"),
                ],
            )],
        )],
    ))
    .example_cli("")
    .example_rpc("")
}

/// `walletdisplayaddress`
pub(crate) fn walletdisplayaddress() -> MethodDoc {
    method("wallet", "walletdisplayaddress", "Display address on an external signer for verification.")
        .arg(Arg::str("address", "bitcoin address to display"))
        .result(Res::obj("", "", [Res::str("address", "The address as confirmed by the signer")]))
}
