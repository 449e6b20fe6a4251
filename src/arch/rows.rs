//! The one loop behind every vector kernel: batches of rows, layouts, tail, fold.
//!
//! An instruction set says how a [`Block`] of components is loaded, accumulated and folded; the
//! loop itself is written once. It is inlined into a shell that carries `#[target_feature]`, and
//! the methods of the block are inlined into that in turn.

use std::marker::PhantomData;

use super::PLANE_ALIGN;

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
        // SAFETY: the caller promises `len` readable components, `len < LEN ≤ BLOCK_MAX`, and the
        // instruction set.
        unsafe { Self::load(padded(from, len, Self::Element::default()).as_ptr()) }
    }
}

/// Rows as they lie in memory, read as the blocks in which the query is held: what is narrower
/// there widens exactly.
///
/// Every method is unsafe because the processor must have the instruction set of the block.
pub(super) trait Rows<B: Block> {
    /// One component in memory.
    type Element: Copy;
    /// The component that is read as zero.
    fn padding() -> Self::Element;

    /// Reads `B::LEN` components from any alignment.
    unsafe fn load(from: *const Self::Element) -> B;

    /// Reads `len < B::LEN` components; the others are zero.
    #[inline(always)]
    unsafe fn load_tail(from: *const Self::Element, len: usize) -> B {
        const { assert!(B::LEN <= BLOCK_MAX) };
        // SAFETY: as of the tail of a block.
        unsafe { Self::load(padded(from, len, Self::padding()).as_ptr()) }
    }
}

impl<B: Block> Rows<B> for B {
    type Element = B::Element;

    #[inline(always)]
    fn padding() -> B::Element {
        B::Element::default()
    }

    #[inline(always)]
    unsafe fn load(from: *const B::Element) -> B {
        // SAFETY: the caller's promise.
        unsafe { <B as Block>::load(from) }
    }

    #[inline(always)]
    unsafe fn load_tail(from: *const B::Element, len: usize) -> B {
        // SAFETY: the caller's promise.
        unsafe { <B as Block>::load_tail(from, len) }
    }
}

/// `len` components, and `rest` behind them.
///
/// # Safety
/// `from` points to `len ≤ BLOCK_MAX` readable components.
#[inline(always)]
unsafe fn padded<T: Copy>(from: *const T, len: usize, rest: T) -> [T; BLOCK_MAX] {
    let mut padded = [rest; BLOCK_MAX];
    // SAFETY: the caller's promise; as bytes, because the row has any alignment.
    unsafe {
        from.cast::<u8>().copy_to_nonoverlapping(padded.as_mut_ptr().cast(), len * size_of::<T>());
    }
    padded
}

/// A block of codes that can be read from the half bytes of a split row.
pub(super) trait Halves: Block<Element = u8> {
    /// Reads `LEN` bytes: the low halves, and the high halves.
    unsafe fn load_halves(from: *const u8) -> [Self; 2];
    /// The same, eight times as large: where they lie in a code.
    unsafe fn load_upper(from: *const u8) -> [Self; 2];
    /// The bits of both.
    unsafe fn or(self, other: Self) -> Self;
    /// `by` less everywhere.
    unsafe fn less(self, by: u8) -> Self;
}

/// What is summed over the components of two vectors.
pub(super) trait Measure {
    /// Reads what stands for the codes of which only the upper halves are known.
    ///
    /// # Safety
    /// As of [`Halves::load_halves`].
    unsafe fn load_upper<B: Halves>(from: *const u8) -> [B; 2];

    /// The query to be compared with that.
    ///
    /// # Safety
    /// The processor has the instruction set of `B`.
    unsafe fn for_upper<B: Halves>(query: B) -> B;

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
    unsafe fn load_upper<B: Halves>(from: *const u8) -> [B; 2] {
        // Scaled and shifted alike for all rows: their order is that of the halves.
        // SAFETY: the caller's promise.
        unsafe { B::load_halves(from) }
    }

