//! Spatial order: which item gets which slot.
//!
//! Neighbours in space get neighbouring slots, so that a walk touches memory that is close
//! together, and so that a window of slots holds real neighbours during a build. Segments are
//! halved by the difference of distances to two far-apart items, down to [`LEAF`] items.

use crate::arch::Kernels;
use crate::distance::from_i32;
use crate::exec::{Exec, for_each_item};

/// Items that are left in the order they came in.
const LEAF: usize = 32;
/// Items looked at for two far-apart ones.
const SAMPLE: usize = 64;

/// Rows of codes to be ordered.
pub(crate) struct Codes<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) stride: usize,
    pub(crate) kernels: &'a Kernels,
}

impl Codes<'_> {
    fn row(&self, item: u32) -> &[u8] {
        &self.bytes[item as usize * self.stride..][..self.stride]
    }

    fn distance(&self, a: u32, b: u32) -> i32 {
        self.kernels.code_distance(self.row(a), self.row(b))
    }

    /// Two items far from each other, found among a sample of `items`.
    fn poles(&self, items: &[u32]) -> (u32, u32) {
        let step = items.len().div_ceil(SAMPLE);
        let farthest = |from: u32| {
            let sample = items.iter().step_by(step).copied();
            sample.max_by_key(|&item| (self.distance(from, item), item)).unwrap_or(from)
        };
        let first = farthest(items[items.len() / 2]);
        (first, farthest(first))
    }

    /// Halves `items` by their side of the two poles.
    fn split(&self, items: &mut [u32]) {
        if items.len() <= LEAF {
            return;
        }
        let (a, b) = self.poles(items);
        let side = |item| self.distance(item, a) - self.distance(item, b);
        // Sorted as numbers, by side and then by item: finding the median alone would do, but brings
        // the browser a selection that nothing else needs.
        let keyed = |&item: &u32| u64::from(from_i32(side(item))) << 32 | u64::from(item);
        let mut keyed: Vec<u64> = items.iter().map(keyed).collect();
        keyed.sort_unstable();
        for (item, keyed) in items.iter_mut().zip(keyed) {
            *item = keyed as u32;
        }
        // Each half in the order of the input.
        let (left, right) = items.split_at_mut(items.len() / 2);
        left.sort_unstable();
        right.sort_unstable();
    }
}

/// The items `0..count` in spatial order. O(count · log count · dim), in parallel below the first
/// few halvings.
pub(crate) fn spatial_order(codes: &Codes<'_>, count: usize, exec: &dyn Exec) -> Vec<u32> {
    let mut items: Vec<u32> = (0..count as u32).collect();
    let mut segments: Vec<&mut [u32]> = vec![&mut items];
    // One level of halving at a time: its segments are independent.
    while !segments.is_empty() {
        for_each_item(exec, segments.iter_mut().collect(), |segment| codes.split(segment));
        segments = segments
            .into_iter()
            .flat_map(|segment| {
                let (left, right) = segment.split_at_mut(segment.len() / 2);
                [left, right]
            })
            .filter(|segment| segment.len() > LEAF)
            .collect();
    }
    items
}
