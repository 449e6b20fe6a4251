//! A copy of a checkpoint, as a store of its own.

use std::io::ErrorKind;

use super::checkpoint::checkpoint_with;
use super::open::open_snapshot;
use super::{Inner, lock};
use crate::log::{Manifest, Manifests, Place, Saved, Storage, StoreError, begin_at, snapshot_name};
use crate::snapshot::Check;

/// Bytes that are copied at a time.
const PIECE: usize = 1 << 20;

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
        open_snapshot(&*inner.storage, *file, Check::Full, &inner.allocator)?;
        copy(&*inner.storage, to, &snapshot_name(*file))?;
    }
    let Manifest { store, segment, durable, .. } = manifest;
    // The log goes on behind the last frame that the checkpoint holds.
    begin_at(to, Place { store, segment }, durable + 1)?;
    Manifests::create(to, manifest).map(drop)
}

fn copy(from: &dyn Storage, to: &dyn Storage, name: &str) -> Result<(), StoreError> {
    let source = from.open(name).map_err(StoreError::io("open", name))?;
    let len = source.len().map_err(StoreError::io("read", name))?;
    let target = to.create(name).map_err(StoreError::io("create", name))?;
    let mut piece = vec![0; PIECE];
    let mut at = 0;
    while at < len {
        let piece = &mut piece[..PIECE.min((len - at) as usize)];
        source.read_at(at, piece).map_err(StoreError::io("read", name))?;
        target.write_at(at, piece).map_err(StoreError::io("write", name))?;
        at += piece.len() as u64;
    }
    target.sync().map_err(StoreError::io("write", name))
}
