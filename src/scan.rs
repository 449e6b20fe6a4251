//! Exact search: every item compared with the query in full precision.
//!
//! The oracle of recall figures and of the tests, and the answer where a graph would not pay. It
//! reads vectors through the same kernels as everything else, so a distance found here has the
//! bits that a graph search reports.

use std::collections::BinaryHeap;

use crate::distance::{Query, from_f32};
use crate::store::{BLOCK, Space};

/// Rows that stay in the cache while all queries of a group pass over them.
const TILE: usize = 4 * BLOCK;

/// The `k` nearest of one query so far, as (ordinal, key): a heap with the farthest on top.
pub(crate) struct Nearest {
    k: usize,
    heap: BinaryHeap<(u32, u64)>,
}

impl Nearest {
    pub(crate) fn new(k: usize) -> Self {
        Self { k, heap: BinaryHeap::new() }
    }

    fn offer(&mut self, ordinal: u32, key: impl FnOnce() -> u64) {
        if self.heap.len() < self.k {
            self.heap.push((ordinal, key()));
        } else if let Some(mut farthest) = self.heap.peek_mut()
            && ordinal <= farthest.0
        {
            *farthest = (*farthest).min((ordinal, key()));
        }
    }

    /// (ordinal, key) of the nearest, nearest first, ties by key.
    pub(crate) fn into_sorted(self) -> Vec<(u32, u64)> {
        self.heap.into_sorted_vec()
    }
}

/// Compares `queries` with the items in `slots`, adding to `nearest` (one per query).
///
/// O(slots · queries · dim); each tile of rows is read from memory once for all queries. `is_over`
/// is asked before each; false if it ended the scan.
#[cfg_attr(ecphory_compact, optimize(speed))]
pub(crate) fn scan(
    space: &Space,
    queries: &[Query],
    slots: &[u32],
    nearest: &mut [Nearest],
    is_over: &dyn Fn() -> bool,
) -> bool {
    let mut sums = [0.0; BLOCK];
    for tile in slots.chunks(TILE) {
        if is_over() {
            return false;
        }
        for (query, nearest) in queries.iter().zip(nearest.iter_mut()) {
            for block in tile.chunks(BLOCK) {
                let sums = &mut sums[..block.len()];
                space.sum_vectors(query.vector(), block, sums);
                query.finish(sums, |i| space.store.norm(block[i]));
                for (&slot, &distance) in block.iter().zip(sums.iter()) {
                    nearest.offer(from_f32(distance), || space.key(slot));
                }
            }
        }
    }
    true
}
