//! Reading a snapshot: nothing is believed before it is checked.

use std::ops::Range;

use super::Check;
use super::fields::FieldsReader;
use super::layout::{BLOCK, CRC_LEN, Entry, HEADER_LEN, Header, Kind, Layout, Place, feature_of};
use crate::arch::crc32c;
use crate::error::{Error, Result};
use crate::store::{Exclusive, Region};

/// The sections of a verified file, each of them until it is handed over.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// Offset of the directory, where a missing section would be named.
    directory: u64,
    sections: Vec<Section>,
}

/// A file of which every byte was verified, to be copied or compared with.
#[derive(Debug)]
pub(crate) struct Verified {
    file: Exclusive,
    places: Vec<Place>,
}

#[derive(Debug)]
struct Section {
    kind: u32,
    offset: u64,
    bytes: Exclusive,
}

impl Snapshot {
    /// Verifies a file, O(1) or O(length) as `check` says, and takes hold of its sections.
    ///
    /// # Errors
    /// [`Error::Snapshot`] and [`Error::UnsupportedSnapshot`] as the module page lists them;
    /// [`Error::Busy`] while another region reaches the same memory.
    pub(crate) fn open(region: Region, check: Check) -> Result<Self> {
        let file = exclusive(region)?;
        let Directory { entries, layout } = Directory::read(file.bytes())?;
        if check == Check::Full {
            verify(file.bytes(), &entries, &layout)?;
        }
        let parts = file.split(entries.iter().map(|entry| range(entry.offset, entry.len)));
        let section =
            |(entry, bytes): (&Entry, _)| Section { kind: entry.kind, offset: entry.offset, bytes };
        let sections = entries.iter().zip(parts).map(section).collect();
        Ok(Self { directory: layout.directory, sections })
    }

    /// Hands over a section, as a part of the file's memory that starts on 64 bytes; `None` if the
    /// file has none of this kind, or it was handed over before.
    pub(crate) fn section(&mut self, kind: Kind) -> Option<Region> {
        let place = self.sections.iter().position(|section| section.kind == kind as u32)?;
        Some(self.sections.swap_remove(place).bytes.into_region())
    }

    /// The same, for who only reads it.
    pub(crate) fn exclusive(&mut self, kind: Kind) -> Result<Exclusive> {
        let place = self.sections.iter().position(|section| section.kind == kind as u32);
        let place = place.ok_or_else(|| self.missing(kind))?;
        Ok(self.sections.swap_remove(place).bytes)
    }

    /// The same for a section that must be there and have `len` bytes.
    pub(crate) fn expect(&mut self, kind: Kind, len: u64) -> Result<Region> {
        let section = self.find(kind)?;
        if section.bytes.bytes().len() as u64 != len {
            return Err(Error::Snapshot { reason: kind.misfit(), offset: section.offset });
        }
        self.section(kind).ok_or_else(|| self.missing(kind))
    }

    /// Whether the file has a section of this kind that was not handed over yet.
    pub(crate) fn has(&self, kind: Kind) -> bool {
        self.find(kind).is_ok()
    }

    /// Reads numbers from a section that must be there and stays here.
    pub(crate) fn fields(&self, kind: Kind) -> Result<FieldsReader<'_>> {
        let section = self.find(kind)?;
        Ok(FieldsReader::new(section.bytes.bytes(), section.offset))
    }

    fn find(&self, kind: Kind) -> Result<&Section> {
        let found = self.sections.iter().find(|section| section.kind == kind as u32);
        found.ok_or_else(|| self.missing(kind))
    }

    fn missing(&self, kind: Kind) -> Error {
        Error::Snapshot { reason: kind.missing(), offset: self.directory }
    }
}

