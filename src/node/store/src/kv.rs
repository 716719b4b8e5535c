//! RocksDB, and the only file that names it: column families, atomic batches, ordered cursors.
//!
//! Settings fit the two ways in which a chain is read. *Point* families (coins, block index) are looked up by a key that
//! is a hash, so a bloom filter answers most misses, and nothing is compressed: hashes and obfuscated values do not shrink.
//! *Scan* families (indexes) are read in order.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rocksdb::{ColumnFamily, DB, Direction, FlushOptions, IteratorMode, WriteBatch, WriteOptions};

use self::{database::Database, readers::Readers};
use crate::StoreError;

mod database;
mod readers;
mod settings;

/// How a column family is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// By exact key, in no order.
    Point,
    /// In key order.
    Scan,
}

/// A key and its value.
pub type KeyValue = (Box<[u8]>, Box<[u8]>);

/// A column family: its name and how it is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Family(pub &'static str, pub Access);

/// Less than this is read soon enough; more than that does not fit into the memory of every machine.
const SMALL: u64 = 1 << 20;
const LARGE: u64 = 512 << 20;

/// So many tables RocksDB opens when it opens a database.
const OPENED_AT_ONCE: usize = 16;
/// Index and filter of a table are less than this part of it.
const END: u64 = 40;

/// A log of so many bytes is long: to read it takes longer than to open tables.
const LONG_LOG: u64 = 1 << 20;

/// A value that a new database has from the start: its family, its key, and itself.
pub type Birth = (&'static str, Vec<u8>, Vec<u8>);

/// How to open a database.
#[derive(Clone, Copy, Debug)]
pub struct KvOptions {
    /// Memory for cached blocks and write buffers together.
    pub cache_bytes: usize,
    /// Remove what is there first.
    pub wipe: bool,
    /// `-forcecompactdb`: merge all files into few.
    pub compact: bool,
}

/// A database of several column families.
#[derive(Clone)]
pub struct Kv {
    database: Arc<Database>,
    families: Arc<[&'static str]>,
    /// Started when they are first needed, for good: to start a thread takes as long as to read a hundred values that are
    /// in memory.
    readers: Arc<Readers>,
}

impl std::fmt::Debug for Kv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Kv").field(&self.database.path()).finish()
    }
}

/// Changes that become visible, and survive, together.
#[derive(Default)]
pub struct KvBatch {
    batch: WriteBatch,
}

impl std::fmt::Debug for KvBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KvBatch({} changes, {} bytes)", self.batch.len(), self.bytes())
    }
}

impl Kv {
    /// Opens the database at `path`. Where there is none, one is made that holds what is given as `birth`, on a thread of
    /// its own: that takes a dozen waits for the disk, and until something else is written nobody has to know.
    pub fn open(path: &Path, families: &[Family], options: KvOptions, birth: Vec<Birth>) -> Result<Self, StoreError> {
        if options.wipe && path.exists() {
            tracing::info!("Wiping LevelDB in {}", path.display());
            std::fs::remove_dir_all(path).map_err(StoreError::io("remove", path))?;
        }
        tracing::info!("Opening LevelDB in {}", path.display());
        if is_foreign(path) {
            return Err(StoreError::Foreign { path: path.to_owned() });
        }
        std::fs::create_dir_all(path).map_err(StoreError::io("create", path))?;
        let database = Database::open(path, families, options.cache_bytes, birth)?;
        let families = families.iter().map(|family| family.0).collect();
        let kv = Self { database: Arc::new(database), families, readers: Arc::default() };
        if options.compact {
            tracing::info!("Starting database compaction of {}", path.display());
            kv.compact()?;
            tracing::info!("Finished database compaction of {}", path.display());
        }
        Ok(kv)
    }

    /// The value under `key`.
    pub fn get(&self, family: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(db) = self.database.if_made()? else { return Ok(self.born_with(family, key)) };
        Ok(db.get_cf(column(db, family), key)?)
    }

    fn born_with(&self, family: &str, key: &[u8]) -> Option<Vec<u8>> {
        self.database.born_with(family).find(|entry| entry.0 == key).map(|entry| entry.1.to_vec())
    }

    /// The values under many keys, in their order.
    pub fn get_many<K: AsRef<[u8]> + Sync>(
        &self,
        family: &'static str,
        keys: &[K],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.readers.read(keys, |keys| self.get_part(family, keys))
    }

