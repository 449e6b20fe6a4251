//! `ecphory query`: neighbours of vectors in a file.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use ecphory_native::ecphory::{Check, Effort, Hit, Index, KeySet, Search, TagFilter};
use ecphory_native::{open, vectors};
use serde::Serialize;

use super::output::Output;
use super::{format, keys};

#[derive(Args)]
pub(super) struct Query {
    /// The snapshot to search.
    #[arg(value_name = "FILE.ecp")]
    snapshot: PathBuf,

    /// Query vectors: .npy (f32, f16, u8, i8), .fvecs or .bvecs.
    #[arg(long, value_name = "FILE")]
    vectors: PathBuf,

    /// Neighbours for each query; more than there are items are an error.
    #[arg(short, long, default_value_t = 10)]
    k: usize,

    /// As many neighbours as there are, at most N.
    #[arg(long, value_name = "N", conflicts_with = "k")]
    up_to: Option<usize>,

    /// Finds only items of these keys: .npy (i32, u32, i64, u64) or .ivecs, of any shape.
    #[arg(long, value_name = "FILE")]
    among: Option<PathBuf>,

    /// Finds only items with such tags: '(red | blue) & !sold'.
    #[arg(long = "where", value_name = "TAGS", conflicts_with = "among")]
    filter: Option<TagFilter>,

    /// Leaves out items farther than this.
    #[arg(long, value_name = "X", value_parser = distance, allow_negative_numbers = true)]
    max_distance: Option<f32>,

    /// Candidates kept while searching: more finds more and takes longer.
    #[arg(long, value_name = "N")]
    ef: Option<usize>,

    /// Share of the true neighbours to find, such as 0.95, in an index that was tuned.
    #[arg(long, value_name = "R", conflicts_with = "ef")]
    recall: Option<f32>,

    /// Compare each query with every item instead of following links.
    #[arg(long, conflicts_with_all = ["ef", "recall"])]
    exact: bool,
}

/// A distance, which may be negative (inner products) or infinite, but is a number.
fn distance(text: &str) -> Result<f32, String> {
    let distance: f32 = text.parse().map_err(|error| format!("{error}"))?;
    if distance.is_nan() { Err("no distance compares with it".to_owned()) } else { Ok(distance) }
}

#[derive(Serialize)]
struct Answers {
    metric: &'static str,
    k: usize,
    results: Vec<Answer>,
}

#[derive(Serialize)]
struct Answer {
    query: usize,
    hits: Vec<Neighbour>,
}

#[derive(Serialize)]
struct Neighbour {
    key: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    distance: f32,
}

impl Query {
    pub(super) fn run(self, output: &Output) -> anyhow::Result<()> {
        let queries = vectors::read(&self.vectors)?;
        let index = open(&self.snapshot, Check::Full)?;
        let among = self.among.as_deref().map(keys::all).transpose()?;
        let among = among.map(|keys| index.key_set(keys));
        let mut results = Vec::with_capacity(queries.rows());
        let mut hits = Vec::new();
        for (query, vector) in queries.iter().enumerate() {
            self.search(&index, vector, among.as_ref()).run_into(&mut hits)?;
            let hits = hits.iter().map(|&Hit { key, distance }| Neighbour {
                key,
                name: index.name(key),
                distance,
            });
            results.push(Answer { query, hits: hits.collect() });
        }
        let metric = index.options().metric.name();
        let k = self.up_to.unwrap_or(self.k);
        output.result(&Answers { metric, k, results }, |answers| answers.text(output))
    }

    /// The search that the options describe.
    fn search<'a>(
        &'a self,
        index: &'a Index,
        vector: &'a [f32],
        among: Option<&'a KeySet>,
    ) -> Search<'a> {
        let effort = self.recall.map_or(Effort::from(self.ef), Effort::Recall);
        let mut search = index.search(vector).effort(effort).exact(self.exact);
        search = match self.up_to {
            Some(most) => search.up_to(most),
            None => search.k(self.k),
        };
        if let Some(keys) = among {
            search = search.among(keys);
        }
        if let Some(tags) = &self.filter {
            search = search.tagged(tags);
        }
        if let Some(distance) = self.max_distance {
            search = search.max_distance(distance);
        }
        search
    }
}

impl Answers {
    fn text(&self, output: &Output) -> String {
        let mut text = String::new();
        for Answer { query, hits } in &self.results {
            let _ =
                writeln!(text, "{}", output.bold(format_args!("query {}", format::count(*query))));
            for Neighbour { key, name, distance } in hits {
                let called = name.clone().unwrap_or_else(|| key.to_string());
                let _ =
                    writeln!(text, "  {called:<12} {}", output.dim(format_args!("{distance:.6}")));
            }
        }
        text
    }
}
