//! A scan over one bit per component, whose best are compared again on full vectors.
//!
//! It is here to know what such codes would keep; the library has none.

use std::sync::{Mutex, PoisonError};

use ecphory_native::bench::Truth;
use ecphory_native::ecphory::exec::Exec;
use ecphory_native::ecphory::{Hit, Metric};
use ecphory_native::vectors::Vectors;
use serde_json::{Map, Value, json};

use crate::K;
use crate::sets::{Set, points};

/// How many are compared again.
const AGAIN: [usize; 9] = [10, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];
/// Points of recall that may be lost.
const LOSS: f64 = 1.0;
/// Queries that are scanned for.
const QUERIES: usize = 1_000;
/// Queries per piece of parallel work.
const GRAIN: usize = 16;

/// The recall of each choice of [`AGAIN`], its distance from exact in points, and the smallest that
/// loses at most [`LOSS`].
pub(crate) fn measure(set: &Set, truth: &Truth<'_>, exec: &dyn Exec) -> Value {
    let mean = mean(&set.base);
    let codes: Vec<u64> = set.base.iter().flat_map(|row| signs(row, &mean)).collect();
    let queries = QUERIES.min(set.queries.rows());
    let sums = Mutex::new([0; AGAIN.len()]);
    exec.for_each(queries, GRAIN, &|range| {
        for query in range {
            let near = nearest_codes(&codes, &signs(set.queries.row(query), &mean));
            let near = compared_again(set, query, &near);
            let found = AGAIN.map(|again| {
                let mut hits = near[..again.min(near.len())].to_vec();
                hits.sort_by(|a, b| a.distance.total_cmp(&b.distance));
                truth.count(query, &hits)
            });
            let mut sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
            sums.iter_mut().zip(found).for_each(|(sum, found)| *sum += found);
        }
    });
    let sums = sums.into_inner().unwrap_or_else(PoisonError::into_inner);
    let recalls = sums.map(|sum| sum as f64 / (queries * K) as f64);
    let again: Map<String, Value> = AGAIN
        .into_iter()
        .zip(recalls)
        .map(|(again, recall)| {
            (again.to_string(), json!({ "recall": recall, "points": points(recall, 1.0) }))
        })
        .collect();
    let enough = recalls.iter().position(|&recall| points(recall, 1.0) >= -LOSS);
    json!({ "compared_again": again, "smallest_within_a_point": enough.map(|at| AGAIN[at]) })
}

fn mean(vectors: &Vectors) -> Vec<f32> {
    let mut sums = vec![0.0; vectors.dim()];
    for row in vectors.iter() {
        sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
    }
    sums.into_iter().map(|sum| (sum / vectors.rows() as f64) as f32).collect()
}

/// A bit for each component: whether it is above the mean.
fn signs(row: &[f32], mean: &[f32]) -> Vec<u64> {
    let bits = row.iter().zip(mean).map(|(x, mean)| u64::from(x > mean)).collect::<Vec<_>>();
    bits.chunks(64).map(|bits| bits.iter().rev().fold(0, |word, bit| word << 1 | bit)).collect()
}

/// The rows whose codes differ least from that of the query, nearest first, ties by row: as many as
/// are ever compared again.
fn nearest_codes(codes: &[u64], query: &[u64]) -> Vec<u32> {
    let differing = |code: &[u64]| -> u64 {
        code.iter().zip(query).map(|(a, b)| u64::from((a ^ b).count_ones())).sum()
    };
    let mut near: Vec<u64> = codes
        .chunks_exact(query.len())
        .zip(0..)
        .map(|(code, row): (_, u32)| differing(code) << 32 | u64::from(row))
        .collect();
    let most = AGAIN.into_iter().max().unwrap_or(K).min(near.len() - 1);
    near.select_nth_unstable(most);
    near.truncate(most);
    near.sort_unstable();
    near.into_iter().map(|entry| entry as u32).collect()
}

/// How far `rows` are on full vectors, in their order.
fn compared_again(set: &Set, query: usize, rows: &[u32]) -> Vec<Hit> {
    let query = set.queries.row(query);
    let hit = |&row: &u32| {
        let distance = distance(set.metric, query, set.base.row(row as usize));
        Hit { key: row.into(), distance }
    };
    rows.iter().map(hit).collect()
}

/// Something that orders rows of one query as the metric does.
fn distance(metric: Metric, query: &[f32], row: &[f32]) -> f32 {
    let dot = || query.iter().zip(row).map(|(a, b)| a * b).sum::<f32>();
    match metric {
        Metric::L2 => query.iter().zip(row).map(|(a, b)| (a - b) * (a - b)).sum(),
        Metric::InnerProduct => -dot(),
        Metric::Cosine => -dot() / row.iter().map(|x| x * x).sum::<f32>().sqrt(),
    }
}
