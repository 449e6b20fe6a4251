//! Which checkpoints hold what, twice: a crash while one copy is written leaves the other.
//!
//! # Format, version 1
//! The files `manifest-0` and `manifest-1`, little-endian; the higher generation counts:
//!
//! ```text
//!    0  8  magic 89 45 43 4D 0D 0A 1A 0A
//!    8  4  format version = 1
//!   12  4  length of all of it, checksum included
//!   16  8  generation
//!   24  8  identity of the store
//!   32  8  first segment of the log that is needed
//!   40  8  number of the last frame that was durable when this was written
//!   48  8  number of the next checkpoint file
//!   56  4  spaces
//!   60  4  0
//!   64     of each space: 8 identity, 8 number of its checkpoint file, 8 number of the
//!          last frame that the checkpoint holds, 4 bytes of its name, the name
//!   end-4  CRC32C of all before
//! ```

use std::collections::BTreeSet;

use super::StoreError;
use super::segment::read;
use super::storage::{File, Storage};
use super::write::SYNC;
use crate::arch::crc32c;
use crate::error::{Error, Result};
use crate::limits::NAME_BYTES_MAX;
use crate::snapshot::{FieldsReader, FieldsWriter};

const MAGIC: &[u8; 8] = b"\x89ECM\r\n\x1a\n";
const VERSION: u32 = 1;
/// Numbers that are given one after the other do not come so far; a file that says so lies.
pub(crate) const IDS_MAX: u64 = 1 << 62;
const NAMES: [&str; 2] = ["manifest-0", "manifest-1"];

/// What a store consists of beside its log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) generation: u64,
    pub(crate) store: u64,
    pub(crate) segment: u64,
    pub(crate) durable: u64,
    pub(crate) next_file: u64,
    pub(crate) spaces: Vec<Saved>,
}

/// A space as its last checkpoint left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(crate) id: u64,
    pub(crate) file: u64,
    pub(crate) lsn: u64,
    pub(crate) name: String,
}

impl Manifest {
    fn encode(&self) -> Vec<u8> {
        let mut fields = FieldsWriter::default();
        let names: usize = self.spaces.iter().map(|space| space.name.len()).sum();
        let len = 68 + 28 * self.spaces.len() + names;
        fields.put_bytes(MAGIC);
        fields.put_u32(VERSION);
        fields.put_u32(len as u32);
        for value in [self.generation, self.store, self.segment, self.durable, self.next_file] {
            fields.put_u64(value);
        }
        fields.put_u32(self.spaces.len() as u32);
        fields.put_u32(0);
        for Saved { id, file, lsn, name } in &self.spaces {
            for value in [*id, *file, *lsn] {
                fields.put_u64(value);
            }
            fields.put_u32(name.len() as u32);
            fields.put_bytes(name.as_bytes());
        }
        fields.put_u32(crc32c::crc32c(fields.bytes()));
        fields.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        let mut fields = FieldsReader::new(bytes, 0);
        if fields.take_bytes(8)? != MAGIC {
            return Err(fields.refuse("it is no manifest"));
        }
        let version = fields.take_u32()?;
        // What follows the length is left of a longer one.
        let len = fields.take_u32()? as usize;
        let bytes = bytes.get(..len).ok_or_else(|| fields.refuse("it ends early"))?;
        let (body, crc) =
            bytes.split_last_chunk::<4>().ok_or_else(|| fields.refuse("too short"))?;
        if u32::from_le_bytes(*crc) != crc32c::crc32c(body) {
            return Err(fields.refuse("its checksum does not hold"));
        }
        if version != VERSION {
            return Err(fields.refuse("it is of a release that knows more than this one"));
        }
        let mut fields = FieldsReader::new(body, 0);
        fields.take_bytes(16)?;
        let mut manifest = Self {
            generation: fields.take_u64()?,
            store: fields.take_u64()?,
            segment: fields.take_u64()?,
            durable: fields.take_u64()?,
            next_file: fields.take_u64()?,
            spaces: Vec::new(),
        };
        let Self { generation, segment, durable, next_file, .. } = manifest;
        if [generation, segment, durable, next_file].into_iter().any(|number| number > IDS_MAX) {
            return Err(fields.refuse("a number is larger than any that was given"));
        }
        let spaces = fields.take_u32()?;
        if fields.take_u32()? != 0 {
            return Err(fields.refuse("a field that is to be 0 is not"));
        }
        for _ in 0..spaces {
            let (id, file, lsn) = (fields.take_u64()?, fields.take_u64()?, fields.take_u64()?);
            let len = fields.take_u32()? as usize;
            let name = std::str::from_utf8(fields.take_bytes(len)?);
            let name = name.map_err(|_| fields.refuse("a name is no text"))?.to_owned();
            if name.is_empty() || name.len() > NAME_BYTES_MAX {
                return Err(fields.refuse("no space can be called so"));
            }
            if file == 0 || file >= next_file || id > IDS_MAX || lsn > IDS_MAX {
                return Err(fields.refuse("a checkpoint has a number that was not given"));
            }
            // Frames of that number would be taken for those that it holds.
            if lsn > durable {
                return Err(fields.refuse("a checkpoint holds frames that never were"));
            }
            manifest.spaces.push(Saved { id, file, lsn, name });
        }
        fields.finish()?;
        let ids = manifest.spaces.iter().map(|space| space.id);
        let names: BTreeSet<_> = manifest.spaces.iter().map(|space| &space.name).collect();
        if !ids.is_sorted_by(|a, b| a < b) || names.len() != manifest.spaces.len() {
            return Err(Error::Snapshot { reason: "spaces are out of order", offset: 64 });
        }
        Ok(manifest)
    }
}

