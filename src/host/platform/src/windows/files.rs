//! Files and directories.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::fs::{FileExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::{Path, PathBuf};
use std::ptr::null_mut;

use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_FLAG_BACKUP_SEMANTICS, GetDiskFreeSpaceExW, GetFileInformationByHandle,
};

use super::check;

/// The bytes that an ordinary user can still write to the disk of `path`.
#[expect(unsafe_code, reason = "the standard library does not tell")]
pub(crate) fn free_space(path: &Path) -> io::Result<u64> {
    let name: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
    let mut free = 0;
    // SAFETY: the name ends with a zero, the number is ours, and what is not asked for may be null.
    check(unsafe { GetDiskFreeSpaceExW(name.as_ptr(), &raw mut free, null_mut(), null_mut()) })?;
    Ok(free)
}

/// Whether a file system says that it cannot wait for its disk.
pub(crate) fn cannot_sync(_error: &io::Error) -> bool {
    false
}

/// Opens a file to wait for its content. Only who may write it can ask for that.
pub(crate) fn open_to_sync(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).open(path)
}

/// A directory's entries need no waiting for: the file system writes them in order.
#[expect(clippy::unnecessary_wraps, reason = "other systems fail here")]
pub(crate) fn sync_directory(_directory: &Path) -> io::Result<()> {
    Ok(())
}

/// The system has no such hint.
pub(crate) fn expect_tail(_file: &File, _offset: u64) {}

/// Makes a file at least `end` bytes long, with room on the disk for all of them. `false` if the system cannot.
pub(crate) fn reserve(file: &File, end: u64) -> bool {
    file.metadata().is_ok_and(|now| now.len() >= end || file.set_len(end).is_ok())
}

/// Fills `buffer` from `offset` on.
pub(crate) fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match file.seek_read(buffer, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                buffer = &mut buffer[count..];
                offset = moved(offset, count);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes all of `bytes` at `offset`.
pub(crate) fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.seek_write(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                bytes = &bytes[count..];
                offset = moved(offset, count);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn moved(offset: u64, count: usize) -> u64 {
    offset.saturating_add(u64::try_from(count).unwrap_or(u64::MAX))
}

/// What tells a file from all others: its volume and its number there.
#[expect(unsafe_code, reason = "the standard library does not tell")]
pub(crate) fn id_of(file: &File) -> io::Result<(u64, u64)> {
    let mut found = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open for as long as the file is borrowed, and what is written to is ours.
    check(unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut found) })?;
    let number = u64::from(found.nFileIndexHigh) << 32 | u64::from(found.nFileIndexLow);
    Ok((found.dwVolumeSerialNumber.into(), number))
}

/// As [`id_of`], by name. Locks belong to handles here, so this one takes none away.
pub(crate) fn id_at(path: &Path) -> io::Result<(u64, u64)> {
    // No access is asked for, so nobody's way of sharing the file stands against it. The flag lets directories be opened.
    id_of(&OpenOptions::new().access_mode(0).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(path)?)
}

/// Takes a lock on a whole file that keeps other processes out, or fails at once.
pub(crate) fn lock(file: &File) -> io::Result<()> {
    file.try_lock().map_err(|error| match error {
        TryLockError::Error(error) => error,
        TryLockError::WouldBlock => io::ErrorKind::WouldBlock.into(),
    })
}

/// A new file has the rights that its directory hands down: in a user's profile, the user's alone.
pub(crate) fn make_private(_options: &mut OpenOptions) {}

/// As for files.
pub(crate) fn make_directories_private(_builder: &mut DirBuilder) {}

/// There are no modes to set.
#[expect(clippy::unnecessary_wraps, reason = "other systems fail here")]
pub(crate) fn set_mode(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// A path that the system has looked up starts with `\\?\`. Without it it leads to the same place if it is not too long
/// for that, and whoever reads it knows it again.
pub(crate) fn as_people_write(path: PathBuf) -> PathBuf {
    /// What programs can pass on without the prefix.
    const LONGEST: usize = 248;
    match path.to_str().and_then(|text| text.strip_prefix(r"\\?\")) {
        Some(plain) if plain.as_bytes().get(1) == Some(&b':') && plain.len() < LONGEST => plain.into(),
        _ => path,
    }
}

/// A path that came as bytes: it is UTF-8, or names nothing.
pub(crate) fn path_from_bytes(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_was_looked_up_is_shown_as_it_is_written() {
        let long = format!(r"\\?\C:\{}", "x".repeat(250));
        for (looked_up, written) in [
            (r"\\?\C:\coins\bitcoind.exe", r"C:\coins\bitcoind.exe"),
            (r"\\?\UNC\server\coins", r"\\?\UNC\server\coins"),
            (&long, &long),
            (r"C:\coins", r"C:\coins"),
        ] {
            assert_eq!(as_people_write(looked_up.into()), Path::new(written));
        }
        let directory = tempfile::tempdir().unwrap();
        let found = crate::file::real_path(directory.path()).unwrap();
        assert!(!found.to_str().unwrap().starts_with(r"\\?\"), "{}", found.display());
    }
}
