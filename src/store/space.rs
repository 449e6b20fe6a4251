//! Rows with the metric, codes and kernels that give them meaning.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::slots::{Slots, Ticket};
use super::{
    Allocator, Associations, Chunks, CodeRows, Coded, Payloads, Shape, Standings, Store, Tags,
};
use crate::arch::{Kernels, narrow, widen};
use crate::distance::{Frame, Metric, Rows, check, norm};
use crate::error::{Error, Result};
use crate::exec::{Exec, for_each_item};
use crate::limits::SLOTS_MAX;
use crate::memory::Standing;
use crate::quantize::{Fidelity, Quantizer, split};
use crate::sync::Step;

/// Rows that codes blur, at most, for codes to be compared: one in so many.
const BLURRED_ROWS: u32 = 128;

/// Rows that one piece of a bulk fill writes.
const GRAIN: usize = 64;

/// The items of one index, without their graph.
pub(crate) struct Space {
    pub(crate) metric: Metric,
    pub(crate) kernels: &'static Kernels,
    pub(crate) store: Store,
    slots: Slots,
    /// Rows that codes do not tell from others.
    blurred: AtomicU32,
    /// Slots that were taken again.
    retaken: AtomicU32,
    pub(crate) tags: Tags,
    pub(crate) payloads: Payloads,
    pub(crate) standings: Standings,
    pub(crate) associations: Associations,
}

/// What an item has beside its key and vector.
#[derive(Clone, Copy)]
pub(crate) struct Description<'a> {
    pub(crate) tags: &'a [&'a str],
    pub(crate) name: &'a str,
    pub(crate) payload: &'a [u8],
    pub(crate) standing: Standing,
}

/// A slot that its holder alone knows of.
pub(crate) struct Fresh<'a> {
    space: &'a Space,
    ticket: Ticket,
    /// What was noted when the slot was given back; `None` if it was never taken.
    note: Option<u32>,
}

/// Memory reused from one written row to the next.
#[derive(Default)]
pub(crate) struct RowScratch {
    /// A vector as its row gives it back.
    kept: Vec<f32>,
    code: Vec<u8>,
    /// For products of a vector with others.
    factors: Vec<f32>,
}

impl Space {
    /// Zeroed rows for the slots `0..count`, none of them taken.
    pub(crate) fn zeroed(
        dim: usize,
        metric: Metric,
        rows: Rows,
        kernels: &'static Kernels,
        coded: Coded,
        count: u32,
        allocator: &Arc<dyn Allocator>,
    ) -> Result<Self> {
        let codes = match coded {
            Coded::Never => CodeRows::None,
            Coded::Later | Coded::By(_) => CodeRows::of(dim, rows),
        };
        let shape = Self::shape(dim, metric, rows, codes);
        let store = Store::zeroed(shape, count, allocator)?;
        let described = (Payloads::new(None), Standings::new(None));
        Ok(Self::over(metric, kernels, coded, store, 1, 0, described))
    }

    /// Rows that were stored before; slots below `next` are taken.
    pub(crate) fn over(
        metric: Metric,
        kernels: &'static Kernels,
        coded: Coded,
        store: Store,
        next: u32,
        blurred: u32,
        (payloads, standings): (Payloads, Standings),
    ) -> Self {
        let (slots, blurred) = (Slots::new(next, coded), AtomicU32::new(blurred));
        let (retaken, tags) = (AtomicU32::new(0), Tags::new());
        let associations = Associations::new();
        Self {
            metric,
            kernels,
            store,
            slots,
            blurred,
            retaken,
            tags,
            payloads,
            standings,
            associations,
        }
    }

    /// Which rows an index of this kind keeps.
    pub(crate) fn shape(dim: usize, metric: Metric, rows: Rows, codes: CodeRows) -> Shape {
        Shape {
            dim,
            rows,
            codes,
            norms: metric == Metric::Cosine,
            biases: codes != CodeRows::None && metric == Metric::InnerProduct,
        }
    }

    /// Rows that codes do not tell from others.
    pub(crate) fn blurred(&self) -> u32 {
        // Relaxed: a count that only turns codes off, whenever it is seen.
        self.blurred.load(Ordering::Relaxed)
    }

