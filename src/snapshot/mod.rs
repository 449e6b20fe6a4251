//! The snapshot file: named sections of bytes behind a directory, checked before they are believed.
//!
//! ```text
//!   index ──sections──► write ──► bytes in a file, a buffer, a download
//!   index ◄──regions── Snapshot ◄── open ◄── one owned region (private mapping, heap, wasm memory)
//! ```
//!
//! This module knows the container. What a section means, and whether the numbers in it make sense
//! together, is the business of the index, which writes and checks them (`Fields*` helps).
//!
//! # Format, version 1
//! All integers are little-endian. The file is, in this order and without anything else:
//!
//! ```text
//!   header             64 bytes
//!   sections           each preceded by zeros up to its alignment
//!   block checksums    4 bytes for each block of each section, in file order
//!   directory          32 bytes a section, then 4 bytes of checksum; the end of the file
//!
//!   header                                        directory entry
//!    0  8  magic 89 45 43 50 0D 0A 1A 0A           0  4  kind, see [`Kind`]
//!    8  4  format version = 1                      4  4  CRC32C of the section's block checksums
//!   12  4  encoding of link words = 1              8  8  offset of the section in the file
//!   16  8  incompatible features                  16  8  length of the section in bytes
//!   24  8  compatible features                    24  8  0
//!   32  8  length of the file
//!   40  8  offset of the directory
//!   48  4  number of sections, at most 64
//!   52  4  length of a block = 65,536
//!   56  4  0
//!   60  4  CRC32C of the bytes 0..60
//! ```
//!
//! - **Order.** Sections stand in ascending order of kind, each kind at most once. A section may be
//!   empty; one that is left out is not the same as an empty one.
//! - **Alignment.** A section of a block or more starts on a multiple of 65,536 bytes, the largest
//!   page of the machines it may be mapped on, so that the pages, huge copies and shared extents
//!   it begins with hold nothing else. A smaller one starts on a multiple of 64, all that its use in
//!   place asks for: it could not fill such a page anyway, and an index of ten items would be a
//!   megabyte of zeros. So the zeros before a section are fewer than 64, or fewer than its bytes.
//! - **Checksums.** A block is 65,536 bytes of one section, the last one shorter; its checksum is
//!   the CRC32C of its bytes. The directory's checksum is the CRC32C of the header's bytes 0..60
//!   followed by the entries, so that neither fits the other of another file.
//! - **One file per content.** Offsets follow from the kinds and lengths, and a reader accepts no
//!   others. Nothing else is free either: unused fields and padding are zero. So equal sections give
//!   equal files, and overlaps, gaps and hidden bytes do not exist.
//! - **Features.** A reader refuses a file with an incompatible feature that it does not know, and
//!   ignores unknown compatible features and unknown kinds. So a later release that adds a section
//!   which must not be ignored sets an incompatible feature. Bit 0: there are tags, names or payloads.
//!
//! The checksums follow the sections, so that writing needs one pass and no seek; all that the
//! header says is known from the lengths alone.
//!
//! # What opening finds
//! Every byte is hostile: checksums find damage, and the other checks hold where someone computed
//! them anew. The error names the byte. [`Check::Header`] does 1–6 in time independent of the
//! lengths and touches the first and the last pages only; [`Check::Full`] does all.
//!
//! 1. *Another kind of file, or less than a header*: magic, length.
//! 2. *A newer format*: version, link encoding or incompatible feature →
//!    [`UnsupportedSnapshot`](crate::Error::UnsupportedSnapshot).
//! 3. *A bit flipped in the header*: its checksum.
//! 4. *Cut off, or followed by other bytes*: the length in the header.
//! 5. *A bit flipped in the directory, or the directory of another file*: its checksum.
//! 6. *A directory that lies* (overlaps, sections outside the file, sums that wrap): its offsets are
//!    compared with those that the lengths give. No number of the file sizes an allocation before
//!    it was compared with a limit.
//! 7. *A bit flipped in a section; blocks or checksums exchanged*: block checksums.
//! 8. *A bit set in the padding*: it is zero.
//! 9. *Changes while the file is read*: out of scope. The region is the caller's alone (a private
//!    mapping of a file that others truncate or write is not), and a region that somebody else
//!    holds is refused as [`Busy`](crate::Error::Busy).
//!
//! # Invariants
//! - `write` and `open` take offsets from the one [`Layout`](layout::Layout).
//! - A section is read as plain memory only while the snapshot holds it; once handed over it is the
//!   index's, and the snapshot reaches it no more.
//!
//! Absent on purpose: files and mapping (hosts), compression (sections are used in place),
//! encryption and signatures (CRC32C finds damage, not forgery), big-endian hosts.

mod fields;
mod layout;
mod read;
pub(crate) mod roaring;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use fields::{FieldsReader, FieldsWriter};
pub(crate) use layout::{Kind, Place};
pub(crate) use read::{Snapshot, Verified};
pub(crate) use write::{Source, encoded_len, places, write};

/// How much of a snapshot is verified when it is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Check {
    /// Every block and every link, O(n): for files of unknown origin.
    #[default]
    Full,
    /// Header and section table, time flat in n: for files that the caller wrote and kept. Damage
    /// elsewhere gives wrong answers, never undefined behaviour. Searches need no more: they follow
    /// no link out of the file's slots. The first insert verifies links, pins, ranks and keys,
    /// O(n · m), and is refused, like all after it, if they do not hold.
    Header,
}
