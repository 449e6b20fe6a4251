//! `ecphory query`: neighbours of vectors in a file.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use ecphory_native::ecphory::{Check, Effort, Hit};
use ecphory_native::{open, vectors};
use serde::Serialize;

use super::format;
use super::output::Output;

#[derive(Args)]
pub(super) struct Query {
    /// The snapshot to search.
    #[arg(value_name = "FILE.ecp")]
    snapshot: PathBuf,

    /// Query vectors: .npy (f32, f16, u8, i8), .fvecs or .bvecs.
    #[arg(long, value_name = "FILE")]
    vectors: PathBuf,

    /// Neighbours for each query.
    #[arg(short, long, default_value_t = 10)]
    k: usize,

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
    distance: f32,
}

impl Query {
    pub(super) fn run(self, output: &Output) -> anyhow::Result<()> {
        let queries = vectors::read(&self.vectors)?;
        let index = open(&self.snapshot, Check::Full)?;
        let effort = self.recall.map_or(Effort::from(self.ef), Effort::Recall);
        let mut results = Vec::with_capacity(queries.rows());
        let mut hits = Vec::new();
        for (query, vector) in queries.iter().enumerate() {
            let search = index.search(vector).k(self.k).effort(effort).exact(self.exact);
            search.run_into(&mut hits)?;
            let hits = hits.iter().map(|&Hit { key, distance }| Neighbour { key, distance });
            results.push(Answer { query, hits: hits.collect() });
        }
        let metric = index.options().metric.name();
        output.result(&Answers { metric, k: self.k, results }, |answers| answers.text(output))
    }
}

impl Answers {
    fn text(&self, output: &Output) -> String {
        let mut text = String::new();
        for Answer { query, hits } in &self.results {
            let _ =
                writeln!(text, "{}", output.bold(format_args!("query {}", format::count(*query))));
            for Neighbour { key, distance } in hits {
                let _ = writeln!(text, "  {key:<12} {}", output.dim(format_args!("{distance:.6}")));
            }
        }
        text
    }
}
