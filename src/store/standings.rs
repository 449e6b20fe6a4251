//! How the items of slots stand as memories.
//!
//! ```text
//!   of an item written or changed by this process    live: a box, by slot
//!   of one from a file                               saved: a row of 56 bytes, by slot
//! ```
//! An item of which nothing was said has neither, and stands as [`Standing::default`]. A word from a
//! file is checked at each use, so any bytes do no harm.

use std::sync::atomic::Ordering;

use super::boxed::Boxed;
use super::{Chunks, Pinned};
use crate::error::Result;
use crate::memory::{STANDING_BYTES, Standing};

/// Standings of an index.
pub(crate) struct Standings {
    live: Boxed<Standing>,
    /// Those of a file, and their number.
    saved: Option<(Chunks, u32)>,
}

impl Standings {
    /// With rows of [`STANDING_BYTES`] from a file: of so many slots.
    pub(crate) const fn new(saved: Option<(Chunks, u32)>) -> Self {
        Self { live: Boxed::new(), saved }
    }

    /// How the item of a slot stands, if something was said of it.
    pub(crate) fn find(&self, slot: u32) -> Option<Standing> {
        self.live.get(slot as usize).copied().or_else(|| self.saved(slot)?.ok())
    }

    /// How the item of a slot stands.
    pub(crate) fn get(&self, slot: u32) -> Standing {
        self.find(slot).unwrap_or_default()
    }

    /// What a file says of a slot.
    fn saved(&self, slot: u32) -> Option<Result<Standing>> {
        let (rows, count) = self.saved.as_ref()?;
        if slot >= *count {
            return None;
        }
        let mut bytes = [0; STANDING_BYTES];
        for (bytes, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(rows.words(slot)) {
            // Relaxed: written before the file was opened, but for what `clear` does.
            *bytes = word.load(Ordering::Relaxed).to_le_bytes();
        }
        let is_there = bytes[..8] != [0; 8];
        is_there.then(|| Ok(Standing::from_bytes(&bytes)?))
    }

    /// Changes how the item of a slot stands; whether that made a difference.
    pub(crate) fn change<R>(
        &self,
        slot: u32,
        pinned: &Pinned<'_, R>,
        change: impl Fn(&mut Standing),
    ) -> Result<bool> {
        self.live.change(slot as usize, pinned, |live| {
            let before = live.copied().unwrap_or_else(|| self.get(slot));
            let mut standing = before;
            change(&mut standing);
            Ok((standing != before).then_some(standing))
        })
    }

    /// Gives one to a slot that nobody else knows of: no link leads to it yet.
    pub(crate) fn put(&self, slot: u32, standing: Standing) -> Result<()> {
        self.clear(slot);
        let is_plain = standing == Standing::default();
        if is_plain { Ok(()) } else { self.live.put(slot as usize, standing) }
    }

    /// Takes that of a slot that nobody reads.
    pub(crate) fn clear(&self, slot: u32) {
        if let Some((rows, _)) = self.saved.as_ref().filter(|(_, count)| slot < *count) {
            rows.words(slot)[..2].iter().for_each(|word| word.store(0, Ordering::Relaxed));
        }
        self.live.clear(slot as usize);
    }

    /// Whether a slot may have one.
    pub(crate) fn are_there(&self) -> bool {
        self.saved.is_some() || self.live.is_used()
    }

    /// How sure the item of a slot is, in the steps of links.
    pub(crate) fn step(&self, slot: u32) -> u8 {
        self.get(slot).confidence.to_link()
    }

    /// What says how sure items are, unless all of them are certain.
    pub(crate) fn surety<'a>(
        &self,
        step: &'a (dyn Fn(u32) -> u8 + Sync),
    ) -> Option<&'a (dyn Fn(u32) -> u8 + Sync)> {
        self.are_there().then_some(step)
    }

    /// Bytes of memory held.
    pub(crate) fn bytes(&self) -> usize {
        self.live.bytes() + self.saved.as_ref().map_or(0, |(rows, _)| rows.bytes())
    }

    /// The first slot of a file whose bytes are no standing.
    pub(crate) fn verify(&self) -> Result<(), u32> {
        let end = self.saved.as_ref().map_or(0, |(_, count)| *count);
        let is_bad = |slot: &u32| self.saved(*slot).is_some_and(|saved| saved.is_err());
        (0..end).find(is_bad).map_or(Ok(()), Err)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::memory::retention::Trace;
    use crate::memory::scoring::Confidence;
    use crate::store::{Heap, SwapCell};

    fn standing(confidence: f32) -> Standing {
        Standing { confidence: Confidence::new(confidence).unwrap(), trace: Trace::new(7) }
    }

    #[test]
    fn come_and_go_with_their_slots() {
        let rows = Chunks::zeroed(STANDING_BYTES, 4, Arc::new(Heap)).unwrap();
        let words = |standing: Standing| {
            let bytes = standing.to_bytes();
            bytes
                .as_chunks::<4>()
                .0
                .iter()
                .map(|&word| u32::from_le_bytes(word))
                .collect::<Vec<_>>()
        };
        for (slot, saved) in [(1, standing(0.25)), (2, standing(0.5))] {
            for (word, value) in rows.words(slot).iter().zip(words(saved)) {
                word.store(value, Ordering::Relaxed);
            }
        }
        // Of the last, what a file says cannot be.
        rows.words(3)[1].store(2, Ordering::Relaxed);
        let cell = SwapCell::new(Standings::new(Some((rows, 4))));
        let table = cell.pin();
        let all = || [0, 1, 2, 3, 9].map(|slot| table.find(slot));
        assert_eq!(all(), [None, Some(standing(0.25)), Some(standing(0.5)), None, None]);
        assert_eq!(table.verify(), Err(3));
        let doubt = |to: &mut Standing| to.confidence = Confidence::new(0.125).unwrap();
        assert!(
            table.change(1, &table, doubt).unwrap() && !table.change(1, &table, doubt).unwrap()
        );
        assert!(table.change(9, &table, doubt).unwrap());
        assert_eq!((table.get(1), table.get(9).trace), (standing(0.125), Trace::default()));
        for slot in [1, 2, 9] {
            table.clear(slot);
        }
        assert_eq!(all(), [None; 5]);
        table.put(2, standing(0.75)).unwrap();
        table.put(9, Standing::default()).unwrap();
        assert_eq!((table.find(2), table.find(9)), (Some(standing(0.75)), None));
    }
}
