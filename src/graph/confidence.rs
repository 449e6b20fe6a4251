//! How sure links are: five bits of their words, which any thread may change at any time.
//!
//! A new link is as sure as the less sure item at its two ends; from then on it is what
//! [`Graph::set_confidence`] says. A walk goes by distances alone. Confidence decides which of
//! equally near links pruning keeps, and is read by whoever goes from an item to those like it.
//!
//! # Invariants
//! - Only the five bits change, by one exchange: no link comes, goes or loses its pin. So the
//!   backbone holds whatever is said of links, also where none is sure at all.
//! - Where all links are equally sure, the graph is to the bit that of links nobody speaks about,
//!   but for those five bits.
//!
//! Absent on purpose: how sure items are (a layer above says so, by a [`Surety`]), and when a link
//! becomes surer.

use std::borrow::Cow;
use std::sync::atomic::AtomicU32;

use super::layout::{Graph, is_linked};
use super::links;
use super::pool::{Candidate, sort};
use super::word::{CONFIDENCE_FULL, Link};
use crate::limits::{M0_MAX, SLOT_BITS};
use crate::store::Space;
use crate::sync::Words;

/// Says how sure the item of a slot is, in steps of 0..=31; without it, all of them are certain.
///
/// It is asked for the ends of new links, from several threads at once by a bulk build, whose bytes
/// are the same for any number of threads only where its answers are.
pub(crate) type Surety<'a> = Option<&'a (dyn Fn(u32) -> u8 + Sync)>;

/// A new link to the node `name`, unpinned, where `ends` are the slots at its two ends.
pub(super) fn link_between(surety: Surety<'_>, ends: [u32; 2], name: u32) -> Link {
    let link = Link::new(name, false);
    surety.map_or(link, |_| link.with_confidence(between(surety, ends)))
}

/// How sure a new link between the items of two slots is: as the less sure of them.
fn between(surety: Surety<'_>, [one, other]: [u32; 2]) -> u8 {
    surety.map_or(CONFIDENCE_FULL, |step| step(one).min(step(other)).min(CONFIDENCE_FULL))
}

/// Candidates for links of `centre` (nearest first), of equally near ones those first whose links
/// would be the surest.
pub(super) fn surest_first<'c>(
    surety: Surety<'_>,
    centre: u32,
    slot_of: &dyn Fn(u32) -> u32,
    candidates: &'c [Candidate],
) -> Cow<'c, [Candidate]> {
    if surety.is_none() {
        return Cow::Borrowed(candidates);
    }
    let mut sorted = candidates.to_vec();
    sort_surest(&mut sorted, |name| between(surety, [centre, slot_of(name)]));
    Cow::Owned(sorted)
}

/// Sorts candidates, nearest first; of equally near ones the surest first, then by node.
pub(super) fn sort_surest(candidates: &mut [Candidate], confidence: impl Fn(u32) -> u8) {
    for candidate in candidates.iter_mut() {
        let (ordinal, name) = (candidate.ordinal(), candidate.node());
        *candidate = doubted(ordinal, name, confidence(name));
    }
    sort_doubted(candidates);
}

/// A candidate for [`sort_doubted`].
///
/// Its doubt lies in the bits above the node, of which a candidate has five more than a link needs:
/// so it is compared after the ordinal and before the node, and full confidence is no bit at all.
pub(super) fn doubted(ordinal: u32, name: u32, confidence: u8) -> Candidate {
    let doubt = u32::from(CONFIDENCE_FULL - confidence);
    Candidate::new(ordinal, doubt << SLOT_BITS | name)
}

/// Sorts candidates as [`sort_surest`] does, and leaves them without their doubt.
pub(super) fn sort_doubted(candidates: &mut [Candidate]) {
    sort(candidates);
    for candidate in candidates {
        let name = candidate.node() & ((1 << SLOT_BITS) - 1);
        *candidate = Candidate::new(candidate.ordinal(), name);
    }
}

impl Graph {
    /// Makes the link of level 0 from one slot to another as sure as `step` says (those above 31
    /// count as 31); false if there is none. Lock-free, beside readers and writers; O(m).
    ///
    /// The row is backed, and the caller holds off those who are alone among writers, as an insert
    /// does. A link that comes or goes meanwhile may be missed.
    pub(crate) fn set_confidence(&self, from: u32, to: u32, step: u8) -> bool {
        links::set_confidence(self.row(from), to, step)
    }

    /// How sure the link of level 0 from one slot to another is, if there is one. O(m).
    pub(crate) fn confidence(&self, from: u32, to: u32) -> Option<u8> {
        let (words, len) = self.copy_row(from);
        let mut links = words[..len].iter().map(|&word| Link::from_bits(word));
        links.find(|link| !link.is_none() && link.target() == to).map(Link::confidence)
    }

    /// Visits the links of level 0 that lead from a slot to nodes of the graph, with how sure they
    /// are: as many as a row has words, at most. Allocates nothing.
    ///
    /// What the targets hold is visible, as long as the caller keeps their slots from being used
    /// again. It may be that a target's item is just being deleted.
    pub(crate) fn out_links(&self, space: &Space, slot: u32, visit: &mut dyn FnMut(u32, u8)) {
        if !is_linked(space, slot) {
            return;
        }
        let (words, len) = self.copy_row(slot);
        for link in words[..len].iter().map(|&word| Link::from_bits(word)) {
            // Also keeps out what only a damaged file names.
            if !link.is_none() && is_linked(space, link.target()) {
                visit(link.target(), link.confidence());
            }
        }
    }

    /// The words of a row of level 0, and how many there are.
    fn copy_row(&self, slot: u32) -> ([u32; M0_MAX], usize) {
        let row = self.row(slot);
        let mut words = [0; M0_MAX];
        for (place, word) in words.iter_mut().enumerate().take(row.len()) {
            *word = Words::load(row, place, <[AtomicU32] as Words>::READ);
        }
        // Pairs with the releasing exchanges of `links`, as in `links::read`.
        row.acquire_fence();
        (words, row.len())
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
