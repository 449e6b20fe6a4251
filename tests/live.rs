//! An index that lives: deletes and updates beside inserts and searches, for ever.

use std::sync::atomic::{AtomicBool, Ordering};

use ecphory::exec::Sequential;
use ecphory::{Check, Error, Index, Metric, Region};
use ecphory_tests::data::{Numbers, seed};
use ecphory_tests::times;

const DIM: usize = 16;

fn recall(index: &Index, queries: &[f32]) -> f64 {
    let truth = index.scan_batch(queries, 10, &Sequential).unwrap();
    let found = index.search_batch(queries, 10, 64, &Sequential).unwrap();
    let rows = truth.keys.chunks(10).zip(found.keys.chunks(10));
    let right = rows.map(|(truth, found)| found.iter().filter(|k| truth.contains(k)).count());
    right.sum::<usize>() as f64 / truth.keys.len() as f64
}

fn random(numbers: &mut Numbers, rows: usize, dim: usize) -> Vec<f32> {
    numbers.units(rows * dim)
}

fn clear(index: &Index) {
    while index.reclaim().unwrap() {}
}

#[test]
fn what_is_deleted_is_gone_and_its_room_is_used_again() {
    let mut numbers = Numbers::new(seed(1));
    let index = Index::builder(DIM).metric(Metric::L2).m(8).ef_construction(40).build().unwrap();
    let row = |numbers: &mut Numbers| random(numbers, 1, DIM);
    let mut keys = Vec::new();
    for key in 0..2500 {
        index.insert(key, &row(&mut numbers)).unwrap();
        keys.push(key);
    }
    let bytes = index.memory().total;
    for next in 2500..25_000u64 {
        let old = keys.swap_remove(numbers.below(keys.len()));
        assert!(index.delete(old).unwrap());
        assert!(!index.contains(old) && index.get(old).is_none());
        index.insert(next, &row(&mut numbers)).unwrap();
        keys.push(next);
        if next % 5000 == 0 {
            let audit = index.check().unwrap();
            println!("{next}: {} dead", audit.dead);
            assert!(audit.nodes - index.len() <= 1, "{audit:?}");
            assert_eq!(audit.reachable, audit.nodes);
        }
    }
    clear(&index);
    assert!(index.check().unwrap().dead < 40);
    assert_eq!(index.len(), 2500);
    let grown = index.memory().total as f64 / bytes as f64;
    let queries = random(&mut numbers, 100, DIM);
    let churned = recall(&index, &queries);
    let fresh = Index::builder(DIM).metric(Metric::L2).m(8).ef_construction(40).build().unwrap();
    for &key in &keys {
        fresh.insert(key, &index.get(key).unwrap()).unwrap();
    }
    let fresh = recall(&fresh, &queries);
    println!(
        "recall after nine turnovers {churned:.4}, of a fresh index {fresh:.4}; memory x {grown:.3}"
    );
    assert!(grown < 1.25, "memory x {grown}");
    assert!(churned > fresh - 0.01, "{churned} {fresh}");
}

#[test]
fn as_many_are_found_as_there_are_when_most_are_deleted() {
    let mut numbers = Numbers::new(seed(1));
    let vectors = random(&mut numbers, 5000, DIM);
    let keys: Vec<u64> = (0..5000).collect();
    let index = Index::builder(DIM).metric(Metric::L2).build().unwrap();
    index.bulk_build(&keys, &vectors, &Sequential, &mut |_| true).unwrap();
    for key in 0..4500 {
        assert!(index.delete(key).unwrap());
    }
    let queries = random(&mut numbers, 50, DIM);
    for _ in 0..2 {
        for query in queries.chunks(DIM) {
            assert_eq!(index.search(query).k(500).run().unwrap().len(), 500);
            let hits = index.search(query).k(10).run().unwrap();
            assert!(hits.iter().all(|hit| hit.key >= 4500));
        }
        assert!(recall(&index, &queries) > 0.95);
        clear(&index);
    }
    for key in 4500..5000 {
        assert!(index.delete(key).unwrap());
        assert_eq!(
            index.search(&queries[..DIM]).up_to(10).run().unwrap().len(),
            (4999 - key as usize).min(10)
        );
    }
    clear(&index);
    assert_eq!((index.len(), index.check().unwrap().nodes), (0, 1));
    index.insert(7, &queries[..DIM]).unwrap();
    assert_eq!(index.search(&queries[..DIM]).k(1).run().unwrap()[0].key, 7);
    assert!(index.check().is_ok());
}

