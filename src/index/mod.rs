//! One index: options and items in, neighbours out.
//!
//! ```text
//!   Builder ──build──► Index ── gate: many inserts, or one exclusive writer
//!      │                 │
//!      └──open──►        └─ root (swapped whole, readers pin it)
//!                            ├─ space   rows and how they are compared
//!                            ├─ graph   links over the rows
//!                            └─ keys    user keys to slots
//!   bulk_build   builds a new root beside the readers and swaps it in
//!   insert       changes the current root, lock-free, beside readers and other inserts;
//!                the 1,024th into an index that began empty gives it codes (`codes`)
//!   upsert       adds a node for the new vector, then leads the key to it: the key's entry is the
//!   delete       one word that either changes; the old node only leads on until it is `reclaim`ed
//!   search       what is asked for · `find`: walks codes, ranks on vectors, `settle`s what is an
//!                item; waits for nobody
//!   recollect    what a cue brings to mind, by likeness and by association
//!   weigh        searches in which confidence and time weigh on distance
//!   describe     tags, names and payloads, which belong to an item as its vector does
//!   remember     how items stand as memories, and what time leaves · `associate`: who leads to whom
//!   filter       searches among some of the items, by a walk or by comparing them
//!   op           a change as a value, as a log keeps it
//!   tune         measures recall on samples, so that a search can ask for it instead of `ef`
//! ```
//!
//! # Invariants
//! - A key has at most one item, and each item of the graph has a key.
//! - A call that returns an error has changed nothing that a reader can see.
//! - A slot is given to another item when no reader can hold it any more, and no row names it.
//! - No insert touches the links of a file before they were verified.
//! - Readers take no lock and wait for nobody.
//!
//! Absent on purpose: files, threads and clocks (hosts bring them).

mod associate;
mod builder;
mod bulk;
mod codes;
mod delete;
mod describe;
mod effort;
mod filter;
mod find;
#[cfg(all(test, not(loom)))]
mod frozen_tests;
mod insert;
mod iter;
mod keys;
mod meta;
mod name;
mod op;
mod options;
mod recollect;
mod remember;
mod remembered;
mod root;
mod samples;
mod search;
mod sections;
mod settle;
mod snapshot;
mod tune;
mod weigh;

use std::sync::Arc;

use crate::arch::{Isa, Kernels};
use crate::distance::{Rows, check, check_f16};
use crate::error::Result;
use crate::graph::{Audit, Broken, InsertScratch, Scratch, audit};
use crate::store::{Allocator, Gate, Pinned, Shelf, SwapCell};

pub use associate::{Associated, Association};
pub use builder::Builder;
pub use bulk::{Phase, Progress};
pub use describe::Item;
pub use effort::{DEFAULT_EF, Effort};
pub use filter::{KeySet, TagFilter};
pub use iter::Keys;
pub(crate) use meta::{decode_options, encode_options};
pub use name::key_of;
pub use op::Op;
pub(crate) use op::{About, put_text, take_text};
pub use options::{Codes, Options, UnknownCodes};
pub use recollect::{Recollect, Recollected, Recollection};
use root::Root;
pub use search::{Batch, Hit, Plan, Search, Work};
pub use weigh::{Weighed, WeighedHit, WeighedHits};

/// An approximate nearest-neighbour index: HNSW over vectors with 64-bit keys.
///
/// Every method takes `&self`, from any number of threads. Searches run beside inserts and bulk
/// builds without waiting.
///
/// ```
/// use ecphory::{Index, Metric, exec::Sequential};
///
/// let index = Index::builder(3).metric(Metric::L2).build()?;
/// let vectors = [0.0, 0.0, 1.0, /**/ 0.0, 1.0, 0.0, /**/ 1.0, 0.0, 0.0];
/// index.bulk_build(&[10, 20, 30], &vectors, &Sequential, &mut |_| true)?;
/// index.insert(40, &[0.9, 0.1, 0.0])?;
///
/// let hits = index.search(&[1.0, 0.0, 0.0]).k(2).run()?;
/// assert_eq!(hits.iter().map(|hit| hit.key).collect::<Vec<_>>(), [30, 40]);
/// # Ok::<(), ecphory::Error>(())
/// ```
pub struct Index {
    options: Options,
    kernels: &'static Kernels,
    allocator: Arc<dyn Allocator>,
    gate: Gate,
    root: SwapCell<Root>,
    searches: Shelf<Scratch>,
    inserts: Shelf<InsertScratch>,
}

