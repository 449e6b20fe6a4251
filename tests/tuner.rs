//! The recall that is asked for is the recall that is reached, on queries that tuning has not seen.

use ecphory::arch::{Isa, kernels_for};
use ecphory::exec::{Exec, Sequential};
use ecphory::{Check, Effort, Error, Index, Metric, Phase, Region, Tuning};
use ecphory_native::Pool;
use ecphory_tests::data::{clustered, duplicates, random};
use ecphory_tests::words;

const K: usize = 10;
/// Recalls that are asked for.
const ASKED: [f32; 5] = [0.8, 0.9, 0.95, 0.98, 0.99];
/// What may be missing of them.
const SLACK: f64 = 0.005;

/// A set to build an index over, and queries of its users.
struct Set {
    name: &'static str,
    metric: Metric,
    dim: usize,
    vectors: Vec<f32>,
    queries: Vec<f32>,
}

fn made_up() -> Vec<Set> {
    let set = |name, dim, vectors, queries| Set { name, metric: Metric::L2, dim, vectors, queries };
    vec![
        set("clustered", 32, clustered(6000, 32, 40, 21), clustered(1800, 32, 40, !21)),
        set("random", 24, random(6000, 24, 22), random(1800, 24, !22)),
        {
            // One set for both, so that queries are copies of the same originals.
            let mut vectors = duplicates(7800, 24, 60, 24);
            let queries = vectors.split_off(6000 * 24);
            set("duplicates", 24, vectors, queries)
        },
        set("foreign", 24, duplicates(6000, 24, 60, 24), duplicates(1800, 24, 60, 26)),
    ]
}

fn real() -> Set {
    let words = words();
    Set {
        name: "words20k",
        metric: Metric::Cosine,
        dim: 384,
        vectors: words.vectors.values().to_vec(),
        queries: words.queries.values().to_vec(),
    }
}

fn built(set: &Set, isa: Option<Isa>, exec: &dyn Exec) -> Index {
    let mut builder = Index::builder(set.dim).metric(set.metric);
    if let Some(isa) = isa {
        builder = builder.isa(isa).unwrap();
    }
    let index = builder.build().unwrap();
    let keys: Vec<u64> = (0..set.vectors.len() as u64 / set.dim as u64).collect();
    index.bulk_build(&keys, &set.vectors, exec, &mut |_| true).unwrap();
    index
}

/// Every other query from the first or the second on.
fn half(set: &Set, first: usize) -> Vec<f32> {
    set.queries.chunks_exact(set.dim).skip(first).step_by(2).flatten().copied().collect()
}

/// Recall at `k` against the exact scan; of equal distances any will do.
fn reached(index: &Index, queries: &[f32], k: usize, effort: Effort) -> f64 {
    let exec = Pool::new(2).unwrap();
    let truth = index.scan_batch(queries, k, &exec).unwrap();
    let found = index.search_batch(queries, k, effort, &exec).unwrap();
    let pairs = truth.distances.chunks(k).zip(found.distances.chunks(k));
    let good = pairs.map(|(truth, found)| found.iter().filter(|&&d| d <= truth[k - 1]).count());
    good.sum::<usize>() as f64 / found.distances.len() as f64
}

fn assert_reached(set: &Set, index: &Index, queries: &[f32], how: &str) {
    let tuning = index.tuning().unwrap();
    for recall in ASKED {
        let got = reached(index, queries, K, Effort::Recall(recall));
        let ef = tuning.ef(recall, K).unwrap();
        println!("{}, {how}: asked for {recall}, reached {got:.4} at ef {ef}", set.name);
        assert!(got >= f64::from(recall) - SLACK, "{}, {how}: {got} for {recall}", set.name);
    }
}

