//! Reading and writing records, alone or as a batch that is written as a whole.

use bitcoin::{BlockHash, Txid};
use rusqlite::{Connection, OptionalExtension, params};
use tracing::warn;
use zeroize::Zeroizing;

use crate::{DbError, Format, Key, Record, TxRecord};

/// A place that has records: a wallet file, or a batch of changes to one.
///
/// The methods that take bytes are what an implementation provides; the typed ones follow from them. A failure is logged
/// before it is returned.
pub trait Records {
    /// What the values are written as.
    fn format(&self) -> &Format;

    /// The value behind a key.
    fn get_bytes(&self, key: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, DbError>;

    /// Writes a value, over any that is there.
    fn put_bytes(&self, key: &[u8], value: &[u8]) -> Result<(), DbError>;

    /// Writes a value. It is an error if there is one.
    fn insert_bytes(&self, key: &[u8], value: &[u8]) -> Result<(), DbError>;

    /// Erases a record, if it is there.
    fn erase_bytes(&self, key: &[u8]) -> Result<(), DbError>;

    /// Erases all records whose keys begin with `prefix`.
    fn erase_prefix(&self, prefix: &[u8]) -> Result<(), DbError>;

    /// Shows all records whose keys begin with `prefix`, in the order of their keys, until `each` says `false`. It must not
    /// use the wallet file.
    fn scan(&self, prefix: &[u8], each: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), DbError>;

    /// The record behind a key.
    fn get(&self, key: &Key) -> Result<Option<Record>, DbError> {
        match self.get_bytes(&key.encode())? {
            Some(value) => Ok(Some(Record::decode_value(self.format().codec(), key.clone(), &value)?)),
            None => Ok(None),
        }
    }

    /// Writes a record, over any that is there.
    fn put(&self, record: &Record) -> Result<(), DbError> {
        self.put_bytes(&record.key().encode(), &record.encode_value())
    }

    /// Writes a record. It is an error if there is one.
    fn insert(&self, record: &Record) -> Result<(), DbError> {
        self.insert_bytes(&record.key().encode(), &record.encode_value())
    }

    /// Erases a record, if it is there.
    fn erase(&self, key: &Key) -> Result<(), DbError> {
        self.erase_bytes(&key.encode())
    }

    /// Writes the locator of the last block that was seen. Programs that look at the old place find nothing there, and
    /// rescan.
    fn put_best_block(&self, locator: Vec<BlockHash>) -> Result<(), DbError> {
        self.put(&Record::BestBlock(Vec::new()))?;
        self.put(&Record::BestBlockNoMerkle(locator))
    }

    /// The locator of the last block that was seen, from the old place if one is there. A damaged one is none.
    fn best_block(&self) -> Result<Option<Vec<BlockHash>>, DbError> {
        for key in [Key::BestBlock, Key::BestBlockNoMerkle] {
            match self.get(&key) {
                Ok(Some(Record::BestBlock(locator))) if locator.is_empty() => {}
                Ok(Some(Record::BestBlock(locator) | Record::BestBlockNoMerkle(locator))) => return Ok(Some(locator)),
                Ok(_) | Err(DbError::Record(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Writes a transaction and its set of witnesses. Other sets of witnesses are records of their own:
    /// [`Record::variant`].
    fn put_tx(&self, record: &TxRecord) -> Result<(), DbError> {
        self.put(&Record::variant(record.tx.clone()))?;
        self.put_bytes(&Key::Tx(record.tx.txid()).encode(), &{
            let mut value = Vec::new();
            record.encode(&mut value);
            value
        })
    }

    /// Erases a transaction and all its sets of witnesses.
    fn erase_tx(&self, txid: Txid) -> Result<(), DbError> {
        self.erase(&Key::Tx(txid))?;
        self.erase_prefix(&Key::variants_of(txid))
    }

    /// Whether there are keys that keys are encrypted with.
    fn is_encrypted(&self) -> Result<bool, DbError> {
        let mut found = false;
        self.scan(&Key::prefix("mkey"), &mut |_, _| {
            found = true;
            false
        })?;
        Ok(found)
    }
}

/// The keys from `prefix` on up to, but without, the second: all that begin with it. Without a second, to the end.
fn range(prefix: &[u8]) -> (&[u8], Option<Vec<u8>>) {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 0xff {
            end.push(last + 1);
            return (prefix, Some(end));
        }
    }
    (prefix, None)
}

/// Records through a connection that nobody else uses.
#[derive(Debug)]
pub struct Batch<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) format: &'a Format,
}

impl Batch<'_> {
    fn run(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
        error: impl FnOnce(crate::SqliteFault) -> DbError,
    ) -> Result<(), DbError> {
        let result = self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(parameters));
        result.map(drop).map_err(|fault| logged(error(fault.into())))
    }
}

/// Logs an error on its way to whoever asked.
fn logged(error: DbError) -> DbError {
    warn!("{error}");
    error
}

impl Batch<'_> {
    /// Shows all records in the order in which they are in the file, which is faster than the order of their keys.
    pub fn scan_all(&self, each: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), DbError> {
        self.walk("SELECT key, value FROM main", params![], each)
    }

    fn walk(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
        each: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), DbError> {
        let walk = || -> rusqlite::Result<()> {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query(parameters)?;
            while let Some(row) = rows.next()? {
                if !each(row.get_ref(0)?.as_bytes()?, row.get_ref(1)?.as_bytes()?) {
                    break;
                }
            }
            Ok(())
        };
        walk().map_err(|fault| logged(DbError::Cursor(fault.into())))
    }
}

impl Records for Batch<'_> {
    fn format(&self) -> &Format {
        self.format
    }

    fn get_bytes(&self, key: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, DbError> {
        let read = || -> rusqlite::Result<_> {
            let mut statement = self.connection.prepare_cached("SELECT value FROM main WHERE key = ?")?;
            statement.query_row([key], |row| Ok(Zeroizing::new(row.get_ref(0)?.as_bytes()?.to_vec()))).optional()
        };
        read().map_err(|fault| logged(DbError::Read(fault.into())))
    }

    fn put_bytes(&self, key: &[u8], value: &[u8]) -> Result<(), DbError> {
        // What is there already costs no write, and a batch of nothing else does not touch the disk.
        const PUT: &str = "INSERT INTO main VALUES(?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value \
            WHERE value IS NOT excluded.value";
        self.run(PUT, params![key, value], DbError::Write)
    }

    fn insert_bytes(&self, key: &[u8], value: &[u8]) -> Result<(), DbError> {
        self.run("INSERT INTO main VALUES(?, ?)", params![key, value], DbError::Write)
    }

    fn erase_bytes(&self, key: &[u8]) -> Result<(), DbError> {
        self.run("DELETE FROM main WHERE key = ?", params![key], DbError::Erase)
    }

    fn erase_prefix(&self, prefix: &[u8]) -> Result<(), DbError> {
        match range(prefix) {
            (start, Some(end)) => {
                self.run("DELETE FROM main WHERE key >= ? AND key < ?", params![start, end], DbError::Erase)
            }
            (start, None) => self.run("DELETE FROM main WHERE key >= ?", params![start], DbError::Erase),
        }
    }

    fn scan(&self, prefix: &[u8], each: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), DbError> {
        match range(prefix) {
            (start, Some(end)) => self.walk(
                "SELECT key, value FROM main WHERE key >= ? AND key < ? ORDER BY key",
                params![start, end],
                each,
            ),
            (start, None) => self.walk("SELECT key, value FROM main WHERE key >= ? ORDER BY key", params![start], each),
        }
    }
}
