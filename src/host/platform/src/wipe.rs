//! An allocator that leaves nothing behind.
//!
//! A passphrase or a private key that passes through a process is copied on its way: by a parser, a buffer, a message. The
//! copies are given back within milliseconds, yet their bytes stay in free memory, for a core dump or a swap file to
//! find. A process that uses this allocator overwrites small blocks when they are given back. Large ones hold blocks of
//! the chain and the like, and are left as they are, because wiping those costs time.
//!
//! Set it as the program's allocator:
//! `#[global_allocator] static ALLOCATOR: platform::WipingAllocator = platform::WipingAllocator;`

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::ptr;

/// Blocks up to this size are wiped. A request with a key in it is far smaller.
const LARGEST: usize = 64 << 10;

/// The system's allocator, which overwrites small blocks with zeros when they are given back.
#[derive(Debug, Clone, Copy, Default)]
pub struct WipingAllocator;

#[expect(unsafe_code, reason = "an allocator is unsafe by nature")]
// SAFETY: every block comes from and goes back to the system's allocator with the layout that it was asked for. What is
// written is inside of blocks that the caller gives up.
unsafe impl GlobalAlloc for WipingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise about the layout is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if layout.size() <= LARGEST {
            // SAFETY: the block is valid for its size, and nobody reads it any more.
            unsafe { ptr::write_bytes(block, 0, layout.size()) };
            // Without this the compiler knows that nobody reads it, and does not write.
            black_box(block);
        }
        // SAFETY: the caller's promise about block and layout is passed on.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if layout.size() > LARGEST {
            // SAFETY: the caller's promises are passed on.
            return unsafe { System.realloc(block, layout, new_size) };
        }
        // SAFETY: the caller promises that the new size fits with this alignment.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        // SAFETY: the new size is not zero, as the caller promises.
        let moved = unsafe { System.alloc(new_layout) };
        if !moved.is_null() {
            // SAFETY: both blocks are valid for the smaller of the sizes, and do not overlap.
            unsafe { ptr::copy_nonoverlapping(block, moved, layout.size().min(new_size)) };
            // SAFETY: the old block is given up.
            unsafe { self.dealloc(block, layout) };
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(unsafe_code, reason = "the allocator is called as a container calls it")]
    fn growing_keeps_what_was_there() {
        for (from, to) in [(1, 7), (100, 50), (LARGEST, LARGEST + 1), (LARGEST + 1, 2 * LARGEST), (LARGEST + 1, 10)] {
            let layout = Layout::from_size_align(from, 8).unwrap();
            // SAFETY: the blocks are used within their sizes and given back with their layouts.
            unsafe {
                let block = WipingAllocator.alloc(layout);
                for at in 0..from {
                    block.add(at).write(u8::try_from(at % 251).unwrap());
                }
                let moved = WipingAllocator.realloc(block, layout, to);
                for at in 0..from.min(to) {
                    assert_eq!(moved.add(at).read(), u8::try_from(at % 251).unwrap());
                }
                let zeros = WipingAllocator.alloc_zeroed(layout);
                assert!((0..from).all(|at| zeros.add(at).read() == 0));
                WipingAllocator.dealloc(zeros, layout);
                WipingAllocator.dealloc(moved, Layout::from_size_align(to, 8).unwrap());
            }
        }
    }
}
