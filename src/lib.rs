//! **ecphory** is a memory index: approximate nearest-neighbour search over vectors, as the same
//! code, the same file and the same answers in a server, on a command line and in a browser tab.
//!
//! ```
//! use ecphory::{Check, Index, Metric, Region, exec::Sequential};
//!
//! // Build from vectors that stand one after the other, with a key each.
//! let index = Index::builder(4).metric(Metric::Cosine).build()?;
//! let vectors = [1.0, 0.0, 0.0, 0.0, /**/ 0.7, 0.7, 0.0, 0.0, /**/ 0.0, 0.0, 1.0, 0.0];
//! index.bulk_build(&[1, 2, 3], &vectors, &Sequential, &mut |_| true)?;
//!
//! // Search; insert, update and delete beside searches.
//! index.insert(4, &[0.9, 0.1, 0.0, 0.0])?;
//! index.upsert(3, &[0.0, 0.1, 1.0, 0.0])?;
//! index.delete(2)?;
//! let hits = index.search(&[1.0, 0.05, 0.0, 0.0]).k(2).run()?;
//! assert_eq!((hits[0].key, hits[1].key), (1, 4));
//!
//! // The snapshot opens on every target with the same answers.
//! let file = index.to_snapshot()?;
//! let opened = Index::open(Region::copy_of(&file).expect("memory"), Check::Full)?;
//! assert_eq!(opened.search(&[1.0, 0.05, 0.0, 0.0]).k(2).run()?, hits);
//! # Ok::<(), ecphory::Error>(())
//! ```
//!
//! # Layers
//!
//! ```text
//!   durable    a store: spaces that outlive the process                       ┐ imports
//!   index      one index: options, keys, the writers' gate, search, filters   │ go
//!   snapshot   the container of the file · log  what was done since           │
//!   graph      lock-free HNSW: walk, build, insert, reclaim · scan  exact     │ down
//!   control    decisions from samples
//!   store      rows that never move, and what they mean together              │ only
//!   memory     retention, confidence, activation: what makes a vector a memory│
//!   distance   metrics, checked vectors · quantize  7-bit codes               │
//!   arch       kernels per instruction set, bit-equal                         │
//!   limits · sync · error · exec                                              ┘
//! ```
//!
//! # What holds everywhere
//! - **The same bits.** Equal snapshot, query and options give equal keys and distances on every
//!   instruction set and target; equal input, options and seed build equal bytes for any number of
//!   threads.
//! - **Readers never wait.** A search takes no lock and waits for nobody, whatever writers do; where
//!   much of what it meets was deleted, it looks farther, and at last at everything.
//! - **Errors change nothing.** What a caller passes is checked before anything is touched; nothing
//!   a caller passes panics, hangs or allocates without bound.
//!
//! # What is absent on purpose
//! The core does no input or output, starts no thread, reads no clock and keeps no global state but
//! the detected instruction set (and, in WebAssembly, the tables of a checksum): hosts bring memory ([`Allocator`]), threads ([`exec::Exec`]) and
//! files. The crates `ecphory-native` and the npm package `ecphory` are such hosts.

// The npm binaries are compiled for size, but for functions that are marked to be fast: those in
// which a profile of searches, inserts and builds finds the time.
#![cfg_attr(ecphory_compact, feature(optimize_attribute))]

#[cfg(target_endian = "big")]
compile_error!(
    "ecphory keeps its file format in memory as it is, which needs a little-endian target"
);

pub mod arch;
pub mod control;
mod distance;
mod durable;
pub mod error;
pub mod exec;
mod graph;
mod index;
pub mod limits;
pub mod log;
pub mod memory;
mod quantize;
mod scan;
mod snapshot;
mod store;
mod sync;

pub use control::{TunedPoint, Tuning};
pub use distance::{Metric, Rows, UnknownMetric, UnknownRows};
pub use durable::{Ack, Salvaged, Space, Store, StoreBuilder};
pub use error::{Error, Result};
pub use graph::{Audit, Broken};
pub use index::{
    Associated, Association, Batch, Builder, Codes, DEFAULT_EF, Effort, Hit, Index, Item, KeySet,
    Keys, Memory, Op, Options, Phase, Plan, Progress, Recollect, Recollected, Recollection, Search,
    TagFilter, UnknownCodes, Weighed, WeighedHit, WeighedHits, Work, key_of,
};
pub use snapshot::Check;
pub use store::{Allocator, Heap, Region};
#[cfg(ecphory_tsan)]
#[doc(hidden)]
pub use sync::break_publication;
