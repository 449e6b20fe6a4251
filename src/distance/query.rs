//! A checked query in full precision.

use super::Metric;
use super::check::power_of_two_near;
use crate::arch::Kernels;
use crate::limits::NORM_SQUARED_MAX;

/// How rows stand for vectors where they are whole steps from a mean: `mean + scale · steps`.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) mean: &'a [f32],
    pub(crate) scale: f32,
}

/// A query under one metric, and how raw sums over it become distances.
///
/// Cosine queries are scaled by a power of two, which is exact and leaves the angle as it is, so
/// that a tiny query does not lose its digits.
pub(crate) struct Query {
    metric: Metric,
    kernels: &'static Kernels,
    vector: Vec<f32>,
    norm: f32,
    /// What makes sums over the vectors of sums over steps: a step, and the part of the mean.
    frame: Option<(f32, f32)>,
}

impl Query {
    /// An empty query; [`Self::set`] gives it a vector.
    pub(crate) fn new(metric: Metric, kernels: &'static Kernels) -> Self {
        Self { metric, kernels, vector: Vec::new(), norm: 0.0, frame: None }
    }

    /// Takes a vector that [`super::check`] has passed, keeping the memory of the last, to be
    /// compared with rows in `frame`, or with the vectors themselves.
    pub(crate) fn set(&mut self, vector: &[f32], frame: Option<Frame<'_>>) {
        self.vector.clear();
        if self.metric == Metric::Cosine {
            let scale = power_of_two_near(vector);
            self.vector.extend(vector.iter().map(|x| x * scale));
            self.norm = self.kernels.dot(&self.vector, &self.vector).sqrt();
        } else {
            self.vector.extend_from_slice(vector);
        }
        self.frame = frame.map(|frame| self.enter(frame));
    }

    /// Moves the query into a frame: `q·x = q·mean + scale · q·steps`, and
    /// `|q − x|² = scale² · |(q − mean) / scale − steps|²`.
    fn enter(&mut self, Frame { mean, scale }: Frame<'_>) -> (f32, f32) {
        if self.metric != Metric::L2 {
            return (scale, self.kernels.dot(&self.vector, mean));
        }
        self.vector.iter_mut().zip(mean).for_each(|(q, mean)| *q -= mean);
        let far = self.kernels.dot(&self.vector, &self.vector);
        self.vector.iter_mut().for_each(|q| *q /= scale);
        if self.kernels.dot(&self.vector, &self.vector) <= NORM_SQUARED_MAX {
            return (scale, 0.0);
        }
        // So many steps away that no digit of the distance tells rows apart.
        self.vector.fill(0.0);
        (0.0, far)
    }

    /// What rows are summed with: `Σ (qᵢ − xᵢ)²` under L2, `Σ qᵢ·xᵢ` otherwise, where x is the row
    /// as it lies in memory.
    pub(crate) fn vector(&self) -> &[f32] {
        &self.vector
    }

    /// What products with [`Self::vector`] are divided by: its length under cosine, else 1.
    pub(crate) fn length(&self) -> f32 {
        if self.metric == Metric::Cosine { self.norm } else { 1.0 }
    }

    /// Turns the sums of rows into distances; `norm_of(i)` is the length of row `i` (cosine only).
    pub(crate) fn finish(&self, sums: &mut [f32], norm_of: impl Fn(usize) -> f32) {
        if let Some((step, of_mean)) = self.frame {
            let squared = if self.metric == Metric::L2 { step } else { 1.0 };
            for sum in &mut *sums {
                *sum = of_mean + step * (squared * *sum);
            }
        }
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
