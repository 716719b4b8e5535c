//! Wallet files: Bitcoin Core's records of descriptor wallets, in SQLite.
//!
//! The same `wallet.dat` opens here and in the real daemon, alternately. A wallet goes through this crate so:
//!
//! 1. A name becomes a path ([`wallet_path`]), or all names below the wallet directory are found ([`list_wallets`]).
//! 2. [`WalletFile::open`] looks at what is there, refuses what is no wallet of this network ([`OpenError`]), takes the
//!    exclusive lock, and checks the whole file; [`WalletFile::create`] makes a new one. A [`Format`] says whose network
//!    it is: its magic is the file's application id, and its coin decides how transactions are written.
//! 3. [`WalletFile::load`] reads everything in one pass, sorts it into [`Contents`], and tells what is damaged, too new or
//!    not a descriptor wallet ([`LoadError`]).
//! 4. From then on every change is a [`Record`], written or erased by its [`Key`] through [`Records`]. A single call is
//!    on disk when it returns. Changes that belong together go through [`WalletFile::txn`]: all of them or none.
//! 5. [`WalletFile::backup`] copies an open wallet; [`dump`] and [`create_from_dump`] turn one into text and back.
//!
//! Legacy wallets are Berkeley DB files. They are recognized and refused; [`BdbFile`] reads their records, for dumps and
//! for moving them to descriptors.
//!
//! The table is `main(key BLOB, value BLOB)`. A key is the name of a type and what tells records of that type apart; all
//! types of descriptor wallets are variants of [`Key`] and [`Record`]. A record of any other type, and one whose key is
//! not exactly as it should be, is [`Record::Unknown`], and stays in the file as it is.
//!
//! What is assumed: one process has a wallet at a time, which the lock enforces; the disk does what it promises on
//! `fsync`, from which it follows that a crash at any instant leaves the state before or after a change. Nothing is
//! assumed of the file itself: it may come from an enemy, so reading allocates no more than is there, never panics, and
//! runs no SQL that the file brings with it.
//!
//! Secrets: unencrypted keys are [`KeySecret`]s in locked memory, never print themselves, and are overwritten in the file
//! when they are erased. SQLite's page cache sees them, as it must.

mod backup;
mod bdb;
mod dump;
mod error;
mod file;
mod flags;
mod format;
pub mod fuzz;
mod held;
mod key;
mod list;
mod load;
mod locate;
mod open;
mod record;
mod records;
mod secret;
mod text;

pub use bdb::{BdbError, BdbFile};
pub use dump::{DumpError, create_from_dump, dump, dump_legacy};
pub use error::{BackupError, DbError, RecordError, SqliteFault};
pub use file::WalletFile;
pub use flags::WalletFlags;
pub use format::Format;
pub use held::{copy_file, is_open_here};
pub use key::{DescriptorId, Key, LegacyKind};
pub use list::{FoundWallet, list_wallets};
pub use load::{Contents, LoadAs, LoadError, LoadWarning, LoadedDescriptor, LoadedTx};
pub use locate::{DATA_FILE, FileKind, NameError, bdb_file, is_bdb_file, is_sqlite_file, sqlite_file, wallet_path};
pub use open::{OpenError, OpenOptions, OpenStatus, Require};
pub use record::{
    DescriptorRecord, EXTENDED_KEY_BYTES, ExtendedKeyBytes, MasterKeyRecord, Record, StoredState, TxRecord,
};
pub use records::{Batch, Records};
pub use secret::KeySecret;
pub use text::Text;

/// The version of SQLite that is built in.
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}
