//! Bytes that belong to a slot: the item's name, and a payload for the caller's use.
//!
//! ```text
//!   of an item written by this process    live: a pointer to them, by slot
//!   of one from a file                    saved: a word by slot, 1 + their place in the file
//! ```
//! At a place of the file stand their number, 4 bytes, and then they. The first 2 of them, little-endian
//! as all, are the bytes of the name, which follows; what is left is the payload.
//!
//! # Invariants
//! - What a slot has is written before the slot is published, and taken away when it is given back,
//!   so readers hold plain slices as long as they are pinned.
//! - A word from a file is a place to look at and never an address. What it leads to is checked at
//!   each use, so any bytes do no harm.

use std::ptr::with_exposed_provenance_mut;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::sparse::Sparse;
use super::{Chunks, Exclusive};
use crate::error::{Error, Result};
use crate::limits::NAME_BYTES_MAX;

/// Bytes before those of a slot in a file.
const LEN_BYTES: usize = 4;
/// Bytes before a name.
const NAME_LEN_BYTES: usize = 2;

const _: () = assert!(NAME_BYTES_MAX <= u16::MAX as usize);

/// Names and payloads of an index.
pub(crate) struct Payloads {
    live: Sparse,
    /// Bytes of those that are live.
    held: AtomicUsize,
    saved: Option<Saved>,
}

/// Those of a file.
pub(crate) struct Saved {
    places: Chunks,
    rows: u32,
    bytes: Exclusive,
}

impl Saved {
    pub(crate) fn new(places: Chunks, rows: u32, bytes: Exclusive) -> Self {
        Self { places, rows, bytes }
    }

    fn get(&self, slot: u32) -> Option<&[u8]> {
        if slot >= self.rows {
            return None;
        }
        // Relaxed: written before the slot was published, as its rows are.
        let place = self.places.word64(slot).load(Ordering::Relaxed).checked_sub(1)?;
        let all = self.bytes.bytes();
        let (len, rest) = all.get(usize::try_from(place).ok()?..)?.split_first_chunk()?;
        rest.get(..u32::from_le_bytes(*len) as usize)
    }
}

impl Payloads {
    pub(crate) const fn new(saved: Option<Saved>) -> Self {
        Self { live: Sparse::new(), held: AtomicUsize::new(0), saved }
    }

    /// The name of a slot, empty if it has none.
    pub(crate) fn name(&self, slot: u32) -> &str {
        self.get(slot).and_then(parts).map_or("", |(name, _)| name)
    }

    /// The payload of a slot, empty if it has none.
    pub(crate) fn payload(&self, slot: u32) -> &[u8] {
        self.get(slot).and_then(parts).map_or(&[], |(_, payload)| payload)
    }

    /// Name and payload of a slot as they stand in a file, if it has any.
    pub(crate) fn get(&self, slot: u32) -> Option<&[u8]> {
        let address = self.live.get(slot as usize) as usize;
        if address == 0 {
            return self.saved.as_ref()?.get(slot);
        }
        let bytes: *mut Box<[u8]> = with_exposed_provenance_mut(address);
        // SAFETY: put there by `put`; freed by `clear` alone, when nobody reads the slot, and with
        // `self`.
        Some(unsafe { &**bytes })
    }

    /// Gives a name and a payload to a slot that has none and that nobody else knows of.
    pub(crate) fn put(&self, slot: u32, name: &str, payload: &[u8]) -> Result<()> {
        if name.is_empty() && payload.is_empty() {
            return Ok(());
        }
        let word = self.live.word(slot as usize)?;
        let bytes = joined(name, payload)?;
        self.held.fetch_add(bytes.len(), Ordering::Relaxed);
        // Relaxed: the slot's publication releases it.
        word.store(address(bytes), Ordering::Relaxed);
        Ok(())
    }

    /// Gives another name to a slot that no key leads to.
    pub(crate) fn rename(&self, slot: u32, name: &str) -> Result<()> {
        let word = self.live.word(slot as usize)?;
        let bytes = joined(name, self.payload(slot))?;
        self.held.fetch_add(bytes.len(), Ordering::Relaxed);
        // Relaxed: the key's entry releases it. Nobody reads it before.
        let freed = free(word.swap(address(bytes), Ordering::Relaxed));
        self.held.fetch_sub(freed, Ordering::Relaxed);
        Ok(())
    }

    /// Takes name and payload of a slot that nobody reads.
    pub(crate) fn clear(&self, slot: u32) {
        if let Some(saved) = self.saved.as_ref().filter(|saved| slot < saved.rows) {
            saved.places.word64(slot).store(0, Ordering::Relaxed);
        }
        if self.live.get(slot as usize) != 0
            && let Ok(word) = self.live.word(slot as usize)
        {
            let freed = free(word.swap(0, Ordering::Relaxed));
            self.held.fetch_sub(freed, Ordering::Relaxed);
        }
    }

    /// Whether a slot may have a name or a payload.
    pub(crate) fn are_there(&self) -> bool {
        self.saved.is_some() || self.live.bytes() > 0
    }

