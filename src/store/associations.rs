//! Who leads to whom: typed, weighted, directed associations between items.
//!
//! ```text
//!   slot ──ids──► identity ──places──► slot of the item now, and how many slots have the identity
//!                    └──edges──► [to whom (identity), kind, weight, confidence], in that order
//! ```
//! An item gets an identity when it is first associated. It keeps it when its vector is replaced,
//! which leads its key to another slot; when it is deleted its slots are given back one after the
//! other, and with the last of them the identity ends. None is used twice, so what leads to an item
//! that was deleted leads nowhere, also when its key comes back.
//!
//! # Invariants
//! - Each identity counts the slots that have it; its edges go when there are none.
//! - Edges of one item are in order, and no two lead to the same one by the same kind.
//! - Readers find a slot here that *had* the identity; whether it still has tells [`Self::id`] of the
//!   slot that its key leads to.
//!
//! [`Self::id`]: Associations::id

use std::sync::atomic::{AtomicU32, Ordering};

use super::boxed::Boxed;
use super::cell::Pinned;
use super::sparse::Sparse;
use crate::error::{Error, Result};
use crate::limits::{ASSOCIATIONS_MAX, KIND_BYTES_MAX, KINDS_MAX, SLOTS_MAX};
use crate::memory::scoring::Confidence;

/// One association, out of the item that holds it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Edge {
    /// The identity that it leads to.
    pub(crate) to: u32,
    /// The number of its kind.
    pub(crate) kind: u8,
    /// How strong it is, above 0.
    pub(crate) weight: f32,
    /// How sure it is.
    pub(crate) confidence: Confidence,
}

/// The associations of an index.
pub(crate) struct Associations {
    /// By slot, 0 for none.
    ids: Sparse,
    /// By identity: number of slots 32 | slot 32.
    places: Sparse,
    edges: Boxed<Box<[Edge]>>,
    kinds: Boxed<Box<str>>,
    next: AtomicU32,
}

const ONE_SLOT: u64 = 1 << 32;
/// Edges of one item, at most: more than one may have, because a log may have the change that made
/// room for one more behind the one that took it.
pub(crate) const EDGES_MAX: usize = 2 * ASSOCIATIONS_MAX;
/// Identities, at most: those of items that are gone count until a file is opened, or a space built
/// anew.
const IDENTITIES_MAX: u32 = SLOTS_MAX;

impl Associations {
    pub(crate) const fn new() -> Self {
        Self {
            ids: Sparse::new(),
            places: Sparse::new(),
            edges: Boxed::new(),
            kinds: Boxed::new(),
            next: AtomicU32::new(1),
        }
    }

    /// The identity of a slot, 0 if it has none.
    pub(crate) fn id(&self, slot: u32) -> u32 {
        // Acquire pairs with the release in `give_id`.
        self.ids.find(slot as usize).map_or(0, |word| word.load(Ordering::Acquire) as u32)
    }

    /// A slot that has, or had, an identity; `None` if there is none any more.
    pub(crate) fn slot(&self, id: u32) -> Option<u32> {
        let place = self.places.find(id as usize)?.load(Ordering::Acquire);
        (place >= ONE_SLOT).then_some(place as u32)
    }

    /// The identity of a slot, given now if it had none.
    pub(crate) fn give_id(&self, slot: u32) -> Result<u32> {
        let word = self.ids.word(slot as usize)?;
        let seen = word.load(Ordering::Acquire) as u32;
        if seen != 0 {
            return Ok(seen);
        }
        // Relaxed: only that it differs from all others counts.
        let more = |id| (id < IDENTITIES_MAX).then_some(id + 1);
        let next = self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        let id = next.map_err(|limit| Error::Full { limit })?;
        let place = self.places.word(id as usize)?;
        place.store(ONE_SLOT | u64::from(slot), Ordering::Release);
        // AcqRel: release publishes the place; acquire takes over the winner's.
        match word.compare_exchange(0, u64::from(id), Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(id),
            Err(other) => {
                place.store(0, Ordering::Release);
                Ok(other as u32)
            }
        }
    }

    /// Gives a slot that no key leads to yet the identity of the one that it takes the place of.
    pub(crate) fn hand_on(&self, from: u32, to: u32) -> Result<()> {
        let id = self.id(from);
        if self.id(to) == id {
            return Ok(());
        }
        // It may have that of another that it was to take the place of.
        self.clear(to);
        if id == 0 {
            return Ok(());
        }
        let word = self.ids.word(to as usize)?;
        self.places.word(id as usize)?.fetch_add(ONE_SLOT, Ordering::AcqRel);
        word.store(u64::from(id), Ordering::Release);
        Ok(())
    }

