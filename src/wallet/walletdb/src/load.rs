//! Everything that a wallet file says, in one go.
//!
//! A record that cannot be read does not stop the reading: each is logged, and the worst decides, as people need to know
//! all that is wrong with a wallet before they do something about it.

mod sorter;

use std::sync::Arc;

use bitcoin::{BlockHash, OutPoint};
use primitives::Tx;
use tracing::{info, warn};

use self::sorter::{Severity, Sorter};
use crate::record::ExtendedKeyBytes;
use crate::{
    DbError, DescriptorId, DescriptorRecord, Key, KeySecret, MasterKeyRecord, Record, Records, Text, TxRecord,
    WalletFile, WalletFlags,
};

/// Why a wallet that could be opened is not loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the field of each is the path of the file")]
pub enum LoadError {
    /// It has a flag that forbids it to programs that do not know it.
    #[error("Error loading {file}: Wallet requires newer version of {client_name}")]
    TooNew { file: String, client_name: &'static str },
    /// A descriptor is of a kind that is not known.
    #[error(
        "Unrecognized descriptor found. Loading wallet {file}\n\nThe wallet might have been created on a newer \
         version.\nPlease try running the latest software version.\n"
    )]
    UnknownDescriptor { file: String },
    /// It has records of a legacy wallet, which no program leaves there.
    #[error(
        "Unexpected legacy entry in descriptor wallet found. Loading wallet {file}\n\nThe wallet might have been \
         tampered with or created with malicious intent.\n"
    )]
    UnexpectedLegacyEntry { file: String },
    /// It is a legacy wallet.
    #[error(
        "Error loading {file}: Wallet is a legacy wallet. Please migrate to a descriptor wallet using the migration tool \
         (migratewallet RPC)."
    )]
    LegacyWallet { file: String },
    /// A record is damaged.
    #[error("Error loading {file}: Wallet corrupted")]
    Corrupt { file: String },
}

/// What the owner should know of a wallet that was loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the field of each is the path of the file")]
pub enum LoadWarning {
    /// A transaction is not what it was filed as: the chain has to be searched again.
    #[error("Error reading {file}! Transaction data may be missing or incorrect. Rescanning wallet.")]
    NeedRescan { file: String },
    /// Something is damaged that no money hangs on.
    #[error(
        "Error reading {file}! All keys read correctly, but transaction data or address metadata may be missing or \
         incorrect."
    )]
    NonCritical { file: String },
}

/// A descriptor with its keys and caches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedDescriptor {
    /// What it is filed under.
    pub id: DescriptorId,
    /// The descriptor itself.
    pub descriptor: DescriptorRecord,
    /// Extended public keys by key expression and position; parents of all positions have none.
    pub cache: Vec<(u32, Option<u32>, ExtendedKeyBytes)>,
    /// Extended public keys behind the last hardened step, by key expression.
    pub last_hardened: Vec<(u32, ExtendedKeyBytes)>,
    /// Private keys by public key.
    pub keys: Vec<(Vec<u8>, KeySecret)>,
    /// Encrypted private keys by public key.
    pub crypted_keys: Vec<(Vec<u8>, Vec<u8>)>,
}

/// A transaction with all sets of witnesses that were seen of it, other than the one that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedTx {
    /// The transaction.
    pub record: TxRecord,
    /// The others.
    pub variants: Vec<Arc<Tx>>,
}

/// What a wallet file says. Lists are in the order of the keys in the file.
#[derive(Debug, Default)]
pub struct Contents {
    /// The version of the program that opened it last.
    pub version: Option<i32>,
    /// What the wallet is; `None` in a file that was made and never filled.
    pub flags: Option<WalletFlags>,
    /// The last block that was seen.
    pub best_block: Option<Vec<BlockHash>>,
    /// The next number in the order of transactions.
    pub order_pos_next: Option<i64>,
    /// The descriptors.
    pub descriptors: Vec<LoadedDescriptor>,
    /// Which descriptor new addresses come from: for change or not, type of address, descriptor.
    pub active: Vec<(bool, u8, DescriptorId)>,
    /// Keys that keys are encrypted with, by number.
    pub master_keys: Vec<(u32, MasterKeyRecord)>,
    /// Labels by address.
    pub names: Vec<(Text, Text)>,
    /// Purposes by address.
    pub purposes: Vec<(Text, Text)>,
    /// More about addresses: address, what, value.
    pub dest_data: Vec<(Text, Text, Text)>,
    /// The transactions.
    pub txs: Vec<LoadedTx>,
    /// Coins that are not to be spent.
    pub locked: Vec<OutPoint>,
    /// How many records are of a type that is not known here. They stay where they are.
    pub unknown_records: usize,
    /// What the owner should know.
    pub warning: Option<LoadWarning>,
}