    fn get_part<K: AsRef<[u8]>>(&self, family: &'static str, keys: &[K]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let Some(db) = self.database.if_made()? else {
            return Ok(keys.iter().map(|key| self.born_with(family, key.as_ref())).collect());
        };
        let found = db.batched_multi_get_cf(column(db, family), keys.iter().map(AsRef::as_ref), false);
        found.into_iter().map(|r| Ok(r?.map(|v| v.to_vec()))).collect()
    }

    /// Everything from `from` on, in key order, as it was when the cursor was made.
    pub fn cursor(&self, family: &'static str, from: &[u8]) -> impl Iterator<Item = Result<KeyValue, StoreError>> + '_ {
        let mode = IteratorMode::From(from, Direction::Forward);
        let (db, failure) = match self.database.if_made() {
            Ok(db) => (db, None),
            Err(failure) => (None, Some(Err(failure))),
        };
        let mut born: Vec<KeyValue> = Vec::new();
        if db.is_none() && failure.is_none() {
            let entries = self.database.born_with(family).filter(|(key, _)| *key >= from);
            born.extend(entries.map(|(key, value)| (key.into(), value.into())));
            born.sort_unstable();
        }
        let pairs = db.map(|db| db.iterator_cf(column(db, family), mode)).into_iter().flatten();
        failure.into_iter().chain(born.into_iter().map(Ok)).chain(pairs.map(|pair| pair.map_err(StoreError::from)))
    }

    /// Applies a batch; with `sync` it is on the disk when this returns.
    pub fn write(&self, batch: KvBatch, sync: bool) -> Result<(), StoreError> {
        let mut how = WriteOptions::default();
        how.set_sync(sync);
        Ok(self.database.get()?.write_opt(batch.batch, &how)?)
    }

    /// Adds a change to a batch.
    pub fn put(&self, batch: &mut KvBatch, family: &'static str, key: &[u8], value: &[u8]) {
        // A database that could not be made says so when the batch is written.
        if let Ok(db) = self.database.get() {
            batch.batch.put_cf(column(db, family), key, value);
        }
    }

    /// Adds a removal to a batch.
    pub fn delete(&self, batch: &mut KvBatch, family: &'static str, key: &[u8]) {
        if let Ok(db) = self.database.get() {
            batch.batch.delete_cf(column(db, family), key);
        }
    }

    /// An estimate of the bytes that a family takes on disk: its tables, and the log of what is in no table yet.
    pub fn approximate_size(&self, family: &'static str) -> u64 {
        let Ok(Some(db)) = self.database.if_made() else { return 0 };
        let tables = db.property_int_value_cf(column(db, family), "rocksdb.total-sst-files-size");
        tables.ok().flatten().unwrap_or(0) + self.log_size()
    }

    /// Bytes of the log, which all families share.
    fn log_size(&self) -> u64 {
        let files = std::fs::read_dir(self.database.path()).into_iter().flatten().flatten();
        let logs = files.filter(|file| Path::new(&file.file_name()).extension().is_some_and(|end| end == "log"));
        logs.filter_map(|file| file.metadata().ok()).map(|about| about.len()).sum()
    }

    /// Turns a long log into tables, at the end of a program: else the next start would have to read it all again.
    pub fn settle(&self) -> Result<(), StoreError> {
        if self.log_size() > LONG_LOG {
            let db = self.database.get()?;
            let families: Vec<_> = self.families.iter().map(|name| column(db, name)).collect();
            db.flush_cfs_opt(&families, &FlushOptions::default())?;
        }
        Ok(())
    }

    /// Merges all files into few, if there are any yet.
    fn compact(&self) -> Result<(), StoreError> {
        if let Some(db) = self.database.if_made()? {
            for family in self.families.iter() {
                db.compact_range_cf(column(db, family), None::<&[u8]>, None::<&[u8]>);
            }
        }
        Ok(())
    }
}

impl KvBatch {
    /// Bytes that the batch holds.
    pub fn bytes(&self) -> usize {
        self.batch.size_in_bytes()
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }
}

fn column<'a>(db: &'a DB, name: &'static str) -> &'a ColumnFamily {
    db.cf_handle(name).expect("families are named by constants that open() was given")
}

/// The tables of a database, in no order.
fn tables(path: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(path).into_iter().flatten().flatten().map(|file| file.path());
    files.filter(|path| path.extension().is_some_and(|end| end == "sst")).collect()
}

/// Lets the system fetch what is about to be read, on a thread of its own: all of a database that is not large, and what a
/// large one reads when it is opened. Single pages in any order would be fetched one by one. Nobody waits for it, and it is
/// no loss if it fails.
pub(crate) fn warm(path: &Path) {
    let mut tables = tables(path);
    let bytes: u64 = tables.iter().filter_map(|path| path.metadata().ok()).map(|about| about.len()).sum();
    if bytes < SMALL {
        return;
    }
    tables.sort_unstable_by(|a, b| b.cmp(a));
    let expect = move || {
        let files = |count| tables.iter().take(count).filter_map(|path| std::fs::File::open(path).ok());
        // Index and filter stand at the end.
        for file in files(OPENED_AT_ONCE) {
            let length = file.metadata().map_or(0, |about| about.len());
            platform::disk::expect_tail(&file, length - length / END);
        }
        if bytes <= LARGE {
            files(usize::MAX).for_each(|file| platform::disk::expect_tail(&file, 0));
        }
    };
    let _ = platform::thread::spawn("coinwarm", expect);
}

