//! Decisions about an index from samples of it: pure mathematics, samples in, decisions out.
//!
//! ```text
//!   index ──hits of samples at rising ef──► tuner ──► Tuning ──(recall, k)──► ef
//!   queries ──faults of the graph, time───► breaker ─► graph, probe or scan
//!   queries ──recall of a few of them─────► shadow ──► trip the breaker, or not
//!   host ──bytes in use, budget───────────► pressure ► m of new nodes, ef
//! ```
//!
//! # Invariants
//! - Nothing here reads an index, a clock or a random number: equal samples give equal decisions, on
//!   every target.
//! - Decisions are made with additions, multiplications, divisions and square roots, and logarithms of
//!   the `libm` crate, which are the same bits everywhere.
//! - Time is an argument, in milliseconds of any clock.
//!
//! Absent on purpose: how samples are drawn and searched for, and what follows from a decision
//! (`index`).

mod breaker;
mod pressure;
mod shadow;
mod tuner;

pub use breaker::{
    BREAKER_FAILURES, BREAKER_WAIT, BREAKER_WINDOW, Breaker, BreakerCounts, BreakerState, Probe,
    Route,
};
pub use pressure::{OverBudget, PRESSURE_M_MIN, PRESSURE_STEPS, Pressure, PressureStep};
pub use shadow::{Health, SHADOW_EVERY, SHADOW_LOSS, Shadow};
pub(crate) use tuner::{Measured, RUNGS_MAX, Rungs};
pub use tuner::{TunedPoint, Tuning};

use crate::sync::atomic::{AtomicU64, Ordering};

/// Counts one more; what was counted before. Relaxed: counters order nothing.
fn count(counter: &AtomicU64) -> u64 {
    let next = |count: u64| Some(count.wrapping_add(1));
    match counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) {
        Ok(before) | Err(before) => before,
    }
}
