//! A query, or an item in the role of one, in the form the traversal compares.

use crate::arch::{PREFETCHES, prefetch};
use crate::distance::{Metric, Query, from_f32, from_i32, to_i32};
use crate::quantize::{Fidelity, ORIGIN, encode_signed};
use crate::store::{ALIGN, BLOCK, Chunks, Space};

/// Scores slots against one query. Kept in scratch memory and set again for each query.
///
/// | rows  | query (any metric)              | item (build: both sides are codes)          |
/// |-------|---------------------------------|---------------------------------------------|
/// | f32   | exact distance                  | exact distance                              |
/// | codes | signed query · code; l2: codes  | squared difference; ip: product with biases |
/// | split | as codes, on the upper halves   | as codes; skimmed: its code · upper halves  |
///
/// Ordinals of one form are comparable with each other: all of a query's, and all of all items'.
/// Items compare symmetrically: `d(a, b)` and `d(b, a)` have the same bits.
pub(crate) struct Probe {
    form: Form,
    exact: Query,
    /// The item's vector, where items are compared by theirs.
    item: Vec<f32>,
    signed: Vec<i8>,
    code: Vec<u8>,
    /// The slot of an item.
    slot: u32,
    /// `Σ (qᵢ − 64)` of an item under inner product.
    sum: i32,
    /// The item's own bias under inner product.
    bias: f32,
    /// What one unit of a query's ordinals on codes is as a distance.
    step: f32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Exact,
    /// A query, signed.
    Signed,
    /// A query's code.
    Code,
    /// An item's code.
    Item,
    Product,
    /// An item's code, against upper halves.
    Upper,
}

impl Probe {
    pub(crate) fn new(space: &Space) -> Self {
        Self {
            form: Form::Exact,
            exact: Query::new(space.metric, space.kernels),
            item: Vec::new(),
            signed: Vec::new(),
            code: Vec::new(),
            slot: 0,
            sum: 0,
            bias: 0.0,
            step: 0.0,
        }
    }

    /// Takes a query that has been checked.
    pub(crate) fn set_query(&mut self, space: &Space, query: &[f32]) {
        self.exact.set(query, space.frame());
        self.form = Form::Exact;
        let Some(quantizer) = space.codes() else { return };
        let stride = space.store.shape.code_stride();
        let (_, scale) = quantizer.parts();
        if space.metric == Metric::L2 {
            self.code.resize(stride, 0);
            // A query outside the range of the codes is compared with vectors.
            if quantizer.encode(query, 1.0, &mut self.code) == Fidelity::Faithful {
                self.form = Form::Code;
                self.step = scale * scale;
                // The padding of a split row reads as the middle of the lowest upper half.
                self.code[query.len()..].fill(space.code_padding());
            }
        } else {
            self.form = Form::Signed;
            self.signed.resize(stride, 0);
            let unit = encode_signed(self.exact.vector(), &mut self.signed);
            self.step = unit / self.exact.length() * scale * space.traversed_step();
        }
    }

    /// Takes the item of a written slot. Full-precision ranking is not available afterwards on
    /// codes: builds compare codes with codes only. Whoever compares several items with each other
    /// decides once whether that is on codes, since others may turn them on or off meanwhile.
    pub(crate) fn set_item(&mut self, space: &Space, slot: u32, on_codes: bool) {
        if !on_codes {
            self.form = Form::Exact;
            space.read_vector(slot, &mut self.item);
            self.exact.set(&self.item, None);
            return;
        }
        self.form = Form::Item;
        self.slot = slot;
        if space.metric == Metric::InnerProduct {
            self.form = Form::Product;
            space.code(slot, &mut self.code);
            let (code, padding) = self.code.split_at(space.store.shape.dim);
            self.signed.clear();
            self.signed.extend(code.iter().map(|&c| (i32::from(c) - ORIGIN) as i8));
            self.signed.extend(padding.iter().map(|_| 0));
            self.sum = self.signed.iter().map(|&q| i32::from(q)).sum();
            self.bias = space.bias(slot);
        }
    }

    /// Compares the item that is set with what a query's traversal reads of others, if that is less
    /// than their codes and says as much (not products: their biases are those of whole codes).
    pub(crate) fn skim(&mut self, space: &Space) {
        if self.form == Form::Item && space.traversed_step() > 1.0 {
            self.form = Form::Upper;
            space.code(self.slot, &mut self.code);
            let dim = space.store.shape.dim;
            self.code[dim..].fill(space.code_padding());
        }
    }

    /// Compares the item with whole codes again; false if it was all along.
    pub(crate) fn heed(&mut self) -> bool {
        let skimmed = self.form == Form::Upper;
        if skimmed {
            self.form = Form::Item;
        }
        skimmed
    }

    /// Whether ordinals are squared differences of an item's code and others.
    pub(crate) fn is_item(&self) -> bool {
        self.form == Form::Item
    }

    /// Whether ordinals are those of full vectors.
    pub(crate) fn is_exact(&self) -> bool {
        self.form == Form::Exact
    }

