//! RocksDB, and the only file that names it: column families, atomic batches, ordered cursors.
//!
//! Settings fit the two ways in which a chain is read. *Point* families (coins, block index) are looked up by a key that
//! is a hash, so a bloom filter answers most misses, and nothing is compressed: hashes and obfuscated values do not shrink.
//! *Scan* families (indexes) are read in order.

use std::{
    io::Read as _,
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use rayon::ThreadPool;
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, Direction, FlushOptions,
    IteratorMode, Options, WriteBatch, WriteOptions,
};

use crate::StoreError;

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

/// Threads that help the caller to read many values, and how many values somebody takes at a time. A disk is asked for them
/// one after the other, so these are how many questions wait for it together, and how often.
const READERS: usize = 15;
const PART: usize = 16;

/// Less than this is read soon enough; more than that does not fit into the memory of every machine.
const SMALL: u64 = 1 << 20;
const LARGE: u64 = 512 << 20;

/// A log of so many bytes is long: to read it takes longer than to open tables.
const LONG_LOG: u64 = 1 << 20;

/// How to open a database.
#[derive(Clone, Copy, Debug)]
pub struct KvOptions {
    /// Memory for cached blocks and write buffers together.
    pub cache_bytes: usize,
    /// Remove what is there first.
    pub wipe: bool,
}

/// A database of several column families.
#[derive(Clone)]
pub struct Kv {
    db: Arc<DB>,
    families: Arc<[&'static str]>,
    /// Started when they are first needed, for good: to start a thread takes as long as to read a hundred values that are
    /// in memory.
    readers: Arc<OnceLock<Option<ThreadPool>>>,
}

impl std::fmt::Debug for Kv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Kv").field(&self.db.path()).finish()
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
    /// Opens the database at `path`, creating it where there is none.
    pub fn open(path: &Path, families: &[Family], options: KvOptions) -> Result<Self, StoreError> {
        if options.wipe && path.exists() {
            tracing::info!("Wiping LevelDB in {}", path.display());
            std::fs::remove_dir_all(path).map_err(StoreError::io("remove", path))?;
        }
        tracing::info!("Opening LevelDB in {}", path.display());
        if is_foreign(path) {
            return Err(StoreError::Foreign { path: path.to_owned() });
        }
        std::fs::create_dir_all(path).map_err(StoreError::io("create", path))?;
        // A quarter goes to write buffers, as much as a flush can use; the rest caches what is read.
        let buffer = (options.cache_bytes / 4).clamp(1 << 20, 64 << 20);
        let cache = Cache::new_lru_cache(options.cache_bytes.saturating_sub(buffer).max(1 << 20));
        let descriptors =
            families.iter().map(|f| ColumnFamilyDescriptor::new(f.0, family_options(f.1, &cache, buffer)));
        let db = DB::open_cf_descriptors(&db_options()?, path, descriptors)?;
        tracing::info!("Opened LevelDB successfully");
        let families = families.iter().map(|family| family.0).collect();
        Ok(Self { db: Arc::new(db), families, readers: Arc::default() })
    }

    fn family(&self, name: &'static str) -> &ColumnFamily {
        self.db.cf_handle(name).expect("families are named by constants that open() was given")
    }