    /// Counts a row that lies outside the range of the codes, or nearer to others than they tell.
    pub(crate) fn count_blurred(&self) {
        self.blurred.fetch_add(1, Ordering::Relaxed);
    }

    /// What encodes vectors, if anything does yet.
    pub(crate) fn quantizer(&self) -> Option<&Quantizer> {
        self.slots.quantizer()
    }

    /// Whether each published slot has a code.
    pub(crate) fn are_coded(&self) -> bool {
        self.slots.are_coded()
    }

    /// The quantiser, as long as codes are worth comparing: every slot has one, and fewer than one
    /// row in [`BLURRED_ROWS`] is blurred by it, or there is nothing else.
    #[inline]
    pub(crate) fn codes(&self) -> Option<&Quantizer> {
        let usable = self.store.shape.rows == Rows::Codes || !self.has_drifted();
        self.quantizer().filter(|_| usable && self.are_coded())
    }

    /// Whether one row in [`BLURRED_ROWS`] that was written is blurred by the codes, or more.
    #[inline]
    pub(crate) fn has_drifted(&self) -> bool {
        self.blurred() > self.written() / BLURRED_ROWS
    }

    /// Rows that were written, those of slots taken again each time.
    fn written(&self) -> u32 {
        // Relaxed: a count, as `blurred`.
        self.end().saturating_add(self.retaken.load(Ordering::Relaxed))
    }

    /// The share of rows that are blurred, as a count among the slots that there are.
    pub(crate) fn blurred_of_slots(&self) -> u32 {
        let (blurred, end) = (u64::from(self.blurred()), u64::from(self.end()));
        (blurred * end / u64::from(self.written()).max(1)) as u32
    }

