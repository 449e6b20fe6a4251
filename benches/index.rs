//! Search, build, insert and open over the words20k set: 20,000 embeddings of 384 components and
//! 500 queries that are not from the same distribution.
//!
//! `cargo bench --bench index -- search/` runs one group. Throughput is in queries or rows;
//! what is found meanwhile (recall) is the business of the tests and of `cargo xtask bench peers`.

use std::cell::OnceCell;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Duration;

use criterion::{
    BatchSize, BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use ecphory::{Check, Codes, DEFAULT_EF, Index, Metric, Rows};
use ecphory_native::{HugePages, Pool, open, save};
use ecphory_tests::words;

/// What an index keeps, and what its searches walk on.
const KINDS: [(&str, Rows, Codes); 4] = [
    ("f32+codes", Rows::F32, Codes::Auto),
    ("f16+codes", Rows::F16, Codes::Auto),
    ("codes", Rows::Codes, Codes::U7),
    ("f32", Rows::F32, Codes::None),
];

/// Rows that are inserted one by one.
const INSERTS: usize = 5_000;

fn empty(rows: Rows, codes: Codes) -> Index {
    let builder = Index::builder(words().vectors.dim()).metric(Metric::Cosine);
    let builder = builder.rows(rows).codes(codes).allocator(std::sync::Arc::new(HugePages));
    builder.build().expect("the options fit")
}

/// An index of the first `count` words.
fn built(count: usize, rows: Rows, codes: Codes, pool: &Pool) -> Index {
    let index = empty(rows, codes);
    fill(&index, count, pool);
    index
}

fn fill(index: &Index, count: usize, pool: &Pool) {
    let vectors = &words().vectors;
    let keys: Vec<u64> = (0..count as u64).collect();
    let values = &vectors.values()[..count * vectors.dim()];
    index.bulk_build(&keys, values, pool, &mut |_| true).expect("the set fits");
}

/// One query at a time, and all of them on every core.
fn search(c: &mut Criterion) {
    let (pool, queries) = (Pool::per_core().expect("threads"), &words().queries);
    for (kind, rows, codes) in KINDS {
        // Built by the first measurement that is not filtered out.
        let index = OnceCell::new();
        let index = || index.get_or_init(|| built(words().vectors.rows(), rows, codes, &pool));
        let mut group = c.benchmark_group(format!("search/{kind}"));
        group.throughput(Throughput::Elements(1));
        for ef in [40, 100, 200] {
            group.bench_function(BenchmarkId::new("ef", ef), |b| {
                let (index, mut hits) = (index(), Vec::new());
                let mut rows = (0..queries.rows()).cycle();
                b.iter(|| {
                    let query = queries.row(rows.next().expect("an endless cycle"));
                    black_box(index.search(query).ef(ef).run_into(&mut hits)).expect("hits");
                });
            });
        }
        group.throughput(Throughput::Elements(queries.rows() as u64));
        group.bench_function(BenchmarkId::new("batch", DEFAULT_EF), |b| {
            let index = index();
            b.iter(|| index.search_batch(queries.values(), 10, DEFAULT_EF, &pool).expect("hits"));
        });
    }
}

/// All rows at once on every core.
fn build(c: &mut Criterion) {
    let (pool, count) = (Pool::per_core().expect("threads"), words().vectors.rows());
    let mut group = c.benchmark_group("build");
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    group.throughput(Throughput::Elements(count as u64));
    group.bench_function(BenchmarkId::from_parameter(count), |b| {
        b.iter_batched_ref(
            || empty(Rows::F32, Codes::Auto),
            |index| fill(index, count, &pool),
            BatchSize::PerIteration,
        );
    });
}

/// Row after row into an index that grows from nothing, on one thread.
fn insert(c: &mut Criterion) {
    let vectors = &words().vectors;
    let mut group = c.benchmark_group("insert");
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    group.throughput(Throughput::Elements(INSERTS as u64));
    group.bench_function(BenchmarkId::from_parameter(INSERTS), |b| {
        b.iter_batched_ref(
            || empty(Rows::F32, Codes::Auto),
            |index| {
                for row in 0..INSERTS {
                    index.insert(row as u64, vectors.row(row)).expect("the row fits");
                }
            },
            BatchSize::PerIteration,
        );
    });
}

/// A snapshot file that is gone with this value.
struct Saved {
    path: PathBuf,
}

impl Saved {
    fn new(count: usize) -> Self {
        let pool = Pool::per_core().expect("threads");
        let name = format!("ecphory-bench-{count}-{}.ecp", std::process::id());
        let path = std::env::temp_dir().join(name);
        let index = built(count, Rows::F32, Codes::Auto, &pool);
        save(&index, &path).expect("room for a snapshot");
        Self { path }
    }
}

impl Drop for Saved {
    fn drop(&mut self) {
        // A file that stays behind in the folder for temporary files does no harm.
        drop(std::fs::remove_file(&self.path));
    }
}

/// Snapshots of two sizes: mapped with the header checked, which must not depend on the size, and
/// read with everything checked.
fn open_snapshot(c: &mut Criterion) {
    for count in [1_000, words().vectors.rows()] {
        let saved = OnceCell::new();
        let saved = || saved.get_or_init(|| Saved::new(count));
        for (name, check) in [("mapped", Check::Header), ("verified", Check::Full)] {
            let mut group = c.benchmark_group(format!("open/{name}"));
            group.sample_size(20).throughput(Throughput::Elements(count as u64));
            group.bench_function(BenchmarkId::from_parameter(count), |b| {
                let saved = saved();
                b.iter_with_large_drop(|| open(&saved.path, check).expect("a sound snapshot"));
            });
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(500))
        .nresamples(10_000)
        .without_plots();
    targets = search, build, insert, open_snapshot
}
criterion_main!(benches);
