//! A value that can be swapped while it is read.

use std::cell::RefCell;
use std::ops::Deref;
use std::sync::atomic::Ordering;

use crossbeam_epoch::{Atomic, Collector, Guard, LocalHandle, Owned};

/// Handles a thread keeps for the cells it used last; older ones are registered again.
const HANDLES: usize = 8;

thread_local! {
    static CACHE: RefCell<Vec<LocalHandle>> = const { RefCell::new(Vec::new()) };
}

/// Holds a `T`; readers pin it without waiting, and a swapped-out value is dropped once no reader
/// can still hold it (epoch-based reclamation, by crossbeam-epoch).
///
/// Each cell owns its collector: a reader that lingers in one keeps nothing alive in another.
pub(crate) struct SwapCell<T> {
    value: Atomic<T>,
    collector: Collector,
}

/// The value of a [`SwapCell`] as it was when it was pinned.
pub(crate) struct Pinned<'a, T> {
    value: *const T,
    _guard: Guard,
    _cell: &'a SwapCell<T>,
}

impl<T: Send + Sync> SwapCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: Atomic::new(value), collector: Collector::new() }
    }

    /// The current value. Wait-free after a thread's first use of the cell.
    pub(crate) fn pin(&self) -> Pinned<'_, T> {
        let guard = self.guard();
        // Acquire pairs with the release in `swap`: the value is complete.
        let value = self.value.load(Ordering::Acquire, &guard).as_raw();
        Pinned { value, _guard: guard, _cell: self }
    }

    /// Replaces the value; readers that pinned the old one keep it until they let go.
    pub(crate) fn swap(&self, value: T) {
        let guard = self.guard();
        // AcqRel: release publishes the new value to `pin`; acquire takes over the old one.
        let old = self.value.swap(Owned::new(value), Ordering::AcqRel, &guard);
        // SAFETY: `old` was just unlinked, so no later pin can reach it, and it is retired once.
        unsafe { guard.defer_destroy(old) };
        guard.flush();
    }

    fn guard(&self) -> Guard {
        CACHE.with_borrow_mut(|cache| {
            if let Some(place) = cache.iter().position(|h| h.collector() == &self.collector) {
                return cache[place].pin();
            }
            let handle = self.collector.register();
            let guard = handle.pin();
            if cache.len() == HANDLES {
                cache.remove(0);
            }
            cache.push(handle);
            guard
        })
    }
}

impl<T> Drop for SwapCell<T> {
    fn drop(&mut self) {
        // SAFETY: `&mut self` means that no `Pinned` (which borrows the cell) is left, and the
        // pointer is never null.
        unsafe { drop(std::mem::replace(&mut self.value, Atomic::null()).into_owned()) };
    }
}

impl<T> Deref for Pinned<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the guard was pinned before the pointer was loaded, and values are retired
        // through the same collector, so the value lives as long as the guard.
        unsafe { &*self.value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    struct Counted(Arc<AtomicUsize>, u64);

    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn readers_keep_the_value_they_pinned() {
        let dropped = Arc::new(AtomicUsize::new(0));
        let cell = SwapCell::new(Counted(Arc::clone(&dropped), 1));
        let pinned = cell.pin();
        cell.swap(Counted(Arc::clone(&dropped), 2));
        assert_eq!(pinned.1, 1);
        assert_eq!(cell.pin().1, 2);
        assert_eq!(dropped.load(Ordering::SeqCst), 0, "a pinned value is alive");
        drop(pinned);
        drop(cell);
        CACHE.with_borrow_mut(Vec::clear);
        assert_eq!(dropped.load(Ordering::SeqCst), 2, "both values are dropped once");
    }

    #[test]
    fn swaps_beside_readers_never_show_a_dropped_value() {
        let dropped = Arc::new(AtomicUsize::new(0));
        let cell = SwapCell::new(Counted(Arc::clone(&dropped), 0));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut last = 0;
                    while last < 500 {
                        let now = cell.pin().1;
                        assert!(now >= last && now <= 500);
                        last = now;
                    }
                });
            }
            for value in 1..=500 {
                cell.swap(Counted(Arc::clone(&dropped), value));
            }
        });
    }
}
