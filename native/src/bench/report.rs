//! What a run found, in the shape that other tools read as JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use ecphory::{Index, Tuning};
use serde::Serialize;

use super::peak_rss_bytes;

/// The result of [`run`](super::run).
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Items.
    pub n: usize,
    /// Components of a vector.
    pub dim: usize,
    /// `l2`, `ip` or `cosine`.
    pub metric: &'static str,
    /// How long the build took.
    pub build: Build,
    /// How long tuning took, which is no part of the build, and what it found; `null` if it was not
    /// asked for.
    pub tune: Option<Tune>,
    /// What the index takes.
    pub memory: Memory,
    /// The curve, by rising `ef`.
    pub search: Vec<Point>,
    /// Figures at the recalls asked for; `null` where the curve does not reach them.
    pub at_recall: BTreeMap<String, Option<AtRecall>>,
    /// What searches that ask for these recalls, and not for an `ef`, reach on the queries; `null`
    /// where tuning found no `ef` for it.
    pub asked: BTreeMap<String, Option<Point>>,
}

/// What tuning took and found.
#[derive(Clone, Debug, Serialize)]
pub struct Tune {
    /// Wall-clock seconds.
    pub seconds: f64,
    /// Threads that took part.
    pub threads: usize,
    /// What it found.
    #[serde(flatten)]
    pub found: Tuned,
}

/// The recall that each breadth reaches.
#[derive(Clone, Debug, Serialize)]
pub struct Tuned {
    /// Neighbours for which it was measured.
    pub k: usize,
    /// Items at that time.
    pub items: usize,
    /// Queries that were sampled.
    pub samples: usize,
    /// By rising `ef`.
    pub points: Vec<TunedPoint>,
}

/// The recall that one breadth reaches.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct TunedPoint {
    /// Candidates kept.
    pub ef: usize,
    /// Mean recall of the samples.
    pub recall: f32,
    /// What the mean of queries like them exceeds with 95 % confidence.
    pub at_least: f32,
}

impl Tune {
    /// A tuning that took so long.
    pub fn new(tuning: &Tuning, took: Duration, threads: usize) -> Self {
        Self { seconds: took.as_secs_f64(), threads, found: Tuned::new(tuning) }
    }
}

impl Tuned {
    /// As the index has it.
    pub fn new(tuning: &Tuning) -> Self {
        let point = |point: &ecphory::TunedPoint| {
            let ecphory::TunedPoint { ef, recall, at_least } = *point;
            TunedPoint { ef, recall, at_least }
        };
        let points = tuning.points.iter().map(point).collect();
        Self { k: tuning.k, items: tuning.items, samples: tuning.samples, points }
    }
}

/// Time from vectors in memory to the first answer.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Build {
    /// Wall-clock seconds.
    pub seconds: f64,
    /// Threads that took part.
    pub threads: usize,
    /// Items over seconds.
    pub vectors_per_second: f64,
}

impl Build {
    /// `rows` items in `took`.
    pub fn new(rows: usize, took: Duration, threads: usize) -> Self {
        let seconds = took.as_secs_f64();
        Self { seconds, threads, vectors_per_second: rows as f64 / seconds }
    }
}

/// Memory, in bytes.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Memory {
    /// Every byte the index holds, what it keeps of the vectors included.
    pub index_bytes: usize,
    /// The vectors as `f32`, whatever is kept of them, and nothing else.
    pub raw_bytes: usize,
    /// Index over raw.
    pub ratio: f64,
    /// Most memory this process has had at one time, its input included; `null` where the system
    /// does not say.
    pub peak_rss_bytes: Option<u64>,
}

impl Memory {
    /// As of now.
    pub fn new(index: &Index) -> Self {
        let index_bytes = index.memory().total;
        let raw_bytes = index.len() * index.options().dim * size_of::<f32>();
        let ratio = index_bytes as f64 / raw_bytes as f64;
        Self { index_bytes, raw_bytes, ratio, peak_rss_bytes: peak_rss_bytes() }
    }
}

/// One measured point of the curve. Latencies are in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Candidates kept.
    pub ef: usize,
    /// Share of the true neighbours found; see [`Truth`](super::Truth).
    pub recall: f64,
    /// Queries per second of all search threads together.
    pub qps: f64,
    /// Half of the queries were answered in this time.
    pub p50_us: f64,
    /// 95 % were.
    pub p95_us: f64,
    /// 99 % were.
    pub p99_us: f64,
    /// Items compared with a query, on average.
    pub distances_per_query: f64,
}

/// Figures between two measured points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AtRecall {
    /// Candidates to keep, rounded up.
    pub ef: usize,
    /// Queries per second.
    pub qps: f64,
    /// 95th percentile of latency, in microseconds.
    pub p95_us: f64,
}

/// A recall to interpolate at, in the spelling of whoever asked: it is a name in the report.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    text: String,
    recall: f64,
}

impl Target {
    /// The number.
    pub fn recall(&self) -> f64 {
        self.recall
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The text is no recall.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no recall; use a number above 0 and up to 1, such as 0.95")]
pub struct NoRecall(String);

impl FromStr for Target {
    type Err = NoRecall;

    fn from_str(text: &str) -> Result<Self, NoRecall> {
        let text = text.trim();
        text.parse()
            .ok()
            .filter(|recall| *recall > 0.0 && *recall <= 1.0)
            .map(|recall| Self { text: text.to_owned(), recall })
            .ok_or_else(|| NoRecall(text.chars().take(40).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_keep_their_spelling() {
        let target: Target = " 0.90".parse().unwrap();
        assert_eq!((target.to_string().as_str(), target.recall()), ("0.90", 0.9));
        for text in ["", "0", "-1", "1.01", "NaN", "inf", "a lot"] {
            assert!(text.parse::<Target>().is_err(), "{text:?} was accepted");
        }
    }
}