#[test]
fn an_update_is_seen_as_it_was_or_as_it_is() {
    let mut numbers = Numbers::new(seed(1));
    let index = Index::builder(DIM).metric(Metric::L2).m(8).ef_construction(40).build().unwrap();
    for key in 0..500 {
        index.insert(key, &random(&mut numbers, 1, DIM)).unwrap();
    }
    let query = random(&mut numbers, 1, DIM);
    let done = AtomicBool::new(false);
    let (index, query, done) = (&index, &query, &done);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..2)
            .map(|writer| {
                scope.spawn(move || {
                    let mut numbers = Numbers::new(seed(1) + writer);
                    for _ in 0..times(1000, 5000, 5000) {
                        let key = numbers.below(500) as u64;
                        // Near the query, then far away, then near.
                        let scale = if numbers.below(2) == 0 { 1e-3 } else { 1.0 };
                        let noise = random(&mut numbers, 1, DIM);
                        let moved: Vec<f32> =
                            query.iter().zip(noise).map(|(q, n)| q + scale * n).collect();
                        match index.upsert(key, &moved) {
                            Ok(replaced) => assert!(replaced),
                            Err(Error::Busy { .. } | Error::Overloaded { .. }) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                })
            })
            .collect();
        for exact in [false, true] {
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    let hits = index.search(query).k(500).ef(600).exact(exact).run().unwrap();
                    let mut keys: Vec<u64> = hits.iter().map(|hit| hit.key).collect();
                    keys.sort_unstable();
                    assert!(keys.iter().copied().eq(0..500), "each item once, always");
                }
            });
        }
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    clear(index);
    assert_eq!(index.len(), 500);
    index.check().unwrap();
}

#[test]
fn a_key_that_comes_and_goes_never_fills_its_neighbour() {
    for m in [4, 16] {
        let index = Index::builder(2).metric(Metric::L2).m(m).build().unwrap();
        index.insert(1, &[0.0, 0.0]).unwrap();
        for round in 0..1000 {
            index.insert(2, &[round as f32, 1.0]).unwrap();
            assert!(index.delete(2).unwrap());
            index.check().unwrap();
        }
        // And alone, the first being gone.
        assert!(index.delete(1).unwrap());
        for round in 0..1000 {
            index.insert(3, &[round as f32, 1.0]).unwrap();
            assert!(index.delete(3).unwrap());
        }
        clear(&index);
        index.check().unwrap();
    }
}

#[test]
fn a_round_may_be_looked_at_and_saved_at_any_step() {
    let mut numbers = Numbers::new(seed(1));
    let vectors = random(&mut numbers, 4000, DIM);
    let keys: Vec<u64> = (0..4000).collect();
    let index = Index::builder(DIM).metric(Metric::L2).m(6).build().unwrap();
    index.bulk_build(&keys, &vectors, &Sequential, &mut |_| true).unwrap();
    // Neighbours of each other, and the entry among them sooner or later.
    for centre in [0, 1700, 3900] {
        let near = index.search(&vectors[centre * DIM..][..DIM]).k(700).ef(900).run().unwrap();
        for hit in near {
            assert!(index.delete(hit.key).unwrap());
        }
        let mut left = true;
        while left {
            left = index.reclaim().unwrap();
            index.check().unwrap();
            let saved = Region::copy_of(&index.to_snapshot().unwrap()).unwrap();
            let open = Index::open(saved, Check::Full).unwrap();
            assert_eq!(open.len(), index.len());
            open.insert(100_000, &vectors[..DIM]).unwrap();
            clear(&open);
            open.check().unwrap();
        }
    }
}

#[test]
fn a_region_that_was_emptied_is_searched_well_when_it_fills_again() {
    let mut numbers = Numbers::new(seed(1));
    let mut vectors = random(&mut numbers, 20_000, DIM);
    let far = 19_000 * DIM;
    for (place, value) in vectors[far..].iter_mut().enumerate() {
        *value = 0.1 * *value + if place % DIM == 0 { 30.0 } else { 0.0 };
    }
    let keys: Vec<u64> = (0..20_000).collect();
    let index = Index::builder(DIM).metric(Metric::L2).build().unwrap();
    index.bulk_build(&keys, &vectors, &Sequential, &mut |_| true).unwrap();
    for key in 19_000..20_000u64 {
        assert!(index.delete(key).unwrap());
    }
    for key in 19_000..20_000usize {
        index.insert(100_000 + key as u64, &vectors[key * DIM..][..DIM]).unwrap();
    }
    for _ in 0..2 {
        assert!(recall(&index, &vectors[far..][..200 * DIM]) > 0.98);
        clear(&index);
    }
}

#[test]
fn copies_do_not_hide_the_one_that_is_asked_for() {
    let index = Index::builder(2).metric(Metric::L2).build().unwrap();
    for key in 0..200 {
        index.insert(key, &[1.0, 2.0]).unwrap();
    }
    let hits = index.search(&[1.0, 2.0]).filter(&|key| key == 150).run().unwrap();
    assert_eq!(hits.iter().map(|hit| hit.key).collect::<Vec<_>>(), [150]);
}
