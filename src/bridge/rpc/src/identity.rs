//! What the daemon calls itself where texts of this crate need it.

/// Names and versions of one coin's daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// For instance `Bitcoin Core`.
    pub client_name: String,
    /// For instance `v31.99.0`, with `-dev` if it is no release.
    pub version: String,
    /// The program that examples call, for instance `bitcoin-cli`.
    pub cli_name: String,
    /// The port that examples name.
    pub rpc_port: u16,
    /// Where bugs are reported.
    pub bug_url: String,
}

impl Identity {
    /// The text of an error that can only be the daemon's own fault.
    pub fn internal_bug(&self, what: &str) -> String {
        format!(
            "Internal bug detected: {what}\n{} {}\nPlease report this issue here: {}\n",
            self.client_name, self.version, self.bug_url
        )
    }
}