    /// Bytes of memory held.
    pub(crate) fn bytes(&self) -> usize {
        let saved = self.saved.as_ref().map_or(0, |s| s.places.bytes() + s.bytes.bytes().len());
        self.live.bytes() + self.held.load(Ordering::Relaxed) + saved
    }

    /// Compares the places of a file with the bytes they lead to; names the first slot below `end`
    /// whose are not there, or whose name is not that of its key.
    pub(crate) fn verify(
        &self,
        end: u32,
        is_called: impl Fn(u32, &str) -> bool,
    ) -> Result<(), u32> {
        let Some(saved) = &self.saved else { return Ok(()) };
        let lost = |slot: &u32| {
            let is_good = |bytes| parts(bytes).is_some_and(|(name, _)| is_called(*slot, name));
            let place = saved.places.word64(*slot).load(Ordering::Relaxed);
            place != 0 && !saved.get(*slot).is_some_and(is_good)
        };
        (1..end.min(saved.rows)).find(lost).map_or(Ok(()), Err)
    }
}

/// Name and payload as they stand in a file.
fn joined(name: &str, payload: &[u8]) -> Result<Box<[u8]>> {
    let len = NAME_LEN_BYTES + name.len() + payload.len();
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| Error::OutOfMemory { bytes: len })?;
    bytes.extend_from_slice(&(name.len() as u16).to_le_bytes());
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(payload);
    Ok(bytes.into_boxed_slice())
}

/// Where bytes are that [`free`] will free.
fn address(bytes: Box<[u8]>) -> u64 {
    Box::into_raw(Box::new(bytes)).expose_provenance() as u64
}

/// Frees what [`Payloads::put`] made, if anything; its bytes.
fn free(address: u64) -> usize {
    if address == 0 {
        return 0;
    }
    let bytes: *mut Box<[u8]> = with_exposed_provenance_mut(address as usize);
    // SAFETY: made by `Box::into_raw`, and no word leads to it any more.
    unsafe { Box::from_raw(bytes) }.len()
}

impl Drop for Payloads {
    fn drop(&mut self) {
        for word in self.live.used() {
            free(word.swap(0, Ordering::Relaxed));
        }
    }
}

/// Name and payload; `None` if a file says what cannot be.
fn parts(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<NAME_LEN_BYTES>()?;
    let (name, payload) = rest.split_at_checked(u16::from_le_bytes(*len) as usize)?;
    let name = (name.len() <= NAME_BYTES_MAX).then_some(name)?;
    Some((std::str::from_utf8(name).ok()?, payload))
}

/// What stands before the bytes of a slot in a file.
pub(crate) fn encoded_len(bytes: &[u8]) -> [u8; LEN_BYTES] {
    (bytes.len() as u32).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::{Heap, Region};

    #[test]
    fn payloads_come_and_go_with_their_slots() {
        let payloads = Payloads::new(None);
        assert!(!payloads.are_there() && payloads.get(1).is_none());
        payloads.put(1, "", b"").unwrap();
        assert!(!payloads.are_there());
        payloads.put(70, "seventy", b"").unwrap();
        payloads.put(3, "", b"three").unwrap();
        payloads.put(4, "four", b"4").unwrap();
        let both = |slot| (payloads.name(slot), payloads.payload(slot));
        assert_eq!([3, 4, 5, 70].map(both).map(|(name, _)| name), ["", "four", "", "seventy"]);
        assert_eq!(
            [3, 4, 5, 70].map(both).map(|(_, bytes)| bytes),
            [&b"three"[..], b"4", b"", b""]
        );
        payloads.clear(70);
        payloads.clear(71);
        assert_eq!(payloads.get(70), None);
        payloads.put(70, "", b"again").unwrap();
        payloads.rename(70, "once more").unwrap();
        payloads.rename(5, "five").unwrap();
        assert_eq!((both(70), both(5)), (("once more", &b"again"[..]), ("five", &b""[..])));
    }

    #[test]
    fn a_file_may_say_anything() {
        let bytes = [4, 0, 0, 0, 1, 0, b'a', b'b', 200, 0, 0, 0, 1];
        let region = Region::copy_of(&bytes).unwrap();
        let places = Chunks::zeroed(8, 7, Arc::new(Heap)).unwrap();
        // Its own bytes, more than there are, past the end, no place, a name longer than its bytes.
        for (slot, place) in [(1, 1), (2, 9), (3, 14), (4, u64::MAX), (6, 5)] {
            places.word64(slot).store(place, Ordering::Relaxed);
        }
        let payloads = Payloads::new(Some(Saved::new(places, 7, Exclusive::new(region).unwrap())));
        assert_eq!((payloads.name(1), payloads.payload(1)), ("a", &b"b"[..]));
        assert!(
            (2..9).all(|slot| payloads.name(slot).is_empty() && payloads.payload(slot).is_empty())
        );
        assert_eq!(payloads.verify(7, |_, _| true), Err(2));
        assert_eq!(payloads.verify(2, |_, _| true), Ok(()));
        assert_eq!(payloads.verify(2, |_, name| name != "a"), Err(1));
        payloads.clear(1);
        assert_eq!(payloads.get(1), None);
        payloads.put(1, "", b"new").unwrap();
        assert_eq!(payloads.payload(1), &b"new"[..]);
    }
}
