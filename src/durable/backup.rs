//! A copy of a checkpoint, as a store of its own.

use std::io::ErrorKind;

use super::checkpoint::checkpoint_with;
use super::save::verified;
use super::{Inner, lock};
use crate::log::{Manifest, Manifests, Place, Saved, Storage, StoreError, begin_at, snapshot_name};

pub(super) fn backup(inner: &Inner, to: &dyn Storage) -> Result<(), StoreError> {
    let there = to.list().map_err(StoreError::io("list", "the folder"))?;
    if !there.is_empty() {
        let cause = ErrorKind::DirectoryNotEmpty.into();
        return Err(StoreError::io("write to", "a folder that holds something")(cause));
    }
    // Held, so that what it names is not removed meanwhile.
    let mut manifests = lock(&inner.manifests);
    checkpoint_with(inner, &mut manifests, &mut |_, _| Ok(()))?;
    let manifest = manifests.current.clone();
    for Saved { file, .. } in &manifest.spaces {
        copy(inner, to, *file)?;
    }
    let Manifest { store, segment, durable, .. } = manifest;
    // The log goes on behind the last frame that the checkpoint holds.
    begin_at(to, Place { store, segment }, durable + 1)?;
    Manifests::create(to, manifest).map(drop)
}

fn copy(inner: &Inner, to: &dyn Storage, file: u64) -> Result<(), StoreError> {
    let whole = verified(&*inner.storage, file)?;
    let name = snapshot_name(file);
    let target = to.create(&name).map_err(StoreError::io("create", &name))?;
    target
        .write_at(0, whole.bytes())
        .and_then(|()| target.sync())
        .map_err(StoreError::io("write", &name))
}
