//! Two threads that search, insert and delete for a minute, every answer judged.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ecphory::{Codes, Hit, Index, Metric};
use ecphory_native::Pool;
use ecphory_tests::data::Numbers;
use serde_json::json;

use crate::live::percentile;
use crate::sets::Set;
use crate::{EF, K, Outcome};

const THREADS: u64 = 2;
const SECONDS: u64 = 60;
/// Of a hundred operations: searches, and inserts after them; the rest are deletes.
const SHARES: (usize, usize) = (80, 95);
/// Keys that may be given out.
const KEYS: usize = 4_000_000;

/// What is known of every key: 0 until it is deleted, then when that was acknowledged.
struct Ledger {
    clock: AtomicU64,
    died: Vec<AtomicU64>,
    next: AtomicU64,
}

#[derive(Default)]
struct Seen {
    searches: Vec<f64>,
    writes: usize,
    wrong: usize,
}

pub(crate) fn measure() -> Outcome {
    let set = Set::wordnet(usize::MAX)?;
    let builder = || Index::builder(set.base.dim()).metric(Metric::Cosine);
    let half = set.len() / 2;
    let index = builder().build()?;
    let keys: Vec<u64> = (0..half as u64).collect();
    let dim = set.base.dim();
    index.bulk_build(&keys, &set.base.values()[..half * dim], &Pool::per_core()?, &mut |_| true)?;
    // Tells the distance of any row with the bits that it must have.
    let oracle = builder().m(4).ef_construction(8).codes(Codes::None).build()?;
    oracle.bulk_build(&set.keys(), set.base.values(), &Pool::per_core()?, &mut |_| true)?;
    let ledger = Ledger {
        clock: AtomicU64::new(1),
        died: (0..KEYS).map(|_| AtomicU64::new(0)).collect(),
        next: AtomicU64::new(half as u64),
    };
    let mut reading = run(&set, &index, &oracle, &ledger, SECONDS / 4, false)?;
    let mut mixed = run(&set, &index, &oracle, &ledger, SECONDS, true)?;
    let (quiet, busy) =
        (percentile(&mut reading.searches, 0.99), percentile(&mut mixed.searches, 0.99));
    let audit = index.check()?;
    Ok(json!({
        "seconds_of_load": SECONDS, "ef": EF,
        "searches": mixed.searches.len(), "writes": mixed.writes, "wrong": mixed.wrong + reading.wrong,
        "p99_microseconds": 1e6 * busy, "p99_reading_microseconds": 1e6 * quiet,
        "p99_ratio": busy / quiet, "items": index.len(), "unreachable": audit.nodes - audit.reachable,
    }))
}

fn run(
    set: &Set,
    index: &Index,
    oracle: &Index,
    ledger: &Ledger,
    seconds: u64,
    writes: bool,
) -> Outcome<Seen> {
    let end = Instant::now() + Duration::from_secs(seconds);
    let work = |thread: u64| -> Result<Seen, ecphory::Error> {
        let mut numbers = Numbers::new(19 + thread);
        let (mut seen, mut mine) = (Seen::default(), Vec::new());
        while Instant::now() < end {
            match numbers.below(100) {
                share if share < SHARES.0 || !writes => {
                    let query = set.queries.row(numbers.below(set.queries.rows()));
                    let began = ledger.clock.load(Ordering::SeqCst);
                    let start = Instant::now();
                    let hits = index.search(query).k(K).ef(EF).run()?;
                    seen.searches.push(start.elapsed().as_secs_f64());
                    seen.wrong += wrong(set, oracle, ledger, query, began, &hits)?;
                }
                share if share < SHARES.1 => {
                    let key = ledger.next.fetch_add(1, Ordering::Relaxed);
                    index.insert(key, set.base.row(key as usize % set.len()))?;
                    mine.push(key);
                    seen.writes += 1;
                }
                _ if mine.is_empty() => {}
                _ => {
                    let key = mine.swap_remove(numbers.below(mine.len()));
                    seen.wrong += usize::from(!index.delete(key)?);
                    let now = ledger.clock.fetch_add(1, Ordering::SeqCst) + 1;
                    ledger.died[key as usize].store(now, Ordering::SeqCst);
                    seen.writes += 1;
                }
            }
        }
        Ok(seen)
    };
    thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..THREADS).map(|t| scope.spawn(move || work(t))).collect();
        let mut all = Seen::default();
        for thread in threads {
            let seen = thread.join().map_err(|_| "a thread panicked")??;
            all.searches.extend(seen.searches);
            all.writes += seen.writes;
            all.wrong += seen.wrong;
        }
        Ok(all)
    })
}

/// Whether an answer is wrong: too short, out of order, with a key twice, with one that had been
/// deleted before the search began, or with the wrong distance of one of its items.
fn wrong(
    set: &Set,
    oracle: &Index,
    ledger: &Ledger,
    query: &[f32],
    began: u64,
    hits: &[Hit],
) -> ecphory::Result<usize> {
    let sorted = hits.is_sorted_by(|a, b| (a.distance, a.key) < (b.distance, b.key));
    let twice = hits.iter().enumerate().any(|(i, hit)| hits[..i].iter().any(|h| h.key == hit.key));
    let dead = hits.iter().any(|hit| {
        let died = ledger.died[hit.key as usize].load(Ordering::SeqCst);
        died != 0 && died <= began
    });
    let probe = &hits[began as usize % hits.len().max(1)];
    let own = oracle.key_set([probe.key % set.len() as u64]);
    let exact = oracle.search(query).up_to(1).among(&own).exact(true).run()?;
    let bits = exact[0].distance.to_bits() != probe.distance.to_bits();
    Ok(usize::from(hits.len() < K || !sorted || twice || dead || bits))
}
