//! Opening and creating wallet files: what is checked before the first record is read.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use platform::disk::sync_directory;
use platform::{SystemEntropy, file as files, message_text};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tracing::warn;

use crate::locate::{bdb_file, is_absence, is_bdb_file, is_sqlite_file, sqlite_file};
use crate::{Format, SqliteFault};

/// The only version of the tables that there is.
const SCHEMA_VERSION: i32 = 0;

/// What is asked of a path before it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Require {
    /// There must be a wallet.
    Existing,
    /// There must be none, and one is made.
    New,
}

/// How to open a wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenOptions {
    /// Whether there must be a wallet, or must be none.
    pub require: Require,
    /// Whether the whole file is checked. [`crate::WalletFile::check`] does it later.
    pub check: bool,
    /// Whether writes may be lost when the machine stops (`-unsafesqlitesync`).
    pub unsafe_sync: bool,
    /// How long to wait for whoever has the file to let it go.
    pub patience: Duration,
}

impl OpenOptions {
    /// For a wallet that is there.
    pub const EXISTING: Self =
        Self { require: Require::Existing, check: true, unsafe_sync: false, patience: Duration::ZERO };
    /// For a new wallet.
    pub const NEW: Self = Self { require: Require::New, ..Self::EXISTING };

    /// With or without waiting for the disk.
    #[must_use]
    pub const fn unsafe_sync(self, unsafe_sync: bool) -> Self {
        Self { unsafe_sync, ..self }
    }

    /// With patience: the process that had the wallet may just be ending.
    #[must_use]
    pub const fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Without a check of the whole file.
    #[must_use]
    pub const fn unchecked(self) -> Self {
        Self { check: false, ..self }
    }
}

/// The kind of an [`OpenError`]: what a caller decides by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenStatus {
    /// The path cannot be looked at.
    BadPath,
    /// What is there is no wallet of this network.
    BadFormat,
    /// It is a legacy wallet.
    Legacy,
    /// There is a wallet already.
    AlreadyExists,
    /// There is no wallet.
    NotFound,
    /// The file could not be opened or locked.
    Load,
    /// The file is damaged, foreign or too new.
    Verify,
}

