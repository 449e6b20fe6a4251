//! One file of the log: its name, its header, and its frames read one after the other.

use super::StoreError;
use super::frame::{HEADER as FRAME_HEADER, Header, Place};
use super::storage::Storage;

/// Bytes before the first frame.
pub(super) const HEADER: usize = 64;

const MAGIC: [u8; 8] = [0x89, b'E', b'C', b'L', 0x0D, 0x0A, 0x1A, 0x0A];
const VERSION: u32 = 1;

/// What a segment begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) place: Place,
    pub(super) first: u64,
    pub(super) chain: u32,
}

/// The name of a segment's file.
pub(crate) fn name_of(segment: u64) -> String {
    format!("log-{segment:016x}")
}

/// The number of the segment that a file is, if it is one.
pub(crate) fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("log-").filter(|digits| digits.len() == 16)?;
    let number = u64::from_str_radix(digits, 16).ok()?;
    (name_of(number) == name).then_some(number)
}

/// The name of a checkpoint's file.
pub(crate) fn snapshot_name(file: u64) -> String {
    format!("snap-{file:016x}")
}

/// Whether a file is a checkpoint's.
pub(crate) fn is_snapshot(name: &str) -> bool {
    let number = name.strip_prefix("snap-").map(|digits| u64::from_str_radix(digits, 16));
    number.is_some_and(|number| number.is_ok_and(|number| snapshot_name(number) == name))
}

/// Whether anything was written behind the header of a segment.
pub(crate) fn has_frames(storage: &dyn Storage, name: &str) -> Result<bool, StoreError> {
    Ok(read(storage, name)?.iter().skip(HEADER).any(|&byte| byte != 0))
}

impl Head {
    pub(super) fn encode(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.chain.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.place.store.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.place.segment.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.first.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..60]);
        bytes[60..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The header of a file that is to be a segment of a store, or what does not hold.
    pub(super) fn decode(bytes: &[u8], place: Place) -> Result<Self, &'static str> {
        let bytes = bytes.first_chunk::<HEADER>().ok_or("it ends within its header")?;
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
        let long = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
        if bytes[..8] != MAGIC {
            return Err("it is no segment of a log");
        }
        if word(60) != crc32c::crc32c(&bytes[..60]) {
            return Err("the checksum of its header does not hold");
        }
        if word(8) != VERSION || bytes[40..60].iter().any(|&byte| byte != 0) {
            return Err("it is of a release that knows more than this one");
        }
        let found = Place { store: long(16), segment: long(24) };
        if found != place {
            return Err("it belongs to another store, or to another place");
        }
        Ok(Self { place, first: long(32), chain: word(12) })
    }
}

/// The bytes of a segment, and where reading stands.
pub(super) struct Reader {
    pub(super) head: Head,
    bytes: Vec<u8>,
    /// The offset behind the last frame that was read.
    pub(super) end: usize,
    /// Number that the next frame has.
    pub(super) next: u64,
    /// What the next frame's checksum begins with.
    pub(super) chain: u32,
}

/// The bytes of a whole file.
pub(super) fn read(storage: &dyn Storage, name: &str) -> Result<Vec<u8>, StoreError> {
    let file = storage.open(name).map_err(StoreError::io("open", name))?;
    let len = file.len().map_err(StoreError::io("read", name))?;
    let mut bytes = Vec::new();
    let full = |_| std::io::Error::from(std::io::ErrorKind::OutOfMemory);
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    bytes.try_reserve_exact(len).map_err(full).map_err(StoreError::io("read", name))?;
    bytes.resize(len, 0);
    file.read_at(0, &mut bytes).map_err(StoreError::io("read", name))?;
    Ok(bytes)
}

impl Reader {
    pub(super) fn over(bytes: Vec<u8>, place: Place) -> Result<Self, &'static str> {
        let head = Head::decode(&bytes, place)?;
        let Head { first: next, chain, .. } = head;
        Ok(Self { head, bytes, end: HEADER, next, chain })
    }

    /// The number and the payload of the next frame, or `None` where nothing more holds.
    pub(super) fn next(&mut self) -> Option<(u64, &[u8])> {
        let rest = &self.bytes[self.end..];
        let header = Header::decode(rest, self.head.place, self.end as u64)?;
        let payload = rest[FRAME_HEADER..].get(..header.len as usize)?;
        let crc = crc32c::crc32c_append(self.chain, payload);
        if header.lsn != self.next || header.crc != crc {
            return None;
        }
        self.end += FRAME_HEADER + payload.len();
        self.next += 1;
        self.chain = crc;
        Some((header.lsn, payload))
    }

    /// Bytes of the file.
    pub(super) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Bytes behind the last frame, if they are not all zeros.
    pub(super) fn left(&self) -> u64 {
        let rest = &self.bytes[self.end..];
        if rest.iter().all(|&byte| byte == 0) { 0 } else { rest.len() as u64 }
    }

    /// Whether a frame behind this place says that the one that does not hold was durable.
    pub(super) fn has_witness(&self) -> bool {
        let places = self.end + 1..self.bytes.len();
        let mut later =
            places.filter_map(|at| Header::decode(&self.bytes[at..], self.head.place, at as u64));
        later.any(|header| header.lsn > self.next && header.synced >= self.next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_segments_only_as_they_are_made() {
        assert_eq!(number_of(&name_of(0x1234)), Some(0x1234));
        for name in ["log-1", "log-", "log-000000000000000G", "log-00000000000000AB", "snap-1"] {
            assert_eq!(number_of(name), None, "{name}");
        }
    }
}
