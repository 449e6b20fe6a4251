//! Opening: the manifest, the snapshots it names, and the frames since.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex};

use super::checkpoint::checkpoint;
use super::space::Shared;
use super::write::{Record, check_name, decode};
use super::{Inner, Spaces, Store, StoreBuilder, damaged};
use crate::error::Error;
use crate::index::{Index, Op};
use crate::limits::SPACES_MAX;
use crate::log::{
    Found, IDS_MAX, Manifest, Manifests, POISONED_FILE, SYNC, Saved, Storage, StoreError, create,
    has_frames, number_of, parts_of, recover, snapshot_name, snapshot_number, snapshot_region,
};
use crate::snapshot::Check;
use crate::store::Allocator;

pub(super) fn open(builder: StoreBuilder, storage: Arc<dyn Storage>) -> Result<Store, StoreError> {
    let folder = Arc::clone(&storage);
    let opened = recovered(builder, storage);
    if let Err(StoreError::Io { action: SYNC, .. }) = &opened {
        // As when a log is poisoned: the next who opens it must not trust what it reads.
        let _ = folder.create(POISONED_FILE);
    }
    opened
}

fn recovered(builder: StoreBuilder, storage: Arc<dyn Storage>) -> Result<Store, StoreError> {
    let StoreBuilder { ack, sizes, share_from, check, is_read_only, identity, allocator } = builder;
    let names = storage.list().map_err(StoreError::io("list", "the folder"))?;
    let (mut manifests, log, spaces) = match Manifests::load(&*storage, &names)? {
        Found::Some(manifests) => {
            let manifest = &manifests.current;
            let mut spaces = Replayed::open(&*storage, manifest, check, &allocator)?;
            let log =
                recover(&storage, &names, manifest, sizes, is_read_only, &mut |lsn, payload| {
                    spaces.replay(lsn, payload)
                })?;
            (manifests, log, spaces)
        }
        Found::None { reason, offset } => {
            if is_read_only || is_in_use(&*storage, &names)? {
                let file = "manifest-0".to_owned();
                return Err(StoreError::Damaged { file, offset, reason });
            }
            let store = identity.unwrap_or_else(|| RandomState::new().hash_one(0));
            let log = create(&storage, store, sizes)?;
            let first =
                Manifest { generation: 1, store, segment: 1, next_file: 1, ..Manifest::default() };
            (Manifests::create(&*storage, first)?, log, Replayed::new(&allocator))
        }
    };
    let is_poisoned = !is_read_only && names.iter().any(|name| name == POISONED_FILE);
    if is_poisoned {
        manifests.write_again(&*storage)?;
    }
    if !is_read_only {
        manifests.heal(&*storage)?;
        sweep(&*storage, &manifests.current)?;
    }
    let next_id = spaces.next_id;
    let shared = spaces.spaces.into_iter().map(|(id, Copy { name, index, .. })| {
        (name.clone(), Arc::new(Shared::new(id, name, index)))
    });
    let spaces = Mutex::new(Spaces { by_name: shared.collect(), next_id });
    let manifests = Mutex::new(manifests);
    let naming = Mutex::new(());
    let inner = Inner { storage, log, ack, share_from, allocator, spaces, naming, manifests };
    if is_poisoned {
        // Nothing of the log that was read is relied on any more.
        checkpoint(&inner)?;
        let removed = inner.storage.remove(POISONED_FILE);
        removed.map_err(StoreError::io("remove", POISONED_FILE))?;
    }
    Ok(Store(Arc::new(inner)))
}

