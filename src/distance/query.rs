//! A checked query in full precision.

use super::Metric;
use super::check::power_of_two_near;
use crate::arch::Kernels;

/// A query under one metric, and how raw sums over it become distances.
///
/// Cosine queries are scaled by a power of two, which is exact and leaves the angle as it is, so
/// that a tiny query does not lose its digits.
pub(crate) struct Query {
    metric: Metric,
    kernels: &'static Kernels,
    vector: Vec<f32>,
    norm: f32,
}

impl Query {
    /// An empty query; [`Self::set`] gives it a vector.
    pub(crate) fn new(metric: Metric, kernels: &'static Kernels) -> Self {
        Self { metric, kernels, vector: Vec::new(), norm: 0.0 }
    }

    /// Takes a vector that [`super::check`] has passed, keeping the memory of the last.
    pub(crate) fn set(&mut self, vector: &[f32]) {
        self.vector.clear();
        if self.metric == Metric::Cosine {
            let scale = power_of_two_near(vector);
            self.vector.extend(vector.iter().map(|x| x * scale));
            self.norm = self.kernels.dot(&self.vector, &self.vector).sqrt();
        } else {
            self.vector.extend_from_slice(vector);
        }
    }

    /// What rows are summed with: `Σ (qᵢ − xᵢ)²` under L2, `Σ qᵢ·xᵢ` otherwise.
    pub(crate) fn vector(&self) -> &[f32] {
        &self.vector
    }

    /// Turns the sums of rows into distances; `norm_of(i)` is the length of row `i` (cosine only).
    pub(crate) fn finish(&self, sums: &mut [f32], norm_of: impl Fn(usize) -> f32) {
        match self.metric {
            Metric::L2 => {}
            Metric::InnerProduct => sums.iter_mut().for_each(|sum| *sum = 0.0 - *sum),
            Metric::Cosine => {
                for (i, sum) in sums.iter_mut().enumerate() {
                    *sum = (1.0 - *sum / (self.norm * norm_of(i))).max(0.0);
                }
            }
        }
    }
}
