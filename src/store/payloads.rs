//! Bytes that belong to a slot, for the caller's use.
//!
//! ```text
//!   of an item written by this process    live: a pointer to them, by slot
//!   of one from a file                    saved: a word by slot, 1 + their place in the file
//! ```
//! At a place of the file stand their number, 4 bytes, and then they.
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
use crate::limits::PAYLOAD_BYTES_MAX;

/// Bytes before those of a payload in a file.
const LEN_BYTES: usize = 4;

/// The payloads of an index.
pub(crate) struct Payloads {
    live: Sparse,
    /// Bytes of those that are live.
    held: AtomicUsize,
    saved: Option<Saved>,
}

/// The payloads of a file.
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

    /// The payload of a slot, if it has one; empty ones are none.
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

    /// Gives a payload to a slot that has none and that nobody else knows of.
    pub(crate) fn put(&self, slot: u32, payload: &[u8]) -> Result<()> {
        if payload.is_empty() {
            return Ok(());
        }
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(Error::PayloadTooLong { bytes: payload.len() });
        }
        let word = self.live.word(slot as usize)?;
        let mut bytes = Vec::new();
        let full = |_| Error::OutOfMemory { bytes: payload.len() };
        bytes.try_reserve_exact(payload.len()).map_err(full)?;
        bytes.extend_from_slice(payload);
        self.held.fetch_add(bytes.len(), Ordering::Relaxed);
        let bytes = Box::into_raw(Box::new(bytes.into_boxed_slice()));
        // Relaxed: the slot's publication releases it.
        word.store(bytes.expose_provenance() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Takes the payload of a slot that nobody reads.
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

    /// Whether a slot may have a payload.
    pub(crate) fn are_there(&self) -> bool {
        self.saved.is_some() || self.live.bytes() > 0
    }

    /// Bytes of memory held.
    pub(crate) fn bytes(&self) -> usize {
        let saved = self.saved.as_ref().map_or(0, |s| s.places.bytes() + s.bytes.bytes().len());
        self.live.bytes() + self.held.load(Ordering::Relaxed) + saved
    }

    /// Compares the places of a file with the bytes they lead to; names the first slot below `end`
    /// whose payload is not there.
    pub(crate) fn verify(&self, end: u32) -> Result<(), u32> {
        let Some(saved) = &self.saved else { return Ok(()) };
        let lost = |slot: &u32| {
            saved.places.word64(*slot).load(Ordering::Relaxed) != 0 && saved.get(*slot).is_none()
        };
        (1..end.min(saved.rows)).find(lost).map_or(Ok(()), Err)
    }
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

/// A payload as it stands in a file, in two parts.
pub(crate) fn encoded_len(payload: &[u8]) -> [u8; LEN_BYTES] {
    (payload.len() as u32).to_le_bytes()
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
        payloads.put(1, b"").unwrap();
        assert!(!payloads.are_there());
        payloads.put(70, b"seventy").unwrap();
        payloads.put(3, b"three").unwrap();
        assert_eq!(
            (payloads.get(70), payloads.get(3)),
            (Some(&b"seventy"[..]), Some(&b"three"[..]))
        );
        payloads.clear(70);
        payloads.clear(71);
        assert_eq!(payloads.get(70), None);
        payloads.put(70, b"again").unwrap();
        assert_eq!(payloads.get(70), Some(&b"again"[..]));
        let long = vec![0; PAYLOAD_BYTES_MAX + 1];
        let refused = Error::PayloadTooLong { bytes: long.len() };
        assert_eq!(payloads.put(9, &long), Err(refused));
    }

    #[test]
    fn a_file_may_say_anything() {
        let bytes = [3, 0, 0, 0, b'a', b'b', b'c', 200, 0, 0, 0, 1];
        let region = Region::copy_of(&bytes).unwrap();
        let places = Chunks::zeroed(8, 6, Arc::new(Heap)).unwrap();
        for (slot, place) in [(1, 1), (2, 8), (3, 13), (4, u64::MAX)] {
            places.word64(slot).store(place, Ordering::Relaxed);
        }
        let payloads = Payloads::new(Some(Saved::new(places, 6, Exclusive::new(region).unwrap())));
        assert_eq!(payloads.get(1), Some(&b"abc"[..]));
        assert!([2, 3, 4, 5, 6].iter().all(|&slot| payloads.get(slot).is_none()));
        assert_eq!(payloads.verify(6), Err(2));
        assert_eq!(payloads.verify(2), Ok(()));
        payloads.clear(1);
        assert_eq!(payloads.get(1), None);
        payloads.put(1, b"new").unwrap();
        assert_eq!(payloads.get(1), Some(&b"new"[..]));
    }
}
