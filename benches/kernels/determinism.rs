//! The group `determinism`, and before it the ratios that the ledger quotes: minima of many short
//! runs, canonical and fused in turn, which hold on a busy machine where means do not.

use std::hint::black_box;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, Throughput};
use ecphory::arch::FloatKernel;

use crate::fused::{Pair, pairs};
use crate::{BATCH, DIMENSIONS, Rows};

/// Bytes of rows: in the first-level cache, and a table that no second level holds.
const PLACES: [(&str, usize); 2] = [("near", 16 << 10), ("far", 64 << 20)];
/// Runs of which the fastest counts.
const RUNS: usize = 1_000;
/// Batches in a run.
const BATCHES: usize = 64;

/// Both kernels of each pair on the same rows.
pub(crate) fn bench(c: &mut Criterion) {
    for (place, total) in PLACES {
        for dimension in DIMENSIONS {
            let rows = Rows::new(total, dimension * 4);
            let pointers: Vec<*const f32> =
                rows.pointers().into_iter().map(<*const u8>::cast).collect();
            for pair in pairs() {
                let Pair { isa, measure, canonical, fused } = pair;
                let mut group =
                    c.benchmark_group(format!("determinism/{place}/{measure}/{dimension}"));
                group.throughput(Throughput::Elements(BATCH as u64));
                for (order, kernel) in [("canonical", canonical), ("fused", fused)] {
                    let mut batches = pointers.as_chunks::<BATCH>().0.iter().cycle();
                    group.bench_function(BenchmarkId::new(isa.name(), order), |b| {
                        b.iter(|| {
                            let batch = batches.next().expect("an endless cycle");
                            score(kernel, pointers[0], batch, dimension);
                        });
                    });
                }
            }
        }
    }
}

/// Prints nanoseconds a row of both kernels of each pair, and their ratio.
pub(crate) fn ratios() {
    println!(
        "place  dim  isa     sum  canonical   fused  ratio   (ns a row, minima of {RUNS} runs)"
    );
    for (place, total) in PLACES {
        for dimension in DIMENSIONS {
            let rows = Rows::new(total, dimension * 4);
            let pointers: Vec<*const f32> =
                rows.pointers().into_iter().map(<*const u8>::cast).collect();
            for Pair { isa, measure, canonical, fused } in pairs() {
                let [canonical, fused] = fastest([canonical, fused], &pointers, dimension);
                let ratio = canonical / fused;
                println!(
                    "{place:<5}{dimension:>5}  {:<7} {measure:<4}{canonical:>10.1}{fused:>8.1}{ratio:>7.2}",
                    isa.name()
                );
            }
        }
    }
}

/// Nanoseconds a row of each kernel's fastest run. Each run goes on where the one before stopped,
/// so that far rows are not those that the other kernel has just read.
fn fastest(kernels: [FloatKernel<f32>; 2], pointers: &[*const f32], dimension: usize) -> [f64; 2] {
    let mut batches = pointers.as_chunks::<BATCH>().0.iter().cycle();
    agree(kernels, pointers, dimension);
    let mut fastest = [f64::INFINITY; 2];
    for _ in 0..RUNS {
        for (kernel, fastest) in kernels.iter().zip(&mut fastest) {
            let start = Instant::now();
            for batch in batches.by_ref().take(BATCHES) {
                score(*kernel, pointers[0], batch, dimension);
            }
            let rows = (BATCHES * BATCH) as f64;
            *fastest = fastest.min(start.elapsed().as_secs_f64() * 1e9 / rows);
        }
    }
    fastest
}

/// Fails if two kernels do not compute the same but for rounding.
fn agree(kernels: [FloatKernel<f32>; 2], pointers: &[*const f32], dimension: usize) {
    let batch = pointers.first_chunk().expect("a batch of rows");
    let [canonical, fused] = kernels.map(|kernel| score(kernel, pointers[BATCH], batch, dimension));
    for (canonical, fused) in canonical.into_iter().zip(fused) {
        let apart = (canonical - fused).abs();
        assert!(apart <= 1e-5 * canonical.abs(), "{canonical} and {fused} are not one sum");
    }
}

/// One call of a kernel.
fn score(
    kernel: FloatKernel<f32>,
    query: *const f32,
    rows: &[*const f32; BATCH],
    len: usize,
) -> [f32; BATCH] {
    let mut out = [0.0; BATCH];
    // SAFETY: query and rows are `len` aligned floats, and the machine has the instruction set.
    unsafe { kernel(query, rows, len, &mut out) };
    black_box(out)
}
