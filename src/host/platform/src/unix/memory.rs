//! Memory: pages for secrets, what there is of it, and what the allocator keeps.

use std::num::NonZeroUsize;
use std::ptr::NonNull;

#[cfg(all(target_os = "linux", target_env = "gnu"))]
use nix::libc;
use nix::sys::mman::{MapFlags, ProtFlags, mlock, mmap_anonymous, munmap};
use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::{SysconfVar, sysconf};

fn page_size() -> Option<usize> {
    let page = sysconf(SysconfVar::PAGE_SIZE).ok().flatten()?;
    usize::try_from(page).ok().filter(|page| *page > 0)
}

/// Fresh pages of zeros.
#[derive(Debug)]
pub(crate) struct Pages {
    /// Their first byte.
    pub(crate) start: NonNull<u8>,
    /// Their length: what was asked for, up to the next page.
    pub(crate) length: usize,
    /// Whether they stay in memory.
    pub(crate) locked: bool,
}

impl Pages {
    /// Takes at least `size` bytes from the system, locks them as far as it allows, and keeps them out of core dumps.
    #[expect(unsafe_code, reason = "mapping and locking pages")]
    pub(crate) fn map(size: usize) -> Option<Self> {
        let length = NonZeroUsize::new(size.checked_next_multiple_of(page_size().unwrap_or(4096))?)?;
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new private mapping at an address that the kernel chooses disturbs nothing.
        let start = unsafe { mmap_anonymous(None, length, access, MapFlags::MAP_PRIVATE) }.ok()?;
        // SAFETY: the range is the mapping just made.
        let locked = unsafe { mlock(start, length.get()) }.is_ok();
        #[cfg(target_os = "linux")]
        {
            use nix::sys::mman::{MmapAdvise, madvise};
            // SAFETY: the range is the mapping just made. The advice changes core dumps only; without it we go on.
            let _ = unsafe { madvise(start, length.get(), MmapAdvise::MADV_DONTDUMP) };
        }
        Some(Self { start: start.cast(), length: length.get(), locked })
    }
}

impl Drop for Pages {
    #[expect(unsafe_code, reason = "unmapping pages")]
    fn drop(&mut self) {
        // SAFETY: the range is the mapping of this value, whose owner has no reference into it left. This also unlocks.
        let _ = unsafe { munmap(self.start.cast(), self.length) };
    }
}

/// What may be locked; "nothing" does not limit the size, since then nothing will be locked anyway.
pub(crate) fn locking_limit() -> usize {
    match getrlimit(Resource::RLIMIT_MEMLOCK) {
        Ok((soft, _)) if soft > 0 => usize::try_from(soft).unwrap_or(usize::MAX),
        _ => usize::MAX,
    }
}

/// All memory of the machine, in bytes, if the system tells.
pub(crate) fn total() -> Option<u64> {
    let pages = sysconf(SysconfVar::_PHYS_PAGES).ok().flatten()?;
    u64::try_from(pages).ok()?.checked_mul(u64::try_from(page_size()?).ok()?)
}

/// The memory that new work can use without swapping, in bytes, if the system tells.
pub(crate) fn available() -> Option<u64> {
    parse_available(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

fn parse_available(meminfo: &str) -> Option<u64> {
    let rest = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// Blocks of memory from `alone` bytes on are got from the system one by one, and so many freed bytes are kept for what
/// comes next, in each of the allocator's arenas.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "mallopt has no safe form")]
pub(crate) fn tune_allocator(alone: i32, keep: i32) {
    for (parameter, bytes) in [(libc::M_MMAP_THRESHOLD, alone), (libc::M_TRIM_THRESHOLD, keep)] {
        // SAFETY: both arguments are numbers, and it takes the allocator's own lock. Should it refuse, all is as before.
        let _ = unsafe { libc::mallopt(parameter, bytes) };
    }
}

/// Other allocators have no such settings.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn tune_allocator(_alone: i32, _keep: i32) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meminfo_is_read_strictly() {
        assert_eq!(parse_available("MemTotal: 10 kB\nMemAvailable:    7 kB\n"), Some(7168));
        assert_eq!(parse_available("MemTotal: 10 kB\n"), None);
        assert_eq!(parse_available("MemAvailable: many kB\n"), None);
        assert_eq!(parse_available("MemAvailable: 18446744073709551615 kB\n"), None);
    }
}
