//! Memory for secrets.
//!
//! [`LockedBytes`] live in pages that the kernel does not swap out (as far as the limit on locked memory allows) and
//! does not write into core dumps. They are wiped before the memory is used again. The pages are shared: a key of 32
//! bytes takes 32 bytes of the limit, not a page. `getmemoryinfo` shows [`stats`].

use std::alloc::{Layout, handle_alloc_error};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

use zeroize::Zeroize;

use crate::system::memory::{Pages, locking_limit};

/// A buffer of fixed length for a secret. It starts as zeros, is wiped when dropped, and never prints its content.
pub struct LockedBytes {
    start: NonNull<u8>,
    length: usize,
}

#[expect(unsafe_code, reason = "a buffer that owns its memory, like Box<[u8]>")]
// SAFETY: the range belongs to this value alone; the table of ranges is behind a mutex.
unsafe impl Send for LockedBytes {}
#[expect(unsafe_code, reason = "a buffer that owns its memory, like Box<[u8]>")]
// SAFETY: a shared reference gives out shared slices only.
unsafe impl Sync for LockedBytes {}

impl LockedBytes {
    /// `length` zero bytes. Ends the process when there is no memory at all, as a `Vec` does.
    pub fn zeroed(length: usize) -> Self {
        if length == 0 {
            return Self { start: NonNull::dangling(), length };
        }
        Self { start: pool().allocate(length), length }
    }

    /// A copy of `source`. The caller still has to wipe that.
    pub fn copy_of(source: &[u8]) -> Self {
        let mut bytes = Self::zeroed(source.len());
        bytes.copy_from_slice(source);
        bytes
    }

    /// Moves `source` here and wipes it.
    pub fn take(mut source: Vec<u8>) -> Self {
        let bytes = Self::copy_of(&source);
        source.zeroize();
        bytes
    }
}

#[expect(unsafe_code, reason = "a pointer and a length become a slice")]
impl Deref for LockedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `start` is valid for `length` initialised bytes (or dangling and aligned for none), owned by `self`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

