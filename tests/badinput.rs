//! Bad input: each gives its typed error and leaves the index as it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ecphory::exec::Sequential;
use ecphory::{Allocator, Check, Codes, Error, Heap, Index, Metric, Region, Result};
use ecphory_tests::data::random;

const DIM: usize = 4;

/// Thirty items, inserted or built.
fn index(metric: Metric, bulk: bool) -> Index {
    let index = Index::builder(DIM).metric(metric).build().unwrap();
    let (keys, vectors): (Vec<u64>, _) = ((0..30).collect(), random(30, DIM, 1));
    if bulk {
        index.bulk_build(&keys, &vectors, &Sequential, &mut |_| true).unwrap();
    } else {
        keys.iter().zip(vectors.chunks(DIM)).for_each(|(&key, v)| index.insert(key, v).unwrap());
    }
    index
}

/// Everything that can be seen of an index.
fn state(index: &Index) -> impl PartialEq + std::fmt::Debug {
    let hits = index.search(&[1.0, 0.5, 0.2, 0.1]).up_to(100).run().unwrap();
    let audit = index.check().unwrap();
    (index.len(), index.keys().unwrap(), hits, audit)
}

/// Runs `call` and asserts its code, a helpful message, and that nothing changed.
fn refuses<T: std::fmt::Debug>(index: &Index, code: &str, call: impl FnOnce(&Index) -> Result<T>) {
    let before = state(index);
    let error = call(index).expect_err(code);
    assert_eq!(error.code(), code, "{error}");
    let message = error.to_string();
    assert!(message.contains([';', ',']), "a message says what to do: {message}");
    assert_eq!(state(index), before, "{message}");
}

/// Vectors that no index takes, and the code of the error; positions of the bad row are `row`.
fn bad_vectors(metric: Metric) -> Vec<(&'static str, Vec<f32>)> {
    let mut bad = vec![
        ("dimension-mismatch", vec![]),
        ("dimension-mismatch", vec![1.0; DIM - 1]),
        ("dimension-mismatch", vec![1.0; DIM + 1]),
        ("not-finite", vec![0.0, f32::NAN, 0.0, 0.0]),
        ("not-finite", vec![0.0, 0.0, 0.0, f32::INFINITY]),
        ("not-finite", vec![f32::NEG_INFINITY, 0.0, 0.0, 0.0]),
        ("too-long", vec![f32::MAX, 0.0, 0.0, 0.0]),
        ("too-long", vec![7e18; DIM]),
    ];
    if metric == Metric::Cosine {
        bad.push(("zero-vector", vec![0.0; DIM]));
        bad.push(("zero-vector", vec![-0.0; DIM]));
    }
    bad
}

#[test]
fn bad_vectors_are_refused_by_every_call() {
    for metric in Metric::ALL {
        for index in [index(metric, false), index(metric, true)] {
            for (code, bad) in bad_vectors(metric) {
                refuses(&index, code, |index| index.insert(99, &bad));
                refuses(&index, code, |index| index.search(&bad).run());
                refuses(&index, code, |index| index.search(&bad).exact(true).run());
            }
        }
    }
}

#[test]
fn bad_batches_are_refused_by_row() {
    for metric in Metric::ALL {
        let full = index(metric, true);
        let empty = Index::builder(DIM).metric(metric).build().unwrap();
        for (code, bad) in bad_vectors(metric) {
            let good = [1.0, 2.0, 3.0, 4.0];
            let batch = [&good[..], &bad, &good].concat();
            let code = if bad.len() == DIM { code } else { "shape-mismatch" };
            if !batch.len().is_multiple_of(DIM) {
                refuses(&full, code, |index| index.search_batch(&batch, 3, None, &Sequential));
                refuses(&full, code, |index| index.scan_batch(&batch, 3, &Sequential));
            }
            let build = empty.bulk_build(&[1, 2, 3], &batch, &Sequential, &mut |_| true);
            let error = build.expect_err(code);
            assert_eq!((error.code(), empty.len()), (code, 0), "{error}");
            if bad.len() != DIM {
                continue;
            }
            match error {
                Error::NotFinite { row, .. }
                | Error::TooLong { row }
                | Error::ZeroVector { row } => {
                    assert_eq!(row, 1);
                }
                other => panic!("{other:?}"),
            }
            refuses(&full, code, |index| index.search_batch(&batch, 3, None, &Sequential));
            refuses(&full, code, |index| index.scan_batch(&batch, 3, &Sequential));
        }
        // A refused build leaves an index that can still be built.
        empty.bulk_build(&[1], &[1.0; DIM], &Sequential, &mut |_| true).unwrap();
    }
}

