//! Atomic words as the lock-free protocol sees them: the standard library's, or loom's.
//!
//! The models run the shipped source. The graph and the table of keys live in raw rows, which
//! loom's atomics cannot overlay: their protocols are written over two small traits, implemented by
//! the standard atomics and, under `--cfg loom`, by loom's. What owns its words takes them from
//! [`atomic`], and who waits for readers from [`epoch`], whose model keeps the promise of
//! `crossbeam-epoch` and no more. Nothing else in the crate names `loom`.
//!
//! [`Step`] names what writers do, for tests to stop them.

#[cfg(all(test, loom))]
pub(crate) mod epoch;
#[cfg(loom)]
mod model;
mod step;

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

#[cfg(not(loom))]
pub(crate) use crossbeam_epoch as epoch;
#[cfg(all(test, loom))]
pub(crate) use model::explore;
#[cfg(loom)]
pub(crate) use model::{atomic, per_thread};
#[cfg(not(loom))]
pub(crate) use std::sync::atomic;
#[cfg(not(loom))]
pub(crate) use std::thread_local as per_thread;
pub(crate) use step::Step;
#[cfg(all(test, not(loom)))]
pub(crate) use step::watch;

/// A row of 32-bit words.
pub(crate) trait Words {
    fn len(&self) -> usize;
    fn load(&self, place: usize, order: Ordering) -> u32;
    fn store(&self, place: usize, value: u32, order: Ordering);
    /// Exchanges `old` for `new` (`AcqRel`, relaxed on failure); false if the word was not `old`.
    fn exchange(&self, place: usize, old: u32, new: u32) -> bool;
    /// Orders relaxed loads before it with everything after it.
    fn acquire_fence(&self);
    /// One of all such fences, which have one order that all threads see.
    fn full_fence(&self);
    /// The order of the loads that [`Self::acquire_fence`] follows. Thread sanitizer sees accesses
    /// and no fences, so there the loads themselves acquire.
    const READ: Ordering = if cfg!(ecphory_tsan) { Ordering::Acquire } else { Ordering::Relaxed };
}

/// One 64-bit word.
pub(crate) trait Word {
    fn load(&self, order: Ordering) -> u64;
    fn store(&self, value: u64, order: Ordering);
    /// Exchanges `old` for `new` (`AcqRel`, acquire on failure); the value found on failure.
    fn exchange(&self, old: u64, new: u64) -> Result<(), u64>;
}

impl Words for [AtomicU32] {
    #[inline(always)]
    fn len(&self) -> usize {
        <[AtomicU32]>::len(self)
    }

    #[inline(always)]
    fn load(&self, place: usize, order: Ordering) -> u32 {
        self[place].load(order)
    }

    fn store(&self, place: usize, value: u32, order: Ordering) {
        self[place].store(value, order);
    }

    fn exchange(&self, place: usize, old: u32, new: u32) -> bool {
        self[place].compare_exchange(old, new, publishing(), Ordering::Relaxed).is_ok()
    }

    #[inline(always)]
    fn acquire_fence(&self) {
        std::sync::atomic::fence(Ordering::Acquire);
    }

    fn full_fence(&self) {
        std::sync::atomic::fence(Ordering::SeqCst);
    }
}

/// The order of the exchanges that publish links.
#[cfg(not(ecphory_tsan))]
#[inline(always)]
fn publishing() -> Ordering {
    Ordering::AcqRel
}

/// The same, unless they are to be broken.
#[cfg(ecphory_tsan)]
fn publishing() -> Ordering {
    // Relaxed: the flag itself orders nothing.
    if IS_BROKEN.load(Ordering::Relaxed) { Ordering::Relaxed } else { Ordering::AcqRel }
}

#[cfg(ecphory_tsan)]
static IS_BROKEN: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// Makes links publish nothing from now on: a race for thread sanitizer to find.
#[cfg(ecphory_tsan)]
pub fn break_publication() {
    IS_BROKEN.store(true, Ordering::Relaxed);
}

impl Word for AtomicU64 {
    #[inline(always)]
    fn load(&self, order: Ordering) -> u64 {
        self.load(order)
    }

    fn store(&self, value: u64, order: Ordering) {
        self.store(value, order);
    }

    fn exchange(&self, old: u64, new: u64) -> Result<(), u64> {
        self.compare_exchange(old, new, Ordering::AcqRel, Ordering::Acquire).map(drop)
    }
}
