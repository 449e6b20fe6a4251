//! The graph by its answers: recall, invariants at every size, the same bytes on any threads.
//!
//! Truth is the exact scan. A hit counts if it is no farther than the true tenth, so that equal
//! vectors count alike whichever of them is returned.

use std::ops::Range;
use std::sync::Mutex;

use ecphory::exec::{Exec, Sequential};
use ecphory::{Codes, Error, Index, Metric, Phase};
use ecphory_native::Pool;
use ecphory_tests::data::{Numbers, clustered, curve, duplicates, random, seed};
use ecphory_tests::words;

const K: usize = 10;

fn keys(count: usize) -> Vec<u64> {
    // Not in the order of the rows, and not dense.
    (0..count as u64).map(|row| row.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect()
}

fn built(index: Index, vectors: &[f32], exec: &dyn Exec) -> Index {
    let rows = vectors.len() / index.options().dim;
    index.bulk_build(&keys(rows), vectors, exec, &mut |_| true).unwrap();
    index
}

fn inserted(index: Index, vectors: &[f32]) -> Index {
    let dim = index.options().dim;
    for (key, vector) in keys(vectors.len() / dim).into_iter().zip(vectors.chunks_exact(dim)) {
        index.insert(key, vector).unwrap();
    }
    index
}

fn pool() -> Pool {
    Pool::new(2).unwrap()
}

/// Recall@10 at `ef`, against the scan.
fn recall(index: &Index, queries: &[f32], ef: Option<usize>) -> f64 {
    let exec = pool();
    let truth = index.scan_batch(queries, K, &exec).unwrap();
    let found = index.search_batch(queries, K, ef, &exec).unwrap();
    let good = truth.distances.chunks(K).zip(found.distances.chunks(K)).map(|(truth, found)| {
        assert!(found.is_sorted(), "hits are sorted");
        found.iter().filter(|&&distance| distance <= truth[K - 1]).count()
    });
    good.sum::<usize>() as f64 / found.distances.len() as f64
}

/// `check` finds nothing, and every item is there.
fn assert_sound(index: &Index, what: &str) {
    let audit = index.check().unwrap_or_else(|broken| panic!("{what}: {broken}"));
    assert_eq!((audit.nodes, audit.reachable), (index.len(), index.len()), "{what}");
    assert_eq!(audit.pins, index.len().saturating_sub(1), "{what}");
    assert!(audit.degree_max <= 2 * index.options().m, "{what}");
    assert_eq!(audit.levels.iter().sum::<usize>(), index.len(), "{what}");
}

#[test]
fn words_are_found_at_default_settings() {
    let words = words();
    let index = built(Index::builder(384).build().unwrap(), words.vectors.values(), &pool());
    assert_sound(&index, "words20k");
    let recall = recall(&index, words.queries.values(), None);
    println!("words20k, cosine, defaults: recall@10 {recall:.4}");
    assert!(recall >= 0.95, "recall {recall}");
}

#[test]
fn hard_sets_are_found_at_default_settings() {
    let seed = seed(11);
    // The queries are rows of the same kind that the index does not hold.
    let sets = [
        ("clustered", 32, clustered(6000, 32, 40, seed), clustered(200, 32, 40, !seed)),
        ("duplicates", 24, duplicates(6000, 24, 60, seed), duplicates(200, 24, 60, seed ^ 2)),
        ("curve", 16, curve(6000, 16, seed), curve(200, 16, seed)),
        ("wide", 1536, clustered(1500, 1536, 10, seed), clustered(60, 1536, 10, !seed)),
    ];
    for (name, dim, vectors, queries) in sets {
        for codes in [Codes::Auto, Codes::None] {
            let what = format!("{name}, {codes}, seed {seed}");
            let index = Index::builder(dim).metric(Metric::L2).codes(codes).build().unwrap();
            let index = built(index, &vectors, &pool());
            assert_sound(&index, &what);
            let recall = recall(&index, &queries, None);
            println!("{what}: recall@10 {recall:.4}");
            assert!(recall >= 0.95, "{what}: recall {recall}");
        }
    }
}

#[test]
fn every_metric_code_and_m_is_found() {
    let seed = seed(12);
    let vectors = clustered(2500, 20, 30, seed);
    let queries = clustered(150, 20, 30, !seed);
    for metric in Metric::ALL {
        for codes in [Codes::Auto, Codes::None] {
            for m in [4, 8, 16] {
                let what = format!("{metric}, {codes}, m {m}, seed {seed}");
                let builder = Index::builder(20).metric(metric).codes(codes).m(m);
                let index = built(builder.build().unwrap(), &vectors, &pool());
                assert_sound(&index, &what);
                let recall = recall(&index, &queries, None);
                println!("{what}: recall@10 {recall:.4}");
                assert!(recall >= 0.95, "{what}: recall {recall}");
            }
        }
    }
}

/// Codes take one group of copies for nearer than another, and all of a group err alike: how much
/// cannot be told from them.
#[test]
fn copies_do_not_hide_what_codes_put_behind_them() {
    const DIM: usize = 32;
    const COPIES: usize = 12;
    let mut numbers = Numbers::new(seed(11));
    let (mut vectors, mut queries) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        let centre: Vec<f32> = (0..DIM).map(|_| numbers.normal()).collect();
        let mut beside =
            || -> Vec<f32> { centre.iter().map(|x| x + 0.01 * numbers.normal()).collect() };
        queries.extend(beside());
        for _ in 0..2 {
            let vector = beside();
            (0..COPIES).for_each(|_| vectors.extend(&vector));
        }
    }
    let index = Index::builder(DIM).metric(Metric::L2).codes(Codes::U7).build().unwrap();
    let index = built(index, &vectors, &pool());
    // So many that both groups fit what a search keeps of one distance.
    let recall = recall(&index, &queries, Some(16 * COPIES));
    println!("pairs of groups of copies: recall@10 {recall:.4}");
    assert!(recall >= 0.99, "recall {recall}");
}

