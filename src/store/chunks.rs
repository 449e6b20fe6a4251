//! Rows of one stride, in chunks that are published once and never moved.

use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

use super::exclusive::Exclusive;
use super::gate::Alone;
use super::region::{ALIGN, Allocator, Region};
use crate::error::{Error, Result};
use crate::limits::SLOTS_MAX;
use crate::sync::Step;

/// Rows of the first chunk that is added after building or opening; later ones double.
const GROWTH: u32 = 1024;
/// Added chunks, at most: `GROWTH · (2^16 + …)` reaches [`SLOTS_MAX`].
const ADDED_MAX: usize = (SLOTS_MAX / GROWTH).ilog2() as usize + 1;

/// A growing array of fixed-stride rows, indexed by slot.
pub(crate) struct Chunks {
    stride: usize,
    first: Region,
    first_rows: u32,
    /// One byte past where row 0 would lie if an added chunk began there; null until it is added.
    /// (Rows are aligned, so that no chunk's is null.)
    origins: [AtomicPtr<u8>; ADDED_MAX],
    /// The memory of the added chunks.
    added: [AtomicPtr<Region>; ADDED_MAX],
    allocator: Arc<dyn Allocator>,
}

impl Chunks {
    /// `rows` zeroed rows of `stride` bytes, ready to be filled.
    #[inline(never)]
    pub(crate) fn zeroed(stride: usize, rows: u32, allocator: Arc<dyn Allocator>) -> Result<Self> {
        let first = block(stride, rows, &*allocator)?;
        Ok(Self::over(stride, rows, first, allocator))
    }

    /// The rows that `first` already holds.
    #[inline(never)]
    pub(crate) fn over(
        stride: usize,
        rows: u32,
        first: Region,
        allocator: Arc<dyn Allocator>,
    ) -> Self {
        // In 64 bits, where the product cannot wrap.
        let bytes = stride as u64 * u64::from(rows);
        assert!(first.len() as u64 >= bytes, "a chunk holds the rows it names");
        let origins = [const { AtomicPtr::new(null_mut()) }; ADDED_MAX];
        let added = [const { AtomicPtr::new(null_mut()) }; ADDED_MAX];
        Self { stride, first, first_rows: rows, origins, added, allocator }
    }

    /// Bytes from one row to the next.
    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    /// Address of a row that is backed by memory.
    ///
    /// The slot must lie below the published capacity; this is checked in debug builds and by the
    /// null check on the added chunk.
    #[inline(always)]
    pub(crate) fn row(&self, slot: u32) -> *mut u8 {
        if slot < self.first_rows {
            // SAFETY: `over` checked that the first region holds `first_rows` rows.
            return unsafe { self.first.as_ptr().add(slot as usize * self.stride) };
        }
        let (chunk, _) = self.place(slot);
        // Acquire pairs with the release in `reserve`: the memory behind the pointer is zeroed.
        let origin = self.origins[chunk].load(Ordering::Acquire);
        if origin.is_null() {
            unbacked(slot);
        }
        // Inside the chunk, which is freed only with `self` and holds `GROWTH << chunk` rows.
        origin.wrapping_add(slot as usize * self.stride).wrapping_sub(1)
    }

    /// As [`Self::row`], where a call does not matter and code in a hundred places would.
    #[inline(never)]
    fn any_row(&self, slot: u32) -> *mut u8 {
        self.row(slot)
    }

    /// Which added chunk, and which row of it, holds `slot`.
    #[inline(always)]
    fn place(&self, slot: u32) -> (usize, u32) {
        let position = slot - self.first_rows + GROWTH;
        let chunk = (position.ilog2() - GROWTH.ilog2()) as usize;
        (chunk, position - (GROWTH << chunk))
    }

