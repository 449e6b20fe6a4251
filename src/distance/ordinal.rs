//! Ordinals: unsigned integers in the order of a distance.

const SIGN: u32 = 1 << 31;

/// The ordinal of a float distance (not NaN): IEEE bits, negative ones flipped whole.
#[inline(always)]
pub(crate) fn from_f32(distance: f32) -> u32 {
    let bits = distance.to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

/// The distance that has this ordinal.
#[inline(always)]
pub(crate) fn to_f32(ordinal: u32) -> f32 {
    f32::from_bits(if ordinal & SIGN == 0 { !ordinal } else { ordinal & !SIGN })
}

/// The ordinal of an integer distance.
#[inline(always)]
pub(crate) fn from_i32(distance: i32) -> u32 {
    distance as u32 ^ SIGN
}

/// The integer distance that has this ordinal.
#[inline(always)]
pub(crate) fn to_i32(ordinal: u32) -> i32 {
    (ordinal ^ SIGN) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_keep_the_order_and_return() {
        let distances =
            [f32::NEG_INFINITY, -3.5, -f32::MIN_POSITIVE, -0.0, 0.0, 1e-40, 1.0, f32::MAX];
        for pair in distances.windows(2) {
            assert!(from_f32(pair[0]) < from_f32(pair[1]), "{pair:?}");
        }
        for distance in distances {
            assert_eq!(to_f32(from_f32(distance)).to_bits(), distance.to_bits());
        }
        assert_eq!(
            [i32::MIN, -1, 0, i32::MAX].map(|i| to_i32(from_i32(i))),
            [i32::MIN, -1, 0, i32::MAX]
        );
        assert!(from_i32(i32::MIN) < from_i32(-1) && from_i32(-1) < from_i32(0));
        assert!(from_i32(0) < from_i32(i32::MAX));
    }
}
