//! Writing a snapshot: one pass, forward, the same bytes for the same sections.

use std::io::{self, Write};

use super::fields::FieldsWriter;
use super::layout::{BLOCK, Entry, Header, Kind, Layout, Place, SECTIONS_MAX, feature_of};
use crate::arch::crc32c;

/// The bytes of a section.
#[derive(Clone, Debug)]
pub(crate) struct Source<'a> {
    pub(crate) kind: Kind,
    /// The pieces that make the section when put together.
    pub(crate) parts: Vec<&'a [u8]>,
}

impl Source<'_> {
    fn len(&self) -> u64 {
        self.parts.iter().map(|part| part.len() as u64).sum()
    }
}

/// Bytes that [`write()`] will write.
pub(crate) fn encoded_len(sources: &[Source<'_>]) -> u64 {
    layout(&in_order(sources)).file_len
}

/// Where [`write()`] will write them.
pub(crate) fn places(sources: &[Source<'_>]) -> Vec<Place> {
    let sources = in_order(sources);
    let offsets = layout(&sources).sections;
    let place = |(source, offset): (&&Source<'_>, u64)| Place {
        kind: source.kind as u32,
        offset,
        len: source.len(),
    };
    sources.iter().zip(offsets).map(place).collect()
}

/// Writes a snapshot of these sections, given in any order, each kind at most once.
///
/// `out` gets the bytes front to back, in pieces of up to a block; give small writes a buffer.
/// Beside the sources it takes memory for 4 bytes per 65,536.
///
/// # Errors
/// Those of `out`, which then holds the beginning of a file that no reader accepts.
pub(crate) fn write(out: &mut dyn Write, sources: &[Source<'_>]) -> io::Result<()> {
    let sources = in_order(sources);
    let layout = layout(&sources);
    let header = Header {
        features: sources.iter().fold(0, |all, source| all | feature_of(source.kind as u32)),
        file_len: layout.file_len,
        directory: layout.directory,
        sections: sources.len() as u32,
    };
    let (header, header_crc) = header.encode();
    out.write_all(&header)?;

    let mut end = header.len() as u64;
    let mut checksums = FieldsWriter::default();
    let mut directory = FieldsWriter::default();
    for (source, &offset) in sources.iter().zip(&layout.sections) {
        zeros(out, offset - end)?;
        let crc = section(out, source, &mut checksums)?;
        let entry = Entry { kind: source.kind as u32, crc, offset, len: source.len() };
        entry.encode(&mut directory);
        end = offset + entry.len;
    }
    out.write_all(checksums.bytes())?;
    directory.put_u32(crc32c::crc32c_append(header_crc, directory.bytes()));
    out.write_all(directory.bytes())
}

/// Writes the padding before a section.
fn zeros(out: &mut dyn Write, mut count: u64) -> io::Result<()> {
    const ZEROS: [u8; 1024] = [0; 1024];
    while count > 0 {
        let some = count.min(ZEROS.len() as u64);
        out.write_all(&ZEROS[..some as usize])?;
        count -= some;
    }
    Ok(())
}

/// Writes the bytes of one section, appends the checksums of its blocks, and returns theirs.
fn section(
    out: &mut dyn Write,
    source: &Source<'_>,
    checksums: &mut FieldsWriter,
) -> io::Result<u32> {
    let first = checksums.bytes().len();
    let (mut crc, mut room) = (0, BLOCK as usize);
    for mut part in source.parts.iter().copied() {
        while !part.is_empty() {
            let (piece, rest) = part.split_at(part.len().min(room));
            crc = crc32c::crc32c_append(crc, piece);
            out.write_all(piece)?;
            part = rest;
            room -= piece.len();
            if room == 0 {
                checksums.put_u32(crc);
                (crc, room) = (0, BLOCK as usize);
            }
        }
    }
    if room < BLOCK as usize {
        checksums.put_u32(crc);
    }
    Ok(crc32c::crc32c(&checksums.bytes()[first..]))
}

fn in_order<'s, 'a>(sources: &'s [Source<'a>]) -> Vec<&'s Source<'a>> {
    let mut sources: Vec<_> = sources.iter().collect();
    sources.sort_unstable_by_key(|source| source.kind as u32);
    let once = sources.is_sorted_by(|a, b| a.kind != b.kind);
    assert!(once && sources.len() <= SECTIONS_MAX as usize, "a kind is written once");
    sources
}

fn layout(sources: &[&Source<'_>]) -> Layout {
    let layout = Layout::new(sources.iter().map(|source| source.len()));
    layout.expect("what lies in memory fits a file")
}
