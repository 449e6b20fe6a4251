//! What the kernels mean: metrics, kinds of rows, checked vectors, distances and their order.
//!
//! ```text
//!   caller's vector ──check──► finite, bounded, has a direction ──► Query ──kernel──► distances
//!                                                                     └─► ordinals (u32 keys)
//! ```
//!
//! **Lower is nearer, always.** [`Metric::L2`] is the *squared* Euclidean distance,
//! [`Metric::InnerProduct`] is `0 − q·x`, [`Metric::Cosine`] is `1 − cos(q, x)`, never below 0.
//! Each is computed in one order of operations on every target, so its bits are portable.
//!
//! An *ordinal* is a `u32` whose unsigned order is the order of a distance: a pool compares and
//! sorts integers whatever the metric, and ties end at the slot beside it.
//!
//! Absent on purpose: codes (`quantize`) and where rows live (`store`).

mod check;
mod metric;
mod ordinal;
mod query;
mod rows;

pub(crate) use check::{check, check_denormals, check_f16, norm};
pub use metric::{Metric, UnknownMetric};
pub(crate) use ordinal::{from_f32, from_i32, to_f32, to_i32};
pub(crate) use query::{Frame, Query};
pub use rows::{Rows, UnknownRows};
