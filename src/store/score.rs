//! Kernels applied to rows named by slot.

use super::{Chunks, CodeRows, Space};
use crate::arch::{CodeKernel, FloatKernel};
use crate::distance::{Metric, Rows};

/// Rows scored by one kernel call: a link row at the default `m`.
pub(crate) const BLOCK: usize = 32;

impl Space {
    /// Raw sums of `query` with the rows of up to [`BLOCK`] published slots: squared differences
    /// under L2, products otherwise. The query lies in the frame of the rows ([`Self::frame`]).
    #[inline]
    #[cfg_attr(ecphory_compact, optimize(speed))]
    pub(crate) fn sum_vectors(&self, query: &[f32], slots: &[u32], sums: &mut [f32]) {
        assert_eq!(query.len(), self.store.shape.dim, "queries are checked");
        let (kernels, vectors) = (self.kernels, &self.store.vectors);
        let differences = self.metric == Metric::L2;
        match self.store.shape.rows {
            Rows::F32 => {
                let kernel = if differences { kernels.f32_l2 } else { kernels.f32_dot };
                score_rows(kernel, query, vectors, slots, sums);
            }
            Rows::F16 => {
                let kernel = if differences { kernels.f16_l2 } else { kernels.f16_dot };
                score_rows(kernel, query, vectors, slots, sums);
            }
            Rows::Codes => {
                let kernel = if differences { kernels.steps_l2 } else { kernels.steps_dot };
                score_rows(kernel, query, &self.store.codes, slots, sums);
            }
        }
    }

    /// Bytes at the start of a code row that a traversal reads.
    #[inline]
    pub(crate) fn traversed_bytes(&self) -> usize {
        let stride = self.store.codes.stride();
        if self.is_split() { stride / 2 } else { stride }
    }

    /// What one unit of what a traversal reads is in steps of a code.
    pub(crate) fn traversed_step(&self) -> f32 {
        if self.is_split() { 8.0 } else { 1.0 }
    }

    /// What orders the codes of up to [`BLOCK`] published slots by `Σ qᵢ·cᵢ` for a signed query:
    /// of split codes, the sum over the upper halves.
    #[inline]
    pub(crate) fn traverse_dot(&self, query: &[i8], slots: &[u32], sums: &mut [i32]) {
        let kernel = if self.is_split() { self.kernels.half_dot } else { self.kernels.u7_dot };
        self.score_codes(kernel, query, 0, slots, sums);
    }

    /// `Σ (qᵢ − cᵢ)²` of a code with the codes of up to [`BLOCK`] published slots; of split codes,
    /// with the middle of what their upper halves leave open.
    #[inline]
    pub(crate) fn traverse_l2(&self, query: &[u8], slots: &[u32], sums: &mut [i32]) {
        let kernel = if self.is_split() { self.kernels.half_l2 } else { self.kernels.u7_l2 };
        self.score_codes(kernel, query, 0, slots, sums);
    }

    /// `Σ qᵢ·cᵢ` of a signed query with the codes of up to [`BLOCK`] published slots.
    #[inline]
    pub(crate) fn dot_codes(&self, query: &[i8], slots: &[u32], sums: &mut [i32]) {
        if !self.is_split() {
            return self.traverse_dot(query, slots, sums);
        }
        let mut low = [0; BLOCK];
        let low = &mut low[..slots.len()];
        self.score_codes(self.kernels.half_dot, query, self.traversed_bytes(), slots, low);
        self.score_codes(self.kernels.half_dot, query, 0, slots, sums);
        sums.iter_mut().zip(low).for_each(|(high, low)| *high = 8 * *high + *low);
    }

    /// `Σ (aᵢ − bᵢ)²` of the code of a published slot with those of up to [`BLOCK`] others.
    #[inline]
    pub(crate) fn l2_codes(&self, item: u32, slots: &[u32], sums: &mut [i32]) {
        let kernel = if self.is_split() { self.kernels.split_l2 } else { self.kernels.u7_l2 };
        self.score_codes(kernel, self.code_row(item), 0, slots, sums);
    }

    #[inline]
    fn is_split(&self) -> bool {
        self.store.shape.codes == CodeRows::Split
    }

    /// Calls a kernel of the layout of this space's codes on rows from a byte of theirs on, where
    /// its plane begins.
    #[inline]
    #[cfg_attr(ecphory_compact, optimize(speed))]
    fn score_codes<Q>(
        &self,
        kernel: CodeKernel<Q>,
        query: &[Q],
        plane: usize,
        slots: &[u32],
        sums: &mut [i32],
    ) {
        let codes = &self.store.codes;
        assert!(slots.len() == sums.len() && slots.len() <= BLOCK);
        assert!(query.len() == codes.stride() && plane + self.traversed_bytes() <= codes.stride());
        let mut rows = [std::ptr::null::<u8>(); BLOCK];
        for (row, &slot) in rows.iter_mut().zip(slots) {
            *row = codes.row(slot).wrapping_add(plane);
        }
        let len = self.traversed_bytes();
        // SAFETY: rows of backed slots hold `stride` bytes, as many as the query has components:
        // one plane, or two of half as many from byte 0 on, and one from the second plane on;
        // `split_l2`, which reads both planes of rows and of the query, is called with the first and
        // with a row for its query. Counts agree; kernels are handed out by detection only. (A value
        // above 127, possible in a damaged file, gives a wrong sum and nothing worse.)
        unsafe { kernel(query.as_ptr(), &rows[..slots.len()], len, sums) };
    }
}

#[inline]
#[cfg_attr(ecphory_compact, optimize(speed))]
fn score_rows<T>(
    kernel: FloatKernel<T>,
    query: &[f32],
    table: &Chunks,
    slots: &[u32],
    sums: &mut [f32],
) {
    assert!(slots.len() == sums.len() && slots.len() <= BLOCK);
    let mut rows = [std::ptr::null::<T>(); BLOCK];
    for (row, &slot) in rows.iter_mut().zip(slots) {
        *row = table.row(slot).cast();
    }
    debug_assert!(query.len() * size_of::<T>() <= table.stride());
    // SAFETY: rows of backed slots hold `dim` components of `T`, as many as the query has; counts
    // agree; kernels are handed out by detection only.
    unsafe { kernel(query.as_ptr(), &rows[..slots.len()], query.len(), sums) };
}