#[test]
fn held_out_queries_reach_the_recall_asked_for() {
    let exec = Pool::new(2).unwrap();
    for set in made_up().iter().chain([&real()]) {
        let index = built(set, None, &exec);
        for (samples, rest) in [(0, 1), (1, 0)] {
            let tuning = index.tune_with(&half(set, samples), &exec, &mut |_| true).unwrap();
            assert_eq!(tuning.samples, half(set, samples).len() / set.dim);
            assert_reached(set, &index, &half(set, rest), "tuned on queries");
        }
        // Samples made from copies do not foresee queries that are far from all of them.
        if set.name == "foreign" {
            continue;
        }
        index.tune(&exec, &mut |_| true).unwrap();
        assert_reached(set, &index, &set.queries, "tuned on items");
        for k in [1, 30] {
            let got = reached(&index, &set.queries, k, Effort::Recall(0.95));
            assert!(got >= 0.945, "{}: {got} at k {k}", set.name);
        }
        // It is a knob, not a brake: what it keeps is far from everything.
        let ef = index.tuning().unwrap().ef(0.9, K).unwrap();
        assert!(ef <= 200, "{}: ef {ef} for 0.9", set.name);
    }
}

#[test]
fn a_tuning_is_the_same_on_every_instruction_set_and_thread_count() {
    for mut set in made_up().into_iter().chain([real()]) {
        set.vectors.truncate(2000 * set.dim);
        let snapshot = built(&set, None, &Sequential).to_snapshot().unwrap();
        let tuned = |isa: Isa, exec: &dyn Exec| {
            let region = Region::copy_of(&snapshot).unwrap();
            let index = Index::builder(1).isa(isa).unwrap().open(region, Check::Full).unwrap();
            let own = index.tune(exec, &mut |_| true).unwrap();
            (own, index.tune_with(&set.queries, exec, &mut |_| true).unwrap())
        };
        let reference = tuned(Isa::Scalar, &Sequential);
        for isa in [Isa::Scalar, Isa::Avx2, Isa::Avx512, Isa::Neon] {
            if kernels_for(isa).is_some() {
                for threads in [1, 3] {
                    let found = tuned(isa, &Pool::new(threads).unwrap());
                    assert_eq!(found, reference, "{}, {isa}, {threads} threads", set.name);
                }
            }
        }
    }
}

#[test]
fn a_snapshot_keeps_the_tuning_and_opens_without_one() {
    let set = &made_up()[0];
    let index = built(set, None, &Sequential);
    let reopened =
        |bytes: &[u8]| Index::open(Region::copy_of(bytes).unwrap(), Check::Full).unwrap();
    let untuned = index.to_snapshot().unwrap();
    assert_eq!(reopened(&untuned).tuning(), None);
    let tuning = index.tune(&Sequential, &mut |_| true).unwrap();
    let bytes = index.to_snapshot().unwrap();
    assert_eq!(bytes.len() as u64, index.snapshot_len().unwrap());
    assert!(bytes != untuned);
    let again = reopened(&bytes);
    assert_eq!(again.tuning(), Some(tuning));
    assert!(again.to_snapshot().unwrap() == bytes, "the same bytes again");
    let query = &set.queries[..set.dim];
    let hits = |index: &Index| index.search(query).recall(0.97).run().unwrap();
    assert_eq!(hits(&again), hits(&index));
    // Inserts do not take it away; it says of how many items it tells.
    again.insert(1 << 40, query).unwrap();
    assert_eq!(again.tuning().unwrap().items + 1, again.len());
    assert_eq!(again.search(query).k(1).recall(0.97).run().unwrap()[0].key, 1 << 40);
}

