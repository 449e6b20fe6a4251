//! Header, directory and the places of the sections: what reader and writer agree on.

use super::fields::{FieldsReader, FieldsWriter};
use crate::arch::crc32c;
use crate::error::{Error, Result};

const MAGIC: [u8; 8] = *b"\x89ECP\r\n\x1a\n";
const VERSION: u32 = 1;
/// The link word of `graph`: slot 26 bits, pin 1, confidence 5.
const LINK_WORDS: u32 = 1;
/// Items have tags, names or payloads: who does not know them would lose them.
const DESCRIBED: u64 = 1;
/// Items have standings or associations, or fade.
const REMEMBERED: u64 = 2;
/// Incompatible features that this release knows.
const FEATURES: u64 = DESCRIBED | REMEMBERED;

/// Bytes of the header.
pub(super) const HEADER_LEN: usize = 64;
/// Bytes of a directory entry.
const ENTRY_LEN: u64 = 32;
/// Bytes of a checksum.
pub(super) const CRC_LEN: u64 = 4;
/// Bytes under one checksum, and the alignment of sections that have as many.
pub(super) const BLOCK: u64 = 1 << 16;
/// Alignment of smaller sections: what [`Region`](crate::Region) asks for.
const ALIGN_SMALL: u64 = 64;
/// Sections of a file, at most: what bounds the work of reading a directory.
pub(super) const SECTIONS_MAX: u32 = 64;

/// Defines [`Kind`] with the errors that name it.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $code:literal, $name:literal;)*) => {
        /// What a section holds. The numbers are part of the format: never reused, only added.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        pub(crate) enum Kind { $($(#[$doc])* $kind = $code),* }

        impl Kind {
            /// Every kind, in file order.
            #[cfg(test)]
            pub(super) const ALL: &'static [Self] = &[$(Self::$kind),*];

            pub(super) fn missing(self) -> &'static str {
                match self { $(Self::$kind => concat!("the section ", $name, " is missing")),* }
            }

            pub(super) fn misfit(self) -> &'static str {
                match self { $(Self::$kind => concat!("the section ", $name, " has a wrong length")),* }
            }
        }
    };
}

kinds! {
    /// The numbers of the index: dimension, metric, options, counts, entry point.
    Meta = 1, "meta";
    /// The mean that codes are centred by.
    Mean = 2, "mean";
    /// Full-precision vectors by slot.
    Vectors = 3, "vectors";
    /// Codes by slot.
    Codes = 4, "codes";
    /// Norms by slot.
    Norms = 5, "norms";
    /// Products of codes with the mean by slot.
    Biases = 6, "biases";
    /// Keys by slot.
    Keys = 7, "keys";
    /// Node words by slot.
    Nodes = 8, "nodes";
    /// Backbone parents by slot.
    Parents = 9, "parents";
    /// Level-0 link rows by slot.
    Links = 10, "links";
    /// Link rows of the upper levels.
    UpperRows = 11, "upper-rows";
    /// Which slot has which upper rows.
    UpperSlots = 12, "upper-slots";
    /// Keys in ascending order.
    SortedKeys = 13, "sorted-keys";
    /// The slots of [`Self::SortedKeys`], in the same places.
    SortedSlots = 14, "sorted-slots";
    /// Which breadth of a search reaches which recall; only where the index was tuned.
    Tuning = 15, "tuning";
    /// The slots of each tag; only where there are tags.
    Tags = 16, "tags";
    /// Places in [`Self::PayloadBytes`] by slot; only where there are payloads.
    Payloads = 17, "payloads";
    /// Payloads.
    PayloadBytes = 18, "payload-bytes";
    /// How items fade; only where they do.
    Retention = 19, "retention";
    /// How items stand as memories, by slot; only where something was said of one.
    Standings = 20, "standings";
    /// Who leads to whom; only where there are associations.
    Associations = 21, "associations";
}

/// The incompatible feature that a file with a section of this kind has.
pub(super) fn feature_of(kind: u32) -> u64 {
    const TAGS: u32 = Kind::Tags as u32;
    const PAYLOAD_BYTES: u32 = Kind::PayloadBytes as u32;
    const RETENTION: u32 = Kind::Retention as u32;
    const ASSOCIATIONS: u32 = Kind::Associations as u32;
    match kind {
        TAGS..=PAYLOAD_BYTES => DESCRIBED,
        RETENTION..=ASSOCIATIONS => REMEMBERED,
        _ => 0,
    }
}

/// What the header says beyond its constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Features that a reader has to know.
    pub(super) features: u64,
    pub(super) file_len: u64,
    pub(super) directory: u64,
    pub(super) sections: u32,
}

impl Header {
    /// Bytes from the start of the directory to the end of the file.
    pub(super) fn directory_len(&self) -> usize {
        (u64::from(self.sections) * ENTRY_LEN + CRC_LEN) as usize
    }

