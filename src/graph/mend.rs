//! The work on single nodes when dead ones are taken out: other parents for their children, and
//! other links for the rows that name them. See [`reclaim`](super::reclaim) for when, and why
//! nothing is lost.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};

use super::confidence::{Surety, link_between, sort_surest, surest_first};
use super::layout::{Graph, node, node_word};
use super::links;
use super::pool::{Candidate, sort};
use super::probe::Probe;
use super::select::Selector;
use super::word::Link;
use crate::store::Space;
use crate::sync::Step;

/// Nodes that are looked at for one with room, at most.
const LOOKS: usize = 16_384;

/// Memory for choosing links and parents.
pub(super) struct MendScratch {
    probe: Probe,
    selector: Selector,
    links: Vec<Link>,
    others: Vec<Link>,
    lost: Vec<u32>,
    names: Vec<u32>,
    near: Vec<Candidate>,
    there: Vec<Candidate>,
    kept: Vec<Candidate>,
}

/// The slots that are on their way out.
pub(super) struct Gone<'a>(pub(super) &'a [u64]);

impl Gone<'_> {
    pub(super) fn has(&self, slot: u32) -> bool {
        self.0.get(slot as usize / 64).is_some_and(|word| word >> (slot % 64) & 1 == 1)
    }
}

/// The rows of one level, by the names that links have there.
pub(super) struct Rows<'a> {
    pub(super) row: &'a dyn Fn(u32) -> &'a [AtomicU32],
    pub(super) slot_of: &'a dyn Fn(u32) -> u32,
}

impl MendScratch {
    pub(super) fn new(space: &Space) -> Self {
        Self {
            probe: Probe::new(space),
            selector: Selector::new(space),
            links: Vec::new(),
            others: Vec::new(),
            lost: Vec::new(),
            names: Vec::new(),
            near: Vec::new(),
            there: Vec::new(),
            kept: Vec::new(),
        }
    }

    /// Decides how items are compared from now on.
    pub(super) fn begin(&mut self, space: &Space) {
        self.selector.on_codes = space.codes().is_some();
    }

    /// Moves the children of a dead node elsewhere, then takes it from its own parent; false if
    /// some find no place.
    pub(super) fn empty_out(
        &mut self,
        graph: &Graph,
        space: &Space,
        surety: Surety<'_>,
        slot: u32,
    ) -> bool {
        let parents = &space.store.parents;
        let mut children = Vec::new();
        links::read_links(graph.row(slot), &mut children);
        children.retain(|link| link.pinned());
        for child in children.iter().map(|link| link.target()) {
            if let Some(parent) = self.find_parent(graph, space, surety, child, slot) {
                self.hang(graph, space, surety, child, parent);
                Step::ChildHung.done();
                // The link stays: whoever has to replace one to this node is led on to its children.
                links::unpin(graph.row(slot), child, true);
                Step::ChildUnpinned.done();
                links::change(node_word(space, slot), |seen| Some(seen.without_pin()));
            }
        }
        if node(space, slot).pins() > 0 {
            return false;
        }
        // Relaxed: only this thread writes the parents of dead nodes and of their children.
        let parent = parents.word(slot).swap(0, Ordering::Relaxed);
        if parent != 0 {
            links::unpin(graph.row(parent), slot, false);
            Step::DeadUnpinned.done();
            links::change(node_word(space, parent), |seen| Some(seen.without_pin()));
        }
        true
    }

    /// A parent of smaller rank that has promised room: near the child if there is one, else above
    /// its old one, else one of whose children moves below the child.
    fn find_parent(
        &mut self,
        graph: &Graph,
        space: &Space,
        surety: Surety<'_>,
        child: u32,
        old: u32,
    ) -> Option<u32> {
        let word = |slot| node_word(space, slot);
        let rank = node(space, child).rank();
        let may = |slot: u32| node(space, slot).is_linked() && node(space, slot).rank() < rank;
        self.gather(graph, child, old);
        self.names.retain(|&name| name != child && may(name));
        self.score(space, child);
        let mut above = old;
        while above != 0 {
            if may(above) {
                self.near.push(Candidate::new(u32::MAX, above));
            }
            // Relaxed: written before the node was linked, or by this thread.
            above = space.store.parents.word(above).load(Ordering::Relaxed);
        }
        for limit in [(graph.m / 2).max(3) as u32, graph.pins_limit()] {
            let room = |c: &&Candidate| links::promise(word(c.node()), limit).is_some();
            if let Some(parent) = self.near.iter().find(room) {
                return Some(parent.node());
            }
        }
        let full: Vec<u32> = self.near.iter().map(|c| c.node()).collect();
        full.into_iter()
            .find(|&parent| self.make_room(graph, space, surety, child, parent))
            .or_else(|| promise_older(graph, space, rank))
    }

    /// Hangs a younger child of a full parent below `child`, which takes its place.
    fn make_room(
        &mut self,
        graph: &Graph,
        space: &Space,
        surety: Surety<'_>,
        child: u32,
        parent: u32,
    ) -> bool {
        let rank = node(space, child).rank();
        let mut links = Vec::new();
        links::read_links(graph.row(parent), &mut links);
        // One whose insert still runs may be about to link the child itself.
        let younger = |link: &&Link| {
            let seen = node(space, link.target());
            link.pinned() && seen.rank() > rank && (seen.is_sure() || seen.is_dead())
        };
        let Some(younger) = links.iter().find(younger).map(|link| link.target()) else {
            return false;
        };
        if links::promise(node_word(space, child), graph.pins_limit()).is_none() {
            return false;
        }
        self.hang(graph, space, surety, younger, child);
        links::unpin(graph.row(parent), younger, true);
        true
    }

