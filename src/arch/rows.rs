//! The one loop behind every vector kernel: batches of rows, prefetch ahead, tail, fold.
//!
//! An instruction set says how a [`Block`] of components is loaded, accumulated and folded; the
//! loop itself is written once. It is inlined into a shell that carries `#[target_feature]`, and
//! the methods of the block are inlined into that in turn.

use super::prefetch;

/// Bytes of a cache line, near enough on every target.
const LINE: usize = 64;
/// Lines of a row to ask for ahead of its turn: the processor streams in what follows, and more
/// only fills its queues (`benches/LEDGER.md`).
const LINES_AHEAD: usize = 4;
/// Rows between the one being scored and the one being asked for.
const ROWS_AHEAD: usize = 4;
/// Components of the largest block.
const BLOCK_MAX: usize = 64;

/// Consecutive components of a vector in registers, as one instruction set holds them.
///
/// Every method is unsafe because the processor must have that instruction set.
pub(super) trait Block: Copy {
    /// One component in memory.
    type Element: Copy + Default;
    /// Running sums, one per lane.
    type Sum: Copy;
    /// What the lanes fold to.
    type Total;
    /// Components in a block, at most [`BLOCK_MAX`].
    const LEN: usize;

    /// Sums of nothing.
    unsafe fn zero() -> Self::Sum;
    /// Reads `LEN` components from any alignment.
    unsafe fn load(from: *const Self::Element) -> Self;
    /// Adds the products.
    unsafe fn dot(sum: Self::Sum, query: Self, row: Self) -> Self::Sum;
    /// Adds the squared differences.
    unsafe fn l2(sum: Self::Sum, query: Self, row: Self) -> Self::Sum;
    /// Folds the lanes; for floats in the canonical tree.
    unsafe fn fold(sum: Self::Sum) -> Self::Total;

    /// Reads `len < LEN` components; the others are zero.
    #[inline(always)]
    unsafe fn load_tail(from: *const Self::Element, len: usize) -> Self {
        const { assert!(Self::LEN <= BLOCK_MAX) };
        let mut padded = [Self::Element::default(); BLOCK_MAX];
        // SAFETY: the caller promises `len` readable components, `len < LEN ≤ BLOCK_MAX`, and the
        // instruction set.
        unsafe {
            let bytes = len * size_of::<Self::Element>();
            from.cast::<u8>().copy_to_nonoverlapping(padded.as_mut_ptr().cast(), bytes);
            Self::load(padded.as_ptr())
        }
    }
}

/// What is summed over the components of two vectors.
pub(super) trait Measure {
    /// Adds the terms of one block.
    ///
    /// # Safety
    /// The processor has the instruction set of `B`.
    unsafe fn step<B: Block>(sum: B::Sum, query: B, row: B) -> B::Sum;
}

/// Σ qᵢ·xᵢ
pub(super) struct Dot;
/// Σ (qᵢ − xᵢ)²
pub(super) struct L2;

impl Measure for Dot {
    #[inline(always)]
    unsafe fn step<B: Block>(sum: B::Sum, query: B, row: B) -> B::Sum {
        // SAFETY: the caller's promise.
        unsafe { B::dot(sum, query, row) }
    }
}

impl Measure for L2 {
    #[inline(always)]
    unsafe fn step<B: Block>(sum: B::Sum, query: B, row: B) -> B::Sum {
        // SAFETY: the caller's promise.
        unsafe { B::l2(sum, query, row) }
    }
}

/// Scores all rows, `ROWS` at a time so that their sums do not wait for one another.
///
/// # Safety
/// As of a [`super::F32Kernel`] or [`super::CodeKernel`]; the processor has the instruction set
/// of `B`.
#[inline(always)]
pub(super) unsafe fn score<B: Block, M: Measure, const ROWS: usize>(
    query: *const B::Element,
    rows: &[*const B::Element],
    len: usize,
    out: &mut [B::Total],
) {
    let lines = (len * size_of::<B::Element>()).div_ceil(LINE).min(LINES_AHEAD);
    let (batches, rest) = rows.as_chunks::<ROWS>();
    let (out_batches, out_rest) = out.as_chunks_mut::<ROWS>();
    for (i, (batch, out)) in batches.iter().zip(out_batches).enumerate() {
        for row in rows.iter().skip(i * ROWS + ROWS_AHEAD).take(ROWS) {
            for line in 0..lines {
                prefetch(row.cast::<u8>().wrapping_add(line * LINE));
            }
        }
        // SAFETY: the caller's promise, for each row of the batch.
        *out = unsafe { score_batch::<B, M, ROWS>(query, batch, len) };
    }
    for (row, out) in rest.iter().zip(out_rest) {
        // SAFETY: the caller's promise.
        [*out] = unsafe { score_batch::<B, M, 1>(query, &[*row], len) };
    }
}

#[inline(always)]
unsafe fn score_batch<B: Block, M: Measure, const ROWS: usize>(
    query: *const B::Element,
    rows: &[*const B::Element; ROWS],
    len: usize,
) -> [B::Total; ROWS] {
    // SAFETY: `start + LEN ≤ whole ≤ len` in the loop and `whole + (len - whole) = len` after it,
    // where the caller promises `len` readable components behind each pointer, and the
    // instruction set.
    unsafe {
        let mut sums = [B::zero(); ROWS];
        let whole = len - len % B::LEN;
        for start in (0..whole).step_by(B::LEN) {
            let q = B::load(query.add(start));
            for (sum, row) in sums.iter_mut().zip(rows) {
                *sum = M::step(*sum, q, B::load(row.add(start)));
            }
        }
        if whole < len {
            let q = B::load_tail(query.add(whole), len - whole);
            for (sum, row) in sums.iter_mut().zip(rows) {
                *sum = M::step(*sum, q, B::load_tail(row.add(whole), len - whole));
            }
        }
        sums.map(|sum| B::fold(sum))
    }
}
