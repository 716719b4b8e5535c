//! Addresses to be paid at.

use crate::refresh::Refresh;

/// The types of addresses, as RPC names them and as people read them. The first leaves it to the wallet.
pub const ADDRESS_TYPES: [(&str, &str); 5] = [
    ("", "As the wallet prefers"),
    ("bech32m", "Bech32m (Taproot)"),
    ("bech32", "Bech32 (SegWit)"),
    ("p2sh-segwit", "Base58 (P2SH-SegWit)"),
    ("legacy", "Base58 (Legacy)"),
];

/// An address that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requested {
    /// The address.
    pub address: String,
    /// Its label.
    pub label: String,
    /// What was received at it, as text.
    pub amount: String,
}

/// The screen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receive {
    /// The label of the next address.
    pub label: String,
    /// Its type, as in [`ADDRESS_TYPES`].
    pub kind: String,
    /// The newest address.
    pub newest: Option<String>,
    /// All of them.
    pub list: Vec<Requested>,
    /// One is being made.
    pub busy: bool,
    /// Why that failed.
    pub error: Option<String>,
    pub(crate) refresh: Refresh,
}
