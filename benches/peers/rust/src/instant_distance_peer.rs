//! `instant-distance`: HNSW whose `M` (32) and `ef` are fixed when it is built.

use crate::npy::Matrix;
use crate::{EF_CONSTRUCTION, Metric, Peer};
use instant_distance::{Builder, HnswMap, Point, Search};

/// The one value of `ef` that it is asked with: its default.
const EF: usize = 100;

#[derive(Clone)]
struct Row {
    values: Box<[f32]>,
    metric: Metric,
}

impl Point for Row {
    fn distance(&self, other: &Self) -> f32 {
        let (a, b) = (&self.values, &other.values);
        match self.metric {
            Metric::L2 => sum(a, b, |a, b| (a - b) * (a - b)),
            Metric::InnerProduct => 1.0 - sum(a, b, |a, b| a * b),
        }
    }
}

/// The sum of a term over all components, in sixteen parts: the library leaves the kernel to its
/// users, and this one the compiler turns into vector code.
fn sum(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let (a_blocks, a_rest) = a.as_chunks::<16>();
    let (b_blocks, b_rest) = b.as_chunks::<16>();
    let mut sums = [0.0; 16];
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for (sum, (&a, &b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += term(a, b);
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(&a, &b)| term(a, b)).sum();
    sums.iter().sum::<f32>() + rest
}

/// A built map and the scratch of its searches.
pub(crate) struct Map {
    map: HnswMap<Row, usize>,
    metric: Metric,
    scratch: Search,
}

/// Builds over all rows.
pub(crate) fn build(base: &Matrix, metric: Metric) -> Map {
    let rows: Vec<Row> = base.rows().map(|values| Row { values: values.into(), metric }).collect();
    let numbers = (0..rows.len()).collect();
    let builder = Builder::default().ef_construction(EF_CONSTRUCTION).ef_search(EF).seed(0);
    Map { map: builder.build(rows, numbers), metric, scratch: Search::default() }
}

impl Peer for Map {
    fn version(&self) -> &'static str {
        "0.6.1"
    }

    fn efs(&self) -> &[usize] {
        &[EF]
    }

    fn search(&mut self, query: &[f32], k: usize, _ef: usize) -> Vec<usize> {
        let query = Row { values: query.into(), metric: self.metric };
        let found = self.map.search(&query, &mut self.scratch);
        found.take(k).map(|item| *item.value).collect()
    }
}
