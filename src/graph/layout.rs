//! Where the graph's rows lie, and the two kinds of layer the walk sees.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use super::links;
use super::pool::Candidate;
use super::word::{Entry, Node};
use crate::arch::prefetch;
use crate::error::{Error, Result};
use crate::limits::{LEVEL_MAX, SLOTS_MAX};
use crate::store::{Allocator, Chunks, Space};
use crate::sync::Step;

/// The links of one index over a [`Space`].
///
/// Level 0 has a row of `2 m` words per slot. A node of level `l > 0` also owns `l` consecutive
/// upper rows of `m` words; the number of the first is its *upper id*, and links of upper levels
/// name upper ids, so that a step down needs no table.
pub(crate) struct Graph {
    pub(crate) m: usize,
    /// Level-0 rows, by slot.
    pub(crate) links: Chunks,
    /// Upper rows, by upper id + level − 1.
    pub(crate) upper_links: Chunks,
    /// Slot of an upper id (also at the ids of its higher rows).
    pub(crate) upper_slots: Chunks,
    upper_next: AtomicU32,
    upper_capacity: AtomicU32,
    entry: AtomicU64,
    anchor: AtomicU64,
    ranks: AtomicU32,
    /// Ranks given out by a bulk build.
    built: u32,
    /// The slots inserted last, linked or on their way.
    recent: [AtomicU32; RECENT],
    recent_next: AtomicU32,
    /// Nodes that are dead and not reclaimed.
    dead: AtomicU32,
}

/// Nodes of one level that the search of the next starts from, where one is not enough.
pub(crate) const BREADTH: usize = 16;

/// Inserts that are remembered for those beside them.
const RECENT: usize = 32;

/// Ranks that are drawn, at most: as many are left as inserts can run at once. Who has drawn them
/// all builds the index again from its items.
pub(crate) const RANKS_MAX: u32 = u32::MAX - SLOTS_MAX;

/// Numbers of a graph that its rows do not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Heads {
    pub(crate) upper_next: u32,
    pub(crate) entry: u64,
    pub(crate) anchor: u32,
    pub(crate) ranks: u32,
    pub(crate) built: u32,
}

/// Whether heads that were read from a file stay inside a graph of `rows` slots.
pub(crate) fn valid_heads(heads: Heads, rows: u32) -> bool {
    let Heads { upper_next, entry, anchor, ranks: _, built: _ } = heads;
    let entry = Entry::from_bits(entry);
    let inside = |entry: Entry| {
        let last = u64::from(entry.upper) + entry.level as u64;
        let upper = if entry.level == 0 { entry.upper == 0 } else { entry.upper > 0 };
        upper && entry.slot < rows && entry.level <= LEVEL_MAX && last <= u64::from(upper_next)
    };
    let upper = (1..=SLOTS_MAX).contains(&upper_next);
    upper && anchor < rows && (entry.is_none() == (anchor == 0)) && entry.is_none_or(inside)
}

impl Graph {
    /// Bytes of a level-0 row.
    pub(crate) fn row_stride(m: usize) -> usize {
        (2 * m * 4).next_multiple_of(64)
    }

    /// Bytes of an upper row.
    pub(crate) fn upper_stride(m: usize) -> usize {
        (m * 4).next_multiple_of(64)
    }

    /// An empty graph with room for the slots `0..rows` and the upper ids `0..upper_rows`.
    pub(crate) fn zeroed(
        m: usize,
        rows: u32,
        upper_rows: u32,
        allocator: &Arc<dyn Allocator>,
    ) -> Result<Self> {
        let table = |stride, rows| Chunks::zeroed(stride, rows, Arc::clone(allocator));
        let links = table(Self::row_stride(m), rows)?;
        let upper_links = table(Self::upper_stride(m), upper_rows)?;
        let upper_slots = table(4, upper_rows)?;
        // Rank 0 is the anchor's.
        let heads = Heads { upper_next: 1, entry: 0, anchor: 0, ranks: 1, built: 0 };
        Ok(Self::over(m, links, upper_links, upper_slots, upper_rows, heads))
    }

    /// A graph whose rows were stored before.
    pub(crate) fn over(
        m: usize,
        links: Chunks,
        upper_links: Chunks,
        upper_slots: Chunks,
        upper_rows: u32,
        heads: Heads,
    ) -> Self {
        Self {
            m,
            links,
            upper_links,
            upper_slots,
            upper_next: AtomicU32::new(heads.upper_next),
            upper_capacity: AtomicU32::new(upper_rows),
            entry: AtomicU64::new(heads.entry),
            anchor: AtomicU64::new(u64::from(heads.anchor)),
            ranks: AtomicU32::new(heads.ranks),
            built: heads.built,
            recent: [const { AtomicU32::new(0) }; RECENT],
            recent_next: AtomicU32::new(0),
            dead: AtomicU32::new(0),
        }
    }