#[test]
fn bad_numbers_are_refused() {
    let query = [1.0; DIM];
    for index in [index(Metric::L2, false), index(Metric::L2, true)] {
        for exact in [false, true] {
            let search = || index.search(&query).exact(exact);
            refuses(&index, "option-out-of-range", |_| search().k(0).run());
            refuses(&index, "option-out-of-range", |_| search().up_to(0).run());
            refuses(&index, "option-out-of-range", |_| search().k(usize::MAX).run());
            refuses(&index, "option-out-of-range", |_| search().up_to(65_537).run());
            refuses(&index, "option-out-of-range", |_| search().ef(0).run());
            refuses(&index, "option-out-of-range", |_| search().ef(usize::MAX).run());
            refuses(&index, "not-enough-items", |_| search().k(31).run());
            refuses(&index, "distance-not-a-number", |_| search().max_distance(f32::NAN).run());
            assert_eq!(search().up_to(31).run().unwrap().len(), 30);
        }
        for k in [0, usize::MAX] {
            refuses(&index, "option-out-of-range", |i| {
                i.search_batch(&query, k, None, &Sequential)
            });
            refuses(&index, "option-out-of-range", |i| i.scan_batch(&query, k, &Sequential));
        }
        refuses(&index, "option-out-of-range", |i| i.search_batch(&query, 1, Some(0), &Sequential));
        refuses(&index, "not-enough-items", |i| i.search_batch(&query, 31, None, &Sequential));
        refuses(&index, "not-enough-items", |i| i.scan_batch(&query, 31, &Sequential));
    }
}

#[test]
fn bad_options_are_refused() {
    let bad = [
        Index::builder(0),
        Index::builder(65_537),
        Index::builder(usize::MAX),
        Index::builder(DIM).m(3),
        Index::builder(DIM).m(65),
        Index::builder(DIM).m(usize::MAX),
        Index::builder(DIM).ef_construction(15),
        Index::builder(DIM).ef_construction(65_537),
        Index::builder(DIM).m(64).ef_construction(63),
    ];
    for builder in bad {
        assert_eq!(builder.build().expect_err("out of range").code(), "option-out-of-range");
    }
    for text in ["", "L2", "euclid", "cosine ", "none"] {
        assert!(text.parse::<Metric>().is_err(), "{text}");
    }
    for text in ["", "u4", "Auto", "l2"] {
        assert!(text.parse::<Codes>().is_err(), "{text}");
    }
}

#[test]
fn an_empty_index_says_so() {
    let index = Index::builder(DIM).build().unwrap();
    for exact in [false, true] {
        let search = || index.search(&[1.0; DIM]).exact(exact);
        assert_eq!(search().run(), Err(Error::Empty));
        assert_eq!(search().up_to(5).run(), Ok(vec![]));
    }
    assert_eq!(index.search_batch(&[1.0; DIM], 1, None, &Sequential), Err(Error::Empty));
    assert_eq!(index.scan_batch(&[1.0; DIM], 1, &Sequential), Err(Error::Empty));
    assert_eq!((index.get(1), index.contains(1)), (None, false));
    assert_eq!(index.check().unwrap().nodes, 0);
}