    #[inline(always)]
    unsafe fn for_upper<B: Halves>(query: B) -> B {
        query
    }

    #[inline(always)]
    unsafe fn step<B: Block>(sum: B::Sum, query: B, row: B) -> B::Sum {
        // SAFETY: the caller's promise.
        unsafe { B::dot(sum, query, row) }
    }
}

impl Measure for L2 {
    #[inline(always)]
    unsafe fn load_upper<B: Halves>(from: *const u8) -> [B; 2] {
        // SAFETY: the caller's promise.
        unsafe { B::load_upper(from) }
    }

    #[inline(always)]
    unsafe fn for_upper<B: Halves>(query: B) -> B {
        // The middle is 4 more than the least code: taken off the query once, not added to each row.
        // SAFETY: the caller's promise.
        unsafe { query.less(4) }
    }

    #[inline(always)]
    unsafe fn step<B: Block>(sum: B::Sum, query: B, row: B) -> B::Sum {
        // SAFETY: the caller's promise.
        unsafe { B::l2(sum, query, row) }
    }
}

/// How the components of a batch of rows are read and summed.
pub(super) trait Layout<B: Block> {
    /// What a row is made of.
    type Element;

    /// # Safety
    /// As of a kernel of this layout; the processor has the instruction set of `B`.
    unsafe fn sum<M: Measure, const ROWS: usize>(
        query: *const B::Element,
        rows: &[*const Self::Element; ROWS],
        len: usize,
    ) -> [B::Sum; ROWS];
}

/// One component an element, any length.
pub(super) struct Whole;
/// One component an element, as `R` reads them, any length.
pub(super) struct As<R>(PhantomData<R>);
/// The upper halves of codes, packed two to a byte in runs of [`PLANE_ALIGN`].
pub(super) struct Upper;
/// As [`Upper`], followed by a plane of the lower three bits; the query is such a row too.
pub(super) struct Both;

impl<B: Block> Layout<B> for Whole {
    type Element = B::Element;

    #[inline(always)]
    unsafe fn sum<M: Measure, const ROWS: usize>(
        query: *const B::Element,
        rows: &[*const B::Element; ROWS],
        len: usize,
    ) -> [B::Sum; ROWS] {
        // SAFETY: the caller's promise.
        unsafe { As::<B>::sum::<M, ROWS>(query, rows, len) }
    }
}

impl<B: Block, R: Rows<B>> Layout<B> for As<R> {
    type Element = R::Element;

    #[inline(always)]
    unsafe fn sum<M: Measure, const ROWS: usize>(
        query: *const B::Element,
        rows: &[*const R::Element; ROWS],
        len: usize,
    ) -> [B::Sum; ROWS] {
        // SAFETY: `start + LEN ≤ whole ≤ len` in the loop and `whole + (len - whole) = len` after
        // it, where the caller promises `len` readable components behind each pointer, and the
        // instruction set.
        unsafe {
            let mut sums = [B::zero(); ROWS];
            let whole = len - len % B::LEN;
            for start in (0..whole).step_by(B::LEN) {
                let q = B::load(query.add(start));
                for (sum, row) in sums.iter_mut().zip(rows) {
                    *sum = M::step(*sum, q, R::load(row.add(start)));
                }
            }
            if whole < len {
                let q = B::load_tail(query.add(whole), len - whole);
                for (sum, row) in sums.iter_mut().zip(rows) {
                    *sum = M::step(*sum, q, R::load_tail(row.add(whole), len - whole));
                }
            }
            sums
        }
    }
}

impl<B: Halves> Layout<B> for Upper {
    type Element = u8;

