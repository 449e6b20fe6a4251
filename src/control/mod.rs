//! Decisions about an index from samples of it: pure mathematics, samples in, decisions out.
//!
//! ```text
//!   index ──hits of samples at rising ef──► tuner ──► Tuning ──(recall, k)──► ef
//! ```
//!
//! # Invariants
//! - Nothing here reads an index, a clock or a random number: equal samples give equal decisions, on
//!   every target.
//! - Decisions are made with additions, multiplications, divisions and square roots alone, which are
//!   the same bits everywhere.
//!
//! Absent on purpose: how samples are drawn and searched for (`index`).

mod tuner;

pub(crate) use tuner::{Measured, RUNGS_MAX, Rungs};
pub use tuner::{TunedPoint, Tuning};
