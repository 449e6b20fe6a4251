//! From user keys to slots.
//!
//! ```text
//!   built or opened   keys in order beside their slots: binary search
//!   inserted since    open addressing over segments that double and are never rehashed
//! ```
//!
//! A key's probe sequence is fixed: a short window in segment 0, then one in segment 1, and so on.
//! It is inserted at the first empty place of the sequence by one compare-and-swap, and places are
//! never emptied, so two inserts of one key meet at the same place: one of them wins, lock-free.
//!
//! Which windows are a key's is random for each index: full windows make further segments, so who
//! chooses keys must not choose windows. (Randomness comes from the standard library, which has
//! little of it on `wasm32-unknown-unknown`; there a page would exhaust its own memory only.)

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::limits::SLOTS_MAX;
use crate::store::{Allocator, Chunks};

/// Places of segment 0; each further segment has twice as many. Chunks of the tables below have
/// these sizes too, so a segment is a chunk.
const FIRST: u32 = 1024;
/// Segments, at most: together they have more places than an index has slots.
const SEGMENTS: u32 = (SLOTS_MAX / FIRST).ilog2() + 1;
/// Places that are looked at in one segment.
const WINDOW: u32 = 16;

/// The keys of one index.
pub(crate) struct Keys {
    /// Sorted keys and, at the same places, their slots.
    pub(crate) sorted: Chunks,
    pub(crate) sorted_slots: Chunks,
    sorted_len: u32,
    /// Names of keys inserted since (the key plus one; 0: empty), and at the same places their
    /// slots (0: not published yet).
    names: Chunks,
    slots: Chunks,
    places: AtomicU32,
    /// The key whose name would be 0.
    last_taken: AtomicU64,
    last_slot: AtomicU32,
    windows: RandomState,
}

/// A key that is taken but not published; publishing cannot fail.
#[must_use]
pub(crate) struct Claim<'a>(&'a AtomicU32);

impl Claim<'_> {
    /// Makes the key findable.
    pub(crate) fn publish(self, slot: u32) {
        // Release pairs with the acquire in `find`: the slot's rows are visible.
        self.0.store(slot, Ordering::Release);
    }
}

