//! One space: options in, items in, neighbours out.
//!
//! ```text
//!   Builder ──build──► Index ──bulk_build / insert──► Root { space, graph }
//!                        │
//!                        └─search──► traverse codes ──► re-rank on vectors ──► Hit
//! ```
mod builder;
mod options;
mod search;

use std::sync::Arc;

use crate::arch::{Isa, Kernels};
use crate::distance::{check, check_denormals, norm};
use crate::error::{Error, Result};
use crate::exec::Exec;
use crate::snapshot::Check;
use crate::store::{Allocator, Region, Space};

pub use builder::Builder;
pub use options::{Codes, Options, UnknownCodes};
pub use search::{Batch, DEFAULT_EF, Hit, Search, Work};

/// A step of a bulk build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Vectors and keys are checked.
    Check,
    /// Codes are fitted and rows are written.
    Fit,
    /// Items are ordered in space.
    Order,
    /// Items are linked.
    Link,
}

/// How far a bulk build is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The current step.
    pub phase: Phase,
    /// Items done in this step.
    pub done: usize,
    /// Items of this step.
    pub total: usize,
}

/// Bytes an index holds, by what they are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Full-precision vectors.
    pub vectors: usize,
    /// Codes.
    pub codes: usize,
    /// Links of all levels.
    pub links: usize,
    /// Keys, node words, norms and everything else per item.
    pub items: usize,
    /// All of it.
    pub total: usize,
}
/// An approximate nearest-neighbour index.
pub struct Index {
    options: Options,
    kernels: &'static Kernels,
    allocator: Arc<dyn Allocator>,
    root: std::sync::RwLock<Arc<Space>>,
}

impl Index {
    /// Starts an index for vectors of `dim` components.
    pub fn builder(dim: usize) -> Builder {
        Builder::new(dim)
    }

    fn empty(builder: Builder) -> Result<Self> {
        let Builder { options, kernels, allocator } = builder;
        options.check()?;
        let space = Space::zeroed(options.dim, options.metric, kernels, None, 1, &allocator)?;
        Ok(Self { options, kernels, allocator, root: std::sync::RwLock::new(Arc::new(space)) })
    }
    /// Opens a snapshot.
    pub fn open(snapshot: Region, check: Check) -> Result<Self> {
        Self::builder(1).open(snapshot, check)
    }
    fn open_with(_: Builder, _: Region, _: Check) -> Result<Self> {
        Err(Error::Snapshot { reason: "not implemented", offset: 0 })
    }
    /// Options.
    pub fn options(&self) -> &Options {
        &self.options
    }
    /// Items.
    pub fn len(&self) -> usize {
        self.root.read().unwrap().end() as usize - 1
    }
    /// No items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Instruction set.
    pub fn isa(&self) -> Isa {
        self.kernels.isa
    }
    /// Memory.
    pub fn memory(&self) -> Memory {
        let root = self.root.read().unwrap();
        let vectors = root.store.vectors.bytes();
        let total = root.store.bytes();
        Memory { vectors, codes: root.store.codes.bytes(), links: 0, items: 0, total }
    }
    /// Bulk build.
    pub fn bulk_build(
        &self,
        keys: &[u64],
        vectors: &[f32],
        exec: &dyn Exec,
        progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<()> {
        check_denormals()?;
        let dim = self.options.dim;
        if vectors.len() != keys.len() * dim {
            return Err(Error::ShapeMismatch {
                expected: keys.len() * dim,
                rows: keys.len(),
                got: vectors.len(),
            });
        }
        let row = |i: usize| &vectors[i * dim..(i + 1) * dim];
        for i in 0..keys.len() {
            check(self.options.metric, self.kernels, dim, i, row(i))?;
        }
        let _ = progress(Progress { phase: Phase::Check, done: keys.len(), total: keys.len() });
        let quantizer = (self.options.codes != Codes::None).then(|| {
            crate::quantize::fit(
                keys.len(),
                dim,
                &|i| {
                    let row = row(i);
                    (row, norm(self.kernels, row, &mut Vec::new()))
                },
                exec,
            )
        });
        let mut space = Space::zeroed(
            dim,
            self.options.metric,
            self.kernels,
            quantizer,
            keys.len() as u32 + 1,
            &self.allocator,
        )?;
        space.fill(keys.len(), &|i| (keys[i], row(i)), exec);
        *self.root.write().unwrap() = Arc::new(space);
        Ok(())
    }
}