/// The two files.
pub(crate) struct Manifests {
    /// Whether a file holds the current one.
    is_current: [bool; 2],
    pub(crate) current: Manifest,
}

/// What was found of manifests.
pub(crate) enum Found {
    /// Neither file is there, or whole.
    None {
        reason: &'static str,
        offset: u64,
    },
    Some(Manifests),
}

impl Manifests {
    /// Reads both.
    pub(crate) fn load(storage: &dyn Storage, names: &[String]) -> Result<Found, StoreError> {
        let mut found = [None, None];
        let (mut reason, mut offset) = ("there is none", 0);
        for (slot, name) in found.iter_mut().zip(NAMES) {
            if !names.iter().any(|there| there == name) {
                continue;
            }
            match Manifest::decode(&read(storage, name)?) {
                Ok(manifest) => *slot = Some(manifest),
                Err(Error::Snapshot { reason: why, offset: at }) => (reason, offset) = (why, at),
                Err(error) => return Err(error.into()),
            }
        }
        let generations = found.each_ref().map(|slot| slot.as_ref().map(|m| m.generation));
        let current = &found[usize::from(generations[0] < generations[1])];
        let Some(current) = current.clone() else { return Ok(Found::None { reason, offset }) };
        // Nobody writes two of one generation; if there are, the first counts.
        let is_current = found.map(|slot| slot.as_ref() == Some(&current));
        Ok(Found::Some(Self { is_current, current }))
    }

    /// Writes again what may be read and on no disk: the same bytes over themselves, which a crash
    /// does no harm.
    pub(crate) fn write_again(&self, storage: &dyn Storage) -> Result<(), StoreError> {
        for (_, name) in self.is_current.iter().zip(NAMES).filter(|(is_current, _)| **is_current) {
            let file = storage.open(name).map_err(StoreError::io("open", name))?;
            let bytes = self.current.encode();
            file.write_at(0, &bytes).map_err(StoreError::io("write", name))?;
            file.sync().and_then(|()| storage.sync()).map_err(StoreError::io(SYNC, name))?;
        }
        Ok(())
    }

    /// Writes the first one of a store.
    pub(crate) fn create(storage: &dyn Storage, first: Manifest) -> Result<Self, StoreError> {
        let mut made = Self { is_current: [false; 2], current: first };
        made.heal(storage)?;
        Ok(made)
    }

    /// Writes a manifest in place of the current one: into the file that is not current, or else the
    /// first, then into the other.
    ///
    /// # Errors
    /// [`StoreError::Io`]: where the action is not [`SYNC`](super::write::SYNC), the current one is
    /// as it was; [`StoreError::Damaged`] where its numbers are used up.
    pub(crate) fn replace(
        &mut self,
        storage: &dyn Storage,
        next: Manifest,
    ) -> Result<(), StoreError> {
        let next = Manifest { generation: self.current.generation + 1, ..next };
        let Manifest { generation, segment, next_file, .. } = next;
        if [generation, segment, next_file].into_iter().any(|number| number > IDS_MAX) {
            return Err(used_up(NAMES[0]));
        }
        let first = usize::from(self.is_current[0] && !self.is_current[1]);
        self.is_current[first] = false;
        put(storage, NAMES[first], &next)?;
        self.is_current = [first == 0, first == 1];
        self.current = next;
        // It counts, whatever becomes of the other file, which is written first the next time.
        match self.heal(storage) {
            Err(StoreError::Io { action, .. }) if action != SYNC => Ok(()),
            other => other,
        }
    }