    /// What the vectors of rows are made of where only codes are kept.
    pub(crate) fn frame(&self) -> Option<Frame<'_>> {
        let quantizer = self.quantizer();
        let (mean, scale) = quantizer.filter(|_| self.store.shape.rows == Rows::Codes)?.parts();
        Some(Frame { mean, scale })
    }

    /// Refuses a vector (that has been checked) of which these rows would keep too little.
    pub(crate) fn admit(&self, vector: &[f32], scratch: &mut RowScratch) -> Result<()> {
        if self.store.shape.rows != Rows::Codes {
            return Ok(());
        }
        let RowScratch { code, factors, .. } = scratch;
        let length = if self.store.shape.norms { norm(self.kernels, vector, factors) } else { 1.0 };
        code.resize(vector.len(), 0);
        match self.quantizer().map(|quantizer| quantizer.encode(vector, length, code)) {
            None => Err(Error::NoCodes),
            Some(Fidelity::Clamped) => Err(Error::CodeRange),
            Some(Fidelity::Faithful) => Ok(()),
        }
    }

    /// The first slot that was never taken: every item is in `1..end`.
    pub(crate) fn end(&self) -> u32 {
        self.slots.end()
    }

    /// Takes a slot: one that was given back, or else a new one, once it is backed with memory
    /// elsewhere, by `reserve`, and here. All slots below the end are backed, also after memory was
    /// refused. Elsewhere comes first, because the capacity that this makes known is that of both.
    pub(crate) fn take(&self, reserve: impl Fn(u32) -> Result<()>) -> Result<Fresh<'_>> {
        if let Some((ticket, note)) = self.slots.take_free(|slot| self.store.keys.word64(slot)) {
            // Relaxed: as `blurred`.
            self.retaken.fetch_add(1, Ordering::Relaxed);
            return Ok(Fresh { space: self, ticket, note: Some(note) });
        }
        loop {
            let slot = self.end();
            if slot >= SLOTS_MAX {
                return Err(Error::Full { limit: SLOTS_MAX - 1 });
            }
            reserve(slot)?;
            self.store.reserve(slot)?;
            if let Some(ticket) = self.slots.take(slot) {
                return Ok(Fresh { space: self, ticket, note: None });
            }
        }
    }

    /// Gives a slot that nobody else knows of, and that has nothing yet, what an item has beside its
    /// vector.
    pub(crate) fn describe(&self, slot: u32, description: &Description<'_>) -> Result<()> {
        let &Description { tags, name, payload, standing } = description;
        for tag in tags {
            self.tags.find_or_add(tag)?.add(slot)?;
        }
        self.standings.put(slot, standing)?;
        self.payloads.put(slot, name, payload)
    }

    /// Gives a slot back that nobody reads or writes any more, with a note for who takes it next.
    pub(crate) fn give_back(&self, slot: u32, note: u32) {
        self.tags.clear(slot);
        self.payloads.clear(slot);
        self.standings.clear(slot);
        self.associations.clear(slot);
        self.slots.push(slot, note, self.store.keys.word64(slot));
    }

    /// Leaves no slot free, for the only writer to give them back anew.
    pub(crate) fn forget_free(&self) {
        self.slots.forget_free();
    }

    /// Leave to fit codes to the items: to one holder of a slot, once, where codes are to come.
    pub(crate) fn begin_codes(&self) -> bool {
        self.slots.begin()
    }

    /// Ends what [`Self::begin_codes`] began: slots taken from now on are encoded by `quantizer`,
    /// or without one, none ever is.
    pub(crate) fn end_codes(&self, quantizer: Option<Quantizer>) {
        let Some(quantizer) = quantizer else {
            self.slots.give_up();
            return self.store.give_up_codes();
        };
        self.slots.adopt(quantizer);
    }

    /// Fills the slots `1..=items.len()` at once; `items[i]` names the key and the vector of slot
    /// `i + 1`.
    pub(crate) fn fill<'a>(
        &mut self,
        count: usize,
        item: &(dyn Fn(usize) -> (u64, &'a [f32]) + Sync),
        exec: &dyn Exec,
    ) {
        assert!(count < self.store.capacity() as usize, "slots of a bulk build are backed");
        let space = &*self;
        let starts = (0..count).step_by(GRAIN);
        let ranges = starts.map(|start| start..count.min(start + GRAIN)).collect();
        for_each_item(exec, ranges, |range| {
            let mut scratch = RowScratch::default();
            for i in range {
                let (key, vector) = item(i);
                // Exclusive access to the space makes each slot fresh, and each range is handed out
                // once, whatever the host's `exec` does.
                let ticket = Ticket { slot: i as u32 + 1, coded: space.are_coded() };
                Fresh { space, ticket, note: None }.write(key, vector, &mut scratch);
            }
        });
        self.slots.take_all(count as u32 + 1);
    }

    /// Checks every row against what [`Fresh::write`] could have written; names the first slot that
    /// has a component, norm, bias or code out of range. O(n · dim), while no writer runs.
    pub(crate) fn verify(&self) -> Result<(), u32> {
        let shape = self.store.shape;
        let mut vector = Vec::new();
        let mut sound = |slot: &u32| {
            self.read_vector(*slot, &mut vector);
            let vector = shape.rows == Rows::Codes
                || check(self.metric, self.kernels, shape.dim, 0, &vector).is_ok();
            let norm = !shape.norms || (self.store.norm(*slot) > 0.0);
            vector && norm && (!self.are_coded() || self.is_code(*slot))
        };
        match (1..self.end()).find(|slot| !sound(slot)) {
            Some(slot) => Err(slot),
            None => Ok(()),
        }
    }

    /// Whether the code of a slot is one.
    fn is_code(&self, slot: u32) -> bool {
        let shape = self.store.shape;
        // Bits that no code sets.
        let excess = if shape.codes == CodeRows::Split { 0x88 } else { 0x80 };
        let plane = self.code_row(slot).split_at(self.upper_plane()).1;
        let bias = !shape.biases || self.bias(slot).is_finite();
        bias && plane.iter().all(|&code| code & excess == 0)
    }

    /// The vector of a published slot, as [`Self::read_vector`] gives it.
    pub(crate) fn vector(&self, slot: u32) -> Vec<f32> {
        let mut vector = Vec::new();
        self.read_vector(slot, &mut vector);
        vector
    }

    /// Replaces `into` by the vector of a published slot, as it was kept: of a code under cosine
    /// its direction.
    pub(crate) fn read_vector(&self, slot: u32, into: &mut Vec<f32>) {
        let Store { shape, vectors, .. } = &self.store;
        into.clear();
        match shape.rows {
            // SAFETY: rows hold `dim` floats, and published rows are not written again.
            Rows::F32 => into.extend_from_slice(unsafe { vectors.values(slot, shape.dim) }),
            Rows::F16 => {
                // SAFETY: as above, with 16-bit floats.
                let halves: &[u16] = unsafe { vectors.values(slot, shape.dim) };
                into.extend(halves.iter().map(|&half| widen(half)));
            }
            Rows::Codes => {
                let quantizer = self.quantizer().expect("items of codes have a quantiser");
                quantizer.decode(self.code_row(slot), into);
            }
        }
    }

    /// The table that items are ranked on.
    #[inline(always)]
    pub(crate) fn ranked(&self) -> &Chunks {
        let Store { shape, vectors, codes, .. } = &self.store;
        if shape.rows == Rows::Codes { codes } else { vectors }
    }

    /// The code of a published slot, a byte a component, in the memory given.
    #[inline]
    pub(crate) fn code(&self, slot: u32, code: &mut Vec<u8>) {
        let row = self.code_row(slot);
        code.resize(row.len(), 0);
        match self.store.shape.codes {
            CodeRows::Split => split::join(row, code),
            _ => code.copy_from_slice(row),
        }
    }

    /// The row of a published slot's code.
    #[inline(always)]
    pub(super) fn code_row(&self, slot: u32) -> &[u8] {
        // SAFETY: code rows hold `code_stride` bytes, and published rows are not written again.
        unsafe { self.store.codes.values(slot, self.store.shape.code_stride()) }
    }

    /// Bytes of the plane of a code row in which every value is a code's.
    fn upper_plane(&self) -> usize {
        let shape = self.store.shape;
        if shape.codes == CodeRows::Split { shape.code_stride() / 2 } else { 0 }
    }

    /// Writes the code of a slot's vector, which nobody reads yet, and what hangs by it.
    fn encode(&self, slot: u32, vector: &[f32], length: f32, scratch: &mut RowScratch) {
        let store = &self.store;
        let RowScratch { kept, code, factors } = scratch;
        let Some(quantizer) = self.quantizer() else { return };
        code.resize(store.shape.code_stride(), 0);
        if quantizer.encode(vector, length, code) == Fidelity::Clamped {
            self.count_blurred();
        }
        // SAFETY: the slot is fresh, or codes are not read yet and the caller alone writes those of
        // slots that have none; the row is backed and holds `code_stride` bytes.
        let row = unsafe { store.codes.values_mut(slot, code.len()) };
        match store.shape.codes {
            CodeRows::Split => split::split(code, row),
            _ => row.copy_from_slice(code),
        }
        // Relaxed stores: released with the slot, or by `Slots::finish`.
        if store.shape.rows == Rows::Codes && store.shape.norms {
            quantizer.decode(code, kept);
            // A code of nothing is as far from all: not divided by zero.
            let length = norm(self.kernels, kept, factors).max(f32::MIN_POSITIVE);
            store.norms.word(slot).store(length.to_bits(), Ordering::Relaxed);
        }
        if store.shape.biases {
            let bias = quantizer.bias(self.kernels, code, factors);
            store.biases.word(slot).store(bias.to_bits(), Ordering::Relaxed);
        }
    }

    /// The code of a query's component in the padding of a row.
    pub(crate) fn code_padding(&self) -> u8 {
        if self.store.shape.codes == CodeRows::Split { 4 } else { 0 }
    }

    /// The part of an inner product that depends on the slot alone.
    #[inline(always)]
    pub(crate) fn bias(&self, slot: u32) -> f32 {
        // Relaxed: ordered by the slot's publication.
        f32::from_bits(self.store.biases.word(slot).load(Ordering::Relaxed))
    }

    /// The key of a published slot.
    #[inline(always)]
    pub(crate) fn key(&self, slot: u32) -> u64 {
        // Relaxed: ordered by the slot's publication.
        self.store.keys.word64(slot).load(Ordering::Relaxed)
    }
}

