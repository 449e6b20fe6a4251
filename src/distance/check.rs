//! What a vector must be before it is stored or searched for.

use super::Metric;
use crate::arch::Kernels;
use crate::error::{Error, Result};
use crate::limits::{COSINE_COMPONENT_MIN, F16_MAX, F16_MIN_NORMAL, NORM_SQUARED_MAX};

/// Refuses a vector (number `row` of the caller's) that has the wrong length, a component that is
/// not finite, a norm that could overflow a distance or, under cosine, no direction.
///
/// One pass of the dot kernel decides the good case: NaN and infinity survive into the sum.
pub(crate) fn check(
    metric: Metric,
    kernels: &Kernels,
    dim: usize,
    row: usize,
    vector: &[f32],
) -> Result<()> {
    if vector.len() != dim {
        return Err(Error::DimensionMismatch { expected: dim, got: vector.len() });
    }
    if kernels.dot(vector, vector) <= NORM_SQUARED_MAX {
        if metric == Metric::Cosine && vector.iter().all(|x| x.abs() < COSINE_COMPONENT_MIN) {
            return Err(Error::ZeroVector { row });
        }
        return Ok(());
    }
    match vector.iter().position(|x| !x.is_finite()) {
        Some(component) => Err(Error::NotFinite { row, component }),
        None => Err(Error::TooLong { row }),
    }
}

/// Refuses a vector (that [`check`] has passed) which 16-bit floats do not hold: a component would
/// become infinite or, under cosine, none has enough digits for a direction.
pub(crate) fn check_f16(metric: Metric, row: usize, vector: &[f32]) -> Result<()> {
    let refuse = |component| Err(Error::F16Range { row, component });
    let largest = |(a, x): (usize, f32), (b, y)| if y > x { (b, y) } else { (a, x) };
    let magnitudes = vector.iter().map(|x| x.abs()).enumerate();
    match magnitudes.reduce(largest) {
        Some((component, magnitude)) if magnitude > F16_MAX => refuse(component),
        Some((component, magnitude)) if metric == Metric::Cosine && magnitude < F16_MIN_NORMAL => {
            refuse(component)
        }
        _ => Ok(()),
    }
}

/// Refuses a thread that rounds denormal numbers to zero: its distances would differ.
pub(crate) fn check_denormals() -> Result<()> {
    let half = std::hint::black_box(f32::MIN_POSITIVE) * 0.5;
    if half == 0.0 { Err(Error::FlushToZero) } else { Ok(()) }
}

/// Euclidean length, exact to the last steps for vectors of any size: they are scaled by a power
/// of two first, which changes no digit.
pub(crate) fn norm(kernels: &Kernels, vector: &[f32], scaled: &mut Vec<f32>) -> f32 {
    let scale = power_of_two_near(vector);
    scaled.clear();
    scaled.extend(vector.iter().map(|x| x * scale));
    kernels.dot(scaled, scaled).sqrt() / scale
}

/// A power of two that brings the largest component near 1, within the range where both it and
/// its inverse are normal numbers.
pub(super) fn power_of_two_near(vector: &[f32]) -> f32 {
    let largest = vector.iter().fold(0u32, |max, x| max.max(x.abs().to_bits()));
    let exponent = (largest >> 23).clamp(1, 253);
    f32::from_bits((254 - exponent) << 23)
}
