//! `ecphory build`: vectors in, snapshot out.

use std::path::PathBuf;

use clap::Args;
use ecphory_native::bench::Samples;
use ecphory_native::ecphory::{Builder, Codes, Index, Item, Metric, Rows};
use ecphory_native::vectors::{self, Vectors};
use ecphory_native::{HugePages, Pool, bench, cores, save};
use serde::Serialize;

use super::output::{self, Output};
use super::progress::Line;
use super::{format, keys};

#[derive(Args)]
pub(super) struct Build {
    /// Vectors: .npy (f32, f16, u8, i8), .fvecs or .bvecs.
    #[arg(long, value_name = "FILE")]
    base: PathBuf,

    /// The snapshot to write; an existing file is replaced.
    #[arg(short, long, value_name = "FILE.ecp")]
    out: PathBuf,

    /// One key a vector: .npy (i32, u32, i64, u64), .ivecs, or a number a line (.txt). Row numbers
    /// unless given.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,

    /// One name a vector, on a line each, in place of keys.
    #[arg(long, value_name = "FILE", conflicts_with = "keys")]
    names: Option<PathBuf>,

    #[command(flatten)]
    index: IndexArgs,

    #[command(flatten)]
    tune: TuneArgs,
}

/// How a new index is tuned, shared by `build` and `bench`.
#[derive(Args)]
pub(super) struct TuneArgs {
    /// Does not measure which searches reach which recall: none can ask for a recall then.
    #[arg(long)]
    no_tune: bool,

    /// Queries like those to come, to tune on: .npy, .fvecs or .bvecs. Made from the vectors unless
    /// given.
    #[arg(long, value_name = "FILE", conflicts_with = "no_tune")]
    samples: Option<PathBuf>,
}

impl TuneArgs {
    pub(super) fn read(&self) -> anyhow::Result<Samples> {
        Ok(match &self.samples {
            Some(path) => Samples::Queries(vectors::read(path)?),
            None if self.no_tune => Samples::None,
            None => Samples::Items,
        })
    }
}

/// Options of a new index, shared by `build` and `bench`.
#[derive(Args)]
pub(super) struct IndexArgs {
    /// How vectors are compared: l2, ip or cosine.
    #[arg(long, default_value_t)]
    metric: Metric,

    /// Links of a node on each upper level; twice as many on the lowest. 16 unless given.
    #[arg(long, value_name = "N")]
    m: Option<usize>,

    /// Candidates considered for an item's links. 100 unless given.
    #[arg(long, value_name = "N")]
    ef_construction: Option<usize>,

    /// What a traversal reads: auto, none or u7.
    #[arg(long, default_value_t)]
    codes: Codes,

    /// What is kept of each vector: f32, f16 or codes.
    #[arg(long, default_value_t)]
    rows: Rows,

    /// Threads that build.
    #[arg(long, value_name = "N", default_value_t = cores())]
    threads: usize,

    /// Seed of levels and insertion order: the same seed and input give the same index.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

impl IndexArgs {
    pub(super) fn builder(&self, dim: usize) -> Builder {
        let mut builder = Index::builder(dim)
            .metric(self.metric)
            .codes(self.codes)
            .rows(self.rows)
            .seed(self.seed)
            .allocator(std::sync::Arc::new(HugePages));
        if let Some(m) = self.m {
            builder = builder.m(m);
        }
        if let Some(ef_construction) = self.ef_construction {
            builder = builder.ef_construction(ef_construction);
        }
        builder
    }

    pub(super) fn pool(&self) -> anyhow::Result<Pool> {
        Ok(Pool::new(self.threads)?)
    }
}

/// What was built.
#[derive(Serialize)]
struct Built {
    n: usize,
    dim: usize,
    metric: &'static str,
    build: bench::Build,
    tune: Option<bench::Tune>,
    memory: bench::Memory,
    #[serde(serialize_with = "output::path")]
    out: PathBuf,
    snapshot_bytes: u64,
}

impl Build {
    pub(super) fn run(self, output: &Output) -> anyhow::Result<()> {
        let pool = self.index.pool()?;
        let mut line = Line::new();
        line.say("reading");
        let base = vectors::read(&self.base)?;
        let names = self.names.as_deref().map(|path| keys::names(path, &base)).transpose()?;
        let samples = self.tune.read()?;

        let builder = self.index.builder(base.dim());
        let (index, took) = if let Some(names) = &names {
            let items: Vec<_> =
                names.iter().zip(base.iter()).map(|(n, v)| Item::named(n, v)).collect();
            bench::build_items(builder, &items, &pool, &mut |progress| line.build(progress))?
        } else {
            let keys = self.keys(&base)?;
            bench::build(builder, &keys, &base, &pool, &mut |progress| line.build(progress))?
        };
        let tuned = bench::tune(&index, &samples, &pool, &mut |progress| line.build(progress))?;
        line.say("writing");
        let snapshot_bytes = save(&index, &self.out)?;
        drop(line);
        let built = Built {
            n: index.len(),
            dim: base.dim(),
            metric: index.options().metric.name(),
            build: bench::Build::new(base.rows(), took, self.index.threads),
            tune: tuned.map(|(found, took)| bench::Tune::new(&found, took, self.index.threads)),
            memory: bench::Memory::new(&index),
            out: self.out,
            snapshot_bytes,
        };
        output.result(&built, |built| built.text(output))
    }

    fn keys(&self, base: &Vectors) -> anyhow::Result<Vec<u64>> {
        match &self.keys {
            Some(path) => keys::one_each(path, base),
            None => Ok((0..base.rows() as u64).collect()),
        }
    }
}

impl Built {
    fn text(&self, output: &Output) -> String {
        let wrote = format!("{} ({})", self.out.display(), format::bytes(self.snapshot_bytes));
        let mut rows = summary(self.n, self.dim, self.metric, &self.build, &self.memory).to_vec();
        rows.extend(self.tune.as_ref().map(tuned));
        rows.push(("wrote", wrote));
        output.rows(&rows)
    }
}

/// What tuning took and found, as a named value.
pub(super) fn tuned(tune: &bench::Tune) -> (&'static str, String) {
    let widest = tune.found.points.last();
    let reached = widest.map_or(String::new(), |widest| {
        format!(", recall up to {:.3} at ef {}", widest.recall, format::count(widest.ef))
    });
    let samples = format::count(tune.found.samples);
    ("tuned", format!("{} ({samples} samples{reached})", format::seconds(tune.seconds)))
}

/// What an index is and what it took, as named values.
pub(super) fn summary(
    n: usize,
    dim: usize,
    metric: &str,
    build: &bench::Build,
    memory: &bench::Memory,
) -> [(&'static str, String); 3] {
    [
        ("index", format!("{} vectors of {dim} components, {metric}", format::count(n))),
        (
            "built",
            format!(
                "{} ({} vectors/s on {})",
                format::seconds(build.seconds),
                format::count(build.vectors_per_second as usize),
                format::threads(build.threads)
            ),
        ),
        (
            "memory",
            format!(
                "{} ({:.2} × the vectors alone)",
                format::bytes(memory.index_bytes as u64),
                memory.ratio
            ),
        ),
    ]
}