#[test]
fn what_cannot_be_asked_for_is_refused() {
    let set = &made_up()[1];
    let index = Index::builder(set.dim).metric(set.metric).build().unwrap();
    let query = &set.queries[..set.dim];
    let tune = |index: &Index| index.tune(&Sequential, &mut |_| true);
    let batch = |index: &Index, recall| {
        index.search_batch(query, K, Effort::Recall(recall), &Sequential).map(drop)
    };
    assert_eq!(tune(&index), Err(Error::Empty));
    assert_eq!(index.tune_with(query, &Sequential, &mut |_| true), Err(Error::Empty));
    let index = built(set, None, &Sequential);
    assert_eq!(index.search(query).recall(0.9).run(), Err(Error::NotTuned));
    assert_eq!(batch(&index, 0.9), Err(Error::NotTuned));
    assert!(index.search(query).recall(0.9).ef(20).run().is_ok(), "the last one counts");
    assert!(index.search(query).recall(0.9).exact(true).run().is_ok(), "exact needs no tuning");
    for recall in [0.0, 1.0, -0.5, 1.5, f32::INFINITY, f32::NAN] {
        let code = |refused: Result<_, Error>| refused.map(drop).unwrap_err().code();
        assert_eq!(code(index.search(query).recall(recall).run()), "recall-out-of-range");
        assert_eq!(batch(&index, recall).unwrap_err().code(), "recall-out-of-range");
    }
    let with = |queries: &[f32]| index.tune_with(queries, &Sequential, &mut |_| true);
    let code = |refused: Result<Tuning, Error>| refused.unwrap_err().code();
    assert_eq!(code(with(&[])), "option-out-of-range");
    assert_eq!(code(with(&query[1..])), "shape-mismatch");
    assert_eq!(code(with(&vec![f32::NAN; set.dim])), "not-finite");
    assert_eq!(index.tuning(), None, "a refusal leaves no tuning");

    let tuning = tune(&index).unwrap();
    let highest = tuning.highest();
    if highest < 0.9999 {
        let refused = Error::RecallOutOfReach { highest: (highest * 10_000.0) as u32 };
        assert_eq!(index.search(query).recall(0.9999).run(), Err(refused));
    }
    assert!(index.search(query).k(3000).recall(0.9).run().is_ok());
}

#[test]
fn a_cancelled_tuning_leaves_the_earlier_one() {
    let set = &made_up()[0];
    let index = built(set, None, &Sequential);
    let earlier = index.tune_with(&half(set, 0), &Sequential, &mut |_| true).unwrap();
    let mut calls = 0;
    let later = loop {
        let mut left = calls;
        let tuned = index.tune(&Sequential, &mut |progress| {
            assert_eq!(progress.phase, Phase::Tune);
            assert!(progress.done <= progress.total);
            left -= 1;
            left >= 0
        });
        match tuned {
            Err(error) => assert_eq!(error, Error::Cancelled),
            Ok(later) => break later,
        }
        assert_eq!(index.tuning().as_ref(), Some(&earlier), "after {calls} calls");
        calls += 1;
    };
    assert!(calls > 8 && later != earlier, "samples and rungs call back");
    assert_eq!(index.tuning(), Some(later));
}

#[test]
fn few_items_and_readers_beside_are_no_trouble() {
    for rows in [1, 2, 9, 40] {
        let vectors = random(rows, 4, rows as u64);
        for metric in Metric::ALL {
            let index = Index::builder(4).metric(metric).build().unwrap();
            for (key, vector) in (0..).zip(vectors.chunks_exact(4)) {
                index.insert(key, vector).unwrap();
            }
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    for key in 0..50 {
                        index.insert(1000 + key, &[0.1, key as f32, 0.2, 0.3]).unwrap();
                    }
                });
                index.tune(&Sequential, &mut |_| true).unwrap();
            });
            let k = index.len();
            // What was measured while the index doubled may tell of too few candidates.
            let beside = index.search(&[1.0; 4]).k(k).recall(0.99).run();
            let is_fair = |hits: &Vec<_>| hits.len() == k;
            assert!(beside.as_ref().map_or_else(|e| e.code() == "recall-out-of-reach", is_fair));
            index.tune(&Sequential, &mut |_| true).unwrap();
            let all = index.search(&[1.0; 4]).k(k).recall(0.99).run().unwrap();
            assert_eq!(all.len(), k, "{rows} rows, {metric}");
        }
    }
}
