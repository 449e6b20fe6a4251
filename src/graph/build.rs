//! Bulk build: batches against a frozen graph, the same bytes for any number of threads.
//!
//! ```text
//!   ranks   level descending, then by hash: nodes of upper levels come first
//!   batch   the first 1,024 from an exact scan, then doubling, at most 2 % of n
//!     find    in parallel, by slot: search the frozen graph, score a window of the own batch,
//!             choose forward links and possible parents
//!     parent  in order of rank: the nearest possible parent with room pins the node
//!     link    in parallel, by target: forward rows are written, offers merged, one prune a row
//! ```
//!
//! Searching a frozen graph in batches is the prefix doubling of `ParlayANN` (Dobson et al. 2023);
//! the order by level makes the entry point final from the first batch on. Random order inside a
//! level and the cap of 2 % are what keeps recall: spatial order here measured 0.73.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use super::confidence::{Surety, link_between, surest_first};
use super::layout::{BaseLayer, Graph, Layer, UpperLayer, node_word};
use super::level::{level, mix};
use super::links;
use super::pool::{Candidate, sort};
use super::select::Selector;
use super::walk::Scratch;
use super::word::{Entry, Link, Node};
use crate::error::Result;
use crate::exec::{Exec, map_ranges};
use crate::store::{Shelf, Space, Taken};

/// Nodes that are linked from an exact scan before the graph can be searched.
const FIRST: usize = 1024;
/// A batch is at most this share of all nodes.
const SHARE: usize = 50;
/// Items of the own batch that are scored, on each side in spatial order.
const WINDOW: usize = 12;
/// Possible parents that are remembered for a node.
const PARENTS: usize = 16;
/// Items per piece of parallel work.
const GRAIN: usize = 16;
/// The same where rows are only written.
const WRITE_GRAIN: usize = 256;
/// Parts that the offers of a batch are shared out to, by the rows they are to.
const SHARES: usize = 64;

/// What a build is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) m: usize,
    pub(crate) ef_construction: usize,
    pub(crate) seed: u64,
}

/// Links the slots `1..=count` of `space` into an empty graph; `input(slot)` is the item's
/// position in the caller's input; `surety` says how sure the links are. `progress(done)` is called
/// after each batch; false stops.
/// Returns false if it was stopped.
pub(crate) fn build(
    space: &Space,
    graph: &mut Graph,
    plan: Plan,
    input: &[u32],
    surety: Surety<'_>,
    exec: &dyn Exec,
    progress: &mut dyn FnMut(usize) -> bool,
) -> Result<bool> {
    let nodes = Ranked::new(graph, plan, input)?;
    let count = nodes.slots.len();
    let build = Build { space, graph, plan, surety, nodes: &nodes, workers: Shelf::new() };
    let mut last_child = vec![0u32; count + 1];
    let mut done = 0;
    while done < count {
        let size = if done == 0 { FIRST } else { done.min((count / SHARE).max(FIRST)) };
        let batch = done..(done + size).min(count);
        let found = build.find(batch.clone(), exec);
        let parents = build.adopt(batch.clone(), &found, &mut last_child);
        build.link(batch.clone(), &found, &parents, exec);
        if done == 0 {
            build.open(nodes.slots[0]);
        }
        done = batch.end;
        if !progress(done) {
            return Ok(false);
        }
    }
    graph.set_drawn(count.max(1) as u32);
    Ok(true)
}

/// Who comes when, and who has upper rows.
struct Ranked {
    /// Slots by rank.
    slots: Vec<u32>,
    /// Rank by slot (index 0 unused).
    ranks: Vec<u32>,
    /// Level by slot.
    levels: Vec<u8>,
    /// Upper id by slot; 0 at level 0.
    uppers: Vec<u32>,
}

