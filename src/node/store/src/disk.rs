//! The disk as an argument: everything that the block files ask of a file system, so that tests can make it fail.

use std::{fmt, fs, io, path::Path};

/// File operations by path and offset.
///
/// Nothing here keeps a file open between calls: a block file that was removed behind our back is noticed at the next
/// read, as the daemon's users expect, and pruning needs no bookkeeping of handles.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Fills `buf` from `offset`; a file that ends earlier is an error.
    fn read_exact_at(&self, path: &Path, offset: u64, buf: &mut [u8]) -> io::Result<()>;
    /// Writes all of `data` at `offset`, creating the file where it does not exist.
    fn write_all_at(&self, path: &Path, offset: u64, data: &[u8]) -> io::Result<()>;
    /// Makes the file at least `len` bytes long and reserves the space.
    fn allocate(&self, path: &Path, len: u64) -> io::Result<()>;
    /// Cuts the file down to `len` bytes.
    fn truncate(&self, path: &Path, len: u64) -> io::Result<()>;
    /// Makes the file's content durable.
    fn sync_file(&self, path: &Path) -> io::Result<()>;
    /// Makes names created in, or removed from, `dir` durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Removes the file; one that is not there is no error.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// The file's length, `None` where there is no such file.
    fn len(&self, path: &Path) -> io::Result<Option<u64>>;
    /// Bytes that an unprivileged writer can still put into `dir`.
    fn available(&self, dir: &Path) -> io::Result<u64>;
}

/// The operating system's disk.
#[derive(Debug, Default, Clone, Copy)]
pub struct RealDisk;

fn writable(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

impl Disk for RealDisk {
    fn read_exact_at(&self, path: &Path, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        platform::disk::read_exact_at(&fs::File::open(path)?, buf, offset)
    }

    fn write_all_at(&self, path: &Path, offset: u64, data: &[u8]) -> io::Result<()> {
        platform::disk::write_all_at(&writable(path)?, data, offset)
    }

    fn allocate(&self, path: &Path, len: u64) -> io::Result<()> {
        let file = writable(path)?;
        let have = file.metadata()?.len();
        if have < len { platform::disk::preallocate(&file, have, len - have) } else { Ok(()) }
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        writable(path)?.set_len(len)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        platform::disk::sync_path(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        platform::disk::sync_directory(dir)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn len(&self, path: &Path) -> io::Result<Option<u64>> {
        match fs::metadata(path) {
            Ok(m) => Ok(Some(m.len())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn available(&self, dir: &Path) -> io::Result<u64> {
        platform::disk::free_space(dir)
    }
}
