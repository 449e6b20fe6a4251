//! `ecphory info`: what is in a snapshot.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use ecphory_native::bench::{Tuned, TunedPoint};
use ecphory_native::ecphory::{Check, Index};
use ecphory_native::open;
use serde::Serialize;

use super::output::Output;
use super::{format, tag};

#[derive(Args)]
pub(super) struct Info {
    /// The snapshot.
    #[arg(value_name = "FILE.ecp")]
    snapshot: PathBuf,
}

#[derive(Serialize)]
struct Description {
    n: usize,
    dim: usize,
    metric: &'static str,
    m: usize,
    ef_construction: usize,
    codes: &'static str,
    rows: &'static str,
    seed: u64,
    snapshot_bytes: u64,
    tuning: Option<Tuned>,
    tags: Vec<(String, usize)>,
    memory: Memory,
    isa: &'static str,
}

#[derive(Serialize)]
struct Memory {
    vectors: usize,
    codes: usize,
    links: usize,
    items: usize,
    total: usize,
}

impl Info {
    pub(super) fn run(self, output: &Output) -> anyhow::Result<()> {
        let index = open(&self.snapshot, Check::Header)?;
        let description = Description::new(&index, self.snapshot.metadata()?.len());
        output.result(&description, |description| description.text(output))
    }
}

impl Description {
    fn new(index: &Index, snapshot_bytes: u64) -> Self {
        let (options, memory) = (index.options(), index.memory());
        Self {
            n: index.len(),
            dim: options.dim,
            metric: options.metric.name(),
            m: options.m,
            ef_construction: options.ef_construction,
            codes: options.codes.name(),
            rows: options.rows.name(),
            seed: options.seed,
            snapshot_bytes,
            tuning: index.tuning().as_ref().map(Tuned::new),
            tags: index.all_tags(),
            memory: Memory {
                vectors: memory.vectors,
                codes: memory.codes,
                links: memory.links,
                items: memory.items,
                total: memory.total,
            },
            isa: index.isa().name(),
        }
    }

    fn text(&self, output: &Output) -> String {
        let bytes = |bytes: usize| format::bytes(bytes as u64);
        output.rows(&[
            ("items", format::count(self.n)),
            ("dimension", self.dim.to_string()),
            ("metric", self.metric.to_owned()),
            (
                "graph",
                format!(
                    "m {}, ef_construction {}, seed {}",
                    self.m, self.ef_construction, self.seed
                ),
            ),
            ("codes", self.codes.to_owned()),
            ("rows", self.rows.to_owned()),
            ("file", format::bytes(self.snapshot_bytes)),
            (
                "memory",
                format!(
                    "{} (vectors {}, codes {}, links {}, items {})",
                    bytes(self.memory.total),
                    bytes(self.memory.vectors),
                    bytes(self.memory.codes),
                    bytes(self.memory.links),
                    bytes(self.memory.items)
                ),
            ),
            ("kernels", self.isa.to_owned()),
            ("tags", tag::shown(&self.tags)),
            ("tuning", self.tuning.as_ref().map_or("none".to_owned(), Self::tuning)),
        ])
    }

    fn tuning(tuned: &Tuned) -> String {
        let Tuned { k, items, samples, points } = tuned;
        let (items, samples) = (format::count(*items), format::count(*samples));
        let mut text = format!("recall@{k} of {samples} samples among {items} items");
        for TunedPoint { ef, recall, at_least } in points {
            let _ = write!(text, "\n{ef:>12}  {recall:.4}  (at least {at_least:.4})");
        }
        text
    }
}
