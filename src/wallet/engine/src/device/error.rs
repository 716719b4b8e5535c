//! What goes wrong with a device that signs. The texts are the daemon's, where the daemon notices.

/// What goes wrong with a device that signs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// No program was named that could reach one.
    #[error("restart bitcoind with -signer=<cmd>")]
    NotConfigured,
    /// There is none.
    #[error("No external signers found")]
    None,
    /// There are more than one, and nobody said which.
    #[error("More than one external signer found. Please connect only one at a time.")]
    Several,
    /// One of the above, for those who want something signed. The log says which.
    #[error("External signer not found")]
    NotFound,
    /// It did not sign. The log says why.
    #[error("External signer failed to sign")]
    Failed,

    /// The program cannot be started.
    #[error("execve failed: {0}")]
    Start(String),
    /// The program failed.
    #[error("RunCommandParseJSON error: process({command}) returned {code}: {line}\n")]
    Exit {
        /// What was started.
        command: String,
        /// Its exit code, or the signal that ended it.
        code: i32,
        /// The first line of what it complained of.
        line: String,
    },
    /// The program was given up.
    #[error("RunCommandParseJSON error: process({command}) gave {why}")]
    GivenUp {
        /// What was started.
        command: String,
        /// What there was instead of an answer.
        why: String,
    },
    /// The answer is something else than JSON.
    #[error("Unable to parse JSON: {0}")]
    NotJson(String),

    /// The answer does not list devices.
    #[error("'{0}' received invalid response, expected array of signers")]
    NotAList(String),
    /// One of the devices has a problem that is not told.
    #[error("'{0}' error")]
    Untold(String),
    /// One of the devices has a problem.
    #[error("'{0}' error: {1}")]
    Told(String, String),
    /// One of the devices has no fingerprint.
    #[error("'{0}' received invalid response, missing signer fingerprint")]
    NoFingerprint(String),
    /// One of the devices has a fingerprint that is none.
    #[error("'{0}' received invalid fingerprint, must be 8 hex characters")]
    BadFingerprint(String),

    /// The answer does not have two lists of descriptors.
    #[error("SetupDescriptorScriptPubKeyMans: Unexpected result")]
    NoDescriptors,
    /// One of the descriptors is none.
    #[error("SetupDescriptorScriptPubKeyMans: Invalid descriptor \"{0}\" ({1})")]
    BadDescriptor(String, String),

    /// It does not want to show an address.
    #[error("Signer returned error: {0}")]
    NotShown(String),
    /// It did not say what it shows.
    #[error("Signer did not echo address")]
    NoEcho,
    /// It shows another address.
    #[error("Signer echoed unexpected address {0}")]
    OtherAddress(String),
}
