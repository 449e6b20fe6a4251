//! A value that can be swapped while it is read.

use std::cell::RefCell;
use std::ops::Deref;
use std::sync::Arc;

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::epoch::{Atomic, Collector, Guard, LocalHandle, Owned};
use crate::sync::per_thread;

/// Handles a thread keeps for the cells it used last; older ones are registered again.
const HANDLES: usize = 16;

per_thread! {
    static CACHE: RefCell<Vec<LocalHandle>> = const { RefCell::new(Vec::new()) };
}

/// Holds a `T`; readers pin it without waiting for anyone, and a swapped-out value is dropped once no reader
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
    guard: Guard,
    _cell: &'a SwapCell<T>,
}

impl<T: Send + Sync> SwapCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: Atomic::new(value), collector: Collector::new() }
    }

    /// The current value. Waits for nobody; now and then it drops a few values that were swapped
    /// out and let go of.
    pub(crate) fn pin(&self) -> Pinned<'_, T> {
        let guard = self.guard();
        // Acquire pairs with the release in `swap`: the value is complete.
        let value = self.value.load(Ordering::Acquire, &guard).as_raw();
        Pinned { value, guard, _cell: self }
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

    /// The current value, which nobody else holds any more.
    pub(crate) fn into_inner(mut self) -> T {
        // SAFETY: `self` means that no `Pinned` (which borrows the cell) is left, and the pointer is
        // null only from here on.
        let value = unsafe { std::mem::replace(&mut self.value, Atomic::null()).into_owned() };
        *value.into_box()
    }

    /// Keeps what is reached through this cell alive.
    ///
    /// To pin, and to let a handle go, can drop old values, and with them a host's allocator, whose
    /// drop may use another index: the cache is not borrowed meanwhile. It may even be gone, when
    /// this is the end of the thread.
    fn guard(&self) -> Guard {
        let mine = |handle: &LocalHandle| handle.collector() == &self.collector;
        let cached = CACHE.try_with(|cache| {
            let mut cache = cache.borrow_mut();
            cache.iter().position(mine).map(|place| cache.remove(place))
        });
        let handle = cached.ok().flatten().unwrap_or_else(|| self.collector.register());
        let guard = handle.pin();
        let oldest = CACHE.try_with(|cache| {
            let mut cache = cache.borrow_mut();
            cache.push(handle);
            (cache.len() > HANDLES).then(|| cache.remove(0))
        });
        drop(oldest);
        guard
    }
}

impl<T> Drop for SwapCell<T> {
    fn drop(&mut self) {
        // SAFETY: `&mut self` means that no `Pinned` (which borrows the cell) is left; the pointer
        // is null only where `into_inner` has taken the value.
        unsafe { drop(std::mem::replace(&mut self.value, Atomic::null()).try_into_owned()) };
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

impl<T> Pinned<'_, T> {
    /// Does what may be done once all who have pinned before let go.
    pub(crate) fn defer(&self, call: impl FnOnce() + Send + 'static) {
        self.guard.defer(call);
    }
}

/// Tells when all who read now are through.
pub(crate) trait Grace {
    /// Sets `is_over` once everyone who pinned before this call has let go, if somebody pins, or
    /// nudges, after that.
    fn tell(&self, is_over: &Arc<AtomicBool>);
    /// Looks whether that is so.
    fn nudge(&self);
}

impl<T> Grace for Pinned<'_, T> {
    fn tell(&self, is_over: &Arc<AtomicBool>) {
        let is_over = Arc::clone(is_over);
        // Release pairs with the acquire of whoever waits for it.
        self.guard.defer(move || is_over.store(true, Ordering::Release));
        self.guard.flush();
    }

    fn nudge(&self) {
        self.guard.flush();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
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

    /// Uses a cell when it is dropped, as a host's allocator may.
    struct Nested(Arc<SwapCell<u64>>, Arc<AtomicUsize>);

    impl Drop for Nested {
        fn drop(&mut self) {
            assert_eq!(*self.0.pin(), 7);
            self.1.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_dropped_value_may_use_cells_itself() {
        let dropped = Arc::new(AtomicUsize::new(0));
        let nested = || Nested(Arc::new(SwapCell::new(7)), Arc::clone(&dropped));
        let cell = SwapCell::new(nested());
        cell.swap(nested());
        for _ in 0..10_000 {
            cell.pin();
        }
        assert_eq!(dropped.load(Ordering::SeqCst), 1, "pinning collects");
    }

    #[test]
    fn a_value_dropped_at_the_end_of_its_thread_may_too() {
        let dropped = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&dropped);
        let thread = std::thread::spawn(move || {
            let nested = || Nested(Arc::new(SwapCell::new(7)), Arc::clone(&counter));
            let cell = SwapCell::new(nested());
            cell.swap(nested());
        });
        thread.join().unwrap();
        assert_eq!(dropped.load(Ordering::SeqCst), 2);
    }
}
