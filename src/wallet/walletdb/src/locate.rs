//! Where wallets are: from a name to a path, and from a path to the kind of file that is there.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::Format;
use crate::held::is_open_here;

/// The name of the file in a wallet's directory.
pub const DATA_FILE: &str = "wallet.dat";

/// Why a name cannot be a wallet's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It has `.` or `..` somewhere inside.
    #[error("Wallet name given as a path must be normalized")]
    NotNormalized,
    /// It starts with `.` or `..`.
    #[error(
        "Wallet name given as a relative path cannot begin with ./ or ../, for wallets not in the walletdir, please use \
         an absolute path."
    )]
    Relative,
    /// It is the root of the file system.
    #[error("Wallet name cannot be the root path")]
    Root,
    /// Something is there already, and it cannot hold a wallet.
    #[error(
        "Invalid -wallet path '{name}'. -wallet path should point to a directory where wallet.dat and \
         database/log.?????????? files can be stored, a location where such a directory could be created, or (for \
         backwards compatibility) the name of an existing data file in -walletdir ({directory})"
    )]
    Unusable {
        /// The name.
        name: String,
        /// The wallet directory, in quotes.
        directory: String,
    },
}

/// The path of the wallet called `name`. It may be a path itself: a relative one starts in the wallet directory.
pub fn wallet_path(wallet_dir: &Path, name: &str) -> Result<PathBuf, NameError> {
    let (slashed, is_absolute) = in_slashes(name, cfg!(windows));
    let elements: Vec<&str> = elements(&slashed);
    if !is_normal(&elements, is_absolute) {
        return Err(NameError::NotNormalized);
    }
    if !is_absolute && matches!(elements.first(), Some(&("." | ".."))) {
        return Err(NameError::Relative);
    }
    if is_absolute && elements.is_empty() {
        return Err(NameError::Root);
    }
    let path = if name.is_empty() { wallet_dir.to_owned() } else { wallet_dir.join(name) };
    let is_usable = match fs::symlink_metadata(&path) {
        Err(error) => is_absence(&error),
        Ok(found) if found.is_dir() => true,
        Ok(found) if found.is_symlink() => path.is_dir(),
        Ok(found) => found.is_file() && !slashed.contains('/'),
    };
    if is_usable {
        return Ok(path);
    }
    let directory = wallet_dir.display().to_string().replace('\\', "\\\\").replace('"', "\\\"");
    Err(NameError::Unusable { name: name.to_owned(), directory: format!("\"{directory}\"") })
}

/// A name as a path with slashes only, and whether it leads elsewhere than into a directory that it is joined to. Windows
/// has other separators, too, and a drive in front.
fn in_slashes(name: &str, on_windows: bool) -> (Cow<'_, str>, bool) {
    if !on_windows {
        return (name.into(), name.starts_with('/'));
    }
    let has_drive = matches!(name.as_bytes(), [drive, b':', ..] if drive.is_ascii_alphabetic());
    let path = if has_drive { &name[2..] } else { name }.replace('\\', "/");
    let is_absolute = has_drive || path.starts_with('/');
    (path.into(), is_absolute)
}

/// What is between the slashes of a path. A slash at the end leaves an empty element, many slashes are one.
fn elements(path: &str) -> Vec<&str> {
    let relative = path.trim_start_matches('/');
    if relative.is_empty() {
        return Vec::new();
    }
    let mut elements: Vec<&str> = relative.split('/').filter(|element| !element.is_empty()).collect();
    if relative.ends_with('/') {
        elements.push("");
    }
    elements
}

/// Whether a path cannot be said with fewer elements.
fn is_normal(elements: &[&str], is_absolute: bool) -> bool {
    if elements == ["."] {
        return !is_absolute;
    }
    let leading = elements.iter().take_while(|element| **element == "..").count();
    if leading > 0 && (is_absolute || elements[leading..] == [""]) {
        return false;
    }
    !elements[leading..].iter().any(|element| matches!(*element, "." | ".."))
}

/// What kind of database a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// SQLite, of this network.
    Sqlite,
    /// Berkeley DB: a legacy wallet.
    Bdb,
}

impl FileKind {
    /// The name that is shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Bdb => "bdb",
        }
    }
}

/// The SQLite file of a wallet's path. Only a directory has one.
pub fn sqlite_file(wallet_path: &Path) -> PathBuf {
    wallet_path.join(DATA_FILE)
}

/// The Berkeley DB file of a wallet's path, which may be that file itself.
pub fn bdb_file(wallet_path: &Path) -> PathBuf {
    if wallet_path.is_file() { wallet_path.to_owned() } else { wallet_path.join(DATA_FILE) }
}

/// Whether a file is an SQLite database whose application id is that of the network. One that is open here is not looked
/// into, and is one.
pub fn is_sqlite_file(path: &Path, format: &Format) -> io::Result<bool> {
    if is_open_here(path) {
        return Ok(true);
    }
    let Some(mut file) = open_at_least(path, 512)? else { return Ok(false) };
    let (mut start, mut application_id) = ([0; 16], [0; 4]);
    Ok(file.read_exact(&mut start).is_ok()
        && start == *b"SQLite format 3\0"
        && file.seek(SeekFrom::Start(68)).is_ok()
        && file.read_exact(&mut application_id).is_ok()
        && application_id == format.magic())
}

/// Whether a file is a B-tree of Berkeley DB, written on a machine of either byte order.
pub fn is_bdb_file(path: &Path) -> io::Result<bool> {
    if is_open_here(path) {
        return Ok(false);
    }
    let Some(mut file) = open_at_least(path, 4096)? else { return Ok(false) };
    let mut magic = [0; 4];
    let is_read = file.seek(SeekFrom::Start(12)).is_ok() && file.read_exact(&mut magic).is_ok();
    Ok(is_read && matches!(u32::from_le_bytes(magic), 0x0005_3162 | 0x6231_0500))
}

/// Opens a file that is at least so long. It is an error not to know whether there is one, but not if it cannot be read.
fn open_at_least(path: &Path, length: u64) -> io::Result<Option<File>> {
    match fs::metadata(path) {
        Err(error) if is_absence(&error) => Ok(None),
        Err(error) => Err(error),
        Ok(found) if !found.is_file() || found.len() < length => Ok(None),
        Ok(_) => Ok(File::open(path).ok()),
    }
}

/// Whether an error says that there is nothing at a path.
pub(crate) fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests;
