//! Which slots are taken, and from when on their rows have codes.
//!
//! ```text
//!   Open ──begin──▶ Fitting ──adopt──▶ Filling ──finish──▶ Ready
//!                      └──give up──▶ Never
//! ```
//!
//! An index that was not built in bulk begins without codes, because there is nothing yet to fit
//! them to. Once it holds enough, one writer fits a quantiser to it; from then on each slot that
//! is taken gets a code before it is published. The slots below are encoded by whichever writer is
//! the last to be through with one of them, so nobody waits, and nobody reads a code before all
//! have one. A writer that stands still for ever keeps its index on vectors, and loses nothing.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use crate::limits::SLOTS_MAX;
use crate::quantize::Quantizer;

/// Beside the next slot: slots taken from now on get a code.
const CODED: u32 = 1 << 31;
const _: () = assert!(SLOTS_MAX < CODED);

/// Codes may come.
const OPEN: u8 = 0;
/// A writer fits them.
const FITTING: u8 = 1;
/// New slots get codes; those before have none yet.
const FILLING: u8 = 2;
/// All slots have codes.
const READY: u8 = 3;
/// No slot gets a code.
const NEVER: u8 = 4;

/// Whether the slots of a space have codes.
pub(crate) enum Coded {
    /// All of them.
    By(Quantizer),
    /// Once there are enough to fit codes to.
    Later,
    /// None.
    Never,
}

/// Hands out slots.
pub(super) struct Slots {
    /// The first slot that was never taken, and [`CODED`].
    next: AtomicU32,
    phase: AtomicU8,
    quantizer: OnceLock<Quantizer>,
    /// The first slot with a code from the start, once codes are fitted.
    first_coded: AtomicU32,
    /// Slots without one, slot 0 among them, that nobody writes any more.
    settled: AtomicU32,
}

/// A slot, and whether it gets a code.
#[derive(Clone, Copy)]
pub(super) struct Ticket {
    pub(super) slot: u32,
    pub(super) coded: bool,
}

impl Slots {
    /// The slots below `next` are taken.
    pub(super) fn new(next: u32, coded: Coded) -> Self {
        let (phase, flag, quantizer) = match coded {
            Coded::By(quantizer) => (READY, CODED, Some(quantizer)),
            Coded::Later => (OPEN, 0, None),
            Coded::Never => (NEVER, 0, None),
        };
        Self {
            next: AtomicU32::new(next | flag),
            phase: AtomicU8::new(phase),
            quantizer: quantizer.map_or_else(OnceLock::new, OnceLock::from),
            first_coded: AtomicU32::new(0),
            settled: AtomicU32::new(next),
        }
    }

    /// The first slot that was never taken.
    pub(super) fn end(&self) -> u32 {
        // Relaxed: publication of a slot, not this counter, makes its rows visible.
        self.next.load(Ordering::Relaxed) & !CODED
    }

    /// Takes the slots below `end` at once.
    pub(super) fn take_all(&mut self, end: u32) {
        let next = self.next.get_mut();
        *next = end | (*next & CODED);
        *self.settled.get_mut() = end;
    }

    /// Takes `slot` if it is the next.
    pub(super) fn take(&self, slot: u32) -> Option<Ticket> {
        // Relaxed: compared again below.
        let flag = self.next.load(Ordering::Relaxed) & CODED;
        // Acquire pairs with the release in `adopt`: who is to encode sees the quantiser.
        let (order, relaxed) = (Ordering::Acquire, Ordering::Relaxed);
        let taken = self.next.compare_exchange(slot | flag, (slot + 1) | flag, order, relaxed);
        taken.is_ok().then_some(Ticket { slot, coded: flag != 0 })
    }

    /// What encodes slots, as soon as any are.
    pub(super) fn quantizer(&self) -> Option<&Quantizer> {
        self.quantizer.get()
    }

    /// Whether every published slot has a code.
    #[inline]
    pub(super) fn are_coded(&self) -> bool {
        // Acquire pairs with the release in `finish`: the codes are there.
        self.phase.load(Ordering::Acquire) == READY
    }

    /// Leave to fit codes: to one writer that holds a slot, once.
    pub(super) fn begin(&self) -> bool {
        let relaxed = Ordering::Relaxed;
        // Relaxed: what the winner reads was published slot by slot.
        self.phase.load(relaxed) == OPEN
            && self.phase.compare_exchange(OPEN, FITTING, relaxed, relaxed).is_ok()
    }

    /// Ends what [`Self::begin`] began: there will be no codes.
    pub(super) fn give_up(&self) {
        // Relaxed: nothing was written that others must see.
        self.phase.store(NEVER, Ordering::Relaxed);
    }

    /// Ends what [`Self::begin`] began: slots taken from now on are coded.
    pub(super) fn adopt(&self, quantizer: Quantizer) {
        let is_first = self.quantizer.set(quantizer).is_ok();
        debug_assert!(is_first, "leave to fit is given once");
        // Release pairs with the acquire in `take`.
        let end = self.next.fetch_or(CODED, Ordering::Release);
        // Relaxed: seen by the last writer in `settle`, whom the caller, which holds a slot without
        // a code and has not settled it, will have told.
        self.first_coded.store(end, Ordering::Relaxed);
        self.phase.store(FILLING, Ordering::Relaxed);
    }

    /// Says that nobody writes a slot without a code any more. If it was the last of them, and the
    /// others are coded, the caller encodes `1..` the slot returned and calls [`Self::finish`].
    pub(super) fn settle(&self) -> Option<u32> {
        // AcqRel: the last to count sees what all others did before they counted, the quantiser of
        // the one that fitted it among it; until that one counts, the numbers differ.
        let settled = self.settled.fetch_add(1, Ordering::AcqRel) + 1;
        let last = self.phase.load(Ordering::Relaxed) == FILLING
            && settled == self.first_coded.load(Ordering::Relaxed);
        last.then_some(settled)
    }

    /// All slots are coded.
    pub(super) fn finish(&self) {
        // Release pairs with the acquire in `are_coded`.
        self.phase.store(READY, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Sequential;
    use crate::quantize::fit;

    fn quantizer() -> Quantizer {
        fit(2, 1, &|i| (&[[0.0], [1.0]][i], 1.0), &Sequential).quantizer
    }

    #[test]
    fn the_last_writer_without_a_code_encodes() {
        let slots = Slots::new(1, Coded::Later);
        let first = slots.take(1).unwrap();
        assert!(slots.take(1).is_none() && !first.coded);
        let second = slots.take(2).unwrap();
        assert!(slots.begin() && !slots.begin());
        slots.adopt(quantizer());
        let third = slots.take(3).unwrap();
        assert!(!second.coded && third.coded && slots.end() == 4);
        assert!(!slots.are_coded());
        assert_eq!(slots.settle(), None, "one is left");
        assert_eq!(slots.settle(), Some(3), "slot 3 has a code");
        slots.finish();
        assert!(slots.are_coded());
    }

    #[test]
    fn nobody_fits_codes_that_there_are_or_never_will_be() {
        let slots = Slots::new(1, Coded::By(quantizer()));
        assert!(slots.are_coded() && !slots.begin() && slots.take(1).unwrap().coded);
        let slots = Slots::new(5, Coded::Later);
        assert!(slots.begin());
        slots.give_up();
        assert!(!slots.are_coded() && !slots.begin() && !slots.take(5).unwrap().coded);
        assert_eq!(slots.settle(), None);
    }
}
