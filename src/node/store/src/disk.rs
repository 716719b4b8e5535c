//! The disk as an argument: everything that the block files ask of a file system, so that tests can make it fail.

use std::{
    collections::VecDeque,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// File operations by path and offset.
///
/// Nobody keeps a file open for reading between calls: a block file that was removed behind our back is noticed at the next
/// read, as the daemon's users expect.
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

/// Files that stay open: one of blocks and one of undo data.
const KEPT: usize = 2;

/// The operating system's disk, for who writes to the same few files again and again: those stay open. One that is removed
/// behind our back is noticed when it is synced.
#[derive(Debug, Default)]
pub struct KeepingDisk {
    /// The one that was opened first is the first to go.
    open: Mutex<VecDeque<(PathBuf, Arc<fs::File>)>>,
}

impl KeepingDisk {
    fn open(&self) -> MutexGuard<'_, VecDeque<(PathBuf, Arc<fs::File>)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writable(&self, path: &Path) -> io::Result<Arc<fs::File>> {
        let mut open = self.open();
        if let Some((_, file)) = open.iter().find(|(kept, _)| kept == path) {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(writable(path)?);
        if open.len() == KEPT {
            open.pop_front();
        }
        open.push_back((path.to_owned(), Arc::clone(&file)));
        Ok(file)
    }

    fn close(&self, path: &Path) {
        self.open().retain(|(kept, _)| kept != path);
    }
}

impl Disk for KeepingDisk {
    fn read_exact_at(&self, path: &Path, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        RealDisk.read_exact_at(path, offset, buf)
    }

    fn write_all_at(&self, path: &Path, offset: u64, data: &[u8]) -> io::Result<()> {
        platform::disk::write_all_at(&*self.writable(path)?, data, offset)
    }

    fn allocate(&self, path: &Path, len: u64) -> io::Result<()> {
        RealDisk.allocate(path, len)
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        RealDisk.truncate(path, len)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        RealDisk.sync_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        RealDisk.sync_dir(dir)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.close(path);
        RealDisk.remove(path)
    }

    fn len(&self, path: &Path) -> io::Result<Option<u64>> {
        RealDisk.len(path)
    }

    fn available(&self, dir: &Path) -> io::Result<u64> {
        RealDisk.available(dir)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_removed_is_another_one_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let disk = KeepingDisk::default();
        let [one, two, three] = ["one", "two", "three"].map(|name| dir.path().join(name));
        disk.write_all_at(&one, 0, b"first").unwrap();
        disk.write_all_at(&one, 5, b" words").unwrap();
        assert_eq!(fs::read(&one).unwrap(), b"first words");
        disk.remove(&one).unwrap();
        disk.write_all_at(&one, 0, b"second").unwrap();
        assert_eq!(fs::read(&one).unwrap(), b"second");
        for path in [&two, &three, &one, &two] {
            disk.write_all_at(path, 0, b"other").unwrap();
            assert!(disk.open().len() <= KEPT);
        }
        assert_eq!(fs::read(&one).unwrap(), b"otherd");
        fs::remove_file(&two).unwrap();
        // Whoever writes need not notice, but whoever wants to be sure does.
        let _ = disk.write_all_at(&two, 0, b"lost");
        assert_eq!(disk.sync_file(&two).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
