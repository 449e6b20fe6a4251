//! `ecphory store`, `compact`, `backup`, `restore` and `salvage`: directories of spaces.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use ecphory_native::ecphory::{Check, Salvaged, Store as Spaces, StoreBuilder};
use ecphory_native::{Folder, HugePages, Pool, cores};
use serde::Serialize;

use super::format;
use super::memories::Fading;
use super::output::{self, Output};
use super::progress::Line;

#[derive(Subcommand)]
pub(super) enum Store {
    /// Say what spaces there are, and how much the log holds.
    Stats(Stats),
    /// Make a checkpoint, so that opening reads no log.
    Checkpoint(Checkpoint),
}

#[derive(Args)]
pub(super) struct Stats {
    /// The directory of the store; nothing is changed there.
    folder: PathBuf,
}

#[derive(Args)]
pub(super) struct Checkpoint {
    /// The directory of the store.
    folder: PathBuf,
}

#[derive(Args)]
pub(super) struct Compact {
    /// The directory of the store.
    folder: PathBuf,

    /// The spaces to build anew; all unless given.
    spaces: Vec<String>,

    /// Threads that build.
    #[arg(long, value_name = "N", default_value_t = cores())]
    threads: usize,
}

#[derive(Args)]
pub(super) struct Backup {
    /// The directory of the store.
    folder: PathBuf,

    /// The directory to copy it to: a new one, or an empty one. It is a store of its own then.
    to: PathBuf,
}

#[derive(Args)]
pub(super) struct Restore {
    /// The directory of the backup.
    backup: PathBuf,

    /// The directory to make a store in: a new one, or an empty one.
    to: PathBuf,
}

#[derive(Args)]
pub(super) struct Salvage {
    /// The directory of the damaged store; nothing is changed there.
    folder: PathBuf,

    /// The directory to make a store in: a new one, or an empty one.
    to: PathBuf,

    /// Threads that build.
    #[arg(long, value_name = "N", default_value_t = cores())]
    threads: usize,
}

/// Opens a store that nobody else has open, and changes nothing in it.
pub(super) fn open_to_read(folder: &Path) -> anyhow::Result<Spaces> {
    let locked = Folder::read_only(folder).with_context(|| no_store(folder))?;
    Ok(builder().check(Check::Full).read_only().open(Arc::new(locked))?)
}

/// As the library opens stores.
pub(super) fn builder() -> StoreBuilder {
    Spaces::builder().allocator(Arc::new(HugePages))
}

/// Takes the directory of a store, made if there is none.
pub(super) fn lock(folder: &Path) -> anyhow::Result<Arc<Folder>> {
    Ok(Arc::new(Folder::open(folder).with_context(|| no_store(folder))?))
}

/// Opens a store that is there.
pub(super) fn open_to_write(folder: &Path) -> anyhow::Result<Spaces> {
    open_to_write_as(builder(), folder)
}

/// As [`open_to_write`], as a builder says.
pub(super) fn open_to_write_as(builder: StoreBuilder, folder: &Path) -> anyhow::Result<Spaces> {
    ensure!(folder.is_dir(), no_store(folder));
    Ok(builder.open(lock(folder)?)?)
}

fn no_store(folder: &Path) -> String {
    format!(
        "cannot open the store in {}; check the path, and that no other process has it open",
        folder.display()
    )
}

#[derive(Serialize)]
struct Report {
    log_bytes: u64,
    spaces: Vec<SpaceReport>,
}

#[derive(Serialize)]
struct SpaceReport {
    name: String,
    n: usize,
    dim: usize,
    metric: &'static str,
    rows: &'static str,
    memory: usize,
    /// Of all its items.
    associations: usize,
    retention: Fading,
}

impl Store {
    pub(super) fn run(self, output: &Output) -> anyhow::Result<()> {
        match self {
            Self::Stats(stats) => stats.run(output),
            Self::Checkpoint(checkpoint) => checkpoint.run(output),
        }
    }
}

impl Stats {
    fn run(self, output: &Output) -> anyhow::Result<()> {
        let store = open_to_read(&self.folder)?;
        output.result(&Report::of(&store)?, |report| report.text(output))
    }
}

impl Checkpoint {
    fn run(self, output: &Output) -> anyhow::Result<()> {
        let store = open_to_write(&self.folder)?;
        let mut line = Line::new();
        line.say("writing");
        store.checkpoint()?;
        store.close()?;
        drop(line);
        output.result(&Report::of(&store)?, |report| report.text(output))
    }
}

impl Report {
    fn of(store: &Spaces) -> anyhow::Result<Self> {
        let space = |name: String| {
            let space = store.space(&name)?;
            let options = *space.options();
            let associations = space.iter().map(|key| space.associations(key).len()).sum();
            Some(SpaceReport {
                name,
                n: space.len(),
                dim: options.dim,
                metric: options.metric.name(),
                rows: options.rows.name(),
                memory: space.memory().total,
                associations,
                retention: Fading::of(&space.retention()),
            })
        };
        let spaces = store.spaces().into_iter().filter_map(space).collect();
        Ok(Self { log_bytes: store.log_bytes()?, spaces })
    }

