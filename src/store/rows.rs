//! All rows of one index, by slot.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::chunks::Chunks;
use super::region::{ALIGN, Allocator};
use crate::distance::Rows;
use crate::error::Result;

/// Which rows an index keeps, and how long they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Components of a vector.
    pub(crate) dim: usize,
    /// What is kept of a vector.
    pub(crate) rows: Rows,
    /// How 7-bit codes are kept beside the vectors.
    pub(crate) codes: CodeRows,
    /// Whether each vector's norm is kept (cosine).
    pub(crate) norms: bool,
    /// Whether each code's product with the mean is kept (inner product on codes).
    pub(crate) biases: bool,
}

/// How codes lie in their rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeRows {
    /// There are none.
    None,
    /// A byte a component.
    Whole,
    /// Two planes ([`split`](crate::quantize::split)).
    Split,
}

/// Components from which on codes are kept in two planes. On 384, four bits lose nothing that
/// re-ranking does not bring back, and reading half the bytes is most of a search; on 128, they
/// lose 1.6 points at equal `ef` (`benches/LEDGER.md`).
const SPLIT_DIM: usize = 256;

impl CodeRows {
    /// What suits codes of `dim` components. Codes that are ranked on too are read whole.
    pub(crate) fn of(dim: usize, rows: Rows) -> Self {
        if dim >= SPLIT_DIM && rows != Rows::Codes { Self::Split } else { Self::Whole }
    }
}

impl Shape {
    /// Bytes of a vector row.
    pub(crate) fn vector_stride(&self) -> usize {
        match self.rows {
            Rows::F32 => self.dim * size_of::<f32>(),
            // Whole words, the tail zero.
            Rows::F16 => self.dim.next_multiple_of(2) * size_of::<u16>(),
            Rows::Codes => 0,
        }
    }

    /// Bytes of a code row: whole cache lines, the tail zero.
    pub(crate) fn code_stride(&self) -> usize {
        match self.codes {
            CodeRows::None => 0,
            CodeRows::Whole => self.dim.next_multiple_of(ALIGN),
            CodeRows::Split => self.dim.next_multiple_of(2 * ALIGN),
        }
    }
}

/// Vectors, codes and words of every item. Slot 0 is never used.
pub(crate) struct Store {
    pub(crate) shape: Shape,
    /// Vectors, as [`Shape::rows`] says.
    pub(crate) vectors: Chunks,
    /// 7-bit codes (an empty table without codes).
    pub(crate) codes: Chunks,
    /// Norms as `f32` bits.
    pub(crate) norms: Chunks,
    /// Products of codes with the mean as `f32` bits.
    pub(crate) biases: Chunks,
    /// User keys.
    pub(crate) keys: Chunks,
    /// Node words (`graph::node`).
    pub(crate) nodes: Chunks,
    /// Backbone parents as slots.
    pub(crate) parents: Chunks,
    capacity: AtomicU32,
    /// Whether memory for codes and biases is no longer reserved.
    without_codes: AtomicBool,
}

impl Store {
    /// Zeroed rows for the slots `0..rows`.
    pub(crate) fn zeroed(shape: Shape, rows: u32, allocator: &Arc<dyn Allocator>) -> Result<Self> {
        let table = |wanted: bool, stride: usize| {
            Chunks::zeroed(if wanted { stride } else { 0 }, rows, Arc::clone(allocator))
        };
        Ok(Self {
            shape,
            vectors: table(true, shape.vector_stride())?,
            codes: table(true, shape.code_stride())?,
            norms: table(shape.norms, 4)?,
            biases: table(shape.biases, 4)?,
            keys: table(true, 8)?,
            nodes: table(true, 8)?,
            parents: table(true, 4)?,
            capacity: AtomicU32::new(rows),
            without_codes: AtomicBool::new(false),
        })
    }

    /// Tables that were stored before, in the order of the fields, with `rows` rows each.
    pub(crate) fn over(shape: Shape, tables: [Chunks; 7], rows: u32) -> Self {
        let [vectors, codes, norms, biases, keys, nodes, parents] = tables;
        let (capacity, without_codes) = (AtomicU32::new(rows), AtomicBool::new(false));
        Self { shape, vectors, codes, norms, biases, keys, nodes, parents, capacity, without_codes }
    }

    /// Slots that are backed by memory; every published link is below.
    pub(crate) fn capacity(&self) -> u32 {
        // Acquire pairs with the release in `reserve`: the chunks below are visible.
        self.capacity.load(Ordering::Acquire)
    }

    /// Backs `slot` with memory.
    pub(crate) fn reserve(&self, slot: u32) -> Result<()> {
        // Relaxed: a stale value only repeats the work below.
        if slot < self.capacity.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut rows = u32::MAX;
        // Relaxed: who finds out late reserves some rows in vain.
        let without_codes = self.without_codes.load(Ordering::Relaxed);
        let [vectors, norms, keys, nodes, parents, codes, biases] = self.tables();
        let wanted = [vectors, norms, keys, nodes, parents];
        let of_codes = [codes, biases].into_iter().filter(|_| !without_codes);
        for table in wanted.into_iter().chain(of_codes) {
            if table.stride() > 0 {
                rows = rows.min(table.reserve(slot)?);
            }
        }
        // Release publishes the chunks reserved above; pairs with the acquire in `capacity`.
        self.capacity.fetch_max(rows, Ordering::Release);
        Ok(())
    }

    /// Reserves no more memory for codes, which nobody reads.
    pub(crate) fn give_up_codes(&self) {
        // Relaxed: see `reserve`.
        self.without_codes.store(true, Ordering::Relaxed);
    }

    /// Bytes of memory held.
    pub(crate) fn bytes(&self) -> usize {
        self.tables().iter().map(|table| table.bytes()).sum()
    }

    /// The norm of a published slot's vector (cosine only).
    #[inline(always)]
    pub(crate) fn norm(&self, slot: u32) -> f32 {
        // Relaxed: the slot's publication ordered the write before this read.
        f32::from_bits(self.norms.word(slot).load(Ordering::Relaxed))
    }

    /// Those of codes come last.
    fn tables(&self) -> [&Chunks; 7] {
        [
            &self.vectors,
            &self.norms,
            &self.keys,
            &self.nodes,
            &self.parents,
            &self.codes,
            &self.biases,
        ]
    }
}