    #[inline(always)]
    unsafe fn sum<M: Measure, const ROWS: usize>(
        query: *const u8,
        rows: &[*const u8; ROWS],
        len: usize,
    ) -> [B::Sum; ROWS] {
        // SAFETY: `LEN` divides 64 and `len` is a multiple of that, so that `start + LEN ≤ len`;
        // the caller promises `len` bytes of each row, twice as many of the query, and the
        // instruction set.
        unsafe {
            let mut sums = [B::zero(); ROWS];
            for start in (0..len).step_by(B::LEN) {
                let [low, high] = query_halves::<B>(query, start).map(|half| M::for_upper(half));
                for (sum, row) in sums.iter_mut().zip(rows) {
                    let [a, b] = M::load_upper::<B>(row.add(start));
                    *sum = M::step(*sum, low, a);
                    *sum = M::step(*sum, high, b);
                }
            }
            sums
        }
    }
}

impl<B: Halves> Layout<B> for Both {
    type Element = u8;

    #[inline(always)]
    unsafe fn sum<M: Measure, const ROWS: usize>(
        query: *const u8,
        rows: &[*const u8; ROWS],
        len: usize,
    ) -> [B::Sum; ROWS] {
        // SAFETY: as for `Upper`, with `2 · len` bytes of the query and of each row.
        unsafe {
            let mut sums = [B::zero(); ROWS];
            for start in (0..len).step_by(B::LEN) {
                let [low, high] = joined::<B>(query, len, start);
                for (sum, row) in sums.iter_mut().zip(rows) {
                    let [a, b] = joined::<B>(*row, len, start);
                    *sum = M::step(*sum, low, a);
                    *sum = M::step(*sum, high, b);
                }
            }
            sums
        }
    }
}

/// The components of a split row that the bytes from `start` on hold in their low and high halves.
///
/// # Safety
/// The row has two planes of `len` bytes, and `start + LEN ≤ len`. The processor has the instruction
/// set of `B`.
#[inline(always)]
unsafe fn joined<B: Halves>(row: *const u8, len: usize, start: usize) -> [B; 2] {
    // SAFETY: the caller's promise.
    unsafe {
        let [a, b] = B::load_upper(row.add(start));
        let [c, d] = B::load_halves(row.add(len + start));
        [a.or(c), b.or(d)]
    }
}

/// The query's components that belong to the low and to the high halves of a plane's bytes from
/// `start` on.
///
/// # Safety
/// `LEN` divides 64, `start` is a multiple of it, and the query has `2 · (start + LEN)` components,
/// rounded up to whole runs of 128. The processor has the instruction set of `B`.
#[inline(always)]
unsafe fn query_halves<B: Halves>(query: *const u8, start: usize) -> [B; 2] {
    const { assert!(PLANE_ALIGN.is_multiple_of(B::LEN)) };
    let first = start / PLANE_ALIGN * 2 * PLANE_ALIGN + start % PLANE_ALIGN;
    // SAFETY: the caller's promise.
    unsafe { [B::load(query.add(first)), B::load(query.add(first + PLANE_ALIGN))] }
}

/// Scores all rows, `ROWS` at a time so that their sums do not wait for one another.
///
/// # Safety
/// As of a [`super::FloatKernel`] or [`super::CodeKernel`] of the layout `L`; the processor has the
/// instruction set of `B`.
#[inline(always)]
pub(super) unsafe fn score<B: Block, L: Layout<B>, M: Measure, const ROWS: usize>(
    query: *const B::Element,
    rows: &[*const L::Element],
    len: usize,
    out: &mut [B::Total],
) {
    let (batches, rest) = rows.as_chunks::<ROWS>();
    let (out_batches, out_rest) = out.as_chunks_mut::<ROWS>();
    for (batch, out) in batches.iter().zip(out_batches) {
        // SAFETY: the caller's promise, for each row of the batch.
        *out = unsafe { L::sum::<M, ROWS>(query, batch, len).map(|sum| B::fold(sum)) };
    }
    for (row, out) in rest.iter().zip(out_rest) {
        // SAFETY: the caller's promise.
        [*out] = unsafe { L::sum::<M, 1>(query, &[*row], len).map(|sum| B::fold(sum)) };
    }
}
