//! Everything a reader pins at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use super::keys::Keys;
use super::name::key_of;
use super::settle::Updates;
use super::{Memory, Options, codes};
use crate::arch::Kernels;
use crate::control::Tuning;
use crate::error::{Error, Result};
use crate::graph::{Graph, Reclaim, audit, is_linked, node};
use crate::memory::retention::Retention;
use crate::store::{Allocator, Alone, Shelf, Space, SwapCell};
use crate::sync::Step;

/// Rows, links and keys of one index.
pub(super) struct Root {
    pub(super) space: Space,
    pub(super) graph: Graph,
    pub(super) keys: Keys,
    /// What a tuning of these items found.
    pub(super) tuning: SwapCell<Option<Tuning>>,
    /// How they fade.
    pub(super) retention: SwapCell<Retention>,
    pub(super) updates: Updates,
    /// Deletes, as `updates`.
    pub(super) removals: Updates,
    /// The round in which dead nodes are taken out of the graph; whoever has it is alone at that.
    pub(super) reclaim: Shelf<Reclaim>,
    len: AtomicU32,
    trust: AtomicU8,
}

/// Nobody has looked at the links yet: what [`Root::trust`] is for a root from a file.
const UNVERIFIED: u8 = 0;
/// The links hold what a writer relies on.
const SOUND: u8 = 1;
/// They do not, and no writer touches them.
const DAMAGED: u8 = 2;

impl Root {
    /// A root that this process built.
    pub(super) fn new(space: Space, graph: Graph, keys: Keys, len: u32) -> Self {
        let (len, trust) = (AtomicU32::new(len), AtomicU8::new(SOUND));
        let reclaim = Shelf::of(Reclaim::new(&space));
        let (tuning, retention) = (SwapCell::new(None), SwapCell::new(Retention::default()));
        let (updates, removals) = (Updates::default(), Updates::default());
        Self { space, graph, keys, tuning, retention, updates, removals, reclaim, len, trust }
    }

    /// Begins the next round of reclaiming from its start, as for a root from a file: what was marked
    /// before is marked again.
    pub(super) fn forget_round(&mut self) {
        self.reclaim = Shelf::of(Reclaim::new(&self.space));
    }

    /// A root whose tables come from a file.
    pub(super) fn unverified(
        space: Space,
        graph: Graph,
        keys: Keys,
        len: u32,
        tuning: Option<Tuning>,
        retention: Retention,
    ) -> Self {
        let (tuning, retention) = (SwapCell::new(tuning), SwapCell::new(retention));
        let trust = AtomicU8::new(UNVERIFIED);
        Self { tuning, retention, trust, ..Self::new(space, graph, keys, len) }
    }

    /// Leave to insert: verifies the links of a root from a file once, before its first write.
    ///
    /// Searches compare every link with the slots that are backed; writers rely on pins, ranks and
    /// rooms as well, so damage there could make them wait, or grow, without end. O(1) from the
    /// second call on.
    pub(super) fn admit_writer(&self) -> Result<()> {
        // Acquire pairs with the exchange below.
        match self.trust.load(Ordering::Acquire) {
            SOUND => Ok(()),
            DAMAGED => Err(refuse("its links are damaged, as an earlier insert was told", 0)),
            _ => self.judge(self.verify_links()),
        }
    }

    /// Records a verdict about the links. Of several that judge at once the first is heard: nobody
    /// writes before one has found the links sound, so a verdict, or a stock, that was spoiled by a
    /// writer comes second.
    fn judge(&self, verdict: Result<()>) -> Result<()> {
        let found = if verdict.is_ok() { SOUND } else { DAMAGED };
        let stock = verdict.is_ok().then(|| self.stock());
        let order = Ordering::AcqRel;
        // AcqRel pairs with the acquire in `admit_writer`, and with itself.
        match self.trust.compare_exchange(UNVERIFIED, found, order, Ordering::Acquire) {
            Err(SOUND) => return Ok(()),
            Ok(_) => {
                Step::Judged.done();
                if let Some((dead, free)) = stock {
                    self.put_in_stock(dead, &free);
                }
            }
            Err(_) => {}
        }
        verdict
    }

    /// How many nodes of a file are dead, and the slots that can be used again with their upper ids.
    fn stock(&self) -> (u32, Vec<(u32, u32)>) {
        let slots = 1..self.space.end();
        let dead = slots.clone().filter(|&slot| node(&self.space, slot).is_dead()).count() as u32;
        let mut uppers = self.graph.upper_ids();
        uppers.sort_unstable();
        let upper = |slot| uppers.binary_search_by_key(&slot, |&(slot, _)| slot);
        let free = slots.filter(|&slot| node(&self.space, slot).is_given_back());
        (dead, free.map(|slot| (slot, upper(slot).map_or(0, |place| uppers[place].1))).collect())
    }

    /// Stacks the free slots in the order of their numbers, however they became free: the rows that
    /// link them are part of a snapshot, and equal indexes give equal bytes. O(n).
    pub(super) fn sort_free(&self, _alone: &Alone<'_>) {
        // Of a file that nobody has judged, nothing is free yet.
        if self.is_sound() {
            self.space.forget_free();
            self.put_in_stock(0, &self.stock().1);
        }
    }

