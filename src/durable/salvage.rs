//! What can be had of a store that recovery refuses, as a store of its own.

use std::sync::Arc;

use super::compact::anew;
use super::open::{Replayed, open_snapshot};
use super::{Store, StoreBuilder};
use crate::exec::Exec;
use crate::index::Index;
use crate::log::{
    Found, Manifests, Saved, Storage, StoreError, number_of, parts_of, read_what_holds,
    snapshot_number,
};
use crate::snapshot::Check;

/// What was salvaged of a store, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Salvaged {
    /// Spaces, with their items.
    pub spaces: Vec<(String, usize)>,
    /// Spaces of which nothing can be read, and those without a name, which is lost with the manifest.
    pub lost_spaces: Vec<String>,
    /// Spaces whose snapshots are damaged: their items are as they were found.
    pub damaged_spaces: Vec<String>,
    /// Items that were found and are none.
    pub lost_items: usize,
    /// Changes that were read from the log.
    pub changes: u64,
    /// Changes that do not hold, or cannot be made without others; as far as can be told.
    pub lost_changes: u64,
    /// Files of the log that are missing or unreadable.
    pub lost_files: u64,
}

pub(super) fn salvage(
    builder: StoreBuilder,
    from: &dyn Storage,
    to: Arc<dyn Storage>,
    exec: &dyn Exec,
) -> Result<(Store, Salvaged), StoreError> {
    let names = from.list().map_err(StoreError::io("list", "the folder"))?;
    let manifest = match Manifests::load(from, &names)? {
        Found::Some(manifests) => Some(manifests.current),
        Found::None { .. } => None,
    };
    if !names.iter().any(|name| number_of(name).is_some() || snapshot_number(name).is_some()) {
        let (file, reason) = ("the folder".to_owned(), "it holds no part of a store");
        return Err(StoreError::Damaged { file, offset: 0, reason });
    }
    let there = to.list().map_err(StoreError::io("list", "the folder"))?;
    if !there.is_empty() {
        let cause = std::io::ErrorKind::DirectoryNotEmpty.into();
        return Err(StoreError::io("write to", "a folder that holds something")(cause));
    }
    let mut report = Salvaged::default();
    let mut replayed = Replayed::new(&builder.allocator);
    let saved =
        manifest.as_ref().map_or_else(|| unnamed(from, &names), |found| found.spaces.clone());
    for saved in saved {
        report.open(from, &saved, &mut replayed, exec);
    }
    let mut refused = 0;
    let frames = read_what_holds(from, &names, manifest.as_ref(), &mut |lsn, payload| {
        // What relied on a change that is lost cannot be made.
        match replayed.replay(lsn, payload) {
            Err(StoreError::Damaged { .. }) => refused += 1,
            other => other?,
        }
        Ok(())
    })?;
    report.changes = frames.read - refused;
    report.lost_changes = frames.lost + refused;
    report.lost_files = frames.segments;
    let store = builder.open(to)?;
    for copy in replayed.spaces.into_values() {
        report.spaces.push((copy.name.clone(), copy.index.len()));
        store.import(&copy.name, copy.index)?;
    }
    store.close()?;
    Ok((store, report))
}

/// The snapshots of a folder without a manifest, under names of their own, but for those that others
/// stand on: those were before them.
fn unnamed(from: &dyn Storage, names: &[String]) -> Vec<Saved> {
    let mut files: Vec<u64> = names.iter().filter_map(|name| snapshot_number(name)).collect();
    files.sort_unstable();
    let is_older = |file: u64| {
        let later = files.iter().filter(|&&later| later > file);
        let mut parts = later.filter_map(|&later| parts_of(from, later).ok()).flatten();
        parts.any(|part| part.file == file)
    };
    let older: Vec<u64> = files.iter().copied().filter(|&file| is_older(file)).collect();
    files.retain(|file| !older.contains(file));
    // Identities that no frame has.
    let saved =
        |file| Saved { id: u64::MAX - file, file, lsn: 0, name: format!("salvaged {file}") };
    files.into_iter().map(saved).collect()
}

impl Salvaged {
    /// Takes what a snapshot holds.
    fn open(
        &mut self,
        from: &dyn Storage,
        saved: &Saved,
        replayed: &mut Replayed,
        exec: &dyn Exec,
    ) {
        let allocator = Arc::clone(&replayed.allocator);
        let mut found = open_snapshot(from, saved.file, Check::Full, &allocator);
        if found.is_err() {
            let damaged = open_snapshot(from, saved.file, Check::Header, &allocator);
            found = damaged.and_then(|index| self.items_of(&index, exec));
            let list = if found.is_ok() { &mut self.damaged_spaces } else { &mut self.lost_spaces };
            list.push(saved.name.clone());
        }
        let Ok(index) = found else { return };
        replayed.take(saved, index);
    }

    /// An index of what is still an item of a damaged one.
    fn items_of(&mut self, index: &Index, exec: &dyn Exec) -> Result<Index, StoreError> {
        let builder = Index::builder(1).options(*index.options());
        let (built, lost) = anew(index, &builder, exec)?;
        self.lost_items += lost;
        Ok(built)
    }
}
