//! What is kept of a vector: less memory, the same answers but for the rounding, on every target.
//!
//! Truth is the exact scan of an index that keeps 32-bit floats.

use std::collections::HashSet;

use ecphory::arch::{Isa, kernels_for};
use ecphory::exec::Sequential;
use ecphory::{Builder, Check, Codes, Error, Index, Metric, Region, Rows};
use ecphory_native::Pool;
use ecphory_tests::data::{Numbers, clustered, seed};
use ecphory_tests::words;
use half::f16;

const K: usize = 10;

fn pool() -> Pool {
    Pool::new(2).unwrap()
}

/// An index over the rows of `vectors`, with their numbers as keys.
fn built(builder: Builder, vectors: &[f32]) -> Index {
    let index = builder.build().unwrap();
    let keys: Vec<u64> = (0..(vectors.len() / index.options().dim) as u64).collect();
    index.bulk_build(&keys, vectors, &pool(), &mut |_| true).unwrap();
    index
}

/// The share of the true neighbours among those found.
fn recall(truth: &[u64], found: &[u64]) -> f64 {
    let shared = |(truth, found): (&[u64], &[u64])| {
        let truth: HashSet<u64> = truth.iter().copied().collect();
        found.iter().filter(|&key| truth.contains(key)).count()
    };
    truth.chunks(K).zip(found.chunks(K)).map(shared).sum::<usize>() as f64 / truth.len() as f64
}

fn nearest(f: f32) -> f32 {
    f16::from_f32(f).to_f32()
}

#[test]
fn codes_and_narrow_rows_cost_less_than_a_point_of_recall() {
    let (vectors, queries) = (words().vectors.values(), words().queries.values());
    let index = |codes, rows| {
        let builder = Index::builder(384).ef_construction(100).codes(codes).rows(rows);
        built(builder, vectors)
    };
    let full = index(Codes::None, Rows::F32);
    let truth = full.scan_batch(queries, K, &pool()).unwrap().keys;
    let at = |index: &Index| {
        let found = index.search_batch(queries, K, None, &pool()).unwrap();
        recall(&truth, &found.keys)
    };
    let (codes, half) = (index(Codes::U7, Rows::F32), index(Codes::U7, Rows::F16));
    assert_eq!(half.memory().vectors * 2, full.memory().vectors);
    let scanned = recall(&truth, &half.scan_batch(queries, K, &pool()).unwrap().keys);
    let [full, codes, half] = [&full, &codes, &half].map(at);
    println!(
        "words20k: recall@10 {full:.4} on f32, {codes:.4} on codes ranked on f32, \
         {half:.4} ranked on f16 ({scanned:.4} scanned)"
    );
    assert!(codes >= full - 0.01, "{codes} on codes, {full} without");
    assert!(half >= full - 0.01 && half >= codes - 0.01, "{half} on f16 rows, {full} on f32");
    assert!(scanned >= 0.99, "an exact scan of f16 rows finds {scanned}");
}

#[test]
fn an_index_takes_little_more_than_what_it_keeps() {
    let (rows, seed) = (2000, seed(46));
    // Bytes over those of the vectors as f32, at most.
    for (dim, bounds) in [(128, [1.9, 1.1, 0.7]), (384, [1.5, 0.9, 0.4]), (768, [1.35, 0.88, 0.36])]
    {
        let vectors = clustered(rows, dim, 20, seed);
        for (kept, bound) in [Rows::F32, Rows::F16, Rows::Codes].into_iter().zip(bounds) {
            let index = built(Index::builder(dim).ef_construction(40).rows(kept), &vectors);
            let ratio = index.memory().total as f64 / (vectors.len() * 4) as f64;
            println!("{dim}-d, rows {kept}: {ratio:.3} x the vectors as f32");
            assert!(ratio <= bound, "{dim}-d, {kept}, seed {seed}: {ratio}");
        }
    }
}

