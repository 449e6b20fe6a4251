//! What is written and read, and the cases of the module page.

mod hostile;

use super::layout::Layout;
use super::*;
use crate::error::{Error, Result};
use crate::store::Region;

/// Made from the module page by a program that shares no code with this crate.
const GOLDEN: &[u8] = include_bytes!("../../tests/fixtures/format/v1-container.bin");
const CHECKS: [Check; 2] = [Check::Full, Check::Header];

type Content = Vec<(Kind, Vec<u8>)>;

fn pattern(factor: usize, add: usize, modulus: usize, len: usize) -> Vec<u8> {
    (0..len).map(|i| ((i * factor + add) % modulus) as u8).collect()
}

/// The content of the golden file, with as many bytes of links as asked for.
fn content(links: usize) -> Content {
    let mut meta = FieldsWriter::default();
    meta.put_u32(0x0403_0201);
    meta.put_u64(0x0807_0605_0403_0201);
    meta.put_f32(1.5);
    vec![
        (Kind::Meta, meta.bytes().to_vec()),
        (Kind::Mean, vec![]),
        (Kind::Vectors, pattern(7, 3, 256, 100)),
        (Kind::Keys, pattern(1, 0, 256, 64)),
        (Kind::Links, pattern(13, 1, 251, links)),
        (Kind::SortedKeys, b"keys".to_vec()),
    ]
}

/// The sections, each in pieces of `piece` bytes.
fn sources(content: &Content, piece: usize) -> Vec<Source<'_>> {
    let mut sources = Vec::new();
    for (kind, bytes) in content {
        sources.push(Source { kind: *kind, parts: bytes.chunks(piece).collect() });
    }
    sources
}

/// The file of these sections.
fn file(content: &Content, piece: usize) -> Vec<u8> {
    let sources = sources(content, piece);
    let mut file = Vec::new();
    write(&mut file, &sources).unwrap();
    assert_eq!(file.len() as u64, encoded_len(&sources));
    file
}

fn open(bytes: &[u8], check: Check) -> Result<Snapshot> {
    Snapshot::open(Region::copy_of(bytes).unwrap(), check)
}

