//! How work is spread over threads: the core owns none.
//!
//! A host that has threads hands in an [`Exec`] (a rayon pool natively and in the browser); a host
//! that has none uses [`Sequential`]. Results never depend on the choice.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

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

/// Calls `work` for `0..count` in ranges of `grain` and returns the results in order.
pub(crate) fn map_ranges<R: Send>(
    exec: &dyn Exec,
    count: usize,
    grain: usize,
    work: impl Fn(Range<usize>) -> R + Sync,
) -> Vec<R> {
    let places: Vec<Mutex<Option<R>>> =
        (0..count.div_ceil(grain)).map(|_| Mutex::new(None)).collect();
    exec.for_each(places.len(), 1, &|range| {
        for place in range {
            let result = work(place * grain..((place + 1) * grain).min(count));
            // Never contended: each place has one writer, and is read after all have returned.
            *places[place].lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        }
    });
    let taken = places.into_iter().map(Mutex::into_inner);
    taken
        .map(|place| place.unwrap_or_else(PoisonError::into_inner))
        .map(|place| place.expect("an Exec calls `work` for every range"))
        .collect()
}

/// Hands each of `items` to one call of `work`.
pub(crate) fn for_each_item<T: Send>(exec: &dyn Exec, items: Vec<T>, work: impl Fn(T) + Sync) {
    let places: Vec<Mutex<Option<T>>> = items.into_iter().map(|i| Mutex::new(Some(i))).collect();
    exec.for_each(places.len(), 1, &|range| {
        for place in &places[range] {
            // Never contended: each place has one taker.
            let item = place.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(item) = item {
                work(item);
            }
        }
    });
}