#[test]
fn inserting_one_by_one_is_as_good_as_building() {
    let seed = seed(13);
    let (dim, vectors) = (24, clustered(4000, 24, 30, seed));
    let queries = clustered(200, dim, 30, !seed);
    let new = || Index::builder(dim).metric(Metric::L2).codes(Codes::None).build().unwrap();
    let at = |index: &Index| recall(index, &queries, Some(20));
    let (bulk, single) = (at(&built(new(), &vectors, &pool())), at(&inserted(new(), &vectors)));
    println!("recall@10 at ef 20, seed {seed}: {bulk:.4} built, {single:.4} inserted");
    assert!((bulk - single).abs() <= 0.02, "seed {seed}: {bulk} built, {single} inserted");
}

#[test]
fn ef_buys_recall_and_is_never_below_k() {
    let seed = seed(14);
    let vectors = random(5000, 32, seed);
    let index = built(Index::builder(32).metric(Metric::L2).build().unwrap(), &vectors, &pool());
    let queries = random(200, 32, !seed);
    let [low, middle, high] = [1, 40, 400].map(|ef| recall(&index, &queries, Some(ef)));
    println!(
        "random, seed {seed}: recall@10 {low:.3} at ef 1, {middle:.3} at 40, {high:.3} at 400"
    );
    assert!(low < middle && middle < high && high >= 0.99, "seed {seed}: {low} {middle} {high}");
    let hits = index.search(&queries[..32]).k(50).ef(1).run().unwrap();
    assert_eq!(hits.len(), 50, "ef is raised to k");
}

#[test]
fn small_indexes_are_exact() {
    let exec = pool();
    for rows in [0, 1, 2, 3, 9, 33, 100] {
        for codes in [Codes::Auto, Codes::None] {
            let vectors = random(rows, 5, rows as u64);
            let new = || Index::builder(5).metric(Metric::L2).codes(codes).m(4).build().unwrap();
            for index in [built(new(), &vectors, &exec), inserted(new(), &vectors)] {
                let what = format!("{rows} rows, {codes}");
                assert_eq!((index.len(), index.is_empty()), (rows, rows == 0));
                assert_sound(&index, &what);
                let query = [0.1, -0.2, 0.3, 0.4, 0.5];
                let all = index.search(&query).up_to(200).ef(200).run().unwrap();
                assert_eq!(
                    all,
                    index.search(&query).up_to(200).exact(true).run().unwrap(),
                    "{what}"
                );
                assert_eq!(all.len(), rows, "{what}");
                if rows == 0 {
                    assert_eq!(index.search(&query).k(1).run(), Err(Error::Empty));
                }
            }
        }
    }
}

/// Runs pieces of work in a shuffled order, on three threads.
struct Shuffled(Mutex<Numbers>);

