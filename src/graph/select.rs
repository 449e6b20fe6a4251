//! Choosing diverse neighbours (algorithm 4 of Malkov and Yashunin 2018).

use super::confidence::{doubted, sort_doubted};
use super::pool::Candidate;
use super::probe::Probe;
use super::word::Link;
use crate::store::Space;

/// Candidates that are chosen from together: what is kept is compared with all that is left of them
/// at once. Of more, many would be compared before it is known that enough are kept; fewer would
/// fill no batch of a kernel.
const WINDOW: usize = 64;

/// Memory of the selection.
pub(crate) struct Selector {
    /// Whether items are compared by their codes.
    pub(crate) on_codes: bool,
    probe: Probe,
    /// Candidates of the window that nothing covers so far, and their slots.
    open: Vec<Candidate>,
    slots: Vec<u32>,
    ordinals: Vec<u32>,
}

impl Selector {
    pub(crate) fn new(space: &Space) -> Self {
        Self {
            on_codes: space.codes().is_some(),
            probe: Probe::new(space),
            open: Vec::new(),
            slots: Vec::new(),
            ordinals: Vec::new(),
        }
    }

    /// Sorts the links of a row that has too many, and returns how many of the first it keeps: the
    /// pinned, one to the `parent` and the most diverse others, at most `limit`, nearest first.
    /// Then come those it gives up, nearest first. Of equally near ones the surest come first, and
    /// so are given up last. `centre` is the slot of the row's node, and the parent 0 above level 0;
    /// otherwise as [`Self::select`].
    #[cfg_attr(ecphory_compact, optimize(speed))]
    pub(crate) fn prune(
        &mut self,
        space: &Space,
        centre: u32,
        parent: u32,
        limit: usize,
        slot_of: &dyn Fn(u32) -> u32,
        row: &mut Vec<Link>,
    ) -> usize {
        self.slots.clear();
        self.slots.extend(row.iter().map(|link| slot_of(link.target())));
        self.ordinals.resize(self.slots.len(), 0);
        self.probe.set_item(space, centre, self.on_codes);
        self.probe.score(space, &self.slots, &mut self.ordinals);
        let scored = row.iter().zip(&self.ordinals);
        let mut candidates: Vec<_> = scored
            .map(|(link, &ordinal)| doubted(ordinal, link.target(), link.confidence()))
            .collect();
        sort_doubted(&mut candidates);
        let pinned = |node| row.iter().any(|link| link.pinned() && link.target() == node);
        let mut kept = Vec::with_capacity(limit);
        let must = |node| node == parent || pinned(node);
        self.select(space, &candidates, limit, slot_of, &must, &mut kept);
        let given_up = candidates.iter().filter(|candidate| !kept.contains(candidate));
        let link_to = |node| row.iter().find(|link| link.target() == node).copied();
        let sorted = kept.iter().chain(given_up).filter_map(|c| link_to(c.node()));
        *row = sorted.collect();
        kept.len()
    }

    /// Keeps at most `limit` of `candidates` (nearest first): each that no kept one covers. Those
    /// for which `must` holds are kept regardless. A kept one covers what is nearer to it than to
    /// the centre, and what is as near to it, if both are as far from the centre.
    ///
    /// So one link at most leads to a group of equal vectors, besides the pinned; and a copy of the
    /// centre itself, which is as far from everything as the centre, covers its other copies and
    /// nothing else: each copy has links of its own that lead out of the group.
    ///
    /// All ordinals are of item form. `slot_of` maps a node of the layer to its slot.
    #[cfg_attr(ecphory_compact, optimize(speed))]
    pub(crate) fn select(
        &mut self,
        space: &Space,
        candidates: &[Candidate],
        limit: usize,
        slot_of: &dyn Fn(u32) -> u32,
        must: &dyn Fn(u32) -> bool,
        kept: &mut Vec<Candidate>,
    ) {
        kept.clear();
        let mut musts = candidates.iter().filter(|c| must(c.node())).count();
        for window in candidates.chunks(WINDOW) {
            self.open.clear();
            self.open.extend_from_slice(window);
            self.slots.clear();
            self.slots.extend(window.iter().map(|c| slot_of(c.node())));
            if kept.len() + musts < limit {
                for &by in kept.iter() {
                    self.cover(space, by, slot_of(by.node()), 0, must);
                }
            }
            let mut next = 0;
            while let Some(&candidate) = self.open.get(next) {
                next += 1;
                let forced = must(candidate.node());
                musts -= usize::from(forced);
                if !forced && kept.len() + musts >= limit {
                    continue;
                }
                kept.push(candidate);
                // Of what follows, nothing but those that must be would be kept anyway.
                if kept.len() + musts < limit {
                    self.cover(space, candidate, self.slots[next - 1], next, must);
                }
            }
        }
    }

    /// Keeps at most `wanted` of `fresh` candidates (nearest first) as [`Self::select`] does, for a row
    /// that has links already, `there` (nearest first): these stay, and cover as kept ones do.
    #[cfg_attr(ecphory_compact, optimize(speed))]
    pub(crate) fn complete(
        &mut self,
        space: &Space,
        there: &[Candidate],
        fresh: &[Candidate],
        wanted: usize,
        slot_of: &dyn Fn(u32) -> u32,
        kept: &mut Vec<Candidate>,
    ) {
        kept.clear();
        self.open.clear();
        self.open.extend_from_slice(fresh);
        self.slots.clear();
        self.slots.extend(fresh.iter().map(|c| slot_of(c.node())));
        let never = |_| false;
        let (mut next, mut there) = (0, there);
        while kept.len() < wanted && next < self.open.len() {
            let candidate = self.open[next];
            let nearer = there.first().filter(|&&link| link < candidate);
            if let Some(&link) = nearer {
                there = &there[1..];
                self.cover(space, link, slot_of(link.node()), next, &never);
            } else {
                next += 1;
                kept.push(candidate);
                if kept.len() < wanted {
                    self.cover(space, candidate, self.slots[next - 1], next, &never);
                }
            }
        }
    }

    /// Takes what the kept `by` covers out of the open candidates from `start` on, but for those for
    /// which `must` holds.
    #[cfg_attr(ecphory_compact, optimize(speed))]
    fn cover(
        &mut self,
        space: &Space,
        by: Candidate,
        slot: u32,
        start: usize,
        must: &dyn Fn(u32) -> bool,
    ) {
        let Self { on_codes, probe, open, slots, ordinals } = self;
        ordinals.resize(slots.len(), 0);
        probe.set_item(space, slot, *on_codes);
        probe.score(space, &slots[start..], &mut ordinals[start..]);
        let mut left = start;
        for i in start..open.len() {
            let (candidate, near) = (open[i], ordinals[i]);
            let far = candidate.ordinal();
            let covered = near < far || (near == far && by.ordinal() == far);
            (open[left], slots[left]) = (candidate, slots[i]);
            left += usize::from(!covered || must(candidate.node()));
        }
        open.truncate(left);
        slots.truncate(left);
    }
}
