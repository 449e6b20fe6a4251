//! CRC-32C in plain Rust, by eight tables, under the names of the crate that does it natively.
//!
//! That crate carries its tables: 8 KiB that no compression makes smaller, a fifteenth of what a
//! page fetches. Here they are computed when they are first needed, in microseconds.

use std::sync::OnceLock;

/// Castagnoli's polynomial, its bits in reverse.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// By table `n`: what a byte becomes once `n` bytes more have followed it.
type Tables = [[u32; 256]; 8];

/// The checksum of `bytes`.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    crc32c_append(0, bytes)
}

/// The checksum of what has the checksum `crc`, and then `bytes`.
pub(crate) fn crc32c_append(crc: u32, bytes: &[u8]) -> u32 {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    let tables = TABLES.get_or_init(tables);
    let (words, rest) = bytes.as_chunks();
    let mut crc = !crc;
    for word in words {
        let word = u64::from_le_bytes(*word) ^ u64::from(crc);
        // Written out: compiled for size, a loop would stay one, and opening take a third longer.
        let [a, b, c, d, e, f, g, h] = word.to_le_bytes();
        crc = tables[7][usize::from(a)]
            ^ tables[6][usize::from(b)]
            ^ tables[5][usize::from(c)]
            ^ tables[4][usize::from(d)]
            ^ tables[3][usize::from(e)]
            ^ tables[2][usize::from(f)]
            ^ tables[1][usize::from(g)]
            ^ tables[0][usize::from(h)];
    }
    for byte in rest {
        crc = tables[0][usize::from(crc as u8 ^ byte)] ^ (crc >> 8);
    }
    !crc
}

fn tables() -> Tables {
    let mut tables = [[0; 256]; 8];
    for byte in 0..256 {
        let mut crc = byte as u32;
        for table in &mut tables {
            for _ in 0..8 {
                crc = (crc >> 1) ^ if crc & 1 == 1 { POLYNOMIAL } else { 0 };
            }
            table[byte] = crc;
        }
    }
    tables
}

#[cfg(test)]
mod tests {
    #[test]
    fn checksums_are_those_of_the_crate() {
        let bytes: Vec<u8> = (0..100_u8).map(|at| at.wrapping_mul(151)).collect();
        for start in 0..9 {
            for end in start..bytes.len() {
                let bytes = &bytes[start..end];
                assert_eq!(super::crc32c(bytes), ::crc32c::crc32c(bytes));
                let (first, last) = bytes.split_at(bytes.len() / 3);
                assert_eq!(super::crc32c_append(super::crc32c(first), last), super::crc32c(bytes));
            }
        }
        assert_eq!(super::crc32c(b"123456789"), 0xe306_9283);
    }
}