impl Verified {
    /// Verifies a file as [`Check::Full`] does, but for what its sections mean.
    ///
    /// # Errors
    /// As for [`Snapshot::open`].
    pub(crate) fn open(region: Region) -> Result<Self> {
        let file = exclusive(region)?;
        let Directory { entries, layout } = Directory::read(file.bytes())?;
        verify(file.bytes(), &entries, &layout)?;
        let place =
            |entry: &Entry| Place { kind: entry.kind, offset: entry.offset, len: entry.len };
        Ok(Self { file, places: entries.iter().map(place).collect() })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.file.bytes()
    }

    /// Where its sections are.
    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }
}

fn exclusive(region: Region) -> Result<Exclusive> {
    let busy = Error::Busy { what: "the snapshot's memory is in use elsewhere" };
    Exclusive::new(region).ok_or(busy)
}

/// What is known of a file once its two ends are verified: every section lies inside it, aligned,
/// and shares no byte with another.
struct Directory {
    entries: Vec<Entry>,
    layout: Layout,
}

impl Directory {
    fn read(file: &[u8]) -> Result<Self> {
        let (header, header_crc) =
            Header::decode(&file[..file.len().min(HEADER_LEN)], file.len() as u64)?;
        let refuse = |reason| Error::Snapshot { reason, offset: header.directory };

        let start = file.len().checked_sub(header.directory_len());
        let start = start.filter(|&start| start as u64 == header.directory);
        let start = start.ok_or_else(|| refuse("the directory is not at the end of the file"))?;
        let (table, crc) = file[start..].split_at(file.len() - start - CRC_LEN as usize);
        if crc != crc32c::crc32c_append(header_crc, table).to_le_bytes() {
            return Err(refuse("the directory is damaged"));
        }
        let mut fields = FieldsReader::new(table, header.directory);
        let entries = (0..header.sections).map(|_| Entry::decode(&mut fields));
        let entries = entries.collect::<Result<Vec<_>>>()?;

        let layout = Layout::new(entries.iter().map(|entry| entry.len));
        let layout = layout.ok_or_else(|| refuse("the sections are longer than any file"))?;
        let same = entries.iter().map(|entry| entry.offset).eq(layout.sections.iter().copied())
            && layout.file_len == header.file_len;
        if !same {
            return Err(refuse("the sections are not where their lengths put them"));
        }
        if !entries.is_sorted_by(|a, b| a.kind < b.kind) {
            return Err(refuse("the sections are out of order"));
        }
        let features = entries.iter().fold(0, |all, entry| all | feature_of(entry.kind));
        if features != header.features {
            return Err(refuse("the features are not those of the sections"));
        }
        Ok(Self { entries, layout })
    }
}

/// Compares every byte of the sections with its checksum and every byte between them with zero.
fn verify(file: &[u8], entries: &[Entry], layout: &Layout) -> Result<()> {
    let refuse = |reason, offset| Err(Error::Snapshot { reason, offset });
    let (mut end, mut place) = (HEADER_LEN as u64, layout.checksums);
    for entry in entries {
        let padding = &file[range(end, entry.offset - end)];
        if let Some(at) = padding.iter().position(|&byte| byte != 0) {
            return refuse("the padding is not zero", end + at as u64);
        }
        let checksums = &file[range(place, entry.blocks() * CRC_LEN)];
        if crc32c::crc32c(checksums) != entry.crc {
            return refuse("the block checksums are damaged", place);
        }
        let mut fields = FieldsReader::new(checksums, place);
        let blocks = file[range(entry.offset, entry.len)].chunks(BLOCK as usize);
        for (block, offset) in blocks.zip((entry.offset..).step_by(BLOCK as usize)) {
            if crc32c::crc32c(block) != fields.take_u32()? {
                return refuse("a block is damaged", offset);
            }
        }
        end = entry.offset + entry.len;
        place += checksums.len() as u64;
    }
    Ok(())
}

/// A part of a file that is known to lie inside it, and so inside memory.
fn range(offset: u64, len: u64) -> Range<usize> {
    offset as usize..(offset + len) as usize
}
