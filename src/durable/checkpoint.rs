//! Checkpoints: the last snapshots, and what the sealed part of the log says about them, made into
//! new ones.

use std::io::ErrorKind;
use std::sync::Arc;

use super::open::{Copy, Replayed, open_snapshot, sweep};
use super::save::{save, save_after};
use super::space::Space;
use super::write::{check_name, taken};
use super::{Inner, lock};
use crate::index::Index;
use crate::log::{Manifest, Manifests, SYNC, Saved, StoreError, number_of, read_sealed};
use crate::snapshot::Check;

pub(super) fn checkpoint(inner: &Inner) -> Result<(), StoreError> {
    let mut manifests = lock(&inner.manifests);
    checkpoint_with(inner, &mut manifests, &mut |_, _| Ok(()))
}

/// Makes a checkpoint of the spaces as `change` leaves them, which is told of each.
pub(super) fn checkpoint_with(
    inner: &Inner,
    manifests: &mut Manifests,
    change: &mut dyn FnMut(u64, &mut Copy) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let next = make(inner, &manifests.current, change);
    let made = next.and_then(|next| replace(inner, manifests, next));
    // What was not needed, or is not any more; the error that led here is the one to report.
    let swept = inner.log.check().and_then(|()| sweep(&*inner.storage, &manifests.current));
    made.and(swept)
}

/// Makes the snapshots of a checkpoint, and the manifest that names them.
fn make(
    inner: &Inner,
    old: &Manifest,
    change: &mut dyn FnMut(u64, &mut Copy) -> Result<(), StoreError>,
) -> Result<Manifest, StoreError> {
    // All frames before it are durable, and no other will be.
    let (segment, last) = inner.log.begin_segment()?;
    let storage = &*inner.storage;
    let mut copies = Replayed::open(storage, old, Check::Header, &inner.allocator)?;
    read_sealed(storage, old, segment, &mut |lsn, payload| copies.replay(lsn, payload))?;
    let mut next = Manifest { segment, durable: last, spaces: Vec::new(), ..*old };
    for (id, mut copy) in copies.spaces {
        change(id, &mut copy)?;
        let Copy { name, index, mut file, has_changed, .. } = copy;
        if has_changed {
            let before = std::mem::replace(&mut file, next.next_file);
            next.next_file += 1;
            match before {
                0 => save(inner, file, &index)?,
                before => save_after(inner, before, file, &index)?,
            }
        }
        next.spaces.push(Saved { id, file, lsn: last, name });
    }
    storage.sync().map_err(|_| inner.log.poison())?;
    Ok(next)
}

/// Makes a space of an index, by a manifest that names its snapshot beside the others.
pub(super) fn import(inner: &Arc<Inner>, name: &str, index: Index) -> Result<Space, StoreError> {
    check_name(name)?;
    inner.log.check()?;
    let mut manifests = lock(&inner.manifests);
    let _naming = lock(&inner.naming);
    if inner.spaces().by_name.contains_key(name) {
        return Err(taken(name));
    }
    // So that neither the manifest nor the log knows a space that had the name before.
    checkpoint_with(inner, &mut manifests, &mut |_, _| Ok(()))?;
    let mut next = manifests.current.clone();
    let (id, file) = (inner.spaces().next_id()?, next.next_file);
    next.next_file += 1;
    // Frames of the space come later, and what is durable stays behind its number.
    next.spaces.push(Saved { id, file, lsn: next.durable, name: name.to_owned() });
    let made = save(inner, file, &index)
        .and_then(|()| inner.storage.sync().map_err(|_| inner.log.poison()))
        .and_then(|()| replace(inner, &mut manifests, next));
    if let Err(error) = made {
        let _ = inner.log.check().and_then(|()| sweep(&*inner.storage, &manifests.current));
        return Err(error);
    }
    let shared = inner.spaces().add(id, name, index);
    Ok(Space::over(Arc::clone(inner), shared))
}

/// Puts a manifest in place of the current one.
fn replace(inner: &Inner, manifests: &mut Manifests, next: Manifest) -> Result<(), StoreError> {
    manifests.replace(&*inner.storage, next).map_err(|error| match error {
        StoreError::Io { action: SYNC, .. } => inner.log.poison(),
        error => error,
    })
}

/// Says in the manifest that all frames there are are durable.
pub(super) fn note_durable(inner: &Inner) -> Result<(), StoreError> {
    let mut manifests = lock(&inner.manifests);
    let durable = inner.log.last();
    inner.log.commit(durable)?;
    let next = Manifest { durable, ..manifests.current.clone() };
    replace(inner, &mut manifests, next)
}

pub(super) fn scrub(inner: &Inner) -> Result<(), StoreError> {
    // Held, so that no file goes meanwhile.
    let manifests = lock(&inner.manifests);
    let storage = &*inner.storage;
    manifests.verify(storage)?;
    for saved in &manifests.current.spaces {
        open_snapshot(storage, saved.file, Check::Full, &inner.allocator)?;
    }
    read_sealed(storage, &manifests.current, inner.log.segment(), &mut |_, _| Ok(()))
}

pub(super) fn log_bytes(inner: &Inner) -> Result<u64, StoreError> {
    let first = lock(&inner.manifests).current.segment;
    let names = inner.storage.list().map_err(StoreError::io("list", "the folder"))?;
    let (last, written) = inner.log.written();
    let is_sealed =
        |name: &String| number_of(name).is_some_and(|number| (first..last).contains(&number));
    names.iter().filter(|name| is_sealed(name)).try_fold(written, |sum, name| {
        match inner.storage.open(name) {
            Ok(file) => Ok(sum + file.len().map_err(StoreError::io("read", name))?),
            // A checkpoint made meanwhile does without it.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(sum),
            Err(error) => Err(StoreError::io("open", name)(error)),
        }
    })
}
