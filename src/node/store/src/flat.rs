//! Numbered flat files: `blk00000.dat`, `rev00000.dat`, and positions in them.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use crate::{Disk, StoreError};

/// A place in a numbered file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct FlatPos {
    /// The file's number.
    pub file: u32,
    /// The offset of the first byte in it.
    pub offset: u32,
}

impl fmt::Display for FlatPos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FlatFilePos(nFile={}, nPos={})", self.file, self.offset)
    }
}

/// Space that must stay free on the disk after any allocation.
const DISK_RESERVE: u64 = 50 * 1024 * 1024;

/// A sequence of numbered files with one prefix, grown in chunks.
#[derive(Debug, Clone)]
pub(crate) struct FlatFiles {
    dir: PathBuf,
    prefix: &'static str,
    chunk: u32,
}

impl FlatFiles {
    pub(crate) fn new(dir: &Path, prefix: &'static str, chunk: u32) -> Self {
        Self { dir: dir.to_owned(), prefix, chunk }
    }

    pub(crate) fn path(&self, file: u32) -> PathBuf {
        self.dir.join(format!("{}{file:05}.dat", self.prefix))
    }

    /// Reserves room for `add` bytes at `pos`, a whole chunk at a time, if the disk has it.
    pub(crate) fn allocate(&self, disk: &dyn Disk, pos: FlatPos, add: u32) -> Result<(), StoreError> {
        let (old, chunk) = (u64::from(pos.offset), u64::from(self.chunk));
        let end = old + u64::from(add);
        if end.div_ceil(chunk) <= old.div_ceil(chunk) {
            return Ok(());
        }
        let new = end.div_ceil(chunk) * chunk;
        if disk.available(&self.dir).map_err(StoreError::io("statvfs", &self.dir))? < DISK_RESERVE + (new - old) {
            return Err(StoreError::DiskSpace);
        }
        let path = self.path(pos.file);
        tracing::debug!(target: "validation", "Pre-allocating up to position {new:#x} in {}{:05}.dat", self.prefix, pos.file);
        disk.allocate(&path, new).map_err(StoreError::io("allocate", path))
    }

    /// Makes an empty file where there is none.
    pub(crate) fn touch(&self, disk: &dyn Disk, file: u32) -> Result<(), StoreError> {
        let path = self.path(file);
        if disk.len(&path).map_err(StoreError::io("stat", &path))?.is_some() {
            return Ok(());
        }
        disk.truncate(&path, 0).map_err(StoreError::io("create", &path))
    }

    /// Makes a file durable; a finished one is cut to its real length first.
    pub(crate) fn flush(&self, disk: &dyn Disk, end: FlatPos, finalize: bool) -> Result<(), StoreError> {
        let path = self.path(end.file);
        if disk.len(&path).map_err(StoreError::io("stat", &path))?.is_none() {
            return Ok(());
        }
        if finalize {
            disk.truncate(&path, u64::from(end.offset)).map_err(StoreError::io("truncate", &path))?;
        }
        disk.sync_file(&path).map_err(StoreError::io("sync", &path))?;
        disk.sync_dir(&self.dir).map_err(StoreError::io("sync", &self.dir))
    }
}