impl Fresh<'_> {
    /// The slot.
    pub(crate) fn slot(&self) -> u32 {
        self.ticket.slot
    }

    /// What was noted when the slot was given back; `None` if it was never taken.
    pub(crate) fn note(&self) -> Option<u32> {
        self.note
    }

    /// Fills the rows of the slot, for the holder to publish.
    pub(crate) fn write(&self, key: u64, vector: &[f32], scratch: &mut RowScratch) {
        let Self { space, ticket: Ticket { slot, coded }, .. } = *self;
        let store = &space.store;
        assert_eq!(vector.len(), store.shape.dim, "vectors are checked before a slot is taken");
        // Relaxed stores throughout: the slot's publication releases them to its readers.
        store.keys.word64(slot).store(key, Ordering::Relaxed);
        let mut kept = std::mem::take(&mut scratch.kept);
        // All else is computed from what is kept, as it would be if the index were opened again.
        let vector = match store.shape.rows {
            Rows::F32 => {
                // SAFETY: the slot is fresh: taken once, backed, unpublished; its row holds `dim`
                // floats.
                unsafe { store.vectors.values_mut(slot, vector.len()) }.copy_from_slice(vector);
                vector
            }
            Rows::F16 => {
                // SAFETY: as above, with 16-bit floats.
                let row = unsafe { store.vectors.values_mut(slot, vector.len()) };
                row.iter_mut().zip(vector).for_each(|(half, &x)| *half = narrow(x));
                kept.clear();
                kept.extend(row.iter().map(|&half| widen(half)));
                kept.as_slice()
            }
            Rows::Codes => vector,
        };
        let mut length = 1.0;
        if store.shape.norms {
            length = norm(space.kernels, vector, &mut scratch.factors);
            store.norms.word(slot).store(length.to_bits(), Ordering::Relaxed);
        }
        if coded {
            space.encode(slot, vector, length, scratch);
        }
        scratch.kept = kept;
    }

    /// Gives the slot what its item has beside the vector. What fails midway is taken away when the
    /// slot is given back.
    pub(crate) fn describe(&self, description: &Description<'_>) -> Result<()> {
        self.space.describe(self.slot(), description)
    }

    /// Says that its holder is through with the slot, whether it was published or not; the last one
    /// without a code encodes those that are items.
    pub(crate) fn settle(self, is_item: impl Fn(u32) -> bool) {
        let Self { space, ticket, .. } = self;
        if ticket.coded {
            return;
        }
        if let Some(end) = space.slots.settle() {
            Step::LastSettled.done();
            let (mut vector, mut scratch) = (Vec::new(), RowScratch::default());
            for slot in (1..end).filter(|&slot| is_item(slot)) {
                space.read_vector(slot, &mut vector);
                let length = if space.store.shape.norms { space.store.norm(slot) } else { 1.0 };
                space.encode(slot, &vector, length, &mut scratch);
            }
            Step::Encoded.done();
            space.slots.finish();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;
    use crate::arch::detected;
    use crate::store::Heap;

    fn space(rows: u32) -> Space {
        let heap: Arc<dyn Allocator> = Arc::new(Heap);
        Space::zeroed(3, Metric::L2, Rows::F32, detected(), Coded::Never, rows, &heap).unwrap()
    }

    #[test]
    fn a_slot_is_known_once_it_is_backed_everywhere() {
        let space = space(1);
        let refused = Error::OutOfMemory { bytes: 1 };
        assert_eq!(space.take(|_| Err(refused.clone())).err(), Some(refused));
        assert_eq!((space.store.capacity(), space.end()), (1, 1));
        let fresh = space.take(|slot| {
            assert!(space.store.capacity() <= slot, "backed elsewhere first");
            Ok(())
        });
        assert_eq!(fresh.unwrap().slot(), 1);
        assert!(space.store.capacity() > 1);
    }

    /// Calls for everything twice, on two threads at once.
    struct Twice;

    impl Exec for Twice {
        fn for_each(&self, count: usize, _: usize, work: &(dyn Fn(Range<usize>) + Sync)) {
            std::thread::scope(|scope| {
                scope.spawn(|| work(0..count));
                scope.spawn(|| work(0..count));
            });
        }

        fn width(&self) -> usize {
            2
        }
    }

    #[test]
    fn each_row_is_filled_once_whatever_the_exec_does() {
        let count = 1000;
        let mut space = space(count as u32 + 1);
        let written: Vec<AtomicU32> = (0..count).map(|_| AtomicU32::new(0)).collect();
        let item = |i: usize| {
            written[i].fetch_add(1, Ordering::Relaxed);
            (i as u64, &[1.0, 2.0, 3.0][..])
        };
        space.fill(count, &item, &Twice);
        assert!(written.iter().all(|times| times.load(Ordering::Relaxed) == 1));
        assert!((1..=count as u32).all(|slot| space.key(slot) == u64::from(slot) - 1));
    }
}
