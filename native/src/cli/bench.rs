//! `ecphory bench`: what an index does with given data, in figures.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use ecphory_native::bench::{self, AtRecall, Plan, Report, Step, Sweep, Target};
use ecphory_native::ecphory::Builder;
use ecphory_native::ecphory::arch::Isa;
use ecphory_native::ecphory::exec::{Exec, Sequential};
use ecphory_native::{Pool, vectors};

use super::build::{IndexArgs, TuneArgs, summary, tuned};
use super::format;
use super::output::Output;
use super::progress::Line;

/// Builds an index, then measures searches at rising `ef` until the highest recall is reached.
///
/// A hit counts towards recall if it is one of the first k true neighbours, or no farther than the
/// farthest of them. Each point takes the fastest of its passes; latencies are per query.
#[derive(Args)]
pub(super) struct Bench {
    /// Vectors to index: .npy (f32, f16, u8, i8), .fvecs or .bvecs.
    #[arg(long, value_name = "FILE")]
    base: PathBuf,

    /// Vectors to search for.
    #[arg(long, value_name = "FILE")]
    queries: PathBuf,

    /// True neighbours, rows of the base: .npy (i32, u32, i64, u64) or .ivecs. Computed unless
    /// given.
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,

    /// Neighbours for each query.
    #[arg(short, long, default_value_t = 10)]
    k: usize,

    /// Threads that search at the same time.
    #[arg(long, value_name = "N", default_value_t = 1)]
    search_threads: usize,

    /// Passes for each point, at most 1,000; the fastest counts.
    #[arg(long, value_name = "N", default_value_t = 3)]
    repeat: usize,

    /// Recalls at which figures are interpolated.
    #[arg(long, value_name = "R,R,…", value_delimiter = ',', default_value = "0.9,0.95,0.99")]
    recall: Vec<Target>,

    /// Runs on this instruction set instead of the best this machine has: scalar, avx2, avx512
    /// or neon.
    #[arg(long, value_name = "NAME", value_parser = isa)]
    isa: Option<Isa>,

    #[command(flatten)]
    index: IndexArgs,

    #[command(flatten)]
    tune: TuneArgs,
}

/// An instruction set by its name.
fn isa(name: &str) -> Result<Isa, String> {
    Isa::from_name(name).ok_or_else(|| {
        let known = Isa::ALL.map(Isa::name).join(", ");
        format!("there is no instruction set of this name; use one of {known}")
    })
}

impl Bench {
    pub(super) fn run(self, output: &Output) -> anyhow::Result<()> {
        let pool = self.index.pool()?;
        let several = match self.search_threads {
            1 => None,
            threads => Some(Pool::new(threads)?),
        };
        let searchers: &dyn Exec = several.as_ref().map_or(&Sequential, |pool| pool);

        let mut line = Line::new();
        line.say("reading");
        let base = vectors::read(&self.base)?;
        let queries = vectors::read(&self.queries)?;
        let truth = self.truth.as_ref().map(vectors::read_ids).transpose()?;
        let plan = Plan {
            samples: self.tune.read()?,
            builder: self.builder(base.dim())?,
            k: self.k,
            sweep: Sweep { searchers, repeat: self.repeat },
            targets: self.recall,
        };
        let report =
            bench::run(&plan, &base, &queries, truth.as_ref(), &pool, &mut |step| match step {
                Step::Build(progress) => line.build(progress),
                Step::Truth => line.say("searching exactly"),
                Step::Measured(point) => line.point(point),
            })?;
        drop(line);
        output.result(&report, |report| text(report, output))
    }

    fn builder(&self, dim: usize) -> anyhow::Result<Builder> {
        let builder = self.index.builder(dim);
        let Some(isa) = self.isa else { return Ok(builder) };
        builder.isa(isa).with_context(|| {
            format!("this machine has no {isa}; leave out --isa to take the best that it has")
        })
    }
}

fn text(report: &Report, output: &Output) -> String {
    let Report { n, dim, metric, build, tune, memory, search, at_recall, asked } = report;
    let at_recall: Vec<(String, String)> = at_recall
        .iter()
        .map(|(recall, at)| {
            (format!("at {recall}"), at.as_ref().map_or("not reached".into(), figures))
        })
        .collect();
    let asked: Vec<(String, String)> = asked
        .iter()
        .map(|(recall, point)| {
            let reached = |point: &bench::Point| {
                format!(
                    "{:.4} at ef {}, {} queries/s",
                    point.recall,
                    point.ef,
                    format::count(point.qps as usize)
                )
            };
            (format!("asked for {recall}"), point.as_ref().map_or("out of reach".into(), reached))
        })
        .collect();
    let rows: Vec<(&str, String)> = at_recall
        .iter()
        .chain(&asked)
        .map(|(name, figures)| (name.as_str(), figures.clone()))
        .collect();
    let mut head = summary(*n, *dim, metric, build, memory).to_vec();
    head.extend(tune.as_ref().map(tuned));
    format!("{}\n{}\n{}", output.rows(&head), curve(search, output), output.rows(&rows))
}

fn figures(at: &AtRecall) -> String {
    format!(
        "{} queries/s at ef {}, p95 {}",
        format::count(at.qps as usize),
        at.ef,
        format::micros(at.p95_us)
    )
}

/// The measured points as a table.
fn curve(points: &[bench::Point], output: &Output) -> String {
    let head = format!(
        "{:>6} {:>8} {:>11} {:>9} {:>9} {:>9} {:>11}",
        "ef", "recall", "queries/s", "p50", "p95", "p99", "distances"
    );
    let mut text = output.dim(head) + "\n";
    for point in points {
        let _ = writeln!(
            text,
            "{:>6} {:>8.4} {:>11} {:>9} {:>9} {:>9} {:>11.0}",
            point.ef,
            point.recall,
            format::count(point.qps as usize),
            format::micros(point.p50_us),
            format::micros(point.p95_us),
            format::micros(point.p99_us),
            point.distances_per_query,
        );
    }
    text
}
