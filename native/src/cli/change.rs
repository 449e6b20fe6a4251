//! What `upsert` and `delete` share: a snapshot is read, changed in memory, and written anew.
//!
//! ```text
//!   file ──read, verified──► Index ──changes──► reclaim ──temporary file, sync, rename──► file
//! ```
//!
//! A change that is refused half-way reaches no file.

use std::path::PathBuf;

use clap::Args;
use ecphory_native::ecphory::{Check, Index};
use ecphory_native::{open, save};
use serde::Serialize;

use super::progress::Line;
use super::{format, output};

/// The snapshot that a command changes.
#[derive(Args)]
pub(super) struct Changed {
    /// The snapshot to change: replaced once the new one is safely on disk. Of two commands that
    /// change it at the same time, the one that ends last is heard.
    #[arg(value_name = "FILE.ecp")]
    snapshot: PathBuf,

    /// Writes the new snapshot here, and leaves the other as it is.
    #[arg(short, long, value_name = "FILE.ecp")]
    out: Option<PathBuf>,
}

/// The snapshot after the change.
#[derive(Serialize)]
pub(super) struct Written {
    /// Items in it.
    n: usize,
    #[serde(serialize_with = "output::path")]
    out: PathBuf,
    snapshot_bytes: u64,
}

impl Changed {
    /// The index, every block and link of it verified.
    pub(super) fn open(&self) -> anyhow::Result<Index> {
        Ok(open(&self.snapshot, Check::Full)?)
    }

    /// Writes the index, if it has changed or belongs elsewhere.
    pub(super) fn write(
        self,
        index: &Index,
        has_changed: bool,
        line: &mut Line,
    ) -> anyhow::Result<Written> {
        let is_elsewhere = self.out.is_some();
        let out = self.out.unwrap_or(self.snapshot);
        let n = index.len();
        let snapshot_bytes = if has_changed || is_elsewhere {
            line.say("taking out the dead");
            while index.reclaim()? {}
            line.say("writing");
            save(index, &out)?
        } else {
            out.metadata()?.len()
        };
        Ok(Written { n, out, snapshot_bytes })
    }
}

impl Written {
    /// As named values.
    pub(super) fn rows(&self) -> [(&'static str, String); 2] {
        let Self { n, out, snapshot_bytes } = self;
        [
            ("items", format::count(*n)),
            ("file", format!("{} ({})", out.display(), format::bytes(*snapshot_bytes))),
        ]
    }
}
