//! Nanoseconds per row of each kernel, on each instruction set of this machine, with rows in the
//! first-level cache and scattered over 30 MB, which is what a graph walk sees.
//!
//! `cargo bench --bench kernels -- 'scattered/u7_dot/384'` runs one of them. A call scores
//! [`BATCH`] rows; criterion's throughput is in rows. On x86-64 the group `determinism` sets the
//! float kernels beside fused ones; its ratios are printed when it is asked for by that name alone.

#[cfg(target_arch = "x86_64")]
mod determinism;
#[cfg(target_arch = "x86_64")]
mod fused;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ecphory::arch::{Isa, Kernels, kernels_for};

/// Rows per call: what is left unvisited of an expanded node's links, roughly.
const BATCH: usize = 16;
const DIMENSIONS: [usize; 3] = [128, 384, 768];
const PLACES: [(&str, usize); 2] = [("near", 16 << 10), ("scattered", 30_000_000)];

/// Rows in one allocation and the order in which they are visited.
struct Rows {
    memory: Vec<u64>,
    stride: usize,
    order: Vec<usize>,
}

impl Rows {
    fn new(total: usize, stride: usize) -> Self {
        let count = (total / stride).max(BATCH);
        let mut state = 1u64;
        let mut random = move || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            state >> 33
        };
        // Each word is eight codes ≤ 63, four normal 16-bit floats and two floats in 0.5..=0.75.
        let memory = (0..count * stride / 8 + 8)
            .map(|_| (random() << 32 | random()) & 0x003f_3b3f_003f_3b3f | 0x3f00_0400_3f00_0400)
            .collect();
        let order = (0..count.next_multiple_of(BATCH).max(1 << 12))
            .map(|_| random() as usize % count)
            .collect();
        Self { memory, stride, order }
    }

    /// Pointers to the rows in visiting order, each on a cache line of its own.
    fn pointers(&self) -> Vec<*const u8> {
        let memory = self.memory.as_ptr().cast::<u8>();
        let first = memory.wrapping_add(memory.align_offset(64));
        self.order.iter().map(|row| first.wrapping_add(row * self.stride)).collect()
    }
}

fn bench(c: &mut Criterion) {
    for (place, total) in PLACES {
        for dimension in DIMENSIONS {
            for kernel in ["u7_dot", "u7_l2", "f32_dot", "f16_dot", "steps_dot"] {
                let size = match kernel {
                    "f32_dot" => 4,
                    "f16_dot" => 2,
                    _ => 1,
                };
                let rows = Rows::new(total, dimension * size);
                let pointers = rows.pointers();
                let mut group = c.benchmark_group(format!("{place}/{kernel}/{dimension}"));
                group.throughput(Throughput::Elements(BATCH as u64));
                for kernels in Isa::ALL.into_iter().filter_map(kernels_for) {
                    let mut batches = pointers.as_chunks::<BATCH>().0.iter().cycle();
                    group.bench_function(kernels.isa.name(), |b| {
                        b.iter(|| {
                            let batch = batches.next().expect("an endless cycle");
                            score(kernels, kernel, dimension, pointers[0], batch);
                        });
                    });
                }
            }
        }
    }
}

/// One call of a kernel.
fn score(
    kernels: &Kernels,
    kernel: &str,
    dimension: usize,
    query: *const u8,
    rows: &[*const u8; BATCH],
) {
    let (mut codes, mut floats) = ([0; BATCH], [0.0; BATCH]);
    // SAFETY: every row is `dimension` readable codes ≤ 127, or as many aligned floats.
    unsafe {
        match kernel {
            "u7_dot" => (kernels.u7_dot)(query.cast(), rows, dimension, &mut codes),
            "u7_l2" => (kernels.u7_l2)(query, rows, dimension, &mut codes),
            "f16_dot" => {
                let rows = rows.map(<*const u8>::cast);
                (kernels.f16_dot)(query.cast(), &rows, dimension, &mut floats);
            }
            "steps_dot" => (kernels.steps_dot)(query.cast(), rows, dimension, &mut floats),
            _ => {
                let rows = rows.map(<*const u8>::cast);
                (kernels.f32_dot)(query.cast(), &rows, dimension, &mut floats);
            }
        }
    }
    black_box((codes, floats));
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(50))
        .measurement_time(Duration::from_millis(200))
        .nresamples(10_000)
        .without_plots();
    targets = bench, determinism
}

#[cfg(target_arch = "x86_64")]
fn determinism(c: &mut Criterion) {
    // Criterion keeps its filter to itself.
    if std::env::args().any(|argument| argument == "determinism") {
        determinism::ratios();
    }
    determinism::bench(c);
}

/// Absent on purpose: other instruction sets have no kernel to compare with yet.
#[cfg(not(target_arch = "x86_64"))]
fn determinism(_: &mut Criterion) {}

criterion_main!(benches);
