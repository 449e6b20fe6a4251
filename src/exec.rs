//! How work is spread over threads: the core owns none.
//!
//! A host that has threads hands in an [`Exec`] (a rayon pool natively and in the browser); a host
//! that has none uses [`Sequential`]. Results never depend on the choice.

use std::ops::Range;

/// Runs independent pieces of work, on one thread or on many.
///
/// Implementations call `work` with ranges that cover `0..count` exactly once, each at most `grain`
/// long, in any order and on any threads, and return when all calls have returned.
pub trait Exec: Sync {
    /// Calls `work` for consecutive ranges of at most `grain` items that cover `0..count`.
    fn for_each(&self, count: usize, grain: usize, work: &(dyn Fn(Range<usize>) + Sync));

    /// Number of threads that may call `work` at the same time.
    fn width(&self) -> usize;
}

/// Everything on the calling thread, in order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sequential;

impl Exec for Sequential {
    fn for_each(&self, count: usize, grain: usize, work: &(dyn Fn(Range<usize>) + Sync)) {
        let grain = grain.max(1);
        let mut start = 0;
        while start < count {
            let end = (start + grain).min(count);
            work(start..end);
            start = end;
        }
    }

    fn width(&self) -> usize {
        1
    }
}