    fn put_in_stock(&self, dead: u32, free: &[(u32, u32)]) {
        self.graph.count_dead(dead);
        for &(slot, upper) in free {
            // A file may say anything of rows that nobody reads.
            self.graph.empty(slot, upper);
            self.space.give_back(slot, upper);
        }
    }

    /// Whether this process has built the links, or verified them.
    pub(super) fn is_sound(&self) -> bool {
        // Acquire, as in `admit_writer`.
        self.trust.load(Ordering::Acquire) == SOUND
    }

    /// Verifies all that a file says, and admits writers. O(n · dim).
    pub(super) fn verify(&self) -> Result<()> {
        self.judge(self.verify_links())?;
        let lost = |slot| refuse("a payload or a name is not what it should be", slot);
        let is_called = |slot, name: &str| name.is_empty() || key_of(name) == self.space.key(slot);
        self.space.payloads.verify(self.space.end(), is_called).map_err(lost)?;
        let unsound = |slot| refuse("a standing is not what it should be", slot);
        self.space.standings.verify().map_err(unsound)?;
        self.space.verify().map_err(|slot| refuse("a row is out of range", slot))
    }

    /// What the checksums of a file cannot vouch for: that links, pins, ranks and keys belong
    /// together. Reads words only, so it may run beside a writer, though in vain. O(n · m).
    fn verify_links(&self) -> Result<()> {
        let audit = audit(&self.graph, &self.space)
            .map_err(|broken| refuse(broken.invariant, broken.slot))?;
        // The node of an item that was deleted may be left: the anchor's.
        let anchor = self.graph.anchor();
        let is_left = anchor != 0 && self.keys.find(self.space.key(anchor)) != Some(anchor);
        if audit.nodes != self.len() + usize::from(is_left) {
            return Err(refuse("items and nodes do not agree", 0));
        }
        let pairs = self.keys.pairs();
        if !pairs.is_sorted_by(|a, b| a.0 < b.0) || pairs.len() != self.len() {
            return Err(refuse("the keys are out of order", 0));
        }
        // Distinct keys that each lead to a node with that key are all the nodes there are.
        let leads = |&&(key, slot): &&(u64, u32)| {
            slot < self.space.end() && self.is_linked(slot) && self.space.key(slot) == key
        };
        match pairs.iter().find(|pair| !leads(pair)) {
            Some(&(_, slot)) => Err(refuse("a key leads to another item", slot)),
            None => Ok(()),
        }
    }

    pub(super) fn empty(
        options: &Options,
        kernels: &'static Kernels,
        allocator: &Arc<dyn Allocator>,
    ) -> Result<Self> {
        let Options { dim, metric, rows, m, .. } = *options;
        let coded = codes::of_items(options, 0);
        let space = Space::zeroed(dim, metric, rows, kernels, coded, 1, allocator)?;
        let graph = Graph::zeroed(m, 1, 1, allocator)?;
        let keys = Keys::sorted(&mut [], allocator)?;
        Ok(Self::new(space, graph, keys, 0))
    }

    /// Items whose insert has returned.
    pub(super) fn len(&self) -> usize {
        // Acquire pairs with the releases below. Who deletes an item just published may count it
        // off before it was counted.
        (self.len.load(Ordering::Acquire) as i32).max(0) as usize
    }

    /// Counts one more item, after its key was published.
    pub(super) fn count_one(&self) {
        // Release: whoever counts the item can find it; pairs with the acquire in `len`.
        self.len.fetch_add(1, Ordering::Release);
    }

    /// Counts one item less, after its key was removed.
    pub(super) fn count_off(&self) {
        // Release, as in `count_one`.
        self.len.fetch_sub(1, Ordering::Release);
    }

    /// The slot of a key's item. A call of its own: in all places that need it, it would be 3.5 KB
    /// of the compressed WebAssembly library.
    #[inline(never)]
    pub(super) fn find(&self, key: u64) -> Option<u32> {
        let mut last = None;
        loop {
            let slot = self.keys.find(key)?;
            if slot < self.space.end() && self.is_linked(slot) {
                return Some(slot);
            }
            // It died after the key was asked, so the key leads elsewhere by now, unless the file
            // is damaged.
            if last.replace(slot) == Some(slot) {
                return None;
            }
        }
    }

    /// Whether a slot below the space's end holds an item of the graph.
    pub(super) fn is_linked(&self, slot: u32) -> bool {
        is_linked(&self.space, slot)
    }

    /// The slots that hold items of the graph.
    pub(super) fn linked(&self) -> impl Iterator<Item = u32> {
        (1..self.space.end()).filter(|&slot| self.is_linked(slot))
    }

    pub(super) fn memory(&self) -> Memory {
        let store = &self.space.store;
        let (vectors, codes) = (store.vectors.bytes(), store.codes.bytes());
        let links = self.graph.bytes();
        let Space { tags, payloads, standings, associations, .. } = &self.space;
        let described = tags.bytes() + payloads.bytes() + standings.bytes() + associations.bytes();
        let total = store.bytes() + links + self.keys.bytes() + described;
        Memory { vectors, codes, links, items: total - vectors - codes - links, total }
    }
}

/// The error of a file whose tables do not belong together.
fn refuse(reason: &'static str, slot: u32) -> Error {
    Error::Snapshot { reason, offset: u64::from(slot) }
}
