//! The live table: keys inserted since the index was built or opened.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::claim::{Probe, Table, Taken, Window, look, name_of, seek, settle, take};
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
/// Claims that may be decided at once. A turn takes as long as a search, so few keys share one.
const LANES: usize = 64;

/// Open addressing over segments that are never rehashed.
pub(super) struct Live {
    /// By place: what it is ([`State`](super::word::State)), and the key that named it last.
    words: Chunks,
    names: Chunks,
    places: AtomicU32,
    /// By lane: whose [`Turn`](super::word::Turn) it is.
    lanes: [AtomicU64; LANES],
    windows: RandomState,
}

impl Live {
    pub(super) fn new(allocator: &Arc<dyn Allocator>) -> Result<Self> {
        Ok(Self {
            words: Chunks::zeroed(8, 0, Arc::clone(allocator))?,
            names: Chunks::zeroed(8, 0, Arc::clone(allocator))?,
            places: AtomicU32::new(0),
            lanes: [const { AtomicU64::new(0) }; LANES],
            windows: RandomState::new(),
        })
    }

    /// The place of a key that is claimed or published.
    pub(super) fn seek(&self, key: u64) -> Option<Taken<'_, AtomicU64>> {
        seek(self, self.probe(key))
    }

    /// A claimed place for a key; `None` if another place has it.
    pub(super) fn claim(&self, key: u64) -> Result<Option<Taken<'_, AtomicU64>>> {
        let probe = self.probe(key);
        // Spares a place most of the time; whose turn it is looks again.
        if seek(self, probe).is_some() {
            return Ok(None);
        }
        for segment in 0..SEGMENTS {
            self.make(segment)?;
            if let Some(taken) = take(self, probe, self.window(segment, probe)) {
                return Ok(settle(self, probe, &taken).then_some(taken));
            }
        }
        Err(Error::Full { limit: SLOTS_MAX - 1 })
    }

    /// Keys that are claimed or published, each with what its place is.
    pub(super) fn taken(&self) -> impl Iterator<Item = (u64, u32)> {
        self.taken_from(0, u32::MAX).flatten()
    }

    /// The same for up to `count` places from one on: what each has, if anything.
    pub(super) fn taken_from(
        &self,
        place: u32,
        count: u32,
    ) -> impl Iterator<Item = Option<(u64, u32)>> {
        // Acquire as in `windows`.
        let end = self.places.load(Ordering::Acquire).min(place.saturating_add(count));
        (place..end).map(|place| {
            let (key, state) = name_of(self, place, look(self.word(place)))?;
            Some((key, state.what()))
        })
    }

    /// The first place where a key may stand.
    #[cfg(test)]
    pub(super) fn first_place(&self, key: u64) -> u32 {
        window(0, self.probe(key).hash)
    }

    /// Bytes of memory held.
    pub(super) fn bytes(&self) -> usize {
        self.words.bytes() + self.names.bytes()
    }

    fn window(&self, segment: u32, probe: Probe) -> Window<'_, AtomicU64> {
        let first = window(segment, probe.hash);
        Window { first, words: self.words.words64(first, WINDOW) }
    }

    /// Backs a segment with memory.
    fn make(&self, segment: u32) -> Result<()> {
        // Acquire pairs with the release below.
        if self.places.load(Ordering::Acquire) < end(segment) {
            let last = end(segment) - 1;
            let backed = self.words.reserve(last)?.min(self.names.reserve(last)?);
            // Release publishes the chunks; pairs with the acquire in `windows`.
            self.places.fetch_max(backed, Ordering::Release);
        }
        Ok(())
    }
}

impl Table for Live {
    type Word = AtomicU64;

    fn word(&self, place: u32) -> &AtomicU64 {
        self.words.word64(place)
    }

    fn name(&self, place: u32) -> &AtomicU64 {
        self.names.word64(place)
    }

    fn probe(&self, key: u64) -> Probe {
        Probe { key, hash: self.windows.hash_one(key) }
    }

    fn windows(&self, probe: Probe) -> impl Iterator<Item = Window<'_, AtomicU64>> {
        // Acquire pairs with the release in `make`: places below are backed.
        let places = self.places.load(Ordering::Acquire);
        let segments = (places / FIRST + 1).ilog2();
        // The last ones are the largest, so most keys stand there.
        (0..segments).rev().map(move |segment| self.window(segment, probe))
    }

    fn lane(&self, probe: Probe) -> &AtomicU64 {
        // Other bits than those that choose windows and marks.
        &self.lanes[(probe.hash >> 32) as usize % LANES]
    }
}

/// The first place of the window in one segment of keys with this hash.
fn window(segment: u32, hash: u64) -> u32 {
    let windows = (FIRST << segment) / WINDOW;
    end(segment) - (FIRST << segment) + (hash as u32 % windows) * WINDOW
}

/// One past the last place of a segment.
fn end(segment: u32) -> u32 {
    (FIRST << (segment + 1)) - FIRST
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Heap;

    fn live() -> Live {
        let heap: Arc<dyn Allocator> = Arc::new(Heap);
        Live::new(&heap).unwrap()
    }

    #[test]
    fn keys_do_not_choose_their_windows() {
        // Keys that fill one window of one index: in another they spread.
        let (one, other) = (live(), live());
        let mut all = 0..u64::MAX;
        for _ in 0..10 * WINDOW {
            let key = all.find(|&key| window(9, one.probe(key).hash) == end(8)).unwrap();
            for live in [&one, &other] {
                live.claim(key).unwrap().unwrap().set(1);
            }
        }
        assert!(one.places.into_inner() == end(9), "the keys are hostile to the index they suit");
        assert!(other.places.into_inner() <= end(1));
    }

    #[test]
    fn segments_hold_more_places_than_there_are_slots() {
        assert!(end(SEGMENTS - 1) >= SLOTS_MAX);
        assert_eq!(window(SEGMENTS - 1, u64::MAX) + WINDOW, end(SEGMENTS - 1));
        let live = live();
        for segment in 0..4 {
            let all = live.windows(live.probe(5)).map(|window| window.first);
            assert!(all.eq((0..segment).rev().map(|made| window(made, live.probe(5).hash))));
            live.make(segment).unwrap();
        }
    }
}
