//! Compaction: a space built anew from its items, saved as a checkpoint is, and put in the place of
//! the live one when it has caught up.

use std::sync::Arc;

use super::checkpoint::checkpoint_with;
use super::open::{Copy, open_snapshot};
use super::space::Shared;
use super::write::{Record, decode};
use super::{Inner, damaged, lock, no_space};
use crate::distance::Rows;
use crate::exec::Exec;
use crate::index::{Builder, Index, Item, Op, key_of};
use crate::log::{Manifest, StoreError, read_sealed};
use crate::memory::Standing;
use crate::snapshot::Check;

/// Rounds of catching up before writes are held for the last one.
const ROUNDS: usize = 3;

pub(super) fn compact(inner: &Inner, name: &str, exec: &dyn Exec) -> Result<(), StoreError> {
    let shared = inner.spaces().by_name.get(name).map(Arc::clone);
    let Some(shared) = shared else {
        return Err(no_space("there is no such space; make it, or choose another than", name));
    };
    if shared.index.options().rows == Rows::Codes {
        return Ok(());
    }
    let builder =
        Index::builder(1).allocator(Arc::clone(&inner.allocator)).options(*shared.index.options());
    let mut manifests = lock(&inner.manifests);
    checkpoint_with(inner, &mut manifests, &mut |id, copy: &mut Copy| {
        if id == shared.id {
            // What is lost was damaged, which is seen before the new snapshot counts.
            (copy.index, _) = anew(&copy.index, &builder, exec)?;
            copy.has_changed = true;
        }
        Ok(())
    })?;
    // None if the space was taken out meanwhile.
    let saved = manifests.current.spaces.iter().find(|saved| saved.id == shared.id);
    saved.map_or(Ok(()), |saved| take_over(inner, &manifests.current, &shared, saved.file))
}

/// An item as it is read from an index.
struct Owned {
    key: u64,
    name: Option<String>,
    vector: Vec<f32>,
    tags: Vec<String>,
    payload: Vec<u8>,
    standing: Standing,
}

/// An index of the same items, in the order of their keys, and how many of them are none: in a damaged
/// index that is possible.
pub(super) fn anew(
    index: &Index,
    builder: &Builder,
    exec: &dyn Exec,
) -> Result<(Index, usize), StoreError> {
    let mut keys: Vec<u64> = index.iter().collect();
    keys.sort_unstable();
    keys.dedup();
    let found = keys.len();
    let owned = |key: u64| {
        let owned = Owned {
            key,
            // Of another key it is damaged, and no snapshot with it would open.
            name: index.name(key).filter(|name| key_of(name) == key),
            vector: index.get(key)?,
            tags: index.tags(key)?,
            payload: index.payload(key)?,
            standing: index.standing(key)?,
        };
        index.check_item(0, &owned.vector).is_ok().then_some(owned)
    };
    let owned: Vec<Owned> = keys.into_iter().filter_map(owned).collect();
    let tags: Vec<Vec<&str>> =
        owned.iter().map(|item| item.tags.iter().map(String::as_str).collect()).collect();
    let items: Vec<Item<'_>> = owned
        .iter()
        .zip(&tags)
        .map(|(Owned { key, name, vector, payload, standing, .. }, tags)| {
            let mut item = Item::new(*key, vector).tags(tags).payload(payload);
            item.standing = *standing;
            name.as_deref().map_or(item, |name| item.called(name))
        })
        .collect();
    let built = builder.clone().build()?;
    built.set_retention(index.retention())?;
    built.bulk_build_items(&items, exec, &mut |_| true)?;
    for item in &items {
        built.put_associations(item.key, &index.associations(item.key))?;
    }
    Ok((built, found - items.len()))
}

/// Puts the index in a snapshot of a manifest in the place of the live one.
fn take_over(
    inner: &Inner,
    manifest: &Manifest,
    shared: &Shared,
    file: u64,
) -> Result<(), StoreError> {
    let fresh = open_snapshot(&*inner.storage, file, Check::Header, &inner.allocator)?;
    let mut from = Manifest { spaces: Vec::new(), ..*manifest };
    let mut catch_up = || {
        let (segment, _) = inner.log.begin_segment()?;
        let mut frames = 0;
        read_sealed(&*inner.storage, &from, segment, &mut |_, payload| {
            frames += 1;
            replay(shared.id, &fresh, payload)
        })?;
        from.segment = segment;
        Ok::<_, StoreError>(frames)
    };
    for _ in 0..ROUNDS {
        if catch_up()? == 0 {
            break;
        }
    }
    let _nobody_writes = shared.all_stripes();
    catch_up()?;
    Ok(shared.index.become_like(fresh)?)
}

/// Makes the change of a frame, if it is one of the space.
fn replay(space: u64, index: &Index, payload: &[u8]) -> Result<(), StoreError> {
    let wrong = |error| damaged("the log", error);
    match decode(payload).map_err(wrong)? {
        (id, Record::Change(mut fields)) if id == space => {
            Op::decode(&mut fields, |op| op.apply(index)).map_err(wrong)??;
        }
        _ => {}
    }
    Ok(())
}
