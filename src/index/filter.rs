//! Searches among some of the items: as many neighbours as there are, whatever the share.
//!
//! ```text
//!   few may be found       compare them all                                   exact
//!   else                   walk as if all might, and count those near the query that may
//!     enough of those      walk as far as it takes to meet `ef` of them       as good as unfiltered
//!     too few nearby       compare all that may be found                      exact
//! ```
//!
//! A walk that looks for one item in `s` keeps `s` times the candidates, so its cost grows as that
//! of comparing all falls; which is less is known once the share near the query is. Where the items
//! that may be found lie elsewhere than the query, the first, short walk finds that out.

use std::collections::HashSet;

use super::Index;
use super::root::Root;
use super::search::Hit;
use super::settle::rank_items;
use crate::distance::Query;
use crate::graph::{Scratch, node};
use crate::limits::EF_MAX;
use crate::scan::{Nearest, scan};

/// What a candidate of a walk costs, in comparisons of vectors: a walk meets some 24 nodes for each
/// candidate it keeps, and compares three of their codes in the time of one vector.
const CANDIDATE: usize = 8;
/// How many short walks comparing all must cost for the walk to be worth trying.
const WORTH: usize = 4;
/// What it costs to look at an item that is not found, in eighths of comparing it.
const LOOK: usize = 1;

/// Keys among which a search may find: see [`Search::among`](crate::Search::among).
///
/// It is prepared for one index, where most of its keys are looked up once; keys that are inserted,
/// moved or deleted later are found as they are. 40 bytes a key, about.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: HashSet<u64>,
    /// Where the keys' items were when the set was prepared, by slot.
    places: Vec<(u32, u64)>,
    /// Keys that had no item then.
    elsewhere: Vec<u64>,
}

/// Which items a search may find. A search without one does not pay for it, not in bytes either.
pub(super) trait Filter: Sync {
    fn admits(&self, key: u64) -> bool;

    /// The slots of all items that may be found. O(n), or O(keys).
    fn slots(&self, root: &Root) -> Vec<u32> {
        let mut items = root.items();
        items.retain(|&slot| self.admits(root.space.key(slot)));
        items
    }

    /// What it costs to compare all that may be found, if that is a certain share of all.
    fn cost(&self, root: &Root, share: f64) -> usize {
        (root.len() as f64 * (share + LOOK as f64 / 8.0)) as usize
    }

    /// Whether [`Self::cost`] does not depend on the share.
    fn is_counted(&self) -> bool {
        false
    }

    /// The `k` nearest of the items that may be found, appended to `hits`.
    fn search(&self, sought: &Sought<'_>, scratch: &mut Scratch, hits: &mut Vec<Hit>);
}

/// What a search looks for.
pub(super) struct Sought<'a> {
    pub(super) index: &'a Index,
    pub(super) root: &'a Root,
    pub(super) query: &'a [f32],
    pub(super) k: usize,
    pub(super) ef: usize,
}

impl Filter for KeySet {
    fn admits(&self, key: u64) -> bool {
        self.contains(key)
    }

    fn slots(&self, root: &Root) -> Vec<u32> {
        self.slots(root)
    }

    fn cost(&self, _: &Root, _: f64) -> usize {
        self.len()
    }

    fn is_counted(&self) -> bool {
        true
    }

    fn search(&self, sought: &Sought<'_>, scratch: &mut Scratch, hits: &mut Vec<Hit>) {
        filtered(self, sought, scratch, hits);
    }
}

impl<F: Fn(u64) -> bool + Sync> Filter for F {
    fn admits(&self, key: u64) -> bool {
        self(key)
    }

    fn search(&self, sought: &Sought<'_>, scratch: &mut Scratch, hits: &mut Vec<Hit>) {
        filtered(self, sought, scratch, hits);
    }
}

impl Index {
    /// Prepares a set of keys for searches among their items. Keys without an item do no harm.
    /// O(keys · log n).
    pub fn key_set(&self, keys: impl IntoIterator<Item = u64>) -> KeySet {
        let root = self.root();
        let keys: HashSet<u64> = keys.into_iter().collect();
        let mut set = KeySet::default();
        for &key in &keys {
            match root.find(key) {
                Some(slot) => set.places.push((slot, key)),
                None => set.elsewhere.push(key),
            }
        }
        set.places.sort_unstable();
        set.elsewhere.sort_unstable();
        KeySet { keys, ..set }
    }
}

impl KeySet {
    /// Keys in the set.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether a key is in the set.
    pub fn contains(&self, key: u64) -> bool {
        self.keys.contains(&key)
    }

    /// Slots of the items there are.
    fn slots(&self, root: &Root) -> Vec<u32> {
        let end = root.space.end();
        let now = |&(slot, key): &(u32, u64)| {
            // A slot that is still the key's needs no look-up.
            let stays =
                slot < end && node(&root.space, slot).is_sure() && root.space.key(slot) == key;
            if stays { Some(slot) } else { root.find(key) }
        };
        let elsewhere = self.elsewhere.iter().filter_map(|&key| root.find(key));
        self.places.iter().filter_map(now).chain(elsewhere).collect()
    }
}

fn filtered(filter: &dyn Filter, sought: &Sought<'_>, scratch: &mut Scratch, hits: &mut Vec<Hit>) {
    let &Sought { index, root, query, k, ef } = sought;
    scratch.probe.set_query(&root.space, query);
    let wanted = if scratch.probe.is_exact() { ef } else { ef.max(2 * k) };
    let mut keeps = root.ef_among_dead(wanted);
    let mut spent = 0;
    // One walk to see, one that goes as far as it takes, and one if the first was wrong.
    for _ in 0..3 {
        let all = filter.cost(root, 0.0);
        if filter.is_counted() && all <= WORTH * CANDIDATE * keeps {
            break;
        }
        scratch.search(&root.graph, &root.space, k, keeps);
        let met = scratch.pool.candidates().len();
        let mut items: Vec<u32> =
            scratch.pool.candidates().iter().filter_map(|c| root.item_of(c.node())).collect();
        items.retain(|&slot| filter.admits(root.space.key(slot)));
        root.keep_one_each(&mut items);
        if items.len() >= wanted {
            return rank_items(root, scratch, &items, k, hits);
        }
        // All was met, or all but the copies of what was.
        if met < keeps {
            break;
        }
        let share = (items.len() + 1) as f64 / (met + 1) as f64;
        spent += CANDIDATE * keeps;
        keeps = (1.1 * wanted as f64 / share) as usize + 1;
        let enough = keeps <= EF_MAX && CANDIDATE * keeps + spent <= filter.cost(root, share);
        if !enough {
            break;
        }
    }
    hits.extend(among(index, root, query, k, &filter.slots(root)));
}

/// The `k` nearest of the items in `slots`.
pub(super) fn among(
    index: &Index,
    root: &Root,
    query: &[f32],
    k: usize,
    slots: &[u32],
) -> impl Iterator<Item = Hit> {
    let mut prepared = Query::new(index.options.metric, index.kernels);
    prepared.set(query, root.space.frame());
    let mut nearest = [Nearest::new(k)];
    scan(&root.space, &[prepared], slots.iter().copied(), &mut nearest);
    let [nearest] = nearest;
    nearest.into_sorted().into_iter().map(Hit::of)
}