    /// The header's bytes and their checksum, with which the directory's checksum starts.
    pub(super) fn encode(&self) -> (Vec<u8>, u32) {
        let mut fields = FieldsWriter::default();
        fields.put_u64(u64::from_le_bytes(MAGIC));
        fields.put_u32(VERSION);
        fields.put_u32(LINK_WORDS);
        fields.put_u64(self.features);
        fields.put_u64(0);
        fields.put_u64(self.file_len);
        fields.put_u64(self.directory);
        fields.put_u32(self.sections);
        fields.put_u32(BLOCK as u32);
        fields.put_u32(0);
        let crc = crc32c::crc32c(fields.bytes());
        fields.put_u32(crc);
        (fields.bytes().to_vec(), crc)
    }

    /// Reads the header of a file of `file_len` bytes, of which `bytes` are the first.
    pub(super) fn decode(bytes: &[u8], file_len: u64) -> Result<(Self, u32)> {
        let mut fields = FieldsReader::new(bytes, 0);
        if fields.take_u64()?.to_le_bytes() != MAGIC {
            return Err(fields.refuse("this is not a snapshot"));
        }
        // Before the checksum: another version may keep it elsewhere.
        let version = fields.take_u32()?;
        if version != VERSION {
            return Err(unsupported("format version", version.into()));
        }
        let link_words = fields.take_u32()?;
        let features = fields.take_u64()?;
        let _compatible = fields.take_u64()?;
        let header = Self {
            features,
            file_len: fields.take_u64()?,
            directory: fields.take_u64()?,
            sections: fields.take_u32()?,
        };
        let block = fields.take_u32()?;
        let zero = fields.take_u32()?;
        let crc = fields.take_u32()?;
        if crc != crc32c::crc32c(&bytes[..HEADER_LEN - CRC_LEN as usize]) {
            return Err(fields.refuse("the header is damaged"));
        }
        if features & !FEATURES != 0 {
            return Err(unsupported("features", features & !FEATURES));
        }
        if link_words != LINK_WORDS {
            return Err(unsupported("the link encoding", link_words.into()));
        }
        let refuse = |reason, offset| Err(Error::Snapshot { reason, offset });
        if header.file_len > file_len {
            return refuse("the file is cut off", file_len);
        }
        if header.file_len < file_len {
            return refuse("other bytes follow the file", header.file_len);
        }
        if header.sections > SECTIONS_MAX {
            return refuse("there are more sections than a file may have", 48);
        }
        if u64::from(block) != BLOCK || zero != 0 {
            return refuse("the header is not one of version 1", 52);
        }
        Ok((header, crc))
    }
}

fn unsupported(what: &'static str, found: u64) -> Error {
    Error::UnsupportedSnapshot { what, found }
}

/// One section of the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Code of the [`Kind`], or of one that this release does not know.
    pub(super) kind: u32,
    /// CRC32C of the checksums of its blocks.
    pub(super) crc: u32,
    pub(super) offset: u64,
    pub(super) len: u64,
}

impl Entry {
    pub(super) fn encode(&self, fields: &mut FieldsWriter) {
        fields.put_u32(self.kind);
        fields.put_u32(self.crc);
        fields.put_u64(self.offset);
        fields.put_u64(self.len);
        fields.put_u64(0);
    }

    pub(super) fn decode(fields: &mut FieldsReader<'_>) -> Result<Self> {
        let entry = Self {
            kind: fields.take_u32()?,
            crc: fields.take_u32()?,
            offset: fields.take_u64()?,
            len: fields.take_u64()?,
        };
        match fields.take_u64()? {
            0 => Ok(entry),
            _ => Err(fields.refuse("a field that must be 0 is not")),
        }
    }

    /// Blocks of the section, the last one perhaps short.
    pub(super) fn blocks(&self) -> u64 {
        self.len.div_ceil(BLOCK)
    }
}

/// Where a section stands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) kind: u32,
    pub(crate) offset: u64,
    pub(crate) len: u64,
}

/// Where everything stands in a file whose sections have these lengths.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Offset of each section.
    pub(super) sections: Vec<u64>,
    /// Offset of the block checksums.
    pub(super) checksums: u64,
    /// Offset of the directory.
    pub(super) directory: u64,
    /// Length of the file.
    pub(super) file_len: u64,
}

impl Layout {
    /// `None` for lengths whose sum is no length of a file.
    pub(super) fn new(lens: impl Iterator<Item = u64>) -> Option<Self> {
        let (mut end, mut blocks, mut sections) = (HEADER_LEN as u64, 0, Vec::new());
        for len in lens {
            let align = if len < BLOCK { ALIGN_SMALL } else { BLOCK };
            let offset = end.checked_next_multiple_of(align)?;
            sections.push(offset);
            end = offset.checked_add(len)?;
            // No overflow: at most one block a byte.
            blocks += len.div_ceil(BLOCK);
        }
        let directory = end.checked_add(blocks * CRC_LEN)?;
        let entries = sections.len() as u64 * ENTRY_LEN;
        let file_len = directory.checked_add(entries + CRC_LEN)?;
        Some(Self { sections, checksums: end, directory, file_len })
    }
}
