//! Room on the disk, and writes that are really there.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::statvfs::statvfs;

/// The room that must stay free on every disk the node writes to.
pub const MIN_FREE_SPACE: u64 = 50 << 20;

/// The bytes that an ordinary user can still write to the disk of `path`.
pub fn free_space(path: &Path) -> io::Result<u64> {
    let stats = statvfs(path)?;
    Ok(widen(stats.blocks_available()).saturating_mul(widen(stats.fragment_size())))
}

/// These counters are 64 bits wide on some systems and 32 on others.
fn widen(count: impl TryInto<u64>) -> u64 {
    count.try_into().unwrap_or(u64::MAX)
}

/// Whether `additional` bytes can be written to the disk of `path` with [`MIN_FREE_SPACE`] left over.
pub fn has_space(path: &Path, additional: u64) -> io::Result<bool> {
    Ok(free_space(path)? >= MIN_FREE_SPACE.saturating_add(additional))
}

/// Waits until the file's content is on the disk. File systems that cannot do this are forgiven.
pub fn sync_file(file: &File) -> io::Result<()> {
    forgive_unsupported(file.sync_data())
}

/// Waits until the directory's entries are on the disk: after creating, renaming or removing a file in it.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    forgive_unsupported(File::open(directory)?.sync_all())
}

fn forgive_unsupported(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.raw_os_error() == Some(Errno::EINVAL as i32) => Ok(()),
        other => other,
    }
}

/// Reserves room for `length` bytes at `offset`, so that a later write does not fail for want of it and the file is
/// less scattered. The file grows to that size. The range must not hold live data.
pub fn preallocate(file: &File, offset: u64, length: u64) -> io::Result<()> {
    let end = offset.checked_add(length).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    if reserve(file, end) {
        return Ok(());
    }
    // No support in this file system: write zeros.
    let zeros = [0; 16_384];
    let mut position = offset;
    while position < end {
        let now = usize::try_from(end - position).unwrap_or(zeros.len()).min(zeros.len());
        file.write_all_at(&zeros[..now], position)?;
        position = position.saturating_add(widen(now));
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn reserve(file: &File, end: u64) -> bool {
    i64::try_from(end).is_ok_and(|end| end == 0 || nix::fcntl::posix_fallocate(file, 0, end).is_ok())
}

#[cfg(not(target_os = "linux"))]
fn reserve(_file: &File, _end: u64) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn free_space_is_measured() {
        let dir = tempfile::tempdir().unwrap();
        let free = free_space(dir.path()).unwrap();
        assert!(free > 0);
        assert!(!has_space(dir.path(), u64::MAX).unwrap());
        assert!(free_space(&dir.path().join("absent")).is_err());
    }

    #[test]
    fn preallocation_keeps_what_is_before_the_range() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("blk00000.dat");
        let mut file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
        file.write_all(b"live").unwrap();
        preallocate(&file, 4, 200_000).unwrap();
        let content = std::fs::read(&path).unwrap();
        assert_eq!(content.len(), 200_004);
        assert_eq!(&content[..4], b"live");
        assert!(content[4..].iter().all(|byte| *byte == 0));
        assert!(preallocate(&file, u64::MAX, 1).is_err());
        sync_file(&file).unwrap();
        sync_directory(dir.path()).unwrap();
    }
}