    /// The value under `key`.
    pub fn get(&self, family: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.db.get_cf(self.family(family), key)?)
    }

    /// The values under many keys, in their order. If there are many, several threads read: a disk that has to look for
    /// each of them answers many questions in the time of one. The caller reads as well, and is done before they have
    /// woken up if all is in memory.
    pub fn get_many<K: AsRef<[u8]> + Sync>(
        &self,
        family: &'static str,
        keys: &[K],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let helpers = keys.len().div_ceil(PART).saturating_sub(1).min(READERS);
        let Some(pool) = (helpers > 0).then(|| self.readers()).flatten() else { return self.get_part(family, keys) };
        let parts: Vec<_> = keys.chunks(PART).map(|keys| (keys, OnceLock::new())).collect();
        let next = AtomicUsize::new(0);
        let read = || {
            while let Some((keys, found)) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
                found.get_or_init(|| self.get_part(family, keys));
            }
        };
        pool.in_place_scope(|scope| {
            for _ in 0..helpers {
                scope.spawn(|_| read());
            }
            read();
        });
        let mut all = Vec::with_capacity(keys.len());
        for (_, found) in parts {
            all.extend(found.into_inner().expect("whoever took a part has come back")?);
        }
        Ok(all)
    }

    fn readers(&self) -> Option<&ThreadPool> {
        let start =
            || rayon::ThreadPoolBuilder::new().num_threads(READERS).thread_name(|n| format!("coinread.{n}")).build();
        self.readers.get_or_init(|| start().ok()).as_ref()
    }

    fn get_part<K: AsRef<[u8]>>(&self, family: &'static str, keys: &[K]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let found = self.db.batched_multi_get_cf(self.family(family), keys.iter().map(AsRef::as_ref), false);
        found.into_iter().map(|r| Ok(r?.map(|v| v.to_vec()))).collect()
    }

    /// Everything from `from` on, in key order, as it was when the cursor was made.
    pub fn cursor(&self, family: &'static str, from: &[u8]) -> impl Iterator<Item = Result<KeyValue, StoreError>> + '_ {
        let mode = IteratorMode::From(from, Direction::Forward);
        self.db.iterator_cf(self.family(family), mode).map(|r| r.map_err(StoreError::from))
    }

    /// Applies a batch; with `sync` it is on the disk when this returns.
    pub fn write(&self, batch: KvBatch, sync: bool) -> Result<(), StoreError> {
        let mut how = WriteOptions::default();
        how.set_sync(sync);
        Ok(self.db.write_opt(batch.batch, &how)?)
    }

    /// Adds a change to a batch.
    pub fn put(&self, batch: &mut KvBatch, family: &'static str, key: &[u8], value: &[u8]) {
        batch.batch.put_cf(self.family(family), key, value);
    }

    /// Adds a removal to a batch.
    pub fn delete(&self, batch: &mut KvBatch, family: &'static str, key: &[u8]) {
        batch.batch.delete_cf(self.family(family), key);
    }

    /// An estimate of the bytes that a family takes on disk: its tables, and the log of what is in no table yet.
    pub fn approximate_size(&self, family: &'static str) -> u64 {
        let tables = self.db.property_int_value_cf(self.family(family), "rocksdb.total-sst-files-size");
        tables.ok().flatten().unwrap_or(0) + self.log_size()
    }

    /// Bytes of the log, which all families share.
    fn log_size(&self) -> u64 {
        let files = std::fs::read_dir(self.db.path()).into_iter().flatten().flatten();
        let logs = files.filter(|file| Path::new(&file.file_name()).extension().is_some_and(|end| end == "log"));
        logs.filter_map(|file| file.metadata().ok()).map(|about| about.len()).sum()
    }

    /// Turns a long log into tables, at the end of a program: else the next start would have to read it all again.
    pub fn settle(&self) -> Result<(), StoreError> {
        if self.log_size() > LONG_LOG {
            let families: Vec<_> = self.families.iter().map(|name| self.family(name)).collect();
            self.db.flush_cfs_opt(&families, &FlushOptions::default())?;
        }
        Ok(())
    }

    /// Reads a database that is not large once, on a thread of its own, so that the system has it in memory when single
    /// values are asked for, in whatever order. Nobody waits for that, and it is no loss if it fails.
    pub fn warm(&self) {
        let files = std::fs::read_dir(self.db.path()).into_iter().flatten().flatten().map(|file| file.path());
        let tables: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "sst")).collect();
        let bytes: u64 = tables.iter().filter_map(|path| path.metadata().ok()).map(|about| about.len()).sum();
        if (SMALL..=LARGE).contains(&bytes) {
            let read = move || tables.iter().map_while(|path| read_through(path).ok()).count();
            let _ = platform::thread::spawn("coinwarm", read);
        }
    }

    /// Merges all files of a family into few.
    pub fn compact(&self, family: &'static str) {
        self.db.compact_range_cf(self.family(family), None::<&[u8]>, None::<&[u8]>);
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

/// Reads a file to its end, for nothing but that the system has read it.
fn read_through(path: &Path) -> std::io::Result<()> {
    let mut file = std::fs::File::open(path)?;
    let mut part = vec![0; 1 << 18];
    while file.read(&mut part)? > 0 {}
    Ok(())
}

fn db_options() -> Result<Options, StoreError> {
    // What the log holds stays in the log until there is enough of it for a table: a start then writes next to nothing.
    // The list of files is short: room for megabytes of it, which is the default, would be most of a young database.
    let unnamed = "avoid_flush_during_recovery=true;manifest_preallocation_size=65536";
    let mut o = Options::default().get_options_from_string(unnamed)?;
    o.create_if_missing(true);
    o.create_missing_column_families(true);
    o.set_max_open_files(256);
    o.set_max_background_jobs(2);
    // Else sixteen threads come and go for each family that is opened, for the few files that are looked at.
    o.set_max_file_opening_threads(1);
    o.set_keep_log_file_num(2);
    o.set_max_log_file_size(1 << 20);
    o.set_log_level(rocksdb::LogLevel::Warn);
    o.set_bytes_per_sync(1 << 20);
    // Opening must not touch every table file: that is what a cold start waits for.
    o.set_skip_stats_update_on_db_open(true);
    Ok(o)
}

fn family_options(access: Access, cache: &Cache, buffer: usize) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_format_version(6);
    table.set_cache_index_and_filter_blocks(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    if access == Access::Point {
        table.set_bloom_filter(10.0, false);
        table.set_whole_key_filtering(true);
        table.set_block_size(4 << 10);
    } else {
        table.set_block_size(16 << 10);
    }
    let mut o = Options::default();
    o.set_block_based_table_factory(&table);
    o.set_compression_type(DBCompressionType::None);
    o.set_write_buffer_size(buffer);
    o.set_max_write_buffer_number(3);
    o.set_level_compaction_dynamic_level_bytes(true);
    o.set_target_file_size_base(32 << 20);
    o
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
        let open = || Kv::open(dir.path(), &[FAMILY], KvOptions { cache_bytes: 64 << 20, wipe: false }).unwrap();
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
    fn many_values_come_in_the_order_of_their_keys() {
        const FAMILY: Family = Family("things", Access::Point);
        let dir = tempfile::tempdir().unwrap();
        let kv = Kv::open(dir.path(), &[FAMILY], KvOptions { cache_bytes: 8 << 20, wipe: false }).unwrap();
        let mut batch = KvBatch::default();
        // Every third key is missing.
        let value = |n: u32| (!n.is_multiple_of(3)).then(|| n.to_be_bytes().repeat(10));
        for n in 0..5000 {
            if let Some(value) = value(n) {
                kv.put(&mut batch, FAMILY.0, &n.to_le_bytes(), &value);
            }
        }
        kv.write(batch, false).unwrap();
        kv.db.flush_cf(kv.family(FAMILY.0)).unwrap();
        for count in [0, 1, 31, 32, 33, 64, 65, 300, 5000] {
            let asked: Vec<u32> = (0..count).rev().collect();
            let keys: Vec<_> = asked.iter().map(|n| n.to_le_bytes()).collect();
            let found = kv.get_many(FAMILY.0, &keys).unwrap();
            assert_eq!(found, asked.into_iter().map(value).collect::<Vec<_>>(), "{count}");
        }
    }
}
