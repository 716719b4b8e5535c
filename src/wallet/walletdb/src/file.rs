//! An open wallet file.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tracing::warn;
use zeroize::Zeroizing;

use crate::held::Held;
use crate::open::{self, OpenError, OpenOptions};
use crate::{Batch, DbError, Format, Records};

/// An open wallet file, locked against every other process and every other [`WalletFile`].
///
/// Threads may share it. Each call of [`Records`] is a transaction of its own, on disk before it returns; use
/// [`WalletFile::txn`] for changes that belong together. Dropping it closes the file and leaves no journal.
#[derive(Debug)]
pub struct WalletFile {
    pub(crate) connection: Mutex<Connection>,
    path: PathBuf,
    format: Format,
    // Dropped last: the file has to be closed before others may touch it.
    _held: Held,
}

impl WalletFile {
    /// Opens the wallet at a path that [`crate::wallet_path`] has given, and checks the whole file.
    pub fn open(path: &Path, format: Format) -> Result<Self, OpenError> {
        Self::open_with(path, format, OpenOptions::EXISTING)
    }

    /// Makes a wallet at a path that [`crate::wallet_path`] has given, and its directory if need be.
    pub fn create(path: &Path, format: Format) -> Result<Self, OpenError> {
        Self::open_with(path, format, OpenOptions::NEW)
    }

    /// Opens or makes a wallet.
    pub fn open_with(path: &Path, format: Format, options: OpenOptions) -> Result<Self, OpenError> {
        // SQLite takes a path that begins with `file:` for something else; an absolute one does not.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let file = open::data_file(&path, &format, options.require)?;
        let connection = open::connect(&file, &format, options)?;
        let held = Held::enter(&file);
        open::check_header(&connection, &format)?;
        if options.check {
            open::check_pages(&connection)?;
        }
        Ok(Self { connection: Mutex::new(connection), path: file, format, _held: held })
    }

    /// Checks the whole file.
    pub fn check(&self) -> Result<(), OpenError> {
        open::check_pages(&self.lock())
    }

    /// A wallet that is nowhere and vanishes.
    pub fn in_memory(format: Format) -> Result<Self, OpenError> {
        let connection = open::connect_to_memory(&format)?;
        Ok(Self { connection: Mutex::new(connection), path: PathBuf::from(":memory:"), format, _held: Held::nothing() })
    }

    /// The path of the file, as texts name it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every file that may be there because of this wallet.
    pub fn files(&self) -> [PathBuf; 2] {
        let mut journal = self.path.clone().into_os_string();
        journal.push("-journal");
        [self.path.clone(), journal.into()]
    }

    /// Runs `work` on a batch. If it returns `Ok`, all changes are on disk together; if not, or if writing fails, none is
    /// made. `work` must use the batch only, not the file.
    pub fn txn<T, E: From<DbError>>(&self, work: impl FnOnce(&Batch<'_>) -> Result<T, E>) -> Result<T, E> {
        let connection = self.lock();
        let begun = Transaction::new_unchecked(&connection, TransactionBehavior::Immediate);
        let transaction = begun.map_err(|fault| failed(DbError::Begin(fault.into())))?;
        // An early return drops the transaction, which undoes it.
        let value = work(&Batch { connection: &transaction, format: &self.format })?;
        transaction.commit().map_err(|fault| failed(DbError::Commit(fault.into())))?;
        Ok(value)
    }

    /// Shows all records in the order in which they are in the file, until `each` says `false`. It must not use the file.
    pub fn scan_all(&self, each: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), DbError> {
        self.with(|batch| batch.scan_all(each))
    }

    /// Writes the whole file anew, so that nothing of what was erased is left in it.
    pub fn rewrite(&self) -> Result<(), DbError> {
        let connection = self.lock();
        connection.execute_batch("VACUUM").map_err(|fault| failed(DbError::Rewrite(fault.into())))
    }

    /// Closes the file. Dropping does the same, but cannot say that it failed.
    pub fn close(self) -> Result<(), DbError> {
        let Self { connection, _held: held, .. } = self;
        let closed = connection.into_inner().unwrap_or_else(PoisonError::into_inner).close();
        drop(held);
        closed.map_err(|(_, fault)| failed(DbError::Close(fault.into())))
    }

    /// The connection. A thread that panicked with it has dropped its transaction, so nothing is half done.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, work: impl FnOnce(&Batch<'_>) -> T) -> T {
        let connection = self.lock();
        work(&Batch { connection: &connection, format: &self.format })
    }
}

/// Logs an error on its way to whoever asked, with what SQLite says.
fn failed(error: DbError) -> DbError {
    match &error {
        DbError::Begin(fault) | DbError::Commit(fault) => warn!("{error}: {fault}"),
        _ => warn!("{error}"),
    }
    error
}

impl Records for WalletFile {
    fn format(&self) -> &Format {
        &self.format
    }

    fn get_bytes(&self, key: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, DbError> {
        self.with(|batch| batch.get_bytes(key))
    }

    fn put_bytes(&self, key: &[u8], value: &[u8]) -> Result<(), DbError> {
        self.with(|batch| batch.put_bytes(key, value))
    }

    fn insert_bytes(&self, key: &[u8], value: &[u8]) -> Result<(), DbError> {
        self.with(|batch| batch.insert_bytes(key, value))
    }

    fn erase_bytes(&self, key: &[u8]) -> Result<(), DbError> {
        self.with(|batch| batch.erase_bytes(key))
    }

    fn erase_prefix(&self, prefix: &[u8]) -> Result<(), DbError> {
        self.with(|batch| batch.erase_prefix(prefix))
    }

    fn scan(&self, prefix: &[u8], each: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), DbError> {
        self.with(|batch| batch.scan(prefix, each))
    }
}
