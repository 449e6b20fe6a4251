//! Allocations of a query once memory has grown.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ecphory_native::Pool;
use ecphory_native::ecphory::Rows;
use serde_json::{Map, json};

use crate::sets::Set;
use crate::{K, Outcome};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// Counts what the current thread allocates.
struct Counting;

// SAFETY: every call goes to the same function of the system's allocator, unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are the system's conditions.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Counts do not vary: one round.
pub(crate) fn measure(_: usize) -> Outcome {
    let mut figures = Map::new();
    for set in [Set::words20k()?, Set::sift(20_000)?] {
        let index = set.bulk(Rows::F32, &Pool::per_core()?)?;
        let mut hits = Vec::new();
        let mut pass = || -> Outcome<f64> {
            let before = ALLOCATIONS.get();
            for query in set.queries.iter() {
                index.search(query).k(K).run_into(&mut hits)?;
            }
            Ok((ALLOCATIONS.get() - before) as f64 / set.queries.rows() as f64)
        };
        let (first, later) = (pass()?, pass()?);
        if first == 0.0 {
            Err("the first pass allocates its scratch, but nothing was counted")?;
        }
        figures.insert(set.name.to_owned(), json!({ "first_pass": first, "per_query": later }));
    }
    let most = figures.values().filter_map(|set| set["per_query"].as_f64()).fold(0.0, f64::max);
    Ok(json!({ "sets": figures, "most_per_query": most }))
}
