//! What opening and searching cost where a clock would only tell noise: pages and allocations.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ecphory::{Check, Index, Metric};
use ecphory_native::{Pool, open, save};
use ecphory_tests::data::random;
use ecphory_tests::words;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// Counts what the current thread allocates.
struct Counting;

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are the system's conditions.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn built(vectors: &[f32], dim: usize, metric: Metric) -> Index {
    let index = Index::builder(dim).metric(metric).build().unwrap();
    let keys: Vec<u64> = (0..(vectors.len() / dim) as u64).collect();
    index.bulk_build(&keys, vectors, &Pool::new(2).unwrap(), &mut |_| true).unwrap();
    index
}

#[test]
fn a_query_allocates_nothing_once_memory_has_grown() {
    let vectors = words().vectors.values();
    for metric in [Metric::L2, Metric::Cosine, Metric::InnerProduct] {
        let index = built(&vectors[..4000 * 384], 384, metric);
        let (mut hits, mut counts) = (Vec::new(), Vec::new());
        for round in 0..3 {
            let before = ALLOCATIONS.get();
            for query in words().queries.iter().take(100) {
                index.search(query).k(10).run_into(&mut hits).unwrap();
            }
            counts.push(ALLOCATIONS.get() - before);
            assert_eq!(hits.len(), 10, "round {round}");
        }
        assert!(counts[0] > 0, "{metric:?}: the counter counts");
        assert_eq!(counts[1..], [0, 0], "{metric:?}: allocations of 100 queries");
    }
}

/// Pages this thread has touched for the first time.
#[cfg(target_os = "linux")]
fn faults() -> usize {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    // After the name, which may hold blanks: state is field 3, minor faults are field 10.
    let fields = stat.rsplit_once(')').unwrap().1;
    fields.split_whitespace().nth(7).unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn opening_a_map_touches_the_same_pages_however_many_items_there_are() {
    let folder = std::env::temp_dir().join(format!("ecphory-open-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut counts = Vec::new();
    for rows in [1_000, 10_000, 100_000] {
        let file = folder.join(format!("{rows}.ecp"));
        let index = built(&random(rows, 8, 5), 8, Metric::L2);
        save(&index, &file).unwrap();
        drop(index);
        let before = faults();
        let opened = open(&file, Check::Header).unwrap();
        counts.push(faults() - before);
        assert_eq!(opened.len(), rows);
        drop(opened);
    }
    std::fs::remove_dir_all(&folder).unwrap();
    let [few, _, many] = counts[..] else { unreachable!() };
    assert!(many <= few + 16, "pages touched to open 1,000, 10,000 and 100,000 items: {counts:?}");
}