    /// Nodes that are dead and not reclaimed.
    pub(crate) fn dead(&self) -> usize {
        // Relaxed: how much there is to do, about.
        self.dead.load(Ordering::Relaxed) as usize
    }

    /// Counts nodes that have died.
    pub(crate) fn count_dead(&self, nodes: u32) {
        // Relaxed: as in `dead`.
        self.dead.fetch_add(nodes, Ordering::Relaxed);
    }

    /// Counts a dead node whose slot was given back.
    pub(crate) fn count_reclaimed(&self) {
        // Relaxed: as in `dead`.
        self.dead.fetch_sub(1, Ordering::Relaxed);
    }

    /// Places of the slots that were inserted last; 0 where there is none.
    pub(crate) fn recent(&self) -> &[AtomicU32] {
        &self.recent
    }

    /// Makes a written slot known to inserts that run beside its own, before any link names it, and
    /// returns those of others: of two that run at once, one sees the other.
    pub(crate) fn announce(&self, slot: u32) -> impl Iterator<Item = u32> {
        // Relaxed: the counter only spreads the places.
        let place = self.recent_next.fetch_add(1, Ordering::Relaxed) as usize % RECENT;
        // Release publishes the slot's rows to whoever reads the place below.
        self.recent[place].store(slot, Ordering::Release);
        // Between a store and loads that another thread makes the other way round: of two such
        // fences one is first, and the thread of the second sees the store before the first.
        fence(Ordering::SeqCst);
        let others = self.recent.iter().map(|place| place.load(Ordering::Acquire));
        others.filter(move |&other| other != 0 && other != slot)
    }

    /// The numbers beside the rows, while no writer runs.
    pub(crate) fn heads(&self) -> Heads {
        Heads {
            upper_next: self.upper_next.load(Ordering::Relaxed),
            entry: self.entry.load(Ordering::Relaxed),
            anchor: self.anchor.load(Ordering::Relaxed) as u32,
            ranks: self.ranks.load(Ordering::Relaxed),
            built: self.built,
        }
    }