    /// Notes that the item of an identity is in this slot now.
    pub(crate) fn lead(&self, id: u32, slot: u32) {
        if let Some(place) = self.places.find(id as usize) {
            let lead = |place: u64| Some(place & !(ONE_SLOT - 1) | u64::from(slot));
            // AcqRel: as in `give_id`. What leads always does so.
            let _was = place.fetch_update(Ordering::AcqRel, Ordering::Acquire, lead);
        }
    }

    /// Takes the identity of a slot that nobody reads, and its edges with the last slot.
    pub(crate) fn clear(&self, slot: u32) {
        let Some(word) = self.ids.find(slot as usize) else { return };
        let id = word.swap(0, Ordering::AcqRel) as usize;
        let Some(place) = self.places.find(id).filter(|_| id != 0) else { return };
        if place.fetch_sub(ONE_SLOT, Ordering::AcqRel) < 2 * ONE_SLOT {
            self.edges.clear(id);
        }
    }

    /// The edges of an identity.
    pub(crate) fn edges(&self, id: u32) -> &[Edge] {
        self.edges.get(id as usize).map_or(&[], |edges| edges)
    }

    /// Puts another edge in the place of the one that leads from `id` to the same item by the same
    /// kind, or adds it, or with `None` takes it out; whether that changed anything. What leads
    /// nowhere any more goes with it, as `leads` tells. O(edges).
    pub(crate) fn set_edge<R>(
        &self,
        (id, to, kind): (u32, u32, u8),
        pinned: &Pinned<'_, R>,
        leads: &dyn Fn(u32) -> bool,
        edge: &dyn Fn(Option<Edge>) -> Option<Edge>,
    ) -> Result<bool> {
        self.edges.change(id as usize, pinned, |edges| {
            let edges = edges.map_or(&[][..], |edges| edges);
            let found = edges.binary_search_by_key(&(to, kind), |edge| (edge.to, edge.kind));
            let (place, old) = match found {
                Ok(place) => (place, Some(edges[place])),
                Err(place) => (place, None),
            };
            let new = edge(old);
            if new == old {
                return Ok(None);
            }
            let (before, after) = (&edges[..place], &edges[place + usize::from(old.is_some())..]);
            let kept = |edges: &[Edge]| {
                edges.iter().copied().filter(|edge| leads(edge.to)).collect::<Vec<_>>()
            };
            let (mut all, after) = (kept(before), kept(after));
            all.extend(new);
            all.extend(after);
            if all.len() > EDGES_MAX {
                return Err(Error::TooManyAssociations { limit: EDGES_MAX });
            }
            Ok(Some(all.into_boxed_slice()))
        })
    }

    /// Gives an identity its edges, in any order. Nobody else changes them.
    pub(crate) fn put_edges(&self, id: u32, mut edges: Vec<Edge>) -> Result<()> {
        edges.sort_unstable_by_key(|edge| (edge.to, edge.kind));
        edges.dedup_by_key(|edge| (edge.to, edge.kind));
        self.edges.put(id as usize, edges.into_boxed_slice())
    }

    /// The name of a kind.
    pub(crate) fn kind(&self, number: u8) -> &str {
        self.kinds.get(number.into()).map_or("", |name| name)
    }

    /// The number of a kind, if there is one. O(kinds).
    pub(crate) fn find_kind(&self, name: &str) -> Option<u8> {
        let names =
            (0..=u8::MAX).map_while(|number| Some((number, self.kinds.get(number.into())?)));
        names.into_iter().find(|(_, other)| ***other == *name).map(|(number, _)| number)
    }

    /// The number of a kind, made if there is none.
    pub(crate) fn add_kind<R>(&self, name: &str, pinned: &Pinned<'_, R>) -> Result<u8> {
        if name.is_empty() || name.len() > KIND_BYTES_MAX {
            return Err(Error::BadKind);
        }
        for number in 0..KINDS_MAX {
            let mut is_it = false;
            self.kinds.change(number, pinned, |found| {
                is_it = found.is_none_or(|found| **found == *name);
                Ok(found.is_none().then(|| name.into()))
            })?;
            if is_it {
                return Ok(number as u8);
            }
        }
        Err(Error::BadKind)
    }

    /// Names a kind that has no name. Nobody else names any.
    pub(crate) fn put_kind(&self, number: u8, name: &str) -> Result<()> {
        self.kinds.put(number.into(), name.into())
    }

    /// Whether an item may have an association.
    pub(crate) fn are_there(&self) -> bool {
        self.edges.is_used()
    }

    /// Bytes of memory held, but for the edges themselves.
    pub(crate) fn bytes(&self) -> usize {
        self.ids.bytes() + self.places.bytes() + self.edges.bytes() + self.kinds.bytes()
    }
}
