//! Looking for wallets below the wallet directory.

use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;

use platform::message_text;
use tracing::warn;

use crate::Format;
use crate::locate::{DATA_FILE, FileKind, bdb_file, is_bdb_file, is_sqlite_file, sqlite_file};

/// A wallet that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundWallet {
    /// Its name: the path below the wallet directory. The one in the directory itself has none.
    pub name: String,
    /// What its file is.
    pub kind: FileKind,
}

/// Every wallet below `wallet_dir`, by name. What cannot be looked at is logged and left out.
///
/// A directory is a wallet if it has a `wallet.dat`; links to directories are, too, but are not descended into. Files
/// count in the directory itself only.
pub fn list_wallets(wallet_dir: &Path, format: &Format) -> Vec<FoundWallet> {
    let mut found = Vec::new();
    descend(wallet_dir, "", format, &mut found);
    found
}

fn descend(directory: &Path, name: &str, format: &Format, found: &mut Vec<FoundWallet>) {
    let entries = match fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<DirEntry>>>) {
        Ok(mut entries) => {
            entries.sort_by_key(DirEntry::file_name);
            entries
        }
        Err(error) => {
            warn!("Error scanning directory entries under {}: {}", directory.display(), message_text(&error));
            return;
        }
    };
    for entry in entries {
        let file_name = entry.file_name();
        let file_name = file_name.to_string_lossy();
        let name = if name.is_empty() { file_name.into_owned() } else { format!("{name}/{file_name}") };
        match look_at(&entry, &name, directory_is_top(&name), format, found) {
            Ok(true) => descend(&entry.path(), &name, format, found),
            Ok(false) => {}
            Err(error) => {
                let path = entry.path();
                let reason = message_text(&error);
                warn!("Error while scanning wallet dir item: {reason} [{}].", path.display());
            }
        }
    }
}

fn directory_is_top(name: &str) -> bool {
    !name.contains('/')
}

/// Adds what an entry is, and says whether to descend into it.
fn look_at(
    entry: &DirEntry,
    name: &str,
    is_top: bool,
    format: &Format,
    found: &mut Vec<FoundWallet>,
) -> io::Result<bool> {
    let path = entry.path();
    let file_type = entry.file_type()?;
    let mut add = |name: &str, kind| found.push(FoundWallet { name: name.to_owned(), kind });
    let is_directory = file_type.is_dir() || (file_type.is_symlink() && is_linked_directory(&path)?);
    if is_directory {
        if is_bdb_file(&bdb_file(&path))? {
            add(name, FileKind::Bdb);
        } else if is_sqlite_file(&sqlite_file(&path), format)? {
            add(name, FileKind::Sqlite);
        }
    } else if is_top && file_type.is_file() && path.extension().is_none_or(|extension| extension != "bak") {
        // A file of any other name can only be a wallet that shared its directory with others, long ago.
        if name == DATA_FILE {
            if is_bdb_file(&path)? {
                add("", FileKind::Bdb);
            } else if is_sqlite_file(&path, format)? {
                add("", FileKind::Sqlite);
            }
        } else if is_bdb_file(&path)? {
            add(name, FileKind::Bdb);
        }
    }
    Ok(file_type.is_dir())
}

/// Whether a link leads to a directory. A link to nowhere does not, which is no error.
fn is_linked_directory(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(found) => Ok(found.is_dir()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
