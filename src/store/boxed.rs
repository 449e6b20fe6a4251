//! Values by number that are replaced whole, beside their readers.
//!
//! A word leads to a box; a change makes another and leads the word there, and the old one is freed
//! when nobody reads it any more. So a reader sees a value before or after a change, and waits for
//! nobody; of several that change one value at once, each sees what the others have done.
//!
//! # Invariants
//! - Whoever reads or changes has pinned the root that holds the values ([`Pinned`]), or is alone.
//! - A number is cleared only when no reader can ask for it any more.

use std::marker::PhantomData;
use std::ptr::with_exposed_provenance_mut;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::cell::Pinned;
use super::sparse::Sparse;
use crate::error::Result;

/// Values by number.
pub(crate) struct Boxed<T> {
    words: Sparse,
    /// Values there are.
    len: AtomicUsize,
    values: PhantomData<T>,
}

// SAFETY: it owns the values, and hands out shared references to them alone.
unsafe impl<T: Send + Sync> Send for Boxed<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Boxed<T> {}

impl<T: Send + Sync + 'static> Boxed<T> {
    pub(crate) const fn new() -> Self {
        Self { words: Sparse::new(), len: AtomicUsize::new(0), values: PhantomData }
    }

    /// The value of a number, if it has one.
    pub(crate) fn get(&self, number: usize) -> Option<&T> {
        // Acquire pairs with the release in `change` and `put`: the value is complete.
        let address = self.words.find(number)?.load(Ordering::Acquire);
        // SAFETY: published; the caller has pinned the root, through which `change` retires what it
        // replaces, and no number is cleared that can be asked for.
        unsafe { value(address) }
    }

    /// Puts what `next` makes of a number's value in its place, or leaves it where that is `None`;
    /// whether it was changed. `next` is asked again if another was faster.
    pub(crate) fn change<R>(
        &self,
        number: usize,
        pinned: &Pinned<'_, R>,
        mut next: impl FnMut(Option<&T>) -> Result<Option<T>>,
    ) -> Result<bool> {
        let word = self.words.word(number)?;
        // Acquire as in `get`.
        let mut seen = word.load(Ordering::Acquire);
        loop {
            // SAFETY: as in `get`.
            let Some(new) = next(unsafe { value(seen) })? else { return Ok(false) };
            let new = address(new);
            // AcqRel: release publishes the value; acquire as in `get`.
            match word.compare_exchange(seen, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => {
                    if seen == 0 {
                        // Relaxed: a count.
                        self.len.fetch_add(1, Ordering::Relaxed);
                    } else {
                        // SAFETY: no word leads to it any more, and nobody who could read it is left.
                        pinned.defer(move || drop(unsafe { owned::<T>(seen) }));
                    }
                    return Ok(true);
                }
                Err(now) => {
                    // SAFETY: made above, and published nowhere.
                    drop(unsafe { owned::<T>(new) });
                    seen = now;
                }
            }
        }
    }

    /// Gives a value to a number that nobody reads or changes.
    pub(crate) fn put(&self, number: usize, value: T) -> Result<()> {
        let word = self.words.word(number)?;
        // Release pairs with the acquire in `get`.
        let old = word.swap(address(value), Ordering::Release);
        // SAFETY: nobody reads it.
        if unsafe { owned::<T>(old) }.is_none() {
            self.len.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Takes the value of a number that nobody reads or changes.
    pub(crate) fn clear(&self, number: usize) {
        let Some(word) = self.words.find(number) else { return };
        // Relaxed: nobody reads it until it is put anew. SAFETY: as in `put`.
        if unsafe { owned::<T>(word.swap(0, Ordering::Relaxed)) }.is_some() {
            self.len.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Whether there may be a value.
    pub(crate) fn is_used(&self) -> bool {
        self.words.bytes() > 0
    }

    /// Bytes of memory held, but for what values own themselves.
    pub(crate) fn bytes(&self) -> usize {
        self.words.bytes() + self.len.load(Ordering::Relaxed) * size_of::<T>()
    }
}

impl<T> Drop for Boxed<T> {
    fn drop(&mut self) {
        for word in self.words.used() {
            // SAFETY: `&mut self` means that nobody reads.
            drop(unsafe { owned::<T>(word.swap(0, Ordering::Relaxed)) });
        }
    }
}

fn address<T>(value: T) -> u64 {
    Box::into_raw(Box::new(value)).expose_provenance() as u64
}

/// # Safety
/// 0, or an [`address`] whose box lives as long as the reference.
unsafe fn value<'a, T>(address: u64) -> Option<&'a T> {
    let value: *mut T = with_exposed_provenance_mut(address as usize);
    // SAFETY: the caller's promise.
    unsafe { value.as_ref() }
}

/// # Safety
/// 0, or an [`address`] that no word leads to any more.
unsafe fn owned<T>(address: u64) -> Option<Box<T>> {
    // SAFETY: the caller's promise.
    (address != 0).then(|| unsafe { Box::from_raw(with_exposed_provenance_mut(address as usize)) })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::store::SwapCell;

    #[test]
    fn changes_of_one_value_are_all_kept_and_readers_see_whole_ones() {
        let cell = SwapCell::new(Boxed::<[u64; 2]>::new());
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..4000 {
                        let pinned = cell.pin();
                        let next = |old: Option<&[u64; 2]>| {
                            Ok(Some(old.map_or([1, 2], |&[a, b]| [a + 1, b + 2])))
                        };
                        assert!(pinned.change(5, &pinned, next).unwrap());
                        let &[a, b] = pinned.get(5).unwrap();
                        assert_eq!(2 * a, b);
                    }
                });
            }
        });
        let mut pinned = cell.pin();
        assert_eq!(pinned.get(5), Some(&[12_000, 24_000]));
        assert!(!pinned.change(5, &pinned, |_| Ok(None)).unwrap());
        pinned.clear(5);
        assert_eq!((pinned.get(5), pinned.get(6)), (None, None));
        pinned.put(6, [3, 4]).unwrap();
        assert_eq!(pinned.get(6), Some(&[3, 4]));
        pinned = cell.pin();
        assert!(pinned.is_used() && pinned.bytes() > 16);
    }
}
