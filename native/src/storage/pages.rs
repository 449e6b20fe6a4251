//! Memory in huge pages, where the system has them: a traversal reads rows all over it.

use std::io::{self, Read, Seek};
use std::path::Path;

use ecphory::{Allocator, Region};
use memmap2::MmapMut;

use super::mmap::{self, Piece};
use super::{StorageError, open_file, out_of_memory};

/// Size and alignment of a huge page on x86-64 and on 64-bit Arm with 4 KiB pages.
const HUGE: usize = 2 << 20;

/// Takes blocks of 2 MiB and more straight from the system and asks for huge pages behind them;
/// smaller ones come from the heap.
///
/// The advice is only that: where huge pages are switched off, the block is made of small ones.
#[derive(Clone, Copy, Debug, Default)]
pub struct HugePages;

impl Allocator for HugePages {
    fn zeroed(&self, len: usize) -> Option<Region> {
        if len < HUGE {
            return Region::zeroed(len);
        }
        let block = Block::new(len)?;
        mmap::region(block.map, block.start, len)
    }
}

/// Reads a whole file into memory of its own, in huge pages where there are any.
///
/// Nothing that happens to the file later changes the region. [`super::open_mapped`] is faster.
///
/// # Errors
/// [`StorageError`] if `path` is not a readable file of at least one byte, or does not fit.
pub fn read(path: impl AsRef<Path>) -> Result<Region, StorageError> {
    let path = path.as_ref();
    let (mut file, len) = open_file(path)?;
    let no_room = || out_of_memory(path, len as u64);
    let mut block = Block::new(len).ok_or_else(no_room)?;
    file.read_exact(&mut block.map[block.start..][..len]).map_err(|cause| {
        let cause = match cause.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::other("the file shrank while it was read"),
            _ => cause,
        };
        StorageError::Read { path: path.to_owned(), cause }
    })?;
    mmap::region(block.map, block.start, len).ok_or_else(no_room)
}

/// Reads pieces of files, one behind the other, into memory of their own.
///
/// # Errors
/// `UnexpectedEof` if a file ends before its piece; `OutOfMemory`; what the system says.
pub(super) fn read_pieces(pieces: &[Piece]) -> io::Result<Region> {
    let total = pieces.iter().try_fold(0usize, |sum, piece| sum.checked_add(piece.len));
    let total = total.ok_or(io::ErrorKind::OutOfMemory)?;
    let mut block = Block::new(total).ok_or(io::ErrorKind::OutOfMemory)?;
    let mut rest = &mut block.map[block.start..][..total];
    for Piece { file, offset, len } in pieces {
        let (place, behind) = rest.split_at_mut(*len);
        let mut file = file;
        file.seek(io::SeekFrom::Start(*offset))?;
        file.read_exact(place)?;
        rest = behind;
    }
    mmap::region(block.map, block.start, total).ok_or(io::ErrorKind::OutOfMemory.into())
}

/// Fresh zero pages in which the bytes from `start` on lie on a huge-page boundary.
struct Block {
    map: MmapMut,
    start: usize,
}

impl Block {
    /// Room for `len` bytes. Address space is taken in excess; memory only where it is touched.
    fn new(len: usize) -> Option<Self> {
        let map = MmapMut::map_anon(len.checked_add(HUGE)?).ok()?;
        let start = map.as_ptr().align_offset(HUGE);
        let block = Self { map, start };
        block.advise(len);
        Some(block)
    }

    /// Only whole huge pages are asked for, so that the last one holds no unused memory.
    #[cfg(target_os = "linux")]
    fn advise(&self, len: usize) {
        let whole = len / HUGE * HUGE;
        if whole > 0 {
            // Refused where the kernel has no huge pages; small ones serve as well.
            let _ = self.map.advise_range(memmap2::Advice::HugePage, self.start, whole);
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn advise(&self, _len: usize) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_any_size_come_zeroed_and_whole() {
        for len in [1, 64, HUGE - 1, HUGE, HUGE + 1, 3 * HUGE + 4096] {
            assert_eq!(HugePages.zeroed(len).expect("memory").len(), len);
        }
    }

    #[test]
    fn large_blocks_start_on_a_huge_page() {
        let block = Block::new(2 * HUGE).expect("memory");
        assert_eq!(block.map[block.start..].as_ptr() as usize % HUGE, 0);
        assert!(block.map[block.start..][..2 * HUGE].iter().all(|&byte| byte == 0));
    }

    #[test]
    fn no_memory_is_no_panic() {
        assert!(HugePages.zeroed(usize::MAX).is_none());
        assert!(HugePages.zeroed(1 << 60).is_none());
    }
}
