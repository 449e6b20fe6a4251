//! `ecphory verify`: whether a snapshot is whole and its graph sound.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use ecphory_native::ecphory::{Audit, Check};
use ecphory_native::open;
use serde::Serialize;

use super::format;
use super::output::Output;

#[derive(Args)]
pub(super) struct Verify {
    /// The snapshot.
    #[arg(value_name = "FILE.ecp")]
    snapshot: PathBuf,
}

#[derive(Serialize)]
struct Verdict {
    sound: bool,
    /// Items.
    n: usize,
    /// Those and what else leads to them; apart, what is dead and not taken out yet.
    nodes: usize,
    dead: usize,
    links: usize,
    reachable: usize,
}

impl Verify {
    pub(super) fn run(self, output: &Output) -> anyhow::Result<()> {
        let index = open(&self.snapshot, Check::Full)?;
        let Audit { nodes, dead, links, reachable, .. } =
            index.check().map_err(|broken| anyhow!("{}: {broken}", self.snapshot.display()))?;
        let verdict = Verdict { sound: true, n: index.len(), nodes, dead, links, reachable };
        output.result(&verdict, |verdict| {
            format!(
                "{} every block checked; {} items, all reachable, {} links\n",
                output.bold("sound"),
                format::count(verdict.n),
                format::count(verdict.links),
            )
        })
    }
}
