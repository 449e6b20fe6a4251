//! `ecphory import` and `export`: items into a space of a store, and out of it.
//!
//! ```text
//!   .ecp            a snapshot       becomes a space as it is, and a space one
//!   .jsonl          `lines`          an item a line, with all that it has
//!   .npy, .fvecs …  `arrays`         vectors, and beside them keys and names
//! ```

mod arrays;
mod lines;
mod remembered;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{bail, ensure};
use clap::Args;
use ecphory_native::ecphory::{Ack, Check, Index};
use ecphory_native::storage::write_atomically;
use ecphory_native::{Pool, open};
use serde::Serialize;

use arrays::{Arrays, Files, LeftOut};

use super::build::IndexArgs;
use super::output::{self, Output};
use super::progress::Line;
use super::{format, memories, store};

/// Items between two looks at the progress.
const PIECE: usize = 1000;
/// Bytes of the log that an import leaves to be read when the store is opened, at most.
const LOG_MAX: u64 = 16 << 20;

#[derive(Args)]
pub(super) struct Import {
    /// The directory of the store, made if there is none.
    folder: PathBuf,

    /// The space to add to, made if there is none.
    space: String,

    /// A snapshot (.ecp), which becomes a new space as it is; or items as JSON, one a line (.jsonl):
    /// those whose key or name is there already are replaced; or vectors: .npy (f32, f16, u8, i8),
    /// .fvecs or .bvecs: an item that has the key or name gets the vector, and keeps its tags and
    /// payload.
    #[arg(value_name = "FILE")]
    from: PathBuf,

    /// One key a vector: .npy (i32, u32, i64, u64), .ivecs, or a number a line (.txt). Row numbers
    /// unless given; in a space that has items, the numbers after the largest key.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,

    /// One name a vector, on a line each, in place of keys; or beside them, with an empty line for
    /// an item that has none.
    #[arg(long, value_name = "FILE")]
    names: Option<PathBuf>,

    #[command(flatten)]
    index: IndexArgs,
}

#[derive(Args)]
pub(super) struct Export {
    /// The directory of the store; nothing is changed there.
    folder: PathBuf,

    /// The space to write.
    space: String,

    /// The file to write: a snapshot (.ecp); or items as JSON, one a line (.jsonl); or vectors as
    /// f32 (.npy), with their keys in a file beside it. Items stand in the order of their keys.
    #[arg(value_name = "FILE")]
    to: PathBuf,

    /// Where the keys of vectors go: .npy (u64), or a number a line (.txt). Beside the vectors unless
    /// given: of out.npy, out.keys.npy.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,

    /// Where the names of the items of vectors go, on a line each: an empty one where an item has
    /// none. They are left out unless given.
    #[arg(long, value_name = "FILE")]
    names: Option<PathBuf>,
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Snapshot,
    Lines,
    Arrays,
}

impl Kind {
    /// By the name of the file.
    fn of(path: &Path) -> anyhow::Result<Self> {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        Ok(match ending.as_str() {
            "ecp" => Self::Snapshot,
            "jsonl" | "ndjson" => Self::Lines,
            "npy" | "fvecs" | "bvecs" => Self::Arrays,
            _ => bail!(
                "{} is neither .ecp nor .jsonl nor .npy; name the file by what it holds",
                path.display()
            ),
        })
    }

    /// Refuses files of keys and names for what has its own.
    fn check_labels(self, files: [&Option<PathBuf>; 2]) -> anyhow::Result<()> {
        ensure!(
            self == Self::Arrays || files.iter().all(|file| file.is_none()),
            "snapshots and lines hold keys and names themselves; leave out --keys and --names"
        );
        Ok(())
    }
}

/// What an import has read before it opens the store.
enum Given {
    Snapshot(Box<Index>),
    Lines,
    Arrays(Arrays, Pool),
}

#[derive(Serialize)]
struct Done {
    space: String,
    /// Items that were read or written.
    items: usize,
    /// Items of the space.
    n: usize,
    seconds: f64,
    #[serde(serialize_with = "output::path")]
    file: PathBuf,
    #[serde(flatten)]
    arrays: Option<Written>,
}

/// What else was written of arrays.
#[derive(Serialize)]
struct Written {
    #[serde(serialize_with = "output::path")]
    keys: PathBuf,
    left_out: LeftOut,
}

impl Done {
    fn text(&self, output: &Output) -> String {
        let mut rows = vec![
            ("space", self.space.clone()),
            ("transferred", format::count(self.items)),
            ("items", format::count(self.n)),
            ("took", format::seconds(self.seconds)),
            ("file", self.file.display().to_string()),
        ];
        if let Some(Written { keys, left_out }) = &self.arrays {
            rows.push(("keys", keys.display().to_string()));
            rows.extend(left_out.text().map(|text| ("left out", text)));
        }
        output.rows(&rows)
    }
}

impl Import {
    pub(super) fn run(self, output: &Output) -> anyhow::Result<()> {
        let start = Instant::now();
        let kind = Kind::of(&self.from)?;
        kind.check_labels([&self.keys, &self.names])?;
        let mut line = Line::new();
        line.say("reading");
        let given = match kind {
            Kind::Snapshot => Given::Snapshot(Box::new(open(&self.from, Check::Full)?)),
            Kind::Lines => Given::Lines,
            Kind::Arrays => {
                let pool = self.index.pool()?;
                let (keys, names) = (self.keys.as_deref(), self.names.as_deref());
                Given::Arrays(Arrays::read(&self.from, keys, names)?, pool)
            }
        };
        line.say("opening");
        // Durable when all is through, not item for item.
        let store = store::builder().ack(Ack::Buffered).open(store::lock(&self.folder)?)?;
        let (space, items) = match given {
            Given::Snapshot(index) => {
                let items = index.len();
                (store.import(&self.space, *index)?, items)
            }
            Given::Lines => lines::import(&store, &self.space, &self.from, &self.index, &mut line)?,
            Given::Arrays(arrays, pool) => {
                arrays.import(&store, &self.space, &self.index, &pool, &mut line)?
            }
        };
        if store.log_bytes()? > LOG_MAX {
            line.say("writing a checkpoint");
            store.checkpoint()?;
        }
        store.close()?;
        drop(line);
        let (n, seconds) = (space.len(), start.elapsed().as_secs_f64());
        let done = Done { space: self.space, items, n, seconds, file: self.from, arrays: None };
        output.result(&done, |done| done.text(output))
    }
}

impl Export {
    pub(super) fn run(self, output: &Output) -> anyhow::Result<()> {
        let start = Instant::now();
        let kind = Kind::of(&self.to)?;
        kind.check_labels([&self.keys, &self.names])?;
        let files = (kind == Kind::Arrays)
            .then(|| Files::of(self.to.clone(), self.keys, self.names))
            .transpose()?;
        let store = store::open_to_read(&self.folder)?;
        let space = memories::find(&store, &self.space)?;
        let mut line = Line::new();
        line.say("writing");
        let arrays = if let Some(files) = files {
            let left_out = files.write(&space, &mut line)?;
            Some(Written { keys: files.keys, left_out })
        } else {
            write_atomically(&self.to, |out| match kind {
                Kind::Snapshot => space.write_snapshot(out),
                _ => lines::export(&space, out, &mut line),
            })?;
            None
        };
        drop(line);
        let (n, seconds) = (space.len(), start.elapsed().as_secs_f64());
        let done = Done { space: self.space, items: n, n, seconds, file: self.to, arrays };
        output.result(&done, |done| done.text(output))
    }
}
