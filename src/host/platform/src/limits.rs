//! What this process may do and keep: the mode of new files, the number of open descriptors, freed memory.

#[cfg(unix)]
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
#[cfg(unix)]
use nix::sys::stat::{Mode, umask};

use crate::system::memory::tune_allocator;

/// Makes every new file 0600 and every new directory 0700. Call it first in `main`.
#[cfg(unix)]
pub fn set_private_umask() {
    umask(Mode::S_IRWXG | Mode::S_IRWXO);
}

/// New files have the rights that their directory hands down. There is nothing to set.
#[cfg(not(unix))]
pub fn set_private_umask() {}

/// Raises the soft limit of open descriptors to `wanted`, as far as the hard limit allows, and never lowers it. Returns
/// the limit in force, which may be smaller than `wanted`, or much larger.
#[cfg(unix)]
pub fn raise_descriptor_limit(wanted: u32) -> u32 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return wanted; // The system does not tell; assume that it is generous.
    };
    let target = u64::from(wanted).min(hard);
    let mut current = soft;
    if soft < target && setrlimit(Resource::RLIMIT_NOFILE, target, hard).is_ok() {
        current = target;
    }
    if current == RLIM_INFINITY { ceiling() } else { u32::try_from(current).unwrap_or(u32::MAX).min(ceiling()) }
}

/// There is no limit to raise: files are counted by the C library only, which is not used for them.
#[cfg(not(unix))]
pub fn raise_descriptor_limit(_wanted: u32) -> u32 {
    2048 // what Bitcoin Core assumes
}

/// Blocks of memory from this size on are got from the system one by one, and given back one by one.
const ALONE_BYTES: i32 = 4 << 20;
/// So much freed memory is kept for what comes next, in each of the allocator's arenas.
const KEEP_BYTES: i32 = 4 << 20;

/// Keeps freed memory for what comes next. A process that handles a block or a message of a megabyte needs several
/// buffers of that size for a moment; to get their pages from the system anew each time costs more than the work itself.
pub fn keep_freed_memory() {
    tune_allocator(ALONE_BYTES, KEEP_BYTES);
}

/// The daemon counts descriptors in a C `int`.
#[cfg(unix)]
fn ceiling() -> u32 {
    i32::MAX.unsigned_abs()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn freed_memory_is_kept() {
        keep_freed_memory();
        // The second block of a few megabytes has the pages of the first.
        let faults = || nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_THREAD).unwrap();
        drop(vec![1_u8; 2 << 20]);
        let before = faults().minor_page_faults();
        drop(std::hint::black_box(vec![1_u8; 2 << 20]));
        assert!(cfg!(not(all(target_os = "linux", target_env = "gnu"))) || faults().minor_page_faults() - before < 100);
    }

    #[test]
    fn the_limit_is_raised_and_never_lowered() {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert!(u64::from(raise_descriptor_limit(10)) >= soft.min(u64::from(ceiling())).min(10));
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap(), (soft, hard));

        let (low, middle) = (128.min(hard), 200.min(hard));
        setrlimit(Resource::RLIMIT_NOFILE, low, hard).unwrap();
        assert_eq!(u64::from(raise_descriptor_limit(200)), middle);
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap().0, middle);
        assert_eq!(u64::from(raise_descriptor_limit(u32::MAX)), hard.min(u64::from(ceiling())));
        setrlimit(Resource::RLIMIT_NOFILE, soft, hard).unwrap();
    }
}
