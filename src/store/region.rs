//! Owned, aligned bytes, whoever provides them.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::any::Any;
use std::fmt;
use std::io;
use std::ptr::NonNull;
use std::sync::Arc;

/// Alignment of every region: one cache line, one AVX-512 register.
pub(crate) const ALIGN: usize = 64;

/// A block of memory that stays where it is until the last clone is dropped.
///
/// Clones and slices share the block. Its bytes may be changed through the index that holds it, so
/// a region is handed over, never read beside the index.
#[derive(Clone)]
pub struct Region {
    start: NonNull<u8>,
    len: usize,
    owner: Arc<dyn Any + Send + Sync>,
}

// SAFETY: a region is an address range kept alive by its owner; who may read or write which byte
// is the contract of `Chunks` (see the module page), not of the range.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    /// `len` zero bytes from the heap, or `None` where there is no memory for them.
    pub fn zeroed(len: usize) -> Option<Self> {
        let block = HeapBlock::zeroed(len.checked_add(ALIGN)?)?;
        let start = block.aligned();
        Some(Self { start, len, owner: Arc::new(block) })
    }

    /// A copy of `bytes` on the heap, or `None` where there is no memory for it.
    pub fn copy_of(bytes: &[u8]) -> Option<Self> {
        let region = Self::zeroed(bytes.len())?;
        // SAFETY: the fresh block holds `bytes.len()` bytes that nobody else can see yet.
        unsafe { region.start.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len()) };
        Some(region)
    }

    /// `len` bytes on the heap, zero but for what `fill` writes.
    ///
    /// # Errors
    /// `OutOfMemory`; those of `fill`.
    pub(crate) fn filled(
        len: usize,
        fill: impl FnOnce(&mut [u8]) -> io::Result<()>,
    ) -> io::Result<Self> {
        let region = Self::zeroed(len).ok_or(io::ErrorKind::OutOfMemory)?;
        // SAFETY: the fresh block holds `len` initialised bytes that nobody else can see yet.
        fill(unsafe { std::slice::from_raw_parts_mut(region.start.as_ptr(), len) })?;
        Ok(region)
    }

    /// Memory that `owner` keeps alive, such as a private mapping of a file.
    ///
    /// # Safety
    /// `start` is aligned to 64 bytes; `len` bytes behind it are readable and writable, stay where
    /// they are, and are used by nobody else, until `owner` is dropped.
    pub unsafe fn from_raw(
        start: NonNull<u8>,
        len: usize,
        owner: Arc<dyn Any + Send + Sync>,
    ) -> Self {
        debug_assert_eq!(start.as_ptr() as usize % ALIGN, 0);
        Self { start, len, owner }
    }

    /// Bytes in the region.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the region holds no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Address of the first byte.
    pub(crate) fn as_ptr(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// The part `offset..offset + len`, sharing ownership; `None` if it is not inside or would not
    /// be aligned.
    pub(crate) fn slice(&self, offset: usize, len: usize) -> Option<Self> {
        if !offset.is_multiple_of(ALIGN) || offset.checked_add(len)? > self.len {
            return None;
        }
        // SAFETY: `offset <= self.len`, so the address stays inside the block or one past its end.
        let start = unsafe { self.start.add(offset) };
        Some(Self { start, len, owner: Arc::clone(&self.owner) })
    }

    /// Whether no other region and no other owner reaches the block.
    pub(super) fn is_only_holder(&mut self) -> bool {
        // Orders this after everything that earlier holders did before they let go.
        Arc::get_mut(&mut self.owner).is_some()
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Region").field("len", &self.len).finish_non_exhaustive()
    }
}

/// Provides the memory in which an index grows.
pub trait Allocator: Send + Sync {
    /// `len` zero bytes that nobody else holds, or `None` where there is no memory for them. A
    /// region that is shorter, or of which a clone is kept, is refused as if it were `None`.
    fn zeroed(&self, len: usize) -> Option<Region>;
}

/// The global heap: the allocator of an index that is given no other.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heap;

impl Allocator for Heap {
    fn zeroed(&self, len: usize) -> Option<Region> {
        Region::zeroed(len)
    }
}

/// Zeroed memory at the heap's natural alignment: asking the heap itself for 64 bytes makes it
/// write the zeros, while fresh pages are zero already.
struct HeapBlock {
    start: NonNull<u8>,
    layout: Layout,
}

impl HeapBlock {
    fn zeroed(len: usize) -> Option<Self> {
        let layout = Layout::from_size_align(len, 16).ok()?;
        // SAFETY: `len` includes the alignment slack, so the layout is not empty.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(Self { start, layout })
    }

    fn aligned(&self) -> NonNull<u8> {
        // SAFETY: the block is `ALIGN` bytes longer than what is used of it.
        unsafe { self.start.add(self.start.align_offset(ALIGN)) }
    }
}

impl Drop for HeapBlock {
    fn drop(&mut self) {
        // SAFETY: allocated in `zeroed` with this layout, and dropped once.
        unsafe { dealloc(self.start.as_ptr(), self.layout) };
    }
}

// SAFETY: the block is plain memory; see `Region`.
unsafe impl Send for HeapBlock {}
// SAFETY: as above.
unsafe impl Sync for HeapBlock {}