impl Ranked {
    fn new(graph: &Graph, plan: Plan, input: &[u32]) -> Result<Self> {
        let hash = |slot: u32| mix(plan.seed, u64::from(input[slot as usize - 1]));
        let count = input.len() as u32;
        let mut levels = vec![0u8; input.len() + 1];
        let mut uppers = vec![0u32; input.len() + 1];
        for slot in 1..=count {
            let level = level(hash(slot), plan.m);
            levels[slot as usize] = level as u8;
            if level > 0 {
                uppers[slot as usize] = graph.take_upper(level, slot)?;
            }
        }
        // Levels descending, then hashes; their last bits never matter.
        let order = |slot: u32| {
            let level = u64::from(u8::MAX - levels[slot as usize]);
            (level << 56 | mix(!plan.seed, hash(slot)) >> 8, slot)
        };
        let mut ordered: Vec<(u64, u32)> = (1..=count).map(order).collect();
        ordered.sort_unstable();
        let slots: Vec<u32> = ordered.into_iter().map(|(_, slot)| slot).collect();
        let mut ranks = vec![0u32; input.len() + 1];
        for (rank, &slot) in slots.iter().enumerate() {
            ranks[slot as usize] = rank as u32;
        }
        Ok(Self { slots, ranks, levels, uppers })
    }

    fn level(&self, slot: u32) -> usize {
        usize::from(self.levels[slot as usize])
    }
}

/// Rows that a bulk build needs above level 0 for items with these input positions.
pub(crate) fn upper_rows(plan: Plan, count: usize) -> u32 {
    (0..count as u64).map(|position| level(mix(plan.seed, position), plan.m) as u32).sum::<u32>()
        + 1
}

/// What was found for one node.
struct Found {
    /// Chosen links by level, as nodes of that level.
    links: Vec<Vec<Candidate>>,
    /// Slots that may become the parent, nearest first: all of smaller rank.
    parents: Vec<u32>,
    /// Pins that each may have then.
    pins: u32,
}

/// A link that a row is asked to take. Sorted by row, then by source; a pinned one comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Offered {
    level: u8,
    target: u32,
    source: u32,
    unpinned: bool,
}

struct Build<'a> {
    space: &'a Space,
    graph: &'a Graph,
    plan: Plan,
    surety: Surety<'a>,
    nodes: &'a Ranked,
    workers: Shelf<Worker>,
}

/// Memory of one worker.
struct Worker {
    scratch: Scratch,
    selector: Selector,
    candidates: Vec<Candidate>,
    kept: Vec<Candidate>,
    row: Vec<Link>,
    slots: Vec<u32>,
    ordinals: Vec<u32>,
}

impl Worker {
    fn new(space: &Space) -> Self {
        Self {
            scratch: Scratch::linking(space),
            selector: Selector::new(space),
            candidates: Vec::new(),
            kept: Vec::new(),
            row: Vec::new(),
            slots: Vec::new(),
            ordinals: Vec::new(),
        }
    }

    /// Adds the slots to the candidates, scored against the item the probe holds, as the nodes
    /// that `node_of` makes of them.
    fn consider(&mut self, space: &Space, node_of: impl Fn(u32) -> u32) {
        self.ordinals.resize(self.slots.len(), 0);
        self.scratch.probe.score(space, &self.slots, &mut self.ordinals);
        self.candidates.extend(
            self.slots
                .iter()
                .zip(&self.ordinals)
                .map(|(&slot, &ordinal)| Candidate::new(ordinal, node_of(slot))),
        );
    }
}