    /// How far a query's ordinal on codes is, as a distance less a constant of the query.
    pub(crate) fn estimate(&self, ordinal: u32) -> f32 {
        let units = if self.form == Form::Code { ordinal as f32 } else { to_i32(ordinal) as f32 };
        self.step * units
    }

    /// Ordinals of `slots`, in the order given.
    #[cfg_attr(ecphory_compact, optimize(speed))]
    pub(crate) fn score(&self, space: &Space, slots: &[u32], out: &mut [u32]) {
        for (slots, out) in slots.chunks(BLOCK).zip(out.chunks_mut(BLOCK)) {
            match self.form {
                Form::Exact => self.score_vectors(space, slots, out),
                _ => self.score_codes(space, slots, out),
            }
        }
    }

    /// What [`Self::score`] will read.
    #[inline(always)]
    pub(crate) fn reads<'a>(&self, space: &'a Space) -> Reads<'a> {
        let codes = &space.store.codes;
        match self.form {
            Form::Exact => Reads::vectors(space),
            Form::Signed | Form::Code | Form::Upper => Reads::new(codes, space.traversed_bytes()),
            Form::Item | Form::Product => Reads::new(codes, codes.stride()),
        }
    }

    /// The ordinal of one slot.
    pub(crate) fn score_one(&self, space: &Space, slot: u32) -> u32 {
        let mut ordinal = [0];
        self.score(space, &[slot], &mut ordinal);
        ordinal[0]
    }

    /// Ordinals of `slots` on full vectors, whatever the traversal reads.
    #[cfg_attr(ecphory_compact, optimize(speed))]
    pub(crate) fn score_exact(&self, space: &Space, slots: &[u32], out: &mut [u32]) {
        for (slots, out) in slots.chunks(BLOCK).zip(out.chunks_mut(BLOCK)) {
            self.score_vectors(space, slots, out);
        }
    }

    #[cfg_attr(ecphory_compact, optimize(speed))]
    fn score_vectors(&self, space: &Space, slots: &[u32], out: &mut [u32]) {
        let mut sums = [0.0; BLOCK];
        let sums = &mut sums[..slots.len()];
        space.sum_vectors(self.exact.vector(), slots, sums);
        self.exact.finish(sums, |i| space.store.norm(slots[i]));
        out.iter_mut().zip(sums).for_each(|(out, distance)| *out = from_f32(*distance));
    }

    #[cfg_attr(ecphory_compact, optimize(speed))]
    fn score_codes(&self, space: &Space, slots: &[u32], out: &mut [u32]) {
        let mut sums = [0; BLOCK];
        let sums = &mut sums[..slots.len()];
        match self.form {
            Form::Exact | Form::Signed => space.traverse_dot(&self.signed, slots, sums),
            Form::Code | Form::Upper => space.traverse_l2(&self.code, slots, sums),
            Form::Item => space.l2_codes(self.slot, slots, sums),
            Form::Product => space.dot_codes(&self.signed, slots, sums),
        }
        match self.form {
            // A larger product is nearer.
            Form::Exact | Form::Signed => {
                out.iter_mut().zip(sums).for_each(|(out, sum)| *out = !from_i32(*sum));
            }
            Form::Code | Form::Item | Form::Upper => {
                out.iter_mut().zip(sums).for_each(|(out, sum)| *out = *sum as u32);
            }
            Form::Product => self.finish_products(space, slots, sums, out),
        }
    }

    #[cfg_attr(ecphory_compact, optimize(speed))]
    fn finish_products(&self, space: &Space, slots: &[u32], sums: &[i32], out: &mut [u32]) {
        let scale = space.quantizer().map_or(1.0, |quantizer| quantizer.parts().1);
        for ((out, sum), &slot) in out.iter_mut().zip(sums).zip(slots) {
            let product = (*sum - ORIGIN * self.sum) as f32 * (scale * scale);
            *out = from_f32(0.0 - (product + (self.bias + space.bias(slot))));
        }
    }
}

/// The bytes of rows that a score reads, to be asked for in advance.
#[derive(Clone, Copy)]
pub(crate) struct Reads<'a> {
    rows: &'a Chunks,
    bytes: usize,
}

/// Lines of a row that are asked for at once: the processor streams in what follows.
const LINES_AHEAD: usize = 8;

impl<'a> Reads<'a> {
    fn new(rows: &'a Chunks, bytes: usize) -> Self {
        Self { rows, bytes: bytes.min(LINES_AHEAD * ALIGN) }
    }

    /// What [`Probe::score_exact`] reads.
    pub(crate) fn vectors(space: &'a Space) -> Self {
        let rows = space.ranked();
        Self::new(rows, rows.stride())
    }

    /// Asks for the row of a published slot.
    #[inline(always)]
    pub(crate) fn prefetch(self, slot: u32) {
        if !PREFETCHES {
            return;
        }
        let row = self.rows.row(slot);
        for line in (0..self.bytes).step_by(ALIGN) {
            prefetch(row.wrapping_add(line));
        }
    }
}
