//! Fitting a quantiser to data, the same on every target and for any number of threads.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Quantizer;
use crate::exec::Exec;

/// Rows that are looked at, evenly spaced over the input.
const SAMPLE_MAX: usize = 1 << 16;
/// Rows per block; blocks are summed alone and folded in order.
const BLOCK: usize = 256;
/// One component in this many may be clamped.
const CLAMPED: u64 = 100_000;
/// Histogram bins: the upper bits of a float's magnitude, so a bin is 1/128 of a power of two.
const BINS: usize = 1 << 15;

/// Steps that the usual (median) component lies from the mean, at least, for codes to tell rows
/// apart: 7 for the embeddings and 5 for the image features that were measured.
const FINE_STEPS: f32 = 1.5;

/// A quantiser, and whether its codes are fine enough to be compared instead of vectors.
pub(crate) struct Fit {
    pub(crate) quantizer: Quantizer,
    pub(crate) is_fine: bool,
}

/// Fits mean and scale to `rows` vectors of `dim` components; `row(i)` gives a vector and the norm
/// to divide it by.
///
/// O(sample · dim) time, twice; O(dim · sample / 256) memory.
pub(crate) fn fit<'a>(
    rows: usize,
    dim: usize,
    row: &(dyn Fn(usize) -> (&'a [f32], f32) + Sync),
    exec: &dyn Exec,
) -> Fit {
    let sample = rows.min(SAMPLE_MAX);
    let sampled = |i: usize| row((i as u64 * rows as u64 / sample as u64) as usize);
    let mean = mean(sample, dim, &sampled, exec);
    let deviations = deviations(sample, &mean, &sampled, exec);
    let all = (sample * dim) as u64;
    let extent = deviations.exceeded_by(all / CLAMPED);
    // Constant data has no extent; any scale encodes it.
    let extent = if extent > f32::MIN_POSITIVE * 1e6 { extent } else { 63.0 };
    let scale = extent / 63.0;
    let is_fine = deviations.exceeded_by(all / 2) >= FINE_STEPS * scale;
    Fit { quantizer: Quantizer::new(mean, scale), is_fine }
}

fn mean<'a>(
    sample: usize,
    dim: usize,
    row: &(dyn Fn(usize) -> (&'a [f32], f32) + Sync),
    exec: &dyn Exec,
) -> Vec<f32> {
    let blocks: Vec<OnceLock<Vec<f64>>> = vec![OnceLock::new(); sample.div_ceil(BLOCK)];
    exec.for_each(blocks.len(), 1, &|range| {
        for block in range {
            let mut sums = vec![0.0f64; dim];
            for i in block * BLOCK..((block + 1) * BLOCK).min(sample) {
                let (vector, norm) = row(i);
                for (sum, &x) in sums.iter_mut().zip(vector) {
                    *sum += f64::from(x / norm);
                }
            }
            blocks[block].set(sums).expect("each block is summed once");
        }
    });
    let mut total = vec![0.0f64; dim];
    for block in &blocks {
        for (total, sum) in total.iter_mut().zip(block.get().expect("all blocks are summed")) {
            *total += sum;
        }
    }
    total.iter().map(|sum| (sum / sample.max(1) as f64) as f32).collect()
}

/// How far components lie from their mean, counted by [`BINS`].
struct Deviations(Vec<AtomicU64>);

impl Deviations {
    /// The upper edge of the bin that holds the deviation which `count` components exceed.
    fn exceeded_by(&self, count: u64) -> f32 {
        let mut left = count;
        for bin in (0..BINS).rev() {
            let here = self.0[bin].load(Ordering::Relaxed);
            if here > left {
                return f32::from_bits(((bin as u32) << 16) | 0xffff);
            }
            left -= here;
        }
        0.0
    }
}

fn deviations<'a>(
    sample: usize,
    mean: &[f32],
    row: &(dyn Fn(usize) -> (&'a [f32], f32) + Sync),
    exec: &dyn Exec,
) -> Deviations {
    // Relaxed adds of integers commute, so the histogram does not depend on the threads.
    let histogram: Vec<AtomicU64> = (0..BINS).map(|_| AtomicU64::new(0)).collect();
    exec.for_each(sample, BLOCK, &|range| {
        let mut local = vec![0u32; BINS];
        for i in range {
            let (vector, norm) = row(i);
            for (&x, &mean) in vector.iter().zip(mean) {
                local[((x / norm - mean).abs().to_bits() >> 16) as usize] += 1;
            }
        }
        for (bin, &count) in local.iter().enumerate().filter(|(_, count)| **count > 0) {
            histogram[bin].fetch_add(u64::from(count), Ordering::Relaxed);
        }
    });
    Deviations(histogram)
}
