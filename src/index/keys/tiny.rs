//! A table of a few places and one lane, for tests and models of the protocol.

use std::sync::atomic::{AtomicU64, Ordering};

use super::claim::{Probe, Table, Taken, Window, look, seek, settle, take};
use super::word::State;
use crate::sync::Word;

/// All keys have one window, one mark and one lane.
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
        let taken = take(self, probe, self.all()).expect("there is a free place");
        settle(self, probe, &taken).then_some(taken)
    }

    /// What has a key, if anything.
    pub(super) fn find(&self, key: u64) -> Option<u32> {
        seek(self, self.probe(key)).map(|taken| taken.what())
    }

    /// Makes the place of a key something else; whether this call did.
    pub(super) fn change(&self, key: u64, what: u32) -> bool {
        seek(self, self.probe(key)).is_some_and(|taken| taken.exchange(taken.what(), what))
    }

    /// Begins a claim, and stops when it is in turn.
    pub(super) fn stand_still(&self, key: u64) -> Taken<'_, W> {
        let taken = take(self, self.probe(key), self.all()).expect("there is a free place");
        self.lane.exchange(0, taken.turn().bits()).expect("it is nobody's turn");
        taken
    }

    /// Its one window.
    pub(super) fn all(&self) -> Window<'_, W> {
        Window { first: 0, words: &self.words }
    }

    /// What all places are.
    pub(super) fn states(&self) -> Vec<State> {
        self.words.iter().map(look).collect()
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

    fn windows(&self, _probe: Probe) -> impl Iterator<Item = Window<'_, W>> {
        [self.all()].into_iter()
    }

    fn lane(&self, _probe: Probe) -> &W {
        &self.lane
    }
}

/// A table of the standard library's words.
pub(super) fn tiny(places: u32) -> Tiny<AtomicU64> {
    Tiny::new(places, || AtomicU64::new(0))
}
