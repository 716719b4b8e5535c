//! Files and directories.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use nix::sys::statvfs::statvfs;

/// The bytes that an ordinary user can still write to the disk of `path`.
pub(crate) fn free_space(path: &Path) -> io::Result<u64> {
    let stats = statvfs(path)?;
    Ok(widen(stats.blocks_available()).saturating_mul(widen(stats.fragment_size())))
}

/// These counters are 64 bits wide on some systems and 32 on others.
fn widen(count: impl TryInto<u64>) -> u64 {
    count.try_into().unwrap_or(u64::MAX)
}

/// Whether a file system says that it cannot wait for its disk.
pub(crate) fn cannot_sync(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::EINVAL as i32)
}

/// Opens a file to wait for its content. Any descriptor will do.
pub(crate) fn open_to_sync(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Waits until a directory's entries are on the disk.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Lets the system fetch what is behind `offset`, if it knows how.
pub(crate) fn expect_tail(file: &File, offset: u64) {
    #[cfg(target_os = "linux")]
    if let Ok(offset) = i64::try_from(offset) {
        let _ = nix::fcntl::posix_fadvise(file, offset, 0, nix::fcntl::PosixFadviseAdvice::POSIX_FADV_WILLNEED);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (file, offset);
}

/// Makes a file at least `end` bytes long, with room on the disk for all of them. `false` if the system cannot.
#[cfg(target_os = "linux")]
pub(crate) fn reserve(file: &File, end: u64) -> bool {
    i64::try_from(end).is_ok_and(|end| end == 0 || nix::fcntl::posix_fallocate(file, 0, end).is_ok())
}

/// Makes a file at least `end` bytes long, with room on the disk for all of them. `false` if the system cannot.
#[cfg(not(target_os = "linux"))]
pub(crate) fn reserve(_file: &File, _end: u64) -> bool {
    false
}

/// Fills `buffer` from `offset` on.
pub(crate) fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    file.read_exact_at(buffer, offset)
}

/// Writes all of `bytes` at `offset`.
pub(crate) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}

/// What tells a file from all others: its device and its number there.
pub(crate) fn id_of(file: &File) -> io::Result<(u64, u64)> {
    file.metadata().map(|meta| (meta.dev(), meta.ino()))
}

/// As [`id_of`], by name. The file is not opened: closing it would drop the process's locks on it.
pub(crate) fn id_at(path: &Path) -> io::Result<(u64, u64)> {
    std::fs::metadata(path).map(|meta| (meta.dev(), meta.ino()))
}

/// Takes a lock on a whole file that keeps other processes out, or fails at once.
pub(crate) fn lock(file: &File) -> io::Result<()> {
    let whole_file =
        libc::flock { l_type: short(libc::F_WRLCK), l_whence: short(libc::SEEK_SET), l_start: 0, l_len: 0, l_pid: 0 };
    fcntl(file, FcntlArg::F_SETLK(&whole_file))?;
    Ok(())
}

/// The fields of `flock` are shorter than the constants' type on some systems.
fn short<T>(value: T) -> libc::c_short
where
    T: TryInto<libc::c_short>,
{
    value.try_into().unwrap_or_else(|_| unreachable!("lock constants are single digits"))
}

/// A new file will be its owner's alone.
pub(crate) fn make_private(options: &mut OpenOptions) {
    options.mode(0o600);
}

/// New directories will be their owner's alone.
pub(crate) fn make_directories_private(builder: &mut DirBuilder) {
    builder.mode(0o700);
}

/// Says who may read and write a file.
pub(crate) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    std::fs::set_permissions(path, Permissions::from_mode(mode))
}

/// There is one form of a path only.
pub(crate) fn as_people_write(path: PathBuf) -> PathBuf {
    path
}

/// A path that came as bytes.
pub(crate) fn path_from_bytes(bytes: Vec<u8>) -> PathBuf {
    OsString::from_vec(bytes).into()
}
