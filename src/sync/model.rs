//! Loom's atomics, so that a model tries every order of what threads do with them.

use std::sync::atomic::Ordering;

use super::{Word, Words};

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

/// A variable of each thread of a model.
macro_rules! per_thread {
    ($(#[$what:meta])* static $name:ident: $of:ty = const $value:block;) => {
        loom::thread_local! { $(#[$what])* static $name: $of = $value; }
    };
}
pub(crate) use per_thread;

/// Runs a model in all interleavings (with at most `preemptions` forced switches, if given) and
/// prints how many there were.
#[cfg(test)]
pub(crate) fn explore(
    name: &str,
    preemptions: Option<usize>,
    model: impl Fn() + Send + Sync + 'static,
) {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    builder.max_branches = 10_000;
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        model();
    });
    println!("{name}: {} interleavings", runs.load(Ordering::Relaxed));
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

/// What the crate uses of `std::sync::atomic`, each access a place to switch.
pub(crate) mod atomic {
    pub(crate) use std::sync::atomic::Ordering;

    use super::turn;

    macro_rules! atomics {
        ($($name:ident $([$of:ident])? ($value:ty),)+) => {$(
            #[derive(Debug)]
            pub(crate) struct $name $(<$of>)? (loom::sync::atomic::$name $(<$of>)?);

            #[allow(dead_code, reason = "all have the same methods")]
            impl $(<$of>)? $name $(<$of>)? {
                pub(crate) fn new(value: $value) -> Self {
                    Self(loom::sync::atomic::$name::new(value))
                }

                pub(crate) fn load(&self, order: Ordering) -> $value {
                    turn();
                    self.0.load(order)
                }

                pub(crate) fn store(&self, value: $value, order: Ordering) {
                    turn();
                    self.0.store(value, order);
                }

                pub(crate) fn swap(&self, value: $value, order: Ordering) -> $value {
                    turn();
                    self.0.swap(value, order)
                }

                pub(crate) fn compare_exchange(
                    &self,
                    old: $value,
                    new: $value,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$value, $value> {
                    turn();
                    self.0.compare_exchange(old, new, success, failure)
                }

                pub(crate) fn compare_exchange_weak(
                    &self,
                    old: $value,
                    new: $value,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$value, $value> {
                    self.compare_exchange(old, new, success, failure)
                }
            }
        )+};
    }

    atomics! {
        AtomicBool(bool),
        AtomicU8(u8),
        AtomicU32(u32),
        AtomicU64(u64),
        AtomicPtr[T](*mut T),
    }

    impl Default for AtomicBool {
        fn default() -> Self {
            Self::new(false)
        }
    }

    impl AtomicU64 {
        pub(crate) fn fetch_or(&self, bits: u64, order: Ordering) -> u64 {
            turn();
            self.0.fetch_or(bits, order)
        }

        pub(crate) fn fetch_sub(&self, less: u64, order: Ordering) -> u64 {
            turn();
            self.0.fetch_sub(less, order)
        }

        /// As the standard library's: a load, and exchanges until one succeeds.
        pub(crate) fn fetch_update(
            &self,
            success: Ordering,
            failure: Ordering,
            change: impl Fn(u64) -> Option<u64>,
        ) -> Result<u64, u64> {
            let mut seen = self.load(failure);
            while let Some(new) = change(seen) {
                match self.compare_exchange(seen, new, success, failure) {
                    Ok(_) => return Ok(seen),
                    Err(found) => seen = found,
                }
            }
            Err(seen)
        }
    }
}
