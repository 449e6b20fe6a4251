//! What the demo measures and asks.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::anyhow;
use ecphory_native::bench::{self, Build, Memory, Point, Samples, Sweep, Truth, Tune, percentile};
use ecphory_native::ecphory::exec::{Exec, Sequential};
use ecphory_native::ecphory::{Check, DEFAULT_EF, Index, Metric};
use ecphory_native::{HugePages, Pool, open, save};
use serde::Serialize;

use super::super::build::{summary, tuned};
use super::super::format;
use super::super::output::{self, Output};
use super::super::progress::Line;
use super::words::Words;

/// Neighbours that recall is measured for.
const K: usize = 10;
/// Recall at which the curve ends.
const ENOUGH: f64 = 0.999;
/// Words that are looked up.
const ASKED: [&str; 6] = ["ocean", "music", "dog", "justice", "winter", "laugh"];
/// Neighbours of a word that are kept, and those of them that are printed.
const NEAR: usize = 32;
const PRINTED: usize = 6;

/// Printed, printed as JSON, or drawn.
#[derive(Serialize)]
pub(super) struct Findings {
    pub(super) n: usize,
    pub(super) dim: usize,
    pub(super) metric: &'static str,
    pub(super) isa: &'static str,
    pub(super) build: Build,
    pub(super) tune: Option<Tune>,
    pub(super) memory: Memory,
    /// At the `ef` that a search has unless told otherwise.
    pub(super) default: Point,
    /// Half of the queries take this long when compared with every item.
    pub(super) exact_p50_us: f64,
    pub(super) search: Vec<Point>,
    pub(super) queries: usize,
    pub(super) words: Vec<Answer>,
    #[serde(serialize_with = "output::path")]
    pub(super) snapshot: PathBuf,
    pub(super) snapshot_bytes: u64,
    pub(super) open_us: f64,
    #[serde(serialize_with = "output::path")]
    pub(super) report: PathBuf,
}

/// A word and those nearest to it, each once.
#[derive(Serialize)]
pub(super) struct Answer {
    #[serde(skip)]
    pub(super) row: usize,
    pub(super) word: String,
    pub(super) nearest: Vec<Near>,
}

/// One of the nearest words.
#[derive(Serialize)]
pub(super) struct Near {
    #[serde(skip)]
    pub(super) row: usize,
    pub(super) word: String,
    /// Cosine similarity.
    pub(super) similarity: f32,
}

impl Findings {
    pub(super) fn gather(
        words: &Words,
        pool: &Pool,
        samples: &Samples,
        out: &Path,
        line: &mut Line,
    ) -> anyhow::Result<Self> {
        let keys: Vec<u64> = (0..words.vectors.rows() as u64).collect();
        let builder = Index::builder(words.vectors.dim())
            .metric(Metric::Cosine)
            .allocator(Arc::new(HugePages));
        let (index, took) = bench::build(builder, &keys, &words.vectors, pool, &mut |progress| {
            line.build(progress);
        })?;
        let tuned = bench::tune(&index, samples, pool, &mut |progress| line.build(progress))?;

        line.say("searching exactly");
        let truth = Truth::exact(&index, &words.vectors, &words.queries, K, pool)?;
        let exact_p50_us = exact_p50_us(&index, words)?;
        let options = Sweep { searchers: &Sequential, repeat: 3 };
        let search =
            bench::sweep(&options, &index, &truth, ENOUGH, &mut |point| line.point(point))?;
        let default = bench::measure(&options, &index, &truth, DEFAULT_EF)?;

        line.say("writing");
        let snapshot = out.join("words20k.ecp");
        let snapshot_bytes = save(&index, &snapshot)?;
        let start = Instant::now();
        let opened = open(&snapshot, Check::Header)?;
        let open_us = start.elapsed().as_secs_f64() * 1e6;
        let answers: Result<_, _> = ASKED.iter().map(|word| ask(&opened, words, word)).collect();
        Ok(Self {
            n: index.len(),
            dim: words.vectors.dim(),
            metric: index.options().metric.name(),
            isa: index.isa().name(),
            build: Build::new(keys.len(), took, pool.width()),
            tune: tuned.map(|(found, took)| Tune::new(&found, took, pool.width())),
            memory: Memory::new(&index),
            default,
            exact_p50_us,
            search,
            queries: words.queries.rows(),
            words: answers?,
            snapshot,
            snapshot_bytes,
            open_us,
            report: out.join("report.html"),
        })
    }

    pub(super) fn text(&self, output: &Output) -> String {
        let Self { build, memory, default, .. } = self;
        let [index, built, memory] = summary(self.n, self.dim, self.metric, build, memory);
        let recall = format!(
            "{:.4} at ef {}, {} sentences against exact search",
            default.recall, default.ef, self.queries
        );
        let latency = format!(
            "p50 {}, p95 {}, p99 {} (exact search {})",
            format::micros(default.p50_us),
            format::micros(default.p95_us),
            format::micros(default.p99_us),
            format::micros(self.exact_p50_us)
        );
        let snapshot = format!(
            "{} ({}, opens in {})",
            self.snapshot.display(),
            format::bytes(self.snapshot_bytes),
            format::micros(self.open_us)
        );
        let mut rows = vec![index, built, memory];
        rows.extend(self.tune.as_ref().map(tuned));
        rows.extend([
            ("recall@10", recall),
            ("latency", latency),
            ("snapshot", snapshot),
            ("report", self.report.display().to_string()),
        ]);
        let mut text = output.rows(&rows);
        let _ = writeln!(text, "\n{}", output.bold("nearest to"));
        for Answer { word, nearest, .. } in &self.words {
            let near = nearest.iter().take(PRINTED);
            let near: Vec<String> = near
                .map(|near| {
                    format!("{} {}", near.word, output.dim(format_args!("{:.2}", near.similarity)))
                })
                .collect();
            let _ = writeln!(text, "{word:>9} {}", near.join(", "));
        }
        text
    }
}

/// Median time of an exact search, over enough queries for a median.
fn exact_p50_us(index: &Index, words: &Words) -> anyhow::Result<f64> {
    let mut microseconds = Vec::new();
    let mut hits = Vec::new();
    for query in words.queries.iter().take(101) {
        let start = Instant::now();
        index.search(query).k(K).exact(true).run_into(&mut hits)?;
        microseconds.push(start.elapsed().as_secs_f64() * 1e6);
    }
    microseconds.sort_unstable_by(f64::total_cmp);
    percentile(&microseconds, 0.5)
        .ok_or_else(|| anyhow!("the set has no queries; restore its files"))
}

/// Several senses share a word: the nearest of them stands for all.
fn ask(index: &Index, words: &Words, word: &str) -> anyhow::Result<Answer> {
    let row = words
        .row(word)
        .ok_or_else(|| anyhow!("{word:?} is not in the set; restore its files or check --data"))?;
    let mut nearest: Vec<Near> = Vec::with_capacity(NEAR);
    for hit in index.search(words.vectors.row(row)).up_to(3 * NEAR).ef(8 * NEAR).run()? {
        let near = words.word(hit.key as usize);
        if near != word && nearest.len() < NEAR && !nearest.iter().any(|seen| seen.word == near) {
            let similarity = 1.0 - hit.distance;
            nearest.push(Near { row: hit.key as usize, word: near.to_owned(), similarity });
        }
    }
    Ok(Answer { row, word: word.to_owned(), nearest })
}