/// A LevelDB directory has a CURRENT file as well, but not the IDENTITY that RocksDB writes beside it.
fn is_foreign(path: &Path) -> bool {
    path.join("CURRENT").exists() && !path.join("IDENTITY").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_becomes_tables_at_the_end() {
        const FAMILY: Family = Family("things", Access::Point);
        let dir = tempfile::tempdir().unwrap();
        let open = || {
            Kv::open(
                dir.path(),
                &[FAMILY],
                KvOptions { cache_bytes: 64 << 20, wipe: false, compact: false },
                Vec::new(),
            )
            .unwrap()
        };
        let put = |kv: &Kv, key: &[u8], bytes: usize| {
            let mut batch = KvBatch::default();
            kv.put(&mut batch, FAMILY.0, key, &vec![7; bytes]);
            kv.write(batch, true).unwrap();
        };
        let kv = open();
        put(&kv, b"short", 1000);
        kv.settle().unwrap();
        assert!(kv.log_size() > 1000, "a short log stays");
        put(&kv, b"long", 2 << 20);
        assert!(kv.log_size() > LONG_LOG);
        kv.settle().unwrap();
        assert!(kv.log_size() < LONG_LOG);
        drop(kv);
        assert_eq!(open().get(FAMILY.0, b"long").unwrap().map(|value| value.len()), Some(2 << 20));
    }

    #[test]
    fn a_new_database_answers_before_it_is_made() {
        const FAMILIES: [Family; 2] = [Family("things", Access::Point), Family("about", Access::Scan)];
        let dir = tempfile::tempdir().unwrap();
        let options = KvOptions { cache_bytes: 8 << 20, wipe: false, compact: false };
        let birth = |value: u8| vec![("about", b"b".to_vec(), vec![value]), ("about", b"a".to_vec(), vec![9])];
        let check = |kv: &Kv| {
            assert_eq!(kv.get("about", b"b").unwrap(), Some(vec![1]));
            assert_eq!(kv.get("things", b"b").unwrap(), None);
            assert_eq!(kv.get_many("about", &[b"c", b"a"]).unwrap(), [None, Some(vec![9])]);
            let all: Vec<_> = kv.cursor("about", b"b").map(|entry| entry.unwrap().0).collect();
            assert_eq!(all, [Box::from(*b"b")]);
            let all: Vec<_> = kv.cursor("about", b"").map(|entry| entry.unwrap().0).collect();
            assert_eq!(all, [Box::from(*b"a"), Box::from(*b"b")]);
        };
        let kv = Kv::open(dir.path(), &FAMILIES, options, birth(1)).unwrap();
        check(&kv);
        kv.database.get().unwrap();
        check(&kv);
        drop(kv);
        // What is there stays as it is.
        check(&Kv::open(dir.path(), &FAMILIES, options, birth(2)).unwrap());
    }

    #[test]
    fn a_database_that_cannot_be_made_says_so_when_it_is_written() {
        let dir = tempfile::tempdir().unwrap();
        // RocksDB takes this name for its lock.
        std::fs::create_dir(dir.path().join("LOCK")).unwrap();
        let options = KvOptions { cache_bytes: 8 << 20, wipe: false, compact: false };
        let kv = Kv::open(dir.path(), &[Family("things", Access::Point)], options, Vec::new()).unwrap();
        let mut batch = KvBatch::default();
        kv.put(&mut batch, "things", b"key", b"value");
        kv.write(batch, true).unwrap_err();
        kv.get("things", b"key").unwrap_err();
    }

    #[test]
    fn many_values_come_in_the_order_of_their_keys() {
        const FAMILY: Family = Family("things", Access::Point);
        let dir = tempfile::tempdir().unwrap();
        let kv = Kv::open(
            dir.path(),
            &[FAMILY],
            KvOptions { cache_bytes: 8 << 20, wipe: false, compact: false },
            Vec::new(),
        )
        .unwrap();
        let mut batch = KvBatch::default();
        // Every third key is missing.
        let value = |n: u32| (!n.is_multiple_of(3)).then(|| n.to_be_bytes().repeat(10));
        for n in 0..5000 {
            if let Some(value) = value(n) {
                kv.put(&mut batch, FAMILY.0, &n.to_le_bytes(), &value);
            }
        }
        kv.write(batch, false).unwrap();
        let db = kv.database.get().unwrap();
        db.flush_cf(column(db, FAMILY.0)).unwrap();
        for count in [0, 1, 31, 32, 33, 64, 65, 300, 5000] {
            let asked: Vec<u32> = (0..count).rev().collect();
            let keys: Vec<_> = asked.iter().map(|n| n.to_le_bytes()).collect();
            let found = kv.get_many(FAMILY.0, &keys).unwrap();
            assert_eq!(found, asked.into_iter().map(value).collect::<Vec<_>>(), "{count}");
        }
    }
}