    /// The candidates that may become a newcomer's parent, and how many pins each may have then: a
    /// quarter of its row.
    ///
    /// `itself` is the newcomer's ordinal to itself. If there are copies of it, it hangs by one of
    /// them, or below, and they take fewer: so a group of equal vectors hangs by itself and leaves
    /// room for others at its front.
    pub(crate) fn parents<'a>(&self, near: &'a [Candidate], itself: u32) -> (&'a [Candidate], u32) {
        let nearer = near.partition_point(|candidate| candidate.ordinal() < itself);
        let copies = near[nearer..].partition_point(|candidate| candidate.ordinal() == itself);
        match &near[nearer..nearer + copies] {
            [] => (near, (self.m / 2).max(3) as u32),
            copies => (copies, (self.m / 4).max(2) as u32),
        }
    }

    /// The node that a row's own hangs by; 0 above level 0.
    pub(crate) fn parent(space: &Space, level: usize, node: u32) -> u32 {
        // Relaxed: a stale one only concerns what is worth keeping.
        if level == 0 { space.store.parents.word(node).load(Ordering::Relaxed) } else { 0 }
    }

    /// Pinned links a node can have: a word of its row stays free for change.
    pub(crate) fn pins_limit(&self) -> u32 {
        (2 * self.m - 1).min(63) as u32
    }

    /// Where searches start; `None` in the empty graph.
    pub(crate) fn entry(&self) -> Option<Entry> {
        // Acquire pairs with the release in `links::raise`: the entry's rows are visible.
        Entry::from_bits(self.entry.load(Ordering::Acquire))
    }

    /// Where to start in a graph that has an anchor.
    pub(crate) fn beginning(&self) -> Entry {
        links::beginning(&self.anchor, &self.entry)
    }

    /// Makes `entry` the start of searches unless the graph has one of its level or above.
    pub(crate) fn raise_entry(&self, entry: Entry) {
        links::raise(&self.entry, entry);
    }

    /// Makes searches start at `new`, if they start at `old`.
    pub(crate) fn exchange_entry(&self, old: Entry, new: Entry) {
        // Release publishes the entry's rows; pairs with the acquire in `entry`.
        let (success, failure) = (Ordering::AcqRel, Ordering::Relaxed);
        let _ = self.entry.compare_exchange(old.to_bits(), new.to_bits(), success, failure);
    }

    /// The slot that roots the backbone; 0 in the empty graph.
    pub(crate) fn anchor(&self) -> u32 {
        // Acquire pairs with the release in `links::found`: the anchor's rows are visible.
        self.anchor.load(Ordering::Acquire) as u32
    }

    /// Makes the first node of an empty graph its anchor and entry; false if another was first.
    pub(crate) fn found(&self, entry: Entry) -> bool {
        links::found(&self.anchor, &self.entry, entry)
    }

    /// Refuses an insert that would draw a rank too many.
    pub(crate) fn check_ranks(&self) -> Result<()> {
        // Relaxed: far enough from the last.
        let left = self.ranks.load(Ordering::Relaxed) < RANKS_MAX;
        if left { Ok(()) } else { Err(Error::Full { limit: RANKS_MAX }) }
    }

    /// The next rank. Ranks are drawn after a node's parent is known, so they grow downwards.
    pub(crate) fn draw_rank(&self) -> u32 {
        // AcqRel: a rank drawn later than another is larger, on every thread that can tell.
        self.ranks.fetch_add(1, Ordering::AcqRel)
    }

    /// Sets how many ranks a bulk build has given out.
    pub(crate) fn set_drawn(&mut self, ranks: u32) {
        *self.ranks.get_mut() = ranks;
        self.built = ranks;
    }

    /// Nodes of the lowest upper level that a search goes on from. A bulk build links in random
    /// order and needs one; items inserted in an order of their own, along a curve for one, are
    /// lost behind the wrong stretch of it without more (up to 31 of 4,000 at ef 64).
    pub(crate) fn breadth(&self) -> usize {
        // Relaxed: a stale count only concerns nodes whose inserts run beside the search.
        if self.ranks.load(Ordering::Relaxed) > self.built { BREADTH } else { 1 }
    }

    /// Backs the level-0 row of a slot with memory.
    pub(crate) fn reserve(&self, slot: u32) -> Result<()> {
        self.links.reserve(slot).map(drop)
    }

    /// Takes `level` consecutive upper rows for a node and returns its upper id.
    pub(crate) fn take_upper(&self, level: usize, slot: u32) -> Result<u32> {
        let rows = level as u32;
        // Relaxed throughout: the counter only hands out numbers. Memory comes first, so that all
        // ids below the counter are backed, also after memory was refused.
        let mut id = self.upper_next.load(Ordering::Relaxed);
        let last = loop {
            let last = id + rows - 1;
            if last + 1 >= SLOTS_MAX {
                return Err(Error::Full { limit: SLOTS_MAX - 1 });
            }
            self.reserve_upper(last)?;
            let (relaxed, next) = (Ordering::Relaxed, last + 1);
            match self.upper_next.compare_exchange_weak(id, next, relaxed, relaxed) {
                Ok(_) => break last,
                Err(taken) => id = taken,
            }
        };
        Step::UpperTaken.done();
        for row in id..=last {
            // Relaxed: published with the first link that names the id.
            self.upper_slots.word(row).store(slot, Ordering::Relaxed);
        }
        Ok(id)
    }

    /// Upper rows of the node with this upper id, of the rows below `end`: its level.
    pub(crate) fn upper_rows_of(&self, id: u32, end: u32) -> usize {
        let slot = self.slot_of(id);
        (id..end).take_while(|&row| self.slot_of(row) == slot).count()
    }

    /// Empties the rows of a slot that nobody has.
    pub(crate) fn empty(&self, slot: u32, upper: u32) {
        links::fill(self.row(slot), []);
        for level in 1..=self.level_of(upper) {
            links::fill(self.upper_row(upper, level), []);
        }
    }

    /// The level of a node with this upper id; 0 for none.
    pub(crate) fn level_of(&self, upper: u32) -> usize {
        // Relaxed: the node's own rows were taken before.
        let end = self.upper_next.load(Ordering::Relaxed);
        if upper == 0 { 0 } else { self.upper_rows_of(upper, end) }
    }

    /// Slots with upper rows, and the ids of these.
    pub(crate) fn upper_ids(&self) -> Vec<(u32, u32)> {
        let end = self.heads().upper_next;
        let first = |&id: &u32| id == 1 || self.slot_of(id - 1) != self.slot_of(id);
        (1..end).filter(first).map(|id| (self.slot_of(id), id)).collect()
    }

    /// Backs the upper rows up to `last` with memory.
    fn reserve_upper(&self, last: u32) -> Result<()> {
        // Relaxed: a stale capacity only repeats the reservation.
        if last >= self.upper_capacity.load(Ordering::Relaxed) {
            let backed = self.upper_links.reserve(last)?.min(self.upper_slots.reserve(last)?);
            // Release pairs with the acquire in `UpperLayer::new`.
            self.upper_capacity.fetch_max(backed, Ordering::Release);
        }
        Ok(())
    }

    /// Bytes of memory held.
    pub(crate) fn bytes(&self) -> usize {
        self.links.bytes() + self.upper_links.bytes() + self.upper_slots.bytes()
    }

    /// The words of a level-0 row.
    #[inline(never)]
    pub(crate) fn row(&self, slot: u32) -> &[AtomicU32] {
        &self.links.words(slot)[..2 * self.m]
    }

    /// The words of an upper row: `level` ≥ 1 of the node with this upper id.
    #[inline(never)]
    pub(crate) fn upper_row(&self, id: u32, level: usize) -> &[AtomicU32] {
        &self.upper_links.words(id + level as u32 - 1)[..self.m]
    }

    /// The slot of an upper id.
    #[inline(always)]
    pub(crate) fn slot_of(&self, id: u32) -> u32 {
        // Relaxed: ordered by the publication of the link that named the id.
        self.upper_slots.word(id).load(Ordering::Relaxed)
    }
}

