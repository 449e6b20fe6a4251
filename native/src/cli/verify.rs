//! `ecphory verify`: whether a snapshot, or a store, is whole and its graphs sound.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use ecphory_native::ecphory::{Audit, Check};
use ecphory_native::open;
use serde::Serialize;

use super::output::Output;
use super::progress::Line;
use super::{format, store};

#[derive(Args)]
pub(super) struct Verify {
    /// The snapshot, or the directory of a store: nothing is changed there.
    #[arg(value_name = "FILE.ecp or FOLDER")]
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

#[derive(Serialize)]
struct StoreVerdict {
    sound: bool,
    log_bytes: u64,
    spaces: BTreeMap<String, Verdict>,
}

impl Verify {
    pub(super) fn run(self, output: &Output) -> anyhow::Result<()> {
        if self.snapshot.is_dir() {
            return self.verify_store(output);
        }
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
    /// Every space, and every frame of the log that is applied to it.
    fn verify_store(self, output: &Output) -> anyhow::Result<()> {
        let mut line = Line::new();
        line.say("reading");
        let store = store::open_to_read(&self.snapshot)?;
        store.scrub()?;
        let mut verdicts = BTreeMap::new();
        for name in store.spaces() {
            line.say(format!("checking {name}"));
            let Some(space) = store.space(&name) else { continue };
            let Audit { nodes, dead, links, reachable, .. } =
                space.check().map_err(|broken| anyhow!("space {name}: {broken}"))?;
            let n = space.len();
            verdicts.insert(name, Verdict { sound: true, n, nodes, dead, links, reachable });
        }
        drop(line);
        let verdict = StoreVerdict { sound: true, log_bytes: store.log_bytes()?, spaces: verdicts };
        output.result(&verdict, |verdict| {
            let items = verdict.spaces.values().map(|verdict| verdict.n).sum();
            format!(
                "{} every block and frame checked; {} spaces, {} items, all reachable\n",
                output.bold("sound"),
                format::count(verdict.spaces.len()),
                format::count(items),
            )
        })
    }
}
