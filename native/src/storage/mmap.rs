//! Mappings of files and of fresh pages, handed out as regions: the only unsafe code of the crate.

use std::fs::File;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

use ecphory::Region;
use memmap2::{MmapMut, MmapOptions};

use super::{StorageError, open_file, out_of_memory};

/// Maps a snapshot file privately: pages are read when they are first touched, and written pages
/// become copies that only this process sees. Takes the same time whatever the file's length.
///
/// The file must keep its length while it is mapped; touching a page that was cut off ends the
/// process, as for any mapping. Files written by [`super::write_atomically`] are only ever replaced
/// whole, which is safe. To open a file that others may rewrite in place, use [`super::read`].
///
/// # Errors
/// [`StorageError`] if `path` is not a readable file of at least one byte, or there is no address
/// space for it.
pub fn open_mapped(path: impl AsRef<Path>) -> Result<Region, StorageError> {
    let path = path.as_ref();
    let (file, len) = open_file(path)?;
    // SAFETY: the mapping is private, so nobody else writes what this process has touched. Pages
    // not touched yet may follow a writer of the file; an index trusts no byte of a region for
    // memory safety (see `ecphory::Check`), so other bytes are other answers, not other memory.
    let map = unsafe { MmapOptions::new().len(len).map_copy(&file) }
        .map_err(|_| out_of_memory(path, len as u64))?;
    Ok(region(map, 0, len).expect("a mapping starts on a page"))
}

/// Some bytes of an open file.
pub(super) struct Piece {
    pub(super) file: File,
    /// A multiple of 65,536, where there are several.
    pub(super) offset: u64,
    pub(super) len: usize,
}

/// Maps pieces of files privately, one behind the other; `None` where that cannot be done. As for
/// [`open_mapped`], the files must keep their lengths, and the pieces must lie inside.
#[cfg(unix)]
pub(super) fn map_pieces(pieces: &[Piece]) -> Option<Region> {
    use std::os::fd::AsRawFd;

    let total = pieces.iter().try_fold(0usize, |sum, piece| sum.checked_add(piece.len))?;
    if total == 0 {
        return None;
    }
    // Address space to lay them in; nothing of it is touched before.
    let mut map = MmapOptions::new().len(total).no_reserve_swap().map_anon().ok()?;
    let mut at = 0usize;
    for Piece { file, offset, len } in pieces {
        let place = map.get_mut(at..at.checked_add(*len)?)?;
        let offset = libc::off_t::try_from(*offset).ok()?;
        // SAFETY: the place is inside the mapping that was made above, which nobody has a pointer
        // to but this function, and which ends with `map`. Of a length that is no multiple of a page
        // the rest of the last page is mapped, too: it is the mapping's last, or the next piece
        // begins on another page (`offset` and address are checked by the call). As to what others
        // do to the file: see `open_mapped`.
        let placed = unsafe {
            libc::mmap(
                place.as_mut_ptr().cast(),
                place.len(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_FIXED,
                file.as_raw_fd(),
                offset,
            )
        };
        if placed == libc::MAP_FAILED {
            return None;
        }
        at += len;
    }
    region(map, 0, total)
}

/// Where mappings cannot be laid side by side.
#[cfg(not(unix))]
pub(super) fn map_pieces(_pieces: &[Piece]) -> Option<Region> {
    None
}

/// The part `offset..offset + len` of a private mapping, which the region keeps alive; `None` if it
/// is not inside or not aligned to a cache line.
pub(super) fn region(mut map: MmapMut, offset: usize, len: usize) -> Option<Region> {
    let start = NonNull::from(map.get_mut(offset..offset.checked_add(len)?)?).cast::<u8>();
    if start.align_offset(64) != 0 {
        return None;
    }
    // SAFETY: the mapping is private, readable and writable, and does not move when its handle
    // does; the handle becomes the owner, so nobody reaches these bytes but through the region.
    Some(unsafe { Region::from_raw(start, len, Arc::new(map)) })
}