impl Contents {
    /// Whether the chain has to be searched again.
    pub fn needs_rescan(&self) -> bool {
        matches!(self.warning, Some(LoadWarning::NeedRescan { .. }))
    }
}

/// Who loads, for log lines.
#[derive(Debug, Clone, Copy)]
pub struct LoadAs<'a> {
    /// The wallet's name.
    pub wallet_name: &'a str,
    /// The version of this program, as wallets record it.
    pub client_version: i32,
}

impl LoadAs<'_> {
    /// What is logged about a descriptor that cannot be understood.
    pub fn unrecognized_descriptor(&self, last_version: Option<i32>, details: &str) -> String {
        let guess = if last_version.is_some_and(|version| version > self.client_version) {
            "The wallet might have been created on a newer version."
        } else {
            "The database might be corrupted or the software version is not compatible with one of your wallet \
             descriptors."
        };
        format!(
            "Error: Unrecognized descriptor found in wallet {}. {guess} Please try running the latest software \
             version\nDetails: {details}",
            self.wallet_name
        )
    }

    fn log_name(&self) -> &str {
        if self.wallet_name.is_empty() { "default wallet" } else { self.wallet_name }
    }
}

impl WalletFile {
    /// Reads the whole file. The outer error is the disk's, the inner one the wallet's.
    pub fn load(&self, by: LoadAs<'_>) -> Result<Result<Contents, LoadError>, DbError> {
        let file = || self.path().display().to_string();
        let version = self.integer(&Key::Version)?.and_then(|record| match record {
            Record::Version(version) => Some(version),
            _ => None,
        });
        if let Some(version) = version {
            info!("[{}] Last client version = {version}", by.log_name());
        }
        let flags = self.integer(&Key::Flags)?.and_then(|record| match record {
            Record::Flags(flags) => Some(flags),
            _ => None,
        });
        if let Some(flags) = flags {
            if flags.unknown_mandatory() != 0 {
                warn!("[{}] Error reading wallet database: Unknown non-tolerable wallet flags found", by.log_name());
                return Ok(Err(LoadError::TooNew { file: file(), client_name: self.format().client_name() }));
            }
            if !flags.contains(WalletFlags::DESCRIPTORS) {
                return Ok(Err(LoadError::LegacyWallet { file: file() }));
            }
        }
        let mut sorter = Sorter::new(self.format().codec(), by, version, flags);
        self.scan_all(&mut |key, value| {
            sorter.take(&Key::decode(key), value);
            true
        })?;
        let mut contents = sorter.finish();
        contents.best_block = self.best_block()?;
        match sorter.severity() {
            Severity::Fine => {}
            Severity::NeedRescan => contents.warning = Some(LoadWarning::NeedRescan { file: file() }),
            Severity::NonCritical => contents.warning = Some(LoadWarning::NonCritical { file: file() }),
            Severity::UnknownDescriptor => return Ok(Err(LoadError::UnknownDescriptor { file: file() })),
            Severity::UnexpectedLegacyEntry => return Ok(Err(LoadError::UnexpectedLegacyEntry { file: file() })),
            Severity::LegacyWallet => return Ok(Err(LoadError::LegacyWallet { file: file() })),
            Severity::Corrupt => return Ok(Err(LoadError::Corrupt { file: file() })),
        }
        Ok(Ok(contents))
    }

    /// A record whose damage counts as absence.
    fn integer(&self, key: &Key) -> Result<Option<Record>, DbError> {
        match self.get(key) {
            Err(DbError::Record(_)) => Ok(None),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests;
