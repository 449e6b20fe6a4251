//! Which slots are taken, and from when on their rows have codes.
//!
//! ```text
//!   Open ──begin──▶ Fitting ──adopt──▶ new slots get codes ──the last without is through──▶ Ready
//!                      └──give up──▶ Never
//! ```
//!
//! An index that was not built in bulk begins without codes, because there is nothing yet to fit
//! them to. Once it holds enough, one writer fits a quantiser to it; from then on each slot that
//! is taken gets a code before it is published. The slots below are encoded by whichever writer is
//! the last to be through with one of them, so nobody waits, and nobody reads a code before all
//! have one. A writer that stands still for ever keeps its index on vectors, and loses nothing.
//!
//! Slots that are free again are kept in a stack (Treiber 1986), linked through the rows they name.
//! Each change of its head carries a new number, so that who read it before fails.

use std::sync::OnceLock;

use crate::quantize::Quantizer;
use crate::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use crate::sync::{Step, Word};

/// In the head word: slots taken from now on get a code.
const CODED: u64 = 1 << 63;
/// In the head word: one writer that holds a slot without a code.
const PENDING: u64 = 1 << 32;

/// Codes may come.
const OPEN: u8 = 0;
/// A writer fits them, or those before it are being encoded.
const FITTING: u8 = 1;
/// All slots have codes.
const READY: u8 = 2;
/// No slot gets a code.
const NEVER: u8 = 3;

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
    /// coded 1 | writers with a slot without a code 31 | the first slot that was never taken 32
    head: AtomicU64,
    phase: AtomicU8,
    quantizer: OnceLock<Quantizer>,
    /// The first slot with a code from the start, once codes are fitted.
    first_coded: AtomicU32,
    /// number 32 | the free slot on top 32 (0: none)
    free: AtomicU64,
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
            head: AtomicU64::new(u64::from(next) | flag),
            phase: AtomicU8::new(phase),
            quantizer: quantizer.map_or_else(OnceLock::new, OnceLock::from),
            first_coded: AtomicU32::new(0),
            free: AtomicU64::new(0),
        }
    }

    /// The first slot that was never taken.
    pub(super) fn end(&self) -> u32 {
        // Relaxed: publication of a slot, not this counter, makes its rows visible.
        self.head.load(Ordering::Relaxed) as u32
    }

    /// Takes the slots below `end` at once.
    pub(super) fn take_all(&mut self, end: u32) {
        // Relaxed: the caller is alone.
        let coded = self.head.load(Ordering::Relaxed) & CODED;
        self.head.store(u64::from(end) | coded, Ordering::Relaxed);
    }

    /// Takes `slot` if it is the first that was never taken.
    pub(super) fn take(&self, slot: u32) -> Option<Ticket> {
        self.enter(|head| (head as u32 == slot).then_some(1)).map(|coded| Ticket { slot, coded })
    }

    /// Takes a slot that [`Self::push`] made free, and what was noted with it. `word` is the word of
    /// a slot that links it to the one below it on the stack.
    ///
    /// None while codes are being written: those of the slots below are then another's to write.
    pub(super) fn take_free<'a, W: Word + 'a>(
        &self,
        word: impl Fn(u32) -> &'a W,
    ) -> Option<(Ticket, u32)> {
        // Acquire pairs with the release in `push`: the slot's rows are as they were left.
        let mut free = self.free.load(Ordering::Acquire);
        let (slot, note) = loop {
            let slot = free as u32;
            if slot == 0 {
                return None;
            }
            // Relaxed: of a slot that another took meanwhile, anything; the exchange fails then.
            let seen = word(slot).load(Ordering::Relaxed);
            let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
            let below = numbered(free, seen as u32);
            match self.free.compare_exchange_weak(free, below, success, failure) {
                Ok(_) => break (slot, (seen >> 32) as u32),
                Err(found) => free = found,
            }
        };
        Step::FreeTaken.done();
        let ready = self.are_coded();
        let coded = self.enter(|head| (head & CODED == 0 || ready).then_some(0));
        if coded.is_none() {
            self.push(slot, note, word(slot));
        }
        coded.map(|coded| (Ticket { slot, coded }, note))
    }

    /// Makes a slot that nobody reads or writes free. Its `word` links it to the one below it, beside
    /// a note.
    pub(super) fn push(&self, slot: u32, note: u32, word: &(impl Word + ?Sized)) {
        let mut free = self.free.load(Ordering::Relaxed);
        loop {
            let below = u64::from(note) << 32 | free & u64::from(u32::MAX);
            // Relaxed: released by the exchange.
            word.store(below, Ordering::Relaxed);
            Step::FreeLinked.done();
            let (success, failure) = (Ordering::Release, Ordering::Relaxed);
            // Release pairs with the acquire in `take_free`.
            match self.free.compare_exchange_weak(free, numbered(free, slot), success, failure) {
                Ok(_) => return,
                Err(found) => free = found,
            }
        }
    }

    /// Leaves no slot free. For the only writer, who pushes them again.
    pub(super) fn forget_free(&self) {
        // Relaxed: no other writer runs, and those that come later see it by the gate.
        let free = self.free.load(Ordering::Relaxed);
        self.free.store(numbered(free, 0), Ordering::Relaxed);
    }

    /// Counts a writer that takes a slot, by how far that moves the end; says whether the slot gets
    /// a code.
    fn enter(&self, may: impl Fn(u64) -> Option<u64>) -> Option<bool> {
        let step = |head| {
            let pending = if head & CODED == 0 { PENDING } else { 0 };
            may(head).map(|taken| head + taken + pending)
        };
        // Acquire pairs with the release in `adopt`: who is to encode sees the quantiser.
        let (order, relaxed) = (Ordering::Acquire, Ordering::Relaxed);
        let head = self.head.fetch_update(order, relaxed, step).ok()?;
        Some(head & CODED != 0)
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
        // Release pairs with the acquire in `enter`.
        let head = self.head.fetch_or(CODED, Ordering::Release);
        // Relaxed: seen by the last writer in `settle`, whom the caller, which holds a slot without
        // a code and has not settled it, will have told.
        self.first_coded.store(head as u32, Ordering::Relaxed);
        Step::CodesAdopted.done();
    }

    /// Says that the holder of a slot without a code is through with it. If it was the last of
    /// them, and the others are coded, the caller encodes `1..` the slot returned and calls
    /// [`Self::finish`].
    pub(super) fn settle(&self) -> Option<u32> {
        // AcqRel: the last to leave sees what all others did before they left, the one that fitted
        // the quantiser among them.
        let head = self.head.fetch_sub(PENDING, Ordering::AcqRel) - PENDING;
        let last = head & CODED != 0 && head & !CODED < PENDING;
        last.then(|| self.first_coded.load(Ordering::Relaxed))
    }

    /// All slots are coded.
    pub(super) fn finish(&self) {
        // Release pairs with the acquire in `are_coded`.
        self.phase.store(READY, Ordering::Release);
    }
}