#[expect(unsafe_code, reason = "a pointer and a length become a slice")]
impl DerefMut for LockedBytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`; `&mut self` makes the access exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

impl Clone for LockedBytes {
    fn clone(&self) -> Self {
        Self::copy_of(self)
    }
}

impl Zeroize for LockedBytes {
    fn zeroize(&mut self) {
        (**self).zeroize();
    }
}

impl Drop for LockedBytes {
    fn drop(&mut self) {
        self.zeroize();
        if self.length > 0 {
            pool().release(self.start, self.length);
        }
    }
}

impl fmt::Debug for LockedBytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "LockedBytes({} bytes)", self.length)
    }
}

/// What `getmemoryinfo` reports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LockedStats {
    /// Bytes in use.
    pub used: usize,
    /// Bytes ready to be used.
    pub free: usize,
    /// Bytes managed: the two together.
    pub total: usize,
    /// Bytes that could be locked. If this is less than `total`, secrets may reach the swap.
    pub locked: usize,
    /// Buffers in use.
    pub chunks_used: usize,
    /// Ranges not in use.
    pub chunks_free: usize,
}

/// The state of all locked memory of this process.
pub fn stats() -> LockedStats {
    pool().stats()
}

/// Memory is taken from the system in pieces of this size, and the first one no larger than the limit on locking.
const ARENA_SIZE: usize = 256 * 1024;
/// Buffers start at multiples of this, and their sizes are rounded up to it.
const ALIGNMENT: usize = 16;

static POOL: Mutex<Pool> = Mutex::new(Pool { arenas: Vec::new() });

fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug)]
struct Pool {
    arenas: Vec<Arena>,
}

impl Pool {
    fn allocate(&mut self, length: usize) -> NonNull<u8> {
        let size = rounded(length);
        if let Some(start) = self.arenas.iter_mut().find_map(|arena| arena.allocate(size)) {
            return start;
        }
        let mut wanted = ARENA_SIZE;
        if self.arenas.is_empty() {
            wanted = wanted.min(locking_limit());
        }
        let mut arena = Arena::map(wanted.max(size)).unwrap_or_else(|| out_of_memory(size));
        let start = arena.allocate(size).expect("a fresh arena is at least as large as the request");
        self.arenas.push(arena);
        start
    }

    fn release(&mut self, start: NonNull<u8>, length: usize) {
        let index = self.arenas.iter().position(|arena| arena.offset_of(start).is_some());
        let index = index.expect("only buffers from these arenas are released");
        self.arenas[index].release(start, rounded(length));
        // A piece that was made for one large buffer goes back to the system.
        if self.arenas[index].size > ARENA_SIZE && self.arenas[index].is_empty() {
            self.arenas.swap_remove(index);
        }
    }

    fn stats(&self) -> LockedStats {
        self.arenas.iter().fold(LockedStats::default(), |sum, arena| {
            let free: usize = arena.free.iter().map(|range| range.size).sum();
            LockedStats {
                used: sum.used + arena.size - free,
                free: sum.free + free,
                total: sum.total + arena.size,
                locked: sum.locked + if arena.locked { arena.size } else { 0 },
                chunks_used: sum.chunks_used + arena.chunks_used,
                chunks_free: sum.chunks_free + arena.free.len(),
            }
        })
    }
}

fn rounded(length: usize) -> usize {
    length.checked_next_multiple_of(ALIGNMENT).unwrap_or_else(|| out_of_memory(length))
}

fn out_of_memory(size: usize) -> ! {
    let size = size.min(isize::MAX.unsigned_abs());
    handle_alloc_error(Layout::from_size_align(size, 1).expect("alignment 1 and a size that fits isize"))
}

/// One mapping, with the ranges in it that are free: in order, never touching one another.
#[derive(Debug)]
struct Arena {
    base: NonNull<u8>,
    size: usize,
    locked: bool,
    /// They go back to the system with the arena.
    _pages: Pages,
    free: Vec<FreeRange>,
    chunks_used: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FreeRange {
    offset: usize,
    size: usize,
}

impl FreeRange {
    fn end(self) -> usize {
        self.offset + self.size
    }
}

#[expect(unsafe_code, reason = "the arena owns its mapping")]
// SAFETY: the pointer is used by the arena's owner only, and the pool is behind a mutex.
unsafe impl Send for Arena {}

impl Arena {
    fn map(size: usize) -> Option<Self> {
        let pages = Pages::map(size)?;
        let whole = FreeRange { offset: 0, size: pages.length };
        Some(Self {
            base: pages.start,
            size: pages.length,
            locked: pages.locked,
            _pages: pages,
            free: vec![whole],
            chunks_used: 0,
        })
    }

    /// Takes `size` bytes from the end of the smallest range that has them.
    #[expect(unsafe_code, reason = "an offset becomes a pointer")]
    fn allocate(&mut self, size: usize) -> Option<NonNull<u8>> {
        let fitting = self.free.iter().enumerate().filter(|(_, range)| range.size >= size);
        let (index, _) = fitting.min_by_key(|(_, range)| range.size)?;
        let range = &mut self.free[index];
        range.size -= size;
        let offset = range.end();
        if range.size == 0 {
            self.free.remove(index);
        }
        self.chunks_used += 1;
        // SAFETY: `offset + size` was the end of a range inside the mapping.
        Some(unsafe { self.base.add(offset) })
    }

    fn release(&mut self, start: NonNull<u8>, size: usize) {
        let offset = self.offset_of(start).expect("the caller looked for the arena of this buffer");
        let mut range = FreeRange { offset, size };
        let mut index = self.free.partition_point(|other| other.offset < offset);
        if self.free.get(index).is_some_and(|next| next.offset == range.end()) {
            range.size += self.free.remove(index).size;
        }
        if index > 0 && self.free[index - 1].end() == offset {
            index -= 1;
            let before = self.free.remove(index);
            range = FreeRange { offset: before.offset, size: before.size + range.size };
        }
        self.free.insert(index, range);
        self.chunks_used -= 1;
    }

    fn offset_of(&self, start: NonNull<u8>) -> Option<usize> {
        start.addr().get().checked_sub(self.base.addr().get()).filter(|offset| *offset < self.size)
    }

    fn is_empty(&self) -> bool {
        self.chunks_used == 0
    }
}

#[cfg(test)]
mod tests;