/// Why a wallet file was not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are what the texts say")]
pub enum OpenError {
    /// The path cannot be looked at.
    #[error("Failed to access database path '{path}': {reason}")]
    Access { path: String, reason: String },
    /// There are two wallets.
    #[error("Failed to load database path '{path}'. Data is in ambiguous format.")]
    Ambiguous { path: String },
    /// There is nothing.
    #[error("Failed to load database path '{path}'. Path does not exist.")]
    NotFound { path: String },
    /// There is something else.
    #[error("Failed to load database path '{path}'. Data is not in recognized format.")]
    Unrecognized { path: String },
    /// There is one already.
    #[error("Failed to create database path '{path}'. Database already exists.")]
    AlreadyExists { path: String },
    /// There is a legacy wallet.
    #[error(
        "Failed to open database path '{path}'. The wallet appears to be a Legacy wallet, please use the wallet \
         migration tool (migratewallet RPC or the GUI option)."
    )]
    Legacy { path: String },
    /// The directory could not be made.
    #[error("filesystem error: cannot create directories: {reason} [{path}]")]
    CreateDirectory { path: String, reason: String },
    /// The journal could not be written.
    #[error("SQLiteDatabase: Failed to open database in directory '{path}': directory is not writable")]
    NotWritable { path: String },
    /// The file did not open.
    #[error("SQLiteDatabase: Failed to open database: {0}\n")]
    Open(SqliteFault),
    /// The file opened, but not for writing.
    #[error("SQLiteDatabase: Database opened in readonly mode but read-write permissions are needed")]
    ReadOnly,
    /// A setting was refused.
    #[error("SQLiteDatabase: {what}: {fault}\n")]
    Setting { what: &'static str, fault: SqliteFault },
    /// Somebody else has the file.
    #[error(
        "SQLiteDatabase: Unable to obtain an exclusive lock on the database, is it being used by another instance of \
         {client_name}?\n"
    )]
    Locked { client_name: &'static str },
    /// The lock was obtained and the file could not be read then.
    #[error("SQLiteDatabase: Unable to end exclusive lock transaction: {0}\n")]
    EndLock(SqliteFault),
    /// The list of tables could not be read.
    #[error("SQLiteDatabase: Failed to prepare statement to check table existence: {0}\n")]
    Tables(SqliteFault),
    /// The table of records could not be made.
    #[error("SQLiteDatabase: Failed to create new database: {0}\n")]
    Create(SqliteFault),
    /// A number of the file's header could not be read.
    #[error("SQLiteDatabase: Failed to fetch {what}: {fault}")]
    Header { what: &'static str, fault: SqliteFault },
    /// The file is another network's.
    #[error("SQLiteDatabase: Unexpected application id. Expected {expected}, got {got}")]
    ApplicationId { expected: u32, got: u32 },
    /// The file is of a program to come.
    #[error("SQLiteDatabase: Unknown sqlite wallet schema version {0}. Only version {SCHEMA_VERSION} is supported")]
    SchemaVersion(i32),
    /// The file could not be checked.
    #[error("SQLiteDatabase: Failed to execute statement to verify database: {0}")]
    Check(SqliteFault),
    /// The file was checked and is damaged.
    #[error("Failed to verify database\n{}\n", .0.join("\n"))]
    Damaged(Vec<String>),
}

impl OpenError {
    /// What kind of error it is.
    pub fn status(&self) -> OpenStatus {
        match self {
            Self::Access { .. } => OpenStatus::BadPath,
            Self::Ambiguous { .. } | Self::Unrecognized { .. } => OpenStatus::BadFormat,
            Self::NotFound { .. } => OpenStatus::NotFound,
            Self::AlreadyExists { .. } => OpenStatus::AlreadyExists,
            Self::Legacy { .. } => OpenStatus::Legacy,
            Self::Header { .. }
            | Self::ApplicationId { .. }
            | Self::SchemaVersion(_)
            | Self::Check(_)
            | Self::Damaged(_) => OpenStatus::Verify,
            _ => OpenStatus::Load,
        }
    }
}

/// Decides by what is at `path` whether it may be opened, and gives the path of its file.
pub(crate) fn data_file(path: &Path, format: &Format, require: Require) -> Result<PathBuf, OpenError> {
    let shown = || path.display().to_string();
    let access = |error: io::Error| OpenError::Access { path: shown(), reason: message_text(&error) };
    let exists = match fs::symlink_metadata(path) {
        Ok(_) => true,
        Err(error) if is_absence(&error) => false,
        Err(error) => return Err(access(error)),
    };
    let file = sqlite_file(path);
    let is_legacy = exists && is_bdb_file(&bdb_file(path)).map_err(access)?;
    let is_sqlite = exists && is_sqlite_file(&file, format).map_err(access)?;
    match require {
        _ if is_legacy && is_sqlite => Err(OpenError::Ambiguous { path: shown() }),
        Require::New if is_legacy || is_sqlite => Err(OpenError::AlreadyExists { path: shown() }),
        Require::Existing if !exists => Err(OpenError::NotFound { path: shown() }),
        Require::Existing if is_legacy => Err(OpenError::Legacy { path: shown() }),
        Require::Existing if !is_sqlite => Err(OpenError::Unrecognized { path: shown() }),
        _ => Ok(file),
    }
}

/// Opens a file, takes its lock and makes its table if it has none.
pub(crate) fn connect(file: &Path, format: &Format, options: OpenOptions) -> Result<Connection, OpenError> {
    if let Some(directory) = file.parent() {
        let path = || directory.display().to_string();
        files::create_private_directory(directory)
            .map_err(|error| OpenError::CreateDirectory { path: path(), reason: message_text(&error) })?;
        // The name of the file that is tried has only to be one that nobody uses.
        if !files::is_directory_writable(directory, &SystemEntropy).unwrap_or(false) {
            return Err(OpenError::NotWritable { path: path() });
        }
    }
    // SQLite would give a new file the mode 0644. If this fails, SQLite knows better why.
    let is_new = files::private_options().create_new(true).open(file).is_ok();
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_FULL_MUTEX;
    let connection = Connection::open_with_flags(file, flags).map_err(|error| OpenError::Open(error.into()))?;
    prepare(&connection, format, options)?;
    if is_new && !options.unsafe_sync {
        // SQLite has seen to the file. That its name and its directory stay is a matter of the directories.
        for directory in file.ancestors().skip(1).take(2) {
            let _ = sync_directory(directory);
        }
    }
    Ok(connection)
}

/// A database that is in memory only.
pub(crate) fn connect_to_memory(format: &Format) -> Result<Connection, OpenError> {
    let connection = Connection::open_in_memory().map_err(|error| OpenError::Open(error.into()))?;
    prepare(&connection, format, OpenOptions::NEW)?;
    Ok(connection)
}

fn prepare(connection: &Connection, format: &Format, options: OpenOptions) -> Result<(), OpenError> {
    if connection.is_readonly(rusqlite::MAIN_DB).map_err(|error| OpenError::Open(error.into()))? {
        return Err(OpenError::ReadOnly);
    }
    connection.busy_timeout(options.patience).map_err(|error| OpenError::Open(error.into()))?;
    let set = |what: &'static str, pragma: &str| {
        let result = connection.execute_batch(&format!("PRAGMA {pragma}"));
        result.map_err(|error| OpenError::Setting { what, fault: error.into() })
    };
    set("Unable to change database locking mode to exclusive", "locking_mode = exclusive")?;
    // The mode lets the lock that this takes stay until the file is closed.
    connection
        .execute_batch("BEGIN EXCLUSIVE TRANSACTION")
        .map_err(|_| OpenError::Locked { client_name: format.client_name() })?;
    connection.execute_batch("COMMIT").map_err(|error| OpenError::EndLock(error.into()))?;
    set("Failed to enable fullfsync", "fullfsync = true")?;
    if options.unsafe_sync {
        warn!("SQLite is configured to not wait for data to be flushed to disk. Data loss and corruption may occur.");
        set("Failed to set synchronous mode to OFF", "synchronous = OFF")?;
    } else {
        set("Failed to set synchronous mode to FULL", "synchronous = FULL")?;
    }
    // Writing the file anew must not leave its content in a directory for temporary files, which need not be ours.
    set("Failed to keep temporary tables in memory", "temp_store = MEMORY")?;
    // What is erased is overwritten: a key that was encrypted must not stay readable in a free page.
    set("Failed to enable secure deletion", "secure_delete = ON")?;
    // The file may come from somebody else. It is a table, and no program runs in it.
    set("Failed to distrust the schema", "trusted_schema = OFF")?;
    for (setting, value) in [
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
    ] {
        connection
            .set_db_config(setting, value)
            .map_err(|error| OpenError::Setting { what: "Failed to distrust the schema", fault: error.into() })?;
    }
    if !has_table(connection)? {
        create_table(connection, format).map_err(|error| OpenError::Create(error.into()))?;
    }
    Ok(())
}

