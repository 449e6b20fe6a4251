//! One file of the log: its name, its header, and its frames read one after the other.

use super::StoreError;
use super::frame::{HEADER as FRAME_HEADER, Header, Place};
use super::manifest::IDS_MAX;
use super::storage::Storage;
use crate::arch::crc32c;

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

/// The number of the checkpoint that a file is, if it is one.
pub(crate) fn snapshot_number(name: &str) -> Option<u64> {
    let number = u64::from_str_radix(name.strip_prefix("snap-")?, 16).ok()?;
    (snapshot_name(number) == name).then_some(number)
}

/// Whether anything was written behind the header of a segment.
pub(crate) fn has_frames(storage: &dyn Storage, name: &str) -> Result<bool, StoreError> {
    Ok(read(storage, name)?.iter().skip(HEADER).any(|&byte| byte != 0))
}

/// Whether bytes begin as a segment in its place does.
pub(super) fn is_segment(bytes: &[u8], place: Place) -> bool {
    Head::decode(bytes, place).is_ok()
}

/// The store that a segment says it belongs to.
pub(super) fn store_of(bytes: &[u8]) -> Option<u64> {
    let store = u64::from_le_bytes(bytes.get(16..24)?.try_into().ok()?);
    let segment = u64::from_le_bytes(bytes.get(24..32)?.try_into().ok()?);
    Head::decode(bytes, Place { store, segment }).ok().map(|_| store)
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
        if long(32) > IDS_MAX {
            return Err("its first frame has a number that was not given");
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

    /// A segment without a header that holds: its frames follow one of this number and checksum, of
    /// which nothing is known if that is 0.
    pub(super) fn headless(bytes: Vec<u8>, place: Place, next: u64, chain: u32) -> Self {
        let end = HEADER.min(bytes.len());
        Self { head: Head { place, first: next, chain }, bytes, end, next, chain }
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

    /// Goes on behind what does not hold, and the next frame whose header does: either it is the one
    /// that does not hold, or what its payload's checksum begins with is lost. The frame behind it
    /// can be read again.
    /// How many frames are lost, as far as their numbers tell; `None` if no other follows.
    pub(super) fn skip(&mut self) -> Option<u64> {
        let at = (self.end..self.bytes.len()).find(|&at| self.header_at(at).is_some())?;
        let header = self.header_at(at)?;
        let lost = if self.next == 0 { 1 } else { header.lsn.saturating_sub(self.next) + 1 };
        self.end = at.saturating_add(FRAME_HEADER + header.len as usize).min(self.bytes.len());
        self.next = header.lsn.saturating_add(1);
        self.chain = header.crc;
        Some(lost)
    }

    fn header_at(&self, at: usize) -> Option<Header> {
        Header::decode(&self.bytes[at..], self.head.place, at as u64)
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
