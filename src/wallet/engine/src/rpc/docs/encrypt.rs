//! Descriptions of the methods on passphrases and messages.

use ::rpc::{Arg, Example, MethodDoc, Res, method};

/// `encryptwallet`
pub(crate) fn encryptwallet() -> MethodDoc {
    method(
        "wallet",
        "encryptwallet",
        concat!(
            "Encrypts the wallet with 'passphrase'. This is for first time encryption.\n",
            "After this, any calls that interact with private keys such as sending or ",
            "signing \n",
            "will require the passphrase to be set prior to making these calls.\n",
            "Use the walletpassphrase call for this, and then walletlock call.\n",
            "If the wallet is already encrypted, use the walletpassphrasechange call.\n",
            "** IMPORTANT **\n",
            "For security reasons, the encryption process will generate a new HD seed, ",
            "resulting\n",
            "in the creation of a fresh set of active descriptors. Therefore, it is ",
            "crucial to\n",
            "securely back up the newly generated wallet file using the backupwallet ",
            "RPC.\n"
        ),
    )
    .arg(Arg::str(
        "passphrase",
        concat!("The pass phrase to encrypt the wallet with. It must be at least 1 ", "character, but should be long."),
    ))
    .result(Res::str("", "A string with further instructions"))
    .example_text("\nEncrypt your wallet\n")
    .example_cli("\"my pass phrase\"")
    .example_text(concat!(
        "\n",
        "Now set the passphrase to use the wallet, such as for signing or sending ",
        "bitcoin\n"
    ))
    .example(Example::Cli { method: "walletpassphrase".into(), args: "\"my pass phrase\"".into() })
    .example_text("\nNow we can do something like sign\n")
    .example(Example::Cli { method: "signmessage".into(), args: "\"address\" \"test message\"".into() })
    .example_text("\nNow lock the wallet again by removing the passphrase\n")
    .example(Example::Cli { method: "walletlock".into(), args: "".into() })
    .example_text("\nAs a JSON-RPC call\n")
    .example_rpc("\"my pass phrase\"")
}

/// `signmessage`
pub(crate) fn signmessage() -> MethodDoc {
    method(
        "wallet",
        "signmessage",
        concat!(
            "Sign a message with the private key of an address\n",
            "Requires wallet passphrase to be set with walletpassphrase call if wallet ",
            "is encrypted.\n"
        ),
    )
    .arg(Arg::str("address", "The bitcoin address to use for the private key."))
    .arg(Arg::str("message", "The message to create a signature of."))
    .result(Res::str("signature", "The signature of the message encoded in base 64"))
    .example_text("\nUnlock the wallet for 30 seconds\n")
    .example(Example::Cli { method: "walletpassphrase".into(), args: "\"mypassphrase\" 30".into() })
    .example_text("\nCreate the signature\n")
    .example_cli("\"1D1ZrZNe3JUo7ZycKEYQQiQAWd9y54F4XX\" \"my message\"")
    .example_text("\nVerify the signature\n")
    .example(Example::Cli {
        method: "verifymessage".into(),
        args: "\"1D1ZrZNe3JUo7ZycKEYQQiQAWd9y54F4XX\" \"signature\" \"my message\"".into(),
    })
    .example_text("\nAs a JSON-RPC call\n")
    .example_rpc("\"1D1ZrZNe3JUo7ZycKEYQQiQAWd9y54F4XX\", \"my message\"")
}

/// `walletlock`
pub(crate) fn walletlock() -> MethodDoc {
    method(
        "wallet",
        "walletlock",
        concat!(
            "Removes the wallet encryption key from memory, locking the wallet.\n",
            "After calling this method, you will need to call walletpassphrase again\n",
            "before being able to call any methods which require the wallet to be ",
            "unlocked.\n"
        ),
    )
    .result(Res::none("", ""))
    .example_text("\nSet the passphrase for 2 minutes to perform a transaction\n")
    .example(Example::Cli { method: "walletpassphrase".into(), args: "\"my pass phrase\" 120".into() })
    .example_text("\nPerform a send (requires passphrase set)\n")
    .example(Example::Cli {
        method: "sendtoaddress".into(),
        args: "\"bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl\" 1.0".into(),
    })
    .example_text("\nClear the passphrase since we are done before 2 minutes is up\n")
    .example_cli("")
    .example_text("\nAs a JSON-RPC call\n")
    .example_rpc("")
}

/// `walletpassphrase`
pub(crate) fn walletpassphrase() -> MethodDoc {
    method(
        "wallet",
        "walletpassphrase",
        concat!(
            "Stores the wallet decryption key in memory for 'timeout' seconds.\n",
            "This is needed prior to performing transactions related to private keys ",
            "such as sending bitcoins\n",
            "\n",
            "Note:\n",
            "Issuing the walletpassphrase command while the wallet is already unlocked ",
            "will set a new unlock\n",
            "time that overrides the old one.\n"
        ),
    )
    .arg(Arg::str("passphrase", "The wallet passphrase"))
    .arg(Arg::num(
        "timeout",
        concat!("The time to keep the decryption key in seconds; capped at 100000000 (~3 ", "years)."),
    ))
    .result(Res::none("", ""))
    .example_text("\nUnlock the wallet for 60 seconds\n")
    .example_cli("\"my pass phrase\" 60")
    .example_text("\nLock the wallet again (before 60 seconds)\n")
    .example(Example::Cli { method: "walletlock".into(), args: "".into() })
    .example_text("\nAs a JSON-RPC call\n")
    .example_rpc("\"my pass phrase\", 60")
}

/// `walletpassphrasechange`
pub(crate) fn walletpassphrasechange() -> MethodDoc {
    method(
        "wallet",
        "walletpassphrasechange",
        "Changes the wallet passphrase from 'oldpassphrase' to 'newpassphrase'.\n",
    )
    .arg(Arg::str("oldpassphrase", "The current passphrase"))
    .arg(Arg::str("newpassphrase", "The new passphrase"))
    .result(Res::none("", ""))
    .example_cli("\"old one\" \"new one\"")
    .example_rpc("\"old one\", \"new one\"")
}
