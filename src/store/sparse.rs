//! Words by number, most of them 0 and without memory.
//!
//! ```text
//!   segments   17 pointers; segment s has room for 16 · 2^s blocks
//!     └─ blocks    64 words each, made when the first of them is asked for
//! ```
//! Both are made once, published by one pointer and freed with the table, so a word stays where it
//! is.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};

use crate::error::{Error, Result};
use crate::limits::SLOTS_MAX;

/// Words of a block.
pub(crate) const WORDS: usize = 64;
/// Blocks of the first segment; each further one has twice as many.
const FIRST: usize = 16;
const SEGMENTS: usize = 17;

const _: () = assert!((FIRST << SEGMENTS) - FIRST >= SLOTS_MAX as usize / WORDS);

/// A growing array of words; those of which nobody asked for one are 0.
pub(crate) struct Sparse {
    segments: [AtomicPtr<AtomicPtr<AtomicU64>>; SEGMENTS],
    bytes: AtomicUsize,
}

impl Sparse {
    pub(crate) const fn new() -> Self {
        let segments = [const { AtomicPtr::new(null_mut()) }; SEGMENTS];
        Self { segments, bytes: AtomicUsize::new(0) }
    }

    /// The words of a block, unless all are 0 and nobody has asked for one.
    pub(crate) fn block(&self, block: usize) -> Option<&[AtomicU64; WORDS]> {
        let (segment, place) = place(block);
        // Acquire, here and below, pairs with the release in `publish`: what it leads to is zeroed.
        let blocks = self.segments[segment].load(Ordering::Acquire);
        if blocks.is_null() {
            return None;
        }
        // SAFETY: a published segment has `FIRST << segment` pointers, and lives as long as `self`.
        let words = unsafe { &*blocks.add(place) }.load(Ordering::Acquire);
        // SAFETY: null, or a published block of `WORDS` words, which lives as long as `self`.
        unsafe { words.cast::<[AtomicU64; WORDS]>().as_ref() }
    }

    /// A word, if its block has memory.
    pub(crate) fn find(&self, word: usize) -> Option<&AtomicU64> {
        self.block(word / WORDS).map(|words| &words[word % WORDS])
    }

    /// What a word is.
    pub(crate) fn get(&self, word: usize) -> u64 {
        // Relaxed: what it means is ordered by whoever published the slot it belongs to.
        self.find(word).map_or(0, |word| word.load(Ordering::Relaxed))
    }

    /// A word to be changed, with its block behind it.
    pub(crate) fn word(&self, word: usize) -> Result<&AtomicU64> {
        let (segment, place) = place(word / WORDS);
        let blocks = self.publish(&self.segments[segment], FIRST << segment, null_pointer)?;
        // SAFETY: as in `block`.
        let block = unsafe { &*blocks.add(place) };
        let words = self.publish(block, WORDS, || AtomicU64::new(0))?;
        // SAFETY: a published block has `WORDS` words, and lives as long as `self`.
        Ok(unsafe { &*words.add(word % WORDS) })
    }

    /// All words that have memory.
    pub(crate) fn used(&self) -> impl Iterator<Item = &AtomicU64> {
        // Acquire as in `block`.
        let there = |&segment: &usize| !self.segments[segment].load(Ordering::Acquire).is_null();
        let first = |segment: usize| (FIRST << segment) - FIRST;
        let segments = (0..SEGMENTS).filter(there);
        let blocks = segments.flat_map(move |segment| first(segment)..first(segment + 1));
        blocks.filter_map(|block| self.block(block)).flatten()
    }

    /// Bytes of memory held beside `self`.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// What a pointer leads to: `len` things, made now if it leads nowhere.
    fn publish<T>(
        &self,
        pointer: &AtomicPtr<T>,
        len: usize,
        make: impl FnMut() -> T,
    ) -> Result<*mut T> {
        let found = pointer.load(Ordering::Acquire);
        if !found.is_null() {
            return Ok(found);
        }
        let bytes = len * size_of::<T>();
        let mut things = Vec::new();
        things.try_reserve_exact(len).map_err(|_| Error::OutOfMemory { bytes })?;
        things.resize_with(len, make);
        let things = Box::into_raw(things.into_boxed_slice());
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        // AcqRel: release publishes the things; who loses takes over the winner's.
        match pointer.compare_exchange(null_mut(), things.cast(), success, failure) {
            Ok(_) => {
                self.bytes.fetch_add(bytes, Ordering::Relaxed);
                Ok(things.cast())
            }
            Err(found) => {
                // SAFETY: made above, and published nowhere.
                drop(unsafe { Box::from_raw(things) });
                Ok(found)
            }
        }
    }
}

fn null_pointer() -> AtomicPtr<AtomicU64> {
    AtomicPtr::new(null_mut())
}

/// The segment of a block, and its place there.
fn place(block: usize) -> (usize, usize) {
    let segment = (block / FIRST + 1).ilog2() as usize;
    (segment, block + FIRST - (FIRST << segment))
}

impl Drop for Sparse {
    fn drop(&mut self) {
        for (segment, pointer) in self.segments.iter_mut().enumerate() {
            // SAFETY: made by `publish` with this length, freed only here.
            let Some(blocks) = (unsafe { owned(pointer, FIRST << segment) }) else { continue };
            for mut block in blocks {
                // SAFETY: as above.
                drop(unsafe { owned(&mut block, WORDS) });
            }
        }
    }
}

/// Takes back what a pointer leads to.
///
/// # Safety
/// It leads nowhere, or to a boxed slice of this length, which nobody else frees or uses.
unsafe fn owned<T>(pointer: &mut AtomicPtr<T>, len: usize) -> Option<Box<[T]>> {
    let things = std::mem::replace(pointer.get_mut(), null_mut());
    let things = std::ptr::slice_from_raw_parts_mut(things, len);
    // SAFETY: the caller's promise.
    (!things.is_null()).then(|| unsafe { Box::from_raw(things) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_without_gaps() {
        let all: Vec<_> = (0..5 * FIRST).map(place).collect();
        assert_eq!((all[0], all[15], all[16], all[47]), ((0, 0), (0, 15), (1, 0), (1, 31)));
        assert_eq!(all[48], (2, 0));
        assert_eq!(place(SLOTS_MAX as usize / WORDS - 1).0, SEGMENTS - 1);
    }

    #[test]
    fn words_keep_what_they_are_given_and_cost_only_their_blocks() {
        let table = Sparse::new();
        assert_eq!((table.get(7), table.bytes()), (0, 0));
        for word in [7, 64, 100_000, SLOTS_MAX as usize - 1] {
            table.word(word).unwrap().store(word as u64, Ordering::Relaxed);
        }
        for word in [7, 64, 100_000, SLOTS_MAX as usize - 1] {
            assert_eq!((table.get(word), table.get(word - 1)), (word as u64, 0));
        }
        assert!(table.block(5).is_none() && table.block(1).is_some());
        // Four blocks, and the pointers of three segments.
        let pointers = FIRST * (1 + (1 << 6) + (1 << 16));
        assert_eq!(table.bytes(), 8 * (4 * WORDS + pointers));
    }

    #[test]
    fn who_asks_at_once_gets_one_word() {
        let table = Sparse::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for word in 0..20_000 {
                        table.word(word).unwrap().fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        assert!((0..20_000).all(|word| table.get(word) == 4));
    }
}