fn has_table(connection: &Connection) -> Result<bool, OpenError> {
    let query = "SELECT COUNT(*) FROM sqlite_master WHERE type='table' AND name='main'";
    let count = connection.query_row(query, [], |row| row.get::<_, i64>(0));
    count.map(|count| count > 0).map_err(|error| OpenError::Tables(error.into()))
}

/// All in one step, so that no crash leaves a file that is not recognized.
fn create_table(connection: &Connection, format: &Format) -> rusqlite::Result<()> {
    let application_id = i32::from_be_bytes(format.magic());
    connection.execute_batch(&format!(
        "BEGIN;
         CREATE TABLE main(key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL);
         PRAGMA application_id = {application_id};
         PRAGMA user_version = {SCHEMA_VERSION};
         COMMIT;"
    ))
}

/// Whether the file is this network's and of a known version.
pub(crate) fn check_header(connection: &Connection, format: &Format) -> Result<(), OpenError> {
    let header = |pragma: &str, what: &'static str| {
        let number = connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
        number.map_err(|error| OpenError::Header { what, fault: error.into() })
    };
    let expected = u32::from_be_bytes(format.magic());
    let got = header("application_id", "the application id")?.cast_unsigned();
    if got != expected {
        return Err(OpenError::ApplicationId { expected, got });
    }
    let version = header("user_version", "sqlite wallet schema version")?;
    if version != SCHEMA_VERSION {
        return Err(OpenError::SchemaVersion(version));
    }
    Ok(())
}

/// Whether the file is whole.
pub(crate) fn check_pages(connection: &Connection) -> Result<(), OpenError> {
    let check = || -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare("PRAGMA integrity_check")?;
        let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
        lines.collect()
    };
    let mut lines = check().map_err(|error| OpenError::Check(error.into()))?;
    lines.retain(|line| line != "ok");
    if lines.is_empty() { Ok(()) } else { Err(OpenError::Damaged(lines)) }
}
