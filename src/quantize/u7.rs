//! Encoding with a fitted quantiser.

use crate::arch::{self, Kernels};

/// The code of a component that equals the mean.
pub(crate) const ORIGIN: i32 = arch::ORIGIN as i32;
/// Largest code.
const CODE_MAX: f32 = 127.0;
/// Adding and subtracting 1.5 · 2^23 rounds a small float to the nearest integer, ties to even, in
/// two additions that every target vectorises alike.
const ROUND: f32 = 12_582_912.0;

/// A code with more than one clamped component in so many says too little of its vector.
const CLAMPED_SHARE: usize = 32;

/// Whether a code stands for its vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fidelity {
    /// All but a few components are within half a step.
    Faithful,
    /// The vector lies outside the range that the quantiser was fitted to.
    Clamped,
}

/// A mean and a scale: how vectors of one index become codes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Quantizer {
    mean: Vec<f32>,
    scale: f32,
    inverse: f32,
}

impl Quantizer {
    /// A quantiser with one mean per component and one step width for all.
    pub(super) fn new(mean: Vec<f32>, scale: f32) -> Self {
        Self { mean, scale, inverse: 1.0 / scale }
    }

    /// Reads back what [`Self::parts`] gave; `None` if it cannot have come from there.
    pub(crate) fn from_parts(mean: Vec<f32>, scale: f32) -> Option<Self> {
        let sound = scale.is_normal() && scale > 0.0 && (1.0 / scale).is_normal();
        (sound && mean.iter().all(|x| x.is_finite())).then(|| Self::new(mean, scale))
    }

    /// Mean and scale.
    pub(crate) fn parts(&self) -> (&[f32], f32) {
        (&self.mean, self.scale)
    }

    /// Writes the code of `vector / norm` (norm 1 where the metric is not cosine); bytes of `code`
    /// past the vector are the padding of a row and become 0. Says whether the code stands for the
    /// vector.
    #[cfg_attr(ecphory_compact, optimize(speed))]
    pub(crate) fn encode(&self, vector: &[f32], norm: f32, code: &mut [u8]) -> Fidelity {
        let (code, padding) = code.split_at_mut(vector.len());
        let mut clamped = 0;
        for ((code, &x), &mean) in code.iter_mut().zip(vector).zip(&self.mean) {
            let steps = (x / norm - mean) * self.inverse;
            let inside = steps.clamp(-64.0, 63.0);
            // Half a step out of range is a rounding, not a loss.
            clamped += usize::from((steps - inside).abs() > 0.5);
            *code = ((inside + ROUND) - ROUND + ORIGIN as f32) as u8;
        }
        padding.fill(0);
        debug_assert!(code.iter().all(|&c| f32::from(c) <= CODE_MAX));
        if clamped * CLAMPED_SHARE > vector.len() { Fidelity::Clamped } else { Fidelity::Faithful }
    }

    /// Replaces `into` by the vector (of `vector / norm`) that a code stands for.
    pub(crate) fn decode(&self, code: &[u8], into: &mut Vec<f32>) {
        let steps = code.iter().map(|&c| (i32::from(c) - ORIGIN) as f32);
        into.clear();
        into.extend(self.mean.iter().zip(steps).map(|(mean, steps)| mean + self.scale * steps));
    }

    /// The part of an inner product that depends on one row alone: `scale · Σ meanᵢ (cᵢ − 64)`.
    pub(crate) fn bias(&self, kernels: &Kernels, code: &[u8], steps: &mut Vec<f32>) -> f32 {
        steps.clear();
        steps.extend(code[..self.mean.len()].iter().map(|&c| (i32::from(c) - ORIGIN) as f32));
        self.scale * kernels.dot(&self.mean, steps)
    }
}

/// Writes `query` as signed bytes of its own scale, which it returns: the largest component becomes
/// ±127.
#[cfg_attr(ecphory_compact, optimize(speed))]
pub(crate) fn encode_signed(query: &[f32], code: &mut [i8]) -> f32 {
    let largest = query.iter().fold(0.0f32, |max, x| max.max(x.abs()));
    let (code, padding) = code.split_at_mut(query.len());
    for (code, &x) in code.iter_mut().zip(query) {
        // The quotient first: 127 / largest could overflow for a tiny query.
        let steps = if largest > 0.0 { x / largest * 127.0 } else { 0.0 };
        *code = ((steps + ROUND) - ROUND) as i8;
    }
    padding.fill(0);
    largest / 127.0
}
