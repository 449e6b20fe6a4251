//! Creating an index.

use std::sync::Arc;

use super::{Codes, Index, Options};
use crate::arch::{self, Isa, Kernels};
use crate::distance::{Metric, Rows};
use crate::error::Result;
use crate::store::{Allocator, Heap, Region};

/// Collects options for a new index, or what a host brings to an opened one.
#[derive(Clone)]
pub struct Builder {
    pub(super) options: Options,
    pub(super) kernels: &'static Kernels,
    pub(super) allocator: Arc<dyn Allocator>,
}

impl Builder {
    pub(super) fn new(dim: usize) -> Self {
        Self { options: Options::new(dim), kernels: arch::detected(), allocator: Arc::new(Heap) }
    }

    /// All options at once.
    pub(crate) fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// How vectors are compared; cosine unless set.
    #[must_use]
    pub fn metric(mut self, metric: Metric) -> Self {
        self.options.metric = metric;
        self
    }

    /// Links of a node on each upper level (twice as many on level 0), 4..=64; 16 unless set.
    #[must_use]
    pub fn m(mut self, m: usize) -> Self {
        self.options.m = m;
        self
    }

    /// Candidates considered for an item's links, `m`..=65,536; 100 unless set.
    #[must_use]
    pub fn ef_construction(mut self, ef_construction: usize) -> Self {
        self.options.ef_construction = ef_construction;
        self
    }

    /// What a traversal reads; [`Codes::Auto`] unless set.
    #[must_use]
    pub fn codes(mut self, codes: Codes) -> Self {
        self.options.codes = codes;
        self
    }

    /// What is kept of each vector; [`Rows::F32`] unless set.
    ///
    /// ```
    /// use ecphory::{Index, Rows};
    ///
    /// let index = Index::builder(2).rows(Rows::F16).build()?;
    /// index.insert(1, &[0.1, 1.0])?;
    /// assert_eq!(index.get(1).unwrap(), [0.099975586, 1.0]);
    /// # Ok::<(), ecphory::Error>(())
    /// ```
    #[must_use]
    pub fn rows(mut self, rows: Rows) -> Self {
        self.options.rows = rows;
        self
    }

    /// Seed of levels and insertion order; 0 unless set.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.options.seed = seed;
        self
    }

    /// Runs on this instruction set instead of the best (tests and comparisons); `None` where this
    /// machine lacks it.
    #[must_use]
    pub fn isa(mut self, isa: Isa) -> Option<Self> {
        self.kernels = arch::kernels_for(isa)?;
        Some(self)
    }

    /// Takes memory from this allocator instead of the heap.
    #[must_use]
    pub fn allocator(mut self, allocator: Arc<dyn Allocator>) -> Self {
        self.allocator = allocator;
        self
    }

    /// An empty index.
    ///
    /// # Errors
    /// [`Error::OptionOutOfRange`](crate::Error::OptionOutOfRange) for an option outside its
    /// bounds, [`Error::NoCodes`](crate::Error::NoCodes) for [`Rows::Codes`] without codes.
    pub fn build(self) -> Result<Index> {
        Index::empty(self)
    }

    /// The index in a snapshot, using this builder's instruction set and allocator; its options come from
    /// the snapshot.
    ///
    /// # Errors
    /// As for [`Index::open`].
    pub fn open(self, snapshot: Region, check: crate::snapshot::Check) -> Result<Index> {
        Index::open_with(self, snapshot, check)
    }
}
