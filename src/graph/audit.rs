//! The invariants of a graph, verified one by one.

use std::fmt;

use super::layout::{Graph, RANKS_MAX, node};
use super::links;
use super::word::{Entry, Link};
use crate::limits::LEVEL_MAX;
use crate::store::Space;

/// What [`Index::check`](crate::Index::check) found in a sound graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Linked nodes: one for each item, and one for the first that ever was if that is gone.
    pub nodes: usize,
    /// Nodes of items that were deleted, which lead on to others until they are reclaimed.
    pub dead: usize,
    /// Linked nodes that directed links of level 0 reach from the anchor: all of them.
    pub reachable: usize,
    /// Links of level 0.
    pub links: usize,
    /// Pinned links: one to each node but the anchor.
    pub pins: usize,
    /// Most links in a row of level 0.
    pub degree_max: usize,
    /// Nodes by their top level.
    pub levels: Vec<usize>,
}

/// The invariant that does not hold, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// What should hold.
    pub invariant: &'static str,
    /// The slot where it does not.
    pub slot: u32,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (slot {}); rebuild the index from its data", self.invariant, self.slot)
    }
}

impl std::error::Error for Broken {}

/// Verifies links, levels, entry, backbone and reachability. O(links) time, O(nodes) memory.
///
/// While a writer runs, what it finds means nothing; but it ends, without a panic.
pub(crate) fn audit(graph: &Graph, space: &Space) -> Result<Audit, Broken> {
    let mut audit = Audit { levels: vec![0; LEVEL_MAX + 1], ..Audit::default() };
    let end = space.end();
    let anchor = graph.anchor();
    let ranks = graph.heads().ranks;
    ensure(ranks <= RANKS_MAX, "ranks are left to be drawn", anchor)?;
    let met: Vec<u32> = (1..end).filter(|&slot| node(space, slot).is_met()).collect();
    audit.dead = met.iter().filter(|&&slot| node(space, slot).is_dead()).count();
    audit.nodes = met.len() - audit.dead;
    ensure((anchor == 0) == met.is_empty(), "an index with nodes has an anchor", anchor)?;
    if met.is_empty() {
        // That of the first node, which is not drawn.
        ensure(ranks > 0, "the smallest rank is taken", 0)?;
        return Ok(audit);
    }
    ensure(anchor < end && node(space, anchor).is_linked(), "the anchor is linked", anchor)?;
    let mut parents = vec![0u32; end as usize];
    let mut row = Vec::new();
    for &slot in &met {
        ensure(node(space, slot).rank() < ranks, "a node's rank was drawn", slot)?;
        ensure(node(space, slot).pins() <= graph.pins_limit(), "pins leave a word free", slot)?;
        links::read_links(graph.row(slot), &mut row);
        audit_row(space, slot, &row, end)?;
        audit.links += row.len();
        audit.degree_max = audit.degree_max.max(row.len());
        for child in row.iter().filter(|link| link.pinned()).map(|link| link.target()) {
            ensure(parents[child as usize] == 0, "a node has one pinned in-link", child)?;
            parents[child as usize] = slot;
            audit.pins += 1;
        }
    }
    for &slot in &met {
        audit_parent(space, slot, anchor, parents[slot as usize])?;
    }
    audit.reachable = reach(graph, space, anchor, &mut row);
    ensure(audit.reachable == audit.nodes, "every node is reachable from the anchor", anchor)?;
    audit_levels(graph, space, &mut audit)?;
    Ok(audit)
}

fn ensure(holds: bool, invariant: &'static str, slot: u32) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken { invariant, slot }) }
}

fn audit_row(space: &Space, slot: u32, row: &[Link], end: u32) -> Result<(), Broken> {
    for (place, link) in row.iter().enumerate() {
        let target = link.target();
        let is_there = (1..end).contains(&target);
        ensure(is_there && node(space, target).is_met(), "links name linked nodes", slot)?;
        ensure(target != slot, "no node links itself", slot)?;
        let twice = row[..place].iter().any(|earlier| earlier.target() == target);
        ensure(!twice, "a row names a node once", slot)?;
    }
    let pins = row.iter().filter(|link| link.pinned()).count();
    ensure(pins == node(space, slot).pins() as usize, "a node counts its pins", slot)?;
    Ok(())
}

