//! Codes in two planes: a traversal reads the upper four bits alone, half the bytes.
//!
//! ```text
//!   row   | upper plane: bits 6..3, two components a byte | lower plane: bits 2..0, likewise |
//!   byte  component j in the low half, component j + 64 in the high half, runs of 128
//! ```
//!
//! Both planes together are the 7-bit code exactly. A plane is whole cache lines, so a row is as
//! long as the code it holds, rounded up to 128 components.

use crate::arch::PLANE_ALIGN;

/// Components in a run.
const RUN: usize = 2 * PLANE_ALIGN;

/// Writes the planes of a code of whole runs into a row of the same length.
#[cfg_attr(ecphory_compact, optimize(speed))]
pub(crate) fn split(code: &[u8], row: &mut [u8]) {
    let (upper, lower) = row.split_at_mut(code.len() / 2);
    let planes = upper.chunks_exact_mut(PLANE_ALIGN).zip(lower.chunks_exact_mut(PLANE_ALIGN));
    for (run, (upper, lower)) in code.chunks_exact(RUN).zip(planes) {
        let (first, second) = run.split_at(PLANE_ALIGN);
        for i in 0..PLANE_ALIGN {
            upper[i] = first[i] >> 3 | second[i] >> 3 << 4;
            lower[i] = first[i] & 7 | (second[i] & 7) << 4;
        }
    }
}

/// Writes the code whose planes `row` holds.
#[cfg_attr(ecphory_compact, optimize(speed))]
pub(crate) fn join(row: &[u8], code: &mut [u8]) {
    let (upper, lower) = row.split_at(row.len() / 2);
    let planes = upper.chunks_exact(PLANE_ALIGN).zip(lower.chunks_exact(PLANE_ALIGN));
    for (run, (upper, lower)) in code.chunks_exact_mut(RUN).zip(planes) {
        let (first, second) = run.split_at_mut(PLANE_ALIGN);
        for i in 0..PLANE_ALIGN {
            first[i] = (upper[i] & 15) << 3 | lower[i] & 7;
            second[i] = (upper[i] >> 4) << 3 | lower[i] >> 4 & 7;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_hold_the_code() {
        let code: Vec<u8> = (0..3 * RUN).map(|i| (i * 37 % 128) as u8).collect();
        let (mut row, mut back) = (vec![0; code.len()], vec![0; code.len()]);
        split(&code, &mut row);
        join(&row, &mut back);
        assert_eq!(back, code);
        assert_eq!(row[1], code[1] >> 3 | code[65] >> 3 << 4);
        assert!(row[code.len() / 2..].iter().all(|byte| byte & 0x88 == 0));
    }
}
