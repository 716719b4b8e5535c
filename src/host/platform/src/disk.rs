//! Room on the disk, and writes that are really there.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::system::files;

/// The room that must stay free on every disk the node writes to.
pub const MIN_FREE_SPACE: u64 = 50 << 20;

/// The bytes that an ordinary user can still write to the disk of `path`.
pub fn free_space(path: &Path) -> io::Result<u64> {
    files::free_space(path)
}

/// Whether `additional` bytes can be written to the disk of `path` with [`MIN_FREE_SPACE`] left over.
pub fn has_space(path: &Path, additional: u64) -> io::Result<bool> {
    Ok(free_space(path)? >= MIN_FREE_SPACE.saturating_add(additional))
}

/// Waits until the file's content is on the disk. File systems that cannot do this are forgiven.
pub fn sync_file(file: &File) -> io::Result<()> {
    forgive_unsupported(file.sync_data())
}

/// As [`sync_file`], for a file that is not open, whoever has written it.
pub fn sync_path(path: &Path) -> io::Result<()> {
    sync_file(&files::open_to_sync(path)?)
}

/// Waits until the directory's entries are on the disk: after creating, renaming or removing a file in it.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    forgive_unsupported(files::sync_directory(directory))
}

fn forgive_unsupported(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if files::cannot_sync(&error) => Ok(()),
        other => other,
    }
}

/// The bytes from `offset` to the end of the file will be read soon: the system may fetch them meanwhile, all together.
/// Nobody waits for that, and it is no loss if it does not.
pub fn expect_tail(file: &File, offset: u64) {
    files::expect_tail(file, offset);
}

/// Reserves room for `length` bytes at `offset`, so that a later write does not fail for want of it and the file is
/// less scattered. The file grows to that size. The range must not hold live data.
pub fn preallocate(file: &File, offset: u64, length: u64) -> io::Result<()> {
    let end = offset.checked_add(length).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    if files::reserve(file, end) {
        return Ok(());
    }
    // No support in this file system: write zeros.
    let zeros = [0; 16_384];
    let mut position = offset;
    while position < end {
        let now = usize::try_from(end - position).unwrap_or(zeros.len()).min(zeros.len());
        files::write_all_at(file, &zeros[..now], position)?;
        position = position.saturating_add(u64::try_from(now).unwrap_or(u64::MAX));
    }
    Ok(())
}

/// Fills `buffer` from `offset` on; a file that ends earlier is an error. Where the next ordinary read begins is not said.
pub fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    files::read_exact_at(file, buffer, offset)
}

/// Writes all of `bytes` at `offset`. Where the next ordinary write begins is not said.
pub fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    files::write_all_at(file, bytes, offset)
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
        write_all_at(&file, b"tail", 200_000).unwrap();
        let mut tail = [0; 4];
        read_exact_at(&file, &mut tail, 200_000).unwrap();
        assert_eq!(&tail, b"tail");
        assert_eq!(read_exact_at(&file, &mut tail, 200_001).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        write_all_at(&file, &[0; 4], 200_000).unwrap();
        let content = std::fs::read(&path).unwrap();
        assert_eq!(content.len(), 200_004);
        assert_eq!(&content[..4], b"live");
        assert!(content[4..].iter().all(|byte| *byte == 0));
        assert!(preallocate(&file, u64::MAX, 1).is_err());
        sync_file(&file).unwrap();
        sync_path(&path).unwrap();
        assert!(sync_path(&dir.path().join("absent")).is_err());
        sync_directory(dir.path()).unwrap();
    }
}