    /// Backs `slot` with memory and returns how many rows are backed from 0 on, counting this
    /// chunk (earlier chunks are backed first).
    #[inline(never)]
    pub(crate) fn reserve(&self, slot: u32) -> Result<u32> {
        if slot < self.first_rows {
            return Ok(self.first_rows);
        }
        let (last, _) = self.place(slot);
        for chunk in 0..=last {
            // Acquire pairs with the release below, made by whichever thread added the chunk.
            if !self.origins[chunk].load(Ordering::Acquire).is_null() {
                continue;
            }
            let region = block(self.stride, GROWTH << chunk, &*self.allocator)?;
            let before = self.first_rows as usize + (GROWTH << chunk) as usize - GROWTH as usize;
            let origin = region.as_ptr().wrapping_sub(before * self.stride).wrapping_add(1);
            // Release publishes the memory; pairs with the acquire in `row`. Who loses the race
            // uses the winner's chunk.
            let (release, relaxed) = (Ordering::Release, Ordering::Relaxed);
            let place = &self.origins[chunk];
            if place.compare_exchange(null_mut(), origin, release, relaxed).is_ok() {
                Step::ChunkPublished.done();
                // Relaxed: read by whoever owns `self` alone, and for its null-ness.
                self.added[chunk].store(Box::into_raw(Box::new(region)), Ordering::Relaxed);
            }
        }
        Ok(self.first_rows + (GROWTH << (last + 1)) - GROWTH)
    }

    /// The bytes of the rows `0..rows`, in pieces, while no writer runs.
    pub(crate) fn parts<'a>(&'a self, rows: u32, _alone: &'a Alone<'_>) -> Vec<&'a [u8]> {
        let mut parts = Vec::new();
        let mut start = 0;
        while start < rows && self.stride > 0 {
            let end = if start < self.first_rows {
                self.first_rows
            } else {
                let (chunk, _) = self.place(start);
                start + (GROWTH << chunk)
            };
            let len = (end.min(rows) - start) as usize * self.stride;
            // SAFETY: rows below the published capacity are backed, those of one chunk are
            // contiguous, and `_alone` proves that nobody writes them during the borrow of it.
            parts.push(unsafe { std::slice::from_raw_parts(self.row(start).cast_const(), len) });
            start = end;
        }
        parts
    }

    /// Bytes of memory held, used or not.
    pub(crate) fn bytes(&self) -> usize {
        let added = (0..ADDED_MAX)
            // Relaxed: only the null-ness is read.
            .filter(|&chunk| !self.added[chunk].load(Ordering::Relaxed).is_null())
            .map(|chunk| ((GROWTH as usize) << chunk) * self.stride)
            .sum::<usize>();
        self.first_rows as usize * self.stride + added
    }

    /// The row as atomic 32-bit words.
    #[inline(always)]
    pub(crate) fn words(&self, slot: u32) -> &[AtomicU32] {
        // SAFETY: rows are 4-byte aligned (stride is a multiple of 4), backed, and live as long as
        // `self`; a `Chunks` of words is only ever accessed through atomics.
        unsafe { std::slice::from_raw_parts(self.row(slot).cast(), self.stride / 4) }
    }

    /// The row as one atomic 32-bit word (stride 4).
    #[inline(always)]
    pub(crate) fn word(&self, slot: u32) -> &AtomicU32 {
        debug_assert_eq!(self.stride, 4);
        // SAFETY: as in `words`.
        unsafe { &*self.any_row(slot).cast() }
    }

    /// The row as one atomic 64-bit word (stride 8).
    #[inline(always)]
    pub(crate) fn word64(&self, slot: u32) -> &AtomicU64 {
        debug_assert_eq!(self.stride, 8);
        // SAFETY: rows are 8-byte aligned at stride 8; otherwise as in `words`.
        unsafe { &*self.any_row(slot).cast() }
    }

    /// `len` rows from `slot` on as atomic 64-bit words (stride 8), all of one chunk.
    #[inline(always)]
    pub(crate) fn words64(&self, slot: u32, len: u32) -> &[AtomicU64] {
        assert_eq!(self.stride, 8);
        let left = if slot < self.first_rows {
            self.first_rows - slot
        } else {
            let (chunk, row) = self.place(slot);
            (GROWTH << chunk) - row
        };
        assert!(len <= left, "the rows lie side by side");
        // SAFETY: a chunk's rows are contiguous; otherwise as in `word64`.
        unsafe { std::slice::from_raw_parts(self.row(slot).cast(), len as usize) }
    }

    /// The first `len` items of a published row of plain data.
    ///
    /// # Safety
    /// The row holds `len` values of `T` (for which any bits are valid) and is no longer written.
    #[inline(always)]
    pub(crate) unsafe fn values<T: Copy>(&self, slot: u32, len: usize) -> &[T] {
        debug_assert!(len * size_of::<T>() <= self.stride && align_of::<T>() <= ALIGN);
        // SAFETY: the caller's promise; the row is backed and outlives the borrow.
        unsafe { std::slice::from_raw_parts(self.any_row(slot).cast(), len) }
    }

    /// The same, to be written.
    ///
    /// # Safety
    /// The row is not published: no other thread reads or writes it during the borrow.
    #[allow(clippy::mut_from_ref, reason = "rows of one chunk belong to different threads")]
    pub(crate) unsafe fn values_mut<T: Copy>(&self, slot: u32, len: usize) -> &mut [T] {
        debug_assert!(len * size_of::<T>() <= self.stride && align_of::<T>() <= ALIGN);
        // SAFETY: the caller's promise; the row is backed and outlives the borrow.
        unsafe { std::slice::from_raw_parts_mut(self.any_row(slot).cast(), len) }
    }
}