impl Exec for Shuffled {
    fn for_each(&self, count: usize, grain: usize, work: &(dyn Fn(Range<usize>) + Sync)) {
        let mut pieces: Vec<Range<usize>> = (0..count.div_ceil(grain.max(1)))
            .map(|piece| piece * grain.max(1)..((piece + 1) * grain.max(1)).min(count))
            .collect();
        for last in (1..pieces.len()).rev() {
            pieces.swap(last, self.0.lock().unwrap().below(last + 1));
        }
        let pieces = Mutex::new(pieces);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    loop {
                        let Some(piece) = pieces.lock().unwrap().pop() else { return };
                        work(piece);
                    }
                });
            }
        });
    }

    fn width(&self) -> usize {
        3
    }
}

#[test]
fn a_build_gives_the_same_bytes_on_any_threads() {
    let seed = seed(15);
    // Ties everywhere, and more rows than the first batch.
    let vectors = duplicates(2300, 12, 50, seed);
    let bytes = |exec: &dyn Exec, metric, codes| {
        let index = Index::builder(12).metric(metric).codes(codes).m(6).seed(9).build().unwrap();
        built(index, &vectors, exec).to_snapshot().unwrap()
    };
    for (metric, codes) in [
        (Metric::Cosine, Codes::Auto),
        (Metric::InnerProduct, Codes::Auto),
        (Metric::L2, Codes::None),
    ] {
        let first = bytes(&Sequential, metric, codes);
        let shuffled = Shuffled(Mutex::new(Numbers::new(seed)));
        let execs: [&dyn Exec; 4] =
            [&Pool::new(1).unwrap(), &Pool::new(2).unwrap(), &Pool::new(4).unwrap(), &shuffled];
        for exec in execs {
            let what = format!("{metric}, {codes}, {} threads, seed {seed}", exec.width());
            assert!(bytes(exec, metric, codes) == first, "{what}: other bytes");
        }
    }
    let other = Index::builder(12).m(6).seed(10).build().unwrap();
    let other = built(other, &vectors, &Sequential).to_snapshot().unwrap();
    assert!(other != bytes(&Sequential, Metric::Cosine, Codes::Auto), "a seed changes the graph");
}

#[test]
fn a_build_starts_from_nothing_and_alone() {
    let vectors = random(3000, 4, 16);
    let new = || Index::builder(4).build().unwrap();

    let index = new();
    index.insert(1, &[1.0, 0.0, 0.0, 0.0]).unwrap();
    let refused = index.bulk_build(&[2], &[0.0, 1.0, 0.0, 0.0], &Sequential, &mut |_| true);
    assert_eq!(refused, Err(Error::NotEmpty { len: 1 }));
    assert_eq!(index.len(), 1);

    let index = new();
    let mut linked = 0;
    let build = index.bulk_build(&keys(3000), &vectors, &Sequential, &mut |progress| {
        // Readers and writers during a build: the index is still empty, and taken.
        assert_eq!((index.len(), progress.total), (0, 3000));
        let insert = index.insert(1, &vectors[..4]);
        assert!(matches!(insert, Err(Error::Busy { .. })), "{insert:?}");
        let nested = index.bulk_build(&[1], &vectors[..4], &Sequential, &mut |_| true);
        assert!(matches!(nested, Err(Error::Busy { .. })), "{nested:?}");
        if progress.phase == Phase::Link {
            assert!(progress.done > linked, "progress goes on");
            linked = progress.done;
        }
        true
    });
    assert_eq!((build, linked, index.len()), (Ok(()), 3000, 3000));
}

#[test]
fn a_cancelled_build_leaves_the_index_empty_and_usable() {
    let vectors = random(3000, 4, 17);
    let index = Index::builder(4).build().unwrap();
    // Once at each of its calls.
    for calls in 0.. {
        let mut left = calls;
        let build = index.bulk_build(&keys(3000), &vectors, &Sequential, &mut |_| {
            left -= 1;
            left >= 0
        });
        if build.is_ok() {
            assert!(calls >= 5, "phases and batches call back");
            break;
        }
        assert_eq!((build, index.len()), (Err(Error::Cancelled), 0), "after {calls} calls");
        assert_eq!(index.search(&vectors[..4]).run(), Err(Error::Empty));
    }
    assert_sound(&index, "after cancelled builds");
}
