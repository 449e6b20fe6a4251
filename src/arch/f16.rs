//! 16-bit floats (IEEE binary16) as bits.
//!
//! Forty lines instead of the crate `half`: that brings `zerocopy` and its macros into a library
//! whose WebAssembly binary is counted in kilobytes.

use crate::limits::{F16_MAX, F16_MIN_NORMAL};

/// Exponents of 32-bit floats begin this much lower.
const REBIAS: u32 = 127 - 15;
/// Digits that a 32-bit float has more.
const DIGITS: u32 = 23 - 10;
/// 2^112: multiplying by it moves an exponent from one bias to the other, exactly, and makes what
/// is denormal in 16 bits normal.
pub(super) const SCALE: f32 = f32::from_bits((127 + REBIAS) << 23);

/// The value of a 16-bit float, exactly.
#[inline(always)]
pub(crate) fn widen(half: u16) -> f32 {
    let (sign, magnitude) = (u32::from(half & 0x8000) << 16, u32::from(half & 0x7fff) << DIGITS);
    // Infinity and NaN, possible in a damaged file, stay what they are.
    let all_ones = if half & 0x7c00 == 0x7c00 { 0xff << 23 } else { 0 };
    f32::from_bits((f32::from_bits(magnitude) * SCALE).to_bits() | all_ones | sign)
}

/// The nearest 16-bit float, ties to even, of a value up to 65,504.
#[inline]
pub(crate) fn narrow(value: f32) -> u16 {
    let (sign, magnitude) = ((value.to_bits() >> 16) as u16 & 0x8000, value.abs());
    debug_assert!(magnitude <= F16_MAX, "{value} is beyond 16-bit floats");
    let half = if magnitude < F16_MIN_NORMAL {
        // Next to 0.5 floats lie 2^-24 apart, as denormal 16-bit floats do: the sum rounds.
        (magnitude + 0.5).to_bits() - 0.5f32.to_bits()
    } else {
        let bits = magnitude.to_bits();
        let even = bits >> DIGITS & 1;
        ((bits + (1 << (DIGITS - 1)) - 1 + even) >> DIGITS) - (REBIAS << 10)
    };
    sign | half as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every finite 16-bit float that is not negative, from the smallest on.
    const FINITE: std::ops::Range<u16> = 0..0x7c00;

    #[test]
    fn widening_gives_the_value() {
        for half in FINITE {
            let (exponent, digits) = (i32::from(half >> 10), f64::from(half & 0x3ff));
            let value = match exponent {
                0 => digits * 2f64.powi(-24),
                _ => (1024.0 + digits) * 2f64.powi(exponent - 25),
            };
            assert_eq!(f64::from(widen(half)), value, "{half:#x}");
            assert_eq!(widen(half | 0x8000).to_bits(), (-widen(half)).to_bits());
        }
        assert_eq!((widen(0x7c00), widen(0xfc00)), (f32::INFINITY, f32::NEG_INFINITY));
        assert!((0x7c01..0x8000).all(|half| widen(half).is_nan()));
    }

    #[test]
    fn narrowing_takes_the_nearest_and_of_two_the_even_one() {
        for half in FINITE {
            assert_eq!(narrow(widen(half)), half);
            assert_eq!(narrow(-widen(half)), half | 0x8000);
        }
        for low in FINITE.start..FINITE.end - 1 {
            let high = low + 1;
            // Exact: a 32-bit float has thirteen digits more.
            let middle = f32::midpoint(widen(low), widen(high));
            assert_eq!(narrow(middle), if low % 2 == 0 { low } else { high }, "{low:#x}");
            assert_eq!(narrow(middle.next_down()), low);
            assert_eq!(narrow(middle.next_up()), high);
        }
    }
}
