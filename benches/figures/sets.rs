//! The data sets, indexes over them, and the recall of what these find.

use std::path::PathBuf;
use std::sync::Arc;

use ecphory_native::bench::Truth;
use ecphory_native::ecphory::exec::Exec;
use ecphory_native::ecphory::{Batch, Builder, Hit, Index, Metric, Rows};
use ecphory_native::vectors::{self, Vectors};
use ecphory_native::{HugePages, Pool};

use crate::{K, Outcome};

/// Vectors, and queries that are not among them.
pub(crate) struct Set {
    pub(crate) name: &'static str,
    pub(crate) metric: Metric,
    pub(crate) base: Vectors,
    pub(crate) queries: Vectors,
}

impl Set {
    /// Up to `rows` descriptors of photographs, 128 components, L2.
    pub(crate) fn sift(rows: usize) -> Outcome<Self> {
        let [base, queries] = read(&data()?, ["sift-128.u8.npy", "sift-queries-128.u8.npy"])?;
        Ok(Self { name: "sift-128", metric: Metric::L2, base: thinned(base, rows), queries })
    }

    /// Up to `rows` embedded definitions, 384 components, cosine; queries are sentences.
    pub(crate) fn wordnet(rows: usize) -> Outcome<Self> {
        let names = ["wordnet-384.f16.npy", "wordnet-queries-384.f16.npy"];
        let [base, queries] = read(&data()?, names)?;
        Ok(Self { name: "wordnet-384", metric: Metric::Cosine, base: thinned(base, rows), queries })
    }

    /// The demo set that ships with the repository: embedded definitions of its 20,000 words.
    pub(crate) fn words20k() -> Outcome<Self> {
        let folder = root().join("tests/fixtures/words20k");
        let names = ["words20k-384.i8.npy", "words20k-queries-384.f16.npy"];
        let [base, queries] = read(&folder, names)?;
        let base = base.scaled(&vectors::read_scales(folder.join("words20k-scale.f32.npy"))?)?;
        Ok(Self { name: "words20k", metric: Metric::Cosine, base, queries })
    }

    /// [`Self::wordnet`] with 768 components: each row followed by a non-linear image of itself.
    pub(crate) fn lifted(rows: usize) -> Outcome<Self> {
        let Self { metric, base, queries, .. } = Self::wordnet(rows)?;
        let mix = noise(base.dim() * base.dim());
        let [base, queries] = [base, queries].map(|vectors| lifted(&vectors, &mix));
        Ok(Self { name: "lifted-768", metric, base, queries })
    }

    /// An index to be, as the `ecphory` command makes it.
    pub(crate) fn builder(&self) -> Builder {
        Index::builder(self.base.dim()).metric(self.metric).allocator(Arc::new(HugePages))
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.base.rows()
    }

    /// The keys of all rows: their numbers.
    pub(crate) fn keys(&self) -> Vec<u64> {
        (0..self.len() as u64).collect()
    }

    /// An index over all rows, built in bulk, that keeps `rows` of them.
    pub(crate) fn bulk(&self, rows: Rows, exec: &dyn Exec) -> Outcome<Index> {
        let index = self.builder().rows(rows).build()?;
        index.bulk_build(&self.keys(), self.base.values(), exec, &mut |_| true)?;
        Ok(index)
    }

    /// The judge. `index` holds all rows, and all of each.
    pub(crate) fn truth(&self, index: &Index) -> Outcome<Truth<'_>> {
        eprintln!("  {}: searching exactly", self.name);
        Ok(Truth::exact(index, &self.base, &self.queries, K, &Pool::per_core()?)?)
    }
}

/// Recall of searches for the queries of `truth` that keep `ef` candidates.
pub(crate) fn recall(index: &Index, truth: &Truth<'_>, ef: usize) -> Outcome<f64> {
    let queries = truth.queries().values();
    let found = index.search_batch(queries, K, ef, &Pool::per_core()?)?;
    Ok(recall_of(&found, truth))
}

/// Recall of what was found for the queries of `truth`.
pub(crate) fn recall_of(found: &Batch, truth: &Truth<'_>) -> f64 {
    let pairs = found.keys.iter().zip(&found.distances);
    let hits: Vec<Hit> = pairs.map(|(&key, &distance)| Hit { key, distance }).collect();
    let lists = hits.chunks_exact(K).enumerate();
    lists.map(|(query, hits)| truth.count(query, hits)).sum::<usize>() as f64 / hits.len() as f64
}

/// By how many points of recall `a` is above `b`.
pub(crate) fn points(a: f64, b: f64) -> f64 {
    100.0 * (a - b)
}

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The folder of the larger sets.
fn data() -> Outcome<PathBuf> {
    let named = std::env::var_os("ECPHORY_DATA").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| root().join("../shared/data"));
    if folder.is_dir() {
        Ok(folder)
    } else {
        let folder = folder.display();
        Err(format!("there is no folder {folder}; name that of the larger sets in ECPHORY_DATA"))?
    }
}

fn read(folder: &std::path::Path, names: [&str; 2]) -> Outcome<[Vectors; 2]> {
    let [base, queries] = names.map(|name| vectors::read(folder.join(name)));
    Ok([base?, queries?])
}

/// At most `rows` of the vectors, taken evenly and in their order.
fn thinned(vectors: Vectors, rows: usize) -> Vectors {
    let total = vectors.rows();
    if rows >= total {
        return vectors;
    }
    let values = (0..rows).flat_map(|row| vectors.row(row * total / rows)).copied().collect();
    Vectors::new(rows, vectors.dim(), values).expect("as many values as were taken")
}

/// Standard normal numbers, nearly, and the same ones every time.
fn noise(count: usize) -> Vec<f32> {
    let mut state = 768_u64;
    let mut uniform = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1 << 24) as f32
    };
    (0..count).map(|_| (0..12).map(|_| uniform()).sum::<f32>() - 6.0).collect()
}

/// Each row `x` of `d` components, normalised, followed by the `d` of `tanh(2 · x · mix) / √d`.
fn lifted(vectors: &Vectors, mix: &[f32]) -> Vectors {
    let dim = vectors.dim();
    let mut values = Vec::with_capacity(2 * vectors.values().len());
    for row in vectors.iter() {
        let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        let mut image = vec![0.0; dim];
        for (x, mix) in row.iter().zip(mix.chunks_exact(dim)) {
            for (sum, factor) in image.iter_mut().zip(mix) {
                *sum += x / norm * factor;
            }
        }
        let folded = image.iter().map(|sum| (2.0 * sum).tanh() / (dim as f32).sqrt());
        values.extend(row.iter().map(|x| x / norm).chain(folded));
    }
    Vectors::new(vectors.rows(), 2 * dim, values).expect("as many values for each row")
}
