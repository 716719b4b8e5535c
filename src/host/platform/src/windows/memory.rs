//! Memory: pages for secrets, what there is of it, and what the allocator keeps.

use std::ptr::{NonNull, null};

use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEM_RELEASE, MEM_RESERVE, PAGE_READWRITE, VirtualAlloc, VirtualFree, VirtualLock,
};
use windows_sys::Win32::System::SystemInformation::{GlobalMemoryStatusEx, MEMORYSTATUSEX};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, GetProcessWorkingSetSize};

/// Of every machine that this target is for.
const PAGE: usize = 4096;

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
    /// Takes at least `size` bytes from the system and locks them as far as it allows.
    #[expect(unsafe_code, reason = "mapping and locking pages")]
    pub(crate) fn map(size: usize) -> Option<Self> {
        let length = size.checked_next_multiple_of(PAGE).filter(|length| *length > 0)?;
        // SAFETY: new pages at an address that the system chooses disturb nothing.
        let start = unsafe { VirtualAlloc(null(), length, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE) };
        let start = NonNull::new(start)?;
        // SAFETY: the range is the pages just made.
        let locked = unsafe { VirtualLock(start.as_ptr(), length) } != 0;
        Some(Self { start: start.cast(), length, locked })
    }
}

impl Drop for Pages {
    #[expect(unsafe_code, reason = "unmapping pages")]
    fn drop(&mut self) {
        // SAFETY: the pages were made by this value, whose owner has no reference into them left. This also unlocks.
        let _ = unsafe { VirtualFree(self.start.as_ptr().cast(), 0, MEM_RELEASE) };
    }
}

/// What may be locked: a little less than what the process is sure to have in memory.
#[expect(unsafe_code, reason = "the standard library does not tell")]
pub(crate) fn locking_limit() -> usize {
    let (mut least, mut most) = (0, 0);
    // SAFETY: both numbers are ours, and the handle of the own process needs no closing.
    let told = unsafe { GetProcessWorkingSetSize(GetCurrentProcess(), &raw mut least, &raw mut most) };
    if told == 0 || least == 0 { usize::MAX } else { least }
}

#[expect(unsafe_code, reason = "the standard library does not tell")]
fn status() -> Option<MEMORYSTATUSEX> {
    let length = u32::try_from(size_of::<MEMORYSTATUSEX>()).ok()?;
    let mut status = MEMORYSTATUSEX { dwLength: length, ..MEMORYSTATUSEX::default() };
    // SAFETY: the structure is ours, and says how long it is.
    (unsafe { GlobalMemoryStatusEx(&raw mut status) } != 0).then_some(status)
}

/// All memory of the machine, in bytes, if the system tells.
pub(crate) fn total() -> Option<u64> {
    status().map(|status| status.ullTotalPhys)
}

/// The memory that new work can use without swapping, in bytes, if the system tells.
pub(crate) fn available() -> Option<u64> {
    status().map(|status| status.ullAvailPhys)
}

/// The allocator has no such settings.
pub(crate) fn tune_allocator(_alone: i32, _keep: i32) {}
