//! Everything a reader pins at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::keys::Keys;
use super::{Memory, Options};
use crate::arch::Kernels;
use crate::error::Result;
use crate::graph::{Graph, is_linked};
use crate::store::{Allocator, Space};

/// Rows, links and keys of one index.
pub(super) struct Root {
    pub(super) space: Space,
    pub(super) graph: Graph,
    pub(super) keys: Keys,
    len: AtomicU32,
}

impl Root {
    pub(super) fn new(space: Space, graph: Graph, keys: Keys, len: u32) -> Self {
        Self { space, graph, keys, len: AtomicU32::new(len) }
    }

    pub(super) fn empty(
        options: &Options,
        kernels: &'static Kernels,
        allocator: &Arc<dyn Allocator>,
    ) -> Result<Self> {
        let space = Space::zeroed(options.dim, options.metric, kernels, None, 1, allocator)?;
        let graph = Graph::zeroed(options.m, 1, 1, allocator)?;
        let keys = Keys::sorted(&mut [], allocator)?;
        Ok(Self::new(space, graph, keys, 0))
    }

    /// Items whose insert has returned.
    pub(super) fn len(&self) -> usize {
        // Acquire pairs with the release in `count_one`.
        self.len.load(Ordering::Acquire) as usize
    }

    /// Counts one more item, after its key was published.
    pub(super) fn count_one(&self) {
        // Release: whoever counts the item can find it; pairs with the acquire in `len`.
        self.len.fetch_add(1, Ordering::Release);
    }

    /// The slot of a key's item.
    pub(super) fn find(&self, key: u64) -> Option<u32> {
        // Nothing but a damaged file leads anywhere else.
        self.keys.find(key).filter(|&slot| slot < self.space.end() && self.is_linked(slot))
    }

    /// Whether a slot below the space's end holds an item of the graph.
    pub(super) fn is_linked(&self, slot: u32) -> bool {
        is_linked(&self.space, slot)
    }

    /// The slots that hold items of the graph.
    pub(super) fn linked(&self) -> impl Iterator<Item = u32> {
        (1..self.space.end()).filter(|&slot| self.is_linked(slot))
    }

    pub(super) fn memory(&self) -> Memory {
        let store = &self.space.store;
        let (vectors, codes) = (store.vectors.bytes(), store.codes.bytes());
        let links = self.graph.bytes();
        let total = store.bytes() + links + self.keys.bytes();
        Memory { vectors, codes, links, items: total - vectors - codes - links, total }
    }
}
