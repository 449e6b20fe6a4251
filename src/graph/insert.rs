//! Insert into a graph that others search and write: lock-free.
//!
//! ```text
//!   announce  let inserts that run beside this one know its slot, and learn theirs
//!   find      search every level, choose diverse links
//!   fill      write the own rows of all levels
//!   adopt     promise at the nearest node with room, draw a rank, write the node word
//!   publish   pin into the parent's row: reachable for good; only now others may hang by it
//!   offer     ask chosen neighbours for links back; a refusal costs nothing but recall
//!   raise     become the entry if higher than it
//! ```
//!
//! The node is doubtful until its key leads to it: whoever meets it asks the keys whether it is an
//! item.
//!
//! Every linked node but the anchor hangs by a pin from a parent of smaller rank, and a pin is only
//! taken off when there is another (`reclaim`), so by induction over ranks each is reachable from the anchor at every instant.

use std::sync::atomic::Ordering;

use super::confidence::{Surety, link_between, surest_first};
use super::layout::{BREADTH, BaseLayer, Graph, Layer, UpperLayer, node, node_word};
use super::level::mix;
use super::links::{self, Below, Offer};
use super::pool::{Candidate, LINKING_TIES};
use super::select::Selector;
use super::walk::Scratch;
use super::word::{Entry, Link, Node};
use crate::store::Space;
use crate::sync::Step;

/// Attempts at a reverse link before it is given up: others keep changing the row.
const RETRIES: usize = 3;

/// Links beyond the one replaced that a full row gives up together with it: the next that are
/// offered need no choice, which is most of what linking costs.
const HOLES: usize = 4;

/// Dead nodes that an insert looks past, at most, where they are most of what it meets.
const DEAD_PASSED: usize = 4096;

/// Memory of an insert, reused.
pub(crate) struct InsertScratch {
    walk: Scratch,
    selector: Selector,
    kept: Vec<Candidate>,
    row: Vec<Link>,
    /// Dead nodes that the walk of a level has met.
    dead: Vec<u32>,
}

/// A written slot on its way into the graph.
#[derive(Clone, Copy)]
pub(crate) struct Newcomer {
    pub(crate) slot: u32,
    pub(crate) level: usize,
    /// Upper id; 0 at level 0.
    pub(crate) upper: u32,
}

impl InsertScratch {
    pub(crate) fn new(space: &Space) -> Self {
        Self {
            walk: Scratch::linking(space),
            selector: Selector::new(space),
            kept: Vec::new(),
            row: Vec::new(),
            dead: Vec::new(),
        }
    }
}

/// Links a newcomer. Its rows are written, it is in no row yet, and nothing here can fail. `surety`
/// says how sure the new links are.
pub(crate) fn insert(
    graph: &Graph,
    space: &Space,
    newcomer: Newcomer,
    surety: Surety<'_>,
    ef_construction: usize,
    scratch: &mut InsertScratch,
) {
    if graph.anchor() == 0 && found_anchor(graph, space, newcomer) {
        return;
    }
    let insert = Insert { graph, space, newcomer, surety };
    // Counts of one insert: a scratch that lives on would overflow them.
    (scratch.walk.distances, scratch.walk.hops) = (0, 0);
    scratch.selector.on_codes = space.codes().is_some();
    scratch.walk.probe.set_item(space, newcomer.slot, scratch.selector.on_codes);
    let mut back = Vec::with_capacity(newcomer.level + 1);
    let entry = graph.beginning();
    // The lowest upper level is searched with some breadth even where the newcomer is not on it.
    let lowest = newcomer.level.max(1);
    let mut near = vec![scratch.walk.approach(graph, space, entry, lowest)];
    for level in (1..=lowest.min(entry.level)).rev() {
        let layer = UpperLayer::new(graph, level);
        let ef = if level <= newcomer.level { ef_construction } else { BREADTH };
        insert.search(&layer, &near, &[], ef, &mut scratch.walk);
        let seeds = std::mem::take(&mut near);
        near.extend(scratch.walk.pool.candidates().iter().take(BREADTH).map(|c| c.node()));
        if level > newcomer.level {
            continue;
        }
        insert.pass_dead(&layer, seeds, ef, scratch);
        insert.choose(|id| graph.slot_of(id), scratch);
        let row = scratch.kept.iter().map(|c| insert.link(graph.slot_of(c.node()), c.node()));
        links::fill(graph.upper_row(newcomer.upper, level), row);
        Step::UpperWritten.done();
        back.push((level, scratch.kept.clone()));
    }
    let mut seeds = vec![entry.slot, graph.anchor()];
    if entry.level > 0 {
        seeds.extend(near.iter().map(|&id| graph.slot_of(id)));
    }
    // Links of others may lead here from now on, so the own row is shared.
    seeds.extend(graph.announce(newcomer.slot));
    Step::Announced.done();
    // After the slots of others are known, so that it covers them.
    let layer = BaseLayer::new(graph, space);
    insert.search(&layer, &seeds, &[], ef_construction, &mut scratch.walk);
    insert.pass_dead(&layer, seeds, ef_construction, scratch);
    insert.choose(|slot| slot, scratch);
    for chosen in &scratch.kept {
        // Refused only where others have filled the row before.
        links::offer(graph.row(newcomer.slot), insert.link(chosen.node(), chosen.node()));
    }
    Step::LinksWritten.done();
    back.push((0, scratch.kept.clone()));
    let parent = insert.adopt(&scratch.walk);
    insert.publish(parent, scratch);
    for (level, chosen) in back {
        for neighbour in chosen {
            insert.offer(level, neighbour.node(), scratch);
            Step::Offered.done();
        }
    }
    // The dead lead here too as long as others come by them, and hand the link on when they go.
    for place in 0..scratch.dead.len().min(graph.m) {
        insert.offer(0, scratch.dead[place], scratch);
    }
    // Compared with the entry of now: the one of before may have been deleted.
    if newcomer.level > 0 {
        let Newcomer { slot, level, upper } = newcomer;
        graph.raise_entry(Entry { level, upper, slot });
        Step::Raised.done();
    }
    if scratch.walk.is_blurred(space) {
        space.count_blurred();
    }
}

