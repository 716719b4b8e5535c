//! The file that holds the process number of a running daemon.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::error::{message_text, system_error_text};

/// What can go wrong with the pid file.
#[derive(Debug, Error)]
pub enum PidFileError {
    /// It cannot be written; the daemon does not start.
    #[error("Unable to create the PID file '{}': {}", path.display(), system_error_text(source))]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be removed at the end; worth a warning.
    #[error("Unable to remove PID file ({}): {}", path.display(), removal_text(source))]
    Remove {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn removal_text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "File does not exist".to_owned(),
        _ => message_text(error),
    }
}

/// A pid file that this process has written, and removes when it goes.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    removed: bool,
}

impl PidFile {
    /// Writes this process's number to `path`. An old file is overwritten: the directory lock, not this file, decides
    /// who runs.
    pub fn create(path: &Path) -> Result<Self, PidFileError> {
        match std::fs::write(path, format!("{}\n", std::process::id())) {
            Ok(()) => Ok(Self { path: path.to_owned(), removed: false }),
            Err(source) => Err(PidFileError::Create { path: path.to_owned(), source }),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file at the end of an orderly shutdown. Dropping it does the same, without the answer.
    pub fn remove(mut self) -> Result<(), PidFileError> {
        self.removed = true;
        std::fs::remove_file(&self.path).map_err(|source| PidFileError::Remove { path: self.path.clone(), source })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if !self.removed {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_the_number_and_goes_away() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bitcoind.pid");
        let file = PidFile::create(&path).unwrap();
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), format!("{}\n", std::process::id()));
        file.remove().unwrap();
        assert!(!path.exists());
        drop(PidFile::create(&path).unwrap());
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn errors_have_the_texts_of_the_daemon() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("absent/bitcoind.pid");
        let shown = path.display();
        let text = PidFile::create(&path).unwrap_err().to_string();
        assert_eq!(text, format!("Unable to create the PID file '{shown}': No such file or directory (2)"));

        let path = dir.path().join("bitcoind.pid");
        let file = PidFile::create(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let text = file.remove().unwrap_err().to_string();
        assert_eq!(text, format!("Unable to remove PID file ({}): File does not exist", path.display()));
    }
}
