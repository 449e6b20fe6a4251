//! The lock-free protocol of link rows and node words.
//!
//! A row is a fixed number of words, each 0 or a link; holes are normal and order means nothing.
//! Writers change one word at a time by compare-and-swap; readers copy the words and never retry.
//!
//! # Publication
//! A node's own rows are complete before any link names it. The link that names it is published by
//! a releasing exchange; a reader copies words by relaxed loads and then raises one acquire fence,
//! which pairs with the release of every word it copied. So whoever sees a link sees the rows of
//! its target.
//!
//! # Pins
//! A pinned link is never replaced: [`victims`](evict) are unpinned words, and a pin is added to a
//! word, never taken off. A parent promises room for a pin in its node word first ([`promise`]),
//! and promises at most a quarter of its row, so an unpinned or empty word is always left and
//! [`pin`] ends.

use std::sync::atomic::Ordering;

use super::word::{Link, Node};
use crate::sync::{Word, Words};

/// What became of an offered link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// It stands in the row.
    Linked,
    /// The row is full; the caller chooses a victim.
    Full,
}

/// Copies the targets of a row into `out` and returns how many there are; their rows are visible.
#[inline(always)]
pub(crate) fn read<W: Words + ?Sized>(row: &W, out: &mut [u32]) -> usize {
    let mut count = 0;
    for place in 0..row.len().min(out.len()) {
        let target = Link::from_bits(row.load(place, W::READ)).target();
        out[count] = target;
        count += usize::from(target != 0);
    }
    // Pairs with the releasing exchanges of `offer`, `evict` and `pin`.
    row.acquire_fence();
    count
}

/// Copies the links of a row, with their pins, into `out`; otherwise as [`read`].
pub(crate) fn read_links<W: Words + ?Sized>(row: &W, out: &mut Vec<Link>) {
    out.clear();
    out.extend(
        (0..row.len())
            .map(|place| Link::from_bits(row.load(place, W::READ)))
            .filter(|link| !link.is_none()),
    );
    // As in `read`.
    row.acquire_fence();
}

/// Writes a row that no link names yet, or that no other thread touches.
pub(crate) fn fill<W: Words + ?Sized>(row: &W, links: impl IntoIterator<Item = Link>) {
    let mut links = links.into_iter();
    for place in 0..row.len() {
        // Relaxed: published with the node, or read after a build has ended.
        row.store(place, links.next().unwrap_or(Link::NONE).bits(), Ordering::Relaxed);
    }
    debug_assert!(links.next().is_none(), "a row holds the links it is given");
}

/// Puts `link` into an empty word, unless the row is full. A link to the same target that is
/// already there stays, pinned if either is.
///
/// Ends: each failed exchange means that another writer filled or changed the word, and words are
/// never emptied while writers run.
pub(crate) fn offer<W: Words + ?Sized>(row: &W, link: Link) -> Offer {
    for place in 0..row.len() {
        // Acquire pairs with the release of the link that may stand here already.
        let mut seen = Link::from_bits(row.load(place, Ordering::Acquire));
        while seen.is_none() || seen.target() == link.target() {
            if seen.target() == link.target() && (seen.pinned() || !link.pinned()) {
                return Offer::Linked;
            }
            if row.exchange(place, seen.bits(), link.bits()) {
                return Offer::Linked;
            }
            seen = Link::from_bits(row.load(place, Ordering::Acquire));
        }
    }
    Offer::Full
}

/// Replaces the unpinned link to `victim` by `link`; false if it is gone or was pinned meanwhile.
pub(crate) fn evict<W: Words + ?Sized>(row: &W, victim: u32, link: Link) -> bool {
    (0..row.len()).any(|place| {
        let seen = Link::from_bits(row.load(place, Ordering::Acquire));
        // One exchange decides: a pin added meanwhile changes the word, and the exchange fails.
        seen.target() == victim && !seen.pinned() && row.exchange(place, seen.bits(), link.bits())
    })
}

/// Reserves room for one more pinned link of a node; `None` if it is not linked or has `limit`
/// already. The rank it had then is returned: a child's must be larger.
pub(crate) fn promise<W: Word + ?Sized>(node: &W, limit: u32) -> Option<u32> {
    // Acquire pairs with the release that linked the node.
    let mut bits = node.load(Ordering::Acquire);
    loop {
        let seen = Node::from_bits(bits);
        if !seen.is_linked() || seen.pins() >= limit {
            return None;
        }
        match node.exchange(bits, seen.with_pin().bits()) {
            Ok(()) => return Some(seen.rank()),
            Err(found) => bits = found,
        }
    }
}

/// Pins `target` into the row of a parent that has promised room. `worst` names the links that may
/// be given up for it, most dispensable first; any other unpinned link comes after them.
///
/// Ends: at most `limit` words of the row are ever pinned, so each pass finds an empty or unpinned
/// word; an exchange fails only when another writer made progress, and there are at most `limit`
/// pinning writers and one newcomer per word.
pub(crate) fn pin<W: Words + ?Sized>(row: &W, target: u32, worst: &[u32]) {
    let link = Link::new(target, true);
    loop {
        if offer(row, link) == Offer::Linked || worst.iter().any(|&victim| evict(row, victim, link))
        {
            return;
        }
        let any = (0..row.len()).any(|place| {
            let seen = Link::from_bits(row.load(place, Ordering::Acquire));
            !seen.pinned() && row.exchange(place, seen.bits(), link.bits())
        });
        if any {
            return;
        }
    }
}
