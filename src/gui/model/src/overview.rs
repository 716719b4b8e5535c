//! What the wallet that is looked at holds.

use interfaces::{Amount, WalletBalances};

use crate::amount::format_amount;
use crate::refresh::Refresh;

/// Whether a wallet can spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LockState {
    /// It has no passphrase.
    #[default]
    Unencrypted,
    /// It needs its passphrase first.
    Locked,
    /// It has been given its passphrase.
    Unlocked,
}

impl LockState {
    /// As the user reads it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Unencrypted => "Not encrypted",
            Self::Locked => "Encrypted and locked",
            Self::Unlocked => "Encrypted and unlocked",
        }
    }
}

/// What a wallet answers about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Holdings {
    /// What it holds.
    pub balances: WalletBalances,
    /// Whether it can spend.
    pub lock: LockState,
}

impl Holdings {
    /// All of it.
    pub fn total(&self) -> Amount {
        let WalletBalances { trusted, untrusted_pending, immature } = self.balances;
        trusted.saturating_add(untrusted_pending).saturating_add(immature)
    }
}

/// The screen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overview {
    /// What is known; `None` before the first answer.
    pub holdings: Option<Holdings>,
    /// Why nothing is known.
    pub error: Option<String>,
    pub(crate) refresh: Refresh,
}

impl Overview {
    /// Whether the wallet needs its passphrase before it can spend.
    pub fn is_locked(&self) -> bool {
        self.holdings.is_some_and(|holdings| holdings.lock == LockState::Locked)
    }

    /// What can be spent, pending, immature and in total, as text.
    pub fn amounts(&self) -> Option<[String; 4]> {
        self.holdings.map(|holdings| {
            let WalletBalances { trusted, untrusted_pending, immature } = holdings.balances;
            [trusted, untrusted_pending, immature, holdings.total()].map(format_amount)
        })
    }
}
