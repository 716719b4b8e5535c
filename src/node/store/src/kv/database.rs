//! A database that is there, or that is being made.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

use rocksdb::{Cache, ColumnFamilyDescriptor, DB, WriteBatch};

use super::settings::{db_options, family_options};
use super::{Birth, Family, column};
use crate::StoreError;

/// What opens it, and what has been opened.
pub(super) struct Database {
    inner: Arc<Inner>,
    /// The thread that makes it.
    maker: Mutex<Option<JoinHandle<()>>>,
}

struct Inner {
    path: PathBuf,
    families: Vec<Family>,
    cache_bytes: usize,
    birth: Vec<Birth>,
    made: OnceLock<Result<DB, rocksdb::Error>>,
}

impl Database {
    /// Opens the one at `path`. If there is none yet, it is made while the caller goes on.
    pub(super) fn open(
        path: &Path,
        families: &[Family],
        cache_bytes: usize,
        birth: Vec<Birth>,
    ) -> Result<Self, StoreError> {
        let is_new = !path.join("CURRENT").exists();
        let birth = if is_new { birth } else { Vec::new() };
        let (path, families) = (path.to_owned(), families.to_vec());
        let inner = Arc::new(Inner { path, families, cache_bytes, birth, made: OnceLock::new() });
        let mut maker = None;
        if is_new {
            let inner = Arc::clone(&inner);
            // Whoever needs it makes it, if there is no thread to be had.
            maker = platform::thread::spawn("dbmaker", move || drop(inner.get())).ok();
        } else {
            inner.get()?;
        }
        Ok(Self { inner, maker: Mutex::new(maker) })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The database, as soon as there is one.
    pub(super) fn get(&self) -> Result<&DB, StoreError> {
        self.inner.get()
    }

    /// The database, if there is one already. Nobody can have written to it before.
    pub(super) fn if_made(&self) -> Result<Option<&DB>, StoreError> {
        self.inner.made.get().map(|made| made.as_ref().map_err(|error| error.clone().into())).transpose()
    }

    /// What it holds while it is being made.
    pub(super) fn born_with(&self, family: &str) -> impl Iterator<Item = (&[u8], &[u8])> {
        let birth = self.inner.birth.iter().filter(move |entry| entry.0 == family);
        birth.map(|entry| (&*entry.1, &*entry.2))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Who has let go of it may remove or move its folder.
        if let Some(maker) = self.maker.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = maker.join();
        }
    }
}

impl Inner {
    fn get(&self) -> Result<&DB, StoreError> {
        self.made.get_or_init(|| self.make()).as_ref().map_err(|error| error.clone().into())
    }

    fn make(&self) -> Result<DB, rocksdb::Error> {
        // A quarter goes to write buffers, as much as a flush can use; the rest caches what is read.
        let buffer = (self.cache_bytes / 4).clamp(1 << 20, 64 << 20);
        let cache = Cache::new_lru_cache(self.cache_bytes.saturating_sub(buffer).max(1 << 20));
        let family = |family: &Family| ColumnFamilyDescriptor::new(family.0, family_options(family.1, &cache, buffer));
        let db = DB::open_cf_descriptors(&db_options()?, &self.path, self.families.iter().map(family))?;
        if !self.birth.is_empty() {
            let mut batch = WriteBatch::default();
            for (family, key, value) in &self.birth {
                batch.put_cf(column(&db, family), key, value);
            }
            // Whatever is written next stands behind this in the log: both survive, or neither.
            db.write(batch)?;
        }
        tracing::info!("Opened LevelDB successfully");
        Ok(db)
    }
}