#[test]
fn answers_from_narrow_rows_have_the_same_bits_on_every_instruction_set() {
    let seed = seed(41);
    // Neither a whole number of blocks nor of words.
    let (dim, base, queries) = (99, clustered(2500, 99, 30, seed), clustered(60, 99, 30, !seed));
    for rows in [Rows::F16, Rows::Codes] {
        for metric in Metric::ALL {
            let on = |isa| Index::builder(dim).metric(metric).rows(rows).isa(isa);
            let reference = built(on(Isa::Scalar).unwrap(), &base);
            let bytes = reference.to_snapshot().unwrap();
            let answers = |index: &Index| {
                let graph = index.search_batch(&queries, K, None, &Sequential).unwrap();
                let exact = index.scan_batch(&queries, K, &Sequential).unwrap();
                let bits = |f: &f32| f.to_bits();
                let distances = graph.distances.iter().chain(&exact.distances).map(bits);
                (distances.collect::<Vec<_>>(), graph.keys, exact.keys)
            };
            for isa in Isa::ALL.into_iter().filter(|&isa| kernels_for(isa).is_some()) {
                let what = format!("{rows}, {metric}, {isa}, seed {seed}");
                let index = built(on(isa).unwrap(), &base);
                assert!(index.to_snapshot().unwrap() == bytes, "{what}: other bytes");
                assert!(answers(&index) == answers(&reference), "{what}: other answers");
            }
        }
    }
}

#[test]
fn sixteen_bits_come_back_rounded_and_reopen_as_they_were() {
    let seed = seed(42);
    let (dim, mut base) = (7, clustered(400, 7, 9, seed));
    // Ties of the rounding, the ends of the range, and numbers with few digits.
    base[..7].copy_from_slice(&[2049.0, 2051.0, -65_504.0, 6.1e-5, -5.9e-8, 2e-8, 0.0]);
    for metric in Metric::ALL {
        let index = built(Index::builder(dim).metric(metric).rows(Rows::F16), &base);
        let extra: Vec<f32> = base[70..77].iter().map(|x| x * 1.7 + 0.3).collect();
        index.insert(1000, &extra).unwrap();
        let rounded = |vector: &[f32]| vector.iter().copied().map(nearest).collect::<Vec<_>>();
        for (key, vector) in base.chunks(dim).enumerate() {
            assert_eq!(index.get(key as u64).unwrap(), rounded(vector), "{metric}, {key}");
        }
        assert_eq!(index.get(1000).unwrap(), rounded(&extra));

        let bytes = index.to_snapshot().unwrap();
        let again = Index::open(Region::copy_of(&bytes).unwrap(), Check::Full).unwrap();
        assert_eq!(again.options(), index.options());
        assert!(again.to_snapshot().unwrap() == bytes, "{metric}: the same bytes again");
        let hits = |index: &Index| index.search(&extra).k(K).run().unwrap();
        assert_eq!(hits(&again), hits(&index));
        if metric == Metric::Cosine {
            assert_eq!(hits(&index)[0].key, 1000);
        }
        if metric == Metric::L2 {
            // What is found is the kept vector, as far as rounding moved it.
            assert_eq!(hits(&index)[0].key, 1000);
            let moved = extra.iter().zip(rounded(&extra)).map(|(x, y)| (x - y) * (x - y));
            let moved = moved.sum::<f32>();
            assert!((hits(&index)[0].distance - moved).abs() <= moved * 1e-5);
        }
        again.insert(1001, &extra).unwrap();
        assert_eq!(again.get(1001), again.get(1000));
        assert!(again.check().is_ok());
    }
}

