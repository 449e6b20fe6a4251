//! `ecphory recollect`: what a cue brings to mind, and by which way.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::ensure;
use clap::{Args, ValueEnum};
use ecphory_native::ecphory::memory::activation::Stopped;
use ecphory_native::ecphory::memory::scoring::Scoring;
use ecphory_native::ecphory::{Recollected, Space};
use ecphory_native::vectors;
use serde::Serialize;

use super::super::keys::Called;
use super::super::output::Output;
use super::{Of, system_time};

#[derive(Args)]
pub(in super::super) struct Recollect {
    #[command(flatten)]
    of: Of,

    /// The key or name of an item to begin with.
    #[arg(long, value_name = "KEY", required_unless_present = "near")]
    about: Vec<String>,

    /// A file of vectors to begin with one of: .npy (f32, f16, u8, i8), .fvecs or .bvecs.
    #[arg(long, value_name = "FILE")]
    near: Option<PathBuf>,

    /// Which vector of the file, from 0.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "near")]
    row: usize,

    /// Memories to find, at most.
    #[arg(short, long, default_value_t = 10)]
    k: usize,

    /// The time to read what is left of memories at, in milliseconds since 1970; that of the system
    /// unless given.
    #[arg(long, value_name = "MS")]
    now: Option<u64>,

    /// Lets nothing fade.
    #[arg(long, conflicts_with = "now")]
    no_time: bool,

    /// How confidence, and what is left of it, weighs on similarity.
    #[arg(long, default_value = "plain")]
    scoring: Rule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Rule {
    /// Not at all.
    Plain,
    /// Of two memories as near, the surer is first.
    Penalised,
}

#[derive(Serialize)]
struct Recollection {
    metric: &'static str,
    /// 0 where nothing fades.
    now: u64,
    memories: Vec<Memory>,
    /// What all activations together may lack.
    residual: f64,
    /// Why activation spread no further.
    stopped: &'static str,
    distances: u64,
}

#[derive(Serialize)]
struct Memory {
    key: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    score: f64,
    similarity: f64,
    activation: f64,
    distance: f32,
    confidence: f32,
    retention: f64,
    /// The items by which most of its activation came.
    path: Vec<Called>,
}

impl Recollect {
    pub(in super::super) fn run(self, output: &Output) -> anyhow::Result<()> {
        let near = self.near.as_deref().map(|path| {
            let vectors = vectors::read(path)?;
            ensure!(
                self.row < vectors.rows(),
                "{} holds {} vectors, counted from 0; choose another than --row {}",
                path.display(),
                vectors.rows(),
                self.row
            );
            Ok(vectors.row(self.row).to_vec())
        });
        let near = near.transpose()?;
        let (_store, space) = self.of.open_to_read()?;
        let about = self.about.iter().map(|word| super::key(&space, word));
        let about = about.collect::<anyhow::Result<Vec<u64>>>()?;
        let now = if self.no_time { 0 } else { self.now.unwrap_or_else(system_time) };
        let scoring = match self.scoring {
            Rule::Plain => Scoring::Plain,
            Rule::Penalised => Scoring::PENALISED,
        };
        let mut asked = space.recollect().about(&about).k(self.k).at(now).scoring(scoring);
        if let Some(vector) = &near {
            asked = asked.near(vector);
        }
        let found = asked.run()?;
        let recollection = Recollection {
            metric: space.options().metric.name(),
            now,
            memories: found.memories.iter().map(|one| Memory::of(&space, one)).collect(),
            residual: found.residual,
            stopped: match found.stopped {
                Stopped::Converged => "converged",
                Stopped::Budget => "budget",
                Stopped::Limits => "limits",
                _ => "other",
            },
            distances: found.work.distances.into(),
        };
        output.result(&recollection, |recollection| recollection.text(output))
    }
}

impl Memory {
    fn of(space: &Space, found: &Recollected) -> Self {
        Self {
            key: found.key,
            name: space.name_of_item(found.key),
            score: found.score,
            similarity: found.similarity,
            activation: found.activation,
            distance: found.distance,
            confidence: found.confidence.get(),
            retention: found.retention,
            path: found.path.iter().map(|&key| Called::of(space, key)).collect(),
        }
    }

    fn called(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.key.to_string())
    }
}

impl Recollection {
    fn text(&self, output: &Output) -> String {
        let called = self.memories.iter().map(Memory::called);
        let widest = called.map(|name| name.chars().count()).max().unwrap_or(0).clamp(4, 40);
        let mut text = String::new();
        // Writing to a string cannot fail.
        let head = format!(
            "{:>4} {:<widest$} {:>7} {:>7} {:>7} {:>7} {:>7}  by",
            "", "item", "score", "alike", "active", "sure", "left"
        );
        let _ = writeln!(text, "{}", output.dim(head));
        for (place, memory) in self.memories.iter().enumerate() {
            let Memory { score, similarity, activation, confidence, retention, path, .. } = memory;
            let path: Vec<String> = path.iter().map(Called::to_string).collect();
            let line = format!(
                "{:>4} {:<widest$} {score:>7.4} {similarity:>7.4} {activation:>7.4} \
                 {confidence:>7.4} {retention:>7.4}  {}",
                place + 1,
                memory.called(),
                path.join(" -> ")
            );
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text
    }
}
