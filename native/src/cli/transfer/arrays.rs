//! Vectors in one file, keys and names in others beside it.
//!
//! ```text
//!   vectors.npy  n x dim ─┐                       ┌─ no such space ─► built in bulk, imported
//!   keys.npy     n        ├─ read whole, checked ─┤
//!   names.txt    n lines ─┘                       └─ there already ─► vector for vector
//!
//!   space ─► temporary files of all three ─► the old vectors go ─► names ─► keys ─► vectors
//! ```
//! - What a space would refuse is refused before anything of it is changed.
//! - Vectors get their name last, and lose it first: after a crash there is no file of vectors
//!   beside the keys of others.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail, ensure};
use ecphory_native::Pool;
use ecphory_native::ecphory::log::StoreError;
use ecphory_native::ecphory::memory::Standing;
use ecphory_native::ecphory::{Error, Index, Item, Op, Options, Space, Store, key_of};
use ecphory_native::storage::{StorageError, write_atomically};
use ecphory_native::vectors::{self, Vectors, npy};
use serde::Serialize;

use super::super::build::IndexArgs;
use super::super::progress::Line;
use super::super::{format, keys, upsert};
use super::PIECE;

/// What was read of items: vectors, and what each is called.
pub(super) struct Arrays {
    vectors: Vectors,
    keys: Option<Vec<u64>>,
    /// Beside keys, an empty one is none.
    names: Option<Vec<String>>,
}

impl Arrays {
    pub(super) fn read(
        from: &Path,
        keys: Option<&Path>,
        names: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let vectors = vectors::read(from)?;
        let keys = keys.map(|path| keys::distinct(path, &vectors)).transpose()?;
        let names = names.map(|path| keys::names(path, &vectors)).transpose()?;
        for (row, (&key, name)) in keys.iter().flatten().zip(names.iter().flatten()).enumerate() {
            ensure!(
                name.is_empty() || key_of(name) == key,
                "row {row} has the key {key}, and its name {name} that of another; pass the keys and \
                 names of one export, or names alone"
            );
        }
        Ok(Self { vectors, keys, names })
    }

    /// The items, with these keys where they have no names.
    fn items<'a>(&'a self, keys: &'a [u64]) -> Vec<Item<'a>> {
        let is_named = |name: &&String| self.keys.is_none() || !name.is_empty();
        let item = |(row, vector)| {
            let name = self.names.as_ref().map(|names| &names[row]).filter(is_named);
            name.map_or_else(|| Item::new(keys[row], vector), |name| Item::named(name, vector))
        };
        self.vectors.iter().enumerate().map(item).collect()
    }

    /// Puts the items into a space, made of them if there is none. Which space that is, and how many
    /// they are.
    pub(super) fn import(
        &self,
        store: &Store,
        name: &str,
        options: &IndexArgs,
        pool: &Pool,
        line: &mut Line,
    ) -> anyhow::Result<(Space, usize)> {
        let (space, rows) = (store.space(name), self.vectors.rows());
        let largest = space.as_ref().and_then(|space| space.iter().max());
        let keys = match (&self.keys, &self.names) {
            (Some(keys), _) => keys.clone(),
            (None, Some(_)) => Vec::new(),
            (None, None) => upsert::following(largest, rows)?,
        };
        let items = self.items(&keys);
        if let Some(space) = space {
            line.say("checking");
            rehearse(&space, &items, pool)?;
            upsert::on_all_threads(&items, pool, line, |item| put(&space, item))
                .map_err(|(row, error)| in_row(error, row))?;
            return Ok((space, rows));
        }
        let index = options.builder(self.vectors.dim()).build()?;
        index.bulk_build_items(&items, pool, &mut |progress| {
            line.build(progress);
            true
        })?;
        line.say("writing");
        Ok((store.import(name, index)?, rows))
    }
}

