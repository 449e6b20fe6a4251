//! Inserts beside searches: nothing is lost, nothing torn, and everything is found afterwards.
//!
//! `ECPHORY_SEED` chooses other data; `ECPHORY_FULL` takes five times the rows, and all words.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ecphory::arch::detected;
use ecphory::exec::Sequential;
use ecphory::{Check, Codes, Error, Hit, Index, Metric, Region};
use ecphory_tests::data::{Numbers, clustered, curve, duplicates, random, seed};
use ecphory_tests::{times, words};

const WRITERS: usize = 4;
const READERS: usize = 4;

fn rows() -> usize {
    times(1200, 4000, 20_000)
}

/// What is inserted, and how.
struct Plan<'a> {
    name: &'a str,
    dim: usize,
    vectors: &'a [f32],
    m: usize,
    /// Rows that are built in bulk first, with codes; 0: an empty index, full vectors.
    base: usize,
}

impl Plan<'_> {
    fn row(&self, row: usize) -> &[f32] {
        &self.vectors[row * self.dim..][..self.dim]
    }

    fn rows(&self) -> usize {
        self.vectors.len() / self.dim
    }

    /// Squared Euclidean distance, with the bits the index must report.
    fn distance(&self, query: &[f32], row: usize) -> f32 {
        let mut sum = [0.0];
        // SAFETY: both hold `dim` floats, and one sum is asked for.
        unsafe {
            (detected().f32_l2)(query.as_ptr(), &[self.row(row).as_ptr()], self.dim, &mut sum);
        };
        sum[0]
    }

    /// Hits are sorted, name started items once each, and tell their exact distances.
    fn check(&self, query: &[f32], hits: &[Hit], started: &[AtomicBool]) {
        let name = self.name;
        let order = |a: &Hit, b: &Hit| {
            a.distance < b.distance || (a.distance == b.distance && a.key < b.key)
        };
        assert!(hits.windows(2).all(|pair| order(&pair[0], &pair[1])), "{name}: {hits:?}");
        let mut seen: Vec<u64> = hits.iter().map(|hit| hit.key).collect();
        seen.sort_unstable();
        assert!(seen.windows(2).all(|pair| pair[0] != pair[1]), "{name}: a key twice in {hits:?}");
        for hit in hits {
            let row = hit.key as usize;
            assert!(started[row].load(Ordering::SeqCst), "{name}: {row} was not inserted yet");
            let expected = self.distance(query, row);
            assert_eq!(hit.distance.to_bits(), expected.to_bits(), "{name}: distance of {row}");
        }
    }

    /// Inserts from four threads while four search, then checks everything.
    fn run(&self, seed: u64) {
        let Self { name, dim, m, base, .. } = *self;
        let index = Index::builder(dim).metric(Metric::L2).m(m).codes(Codes::Auto).build().unwrap();
        let keys: Vec<u64> = (0..base as u64).collect();
        index.bulk_build(&keys, &self.vectors[..base * dim], &Sequential, &mut |_| true).unwrap();
        let started: Vec<AtomicBool> =
            (0..self.rows()).map(|row| AtomicBool::new(row < base)).collect();
        let (next, running) = (AtomicUsize::new(base), AtomicUsize::new(WRITERS));
        let searches = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..WRITERS {
                scope.spawn(|| {
                    loop {
                        let row = next.fetch_add(1, Ordering::SeqCst);
                        if row >= self.rows() {
                            break;
                        }
                        started[row].store(true, Ordering::SeqCst);
                        index.insert(row as u64, self.row(row)).unwrap();
                        assert!(index.contains(row as u64));
                    }
                    running.fetch_sub(1, Ordering::SeqCst);
                });
            }
            for reader in 0..READERS {
                let (index, started, running, searches) = (&index, &started, &running, &searches);
                let mut numbers = Numbers::new(seed + reader as u64);
                scope.spawn(move || {
                    let mut hits = Vec::new();
                    while running.load(Ordering::SeqCst) > 0 {
                        let query = self.row(numbers.below(self.rows()));
                        let least = index.len().min(10);
                        index.search(query).up_to(10).run_into(&mut hits).unwrap();
                        self.check(query, &hits, started);
                        assert!(hits.len() >= least, "{name}: {} of {least} hits", hits.len());
                        searches.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        let audit = index.check().unwrap_or_else(|broken| panic!("{name}, seed {seed}: {broken}"));
        assert_eq!((audit.nodes, audit.reachable), (self.rows(), self.rows()), "{name}");
        assert_eq!(index.keys().unwrap(), (0..self.rows() as u64).collect::<Vec<_>>(), "{name}");
        // Items in a thousand that their own vector may miss.
        for (ef, bound) in [(64, 1), (256, 0)] {
            let lost = self.count_lost(&index, ef);
            let what =
                format!("{name}, m {m}, base {base}, seed {seed}: {lost} not found at ef {ef}");
            println!("{what}");
            assert!(lost * 1000 <= bound * self.rows(), "{what}");
        }
        println!("{} rows, {} searches beside", self.rows(), searches.load(Ordering::SeqCst));
    }

    /// Items whose own vector does not find them, or one equal to them.
    fn count_lost(&self, index: &Index, ef: usize) -> usize {
        let found = |row: &usize| {
            let hits = index.search(self.row(*row)).k(1).ef(ef).run().unwrap();
            hits[0].distance == 0.0
        };
        (0..self.rows()).filter(|row| !found(row)).count()
    }
}

/// The same rows into an empty index, and beside a built half with codes.
fn stress(name: &str, dim: usize, m: usize, vectors: &[f32], seed: u64) {
    for base in [0, vectors.len() / dim / 2] {
        Plan { name, dim, vectors, m, base }.run(seed);
    }
}

#[test]
fn words_survive_concurrent_inserts() {
    let vectors = &words().vectors;
    let rows = times(400, rows(), rows());
    stress("words20k", vectors.dim(), 16, &vectors.values()[..rows * vectors.dim()], 20);
}

#[test]
fn random_vectors_survive_concurrent_inserts() {
    let seed = seed(21);
    stress("random", 24, 16, &random(rows(), 24, seed), seed);
}

#[test]
fn clustered_vectors_survive_concurrent_inserts() {
    let seed = seed(22);
    stress("clustered", 24, 16, &clustered(rows(), 24, 50, seed), seed);
}

// More copies of a vector than ef.
#[test]
fn duplicates_survive_concurrent_inserts() {
    let seed = seed(23);
    stress("duplicates", 16, 16, &duplicates(rows(), 16, rows() / 100, seed), seed);
}

#[test]
fn a_curve_in_its_order_survives_concurrent_inserts() {
    let seed = seed(24);
    stress("curve", 16, 16, &curve(rows(), 16, seed), seed);
}

#[test]
fn the_smallest_rows_survive_concurrent_inserts() {
    let seed = seed(25);
    stress("random", 8, 4, &random(rows() / 2, 8, seed), seed);
    stress("duplicates", 8, 4, &duplicates(rows() / 2, 8, rows() / 180, seed), seed);
}

#[test]
fn of_threads_that_insert_one_key_exactly_one_wins() {
    let index = Index::builder(2).metric(Metric::L2).build().unwrap();
    let won = AtomicUsize::new(0);
    // Few keys against each other many times; the vector tells who won.
    std::thread::scope(|scope| {
        for thread in 0..WRITERS {
            let (index, won) = (&index, &won);
            scope.spawn(move || {
                for key in 0..500u64 {
                    match index.insert(key, &[key as f32, thread as f32]) {
                        Ok(()) => {
                            won.fetch_add(1, Ordering::SeqCst);
                            assert_eq!(index.get(key), Some(vec![key as f32, thread as f32]));
                        }
                        Err(error) => assert_eq!(error, Error::DuplicateKey { key }),
                    }
                }
            });
        }
    });
    assert_eq!((won.into_inner(), index.len()), (500, 500));
    // Slots of losers are never used; a snapshot with them is sound all the same.
    let snapshot = Region::copy_of(&index.to_snapshot().unwrap()).unwrap();
    assert_eq!(Index::open(snapshot, Check::Full).unwrap().check().unwrap().nodes, 500);
    assert_eq!(index.check().unwrap().nodes, 500);
    let all = index.search(&[0.0, 0.0]).k(500).exact(true).run().unwrap();
    let mut keys: Vec<u64> = all.iter().map(|hit| hit.key).collect();
    keys.sort_unstable();
    assert_eq!(keys, (0..500).collect::<Vec<_>>());
    for hit in all {
        let vector = index.get(hit.key).unwrap();
        assert_eq!(hit.distance, vector[0] * vector[0] + vector[1] * vector[1]);
    }
}

#[test]
fn the_first_inserts_may_race() {
    // Who is first becomes the anchor; whoever returns, in whatever order, is found at once.
    for round in 0..300 {
        let index = Index::builder(3).metric(Metric::L2).m(4).seed(round).build().unwrap();
        std::thread::scope(|scope| {
            for key in 0..WRITERS as u64 {
                let index = &index;
                scope.spawn(move || {
                    let vector = [key as f32, round as f32, 1.0];
                    index.insert(key, &vector).unwrap();
                    let hits = index.search(&vector).k(1).run().unwrap();
                    assert_eq!((hits[0].key, hits[0].distance), (key, 0.0), "round {round}");
                });
            }
        });
        let audit = index.check().unwrap_or_else(|broken| panic!("round {round}: {broken}"));
        assert_eq!((audit.nodes, audit.reachable), (WRITERS, WRITERS));
    }
}

/// Seeds whose index once lost the first of a cluster: it hung by a node of another one, and those
/// that came nearer to its neighbours had crowded out every other link to it.
#[test]
fn the_first_of_a_cluster_is_not_crowded_out() {
    const DIM: usize = 16;
    for seed in [6, 84, 90, 101, 102, 114, 130, 161, 164] {
        let rows = clustered(2000, DIM, 20, seed);
        let index = Index::builder(DIM).metric(Metric::L2).m(4).build().unwrap();
        for (key, row) in rows.chunks(DIM).enumerate() {
            index.insert(key as u64, row).unwrap();
        }
        for (key, row) in rows.chunks(DIM).enumerate() {
            let hits = index.search(row).k(1).ef(256).run().unwrap();
            assert_eq!(hits[0].key, key as u64, "seed {seed}");
        }
    }
}