fn audit_parent(space: &Space, slot: u32, anchor: u32, parent: u32) -> Result<(), Broken> {
    // Relaxed: no writer runs.
    let named = space.store.parents.word(slot).load(std::sync::atomic::Ordering::Relaxed);
    ensure(named == parent, "a node names the parent that pins it", slot)?;
    if slot == anchor {
        return ensure(parent == 0, "the anchor has no parent", slot);
    }
    if parent == 0 && node(space, slot).is_dead() {
        return ensure(node(space, slot).pins() == 0, "only a leaf lets go of its parent", slot);
    }
    ensure(parent != 0, "every node but the anchor is pinned under a parent", slot)?;
    let older = node(space, parent).rank() < node(space, slot).rank();
    ensure(older, "a parent's rank is smaller", slot)
}

/// Linked nodes that directed links reach from the anchor.
fn reach(graph: &Graph, space: &Space, anchor: u32, row: &mut Vec<Link>) -> usize {
    let end = space.end();
    let mut seen = vec![false; end as usize];
    let mut queue = vec![anchor];
    seen[anchor as usize] = true;
    let mut reached = 0;
    while let Some(slot) = queue.pop() {
        reached += usize::from(node(space, slot).is_linked());
        links::read_links(graph.row(slot), row);
        // Rows were compared with `end` before; a writer may have changed them since.
        for target in row.iter().map(|link| link.target()).filter(|&target| target < end) {
            if !std::mem::replace(&mut seen[target as usize], true) {
                queue.push(target);
            }
        }
    }
    reached
}

/// Upper rows by owner: the runs of rows that belong to one slot each.
fn audit_levels(graph: &Graph, space: &Space, audit: &mut Audit) -> Result<(), Broken> {
    let (end, next) = (space.end(), graph.heads().upper_next);
    let mut owners = vec![false; end as usize];
    let mut row = Vec::new();
    let mut id = 1;
    while id < next {
        let slot = graph.slot_of(id);
        let rows = (id..next).take_while(|&row| graph.slot_of(row) == slot).count();
        ensure(slot != 0 && slot < end, "an upper row belongs to a slot", slot)?;
        ensure(rows <= LEVEL_MAX, "levels are bounded", slot)?;
        let again = std::mem::replace(&mut owners[slot as usize], true);
        ensure(!again, "the upper rows of a slot are consecutive", slot)?;
        if node(space, slot).is_linked() {
            audit.levels[rows] += 1;
        }
        for level in 1..=rows {
            links::read_links(graph.upper_row(id, level), &mut row);
            for (place, link) in row.iter().enumerate() {
                let target = link.target();
                let twice = row[..place].iter().any(|earlier| earlier.target() == target);
                ensure(!twice, "a row names a node once", slot)?;
                // Nobody could take it out.
                ensure(!link.pinned(), "the backbone is on level 0", slot)?;
                let fits = is_upper_id(graph, target, level, next);
                ensure(fits, "an upper link names a node of its level", slot)?;
                let owner = graph.slot_of(target);
                let met = owner < end && node(space, owner).is_met();
                ensure(met, "links name linked nodes", slot)?;
                ensure(target != id, "no node links itself", slot)?;
            }
        }
        id += rows as u32;
    }
    let upper = audit.levels[1..].iter().sum();
    let base = audit.nodes.checked_sub(upper);
    audit.levels[0] = base.ok_or(Broken { invariant: "a node has one level", slot: 0 })?;
    let highest = audit.levels.iter().rposition(|&nodes| nodes > 0).unwrap_or(0);
    audit.levels.truncate(highest + 1);
    audit_entry(graph, space, highest)
}

/// Whether `id` is the first upper row of a node that reaches `level`, below the rows `..next`.
fn is_upper_id(graph: &Graph, id: u32, level: usize, next: u32) -> bool {
    let last = id + level as u32 - 1;
    id > 0
        && last < next
        && graph.slot_of(last) == graph.slot_of(id)
        && (id == 1 || graph.slot_of(id - 1) != graph.slot_of(id))
}

fn audit_entry(graph: &Graph, space: &Space, highest: usize) -> Result<(), Broken> {
    let entry = graph.entry().ok_or(Broken { invariant: "a graph has an entry", slot: 0 })?;
    let Entry { level, upper, slot } = entry;
    let is_above = level > highest && slot < space.end() && node(space, slot).is_dead();
    ensure(level == highest || is_above, "the entry is on the highest level", slot)?;
    ensure(slot < space.end() && node(space, slot).is_met(), "the entry is linked", slot)?;
    let next = graph.heads().upper_next;
    let first =
        level == 0 || (is_upper_id(graph, upper, level, next) && graph.slot_of(upper) == slot);
    ensure(first, "the entry names its first upper row", slot)
}