#[test]
fn what_sixteen_bits_do_not_hold_is_refused() {
    let tiny = 2f32.powi(-15);
    for metric in Metric::ALL {
        let refuses = |vector: &[f32; 3], component| {
            let expected = Error::F16Range { row: 0, component };
            let index = Index::builder(3).metric(metric).rows(Rows::F16).build().unwrap();
            assert_eq!(index.insert(1, vector), Err(expected.clone()), "{metric}");
            let built = index.bulk_build(&[1], vector, &Sequential, &mut |_| true);
            assert_eq!(built, Err(expected), "{metric}");
            assert!(index.is_empty() && !index.contains(1));
            // 32 bits hold it.
            Index::builder(3).metric(metric).build().unwrap().insert(1, vector).unwrap();
        };
        refuses(&[1.0, 65_504.0f32.next_up(), 0.0], 1);
        refuses(&[-1.0, 66_000.0, -70_000.0], 2);
        let accepts = |vector: &[f32; 3]| {
            let index = Index::builder(3).metric(metric).rows(Rows::F16).build().unwrap();
            index.insert(1, vector).unwrap();
            assert_eq!(index.get(1).unwrap(), vector.map(nearest));
            assert!(index.search(&[1.0, 2.0, 3.0]).k(1).run().unwrap()[0].distance.is_finite());
        };
        accepts(&[65_504.0, -65_504.0, 0.0]);
        accepts(&[2.0 * tiny, 0.0, -1e-30]);
        if metric == Metric::Cosine {
            // Too few digits would be left for a direction.
            refuses(&[0.0, tiny, -tiny / 2.0], 1);
        } else {
            accepts(&[0.0, tiny, -tiny / 2.0]);
            accepts(&[0.0; 3]);
        }
    }
    let query = [1e18, 1e-30, 0.0];
    let index = Index::builder(3).rows(Rows::F16).build().unwrap();
    index.insert(1, &[1.0, 2.0, 3.0]).unwrap();
    assert_eq!(index.search(&query).k(1).run().unwrap().len(), 1, "queries stay 32 bits wide");
}

/// Rows near one of a few subspaces, as embeddings are.
fn embeddings(rows: usize, dim: usize, seed: u64) -> Vec<f32> {
    const INNER: usize = 24;
    let bases = Numbers::new(7).units(8 * INNER * dim);
    let mut numbers = Numbers::new(seed);
    let mut values = Vec::with_capacity(rows * dim);
    for _ in 0..rows {
        let basis = &bases[numbers.below(8) * INNER * dim..][..INNER * dim];
        let mut row: Vec<f32> = (0..dim).map(|_| 0.3 * numbers.normal()).collect();
        for direction in basis.chunks(dim) {
            let weight = numbers.normal();
            row.iter_mut().zip(direction).for_each(|(x, d)| *x += weight * d);
        }
        values.extend(row);
    }
    values
}

#[test]
fn codes_alone_are_a_third_of_the_bytes_and_find_what_there_is() {
    let (seed, dim) = (seed(43), 768);
    let (base, queries) = (embeddings(6000, dim, seed), embeddings(100, dim, !seed));
    let full = built(Index::builder(dim), &base);
    let compact = built(Index::builder(dim).rows(Rows::Codes), &base);
    let (bytes, raw) = (compact.memory().total, base.len() * 4);
    let truth = full.scan_batch(&queries, K, &pool()).unwrap().keys;
    let at = |index: &Index, ef| {
        recall(&truth, &index.search_batch(&queries, K, Some(ef), &pool()).unwrap().keys)
    };
    let scanned = recall(&truth, &compact.scan_batch(&queries, K, &pool()).unwrap().keys);
    let [low, high] = [100, 400].map(|ef| at(&compact, ef));
    let ratio = bytes as f64 / raw as f64;
    println!(
        "768-d, seed {seed}: {ratio:.3} x raw, recall@10 {low:.4} at ef 100, {high:.4} at 400, \
         {scanned:.4} scanned ({:.4} at ef 100 with f32 rows)",
        at(&full, 100)
    );
    assert!(compact.memory().vectors == 0 && ratio <= 0.36, "{bytes} bytes for {raw}");
    assert!(high >= 0.95, "seed {seed}: recall {high}");
}