/// Whether files without a manifest are those of a store that was used, and not those of one whose
/// making was cut short.
fn is_in_use(storage: &dyn Storage, names: &[String]) -> Result<bool, StoreError> {
    for name in names {
        let is_used = match number_of(name) {
            Some(1) => has_frames(storage, name)?,
            Some(_) => true,
            None => snapshot_number(name).is_some(),
        };
        if is_used {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes the files of a store that its manifest does not need.
pub(super) fn sweep(storage: &dyn Storage, manifest: &Manifest) -> Result<(), StoreError> {
    let names = storage.list().map_err(StoreError::io("list", "the folder"))?;
    let mut needed = BTreeSet::new();
    for Saved { file, .. } in &manifest.spaces {
        needed.insert(*file);
        needed.extend(parts_of(storage, *file)?.iter().map(|part| part.file));
    }
    for name in names {
        let is_old = number_of(&name).is_some_and(|segment| segment < manifest.segment)
            || snapshot_number(&name).is_some_and(|file| !needed.contains(&file));
        if is_old {
            storage.remove(&name).map_err(StoreError::io("remove", &name))?;
        }
    }
    Ok(())
}

/// Spaces as a manifest and the frames since make them.
pub(super) struct Replayed {
    pub(super) allocator: Arc<dyn Allocator>,
    pub(super) spaces: BTreeMap<u64, Copy>,
    /// Above all identities that were met.
    pub(super) next_id: u64,
    /// Spaces that have ended.
    gone: BTreeSet<u64>,
}

/// One of them.
pub(super) struct Copy {
    pub(super) name: String,
    pub(super) index: Index,
    /// The last frame that its snapshot holds.
    pub(super) lsn: u64,
    /// Its snapshot, 0 without one.
    pub(super) file: u64,
    /// Whether a frame has changed it since.
    pub(super) has_changed: bool,
}

impl Replayed {
    pub(super) fn new(allocator: &Arc<dyn Allocator>) -> Self {
        let allocator = Arc::clone(allocator);
        Self { allocator, spaces: BTreeMap::new(), next_id: 1, gone: BTreeSet::new() }
    }

    /// The spaces as their snapshots hold them.
    pub(super) fn open(
        storage: &dyn Storage,
        manifest: &Manifest,
        check: Check,
        allocator: &Arc<dyn Allocator>,
    ) -> Result<Self, StoreError> {
        let mut replayed = Self::new(allocator);
        for saved in &manifest.spaces {
            let index = open_snapshot(storage, saved.file, check, allocator)?;
            replayed.take(saved, index);
        }
        Ok(replayed)
    }

    /// Adds a space as its snapshot holds it.
    pub(super) fn take(&mut self, saved: &Saved, index: Index) {
        let &Saved { id, file, lsn, ref name } = saved;
        self.spaces.insert(id, Copy { name: name.clone(), index, lsn, file, has_changed: false });
        if id <= IDS_MAX {
            self.next_id = self.next_id.max(id + 1);
        }
    }

    /// Makes the change of a frame.
    pub(super) fn replay(&mut self, lsn: u64, payload: &[u8]) -> Result<(), StoreError> {
        let wrong = |reason| StoreError::Damaged { file: frame_name(lsn), offset: 0, reason };
        let (id, record) = decode(payload).map_err(|error| damaged(&frame_name(lsn), error))?;
        if id > IDS_MAX {
            return Err(wrong("it names a space that cannot be"));
        }
        self.next_id = self.next_id.max(id + 1);
        match record {
            Record::Begin { name, options } => {
                // A snapshot may hold it already.
                if self.spaces.get(&id).is_none_or(|space| space.lsn < lsn) {
                    let is_taken = self.spaces.values().any(|space| space.name == name);
                    let is_full = self.spaces.len() >= SPACES_MAX;
                    if is_taken || is_full || check_name(name).is_err() {
                        return Err(wrong("it begins a space that cannot be"));
                    }
                    let builder = Index::builder(1).allocator(Arc::clone(&self.allocator));
                    let index = builder.options(options).build()?;
                    let name = name.to_owned();
                    let copy = Copy { name, index, lsn: 0, file: 0, has_changed: true };
                    self.spaces.insert(id, copy);
                }
            }
            Record::End => {
                self.spaces.remove(&id);
                self.gone.insert(id);
            }
            Record::Change(mut fields) => match self.spaces.get_mut(&id) {
                Some(space) if space.lsn < lsn => {
                    space.has_changed = true;
                    let applied = Op::decode(&mut fields, |op| op.apply(&space.index));
                    match applied.map_err(|error| damaged(&frame_name(lsn), error))? {
                        Ok(_) => {}
                        Err(error @ Error::OutOfMemory { .. }) => return Err(error.into()),
                        Err(_) => return Err(wrong("its change cannot be made")),
                    }
                }
                Some(_) => {}
                // Frames from before a checkpoint that does not hold the space any more.
                None if self.gone.contains(&id) => {}
                None => return Err(wrong("it changes a space that never began")),
            },
        }
        Ok(())
    }
}

/// The index in a snapshot.
pub(super) fn open_snapshot(
    storage: &dyn Storage,
    file: u64,
    check: Check,
    allocator: &Arc<dyn Allocator>,
) -> Result<Index, StoreError> {
    let region = snapshot_region(storage, file)?;
    let builder = Index::builder(1).allocator(Arc::clone(allocator));
    builder.open(region, check).map_err(|error| damaged(&snapshot_name(file), error))
}

fn frame_name(lsn: u64) -> String {
    format!("frame {lsn} of the log")
}
