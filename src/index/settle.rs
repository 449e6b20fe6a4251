//! Which of the nodes that a search met are items.
//!
//! The key decides: its entry is the one word that an insert, an update or a delete changes, so
//! whoever asks it once sees the item before or after, never twice and never not at all. Most nodes
//! need no asking, because nothing has happened to them since their insert was through; a node is
//! marked doubtful before its key's entry changes, and for good when it is dead.
//!
//! A node met just before it was marked, and the one that took its place met just after, are both
//! without doubt. That takes an update that runs beside the search, and [`Updates`] tells.

use std::sync::atomic::{AtomicU64, Ordering};

use super::find::Sought;
use super::root::Root;
use super::search::{Hit, Work};
use crate::graph::{Scratch, node, search_ties};
use crate::limits::EF_MAX;

/// How much farther a search looks when too few of what it met are items.
const WIDER: usize = 4;

/// Counts updates: those that have begun, and those that run.
#[derive(Default)]
pub(super) struct Updates(AtomicU64);

/// An update that runs; it ends when dropped.
pub(super) struct Update<'a>(&'a Updates);

const BEGUN: u64 = 1 << 32;

impl Updates {
    pub(super) fn begin(&self) -> Update<'_> {
        // AcqRel: whoever sees the node of an update sees that it has begun, if it reads this later.
        self.0.fetch_add(BEGUN + 1, Ordering::AcqRel);
        Update(self)
    }

    /// What [`Self::have_rested`] is told later.
    pub(super) fn now(&self) -> u64 {
        // Acquire pairs with the release of the updates that have ended: their effects are seen.
        self.0.load(Ordering::Acquire)
    }

    /// Whether no update has run since.
    pub(super) fn have_rested(&self, then: u64) -> bool {
        then as u32 == 0 && self.now() == then
    }
}

impl Drop for Update<'_> {
    fn drop(&mut self) {
        // Release pairs with the acquire in `now`.
        self.0.0.fetch_sub(1, Ordering::Release);
    }
}

impl Root {
    /// The slot of the item that a node is or was, if there is one now.
    pub(super) fn item_of(&self, slot: u32) -> Option<u32> {
        if node(&self.space, slot).is_sure() { Some(slot) } else { self.find(self.space.key(slot)) }
    }

    /// The slots of all items, each once. O(n).
    pub(super) fn items(&self) -> Vec<u32> {
        let then = (self.updates.now(), self.removals.now());
        let met = || (1..self.space.end()).filter(|&slot| node(&self.space, slot).is_met());
        let own = |&slot: &u32| self.item_of(slot) == Some(slot);
        let mut items: Vec<u32> = met().filter(own).collect();
        if !(self.updates.have_rested(then.0) && self.removals.have_rested(then.1)) {
            items.extend(met().filter_map(|slot| self.item_of(slot)));
            self.keep_one_each(&mut items);
        }
        items
    }

    /// Leaves each slot once, and of those with the same key the one the key leads to, if it is
    /// there.
    pub(super) fn keep_one_each(&self, slots: &mut Vec<u32>) {
        let mut keyed: Vec<(u64, u32)> =
            slots.iter().map(|&slot| (self.space.key(slot), slot)).collect();
        keyed.sort_unstable();
        keyed.dedup_by(|later, kept| {
            let is_one = later.0 == kept.0;
            if is_one && self.keys.find(later.0) == Some(later.1) {
                *kept = *later;
            }
            is_one
        });
        slots.clear();
        slots.extend(keyed.into_iter().map(|(_, slot)| slot));
    }

    /// The candidates to keep so that about `ef` of them are items.
    pub(super) fn ef_among_dead(&self, ef: usize) -> usize {
        let (dead, len) = (self.graph.dead(), self.len().max(1));
        if dead < len / 8 { ef } else { (ef + ef.saturating_mul(dead) / len).min(EF_MAX.max(ef)) }
    }
}

/// Whether a walk that keeps `ef` candidates has met every node, for sure. Numbers of items cannot
/// tell: others may come and go meanwhile.
pub(super) fn has_met_all(root: &Root, ef: usize, scratch: &Scratch) -> bool {
    // Dead copies of one vector could leave no room for a living one.
    scratch.pool.candidates().len() < ef && root.graph.dead() == 0
}

/// The `k` nearest items that a walk has met, appended to `hits`; looks farther, and at last at
/// everything, until there are as many as there can be. The walk kept `ef` candidates, and began
/// when the count of updates was `then`.
pub(super) fn settle(
    sought: &Sought<'_>,
    mut ef: usize,
    then: u64,
    scratch: &mut Scratch,
    hits: &mut Vec<Hit>,
) -> Work {
    let &Sought { root, k, watch, .. } = sought;
    if scratch.pool.hides(search_ties(k, ef), |slot| root.item_of(slot).is_some()) {
        // Copies that were deleted have taken all the room there is for their distance.
        scratch.search(&root.graph, &root.space, ef, ef, watch);
    }
    loop {
        let mut items: Vec<u32> =
            scratch.pool.candidates().iter().filter_map(|c| root.item_of(c.node())).collect();
        if root.updates.have_rested(then) {
            // Two slots of one key take an update: a key that was deleted and came again leads to
            // the later one from both.
            items.sort_unstable();
            items.dedup();
        } else {
            root.keep_one_each(&mut items);
        }
        let found = items.len();
        let enough = found >= k || (found >= k.min(root.len()) && has_met_all(root, ef, scratch));
        if enough || scratch.has_stopped {
            rank_items(root, scratch, &items, k, hits);
            return Work::of_walk(scratch, ef);
        }
        let walked = Work::of_walk(scratch, ef);
        ef = ef.saturating_mul(WIDER);
        if k >= root.len() || ef >= (root.space.end() as usize).min(EF_MAX) {
            return walked.then(sought.scan(&root.items(), hits));
        }
        scratch.search(&root.graph, &root.space, k, ef, watch);
    }
}

/// The `k` nearest of some items by their vectors, appended to `hits`, ties by key.
pub(super) fn rank_items(
    root: &Root,
    scratch: &Scratch,
    items: &[u32],
    k: usize,
    hits: &mut Vec<Hit>,
) {
    let mut ordinals = vec![0; items.len()];
    scratch.probe.score_exact(&root.space, items, &mut ordinals);
    let keys = items.iter().map(|&slot| root.space.key(slot));
    let mut ranked: Vec<(u32, u64)> = ordinals.into_iter().zip(keys).collect();
    ranked.sort_unstable();
    hits.extend(ranked.into_iter().take(k).map(Hit::of));
}
