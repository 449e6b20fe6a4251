//! The heap of a program, measured: what a call takes at its highest.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that are taken now, and the most since the last [`measured`] call began.
static TAKEN: AtomicUsize = AtomicUsize::new(0);
static HIGHEST: AtomicUsize = AtomicUsize::new(0);

/// The system's heap, counted: in a program that makes it its global allocator.
pub struct Measured;

fn take(bytes: usize) {
    let taken = TAKEN.fetch_add(bytes, Ordering::Relaxed) + bytes;
    HIGHEST.fetch_max(taken, Ordering::Relaxed);
}

// SAFETY: every call goes to the same function of the system's allocator, unchanged.
unsafe impl GlobalAlloc for Measured {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are the system's conditions.
        let block = unsafe { System.alloc(layout) };
        if !block.is_null() {
            take(layout.size());
        }
        block
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        let block = unsafe { System.alloc_zeroed(layout) };
        if !block.is_null() {
            take(layout.size());
        }
        block
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        let moved = unsafe { System.realloc(block, layout, size) };
        if !moved.is_null() {
            // Both blocks are there while one is copied.
            take(size);
            TAKEN.fetch_sub(layout.size(), Ordering::Relaxed);
        }
        moved
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        TAKEN.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

/// What `call` gives, and the bytes that it took at its highest, on all threads; none, where the heap
/// is not [`Measured`].
pub fn measured<T>(call: impl FnOnce() -> T) -> (T, usize) {
    let before = TAKEN.load(Ordering::Relaxed);
    HIGHEST.store(before, Ordering::Relaxed);
    let given = call();
    (given, HIGHEST.load(Ordering::Relaxed).saturating_sub(before))
}
