//! `hnsw_rs`: HNSW with the vector kernels of its `simdeez_f` feature.

use crate::npy::Matrix;
use crate::{EF_CONSTRUCTION, EFS, M, Metric, Peer};
use hnsw_rs::prelude::{DistDot, DistL2, Distance, Hnsw};

/// Levels that it makes room for: its documentation's own limit.
const LEVELS: usize = 16;

struct Graph<D: Distance<f32> + Send + Sync>(Hnsw<'static, f32, D>);

/// Builds over all rows.
pub(crate) fn build(base: &Matrix, metric: Metric) -> Box<dyn Peer> {
    match metric {
        Metric::L2 => Box::new(Graph::new(base, DistL2)),
        Metric::InnerProduct => Box::new(Graph::new(base, DistDot)),
    }
}

impl<D: Distance<f32> + Send + Sync> Graph<D> {
    fn new(base: &Matrix, distance: D) -> Self {
        let rows: Vec<(&[f32], usize)> =
            base.rows().enumerate().map(|(row, values)| (values, row)).collect();
        let mut graph = Hnsw::new(M, rows.len(), LEVELS, EF_CONSTRUCTION, distance);
        graph.parallel_insert_slice(&rows);
        graph.set_searching_mode(true);
        Self(graph)
    }
}

impl<D: Distance<f32> + Send + Sync> Peer for Graph<D> {
    fn version(&self) -> &'static str {
        "0.3.5"
    }

    fn efs(&self) -> &[usize] {
        &EFS
    }

    fn search(&mut self, query: &[f32], k: usize, ef: usize) -> Vec<usize> {
        self.0.search(query, k, ef).into_iter().map(|neighbour| neighbour.d_id).collect()
    }
}