#[test]
fn keys_in_use_are_refused() {
    for bulk in [false, true] {
        let index = index(Metric::L2, bulk);
        for key in [0, 29] {
            refuses(&index, "duplicate-key", |index| index.insert(key, &[9.0; DIM]));
        }
        // The largest key is a key like any other.
        index.insert(u64::MAX, &[9.0; DIM]).unwrap();
        refuses(&index, "duplicate-key", |index| index.insert(u64::MAX, &[8.0; DIM]));
        assert_eq!(index.get(u64::MAX), Some(vec![9.0; DIM]));
    }
    let index = Index::builder(DIM).build().unwrap();
    let twice = index.bulk_build(&[5, 6, 5], &[1.0; 3 * DIM], &Sequential, &mut |_| true);
    assert_eq!((twice, index.len()), (Err(Error::DuplicateKey { key: 5 }), 0));
}

#[test]
fn a_bulk_build_into_items_is_refused() {
    for bulk in [false, true] {
        let index = index(Metric::L2, bulk);
        refuses(&index, "not-empty", |index| {
            index.bulk_build(&[99], &[1.0; DIM], &Sequential, &mut |_| true)
        });
    }
}

/// Gives memory a limited number of times.
struct Rationed(AtomicUsize);

impl Allocator for Rationed {
    fn zeroed(&self, len: usize) -> Option<Region> {
        let left =
            self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.ok().and_then(|_| Heap.zeroed(len))
    }
}

#[test]
fn running_out_of_memory_loses_nothing() {
    let vectors = random(1200, DIM, 2);
    for rations in 0..60 {
        let allocator = Arc::new(Rationed(AtomicUsize::new(rations)));
        let builder = Index::builder(DIM).m(4).allocator(Arc::<Rationed>::clone(&allocator));
        let Ok(index) = builder.build() else { continue };
        // Insert until memory is refused, then go on when there is some again.
        let mut refused = 0;
        for (key, vector) in (0..).zip(vectors.chunks(DIM)) {
            if let Err(error) = index.insert(key, vector) {
                assert_eq!(error.code(), "out-of-memory", "{error}");
                assert_eq!((index.len(), index.contains(key)), (key as usize, false));
                let audit = index.check().unwrap_or_else(|broken| panic!("{rations}: {broken}"));
                assert_eq!(audit.nodes, key as usize);
                refused += 1;
                allocator.0.store(1, Ordering::SeqCst);
                while index.insert(key, vector).is_err() {
                    allocator.0.store(1, Ordering::SeqCst);
                }
            }
        }
        assert_eq!(index.check().unwrap().nodes, 1200, "{rations} rations, {refused} refusals");
    }
}

#[test]
fn a_build_without_memory_leaves_the_index_empty() {
    let (keys, vectors): (Vec<u64>, _) = ((0..100).collect(), random(100, DIM, 3));
    let mut refusals = 0;
    for rations in 0.. {
        let allocator = Arc::new(Rationed(AtomicUsize::new(usize::MAX)));
        let builder = Index::builder(DIM).allocator(Arc::<Rationed>::clone(&allocator));
        let index = builder.build().unwrap();
        allocator.0.store(rations, Ordering::SeqCst);
        match index.bulk_build(&keys, &vectors, &Sequential, &mut |_| true) {
            Ok(()) => break,
            Err(error) => assert_eq!((error.code(), index.len()), ("out-of-memory", 0), "{error}"),
        }
        refusals += 1;
    }
    assert!(refusals > 3, "the allocator refused {refusals} times");
}

#[test]
fn bad_snapshots_are_refused() {
    let index = index(Metric::Cosine, true);
    let good = index.to_snapshot().unwrap();
    let open = |bytes: &[u8]| Index::open(Region::copy_of(bytes).unwrap(), Check::Full);
    assert_eq!(open(&good).unwrap().len(), 30);
    let step = good.len() / 200;
    for len in (0..good.len()).step_by(step.max(1)) {
        assert!(open(&good[..len]).is_err(), "cut to {len} bytes");
    }
    for byte in (0..good.len()).step_by(step.max(1)) {
        let mut bad = good.clone();
        bad[byte] ^= 1 << (byte % 8);
        match open(&bad) {
            Err(error) => {
                assert!(["snapshot", "unsupported-snapshot"].contains(&error.code()), "{error}");
            }
            Ok(_) => panic!("a flipped bit in byte {byte} went unnoticed"),
        }
    }
}
