//! What can be wrong with a wallet file. The texts are the daemon's.

use std::borrow::Cow;
use std::fmt;

use primitives::DecodeError;
use rusqlite::ffi;

/// Why the value of a record cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The bytes are not what the type asks for.
    #[error("{0}: iostream error")]
    Decode(#[from] DecodeError),
    /// A descriptor's key is filed under something that is no public key.
    #[error("Error reading wallet database: descriptor unencrypted key CPubKey corrupt")]
    PublicKey,
    /// The hash of public and private key is wrong.
    #[error("Error reading wallet database: descriptor unencrypted key CPubKey/CPrivKey corrupt")]
    KeyPair,
    /// There is no private key where one should be.
    #[error("Error reading wallet database: descriptor unencrypted key CPrivKey corrupt")]
    PrivateKey,
    /// A descriptor's encrypted key is filed under something that is no public key.
    #[error("Error reading wallet database: descriptor encrypted key CPubKey corrupt")]
    CryptedPublicKey,
    /// An extended public key has another size than all have.
    #[error("Error reading wallet database: descriptor cache CExtPubKey corrupt")]
    ExtendedKey,
    /// Something is known about a transaction that nothing is known about.
    #[error("Unexpected value in CWalletTx strings value map")]
    TxStrings,
    /// A transaction has a message of a kind that is not known.
    #[error("Unknown type in CWalletTx messages and requests vector")]
    TxMessages,
}

/// What SQLite says is wrong, in the words of the library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteFault {
    code: Option<i32>,
    text: Cow<'static, str>,
}

impl SqliteFault {
    /// That somebody else has the file.
    pub(crate) fn busy() -> Self {
        Self { code: Some(ffi::SQLITE_BUSY), text: code_text(ffi::SQLITE_BUSY).into() }
    }

    /// Whether a record was to be inserted under a key that is taken.
    pub fn is_constraint(&self) -> bool {
        self.code.is_some_and(|code| code & 0xff == ffi::SQLITE_CONSTRAINT)
    }
}

impl From<rusqlite::Error> for SqliteFault {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error() {
            Some(ffi::Error { extended_code, .. }) => {
                Self { code: Some(*extended_code), text: code_text(*extended_code).into() }
            }
            None => Self { code: None, text: error.to_string().into() },
        }
    }
}

impl fmt::Display for SqliteFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The English text of a result code.
fn code_text(code: i32) -> &'static str {
    if code == ffi::SQLITE_ABORT_ROLLBACK {
        return "abort due to ROLLBACK";
    }
    match code & 0xff {
        ffi::SQLITE_OK => "not an error",
        ffi::SQLITE_ERROR => "SQL logic error",
        ffi::SQLITE_PERM => "access permission denied",
        ffi::SQLITE_ABORT => "query aborted",
        ffi::SQLITE_BUSY => "database is locked",
        ffi::SQLITE_LOCKED => "database table is locked",
        ffi::SQLITE_NOMEM => "out of memory",
        ffi::SQLITE_READONLY => "attempt to write a readonly database",
        ffi::SQLITE_INTERRUPT => "interrupted",
        ffi::SQLITE_IOERR => "disk I/O error",
        ffi::SQLITE_CORRUPT => "database disk image is malformed",
        ffi::SQLITE_NOTFOUND => "unknown operation",
        ffi::SQLITE_FULL => "database or disk is full",
        ffi::SQLITE_CANTOPEN => "unable to open database file",
        ffi::SQLITE_PROTOCOL => "locking protocol",
        ffi::SQLITE_SCHEMA => "database schema has changed",
        ffi::SQLITE_TOOBIG => "string or blob too big",
        ffi::SQLITE_CONSTRAINT => "constraint failed",
        ffi::SQLITE_MISMATCH => "datatype mismatch",
        ffi::SQLITE_MISUSE => "bad parameter or other API misuse",
        ffi::SQLITE_NOLFS => "large file support is disabled",
        ffi::SQLITE_AUTH => "authorization denied",
        ffi::SQLITE_RANGE => "column index out of range",
        ffi::SQLITE_NOTADB => "file is not a database",
        ffi::SQLITE_NOTICE => "notification message",
        ffi::SQLITE_WARNING => "warning message",
        _ => "unknown error",
    }
}

/// Why a file could not be read from or written to while it was open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DbError {
    /// Looking a record up failed.
    #[error("Unable to execute read statement: {0}")]
    Read(SqliteFault),
    /// Writing a record failed; or its key was taken, and it was to be inserted.
    #[error("Unable to execute write statement: {0}")]
    Write(SqliteFault),
    /// Erasing failed.
    #[error("Unable to execute exec statement: {0}")]
    Erase(SqliteFault),
    /// Walking over records failed.
    #[error("Unable to execute cursor step: {0}")]
    Cursor(SqliteFault),
    /// A transaction of the database did not start.
    #[error("SQLiteBatch: Failed to begin the transaction")]
    Begin(SqliteFault),
    /// A transaction of the database did not end, so nothing of it was done.
    #[error("SQLiteBatch: Failed to commit the transaction")]
    Commit(SqliteFault),
    /// The file could not be written anew.
    #[error("Unable to rewrite the database: {0}")]
    Rewrite(SqliteFault),
    /// The file could not be closed.
    #[error("SQLiteDatabase: Failed to close database: {0}\n")]
    Close(SqliteFault),
    /// A value was there, and it is damaged.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// Why a wallet was not backed up. The user is told that it was not; the reason goes to the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackupError {
    /// The destination is the wallet itself.
    #[error("The destination of the backup is the wallet itself")]
    Itself,
    /// The destination could not be opened.
    #[error("Unable to open the destination of the backup: {0}")]
    Open(SqliteFault),
    /// The backup did not start.
    #[error("Unable to begin sqlite backup: {0}")]
    Begin(SqliteFault),
    /// The backup did not come to its end.
    #[error("Unable to continue sqlite backup: {0}")]
    Step(SqliteFault),
    /// The file system refused.
    #[error("Unable to put the backup in its place: {0}")]
    File(String),
}