/// Bytes an index holds, used or kept ready for growth, by what they are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Vectors, as [`Rows`] says.
    pub vectors: usize,
    /// Codes that traversals read.
    pub codes: usize,
    /// Links of all levels.
    pub links: usize,
    /// Keys, node words, norms and everything else per item.
    pub items: usize,
    /// All of it.
    pub total: usize,
}

impl Index {
    /// Starts an index for vectors of `dim` components (1..=65,536).
    pub fn builder(dim: usize) -> Builder {
        Builder::new(dim)
    }

    fn empty(builder: Builder) -> Result<Self> {
        let Builder { options, kernels, allocator } = builder;
        options.check()?;
        let root = Root::empty(&options, kernels, &allocator)?;
        Ok(Self::over(options, kernels, allocator, root))
    }

    fn over(
        options: Options,
        kernels: &'static Kernels,
        allocator: Arc<dyn Allocator>,
        root: Root,
    ) -> Self {
        Self {
            options,
            kernels,
            allocator,
            gate: Gate::default(),
            root: SwapCell::new(root),
            searches: Shelf::new(),
            inserts: Shelf::new(),
        }
    }

    fn root(&self) -> Pinned<'_, Root> {
        self.root.pin()
    }

    /// Refuses a vector (number `row` of the caller's) that cannot become an item.
    pub(crate) fn check_item(&self, row: usize, vector: &[f32]) -> Result<()> {
        let Options { dim, metric, rows, .. } = self.options;
        check(metric, self.kernels, dim, row, vector)?;
        match rows {
            Rows::F32 | Rows::Codes => Ok(()),
            Rows::F16 => check_f16(metric, row, vector),
        }
    }

    /// What was fixed when the index was created.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The instruction set its distances are computed with.
    pub fn isa(&self) -> Isa {
        self.kernels.isa
    }

    /// Items in the index.
    pub fn len(&self) -> usize {
        self.root().len()
    }

    /// Whether the index holds no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether an item has this key. O(log n).
    pub fn contains(&self, key: u64) -> bool {
        self.root().find(key).is_some()
    }

    /// The vector of a key as it was kept: as it was put with [`Rows::F32`], rounded with
    /// [`Rows::F16`]. [`Rows::Codes`] gives what the code stands for, each component within about
    /// half a step; under the cosine metric that is the direction, about 1 long, and the length is
    /// lost. O(log n + dim).
    pub fn get(&self, key: u64) -> Option<Vec<f32>> {
        let root = self.root();
        root.find(key).map(|slot| root.space.vector(slot))
    }

    /// All keys in ascending order. O(n).
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) while a writer runs.
    pub fn keys(&self) -> Result<Vec<u64>> {
        let _alone = self.gate.own()?;
        Ok(self.root().keys.pairs().into_iter().map(|(key, _)| key).collect())
    }

    /// Bytes held.
    pub fn memory(&self) -> Memory {
        self.root().memory()
    }

    /// Verifies every invariant of the graph. O(n · m) time.
    ///
    /// # Errors
    /// [`Broken`] names the first invariant that does not hold; also while a writer runs, since
    /// the graph stands still for nobody else.
    pub fn check(&self) -> Result<Audit, Broken> {
        let busy = Broken { invariant: "no writer runs during a check", slot: 0 };
        let _alone = self.gate.own().map_err(|_| busy)?;
        let root = self.root();
        audit(&root.graph, &root.space)
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index")
            .field("options", &self.options)
            .field("isa", &self.kernels.isa)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