#[cold]
#[inline(never)]
fn unbacked(slot: u32) -> ! {
    panic!("slot {slot} is below the published capacity")
}

/// Memory for `rows` rows. An allocator is a host's safe code, so what it gives is believed only
/// as far as it was looked at: long enough, and in nobody else's hands.
fn block(stride: usize, rows: u32, allocator: &dyn Allocator) -> Result<Region> {
    let bytes = stride.checked_mul(rows as usize);
    bytes
        .and_then(|bytes| allocator.zeroed(bytes).filter(|region| region.len() >= bytes))
        .and_then(Exclusive::new)
        .map(Exclusive::into_region)
        .ok_or(Error::OutOfMemory { bytes: bytes.unwrap_or(usize::MAX) })
}

impl Drop for Chunks {
    fn drop(&mut self) {
        for chunk in &mut self.added {
            let region = *chunk.get_mut();
            if !region.is_null() {
                // SAFETY: made by `Box::into_raw` in `reserve`, freed only here.
                drop(unsafe { Box::from_raw(region) });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Heap;

    /// Gives large blocks away twice.
    struct Twice(Region);

    impl Allocator for Twice {
        fn zeroed(&self, len: usize) -> Option<Region> {
            if len == 0 { Region::zeroed(0) } else { Some(self.0.clone()) }
        }
    }

    /// Gives one byte too few.
    struct Short;

    impl Allocator for Short {
        fn zeroed(&self, len: usize) -> Option<Region> {
            Region::zeroed(len.saturating_sub(1))
        }
    }

    #[test]
    fn memory_that_is_short_or_shared_is_refused() {
        let twice = Twice(Region::zeroed(1 << 20).unwrap());
        let hosts: [Arc<dyn Allocator>; 2] = [Arc::new(twice), Arc::new(Short)];
        for host in hosts {
            let first = Chunks::zeroed(8, 3, Arc::clone(&host));
            assert_eq!(first.err(), Some(Error::OutOfMemory { bytes: 24 }));
            let chunks = Chunks::zeroed(8, 0, host).unwrap();
            let bytes = 8 * GROWTH as usize;
            assert_eq!(chunks.reserve(0), Err(Error::OutOfMemory { bytes }));
            assert_eq!(chunks.bytes(), 0);
        }
    }

    #[test]
    fn more_bytes_than_an_address_counts_are_refused() {
        let stride = usize::MAX / 4;
        let full = Error::OutOfMemory { bytes: usize::MAX };
        assert_eq!(Chunks::zeroed(stride, 5, Arc::new(Heap)).err(), Some(full.clone()));
        let chunks = Chunks::zeroed(stride, 0, Arc::new(Heap)).unwrap();
        assert_eq!(chunks.reserve(0), Err(full));
    }

    #[test]
    #[should_panic(expected = "the rows lie side by side")]
    fn rows_of_two_chunks_are_no_slice() {
        let chunks = Chunks::zeroed(8, 3, Arc::new(Heap)).unwrap();
        chunks.reserve(3 + GROWTH).unwrap();
        assert_eq!(chunks.words64(3, GROWTH).len(), GROWTH as usize);
        chunks.words64(4, GROWTH);
    }

    #[test]
    #[should_panic(expected = "a chunk holds the rows it names")]
    fn a_first_chunk_is_long_enough() {
        let first = Region::zeroed(23).unwrap();
        Chunks::over(8, 3, first, Arc::new(Heap));
    }
}