impl Keys {
    /// The keys of a bulk build (or none) with their slots; a key that stands twice is refused.
    pub(crate) fn sorted(pairs: &mut [(u64, u32)], allocator: &Arc<dyn Allocator>) -> Result<Self> {
        pairs.sort_unstable();
        if let Some(twins) = pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(Error::DuplicateKey { key: twins[0].0 });
        }
        let len = pairs.len() as u32;
        let keys = Chunks::zeroed(8, len, Arc::clone(allocator))?;
        let slots = Chunks::zeroed(4, len, Arc::clone(allocator))?;
        for (place, &(key, slot)) in (0..).zip(pairs.iter()) {
            // Relaxed: published with the whole table.
            keys.word64(place).store(key, Ordering::Relaxed);
            slots.word(place).store(slot, Ordering::Relaxed);
        }
        Self::over(keys, slots, len, allocator)
    }

    /// Keys that were stored in order before.
    pub(crate) fn over(
        sorted: Chunks,
        sorted_slots: Chunks,
        len: u32,
        allocator: &Arc<dyn Allocator>,
    ) -> Result<Self> {
        Ok(Self {
            sorted,
            sorted_slots,
            sorted_len: len,
            names: Chunks::zeroed(8, 0, Arc::clone(allocator))?,
            slots: Chunks::zeroed(4, 0, Arc::clone(allocator))?,
            places: AtomicU32::new(0),
            last_taken: AtomicU64::new(0),
            last_slot: AtomicU32::new(0),
            windows: RandomState::new(),
        })
    }

    /// The slot of a published key. O(log n).
    pub(crate) fn find(&self, key: u64) -> Option<u32> {
        self.find_sorted(key).or_else(|| {
            let slot = if key == u64::MAX { &self.last_slot } else { self.find_live(key)? };
            // Acquire pairs with the release in `publish`.
            Some(slot.load(Ordering::Acquire)).filter(|&slot| slot != 0)
        })
    }

    /// Takes a key for its one and only item.
    pub(crate) fn claim(&self, key: u64) -> Result<Claim<'_>> {
        let duplicate = Error::DuplicateKey { key };
        if self.find_sorted(key).is_some() {
            return Err(duplicate);
        }
        // Relaxed exchanges: the word alone decides who owns the key.
        let take = |word: &AtomicU64, name| {
            word.compare_exchange(0, name, Ordering::Relaxed, Ordering::Relaxed).err()
        };
        if key == u64::MAX {
            let taken = take(&self.last_taken, 1).is_none();
            return if taken { Ok(Claim(&self.last_slot)) } else { Err(duplicate) };
        }
        let (name, hash) = (key + 1, self.windows.hash_one(key));
        for segment in 0..SEGMENTS {
            self.make(segment)?;
            for place in window(segment, hash) {
                match take(self.names.word64(place), name) {
                    None => return Ok(Claim(self.slots.word(place))),
                    Some(found) if found == name => return Err(duplicate),
                    Some(_) => {}
                }
            }
        }
        Err(Error::Full { limit: SLOTS_MAX - 1 })
    }

    /// All published pairs in the order of keys, while no writer runs.
    pub(crate) fn pairs(&self) -> Vec<(u64, u32)> {
        let sorted = (0..self.sorted_len).map(|place| self.sorted_at(place));
        let live = (0..self.places.load(Ordering::Acquire)).map(|place| {
            let name = self.names.word64(place).load(Ordering::Relaxed);
            (name.wrapping_sub(1), self.slots.word(place).load(Ordering::Acquire))
        });
        let last = (u64::MAX, self.last_slot.load(Ordering::Acquire));
        let all = sorted.chain(live).chain([last]);
        let mut pairs: Vec<_> = all.filter(|&(_, slot)| slot != 0).collect();
        pairs.sort_unstable();
        pairs
    }

    /// Bytes of memory held.
    pub(crate) fn bytes(&self) -> usize {
        [&self.sorted, &self.sorted_slots, &self.names, &self.slots]
            .iter()
            .map(|table| table.bytes())
            .sum()
    }

    fn sorted_at(&self, place: u32) -> (u64, u32) {
        // Relaxed: written before the table was published, or mapped.
        let key = self.sorted.word64(place).load(Ordering::Relaxed);
        (key, self.sorted_slots.word(place).load(Ordering::Relaxed))
    }

    fn find_sorted(&self, key: u64) -> Option<u32> {
        let (mut low, mut high) = (0, self.sorted_len);
        while low < high {
            let middle = low + (high - low) / 2;
            let (here, slot) = self.sorted_at(middle);
            match here.cmp(&key) {
                std::cmp::Ordering::Equal => return Some(slot),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    fn find_live(&self, key: u64) -> Option<&AtomicU32> {
        // Acquire pairs with the release in `make`: places below are backed.
        let places = self.places.load(Ordering::Acquire);
        let hash = self.windows.hash_one(key);
        (0..SEGMENTS)
            .take_while(|&segment| end(segment) <= places)
            .flat_map(|segment| window(segment, hash))
            // Relaxed: a name alone orders nothing, the slot beside it does.
            .map(|place| (place, self.names.word64(place).load(Ordering::Relaxed)))
            // The sequence has no holes: an empty place ends it.
            .take_while(|&(_, name)| name != 0)
            .find(|&(_, name)| name == key + 1)
            .map(|(place, _)| self.slots.word(place))
    }

    /// Backs a segment with memory.
    fn make(&self, segment: u32) -> Result<()> {
        // Acquire pairs with the release below.
        if self.places.load(Ordering::Acquire) < end(segment) {
            let last = end(segment) - 1;
            let backed = self.names.reserve(last)?.min(self.slots.reserve(last)?);
            // Release publishes the chunks; pairs with the acquire in `find_live`.
            self.places.fetch_max(backed, Ordering::Release);
        }
        Ok(())
    }
}

/// The window in one segment of keys with this hash.
fn window(segment: u32, hash: u64) -> Range<u32> {
    let windows = u64::from((FIRST << segment) / WINDOW);
    let start = end(segment) - (FIRST << segment) + (hash % windows) as u32 * WINDOW;
    start..start + WINDOW
}

/// One past the last place of a segment.
fn end(segment: u32) -> u32 {
    (FIRST << (segment + 1)) - FIRST
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Heap;

    fn keys(pairs: &mut [(u64, u32)]) -> Result<Keys> {
        let heap: Arc<dyn Allocator> = Arc::new(Heap);
        Keys::sorted(pairs, &heap)
    }

    #[test]
    fn keys_are_found_whether_built_or_inserted() {
        let keys = keys(&mut [(5, 1), (u64::MAX - 1, 2), (0, 3)]).unwrap();
        for key in (10..50_000).chain([u64::MAX]) {
            assert_eq!(keys.find(key), None);
            keys.claim(key).unwrap().publish(key.min(1 << 20) as u32);
            assert_eq!(keys.find(key), Some(key.min(1 << 20) as u32));
            assert!(keys.claim(key).is_err(), "{key} is taken");
        }
        assert_eq!((keys.find(5), keys.find(0)), (Some(1), Some(3)));
        assert!(keys.claim(u64::MAX - 1).is_err());
        assert_eq!(keys.pairs().len(), 3 + 49_991);
        assert!(keys.pairs().is_sorted());
    }

    #[test]
    fn a_key_that_stands_twice_is_refused() {
        let twice = keys(&mut [(5, 1), (9, 2), (5, 3)]);
        assert_eq!(twice.err(), Some(Error::DuplicateKey { key: 5 }));
    }

    #[test]
    fn keys_do_not_choose_their_windows() {
        // Keys that fill one window of one index: in another they spread.
        let (one, other) = (keys(&mut []).unwrap(), keys(&mut []).unwrap());
        let mut all = 0..u64::MAX;
        for _ in 0..10 * WINDOW {
            let key = all.find(|&key| window(9, one.windows.hash_one(key)).start == end(8));
            for keys in [&one, &other] {
                keys.claim(key.unwrap()).unwrap().publish(1);
            }
        }
        assert!(one.places.into_inner() == end(9), "the keys are hostile to the index they suit");
        assert!(other.places.into_inner() <= end(1));
    }

    #[test]
    fn of_many_claims_for_one_key_one_wins() {
        let keys = keys(&mut []).unwrap();
        let won = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for key in 0..20_000 {
                        if let Ok(claim) = keys.claim(key) {
                            claim.publish(1);
                            won.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(won.into_inner(), 20_000);
    }
}
