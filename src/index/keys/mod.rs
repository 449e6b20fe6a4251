//! From user keys to slots, for any number of writers, without a wait.
//!
//! ```text
//!   built or opened   keys in order beside their slots: binary search, one place a key
//!   inserted since    open addressing over segments that double and are never rehashed
//!
//!   mod     the table: find, claim, locate
//!    ├─ live    the second part: segments, windows and lanes
//!    ├─ claim   its protocol: seek, take, settle, for any two kinds of atomic words
//!    └─ word    its words: what a place is, whose turn a lane is
//! ```
//!
//! A key's probe sequence in the second part is fixed: a short window in segment 0, then one in
//! segment 1, and so on. It stands at any one place of the sequence. When it is removed, its place
//! is free for whatever key comes next, so memory follows the most keys there ever were at once.
//!
//! Which windows are a key's is random for each index: full windows make further segments, so who
//! chooses keys must not choose windows. (Randomness comes from the standard library, which has
//! little of it on `wasm32-unknown-unknown`; there a page would exhaust its own memory only.)
//!
//! # Invariants
//! - A key has one place at most, and nobody is refused a key that nobody has. In the first part
//!   one word decides; the second part needs the protocol of `claim`.
//! - The word of a key's place is where its changes take effect: insert by [`Claim::publish`],
//!   update by [`Located::replace`], delete by [`Located::remove`].
//! - A look-up reads each place of one sequence once and repeats nothing. It finds each key that
//!   stood at one place while it looked, and never another key's slot.
//! - What a place was is exchanged for what it shall be. A slot cannot leave a place and return to
//!   it in between: the caller is pinned, and a slot is used again only after everybody who was
//!   pinned when it was given up has gone.
//!
//! Absent on purpose: shrinking, and moving keys to the first part (a build or a file does both).

mod claim;
mod live;
#[cfg(all(test, loom))]
mod loom_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tiny;
mod word;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::store::{Allocator, Chunks};
use claim::Taken;
use live::Live;
use word::{CLAIMED, FREE, is_slot};

/// Places that [`Keys::some_from`] looks at.
const PIECE: u32 = 1024;

/// The keys of one index.
pub(crate) struct Keys {
    /// Sorted keys and, at the same places, what these are: a slot, claimed or free.
    pub(crate) sorted: Chunks,
    pub(crate) sorted_slots: Chunks,
    sorted_len: u32,
    live: Live,
}

/// The place of a key.
enum Place<'a> {
    Sorted(&'a AtomicU32),
    Live(Taken<'a, AtomicU64>),
}

impl Place<'_> {
    fn exchange(&self, old: u32, new: u32) -> bool {
        match self {
            // Release: as in `set`. Acquire: what was done with the key before has happened.
            Self::Sorted(word) => {
                word.compare_exchange(old, new, Ordering::AcqRel, Ordering::Relaxed).is_ok()
            }
            Self::Live(taken) => taken.exchange(old, new),
        }
    }

    /// Ends a claim.
    fn set(&self, what: u32) {
        match self {
            // Release pairs with the acquire in `sorted_at`: the slot's rows are visible.
            Self::Sorted(word) => word.store(what, Ordering::Release),
            Self::Live(taken) => taken.set(what),
        }
    }
}

/// A key that is taken but not published; publishing cannot fail. Dropped, it gives the key back.
#[must_use]
pub(crate) struct Claim<'a>(Place<'a>);

impl Claim<'_> {
    /// Makes the key findable.
    pub(crate) fn publish(self, slot: u32) {
        debug_assert!(is_slot(slot));
        self.0.set(slot);
        // It has ended.
        std::mem::forget(self);
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.0.set(FREE);
    }
}

/// A published key, to be changed by a caller who was pinned when it was located and still is.
pub(crate) struct Located<'a> {
    /// The slot of the key when it was located.
    pub(crate) slot: u32,
    place: Place<'a>,
}

