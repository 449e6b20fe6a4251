//! Everything turned over, by many threads beside readers, or beside one that stands still.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use ecphory::arch::detected;
use ecphory::exec::Exec;
use ecphory::{Error, Hit, Index, Metric};
use ecphory_tests::data::{Numbers, clustered, curve, duplicates, random, seed};
use ecphory_tests::times;

const WRITERS: usize = 4;
const READERS: usize = 2;
/// How often all items are replaced by others.
const TURNS: usize = 3;

/// A writer that runs, or fails.
struct Runs<'a>(&'a AtomicUsize);

impl Drop for Runs<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Churn<'a> {
    name: &'a str,
    dim: usize,
    m: usize,
    /// `TURNS + 1` times what the index holds.
    vectors: &'a [f32],
}

impl Churn<'_> {
    fn row(&self, row: usize) -> &[f32] {
        &self.vectors[row * self.dim..][..self.dim]
    }

    fn distance(&self, query: &[f32], row: usize) -> f32 {
        let mut sum = [0.0];
        // SAFETY: both hold `dim` floats, and one sum is asked for.
        unsafe {
            (detected().f32_l2)(query.as_ptr(), &[self.row(row).as_ptr()], self.dim, &mut sum);
        };
        sum[0]
    }

    fn check_hits(&self, query: &[f32], hits: &[Hit], gone: usize) {
        let before = |a: &Hit, b: &Hit| (a.distance, a.key) < (b.distance, b.key);
        assert!(hits.is_sorted_by(before), "{}: {hits:?}", self.name);
        let mut keys: Vec<u64> = hits.iter().map(|hit| hit.key).collect();
        keys.sort_unstable();
        assert!(keys.is_sorted_by(|a, b| a < b), "{}: a key twice in {hits:?}", self.name);
        for hit in hits {
            assert!(
                hit.key as usize >= gone,
                "{}: {hit:?} was deleted, as all to {gone}",
                self.name
            );
            let expected = self.distance(query, hit.key as usize);
            assert_eq!(hit.distance.to_bits(), expected.to_bits(), "{}: {hit:?}", self.name);
        }
    }

    fn run(&self) {
        let Self { name, dim, m, .. } = *self;
        let rows = self.vectors.len() / dim;
        let len = rows / (TURNS + 1);
        let index = Index::builder(dim).metric(Metric::L2).m(m).build().unwrap();
        let (next, running) = (AtomicUsize::new(0), AtomicUsize::new(WRITERS));
        // Each writer has deleted all of its rows below this.
        let gone: [AtomicUsize; WRITERS] = Default::default();
        let (searches, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for gone in &gone {
                let (index, next, running, refused) = (&index, &next, &running, &refused);
                scope.spawn(move || {
                    let _runs = Runs(running);
                    loop {
                        let row = next.fetch_add(1, Ordering::SeqCst);
                        if row >= rows {
                            break;
                        }
                        // More threads than cores: those that rest may hold up reclaiming.
                        while let Err(error) = index.insert(row as u64, self.row(row)) {
                            assert!(matches!(error, Error::Overloaded { .. }), "{error}");
                            refused.fetch_add(1, Ordering::SeqCst);
                            std::thread::yield_now();
                        }
                        if let Some(old) = row.checked_sub(len) {
                            // Another writer may be about to insert it.
                            while !index.delete(old as u64).unwrap() {
                                std::thread::yield_now();
                            }
                            gone.store(old + 1, Ordering::SeqCst);
                        }
                    }
                    gone.store(rows, Ordering::SeqCst);
                });
            }
            for reader in 0..READERS {
                let (index, gone, running, searches) = (&index, &gone, &running, &searches);
                let mut numbers = Numbers::new(reader as u64);
                scope.spawn(move || {
                    while running.load(Ordering::SeqCst) > 0 {
                        // What a writer has begun to delete is the next of its rows: all below the
                        // least of theirs, less those in hand, are gone.
                        let least = gone.iter().map(|g| g.load(Ordering::SeqCst)).min().unwrap();
                        let least = if least >= rows { 0 } else { least };
                        let there = index.len().saturating_sub(2 * WRITERS).min(10);
                        let query = self.row(numbers.below(rows));
                        let hits = index.search(query).up_to(10).run().unwrap();
                        self.check_hits(query, &hits, least);
                        assert!(hits.len() >= there, "{name}: {} of {there}", hits.len());
                        searches.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        let audit = index.check().unwrap_or_else(|broken| panic!("{name}: {broken}"));
        assert!(audit.nodes - len <= 1 && audit.reachable == audit.nodes, "{name}: {audit:?}");
        assert_eq!(index.len(), len);
        let kept = index.keys().unwrap();
        assert!(kept.iter().copied().eq((rows - len) as u64..rows as u64));
        // In a thousand.
        let bounds = if m == 4 { [(64, 10), (256, 1)] } else { [(64, 1), (256, 0)] };
        for (ef, bound) in bounds {
            let lost = self.count_lost(&index, rows - len..rows, ef);
            println!("{name}, m {m}: {lost} of {len} not found at ef {ef}; {} dead", audit.dead);
            assert!(lost * 1000 <= bound * len, "{name}, m {m}: {lost} lost at ef {ef}");
        }
        let (searches, refused) = (searches.into_inner(), refused.into_inner());
        println!("{name}: {searches} searches beside, {refused} inserts refused and repeated");
    }

    /// Items whose own vector does not find them, or one equal to them.
    fn count_lost(&self, index: &Index, rows: Range<usize>, ef: usize) -> usize {
        let is_lost = |row: &usize| {
            let hits = index.search(self.row(*row)).k(1).ef(ef).run().unwrap();
            hits[0].distance != 0.0
        };
        rows.filter(is_lost).count()
    }
}

fn churn(name: &str, dim: usize, m: usize, vectors: &[f32]) {
    Churn { name, dim, m, vectors }.run();
}

fn rows() -> usize {
    (TURNS + 1) * times(400, 2000, 4000)
}

#[test]
fn clustered_vectors_survive_being_turned_over() {
    churn("clustered", 24, 16, &clustered(rows(), 24, 50, seed(31)));
}

#[test]
fn duplicates_survive_being_turned_over() {
    churn("duplicates", 16, 16, &duplicates(rows(), 16, rows() / 100, seed(32)));
}

#[test]
fn a_curve_in_its_order_survives_being_turned_over() {
    churn("curve", 16, 16, &curve(rows(), 16, seed(33)));
}

#[test]
fn the_smallest_rows_survive_being_turned_over() {
    churn("random", 8, 4, &random(rows(), 8, seed(34)));
    churn("duplicates", 8, 4, &duplicates(rows(), 8, rows() / 180, seed(34)));
}

/// Says that a search has begun, and lets it go on when told.
struct Stalled {
    begun: Sender<()>,
    go_on: Mutex<Receiver<()>>,
}

impl Exec for Stalled {
    fn for_each(&self, count: usize, _grain: usize, work: &(dyn Fn(Range<usize>) + Sync)) {
        self.begun.send(()).unwrap();
        self.go_on.lock().unwrap_or_else(PoisonError::into_inner).recv().unwrap();
        (0..count).for_each(|at| work(at..at + 1));
    }

    fn width(&self) -> usize {
        1
    }
}

#[test]
fn memory_is_bounded_while_a_reader_stands_still() {
    const LEN: u64 = 2000;
    let mut numbers = Numbers::new(seed(35));
    let mut row = move || numbers.units(8);
    let index = Index::builder(8).metric(Metric::L2).m(8).ef_construction(40).build().unwrap();
    (0..LEN).for_each(|key| index.insert(key, &row()).unwrap());
    let update = |key: u64, vector: &[f32]| match key % 2 {
        0 => index.upsert(key, vector).map(drop),
        _ => index.delete(key).and_then(|_| index.insert(key, vector)),
    };
    let before = index.memory().total;
    let (updates, query) = (times(10_000, 100_000, 1_000_000) as u64, row());
    let (begun, has_begun) = channel();
    let (go_on, told) = channel();
    let (mut refused, is_through) = (0, AtomicBool::new(false));
    let most = std::thread::scope(|scope| {
        let stalled = Stalled { begun, go_on: Mutex::new(told) };
        let reader = scope.spawn(|| {
            // Half of the items stay at least: the others may be deleted and not be back.
            let found = index.search_batch(&query, 10, None, &{ stalled });
            is_through.store(true, Ordering::SeqCst);
            found
        });
        has_begun.recv().unwrap();
        let mut most = before;
        for at in 0..updates {
            match update(at % LEN, &row()) {
                Ok(()) => {}
                Err(Error::Overloaded { deleted }) => {
                    assert!(deleted > 4096 && deleted < 4096 + LEN as usize, "{deleted}");
                    refused += 1;
                }
                Err(error) => panic!("{error}"),
            }
            if at % 64 == 0 {
                most = most.max(index.memory().total);
            }
        }
        assert!(!is_through.load(Ordering::SeqCst) && refused > updates / 2);
        go_on.send(()).unwrap();
        assert_eq!(reader.join().unwrap().unwrap().keys.len(), 10);
        most
    });
    println!("{refused} of {updates} refused; bytes {before} before, {most} at most");
    // Room for the dead that may wait, no more.
    let items = LEN as usize;
    assert!(most <= before * (items + 4096 + items).div_ceil(items), "{before} {most}");
    // The first that finds the reader gone is let in after a bounded number of tries.
    let tries = (1..1_000_000).find(|_| {
        index.reclaim().unwrap();
        update(0, &row()).is_ok()
    });
    println!("updates again after {tries:?} tries");
    assert!(tries < Some(5000));
    while index.reclaim().unwrap() {}
    assert!(index.check().unwrap().dead < 100);
    let full = index.memory().total;
    (0..10 * LEN).for_each(|at| update(at % LEN, &row()).unwrap());
    assert_eq!(index.memory().total, full, "slots are used again");
    index.check().unwrap();
}
