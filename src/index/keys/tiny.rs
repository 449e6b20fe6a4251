//! A table of a few places and one lane, for tests and models of the protocol.

use std::sync::atomic::{AtomicU64, Ordering};

use super::claim::{Probe, Table, Taken, look, seek, settle, take};
use super::word::State;
use crate::sync::Word;

/// All keys have one sequence, one mark and one lane.
pub(super) struct Tiny<W> {
    words: Vec<W>,
    names: Vec<W>,
    lane: W,
}

impl<W: Word> Tiny<W> {
    /// Places that nobody ever took.
    pub(super) fn new(places: u32, word: impl Fn() -> W) -> Self {
        let some = || (0..places).map(|_| word()).collect();
        Self { words: some(), names: some(), lane: word() }
    }

    /// What the live table does, with all its places made.
    pub(super) fn claim(&self, key: u64) -> Option<Taken<'_, W>> {
        let probe = self.probe(key);
        if seek(self, probe).is_some() {
            return None;
        }
        let taken = take(self, probe, self.sequence(probe)).expect("there is a free place");
        settle(self, probe, &taken).then_some(taken)
    }

    /// What has a key, if anything.
    pub(super) fn find(&self, key: u64) -> Option<u32> {
        seek(self, self.probe(key)).map(|taken| taken.what())
    }

    /// Whether a published key was removed by this call.
    pub(super) fn remove(&self, key: u64) -> bool {
        seek(self, self.probe(key)).is_some_and(|taken| taken.exchange(taken.what(), 0))
    }

    /// What all places are.
    pub(super) fn states(&self) -> Vec<State> {
        (0..self.words.len() as u32).map(|place| look(self, place)).collect()
    }

    /// Whether nobody's turn is left over.
    pub(super) fn is_calm(&self) -> bool {
        self.lane.load(Ordering::Acquire) == 0
    }
}

impl<W: Word> Table for Tiny<W> {
    type Word = W;

    fn word(&self, place: u32) -> &W {
        &self.words[place as usize]
    }

    fn name(&self, place: u32) -> &W {
        &self.names[place as usize]
    }

    fn probe(&self, key: u64) -> Probe {
        Probe { key, hash: 7 << 56 }
    }

    fn sequence(&self, _probe: Probe) -> impl Iterator<Item = u32> {
        0..self.words.len() as u32
    }

    fn lane(&self, _probe: Probe) -> &W {
        &self.lane
    }
}

/// A table of the standard library's words.
pub(super) fn tiny(places: u32) -> Tiny<AtomicU64> {
    Tiny::new(places, || AtomicU64::new(0))
}
