//! One process per directory.
//!
//! The lock is a POSIX record lock on the whole of `<directory>/.lock`, as Bitcoin Core takes it, so that each keeps
//! the other out. The kernel gives it back when the process ends, however it ends; the file stays.
//!
//! Such locks belong to the process, not to the descriptor: a second lock in the same process succeeds, and closing
//! *any* descriptor of the file drops the lock. So this module counts what the process holds, by the file's identity,
//! and never opens a lock file that is already held. (On Windows they belong to the handle, and a second one would be
//! refused. What this module does is right there, too.)

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use thiserror::Error;

use crate::error::system_error_text;
use crate::file::FileId;
use crate::system::files;

/// The name of the lock file in every directory.
pub const LOCK_FILE: &str = ".lock";

/// Why a directory cannot be used.
#[derive(Debug, Error)]
pub enum LockError {
    /// The lock file cannot be created.
    #[error("Cannot write to directory '{}'; check permissions.", directory.display())]
    Unwritable {
        /// The directory.
        directory: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process holds the lock.
    #[error("Cannot obtain a lock on directory {}. {client_name} is probably already running.", directory.display())]
    Held {
        /// The directory.
        directory: PathBuf,
        /// What the user knows this program as, such as `Bitcoin Core`.
        client_name: String,
        /// What the system said.
        source: io::Error,
    },
}

impl LockError {
    /// The line that the log gets beside the message to the user, if there is one.
    pub fn log_text(&self) -> Option<String> {
        match self {
            Self::Unwritable { .. } => None,
            Self::Held { directory, source, .. } => {
                let reason = system_error_text(source);
                Some(format!("Error while attempting to lock directory {}: {reason}", directory.display()))
            }
        }
    }
}

/// A directory that no other process can lock while this value lives. Locks of the same directory in one process are
/// shared.
#[derive(Debug)]
pub struct DirectoryLock {
    identity: FileId,
    directory: PathBuf,
}

impl DirectoryLock {
    /// Locks `directory` until the value is dropped. `client_name` is for the error text.
    pub fn acquire(directory: &Path, client_name: &str) -> Result<Self, LockError> {
        let mut held = held_locks();
        let path = directory.join(LOCK_FILE);
        if let Ok(identity) = FileId::at(&path)
            && let Some(entry) = held.get_mut(&identity)
        {
            entry.owners += 1;
            return Ok(Self { identity, directory: directory.to_owned() });
        }
        let file = lock_file(&path, directory, client_name)?;
        let identity = FileId::of(&file).map_err(|source| unwritable(directory, source))?;
        held.insert(identity, Held { _file: file, owners: 1 });
        Ok(Self { identity, directory: directory.to_owned() })
    }

    /// Whether [`DirectoryLock::acquire`] would succeed now. For an early message to the user, before a fork.
    pub fn probe(directory: &Path, client_name: &str) -> Result<(), LockError> {
        let held = held_locks();
        let path = directory.join(LOCK_FILE);
        if FileId::at(&path).is_ok_and(|identity| held.contains_key(&identity)) {
            return Ok(());
        }
        lock_file(&path, directory, client_name).map(drop)
    }

    /// The locked directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        // The file is closed while the table is locked: closing it later could take away a lock taken in between.
        let mut held = held_locks();
        if let Some(entry) = held.get_mut(&self.identity) {
            entry.owners -= 1;
            if entry.owners == 0 {
                held.remove(&self.identity);
            }
        }
    }
}

#[derive(Debug)]
struct Held {
    _file: File,
    owners: usize,
}

/// The locks of this process. It is one table because the kernel's locks belong to the process, too.
fn held_locks() -> MutexGuard<'static, HashMap<FileId, Held>> {
    static HELD: OnceLock<Mutex<HashMap<FileId, Held>>> = OnceLock::new();
    HELD.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

fn lock_file(path: &Path, directory: &Path, client_name: &str) -> Result<File, LockError> {
    // Opened for appending first: that creates the file and shows whether it can be written.
    let file = File::options()
        .read(true)
        .append(true)
        .create(true)
        .open(path)
        .map_err(|source| unwritable(directory, source))?;
    match files::lock(&file) {
        Ok(()) => Ok(file),
        Err(source) => {
            Err(LockError::Held { directory: directory.to_owned(), client_name: client_name.to_owned(), source })
        }
    }
}

fn unwritable(directory: &Path, source: io::Error) -> LockError {
    LockError::Unwritable { directory: directory.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn locks_are_shared_inside_a_process_and_counted() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        let real = dir.path().join("real");
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let first = DirectoryLock::acquire(&real, "Bulkhead").unwrap();
        let second = DirectoryLock::acquire(&link, "Bulkhead").unwrap();
        assert_eq!(second.directory(), link);
        assert_eq!(first.identity, second.identity);
        assert_eq!(held_locks()[&first.identity].owners, 2);
        DirectoryLock::probe(&real, "Bulkhead").unwrap();
        let identity = first.identity;
        drop(first);
        assert_eq!(held_locks()[&identity].owners, 1);
        drop(second);
        assert!(!held_locks().contains_key(&identity));
        assert!(real.join(LOCK_FILE).exists());
    }

    #[test]
    fn a_directory_that_is_not_there_cannot_be_written() {
        let dir = tempfile::tempdir().unwrap();
        let absent = dir.path().join("absent");
        let error = DirectoryLock::acquire(&absent, "Bulkhead").unwrap_err();
        let text = format!("Cannot write to directory '{}'; check permissions.", absent.display());
        assert_eq!(error.to_string(), text);
        assert_eq!(error.log_text(), None);
    }
}
