//! Kernels applied to rows named by slot.

use super::{Chunks, Space};
use crate::arch::{CodeKernel, F32Kernel};
use crate::distance::Metric;

/// Rows scored by one kernel call: a link row at the default `m`.
pub(crate) const BLOCK: usize = 32;

impl Space {
    /// Raw sums of `query` with the vectors of up to [`BLOCK`] published slots: squared
    /// differences under L2, products otherwise.
    #[inline]
    pub(crate) fn sum_vectors(&self, query: &[f32], slots: &[u32], sums: &mut [f32]) {
        let kernel = match self.metric {
            Metric::L2 => self.kernels.f32_l2,
            Metric::InnerProduct | Metric::Cosine => self.kernels.f32_dot,
        };
        assert_eq!(query.len(), self.store.shape.dim, "queries are checked");
        score_vectors(kernel, query, &self.store.vectors, slots, sums);
    }

    /// `Σ qᵢ·cᵢ` of a signed query with the codes of up to [`BLOCK`] published slots.
    #[inline]
    pub(crate) fn dot_codes(&self, query: &[i8], slots: &[u32], sums: &mut [i32]) {
        score_codes(self.kernels.u7_dot, query, &self.store.codes, slots, sums);
    }

    /// `Σ (qᵢ − cᵢ)²` of a code with the codes of up to [`BLOCK`] published slots.
    #[inline]
    pub(crate) fn l2_codes(&self, query: &[u8], slots: &[u32], sums: &mut [i32]) {
        score_codes(self.kernels.u7_l2, query, &self.store.codes, slots, sums);
    }
}

#[inline]
fn score_vectors(
    kernel: F32Kernel,
    query: &[f32],
    vectors: &Chunks,
    slots: &[u32],
    sums: &mut [f32],
) {
    assert!(slots.len() == sums.len() && slots.len() <= BLOCK);
    let mut rows = [std::ptr::null::<f32>(); BLOCK];
    for (row, &slot) in rows.iter_mut().zip(slots) {
        *row = vectors.row(slot).cast();
    }
    debug_assert!(query.len() * 4 <= vectors.stride());
    // SAFETY: rows of backed slots hold `dim` floats, as many as the query; counts agree; kernels
    // are handed out by detection only.
    unsafe { kernel(query.as_ptr(), &rows[..slots.len()], query.len(), sums) };
}

#[inline]
fn score_codes<Q>(
    kernel: CodeKernel<Q>,
    query: &[Q],
    codes: &Chunks,
    slots: &[u32],
    sums: &mut [i32],
) {
    assert!(slots.len() == sums.len() && slots.len() <= BLOCK && query.len() == codes.stride());
    let mut rows = [std::ptr::null::<u8>(); BLOCK];
    for (row, &slot) in rows.iter_mut().zip(slots) {
        *row = codes.row(slot);
    }
    // SAFETY: rows of backed slots hold `stride` bytes, as many as the query; counts agree; kernels
    // are handed out by detection only. (A byte above 127, possible in a damaged file, gives a
    // wrong sum and nothing worse.)
    unsafe { kernel(query.as_ptr(), &rows[..slots.len()], query.len(), sums) };
}