/// Why a file is refused, and where.
fn refusal(bytes: &[u8], check: Check) -> (&'static str, u64) {
    match open(bytes, check) {
        Err(Error::Snapshot { reason, offset }) => (reason, offset),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

fn bytes_of(region: Region) -> Vec<u8> {
    crate::store::Exclusive::new(region).unwrap().bytes().to_vec()
}

/// Bytes from the start of the directory to the end, as the header counts its sections.
fn directory_len(file: &[u8]) -> usize {
    u32::from_le_bytes(file[48..52].try_into().unwrap()) as usize * 32 + 4
}

/// Recomputes the checksums of header and directory, as a hostile author would.
fn reseal(file: &mut [u8]) {
    let header_crc = crc32c::crc32c(&file[..60]);
    file[60..64].copy_from_slice(&header_crc.to_le_bytes());
    let (end, len) = (file.len(), directory_len(file));
    if len <= end {
        let crc = crc32c::crc32c_append(header_crc, &file[end - len..end - 4]);
        file[end - 4..].copy_from_slice(&crc.to_le_bytes());
    }
}

#[test]
fn what_is_written_is_read() {
    for links in [0, 1, 130, 65_535, 65_536, 65_537, 200_000] {
        let content = content(links);
        let bytes = file(&content, usize::MAX);
        for piece in [1, 13, 64, 65_535, 65_536, 100_000] {
            assert!(file(&content, piece) == bytes, "pieces of {piece} change the file");
        }
        for check in CHECKS {
            for (kind, section) in &content {
                let mut snapshot = open(&bytes, check).unwrap();
                let region = snapshot.expect(*kind, section.len() as u64).unwrap();
                assert_eq!(region.as_ptr() as usize % 64, 0);
                assert!(snapshot.section(*kind).is_none(), "handed over twice");
                drop(snapshot);
                assert!(bytes_of(region) == *section, "{kind:?} differs at {links}");
            }
        }
    }
}

#[test]
fn bytes_do_not_depend_on_the_order_of_the_sources() {
    let mut reversed = content(130);
    reversed.reverse();
    assert_eq!(file(&reversed, 7), GOLDEN);
}

#[test]
fn a_file_of_every_kind_and_one_of_none() {
    let all: Content = Kind::ALL.iter().map(|&kind| (kind, vec![kind as u8; 70])).collect();
    let mut snapshot = open(&file(&all, 70), Check::Full).unwrap();
    for &kind in Kind::ALL {
        assert_eq!(snapshot.section(kind).unwrap().len(), 70);
    }
    let mut snapshot = open(&file(&vec![], 1), Check::Full).unwrap();
    assert!(snapshot.section(Kind::Meta).is_none());
}

#[test]
fn the_format_is_the_documented_one() {
    assert_eq!(file(&content(130), 50), GOLDEN, "the format changed: raise its version");
    open(GOLDEN, Check::Full).unwrap();
    // The same program's file with a section of more than a block, by its length and CRC32C.
    let large = file(&content(65_600), 1000);
    assert_eq!((large.len(), crc32c::crc32c(&large)), (131_360, 0xddfc_961d));
}

#[test]
fn padding_is_short_or_shorter_than_its_section() {
    let lens = [1, 0, 63, 64, 65_535, 65_536, 3, 65_537, 1 << 30, 100, 1 << 40];
    let layout = Layout::new(lens.into_iter()).unwrap();
    let mut end = 64;
    for (offset, len) in layout.sections.into_iter().zip(lens) {
        assert!(offset >= end && offset - end < len.max(64));
        assert_eq!(offset % if len < 65_536 { 64 } else { 65_536 }, 0);
        end = offset + len;
    }
    assert_eq!(layout.checksums, end);
    // The sum wraps in the section, in the alignment of the next, in the block checksums.
    for lens in [[u64::MAX - 65_535, 1], [u64::MAX - 65_546, 1], [u64::MAX - 70_000, 0]] {
        assert_eq!(Layout::new(lens.into_iter()), None);
    }
}

#[test]
#[should_panic(expected = "a kind is written once")]
fn a_kind_that_is_written_twice_is_a_bug() {
    file(&vec![(Kind::Mean, vec![1]), (Kind::Mean, vec![2])], 1);
}

#[test]
fn fields_come_back_and_errors_name_the_byte() {
    let snapshot = open(GOLDEN, Check::Full).unwrap();
    let mut meta = snapshot.fields(Kind::Meta).unwrap();
    assert_eq!(meta.take_u32(), Ok(0x0403_0201));
    assert_eq!(meta.take_u64(), Ok(0x0807_0605_0403_0201));
    assert_eq!(meta.refuse("no"), Error::Snapshot { reason: "no", offset: 68 });
    let more = Error::Snapshot { reason: "there are more fields than expected", offset: 76 };
    assert_eq!(meta.clone().finish(), Err(more));
    assert_eq!(meta.take_f32(), Ok(1.5));
    assert_eq!(meta.clone().finish(), Ok(()));
    let end = Error::Snapshot { reason: "the bytes end early", offset: 80 };
    assert_eq!(meta.take_u32(), Err(end));
}

#[test]
fn sections_that_do_not_fit_are_refused() {
    let mut snapshot = open(GOLDEN, Check::Full).unwrap();
    let missing = |reason| Error::Snapshot { reason, offset: 0x218 };
    let codes = missing("the section codes is missing");
    assert_eq!(snapshot.expect(Kind::Codes, 0).unwrap_err(), codes);
    assert_eq!(snapshot.fields(Kind::Codes).unwrap_err(), codes);
    for len in [0, 99, 101, u64::MAX] {
        let error = snapshot.expect(Kind::Vectors, len).unwrap_err();
        let reason = "the section vectors has a wrong length";
        assert_eq!(error, Error::Snapshot { reason, offset: 128 });
    }
    assert_eq!(snapshot.expect(Kind::Vectors, 100).unwrap().len(), 100);
}

#[test]
fn memory_that_somebody_else_holds_is_refused() {
    let region = Region::copy_of(GOLDEN).unwrap();
    let clone = region.clone();
    assert!(matches!(Snapshot::open(region, Check::Full), Err(Error::Busy { .. })));
    Snapshot::open(clone, Check::Full).unwrap();
}

#[test]
fn cases_1_to_8_are_named() {
    let with = |at: usize, value: u8, seal: bool| {
        let mut bytes = GOLDEN.to_vec();
        bytes[at] ^= value;
        if seal {
            reseal(&mut bytes);
        }
        bytes
    };
    let full = |bytes: &[u8]| refusal(bytes, Check::Full);
    assert_eq!(full(b""), ("the bytes end early", 0));
    assert_eq!(full(b"#!/bin/sh"), ("this is not a snapshot", 0));
    assert_eq!(full(&with(24, 1, false)), ("the header is damaged", 60));
    assert_eq!(full(&GOLDEN[..700]), ("the file is cut off", 700));
    assert_eq!(full(&[GOLDEN, b"\0"].concat()), ("other bytes follow the file", 732));
    assert_eq!(full(&with(540, 1, false)), ("the directory is damaged", 0x218));
    let moved = "the sections are not where their lengths put them";
    assert_eq!(full(&with(0x218 + 16, 64, true)), (moved, 0x218));
    assert_eq!(full(&with(0x218 + 4, 1, true)), ("the block checksums are damaged", 516));
    assert_eq!(full(&with(516, 1, true)), ("the block checksums are damaged", 516));
    assert_eq!(full(&with(130, 1, true)), ("a block is damaged", 128));
    assert_eq!(full(&with(90, 1, true)), ("the padding is not zero", 90));
    for (at, what, found) in
        [(8, "format version", 3), (12, "the link encoding", 3), (23, "features", 2 << 56)]
    {
        let error = open(&with(at, 2, true), Check::Header).unwrap_err();
        assert_eq!(error, Error::UnsupportedSnapshot { what, found });
    }
}

#[test]
fn what_an_old_reader_may_ignore_is_ignored() {
    let mut bytes = GOLDEN.to_vec();
    bytes[24..32].fill(0xff);
    let last = GOLDEN.len() - 4 - 32;
    bytes[last..last + 4].copy_from_slice(&77_777_u32.to_le_bytes());
    reseal(&mut bytes);
    let mut snapshot = open(&bytes, Check::Full).unwrap();
    assert!(snapshot.section(Kind::SortedKeys).is_none());
    assert_eq!(snapshot.section(Kind::Links).unwrap().len(), 130);
}

#[test]
fn a_full_disk_is_reported() {
    let content = content(70_000);
    let sources = sources(&content, usize::MAX);
    for room in [0, 63, 64, 100, 65_536, 135_000] {
        let mut disk = vec![0; room];
        let error = write(&mut disk.as_mut_slice(), &sources).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::WriteZero);
    }
}
