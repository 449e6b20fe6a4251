//! Data that 7-bit codes cannot tell apart: the index notices and compares full vectors.

use ecphory::exec::Sequential;
use ecphory::{Codes, Error, Index, Metric};
use ecphory_tests::data::{Numbers, seed};

const K: usize = 10;

fn built(metric: Metric, codes: Codes, dim: usize, vectors: &[f32]) -> Index {
    let index = Index::builder(dim).metric(metric).codes(codes).build().unwrap();
    let keys: Vec<u64> = (0..(vectors.len() / dim) as u64).collect();
    index.bulk_build(&keys, vectors, &Sequential, &mut |_| true).unwrap();
    index
}

fn normals(numbers: &mut Numbers, count: usize, shift: f32) -> Vec<f32> {
    (0..count).map(|_| numbers.normal() + shift).collect()
}

/// Share of the exact neighbours' distances that a search at default settings reaches.
fn recall(index: &Index, queries: &[f32]) -> f64 {
    let found = index.search_batch(queries, K, None, &Sequential).unwrap();
    let exact = index.scan_batch(queries, K, &Sequential).unwrap();
    let rows = found.distances.chunks(K).zip(exact.distances.chunks(K));
    let reached: usize =
        rows.map(|(found, exact)| found.iter().filter(|&d| *d <= exact[K - 1]).count()).sum();
    reached as f64 / found.keys.len() as f64
}

#[test]
fn items_inserted_far_from_the_built_ones_are_found() {
    let seed = seed(31);
    for metric in Metric::ALL {
        for shift in [0.0, 5.0, 100.0] {
            let mut numbers = Numbers::new(seed);
            let index = built(metric, Codes::Auto, 8, &normals(&mut numbers, 2000 * 8, 0.0));
            for key in 2000..3000 {
                index.insert(key, &normals(&mut numbers, 8, shift)).unwrap();
            }
            let recall = recall(&index, &normals(&mut numbers, 200 * 8, shift));
            println!("{metric}, inserted at +{shift}, seed {seed}: recall@10 {recall:.4}");
            assert!(recall >= 0.95, "{metric}, +{shift}, seed {seed}: recall {recall}");
        }
    }
}

#[test]
fn queries_far_from_all_items_are_answered() {
    let seed = seed(32);
    let mut numbers = Numbers::new(seed);
    let vectors = normals(&mut numbers, 10_000 * 16, 0.0);
    let [index, plain] =
        [Codes::Auto, Codes::None].map(|codes| built(Metric::L2, codes, 16, &vectors));
    assert!(index.memory().codes > 0, "such data is worth codes");
    for factor in [1.0, 5.0, 30.0] {
        let queries = normals(&mut numbers, 200 * 16, 0.0);
        let queries: Vec<f32> = queries.iter().map(|x| x * factor).collect();
        // Far queries are hard on any graph: the measure is the index without codes.
        let [recall, plain] = [&index, &plain].map(|index| recall(index, &queries));
        println!("queries times {factor}, seed {seed}: recall@10 {recall:.4}, plain {plain:.4}");
        assert!(recall >= plain - 0.02, "times {factor}, seed {seed}: {recall}, plain {plain}");
    }
}

#[test]
fn a_dense_cluster_beside_a_few_far_rows_is_told_apart() {
    let seed = seed(33);
    let mut numbers = Numbers::new(seed);
    let mut vectors = normals(&mut numbers, 5000 * 16, 0.0);
    for row in vectors.chunks_mut(16).step_by(100) {
        for x in row {
            *x *= 1000.0;
        }
    }
    let index = built(Metric::L2, Codes::Auto, 16, &vectors);
    assert_eq!(index.memory().codes, 0, "one scale does not serve such data");
    let recall = recall(&index, &normals(&mut numbers, 200 * 16, 0.0));
    assert!(recall >= 0.95, "seed {seed}: recall {recall}");
}

#[test]
fn equal_distances_are_ranked_by_key() {
    let vectors: Vec<f32> = (0..80).flat_map(|_| [1.0, 2.0]).collect();
    let keys: Vec<u64> = (0..80).rev().collect();
    for codes in [Codes::None, Codes::U7] {
        let index = Index::builder(2).metric(Metric::L2).codes(codes).build().unwrap();
        index.bulk_build(&keys, &vectors, &Sequential, &mut |_| true).unwrap();
        for exact in [false, true] {
            // An eighth of ef has room for them all.
            let hits = index.search(&[1.0, 2.0]).k(5).ef(640).exact(exact).run().unwrap();
            let keys: Vec<u64> = hits.iter().map(|hit| hit.key).collect();
            assert_eq!(keys, [0, 1, 2, 3, 4], "{codes}, exact: {exact}");
        }
    }
}

#[test]
fn a_vector_too_short_for_a_direction_is_refused() {
    let index = Index::builder(2).metric(Metric::Cosine).build().unwrap();
    assert_eq!(index.insert(1, &[1e-45, 0.0]), Err(Error::ZeroVector { row: 0 }));
    index.insert(1, &[1e-29, 0.0]).unwrap();
    index.insert(2, &[0.0, 1e-29]).unwrap();
    let hits = index.search(&[1e-29, 0.0]).k(2).run().unwrap();
    assert_eq!((hits[0].key, hits[0].distance), (1, 0.0));
    assert_eq!((hits[1].key, hits[1].distance), (2, 1.0));
}