#[test]
fn codes_come_back_decoded_and_reopen_as_they_were() {
    let seed = seed(44);
    let (dim, base) = (19, clustered(900, 19, 20, seed));
    for metric in Metric::ALL {
        let what = format!("{metric}, seed {seed}");
        let index = built(Index::builder(dim).metric(metric).rows(Rows::Codes), &base);
        let extra: Vec<f32> =
            base[..dim].iter().zip(&base[dim..]).map(|(x, y)| (x + y) / 2.0).collect();
        index.insert(5000, &extra).unwrap();
        let length = |v: &[f32]| v.iter().map(|x| x * x).sum::<f32>().sqrt();
        for (key, vector) in base.chunks(dim).enumerate() {
            let scale = if metric == Metric::Cosine { length(vector) } else { 1.0 };
            let kept = index.get(key as u64).unwrap();
            let off = kept.iter().zip(vector).map(|(x, y)| (x - y / scale).abs());
            // Half a step: the range of the data is about 126 of them.
            assert!(off.fold(0.0, f32::max) <= 0.02 / scale.min(1.0), "{what}, {key}");
        }
        // A distance is that of the decoded vector.
        let query = &base[40 * dim..41 * dim];
        for hit in index.search(query).k(K).run().unwrap() {
            let kept = index.get(hit.key).unwrap();
            let dot = kept.iter().zip(query).map(|(x, y)| x * y).sum::<f32>();
            let differences = kept.iter().zip(query).map(|(x, y)| (x - y) * (x - y));
            let distance = match metric {
                Metric::L2 => differences.sum::<f32>(),
                Metric::InnerProduct => -dot,
                Metric::Cosine => 1.0 - dot / (length(query) * length(&kept)),
            };
            let magnitude = length(query).max(1.0).powi(2);
            assert!(
                (hit.distance - distance).abs() <= 1e-5 * magnitude,
                "{what}: {hit:?} {distance}"
            );
        }

        let bytes = index.to_snapshot().unwrap();
        let again = Index::open(Region::copy_of(&bytes).unwrap(), Check::Full).unwrap();
        assert_eq!((again.options(), again.get(7)), (index.options(), index.get(7)));
        assert!(again.to_snapshot().unwrap() == bytes, "{what}: the same bytes again");
        let hits = |index: &Index| index.search(query).k(K).run().unwrap();
        assert_eq!(hits(&again), hits(&index), "{what}");
        again.insert(5001, &extra).unwrap();
        assert!(again.check().is_ok() && again.get(5001) == again.get(5000));
    }
}

#[test]
fn codes_alone_refuse_what_they_would_lose() {
    let vectors = clustered(500, 8, 5, 45);
    for metric in Metric::ALL {
        let empty = || Index::builder(8).metric(metric).rows(Rows::Codes).build().unwrap();
        let index = empty();
        assert_eq!(index.insert(1, &vectors[..8]), Err(Error::NoCodes));
        assert!(index.is_empty());
        index.bulk_build(&[], &[], &Sequential, &mut |_| true).unwrap();
        let nothing =
            Index::open(Region::copy_of(&index.to_snapshot().unwrap()).unwrap(), Check::Full);
        assert_eq!(nothing.unwrap().insert(1, &vectors[..8]), Err(Error::NoCodes));

        // One row far from all others takes the scale of the codes with it.
        let mut far = vectors.clone();
        far[80..88].copy_from_slice(&[1e6, -1e6, 1e6, -1e6, 1e6, 1e6, 1e6, 1e6]);
        let keys: Vec<u64> = (0..500).collect();
        let built = index.bulk_build(&keys, &far, &Sequential, &mut |_| true);
        if metric != Metric::Cosine {
            assert_eq!(built, Err(Error::CoarseCodes), "{metric}");
            assert!(index.is_empty());
        }

        let index = empty();
        index.bulk_build(&keys, &vectors, &Sequential, &mut |_| true).unwrap();
        let before = (index.len(), index.memory(), index.to_snapshot().unwrap());
        if metric != Metric::Cosine {
            assert_eq!(index.insert(999, &far[80..88]), Err(Error::CodeRange));
            let after = (index.len(), index.memory(), index.to_snapshot().unwrap());
            assert!(after == before, "{metric}: a refused insert changed something");
        }
        index.insert(999, &vectors[..8]).unwrap();
        // A query is never out of range.
        let far = index.search(&far[80..88]).k(501).ef(501).run().unwrap();
        assert!(far.iter().all(|hit| hit.distance.is_finite()), "{metric}");
        let farthest = index.search(&[6e17; 8]).k(3).run().unwrap();
        assert!(farthest.iter().all(|hit| hit.distance.is_finite()), "{metric}");
    }
    let none = Index::builder(8).rows(Rows::Codes).codes(Codes::None).build();
    assert_eq!(none.err(), Some(Error::NoCodes));
}