impl Build<'_> {
    /// Memory that a piece of work before has grown, if there is some.
    fn worker(&self) -> Taken<'_, Worker> {
        self.workers.take(|| Worker::new(self.space))
    }

    /// Links and possible parents of the nodes of a batch, by position in the batch.
    fn find(&self, batch: Range<usize>, exec: &dyn Exec) -> Vec<Found> {
        let mut near = self.nodes.slots[batch.clone()].to_vec();
        near.sort_unstable();
        let window = if batch.start == 0 { near.len() } else { WINDOW };
        let found = map_ranges(exec, near.len(), GRAIN, |range| {
            let mut worker = self.worker();
            range
                .map(|i| {
                    let around = i.saturating_sub(window)..(i + window + 1).min(near.len());
                    self.find_one(near[i], &near[around], &mut worker)
                })
                .collect::<Vec<_>>()
        });
        let mut by_rank: Vec<Option<Found>> = (0..near.len()).map(|_| None).collect();
        for (slot, found) in near.iter().zip(found.into_iter().flatten()) {
            by_rank[self.nodes.ranks[*slot as usize] as usize - batch.start] = Some(found);
        }
        by_rank.into_iter().flatten().collect()
    }

    fn find_one(&self, slot: u32, around: &[u32], worker: &mut Worker) -> Found {
        let level = self.nodes.level(slot);
        worker.scratch.probe.set_item(self.space, slot, worker.selector.on_codes);
        let mut links = vec![Vec::new(); level + 1];
        let mut near = self
            .graph
            .entry()
            .map_or(0, |entry| worker.scratch.approach(self.graph, self.space, entry, level));
        for level in (1..=level).rev() {
            let layer = UpperLayer::new(self.graph, level);
            self.search(&layer, &[near], worker);
            near = worker.scratch.pool.candidates().first().map_or(near, |c| c.node());
            self.gather(slot, around, level, worker);
            self.choose(slot, |id| self.graph.slot_of(id), worker);
            links[level].extend_from_slice(&worker.kept);
        }
        let start = self
            .graph
            .entry()
            .map_or(0, |entry| if near == 0 { entry.slot } else { self.graph.slot_of(near) });
        let layer = BaseLayer::new(self.graph, self.space);
        // The walk reads half of each code, as that of a query; what it found is compared again.
        worker.scratch.probe.skim(self.space);
        self.search(&layer, &[start, self.graph.anchor()], worker);
        self.gather(slot, around, 0, worker);
        self.choose(slot, |slot| slot, worker);
        links[0].extend_from_slice(&worker.kept);
        let rank = self.nodes.ranks[slot as usize];
        let earlier = |parent: &Candidate| self.nodes.ranks[parent.node() as usize] < rank;
        worker.candidates.retain(earlier);
        let itself = worker.scratch.probe.score_one(self.space, slot);
        let (parents, pins) = self.graph.parents(&worker.candidates, itself);
        let parents = parents.iter().take(PARENTS).map(|c| c.node()).collect();
        Found { links, parents, pins }
    }

    fn search<L: Layer>(&self, layer: &L, seeds: &[u32], worker: &mut Worker) {
        let scratch = &mut worker.scratch;
        scratch.begin(layer, self.plan.ef_construction);
        scratch.seed(layer, self.space, seeds);
        scratch.run(layer, self.space, None);
    }

    /// The pool and the window's nodes of this level, nearest first, in `worker.candidates`.
    fn gather(&self, slot: u32, around: &[u32], level: usize, worker: &mut Worker) {
        let nodes = self.nodes;
        let Worker { scratch, candidates, slots, .. } = &mut *worker;
        candidates.clear();
        slots.clear();
        let pool = scratch.pool.candidates().iter();
        if scratch.probe.heed() {
            slots.extend(pool.map(|c| c.node()));
        } else {
            candidates.extend(pool.map(|c| Candidate::new(c.ordinal(), c.node())));
        }
        worker
            .slots
            .extend(around.iter().filter(|&&other| other != slot && nodes.level(other) >= level));
        let node_of = |slot: u32| if level == 0 { slot } else { nodes.uppers[slot as usize] };
        worker.consider(self.space, node_of);
        sort(&mut worker.candidates);
    }

    /// The diverse ones of the candidates for links of a slot, in `worker.kept`.
    fn choose(&self, slot: u32, slot_of: impl Fn(u32) -> u32, worker: &mut Worker) {
        let Worker { selector, candidates, kept, .. } = worker;
        let Plan { m, ef_construction, .. } = self.plan;
        let candidates = surest_first(self.surety, slot, &slot_of, candidates);
        let candidates = &candidates[..candidates.len().min(ef_construction)];
        selector.select(self.space, candidates, m, &slot_of, &|_| false, kept);
    }

    /// Gives each node of the batch but the anchor a parent of smaller rank with room for a pin,
    /// and its node word; returns the parents.
    fn adopt(&self, batch: Range<usize>, found: &[Found], last_child: &mut [u32]) -> Vec<u32> {
        let word = |slot: u32| node_word(self.space, slot);
        // Relaxed throughout: one thread writes node words here, and the pool's join publishes.
        let pins = |slot: u32| Node::from_bits(word(slot).load(Ordering::Relaxed)).pins();
        let adopt = |(rank, found): (usize, &Found)| {
            let slot = self.nodes.slots[rank];
            word(slot).store(Node::linked(rank as u32, 0).bits(), Ordering::Relaxed);
            let nearest = *found.parents.first()?;
            let has_room = |parent: &u32| pins(*parent) < found.pins;
            let mut parent = found.parents.iter().copied().find(has_room).unwrap_or(nearest);
            // A full node has children, and the last of them is younger: the chain ends.
            while !has_room(&parent) {
                parent = last_child[parent as usize];
            }
            let node = Node::from_bits(word(parent).load(Ordering::Relaxed));
            word(parent).store(node.with_pin().bits(), Ordering::Relaxed);
            self.space.store.parents.word(slot).store(parent, Ordering::Relaxed);
            last_child[parent as usize] = slot;
            Some(parent)
        };
        batch.zip(found).map(adopt).map(Option::unwrap_or_default).collect()
    }

    /// Writes the rows of the batch and merges its offers into the rows they name.
    ///
    /// All offers to one row are in one share, and sorted there, so a row is merged alike whoever
    /// does it.
    fn link(&self, batch: Range<usize>, found: &[Found], parents: &[u32], exec: &dyn Exec) {
        let start = batch.start;
        let written = map_ranges(exec, batch.len(), WRITE_GRAIN, |range| {
            let mut shares = vec![Vec::new(); SHARES];
            for i in range {
                let slot = self.nodes.slots[start + i];
                self.write(slot, &found[i], parents[i], &mut |offer: Offered| {
                    shares[offer.target as usize % SHARES].push(offer);
                });
            }
            shares
        });
        exec.for_each(SHARES, 1, &|range| {
            let mut worker = self.worker();
            for share in range {
                let mut offers: Vec<Offered> =
                    written.iter().flat_map(|shares| &shares[share]).copied().collect();
                offers.sort_unstable();
                for row in offers.chunk_by(|a, b| (a.level, a.target) == (b.level, b.target)) {
                    self.merge(row, &mut worker);
                }
            }
        });
    }

    /// Writes the rows of a node, and offers links back to those that they name.
    fn write(&self, slot: u32, found: &Found, parent: u32, offer: &mut dyn FnMut(Offered)) {
        for (level, links) in found.links.iter().enumerate() {
            let source = self.node_at(slot, level);
            let row = links.iter().map(|link| {
                let other = self.slot_at(link.node(), level);
                link_between(self.surety, [slot, other], link.node())
            });
            links::fill(self.row(level, source), row);
            for link in links {
                let (level, target) = (level as u8, link.node());
                offer(Offered { level, target, source, unpinned: true });
            }
        }
        if parent != 0 {
            offer(Offered { level: 0, target: parent, source: slot, unpinned: false });
        }
    }

    /// Takes the offers to one row: into its holes, or by one choice among all.
    fn merge(&self, offers: &[Offered], worker: &mut Worker) {
        let (level, target) = (usize::from(offers[0].level), offers[0].target);
        let row = self.row(level, target);
        links::read_links(row, &mut worker.row);
        for offer in offers {
            let ends = [target, offer.source].map(|node| self.slot_at(node, level));
            let link = link_between(self.surety, ends, offer.source);
            let link = if offer.unpinned { link } else { link.with_pin() };
            match worker.row.iter_mut().find(|seen| seen.target() == link.target()) {
                Some(seen) if link.pinned() => *seen = seen.with_pin(),
                Some(_) => {}
                None => worker.row.push(link),
            }
        }
        if worker.row.len() > row.len() {
            let slot_of = |node| self.slot_at(node, level);
            let Worker { selector, row: links, .. } = worker;
            let parent = Graph::parent(self.space, level, target);
            let kept =
                selector.prune(self.space, slot_of(target), parent, row.len(), &slot_of, links);
            links.truncate(kept);
        }
        links::fill(row, worker.row.iter().copied());
    }

    /// Makes the first node the anchor and the entry.
    fn open(&self, slot: u32) {
        let (level, upper) = (self.nodes.level(slot), self.nodes.uppers[slot as usize]);
        self.graph.found(Entry { level, upper, slot });
    }

    fn row(&self, level: usize, node: u32) -> &[AtomicU32] {
        if level == 0 { self.graph.row(node) } else { self.graph.upper_row(node, level) }
    }

    fn node_at(&self, slot: u32, level: usize) -> u32 {
        if level == 0 { slot } else { self.nodes.uppers[slot as usize] }
    }

    fn slot_at(&self, node: u32, level: usize) -> u32 {
        if level == 0 { node } else { self.graph.slot_of(node) }
    }
}
