//! A snapshot in parts: the pages that changed, and where the others are.
//!
//! ```text
//!   snap-3, whole      │ header │ vectors ............ │ links ...... │ directory │
//!   snap-7, in parts   │ header │ pages │ list ─► 3 │ 7 │ 3 │ 7 ──put together──► a snapshot
//! ```
//! Put together, the parts are a snapshot like any other, to the byte. A list names files that hold
//! bytes themselves, never another list.
//!
//! # Format, version 1
//! Little-endian, under the name of a snapshot:
//!
//! ```text
//!   header, 64 bytes, then zeros to 65,536     list, behind the last page; the end of the file
//!    0  8  magic 89 45 43 58 0D 0A 1A 0A        of each part: 8 number of its file, 8 offset
//!    8  4  format version = 1                   there, 8 length
//!   12  4  parts, 1 to 512                      then 4: CRC32C of the header and the parts
//!   16  8  length of the snapshot
//!   24  8  offset of the list
//!   32 28  0
//!   60  4  CRC32C of the bytes 0..60
//! ```
//! Offsets and lengths are multiples of 65,536, but for the length of the last part. No byte of a
//! file is in two parts, so a snapshot is no longer than the files that it stands on.

use std::io::ErrorKind;

use super::StoreError;
use super::segment::snapshot_name;
use super::storage::{Extent, File, Storage};
use crate::arch::crc32c;
use crate::error::{Error, Result};
use crate::snapshot::{FieldsReader, FieldsWriter};
use crate::store::Region;

/// Bytes that are shared or not: what a snapshot aligns its sections to.
pub(crate) const PAGE: u64 = 1 << 16;
/// Parts of a snapshot: each is a mapping of its own, of which a process has some 65,000.
pub(crate) const PARTS_MAX: usize = 512;

const MAGIC: &[u8; 8] = b"\x89ECX\r\n\x1a\n";
const VERSION: u32 = 1;
const HEADER: usize = 64;
const PART: usize = 24;

/// Some bytes of a snapshot, and where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The number of the file.
    pub(crate) file: u64,
    pub(crate) offset: u64,
    pub(crate) len: u64,
}

/// The parts of a snapshot, in order; one, if it is whole.
///
/// # Errors
/// [`StoreError::Damaged`] if it is missing, or its list does not hold.
pub(crate) fn parts_of(storage: &dyn Storage, file: u64) -> Result<Vec<Part>, StoreError> {
    let name = snapshot_name(file);
    let refuse = |reason, offset| StoreError::Damaged { file: name.clone(), offset, reason };
    let opened = storage.open(&name).map_err(|error| match error.kind() {
        ErrorKind::NotFound => refuse("the file is missing", 0),
        _ => StoreError::io("open", &name)(error),
    })?;
    let failed = |error| StoreError::io("read", &name)(error);
    let len = opened.len().map_err(failed)?;
    let mut header = [0; HEADER];
    let there = HEADER.min(usize::try_from(len).unwrap_or(HEADER));
    opened.read_at(0, &mut header[..there]).map_err(failed)?;
    if header[..MAGIC.len()] != *MAGIC {
        return Ok(vec![Part { file, offset: 0, len }]);
    }
    let wrong = |error| match error {
        Error::Snapshot { reason, offset } => refuse(reason, offset),
        error => error.into(),
    };
    let listed = Listed::decode(&header, file, len).map_err(wrong)?;
    let mut list = vec![0; listed.len()];
    opened.read_at(listed.offset, &mut list).map_err(failed)?;
    listed.parts(&list).map_err(wrong)
}

/// The bytes of a snapshot, put together.
///
/// # Errors
/// As for [`parts_of`]; [`StoreError::Damaged`] if a file that it stands on is missing or shorter.
pub(crate) fn snapshot_region(storage: &dyn Storage, file: u64) -> Result<Region, StoreError> {
    let parts = parts_of(storage, file)?;
    let extent =
        |&Part { file, offset, len }: &Part| Extent { file: snapshot_name(file), offset, len };
    let extents: Vec<Extent> = parts.iter().map(extent).collect();
    let name = snapshot_name(file);
    storage.region(&extents).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
            let reason = "it is empty, or a file that it stands on is missing or cut off";
            StoreError::Damaged { file: name, offset: 0, reason }
        }
        _ => StoreError::io("read", &name)(error),
    })
}

/// Ends a file that has its own pages already, with the list and the header.
pub(crate) fn finish(out: &dyn File, parts: &[Part], offset: u64) -> std::io::Result<()> {
    let (header, list) = encode(parts, offset);
    out.write_at(offset, &list)?;
    out.write_at(0, &header)
}

fn encode(parts: &[Part], offset: u64) -> (Vec<u8>, Vec<u8>) {
    let mut header = FieldsWriter::default();
    header.put_bytes(MAGIC);
    header.put_u32(VERSION);
    header.put_u32(parts.len() as u32);
    header.put_u64(parts.iter().map(|part| part.len).sum());
    header.put_u64(offset);
    header.put_bytes(&[0; 28]);
    header.put_u32(crc32c::crc32c(header.bytes()));
    let mut list = FieldsWriter::default();
    for Part { file, offset, len } in parts {
        for value in [*file, *offset, *len] {
            list.put_u64(value);
        }
    }
    list.put_u32(crc32c::crc32c_append(crc32c::crc32c(header.bytes()), list.bytes()));
    (header.into_bytes(), list.into_bytes())
}

/// What a header says of a list.
struct Listed {
    /// The file that it stands in.
    file: u64,
    count: usize,
    /// Of the snapshot.
    total: u64,
    offset: u64,
    /// What the checksum of the list begins with.
    crc: u32,
}

