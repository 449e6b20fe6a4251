//! What makes a vector a memory: how sure it is, how well it is kept, and what it brings to mind.
//!
//! ```text
//!   Trace (times of use) ──retention(now)──► how much is left ──┐
//!                                                               ├─► scoring: distance → score
//!   Confidence (of an item, of a link) ─────────────────────────┘
//!   Standing = Confidence + Trace: what an index keeps of an item
//!
//!   Links (typed, weighted, directed) ──activation: cues in──► what they bring to mind, and a bound
//! ```
//!
//! Everything here is pure mathematics: numbers in, numbers out. Time is an argument, in
//! milliseconds since any moment that stays the same (the Unix epoch, say); nothing is written in
//! the background, so equal state and equal time give equal numbers.
//!
//! # Invariants
//! - No result is NaN or infinite, whatever a caller passes: settings are checked when they are
//!   made, and all else is bounded when it is used.
//! - The same bits on every target: additions, multiplications, divisions and square roots, and the
//!   `libm` crate for powers, exponentials and logarithms.
//! - Nothing is off by more than it says: a weighted answer is exact or names its ratio, and
//!   activation names the mass that it did not follow.
//!
//! Absent on purpose: where standings and associations are kept (`store`), and how a search uses them
//! (`index`); clocks (hosts).

pub mod activation;
#[cfg(test)]
pub(crate) mod numbers;
pub mod priming;
pub mod retention;
pub mod scoring;
mod standing;

pub use standing::{STANDING_BYTES, Standing};

use crate::error::Error;

/// What a setting or stored bytes were refused for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// A number lies outside its bounds, or is none.
    #[error("{name} must be {accepted}; choose a value inside")]
    OutOfRange {
        /// What it was given for.
        name: &'static str,
        /// The bounds, in words. (What prints floats would be a tenth of the WebAssembly library.)
        accepted: &'static str,
    },
    /// The product of distance and doubt, over distances that may be negative.
    #[error(
        "the seed's score turns the order of negative distances around; use penalised scoring, or a metric without a sign"
    )]
    SignedMetric,
    /// Bytes that no trace was written as.
    #[error("these bytes are no trace of a memory; restore them from their source")]
    DamagedTrace,
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        let (name, accepted) = match refused {
            Refused::OutOfRange { name, accepted } => (name, accepted),
            Refused::SignedMetric => ("scoring", "another than the seed's under the inner product"),
            Refused::DamagedTrace => ("a trace", "one that was written"),
        };
        Self::Memory { name, accepted }
    }
}

/// Refuses a `value` outside `min..=max`, and what is no number.
pub(crate) fn in_range(
    name: &'static str,
    value: f64,
    (min, max): (f64, f64),
    accepted: &'static str,
) -> Result<(), Refused> {
    if (min..=max).contains(&value) { Ok(()) } else { Err(Refused::OutOfRange { name, accepted }) }
}
