//! Levels and insertion order, drawn from a hash instead of a generator.
//!
//! A hash of (seed, position) needs no state, so levels do not depend on threads, and integers are
//! compared with integer thresholds, so they do not depend on a target's logarithm.

use crate::limits::LEVEL_MAX;

/// A well-mixed number for `position` (the finaliser of `SplitMix64`, Steele et al. 2014).
pub(crate) fn mix(seed: u64, position: u64) -> u64 {
    let mut z = seed.wrapping_add(position.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The level of a node with this hash: `l` or higher with probability `m^-l`, as in the paper's
/// choice `mL = 1 / ln m` (Malkov and Yashunin 2018).
pub(crate) fn level(hash: u64, m: usize) -> usize {
    let mut threshold = u64::MAX / m as u64;
    let mut level = 0;
    while hash < threshold && level < LEVEL_MAX {
        level += 1;
        threshold /= m as u64;
    }
    level
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_thin_out_by_m() {
        let (n, m) = (1_000_000, 16);
        let mut counts = [0usize; LEVEL_MAX + 1];
        for position in 0..n {
            counts[level(mix(7, position), m)] += 1;
        }
        // Mean level 1 / (m - 1); the count at each level within 5 standard deviations.
        let mut expected = n as f64;
        for count in counts.iter().take(4) {
            let here = expected * (1.0 - 1.0 / m as f64);
            assert!((*count as f64 - here).abs() < 5.0 * here.sqrt(), "{counts:?}");
            expected /= m as f64;
        }
    }
}