/// Refuses items that the space would refuse, before any of them is written: by the look at all of
/// them that a bulk build begins with.
fn rehearse(space: &Space, items: &[Item<'_>], pool: &Pool) -> Result<(), Error> {
    let Options { dim, metric, codes, rows, .. } = *space.options();
    let index = Index::builder(dim).metric(metric).codes(codes).rows(rows).build()?;
    match index.bulk_build_items(items, pool, &mut |_| false) {
        Ok(()) | Err(Error::Cancelled) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Adds an item, or gives the one that is there another vector.
fn put(space: &Space, item: &Item<'_>) -> Result<bool, StoreError> {
    let is_overloaded =
        |error: &StoreError| matches!(error, StoreError::Index(Error::Overloaded { .. }));
    upsert::patiently(is_overloaded, || {
        Ok(space.apply(&Op::Update(*item))? || space.apply(&Op::Upsert(*item))?)
    })
}

fn in_row(error: StoreError, row: usize) -> StoreError {
    match error {
        StoreError::Index(error) => upsert::in_row(error, row).into(),
        other => other,
    }
}

/// The files that a space is written to.
pub(super) struct Files {
    vectors: PathBuf,
    pub(super) keys: PathBuf,
    names: Option<PathBuf>,
}

/// What items have that arrays do not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct LeftOut {
    /// Items of which anything is left out.
    items: usize,
    names: usize,
    tags: usize,
    payloads: usize,
    standings: usize,
    associations: usize,
}

/// Writes what a file is to hold.
type Content<'a> = &'a mut dyn FnMut(&mut dyn Write) -> io::Result<()>;

impl Files {
    pub(super) fn of(
        vectors: PathBuf,
        keys: Option<PathBuf>,
        names: Option<PathBuf>,
    ) -> anyhow::Result<Self> {
        let is_npy = |path: &Path| path.extension().is_some_and(|ending| ending == "npy");
        ensure!(
            is_npy(&vectors),
            "{} would hold vectors, which are written as .npy; name the file so",
            vectors.display()
        );
        let keys = keys.unwrap_or_else(|| vectors.with_extension("keys.npy"));
        ensure!(
            is_npy(&keys) || keys::is_text(&keys),
            "{} would hold keys, which are written as .npy or .txt; name the file so",
            keys.display()
        );
        let mut paths: Vec<PathBuf> = [Some(&vectors), Some(&keys), names.as_ref()]
            .into_iter()
            .flatten()
            .map(|path| fs::canonicalize(path).or_else(|_| std::path::absolute(path)))
            .collect::<Result<_, _>>()?;
        paths.sort_unstable();
        if let Some(pair) = paths.windows(2).find(|pair| pair[0] == pair[1]) {
            bail!("{} would be written twice; pass a file for each", pair[0].display());
        }
        Ok(Self { vectors, keys, names })
    }

    /// Writes the items of a space, in the order of their keys; what is not in the files.
    pub(super) fn write(&self, space: &Space, line: &mut Line) -> anyhow::Result<LeftOut> {
        let mut keys: Vec<u64> = space.iter().collect();
        keys.sort_unstable();
        ensure!(
            !keys.is_empty(),
            "the space {:?} has no items, and an array of none is not read again; export to .jsonl",
            space.name()
        );
        let names = self.names.as_ref().map(|_| names_of(space, &keys)).transpose()?;
        let left_out = LeftOut::of(space, &keys, names.is_some());
        let mut vectors = |out: &mut dyn Write| write_vectors(space, &keys, out, line);
        let mut plain_keys = |out: &mut dyn Write| write_keys(&self.keys, &keys, out);
        let mut lines = |out: &mut dyn Write| write_lines(names.iter().flatten(), out);
        let mut files: Vec<(&Path, Content<'_>)> =
            vec![(&self.vectors, &mut vectors), (&self.keys, &mut plain_keys)];
        if let Some(path) = &self.names {
            files.push((path, &mut lines));
        }
        write_together(&mut files, &|| remove(&self.vectors))?;
        Ok(left_out)
    }
}

/// Writes files of which the first gets its name last; `before` is done when all of them are
/// written, and none has its name.
fn write_together(
    files: &mut [(&Path, Content<'_>)],
    before: &dyn Fn() -> io::Result<()>,
) -> Result<(), StorageError> {
    let Some(((path, content), others)) = files.split_first_mut() else { return Ok(()) };
    let mut failed = None;
    let written = write_atomically(path, |out| {
        content(out)?;
        if others.is_empty() {
            return before();
        }
        write_together(others, before).map_err(|error| {
            failed = Some(error);
            // Not seen: the error of the other file is the one to report.
            ErrorKind::Other.into()
        })
    });
    failed.map_or(written, Err)
}

/// Takes a file away, if there is one, or the one that a link leads to.
fn remove(path: &Path) -> io::Result<()> {
    match fs::canonicalize(path).and_then(fs::remove_file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn write_vectors(
    space: &Space,
    keys: &[u64],
    out: &mut dyn Write,
    line: &mut Line,
) -> io::Result<()> {
    out.write_all(&npy::header::<f32>(keys.len(), Some(space.options().dim)))?;
    let mut row = Vec::new();
    for (done, &key) in keys.iter().enumerate() {
        if done % PIECE == 0 {
            line.count("writing", done, keys.len());
        }
        let vector = space.get(key).ok_or_else(|| io::Error::other("an item was taken out"))?;
        row.clear();
        row.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
        out.write_all(&row)?;
    }
    Ok(())
}

fn write_keys(path: &Path, keys: &[u64], out: &mut dyn Write) -> io::Result<()> {
    if keys::is_text(path) {
        return write_lines(keys, out);
    }
    out.write_all(&npy::header::<u64>(keys.len(), None))?;
    keys.iter().try_for_each(|key| out.write_all(&key.to_le_bytes()))
}

fn write_lines<T: ToString>(
    lines: impl IntoIterator<Item = T>,
    out: &mut dyn Write,
) -> io::Result<()> {
    lines.into_iter().try_for_each(|line| out.write_all((line.to_string() + "\n").as_bytes()))
}

/// What each item is called: nothing where it has no name.
fn names_of(space: &Space, keys: &[u64]) -> anyhow::Result<Vec<String>> {
    let name = |&key: &u64| {
        let name = space.name_of_item(key).unwrap_or_default();
        if name.contains(['\n', '\r']) {
            return Err(anyhow!(
                "the name of item {key} has a line break, which a file of lines cannot hold; export \
                 to .jsonl, or without --names"
            ));
        }
        Ok(name)
    };
    keys.iter().map(name).collect()
}

impl LeftOut {
    fn of(space: &Space, keys: &[u64], has_names: bool) -> Self {
        let mut all = Self::default();
        for &key in keys {
            let has_name = !has_names && space.name_of_item(key).is_some();
            let has_tags = space.tags(key).is_some_and(|tags| !tags.is_empty());
            let has_payload = space.payload(key).is_some_and(|payload| !payload.is_empty());
            let stands =
                space.standing(key).is_some_and(|standing| standing != Standing::default());
            let leads = !space.associations(key).is_empty();
            all.items += usize::from(has_name || has_tags || has_payload || stands || leads);
            all.names += usize::from(has_name);
            all.tags += usize::from(has_tags);
            all.payloads += usize::from(has_payload);
            all.standings += usize::from(stands);
            all.associations += usize::from(leads);
        }
        all
    }

    /// What to tell of it, if there is anything.
    pub(super) fn text(&self) -> Option<String> {
        let parts = [
            ("names", self.names),
            ("tags", self.tags),
            ("payloads", self.payloads),
            ("confidence and times", self.standings),
            ("associations", self.associations),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(what, count)| format!("{what} of {}", format::count(count)))
            .collect();
        (!parts.is_empty()).then(|| format!("{} items; a .jsonl holds all", parts.join(", ")))
    }
}
