//! `ecphory delete`: items taken out of a snapshot.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use ecphory_native::ecphory::TagFilter;
use serde::Serialize;

use super::change::{Changed, Written};
use super::output::Output;
use super::progress::Line;
use super::{format, keys};

/// Keys between two looks at the progress.
const PIECE: usize = 256;

#[derive(Args)]
pub(super) struct Delete {
    #[command(flatten)]
    changed: Changed,

    /// Keys or names of the items to delete.
    #[arg(value_name = "KEY", required_unless_present_any = ["keys", "filter"])]
    named: Vec<String>,

    /// More of them: .npy (i32, u32, i64, u64) or .ivecs, of any shape.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,

    /// Also the items with such tags: '(red | blue) & !sold'.
    #[arg(long = "where", value_name = "TAGS")]
    filter: Option<TagFilter>,
}

/// What was deleted.
#[derive(Serialize)]
struct Deleted {
    #[serde(rename = "deleted")]
    items: usize,
    /// Keys and names without an item.
    missing: usize,
    seconds: f64,
    #[serde(flatten)]
    written: Written,
}

impl Delete {
    pub(super) fn run(self, output: &Output) -> anyhow::Result<()> {
        let mut line = Line::new();
        line.say("reading");
        let listed = self.keys.as_deref().map(keys::all).transpose()?;
        let index = self.changed.open()?;
        let (mut keys, unknown) = keys::written(&index, &self.named);
        keys.extend(listed.into_iter().flatten());
        if let Some(filter) = &self.filter {
            keys.extend(index.keys_where(filter)?);
        }
        // A key that is named twice is no missing one.
        keys.sort_unstable();
        keys.dedup();

        let start = Instant::now();
        let mut deleted = 0;
        for (done, &key) in keys.iter().enumerate() {
            if done.is_multiple_of(PIECE) {
                line.count("deleting", done, keys.len());
            }
            deleted += usize::from(index.delete(key)?);
        }
        let written = self.changed.write(&index, deleted > 0, &mut line)?;
        let seconds = start.elapsed().as_secs_f64();
        drop(line);
        let missing = unknown + keys.len() - deleted;
        let deleted = Deleted { items: deleted, missing, seconds, written };
        output.result(&deleted, |deleted| deleted.text(output))
    }
}

impl Deleted {
    fn text(&self, output: &Output) -> String {
        let Self { items, missing, seconds, written } = self;
        let missing = match missing {
            0 => String::new(),
            missing => format!(", {} had none", format::count(*missing)),
        };
        let deleted = format!("{}{missing}", format::count(*items));
        let mut rows = vec![("deleted", deleted), ("took", format::seconds(*seconds))];
        rows.extend(written.rows());
        output.rows(&rows)
    }
}
