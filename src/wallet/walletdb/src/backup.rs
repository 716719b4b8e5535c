//! Copying a wallet while it is open.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use platform::disk::{sync_directory, sync_path};
use platform::file::private_options;
use platform::message_text;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use tracing::warn;

use crate::{BackupError, SqliteFault, WalletFile};

impl WalletFile {
    /// Copies the wallet to `destination`, which is a whole wallet or not there at any time.
    ///
    /// A destination that exists is overwritten if it is a database that nobody has open.
    pub fn backup(&self, destination: &Path) -> Result<(), BackupError> {
        let result = self.backup_to(destination);
        result.inspect_err(|error| warn!("{error}"))
    }

    fn backup_to(&self, destination: &Path) -> Result<(), BackupError> {
        let destination = std::path::absolute(destination).map_err(|error| file_error(&error))?;
        if is_same_file(&destination, self.path()) {
            return Err(BackupError::Itself);
        }
        if destination.symlink_metadata().is_ok() {
            // SQLite's own journal makes this all or nothing.
            return self.copy_into(&destination);
        }
        let temporary = beside(&destination);
        let result = self.copy_new(&temporary, &destination);
        if result.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        result
    }

    fn copy_new(&self, temporary: &Path, destination: &Path) -> Result<(), BackupError> {
        private_options().create(true).truncate(true).open(temporary).map_err(|error| file_error(&error))?;
        self.copy_into(temporary)?;
        let put_in_place = || -> io::Result<()> {
            sync_path(temporary)?;
            fs::rename(temporary, destination)?;
            sync_directory(destination.parent().unwrap_or(Path::new("/")))
        };
        put_in_place().map_err(|error| file_error(&error))
    }

    fn copy_into(&self, destination: &Path) -> Result<(), BackupError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let open = |fault: rusqlite::Error| BackupError::Open(fault.into());
        let mut copy = Connection::open_with_flags(destination, flags).map_err(open)?;
        copy.busy_timeout(Duration::ZERO).map_err(open)?;
        let source = self.lock();
        let backup = Backup::new(&source, &mut copy).map_err(|fault| BackupError::Begin(fault.into()))?;
        // All pages at once: the file is locked, so there is nobody to make room for.
        match backup.step(-1).map_err(|fault| BackupError::Step(fault.into()))? {
            StepResult::Done => Ok(()),
            _ => Err(BackupError::Step(SqliteFault::busy())),
        }
    }
}

fn file_error(error: &io::Error) -> BackupError {
    BackupError::File(message_text(error))
}

/// Whether two paths lead to one file.
fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

/// The name that a backup has before it is whole.
fn beside(destination: &Path) -> PathBuf {
    let mut name = destination.as_os_str().to_owned();
    name.push(".incomplete");
    name.into()
}
