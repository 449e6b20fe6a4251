//! The lock-free protocol of link rows, node words and the two words that say where a graph begins.
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
//! and never as many as its row has words, so an unpinned or empty word is left for each promise
//! that is still to be kept.
//!
//! # The beginning
//! The anchor word names the root of the backbone, set once ([`found`]). The entry word says where
//! searches start, and only ever rises ([`raise`]). Between the two steps of the founder the graph
//! has an anchor and no entry; whoever meets that state first completes it ([`beginning`]), so no
//! insert returns before searches have a place to start.

use std::sync::atomic::Ordering;

use super::word::{Entry, Link, Node};
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
/// Lock-free: fewer words than the row has are ever promised, so each pass meets an empty or
/// unpinned word, and an exchange fails only where another writer's has just succeeded.
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

/// Promises room for a pin at a node below `anchor`, for when all near nodes are full, and returns
/// the node. A full node has pinned children, so the walk meets one without.
///
/// A pin that was promised and is not in its row yet shows no child. A walk that is led nowhere by
/// such promises is repeated with `limits.1` in place of `limits.0`, and again until there is room
/// or one of those pins has appeared: with fewer inserts at once than `limits.1`, the second walk
/// is the last.
pub(crate) fn promise_below<'a, R, N>(
    anchor: u32,
    row: impl Fn(u32) -> &'a R,
    node: impl Fn(u32) -> &'a N,
    limits: (u32, u32),
) -> u32
where
    R: Words + ?Sized + 'a,
    N: Word + ?Sized + 'a,
{
    let mut links = Vec::new();
    let mut limit = limits.0;
    loop {
        let mut generation = vec![anchor];
        while !generation.is_empty() {
            let mut children = Vec::new();
            for &slot in &generation {
                if promise(node(slot), limit).is_some() {
                    return slot;
                }
                read_links(row(slot), &mut links);
                children.extend(links.iter().filter(|link| link.pinned()).map(|l| l.target()));
            }
            generation = children;
        }
        limit = limits.1;
    }
}

/// Makes `entry` the start of searches unless there is one of its level or above.
pub(crate) fn raise<W: Word + ?Sized>(word: &W, entry: Entry) {
    let mut bits = word.load(Ordering::Acquire);
    while Entry::from_bits(bits).is_none_or(|now| now.level < entry.level) {
        // Release publishes the entry's rows; pairs with the acquire in `beginning`.
        match word.exchange(bits, entry.to_bits()) {
            Ok(()) => return,
            Err(found) => bits = found,
        }
    }
}

/// Makes the node of `entry` anchor and entry of an empty graph; false if another was first.
pub(crate) fn found<W: Word + ?Sized>(anchor: &W, word: &W, entry: Entry) -> bool {
    // Release publishes the anchor's rows; pairs with the acquire in `Graph::anchor`.
    let first = anchor.exchange(0, u64::from(entry.slot)).is_ok();
    if first {
        raise(word, entry);
    }
    first
}

/// Where to start in a graph that has an anchor; afterwards it has an entry too.
pub(crate) fn beginning<W: Word + ?Sized>(anchor: &W, word: &W) -> Entry {
    // Acquire, twice: pairs with the releases in `raise` and `found`.
    let entry = Entry::from_bits(word.load(Ordering::Acquire));
    entry.unwrap_or_else(|| {
        let slot = anchor.load(Ordering::Acquire) as u32;
        raise(word, Entry { level: 0, upper: 0, slot });
        Entry::from_bits(word.load(Ordering::Acquire)).expect("an entry was raised")
    })
}