/// Makes the first node of a graph its anchor and entry; false if another was first.
fn found_anchor(graph: &Graph, space: &Space, newcomer: Newcomer) -> bool {
    let Newcomer { slot, level, upper } = newcomer;
    links::fill(graph.row(slot), []);
    for level in 1..=level {
        links::fill(graph.upper_row(upper, level), []);
    }
    // Rank 0 is the anchor's: who loses the race takes its node word back.
    node_word(space, slot).store(Node::linked(0, 0).doubtful().bits(), Ordering::Release);
    let founded = graph.found(Entry { level, upper, slot });
    if !founded {
        node_word(space, slot).store(0, Ordering::Relaxed);
    }
    founded
}

struct Insert<'a> {
    graph: &'a Graph,
    space: &'a Space,
    newcomer: Newcomer,
    surety: Surety<'a>,
}

impl Insert<'_> {
    /// A link between the newcomer and the node in `other`, to `name`: one of the two.
    fn link(&self, other: u32, name: u32) -> Link {
        link_between(self.surety, [self.newcomer.slot, other], name)
    }

    /// Finds the nodes of a level that are near the newcomer, but for those to be left out.
    #[inline(never)]
    fn search<L: Layer>(
        &self,
        layer: &L,
        seeds: &[u32],
        left_out: &[u32],
        ef: usize,
        walk: &mut Scratch,
    ) {
        if !L::UPPER {
            walk.probe.skim(self.space);
        }
        walk.begin(layer, ef);
        walk.skip::<L>(if L::UPPER { self.newcomer.upper } else { self.newcomer.slot });
        for &node in left_out {
            walk.skip::<L>(node);
        }
        walk.seed(layer, self.space, seeds);
        walk.run(layer, self.space, None);
        walk.heed(self.space);
    }

    /// Leaves dead nodes out of what was found: nobody who begins after they died may link to them.
    /// Where they crowd out the living, walks again past them, from what they lead to. Those met
    /// are in `scratch.dead` then, of each walk the nearest first.
    fn pass_dead<L: Layer>(
        &self,
        layer: &L,
        mut seeds: Vec<u32>,
        ef: usize,
        scratch: &mut InsertScratch,
    ) {
        let InsertScratch { walk, dead, row, .. } = scratch;
        dead.clear();
        if self.graph.dead() == 0 {
            return;
        }
        let is_dead = |name: u32| node(self.space, layer.slot(name)).is_dead();
        loop {
            let known = dead.len();
            let found = walk.pool.candidates().iter().map(|candidate| candidate.node());
            dead.extend(found.filter(|&name| is_dead(name)));
            let met = &dead[known..];
            let hides = || walk.pool.hides(LINKING_TIES, |name| !is_dead(name));
            let is_crowded = met.len() > ef / 2 || (met.len() >= LINKING_TIES && hides());
            if !is_crowded || dead.len() > DEAD_PASSED {
                return walk.pool.retain(|name| !is_dead(name));
            }
            for &name in met {
                links::read_links(layer.row(name), row);
                seeds.extend(row.iter().map(|link| link.target()));
            }
            self.search(layer, &seeds, dead, ef, walk);
        }
    }

    /// The diverse ones of the pool, in `scratch.kept`.
    fn choose(&self, slot_of: impl Fn(u32) -> u32, scratch: &mut InsertScratch) {
        let InsertScratch { walk, selector, kept, .. } = scratch;
        let found = walk.pool.candidates();
        let found = surest_first(self.surety, self.newcomer.slot, &slot_of, found);
        selector.select(self.space, &found, self.graph.m, &slot_of, &|_| false, kept);
    }

    /// Finds a parent with room, draws a rank above the parent's and writes the node word.
    fn adopt(&self, walk: &Scratch) -> u32 {
        let graph = self.graph;
        let word = |slot| node_word(self.space, slot);
        let slot = self.newcomer.slot;
        let candidates = walk.pool.candidates();
        let (parents, most) = graph.parents(candidates, walk.probe.score_one(self.space, slot));
        let parent = parents
            .iter()
            .map(|candidate| candidate.node())
            .find(|&slot| links::promise(word(slot), most).is_some())
            .unwrap_or_else(|| {
                let anchor = graph.anchor();
                let near = parents.first().map_or(anchor, |candidate| candidate.node());
                let choose = |depth, children| {
                    (mix(u64::from(slot), depth as u64) % children as u64) as usize
                };
                let limits = (most, graph.pins_limit());
                let below = Below { anchor, near, choose, limits };
                links::promise_below(&below, |slot| graph.row(slot), word)
            });
        Step::Promised.done();
        let rank = graph.draw_rank();
        self.space.store.parents.word(slot).store(parent, Ordering::Relaxed);
        // Relaxed: nobody hangs by the node before `publish`. Others may know it by then, so it must
        // not be linked yet: what hangs by it would not be reachable.
        word(slot).store(Node::adopted(rank).bits(), Ordering::Relaxed);
        Step::Adopted.done();
        parent
    }

    /// Pins the newcomer into its parent's row and makes it a possible parent itself.
    fn publish(&self, parent: u32, scratch: &mut InsertScratch) {
        let row = self.graph.row(parent);
        let slot = self.newcomer.slot;
        let link = self.link(parent, slot).with_pin();
        if links::offer(row, link) != Offer::Linked {
            let victims = self.victims(0, parent, scratch);
            links::pin(row, link, &victims);
        }
        Step::Pinned.done();
        let word = node_word(self.space, slot);
        let rank = Node::from_bits(word.load(Ordering::Relaxed)).rank();
        // Release pairs with the acquire in `layout::node` and `links::promise`.
        word.store(Node::linked(rank, 0).doubtful().bits(), Ordering::Release);
        Step::Linked.done();
    }

    /// Asks `node` for a link back: into a hole, or in place of what pruning would give up.
    #[cfg_attr(ecphory_compact, optimize(speed))]
    fn offer(&self, level: usize, node: u32, scratch: &mut InsertScratch) {
        let graph = self.graph;
        let (row, name, slot) = if level == 0 {
            (graph.row(node), self.newcomer.slot, node)
        } else {
            (graph.upper_row(node, level), self.newcomer.upper, graph.slot_of(node))
        };
        let link = self.link(slot, name);
        for _ in 0..RETRIES {
            if links::offer(row, link) == Offer::Linked {
                return;
            }
            let victims = self.victims(level, node, scratch);
            if victims.contains(&name) || victims.is_empty() {
                return;
            }
            let mut covered = victims.into_iter();
            if covered.any(|victim| links::evict(row, victim, link)) {
                covered.take(HOLES).for_each(|victim| _ = links::evict(row, victim, Link::NONE));
                return;
            }
        }
    }

    /// The links of a full row that pruning it together with the newcomer would drop, farthest
    /// first; they may name the newcomer itself.
    fn victims(&self, level: usize, node: u32, scratch: &mut InsertScratch) -> Vec<u32> {
        let graph = self.graph;
        let slot_of = |node| if level == 0 { node } else { graph.slot_of(node) };
        let (row, name) = if level == 0 {
            (graph.row(node), self.newcomer.slot)
        } else {
            (graph.upper_row(node, level), self.newcomer.upper)
        };
        let InsertScratch { selector, row: links, .. } = scratch;
        links::read_links(row, links);
        if links.iter().all(|link| link.target() != name) {
            links.push(self.link(slot_of(node), name));
        }
        let parent = Graph::parent(self.space, level, node);
        let kept = selector.prune(self.space, slot_of(node), parent, row.len(), &slot_of, links);
        links[kept..].iter().rev().map(|link| link.target()).collect()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::arch;
    use crate::distance::{Metric, Rows};
    use crate::store::{Allocator, Coded, Heap, RowScratch};

    #[test]
    fn a_scratch_outlives_the_counts_of_its_inserts() {
        let heap: Arc<dyn Allocator> = Arc::new(Heap);
        let (metric, rows) = (Metric::L2, Rows::F32);
        let space =
            Space::zeroed(1, metric, rows, arch::detected(), Coded::Never, 9, &heap).unwrap();
        let graph = Graph::zeroed(4, 9, 1, &heap).unwrap();
        let mut scratch = InsertScratch::new(&space);
        for position in 1..9 {
            let fresh = space.take(|slot| graph.reserve(slot)).unwrap();
            fresh.write(0, &[position as f32], &mut RowScratch::default());
            let slot = fresh.slot();
            (scratch.walk.distances, scratch.walk.hops) = (u32::MAX, u32::MAX);
            insert(&graph, &space, Newcomer { slot, level: 0, upper: 0 }, None, 8, &mut scratch);
            assert!(slot == 1 || scratch.walk.distances < slot, "counts of one insert");
        }
    }
}