/// The node word of a slot.
pub(crate) fn node_word(space: &Space, slot: u32) -> &AtomicU64 {
    space.store.nodes.word64(slot)
}

/// Reads the node word of a slot.
#[inline(never)]
pub(crate) fn node(space: &Space, slot: u32) -> Node {
    // Acquire pairs with the release that linked the node.
    Node::from_bits(node_word(space, slot).load(Ordering::Acquire))
}

/// Whether a slot below the space's end is part of the graph; what it holds is visible then.
pub(crate) fn is_linked(space: &Space, slot: u32) -> bool {
    slot < space.store.capacity() && node(space, slot).is_linked()
}

/// One level as the walk sees it: rows of words that name nodes, and the slot of each node.
pub(crate) trait Layer {
    /// Whether it lies above level 0.
    const UPPER: bool;
    /// Nodes that links of this layer can name are below; fixed when the walk begins.
    fn capacity(&self) -> u32;
    /// The links of a node.
    fn row(&self, node: u32) -> &[AtomicU32];
    /// The slot of a node.
    fn slot(&self, node: u32) -> u32;
    /// Asks for the node's links.
    fn prefetch(&self, node: u32);
}

/// Level 0: nodes are slots.
pub(crate) struct BaseLayer<'a> {
    graph: &'a Graph,
    capacity: u32,
}

impl<'a> BaseLayer<'a> {
    pub(crate) fn new(graph: &'a Graph, space: &Space) -> Self {
        Self { graph, capacity: space.store.capacity() }
    }
}

impl Layer for BaseLayer<'_> {
    const UPPER: bool = false;

    #[inline(always)]
    fn capacity(&self) -> u32 {
        self.capacity
    }

    #[inline(always)]
    fn row(&self, node: u32) -> &[AtomicU32] {
        &self.graph.links.words(node)[..2 * self.graph.m]
    }

    #[inline(always)]
    fn slot(&self, node: u32) -> u32 {
        node
    }

    #[inline(always)]
    fn prefetch(&self, node: u32) {
        let row = self.graph.links.row(node);
        prefetch(row);
        prefetch(row.wrapping_add(64));
    }
}

/// An upper level: nodes are upper ids.
pub(crate) struct UpperLayer<'a> {
    graph: &'a Graph,
    level: usize,
    capacity: u32,
}

impl<'a> UpperLayer<'a> {
    pub(crate) fn new(graph: &'a Graph, level: usize) -> Self {
        // Acquire pairs with the release in `reserve_upper`: rows below are backed.
        let rows = graph.upper_capacity.load(Ordering::Acquire);
        Self { graph, level, capacity: rows.saturating_sub(level as u32 - 1) }
    }
}

impl Layer for UpperLayer<'_> {
    const UPPER: bool = true;

    #[inline(always)]
    fn capacity(&self) -> u32 {
        self.capacity
    }

    #[inline(always)]
    fn row(&self, node: u32) -> &[AtomicU32] {
        self.graph.upper_row(node, self.level)
    }

    #[inline(always)]
    fn slot(&self, node: u32) -> u32 {
        self.graph.slot_of(node)
    }

    #[inline(always)]
    fn prefetch(&self, node: u32) {
        prefetch(self.graph.upper_links.row(node + self.level as u32 - 1));
    }
}
