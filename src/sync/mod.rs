//! Atomic words as the lock-free protocol sees them: the standard library's, or loom's.
//!
//! The graph lives in raw rows, which loom's atomics cannot overlay. So the protocol is written
//! over two small traits, implemented by the standard atomics and, under `--cfg loom`, by loom's:
//! the models run the shipped source. Nothing else in the crate names `loom`.
//!
//! [`Step`] names what writers do, for tests to stop them.

mod step;

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

pub(crate) use step::Step;
#[cfg(test)]
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

#[cfg(loom)]
mod model {
    use super::{Ordering, Word, Words};

    loom::lazy_static! {
        static ref TURN: loom::sync::atomic::AtomicUsize = loom::sync::atomic::AtomicUsize::new(0);
    }

    /// Makes loom consider every other thread first.
    ///
    /// Loom remembers one last access to a word, so a load hides an earlier load by another thread
    /// from the exchange that follows it: that exchange is then never tried before the earlier
    /// load. All threads count this word up, so each access is a place to switch. Relaxed: it
    /// orders nothing else.
    fn turn() {
        TURN.fetch_add(1, Ordering::Relaxed);
    }

    impl Words for [loom::sync::atomic::AtomicU32] {
        fn len(&self) -> usize {
            <[loom::sync::atomic::AtomicU32]>::len(self)
        }

        fn load(&self, place: usize, order: Ordering) -> u32 {
            turn();
            self[place].load(order)
        }

        fn store(&self, place: usize, value: u32, order: Ordering) {
            turn();
            self[place].store(value, order);
        }

        fn exchange(&self, place: usize, old: u32, new: u32) -> bool {
            turn();
            self[place].compare_exchange(old, new, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        }

        fn acquire_fence(&self) {
            loom::sync::atomic::fence(Ordering::Acquire);
        }

        fn full_fence(&self) {
            loom::sync::atomic::fence(Ordering::SeqCst);
        }
    }

    impl Word for loom::sync::atomic::AtomicU64 {
        fn load(&self, order: Ordering) -> u64 {
            turn();
            self.load(order)
        }

        fn store(&self, value: u64, order: Ordering) {
            turn();
            self.store(value, order);
        }

        fn exchange(&self, old: u64, new: u64) -> Result<(), u64> {
            turn();
            self.compare_exchange(old, new, Ordering::AcqRel, Ordering::Acquire).map(drop)
        }
    }
}