impl Listed {
    fn decode(header: &[u8; HEADER], file: u64, file_len: u64) -> Result<Self> {
        let mut fields = FieldsReader::new(header, 0);
        fields.take_bytes(MAGIC.len())?;
        let version = fields.take_u32()?;
        let count = fields.take_u32()? as usize;
        let (total, offset) = (fields.take_u64()?, fields.take_u64()?);
        let rest = fields.take_bytes(28)?;
        if fields.take_u32()? != crc32c::crc32c(&header[..60]) {
            return Err(fields.refuse("the checksum of its header does not hold"));
        }
        if version != VERSION || rest.iter().any(|&byte| byte != 0) {
            return Err(fields.refuse("it is of a release that knows more than this one"));
        }
        let listed = Self { file, count, total, offset, crc: crc32c::crc32c(header) };
        let is_there = (1..=PARTS_MAX).contains(&count)
            && offset.checked_add(listed.len() as u64) == Some(file_len)
            && offset >= PAGE;
        if is_there { Ok(listed) } else { Err(fields.refuse("its list is not at its end")) }
    }

    /// Bytes of the list and its checksum.
    fn len(&self) -> usize {
        self.count * PART + 4
    }

    fn parts(&self, list: &[u8]) -> Result<Vec<Part>> {
        let mut fields = FieldsReader::new(list, self.offset);
        let mut parts = Vec::with_capacity(self.count);
        for _ in 0..self.count {
            let (file, offset) = (fields.take_u64()?, fields.take_u64()?);
            parts.push(Part { file, offset, len: fields.take_u64()? });
        }
        let crc = crc32c::crc32c_append(self.crc, &list[..self.count * PART]);
        if fields.take_u32()? != crc {
            return Err(fields.refuse("the checksum of its list does not hold"));
        }
        if self.hold(&parts) { Ok(parts) } else { Err(fields.refuse("its parts cannot be")) }
    }

    /// Whether parts are pages, none of them twice, that together have the length of the snapshot.
    fn hold(&self, parts: &[Part]) -> bool {
        let mut total = 0u64;
        for (i, part) in parts.iter().enumerate() {
            let is_last = i + 1 == parts.len();
            let end = part.offset.checked_add(part.len);
            let is_own = part.file == self.file;
            let fits = part.file > 0
                && part.len > 0
                && part.offset.is_multiple_of(PAGE)
                && (is_last || part.len.is_multiple_of(PAGE))
                && end.is_some_and(|end| !is_own || (part.offset >= PAGE && end <= self.offset));
            match total.checked_add(part.len) {
                Some(sum) if fits && part.file <= self.file => total = sum,
                _ => return false,
            }
        }
        let mut sorted = parts.to_vec();
        sorted.sort_unstable_by_key(|part| (part.file, part.offset));
        let apart = |a: &Part, b: &Part| a.file < b.file || a.offset + a.len <= b.offset;
        total == self.total && sorted.is_sorted_by(apart)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Memory;

    const PARTS: [Part; 3] = [
        Part { file: 1, offset: 2 * PAGE, len: PAGE },
        Part { file: 5, offset: PAGE, len: 2 * PAGE },
        Part { file: 1, offset: 0, len: 2 * PAGE },
    ];

    /// A file of number 5 with two pages of its own.
    fn file(parts: &[Part]) -> Vec<u8> {
        let (header, list) = encode(parts, 3 * PAGE);
        let mut bytes = header;
        bytes.resize(3 * PAGE as usize, 7);
        bytes.extend(list);
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Vec<Part>, StoreError> {
        let disk = Memory::default();
        disk.create(&snapshot_name(5)).unwrap().write_at(0, bytes).unwrap();
        parts_of(&disk, 5)
    }

    #[test]
    fn a_list_comes_back_and_every_flipped_bit_is_seen() {
        let bytes = file(&PARTS);
        assert_eq!(read(&bytes).unwrap(), PARTS);
        for at in (0..HEADER).chain(3 * PAGE as usize..bytes.len()) {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                // Without its magic it is a snapshot that nobody opens.
                assert_eq!(read(&flipped).is_err(), at >= MAGIC.len(), "bit {bit} of byte {at}");
            }
        }
        assert!(read(&bytes[..bytes.len() - 1]).is_err());
    }

    #[test]
    fn parts_that_cannot_be_are_refused() {
        let with = |i: usize, part: Part| {
            let mut parts = PARTS;
            parts[i] = part;
            read(&file(&parts))
        };
        let [first, own, last] = PARTS;
        assert!(with(0, first).is_ok());
        for bad in [
            Part { file: 0, ..first },
            Part { file: 6, ..first },
            Part { offset: 1, ..first },
            Part { len: 0, ..first },
            Part { len: 5, ..first },
            Part { offset: PAGE, ..first },
            Part { offset: u64::MAX - PAGE + 1, ..first },
        ] {
            assert!(with(0, bad).is_err(), "{bad:?}");
        }
        for bad in [Part { offset: 0, ..own }, Part { offset: 2 * PAGE, ..own }] {
            assert!(with(1, bad).is_err(), "{bad:?}");
        }
        assert!(with(2, Part { len: 2 * PAGE - 9, ..last }).is_ok(), "the end of a snapshot");
        assert!(with(2, Part { len: 3 * PAGE, ..last }).is_err(), "twice the same page");
        assert!(read(&file(&[])).is_err());
        assert!(read(&file(&[first; PARTS_MAX + 1])).is_err());
    }
}
