//! Decisions about an index from samples of it: pure mathematics, samples in, decisions out.
//!
//! ```text
//!   index ──hits of samples at rising ef──► tuner ──► Tuning ──(recall, k)──► ef
//!   queries ──faults of the graph, time───► breaker ─► graph, probe or scan
//!   host ──bytes in use, budget───────────► pressure ► m of new nodes, ef
//! ```
//!
//! # Invariants
//! - Nothing here reads an index, a clock or a random number: equal samples give equal decisions, on
//!   every target.
//! - Decisions are made with additions, multiplications, divisions and square roots alone, which are
//!   the same bits everywhere.
//!
//! Absent on purpose: how samples are drawn and searched for (`index`).

mod breaker;
mod pressure;
mod tuner;

pub use breaker::{
    BREAKER_FAILURES, BREAKER_WAIT, BREAKER_WINDOW, Breaker, BreakerCounts, BreakerState, Probe,
    Route,
};
pub use pressure::{OverBudget, PRESSURE_M_MIN, PRESSURE_STEPS, Pressure, PressureStep};
pub(crate) use tuner::{Measured, RUNGS_MAX, Rungs};
pub use tuner::{TunedPoint, Tuning};