    /// Whether both files hold the current one, where they should.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if one does not.
    pub(crate) fn verify(&self, storage: &dyn Storage) -> Result<(), StoreError> {
        for (is_current, name) in self.is_current.iter().zip(NAMES) {
            let found =
                if *is_current { Manifest::decode(&read(storage, name)?) } else { continue };
            if found.is_ok_and(|found| found == self.current) {
                continue;
            }
            let (file, reason) = (name.to_owned(), "it is not what was written");
            return Err(StoreError::Damaged { file, offset: 0, reason });
        }
        Ok(())
    }

    /// Writes the current one where it is not.
    pub(crate) fn heal(&mut self, storage: &dyn Storage) -> Result<(), StoreError> {
        for (is_current, name) in self.is_current.iter_mut().zip(NAMES) {
            if !*is_current {
                put(storage, name, &self.current)?;
                *is_current = true;
            }
        }
        Ok(())
    }
}

/// What is said where the next number would be one that no reader takes: only files that were made up
/// lead there.
pub(super) fn used_up(name: &str) -> StoreError {
    StoreError::Damaged { file: name.to_owned(), offset: 0, reason: "its numbers are used up" }
}

/// Makes a file hold a manifest, durably.
///
/// The magic goes first and comes back last: where there is no room for the rest, the file holds no
/// manifest, and not one that nobody went on from. From then on nobody knows what it holds, which
/// is called [`SYNC`], as after a sync that failed.
fn put(storage: &dyn Storage, name: &'static str, manifest: &Manifest) -> Result<(), StoreError> {
    let bytes = manifest.encode();
    let (magic, rest) = bytes.split_at(MAGIC.len());
    let failed = |action| StoreError::io(action, name);
    let file = match storage.open(name) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => storage.create(name),
        other => other,
    };
    let file: Box<dyn File> = file.map_err(failed("create"))?;
    let room = file
        .write_at(0, &[0; MAGIC.len()])
        .and_then(|()| file.write_at(MAGIC.len() as u64, rest))
        .and_then(|()| file.set_len(bytes.len() as u64));
    if let Err(cause) = room {
        // Not even a crash shall bring the magic back in front of what was written.
        file.sync().map_err(failed(SYNC))?;
        return Err(failed("write")(cause));
    }
    let held = file.write_at(0, magic).and_then(|()| file.sync());
    held.and_then(|()| storage.sync()).map_err(failed(SYNC))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let space = |id, name: &str| Saved { id, file: id, lsn: 5, name: name.to_owned() };
        let spaces = vec![space(1, "words"), space(2, "Bilder 🍎"), space(7, "x")];
        Manifest { generation: 3, store: 9, segment: 2, durable: 8, next_file: 8, spaces }
    }

    #[test]
    fn comes_back_as_it_was_and_every_flipped_bit_is_seen() {
        let bytes = manifest().encode();
        assert_eq!(Manifest::decode(&bytes), Ok(manifest()));
        // As left by a longer one before.
        assert_eq!(Manifest::decode(&[&bytes[..], b"rest"].concat()), Ok(manifest()));
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Manifest::decode(&flipped).is_err(), "bit {bit}");
        }
        for len in 0..bytes.len() {
            assert!(Manifest::decode(&bytes[..len]).is_err(), "cut to {len}");
        }
    }

    #[test]
    fn counts_and_lengths_that_lie_are_refused() {
        let bytes = manifest().encode();
        for at in [12, 56, 60, 88] {
            for value in [0, 1, 2, 4, 1 << 16, i32::MAX as u32, u32::MAX] {
                let mut forged = bytes.clone();
                forged[at..at + 4].copy_from_slice(&value.to_le_bytes());
                let end = forged.len() - 4;
                let crc = crc32c::crc32c(&forged[..end]).to_le_bytes();
                forged[end..].copy_from_slice(&crc);
                let is_same = forged == bytes;
                assert_eq!(Manifest::decode(&forged).is_ok(), is_same, "{value} at {at}");
            }
        }
    }
}
