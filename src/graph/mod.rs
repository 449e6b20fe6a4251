//! Lock-free HNSW: a hierarchy of navigable graphs (Malkov and Yashunin 2018) that is searched
//! while it is written.
//!
//! ```text
//!   entry ─► level 3   o ─────────── o               upper rows: m words, name upper ids
//!            level 2   o ───── o ─── o ── o
//!            level 1   o ─ o ─ o ─ o o ── o ─ o
//!   anchor ► level 0   every node: 2 m words, name slots
//! ```
//!
//! | file | what |
//! |---|---|
//! | `word` | the bits of link, node and entry words |
//! | `links` | the protocol of one row: read, offer, evict, promise, pin |
//! | `confidence` | how sure links are |
//! | `layout` | where rows lie; the layers as the walk sees them |
//! | `probe`, `pool`, `visited`, `walk` | search: score, keep the best, remember, expand |
//! | `rank` | compare the best again, on vectors |
//! | `select` | diverse neighbours |
//! | `level`, `order` | levels by hash; slots in spatial order |
//! | `build` | many nodes at once, in batches against a frozen graph, deterministic |
//! | `insert` | one node, beside everything else |
//! | `reclaim`, `mend` | dead nodes out of the graph, beside everything else |
//! | `audit` | the invariants below, verified |
//!
//! # Invariants
//! - **Backbone.** Every linked node but the anchor is named by exactly one pinned link of level 0,
//!   in the row of a parent of smaller rank (by two for the moment in which it moves from a dead
//!   one to another); pinned links are never replaced. So each node is reachable from the anchor by induction over ranks, at every instant, and the anchor seeds
//!   every walk of level 0. (In-degree guards alone left up to 58.7 % of duplicate-heavy data
//!   unreachable in a probe of the design; the pinned tree none.) The other way, a row that is
//!   pruned keeps the link to its own parent, where there is one: so whoever is among the children
//!   of a node finds it, too. (Else the first of a group hangs by a parent far away, and later ones
//!   nearer by crowd its other links out: 9 of 200 builds at m 4 lost such an item at ef 256, and
//!   groups of copies up to 59; with it one item in 382 runs.)
//! - **Publication.** A node's vector and code are complete before a link names it, and its links
//!   before it is pinned. In between only inserts that run beside its own may have linked it.
//! - **One word, one change.** Whatever is checked and then changed shares one atomic word.
//! - **Dead nodes** lead on to others and are linked by nobody who begins after they died, until
//!   `reclaim` has taken them out. The anchor never dies: its item may.
//! - **Bounded work.** A walk sees the nodes below the capacity it began with; rows are of fixed
//!   length and copied once.
//! - **Frozen or live, the same graph.** `build` and `insert` choose by the same rules.
//!
//! Absent on purpose: keys and hits (`index`), the arithmetic of distances (`store`, `distance`),
//! and threads (an [`Exec`](crate::exec::Exec) is passed in).

mod audit;
mod build;
mod confidence;
mod insert;
mod layout;
mod level;
mod links;
#[cfg(all(test, loom))]
mod loom_tests;
mod mend;
mod order;
mod pool;
mod probe;
mod rank;
mod reclaim;
mod select;
mod visited;
mod walk;
mod word;

pub(crate) use audit::audit;
pub use audit::{Audit, Broken};
pub(crate) use build::{Plan, build, upper_rows};
pub(crate) use insert::{InsertScratch, Newcomer, insert};
pub(crate) use layout::{Graph, Heads, is_linked, node, node_word, valid_heads};
pub(crate) use level::{level, mix};
pub(crate) use links::change;
pub(crate) use order::{Codes as OrderedCodes, spatial_order};
pub(crate) use reclaim::Reclaim;
pub(crate) use walk::{Scratch, Watch, search_ties};
pub(crate) use word::Node;