    /// Pins `child` into the row of a parent that has promised room.
    fn hang(&mut self, graph: &Graph, space: &Space, surety: Surety<'_>, child: u32, parent: u32) {
        links::read_links(graph.row(parent), &mut self.links);
        self.names.clear();
        self.names.extend(self.links.iter().filter(|l| !l.pinned()).map(|l| l.target()));
        self.score(space, parent);
        let Self { links, near, .. } = self;
        let link_to = |name| links.iter().find(|link| link.target() == name);
        sort_surest(near, |name| link_to(name).map_or(0, |link| link.confidence()));
        let worst: Vec<u32> = near.iter().rev().map(|c| c.node()).collect();
        let ends = [parent, child];
        links::pin(graph.row(parent), link_between(surety, ends, child).with_pin(), &worst);
        // Relaxed: read by this thread, where no writer runs, and by inserts as what is worth keeping.
        space.store.parents.word(child).store(parent, Ordering::Relaxed);
        // As far as there is room. One whose insert still runs may be about to link the child itself.
        if node(space, parent).is_sure() {
            links::offer(graph.row(child), link_between(surety, ends, parent));
        }
    }

    /// Names the neighbours of two nodes of level 0.
    fn gather(&mut self, graph: &Graph, one: u32, other: u32) {
        self.names.clear();
        for slot in [one, other] {
            links::read_links(graph.row(slot), &mut self.links);
            self.names.extend(self.links.iter().map(|link| link.target()));
        }
        self.names.sort_unstable();
        self.names.dedup();
    }

    /// Puts the slots in `names` in the order of their distance from another.
    fn score(&mut self, space: &Space, centre: u32) {
        self.score_named(space, centre, &|slot| slot);
    }

    fn score_named(&mut self, space: &Space, centre: u32, slot_of: &dyn Fn(u32) -> u32) {
        let Self { probe, selector, names, near, .. } = self;
        let slots: Vec<u32> = names.iter().map(|&name| slot_of(name)).collect();
        let mut ordinals = vec![0; slots.len()];
        probe.set_item(space, centre, selector.on_codes);
        probe.score(space, &slots, &mut ordinals);
        near.clear();
        near.extend(names.iter().zip(ordinals).map(|(&name, o)| Candidate::new(o, name)));
        sort(near);
    }

    /// Replaces the links of a row that name what is gone by links to neighbours of that, as far as
    /// the rule of insertion would choose them; false if there are none to replace.
    pub(super) fn mend(
        &mut self,
        space: &Space,
        layer: &Rows<'_>,
        surety: Surety<'_>,
        name: u32,
        gone: &Gone<'_>,
    ) -> bool {
        let Rows { row, slot_of } = layer;
        links::read_links(row(name), &mut self.links);
        let is_gone = |name: u32| gone.has(slot_of(name));
        self.lost.clear();
        self.lost.extend(self.links.iter().map(|l| l.target()).filter(|&target| is_gone(target)));
        if self.lost.is_empty() {
            return false;
        }
        self.names.clear();
        if node(space, slot_of(name)).is_linked() {
            self.names.extend(self.links.iter().map(|l| l.target()).filter(|&t| !is_gone(t)));
            for &lost in &self.lost {
                links::read_links(row(lost), &mut self.others);
                // A node whose insert still runs may be about to link here itself.
                let stays = |&t: &u32| t != name && node(space, slot_of(t)).is_sure();
                let others = self.others.iter().map(|l| l.target());
                self.names.extend(others.filter(stays).filter(|&target| !is_gone(target)));
            }
            self.names.sort_unstable();
            self.names.dedup();
            self.score_named(space, slot_of(name), slot_of);
            let Self { selector, links, lost, near, there, kept, .. } = &mut *self;
            let stands = |c: &Candidate| links.iter().any(|link| link.target() == c.node());
            there.clear();
            there.extend(near.iter().copied().filter(stands));
            near.retain(|candidate| !stands(candidate));
            let near = surest_first(surety, slot_of(name), slot_of, near);
            selector.complete(space, there, &near, lost.len(), slot_of, kept);
        } else {
            self.kept.clear();
        }
        let link = |from: u32, to: u32| link_between(surety, [from, to].map(slot_of), to);
        let chosen = self.kept.iter().map(|c| link(name, c.node()));
        let is_sure = node(space, slot_of(name)).is_sure();
        for (&lost, new) in self.lost.iter().zip(chosen.chain(std::iter::repeat(Link::NONE))) {
            // False where an insert has put another link in its place.
            let is_new = links::evict(row(name), lost, new) && !new.is_none();
            Step::LinkMended.done();
            // A link back where there is room: rows that only lose links would thin out.
            if is_new && is_sure {
                links::offer(row(new.target()), link(new.target(), name));
            }
        }
        true
    }
}

/// A parent of smaller rank anywhere, from the anchor down; looks at a bounded number of nodes.
fn promise_older(graph: &Graph, space: &Space, rank: u32) -> Option<u32> {
    let (mut queue, mut links) = (VecDeque::from([graph.anchor()]), Vec::new());
    for _ in 0..LOOKS {
        let slot = queue.pop_front()?;
        if links::promise(node_word(space, slot), graph.pins_limit()).is_some() {
            return Some(slot);
        }
        links::read_links(graph.row(slot), &mut links);
        let children = links.iter().filter(|link| link.pinned()).map(|link| link.target());
        queue.extend(children.filter(|&child| node(space, child).rank() < rank));
    }
    None
}
