//! A set of keys, prepared for searches among their items.

use super::{COMPARE, Filter, filtered};
use crate::graph::{Scratch, node};
use crate::index::Index;
use crate::index::find::Sought;
use crate::index::root::Root;
use crate::index::search::{Hit, Work};

/// Keys among which a search may find: see [`Search::among`](crate::Search::among).
///
/// It is prepared for one index, where most of its keys are looked up once; keys that are inserted,
/// moved or deleted later are found as they are. 24 bytes a key, about.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    /// In ascending order, each once.
    keys: Vec<u64>,
    /// Where the keys' items were when the set was prepared, by slot.
    places: Vec<(u32, u64)>,
    /// Keys that had no item then.
    elsewhere: Vec<u64>,
}

impl Filter for KeySet {
    fn admits(&self, root: &Root, slot: u32) -> bool {
        self.contains(root.space.key(slot))
    }

    fn slots(&self, root: &Root) -> Vec<u32> {
        self.slots(root)
    }

    fn cost(&self, _: &Root, _: f64) -> usize {
        COMPARE * self.len()
    }

    fn is_counted(&self) -> bool {
        true
    }

    fn search(&self, sought: &Sought<'_>, scratch: &mut Scratch, hits: &mut Vec<Hit>) -> Work {
        filtered(self, sought, scratch, hits)
    }
}

impl Index {
    /// Prepares a set of keys for searches among their items. Keys without an item do no harm.
    /// O(keys · log n).
    pub fn key_set(&self, keys: impl IntoIterator<Item = u64>) -> KeySet {
        let root = self.root();
        let mut keys: Vec<u64> = keys.into_iter().collect();
        keys.sort_unstable();
        keys.dedup();
        let mut set = KeySet::default();
        for &key in &keys {
            match root.find(key) {
                Some(slot) => set.places.push((slot, key)),
                None => set.elsewhere.push(key),
            }
        }
        set.places.sort_unstable();
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

    /// Whether a key is in the set. O(log keys).
    pub fn contains(&self, key: u64) -> bool {
        self.keys.binary_search(&key).is_ok()
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