    fn text(&self, output: &Output) -> String {
        let mut rows: Vec<(&str, String)> = self
            .spaces
            .iter()
            .map(|space| {
                let SpaceReport { name, n, dim, metric, rows, memory, .. } = space;
                let (n, memory) = (format::count(*n), format::bytes(*memory as u64));
                let remembers = space.remembers();
                let text = format!("{n} items of {dim} x {rows}, {metric}, {memory}{remembers}");
                (name.as_str(), text)
            })
            .collect();
        rows.push(("log", format::bytes(self.log_bytes)));
        output.rows(&rows)
    }
}

impl SpaceReport {
    /// What there is to say of it as a memory.
    fn remembers(&self) -> String {
        let mut text = String::new();
        if self.associations > 0 {
            text = format!(", {} associations", format::count(self.associations));
        }
        let fades = self.retention.word().map(|curve| format!(", fades by {curve}"));
        text + &fades.unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Done {
    spaces: usize,
    n: usize,
    seconds: f64,
    #[serde(serialize_with = "output::path")]
    folder: PathBuf,
}

impl Done {
    fn of(store: &Spaces, folder: PathBuf, start: Instant) -> Self {
        let names = store.spaces();
        let spaces = names.iter().filter_map(|name| store.space(name));
        let n = spaces.map(|space| space.len()).sum();
        Self { spaces: names.len(), n, seconds: start.elapsed().as_secs_f64(), folder }
    }

    fn text(&self, output: &Output) -> String {
        output.rows(&[
            ("spaces", format::count(self.spaces)),
            ("items", format::count(self.n)),
            ("took", format::seconds(self.seconds)),
            ("folder", self.folder.display().to_string()),
        ])
    }
}

impl Compact {
    pub(super) fn run(self, output: &Output) -> anyhow::Result<()> {
        let (start, pool) = (Instant::now(), Pool::new(self.threads)?);
        let store = open_to_write(&self.folder)?;
        let names = if self.spaces.is_empty() { store.spaces() } else { self.spaces };
        let mut line = Line::new();
        for (done, name) in names.iter().enumerate() {
            line.count("compacting", done, names.len());
            store.compact(name, &pool)?;
        }
        store.close()?;
        drop(line);
        output.result(&Done::of(&store, self.folder, start), |done| done.text(output))
    }
}

impl Backup {
    pub(super) fn run(self, output: &Output) -> anyhow::Result<()> {
        let start = Instant::now();
        let store = open_to_write(&self.folder)?;
        copy(&store, &self.to)?;
        output.result(&Done::of(&store, self.to, start), |done| done.text(output))
    }
}

impl Restore {
    pub(super) fn run(self, output: &Output) -> anyhow::Result<()> {
        let start = Instant::now();
        // Whether it is whole is known before anything is copied.
        drop(open_to_read(&self.backup)?);
        let store = open_to_write(&self.backup)?;
        copy(&store, &self.to)?;
        output.result(&Done::of(&store, self.to, start), |done| done.text(output))
    }
}

#[derive(Serialize)]
struct Rescued {
    spaces: Vec<(String, usize)>,
    damaged_spaces: Vec<String>,
    lost_spaces: Vec<String>,
    lost_items: usize,
    changes: u64,
    lost_changes: u64,
    lost_files: u64,
}

impl Salvage {
    pub(super) fn run(self, output: &Output) -> anyhow::Result<()> {
        let pool = Pool::new(self.threads)?;
        let locked =
            Folder::read_only(&self.folder).with_context(|| no_store(&self.folder))?.copied();
        let to = lock(&self.to)?;
        let mut line = Line::new();
        line.say("reading what there is");
        let (_, salvaged) = builder().salvage(&locked, to, &pool)?;
        drop(line);
        let Salvaged { spaces, damaged_spaces, lost_spaces, lost_items, .. } = salvaged;
        let Salvaged { changes, lost_changes, lost_files, .. } = salvaged;
        let rescued = Rescued {
            spaces,
            damaged_spaces,
            lost_spaces,
            lost_items,
            changes,
            lost_changes,
            lost_files,
        };
        output.result(&rescued, |rescued| rescued.text(output))
    }
}

impl Rescued {
    fn text(&self, output: &Output) -> String {
        let named = |names: &[String]| match names {
            [] => "none".to_owned(),
            names => names.join(", "),
        };
        let spaces = self.spaces.iter().map(|(name, n)| format!("{name} ({})", format::count(*n)));
        output.rows(&[
            ("spaces", named(&spaces.collect::<Vec<_>>())),
            ("not verified", named(&self.damaged_spaces)),
            ("lost spaces", named(&self.lost_spaces)),
            ("lost items", format::count(self.lost_items)),
            ("changes", format::count(self.changes as usize)),
            ("lost changes", format::count(self.lost_changes as usize)),
            ("lost log files", format::count(self.lost_files as usize)),
        ])
    }
}

fn copy(store: &Spaces, to: &Path) -> anyhow::Result<()> {
    let mut line = Line::new();
    line.say("copying");
    let folder = Folder::open(to).with_context(|| {
        format!("cannot write to {}; pass a directory that is new or empty", to.display())
    })?;
    store.backup(&folder)?;
    drop(line);
    Ok(())
}
