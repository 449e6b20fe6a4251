//! One frame: where it belongs, what number it has, how long it is and what its bytes sum up to.

use super::manifest::IDS_MAX;
use crate::arch::crc32c;

/// Bytes before a payload.
pub(super) const HEADER: usize = 32;
/// Bytes of a payload, at most: the largest item with all tags that it can have.
pub(super) const PAYLOAD_MAX: usize = 1 << 26;

const MARK: u32 = u32::from_le_bytes(*b"ECF1");

/// Which file a frame is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) store: u64,
    pub(crate) segment: u64,
}

impl Place {
    /// What the checksum of a header at `offset` begins with.
    fn seed(self, offset: u64) -> u32 {
        let mut bytes = [0; 24];
        for (to, value) in bytes.chunks_exact_mut(8).zip([self.store, self.segment, offset]) {
            to.copy_from_slice(&value.to_le_bytes());
        }
        crc32c::crc32c(&bytes)
    }
}

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) len: u32,
    pub(super) lsn: u64,
    pub(super) synced: u64,
    pub(super) crc: u32,
}

impl Header {
    pub(super) fn encode(self, place: Place, offset: u64) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0..4].copy_from_slice(&MARK.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.len.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.lsn.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.synced.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.crc.to_le_bytes());
        let crc = crc32c::crc32c_append(place.seed(offset), &bytes[..28]);
        bytes[28..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The header that stands at the beginning of `bytes`, which stand at `offset`.
    pub(super) fn decode(bytes: &[u8], place: Place, offset: u64) -> Option<Self> {
        let bytes = bytes.first_chunk::<HEADER>()?;
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
        let long = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
        let holds = word(0) == MARK
            && word(28) == crc32c::crc32c_append(place.seed(offset), &bytes[..28])
            && word(4) as usize <= PAYLOAD_MAX
            && long(8) <= IDS_MAX;
        holds.then(|| Self { len: word(4), lsn: long(8), synced: long(16), crc: word(24) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_holds_in_its_place_only() {
        let place = Place { store: 7, segment: 3 };
        let header = Header { len: 5, lsn: 9, synced: 8, crc: 1 };
        let bytes = header.encode(place, 64);
        assert_eq!(Header::decode(&bytes, place, 64), Some(header));
        assert_eq!(Header::decode(&bytes, place, 65), None);
        assert_eq!(Header::decode(&bytes, Place { segment: 4, ..place }, 64), None);
        assert_eq!(Header::decode(&bytes, Place { store: 6, ..place }, 64), None);
        assert_eq!(Header::decode(&bytes[..31], place, 64), None);
        for bit in 0..8 * HEADER {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&flipped, place, 64), None, "bit {bit}");
        }
        let long = Header { len: PAYLOAD_MAX as u32 + 1, ..header };
        assert_eq!(Header::decode(&long.encode(place, 64), place, 64), None);
    }
}
