//! 7-bit codes: what a traversal reads instead of full vectors.
//!
//! ```text
//!   x ──(/ norm under cosine)──► − mean ──► × 1/scale ──► round, + 64, clamp to 0..=127
//! ```
//!
//! One mean vector and one global scale serve a whole index, so that the distance of two codes is
//! one integer sum, exact on every target. Without the mean a constant shift of the data would use
//! up the range of the codes; the scale covers all but one in a hundred thousand components, the
//! rest are clamped. Data that one scale cannot serve (a dense cluster and a few far rows) is told
//! apart by `Fit::is_fine`; vectors outside the range, by [`Fidelity`]: full vectors are compared
//! then. Rank on full vectors afterwards: codes only decide which rows to look at.
//!
//! Long codes are kept in two planes ([`split`]), so that a traversal reads half of each.
//!
//! Absent on purpose: the sums themselves (`arch`), and refitting — codes of one index share the
//! quantiser they were built with.

mod fit;
pub(crate) mod split;
mod u7;

pub(crate) use fit::{Fit, fit};
pub(crate) use u7::{Fidelity, ORIGIN, Quantizer, encode_signed};
