//! Rows that never move: where vectors, codes and words live.
//!
//! ```text
//!   Region   owned aligned bytes (heap, mapped file, huge pages), zeroed or filled
//!     │        (`Exclusive` while they are only read, before an index has them)
//!     └─ Chunks   rows of one fixed stride; the first chunk is what was built or opened,
//!        │        further chunks double and are published by one atomic pointer each
//!        └─ Store   one `Chunks` per kind of row, all indexed by slot
//!             └─ Space   with metric, quantiser and kernels: rows are filled and scored here
//!                        (`Slots` hands them out, and knows from when on they have codes)
//!
//!   Sparse   words by number that take memory when they are written
//!     ├─ Tags       a bit for each slot and tag
//!     ├─ Payloads   bytes for each slot
//!     └─ Boxed      values that are replaced whole, beside their readers
//!         ├─ Standings      how sure the item of a slot is, and its trace
//!         └─ Associations   who leads to whom, by an identity that outlives a slot
//! ```
//!
//! # Invariants
//! - A row's address never changes while its `Chunks` lives, so readers hold plain pointers.
//! - A row is written by the one thread that took its slot, before the slot is published by a
//!   release operation (`graph`); afterwards only atomic words of it change.
//! - `Store::capacity` only grows; each row below it is backed by memory.
//!
//! Absent on purpose: files and page advice (a host's [`Allocator`] brings them), the meaning of
//! link words (`graph`), and deletion.

mod associations;
mod boxed;
mod cell;
mod chunks;
mod exclusive;
mod gate;
#[cfg(all(test, loom))]
mod loom_tests;
mod payloads;
mod region;
mod rows;
mod score;
mod shelf;
mod slots;
mod space;
mod sparse;
mod standings;
mod tags;

pub(crate) use associations::{Associations, EDGES_MAX, Edge};
pub(crate) use cell::{Grace, Pinned, SwapCell};
pub(crate) use chunks::Chunks;
pub(crate) use exclusive::Exclusive;
pub(crate) use gate::{Alone, Gate};
pub(crate) use payloads::{Payloads, Saved, encoded_len};
pub(crate) use region::ALIGN;
pub use region::{Allocator, Heap, Region};
pub(crate) use rows::{CodeRows, Shape, Store};
pub(crate) use score::BLOCK;
pub(crate) use shelf::{Shelf, Taken};
pub(crate) use slots::Coded;
pub(crate) use space::{Description, Fresh, RowScratch, Space};
pub(crate) use sparse::WORDS;
pub(crate) use standings::Standings;
pub(crate) use tags::{TAG_BLOCK, Tag, Tags, ones};
