//! The invariants of a graph, verified one by one.

use std::fmt;

use super::layout::{Graph, node};
use super::links;
use super::word::Link;
use crate::limits::LEVEL_MAX;
use crate::store::Space;

/// What [`Index::check`](crate::Index::check) found in a sound graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Linked nodes.
    pub nodes: usize,
    /// Nodes that directed links of level 0 reach from the anchor: all of them.
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

/// Verifies links, levels, entry, backbone and reachability; no writer may run. O(links) time,
/// O(nodes) memory.
pub(crate) fn audit(graph: &Graph, space: &Space) -> Result<Audit, Broken> {
    let mut audit = Audit { levels: vec![0; LEVEL_MAX + 1], ..Audit::default() };
    let end = space.end();
    let anchor = graph.anchor();
    let linked: Vec<u32> = (1..end).filter(|&slot| node(space, slot).is_linked()).collect();
    audit.nodes = linked.len();
    ensure((anchor == 0) == linked.is_empty(), "an index with nodes has an anchor", anchor)?;
    if linked.is_empty() {
        return Ok(audit);
    }
    ensure(anchor < end && node(space, anchor).is_linked(), "the anchor is linked", anchor)?;
    let mut parents = vec![0u32; end as usize];
    let mut row = Vec::new();
    for &slot in &linked {
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
    for &slot in &linked {
        audit_parent(space, slot, anchor, parents[slot as usize])?;
    }
    audit.reachable = reach(graph, anchor, end, &mut row);
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
        ensure(target < end && node(space, target).is_linked(), "links name linked nodes", slot)?;
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
    ensure(parent != 0, "every node but the anchor is pinned under a parent", slot)?;
    let older = node(space, parent).rank() < node(space, slot).rank();
    ensure(older, "a parent's rank is smaller", slot)
}

/// Nodes that directed links reach from the anchor.
fn reach(graph: &Graph, anchor: u32, end: u32, row: &mut Vec<Link>) -> usize {
    let mut seen = vec![false; end as usize];
    let mut queue = vec![anchor];
    seen[anchor as usize] = true;
    let mut reached = 0;
    while let Some(slot) = queue.pop() {
        reached += 1;
        links::read_links(graph.row(slot), row);
        for target in row.iter().map(|link| link.target()) {
            if !std::mem::replace(&mut seen[target as usize], true) {
                queue.push(target);
            }
        }
    }
    reached
}

fn audit_levels(graph: &Graph, space: &Space, audit: &mut Audit) -> Result<(), Broken> {
    let entry = graph.entry().ok_or(Broken { invariant: "a graph has an entry", slot: 0 })?;
    let heads = graph.heads();
    let mut row = Vec::new();
    let mut highest = 0;
    let mut id = 1;
    while id < heads.upper_next {
        let slot = graph.slot_of(id);
        let rows = (id..heads.upper_next).take_while(|&row| graph.slot_of(row) == slot).count();
        ensure(slot != 0 && slot < space.end(), "an upper row belongs to a slot", slot)?;
        ensure(rows <= LEVEL_MAX, "levels are bounded", slot)?;
        if node(space, slot).is_linked() {
            audit.levels[rows] += 1;
            highest = highest.max(rows);
        }
        for level in 1..=rows {
            links::read_links(graph.upper_row(id, level), &mut row);
            for link in &row {
                let target = link.target();
                let last = target + level as u32 - 1;
                let fits = last < heads.upper_next && graph.slot_of(last) == graph.slot_of(target);
                ensure(fits, "an upper link names a node of its level", slot)?;
                ensure(target != id, "no node links itself", slot)?;
            }
        }
        id += rows as u32;
    }
    audit.levels[0] = audit.nodes - audit.levels[1..].iter().sum::<usize>();
    audit.levels.truncate(highest + 1);
    ensure(entry.level == highest, "the entry is on the highest level", entry.slot)?;
    let inside = entry.upper < heads.upper_next;
    ensure(inside, "the entry names an upper row", entry.slot)?;
    let named = if entry.level == 0 { entry.slot } else { graph.slot_of(entry.upper) };
    let sound = named == entry.slot && entry.slot < space.end();
    ensure(sound && node(space, entry.slot).is_linked(), "the entry is linked", entry.slot)
}