/// The head of a stack after `head`, with `slot` on top.
fn numbered(head: u64, slot: u32) -> u64 {
    ((head >> 32) + 1) << 32 | u64::from(slot)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::exec::Sequential;
    use crate::quantize::fit;
    use crate::store::{Chunks, Heap};

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

    #[test]
    fn free_slots_are_taken_again_but_not_while_codes_are_written() {
        let rows = Chunks::zeroed(8, 8, Arc::new(Heap)).unwrap();
        let slots = Slots::new(8, Coded::Later);
        for (slot, note) in [(3, 33), (5, 55), (2, 22)] {
            slots.push(slot, note, rows.word64(slot));
        }
        let take =
            || slots.take_free(|slot| rows.word64(slot)).map(|(t, note)| (t.slot, t.coded, note));
        assert_eq!(take(), Some((2, false, 22)));
        assert!(slots.begin());
        slots.adopt(quantizer());
        assert_eq!(take(), None, "slot 5 is about to be encoded");
        assert_eq!(slots.settle(), Some(8));
        slots.finish();
        assert_eq!([(); 3].map(|()| take()), [Some((5, true, 55)), Some((3, true, 33)), None]);
    }

    #[test]
    fn no_free_slot_is_taken_twice() {
        let rows = Chunks::zeroed(8, 9, Arc::new(Heap)).unwrap();
        let slots = Slots::new(9, Coded::Never);
        let holders: [AtomicU32; 9] = Default::default();
        (1..9).for_each(|slot| slots.push(slot, 0, rows.word64(slot)));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        let Some((Ticket { slot, .. }, _)) =
                            slots.take_free(|slot| rows.word64(slot))
                        else {
                            continue;
                        };
                        let holder = &holders[slot as usize];
                        assert_eq!(holder.fetch_add(1, Ordering::Relaxed), 0);
                        rows.word64(slot).store(u64::MAX, Ordering::Relaxed);
                        holder.fetch_sub(1, Ordering::Relaxed);
                        slots.push(slot, 0, rows.word64(slot));
                    }
                });
            }
        });
        assert_eq!(
            (0..9).filter(|_| slots.take_free(|slot| rows.word64(slot)).is_some()).count(),
            8
        );
    }
}