impl Located<'_> {
    /// Gives the key another slot at once; false if its slot is no longer [`Self::slot`].
    pub(crate) fn replace(&self, new: u32) -> bool {
        debug_assert!(is_slot(new));
        self.place.exchange(self.slot, new)
    }

    /// Takes the key away at once; false if its slot is no longer [`Self::slot`].
    pub(crate) fn remove(&self) -> bool {
        self.place.exchange(self.slot, FREE)
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
        let live = Live::new(allocator)?;
        Ok(Self { sorted, sorted_slots, sorted_len: len, live })
    }

    /// The slot of a published key. Wait-free. O(log n).
    pub(crate) fn find(&self, key: u64) -> Option<u32> {
        self.locate(key).map(|located| located.slot)
    }

    /// A published key, to be changed. Wait-free. O(log n).
    pub(crate) fn locate(&self, key: u64) -> Option<Located<'_>> {
        let (slot, place) = if let Some(place) = self.sorted_place(key) {
            (self.sorted_at(place).1, Place::Sorted(self.sorted_slots.word(place)))
        } else {
            let taken = self.live.seek(key)?;
            (taken.what(), Place::Live(taken))
        };
        is_slot(slot).then_some(Located { slot, place })
    }

    /// Takes a key for an item. Lock-free; a claim whose thread stands still delays no other.
    ///
    /// # Errors
    /// [`Error::DuplicateKey`] while the key is published or somebody holds a claim of it;
    /// [`Error::Full`] and [`Error::OutOfMemory`] where there is no place.
    pub(crate) fn claim(&self, key: u64) -> Result<Claim<'_>> {
        let place = if let Some(place) = self.sorted_place(key) {
            let place = Place::Sorted(self.sorted_slots.word(place));
            place.exchange(FREE, CLAIMED).then_some(place)
        } else {
            self.live.claim(key)?.map(Place::Live)
        };
        place.map(Claim).ok_or(Error::DuplicateKey { key })
    }

    /// All published pairs in the order of keys, while no writer runs. (Beside writers each pair
    /// was published at some instant, but a key that is removed and comes back may stand twice.)
    pub(crate) fn pairs(&self) -> Vec<(u64, u32)> {
        let sorted = (0..self.sorted_len).map(|place| self.sorted_at(place));
        let all = sorted.chain(self.live.taken());
        let mut pairs: Vec<_> = all.filter(|&(_, what)| is_slot(what)).collect();
        pairs.sort_unstable();
        pairs
    }

    /// The keys published at some of the places from `place` on, and where to go on; `None` at the
    /// end. A key that stays stands at one place, so that who goes through all meets it once.
    pub(crate) fn some_from(&self, place: u32, into: &mut Vec<u64>) -> Option<u32> {
        let end = place.saturating_add(PIECE);
        let published = |(key, what): (u64, u32)| is_slot(what).then_some(key);
        if place < self.sorted_len {
            let end = end.min(self.sorted_len);
            into.extend((place..end).filter_map(|place| published(self.sorted_at(place))));
            return Some(end);
        }
        let first = place - self.sorted_len;
        let mut met = 0;
        let taken = self.live.taken_from(first, PIECE).inspect(|_| met += 1);
        into.extend(taken.flatten().filter_map(published));
        (met > 0).then_some(place + met)
    }

    /// Bytes of memory held.
    pub(crate) fn bytes(&self) -> usize {
        self.sorted.bytes() + self.sorted_slots.bytes() + self.live.bytes()
    }

    /// A sorted key and what its place is.
    fn sorted_at(&self, place: u32) -> (u64, u32) {
        // Acquire pairs with the release in `Place`: the slot's rows are visible.
        (self.sorted_key(place), self.sorted_slots.word(place).load(Ordering::Acquire))
    }

    fn sorted_key(&self, place: u32) -> u64 {
        // Relaxed: written before the table was published, or mapped.
        self.sorted.word64(place).load(Ordering::Relaxed)
    }

    /// The place of a key that was built or opened, whatever became of it.
    fn sorted_place(&self, key: u64) -> Option<u32> {
        let (mut low, mut high) = (0, self.sorted_len);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.sorted_key(middle).cmp(&key) {
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }
}
