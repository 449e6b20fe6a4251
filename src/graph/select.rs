//! Choosing diverse neighbours (algorithm 4 of Malkov and Yashunin 2018).

use super::pool::Candidate;
use super::probe::Probe;
use super::word::Link;
use crate::store::Space;

/// Scores taken at once while looking for a reason to reject: few, because most candidates that
/// are rejected are so by one of the nearest.
const LOOK: usize = 8;

/// Memory of the selection.
pub(crate) struct Selector {
    /// Whether items are compared by their codes.
    pub(crate) on_codes: bool,
    probe: Probe,
    kept_slots: Vec<u32>,
    slots: Vec<u32>,
    ordinals: Vec<u32>,
}

impl Selector {
    pub(crate) fn new(space: &Space) -> Self {
        Self {
            on_codes: space.codes().is_some(),
            probe: Probe::new(space),
            kept_slots: Vec::new(),
            slots: Vec::new(),
            ordinals: Vec::new(),
        }
    }

    /// Sorts the links of a row that has too many, and returns how many of the first it keeps: the
    /// pinned and the most diverse others, at most `limit`, nearest first. Then come those it gives
    /// up, nearest first. `centre` is the slot of the row's node; otherwise as [`Self::select`].
    pub(crate) fn prune(
        &mut self,
        space: &Space,
        centre: u32,
        limit: usize,
        slot_of: impl Fn(u32) -> u32,
        row: &mut Vec<Link>,
    ) -> usize {
        self.slots.clear();
        self.slots.extend(row.iter().map(|link| slot_of(link.target())));
        self.ordinals.resize(self.slots.len(), 0);
        self.probe.set_item(space, centre, self.on_codes);
        self.probe.score(space, &self.slots, &mut self.ordinals);
        let scored = row.iter().zip(&self.ordinals);
        let mut candidates: Vec<_> =
            scored.map(|(link, &ordinal)| Candidate::new(ordinal, link.target())).collect();
        candidates.sort_unstable();
        let pinned = |node| row.iter().any(|link| link.pinned() && link.target() == node);
        let mut kept = Vec::with_capacity(limit);
        self.select(space, &candidates, limit, slot_of, pinned, &mut kept);
        let given_up = candidates.iter().filter(|candidate| !kept.contains(candidate));
        let sorted = kept.iter().chain(given_up).map(|c| Link::new(c.node(), pinned(c.node())));
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
    pub(crate) fn select(
        &mut self,
        space: &Space,
        candidates: &[Candidate],
        limit: usize,
        slot_of: impl Fn(u32) -> u32,
        must: impl Fn(u32) -> bool,
        kept: &mut Vec<Candidate>,
    ) {
        kept.clear();
        self.kept_slots.clear();
        let mut musts = candidates.iter().filter(|c| must(c.node())).count();
        for &candidate in candidates {
            let forced = must(candidate.node());
            let slot = slot_of(candidate.node());
            musts -= usize::from(forced);
            if !forced
                && (kept.len() + musts >= limit || self.is_covered(space, candidate, slot, kept))
            {
                continue;
            }
            kept.push(candidate);
            self.kept_slots.push(slot);
        }
    }

    fn is_covered(
        &mut self,
        space: &Space,
        candidate: Candidate,
        slot: u32,
        kept: &[Candidate],
    ) -> bool {
        self.probe.set_item(space, slot, self.on_codes);
        let far = candidate.ordinal();
        let mut ordinals = [0; LOOK];
        self.kept_slots.chunks(LOOK).zip(kept.chunks(LOOK)).any(|(slots, kept)| {
            let ordinals = &mut ordinals[..slots.len()];
            self.probe.score(space, slots, ordinals);
            let covers = |(&near, kept): (&u32, &Candidate)| {
                near < far || (near == far && kept.ordinal() == far)
            };
            ordinals.iter().zip(kept).any(covers)
        })
    }
}
