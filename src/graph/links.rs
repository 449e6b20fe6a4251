//! The lock-free protocol of link rows, node words and the two words that say where a graph begins.
//!
//! A row is a fixed number of words, each 0 or a link; holes are normal and order means nothing.
//! Writers change one word at a time by compare-and-swap; readers copy the words and never retry.
//!
//! # What a writer compares
//! Whether a word is the link that a writer means is a question of its target, and of its pin where
//! that matters. Its confidence may change at any instant ([`set_confidence`]), also while it is
//! pinned, and means nothing here: an exchange that fails looks at the same word again, and a link
//! that changes its pin keeps its confidence.
//!
//! # Publication
//! A node's vector, code and key are complete before any link names it, and its links before it is
//! pinned. The link that names it is published by a releasing exchange; a reader copies words by
//! relaxed loads and then raises one acquire fence, which pairs with the release of every word it
//! copied. So whoever sees a link sees what its target had by then.
//!
//! # Pins
//! A pinned link is never replaced: [`victims`](evict) are unpinned words. Its pin is taken off
//! ([`unpin`]) when its target hangs elsewhere, or is dead and nothing hangs by it: by one thread,
//! the one that reclaims dead nodes. A parent promises room for a pin in its node word first ([`promise`]),
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
use crate::sync::{Step, Word, Words};

/// What became of an offered link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// It stands in the row.
    Linked,
    /// The row is full; the caller chooses a victim.
    Full,
}

/// Copies the targets of a row that are `wanted` into `out` and returns how many there are; their
/// rows are visible. An empty word counts as target 0.
///
/// Free of branches: half the neighbours of a node were seen before, and no predictor knows which.
#[inline(always)]
pub(crate) fn read<W: Words + ?Sized>(
    row: &W,
    out: &mut [u32],
    mut wanted: impl FnMut(u32) -> bool,
) -> usize {
    let mut count = 0;
    for place in 0..row.len().min(out.len()) {
        let target = Link::from_bits(row.load(place, W::READ)).target();
        out[count] = target;
        count += usize::from(wanted(target));
    }
    // Pairs with the releasing exchanges of `offer`, `evict` and `pin`.
    row.acquire_fence();
    count
}

/// Copies the links of a row, with their pins, into `out`; otherwise as [`read`]. A word without a
/// link that is not 0, as writers expect, comes as a link to no slot, for the audit to refuse.
#[inline(never)]
#[cfg_attr(ecphory_compact, optimize(speed))]
pub(crate) fn read_links<W: Words + ?Sized>(row: &W, out: &mut Vec<Link>) {
    out.clear();
    out.extend(
        (0..row.len())
            .map(|place| Link::from_bits(row.load(place, W::READ)))
            .filter(|link| link.bits() != 0),
    );
    // As in `read`.
    row.acquire_fence();
}

/// Writes a row that no link names yet, or that no other thread touches.
#[inline(never)]
pub(crate) fn fill<W: Words + ?Sized>(row: &W, links: impl IntoIterator<Item = Link>) {
    let mut links = links.into_iter();
    for place in 0..row.len() {
        // Relaxed: published with the node, or read after a build has ended.
        row.store(place, links.next().unwrap_or(Link::NONE).bits(), Ordering::Relaxed);
    }
    debug_assert!(links.next().is_none(), "a row holds the links it is given");
}

/// Puts `link` into an empty word, unless the row is full. A link to the same target that is
/// already there stays, pinned if either is, and as sure as it was.
///
/// Two inserts that choose each other offer the same links to the same rows, and holes may open
/// anywhere meanwhile, so whoever has put a link looks again and takes away what is there twice.
///
/// Lock-free: each failed exchange means that another writer's has succeeded.
#[inline(never)]
#[cfg_attr(ecphory_compact, optimize(speed))]
pub(crate) fn offer<W: Words + ?Sized>(row: &W, link: Link) -> Offer {
    for place in 0..row.len() {
        // Acquire pairs with the release of the link that may stand here already.
        let mut seen = Link::from_bits(row.load(place, Ordering::Acquire));
        while seen.target() == link.target() {
            let pinned = seen.with_pin();
            if seen.pinned() || !link.pinned() || row.exchange(place, seen.bits(), pinned.bits()) {
                return Offer::Linked;
            }
            seen = Link::from_bits(row.load(place, Ordering::Acquire));
        }
    }
    for place in 0..row.len() {
        while Link::from_bits(row.load(place, Ordering::Acquire)).is_none() {
            if row.exchange(place, 0, link.bits()) {
                Step::LinkPut.done();
                leave_one(row, place, link);
                return Offer::Linked;
            }
        }
    }
    Offer::Full
}

/// Of links to one target leaves the pinned, else the first; `link` was just put at `own`.
fn leave_one<W: Words + ?Sized>(row: &W, own: usize, link: Link) {
    // Between the exchange before and the loads below: of two writers that do this at once, one has
    // its fence first, and the other sees its link.
    row.full_fence();
    for place in (0..row.len()).filter(|&place| place != own) {
        loop {
            let seen = Link::from_bits(row.load(place, Ordering::Acquire));
            if seen.target() != link.target() {
                break;
            }
            let mine = Link::from_bits(row.load(own, Ordering::Acquire));
            if mine.target() != link.target() {
                return;
            }
            let (loses, word) = match (seen.pinned(), mine.pinned()) {
                (true, _) => (own, mine),
                (false, true) => (place, seen),
                (false, false) => (own.max(place), if own > place { mine } else { seen }),
            };
            // Once more where another took it away, made it the pinned one, or changed how sure it
            // is: given up then, the link would be there twice for good.
            if row.exchange(loses, word.bits(), 0) {
                break;
            }
        }
    }
}

/// Exchanges the word at `place` for what `change` makes of its link, until that succeeds or there
/// is nothing to change; whether it did.
///
/// Lock-free: each turn but the last, another writer's exchange of this word has succeeded.
fn exchange<W: Words + ?Sized>(
    row: &W,
    place: usize,
    change: impl Fn(Link) -> Option<Link>,
) -> bool {
    loop {
        // Acquire pairs with the release of the link that stands here.
        let seen = Link::from_bits(row.load(place, Ordering::Acquire));
        match change(seen) {
            None => return false,
            Some(link) if row.exchange(place, seen.bits(), link.bits()) => return true,
            Some(_) => {}
        }
    }
}

/// Makes the link to `target` as sure as `step` says, and leaves its pin as it is; false if the row
/// has none.
///
/// One word changes, so it is as if nothing had happened to a link that is replaced meanwhile.
/// Where two inserts have put the same link at once, and one of them is about to go ([`offer`]), it
/// may be that one which changes: then the one that stays was put later.
#[inline(never)]
pub(crate) fn set_confidence<W: Words + ?Sized>(row: &W, target: u32, step: u8) -> bool {
    let is_it = |seen: Link| !seen.is_none() && seen.target() == target;
    let change = |seen: Link| is_it(seen).then(|| seen.with_confidence(step));
    (0..row.len()).any(|place| exchange(row, place, change))
}

/// Replaces the unpinned link to `victim` by `link`; false if it is gone or was pinned meanwhile.
#[inline(never)]
#[cfg_attr(ecphory_compact, optimize(speed))]
pub(crate) fn evict<W: Words + ?Sized>(row: &W, victim: u32, link: Link) -> bool {
    // One exchange decides: a pin added meanwhile changes the word, and the exchange fails.
    let change = |seen: Link| (seen.target() == victim && !seen.pinned()).then_some(link);
    (0..row.len()).any(|place| exchange(row, place, change))
}

/// Takes the pin off the link to `target`, which hangs elsewhere by now, or leads nowhere: the link
/// stays as any other and as sure as it was, or goes. Only whoever reclaims dead nodes does this.
#[inline(never)]
pub(crate) fn unpin<W: Words + ?Sized>(row: &W, target: u32, stays: bool) {
    let left = |seen: Link| if stays { seen.without_pin() } else { Link::NONE };
    // Nobody else changes a pinned word but for its confidence, so the exchange succeeds at last.
    let change = |seen: Link| (seen.target() == target && seen.pinned()).then(|| left(seen));
    let found = (0..row.len()).any(|place| exchange(row, place, change));
    debug_assert!(found, "a child is pinned by its parent");
}

/// Changes the word of a node as `change` says, until that succeeds or there is nothing to change;
/// the node it was before.
pub(crate) fn change<W: Word + ?Sized>(
    node: &W,
    change: impl Fn(Node) -> Option<Node>,
) -> Option<Node> {
    // Acquire pairs with the release that linked the node.
    let mut bits = node.load(Ordering::Acquire);
    loop {
        let seen = Node::from_bits(bits);
        match node.exchange(bits, change(seen)?.bits()) {
            Ok(()) => return Some(seen),
            Err(found) => bits = found,
        }
    }
}

/// Reserves room for one more pinned link of a node; `None` if it is not linked or has `limit`
/// already. The rank it had then is returned: a child's must be larger.
#[inline(never)]
pub(crate) fn promise<W: Word + ?Sized>(node: &W, limit: u32) -> Option<u32> {
    let room = |seen: Node| (seen.is_linked() && seen.pins() < limit).then(|| seen.with_pin());
    change(node, room).map(Node::rank)
}

/// Puts the pinned `link` into the row of a parent that has promised room. `worst` names the links
/// that may be given up for it, most dispensable first; any other unpinned link comes after them.
///
/// Lock-free: fewer words than the row has are ever promised, so each pass meets an empty or
/// unpinned word, and an exchange fails only where another writer's has just succeeded.
#[inline(never)]
pub(crate) fn pin<W: Words + ?Sized>(row: &W, link: Link, worst: &[u32]) {
    debug_assert!(link.pinned());
    loop {
        if offer(row, link) == Offer::Linked || worst.iter().any(|&victim| evict(row, victim, link))
        {
            return;
        }
        let change = |seen: Link| (!seen.pinned()).then_some(link);
        if (0..row.len()).any(|place| exchange(row, place, change)) {
            return;
        }
    }
}

/// Where [`promise_below`] looks for room.
pub(crate) struct Below<F> {
    /// The root of the backbone: all nodes hang below it.
    pub(crate) anchor: u32,
    /// Where to look first: the nearest node.
    pub(crate) near: u32,
    /// Which of `children` pinned children to go down to at a depth below `near`: any fixed choice
    /// that differs from newcomer to newcomer.
    pub(crate) choose: F,
    /// Pins of a node while there is choice, and at most.
    pub(crate) limits: (u32, u32),
}

/// Promises room for a pin at a node of the backbone, for when all near nodes are full, and returns
/// the node.
///
/// A full node has pinned children, and one of them leads on: from `near` down there is room after
/// O(log n) steps, since newcomers spread over the branches. Only promised pins that are in no row
/// yet can end that way in vain; the whole backbone is searched then, from the anchor on.
pub(crate) fn promise_below<'a, R, N>(
    below: &Below<impl Fn(usize, usize) -> usize>,
    row: impl Fn(u32) -> &'a R,
    node: impl Fn(u32) -> &'a N,
) -> u32
where
    R: Words + ?Sized + 'a,
    N: Word + ?Sized + 'a,
{
    promise_down(below, &row, &node).unwrap_or_else(|| promise_anywhere(below, row, node))
}

/// Goes down one pinned child at a time; `None` where a full node shows no child.
fn promise_down<'a, R, N>(
    below: &Below<impl Fn(usize, usize) -> usize>,
    row: impl Fn(u32) -> &'a R,
    node: impl Fn(u32) -> &'a N,
) -> Option<u32>
where
    R: Words + ?Sized + 'a,
    N: Word + ?Sized + 'a,
{
    let mut children = Vec::new();
    let mut slot = below.near;
    // Ends: ranks grow from parent to child.
    for depth in 0.. {
        if promise(node(slot), below.limits.0).is_some() {
            return Some(slot);
        }
        read_links(row(slot), &mut children);
        children.retain(|link| link.pinned());
        if children.is_empty() {
            break;
        }
        slot = children[(below.choose)(depth, children.len())].target();
    }
    None
}

/// Searches the backbone in breadth.
///
/// A walk that is led nowhere by pins that were promised and are not in their rows yet is repeated
/// with the second limit in place of the first, and again until there is room or one of those pins
/// has appeared: with fewer inserts at once than the second limit, the second walk is the last.
fn promise_anywhere<'a, R, N>(
    below: &Below<impl Fn(usize, usize) -> usize>,
    row: impl Fn(u32) -> &'a R,
    node: impl Fn(u32) -> &'a N,
) -> u32
where
    R: Words + ?Sized + 'a,
    N: Word + ?Sized + 'a,
{
    let mut links = Vec::new();
    let mut limit = below.limits.0;
    loop {
        let mut generation = vec![below.anchor];
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
        limit = below.limits.1;
    }
}

/// Makes `entry` the start of searches unless there is one of its level or above. Either way the
/// word is exchanged, so that whoever exchanges it next sees the node of `entry` linked.
pub(crate) fn raise<W: Word + ?Sized>(word: &W, entry: Entry) {
    let mut bits = word.load(Ordering::Acquire);
    loop {
        let is_higher = Entry::from_bits(bits).is_none_or(|now| now.level < entry.level);
        // Release publishes the entry's rows; pairs with the acquire in `beginning`.
        match word.exchange(bits, if is_higher { entry.to_bits() } else { bits }) {
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
        Step::Anchored.done();
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

#[cfg(all(test, not(loom)))]
mod tests {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicU32, AtomicU64};

    use super::*;
    use crate::graph::level::mix;

    #[test]
    fn room_is_found_in_a_few_steps_below_a_node_that_all_are_near() {
        let count = 20_000;
        let rows: Vec<[AtomicU32; 8]> = (0..count).map(|_| Default::default()).collect();
        let nodes: Vec<_> = (0..count).map(|_| AtomicU64::new(0)).collect();
        nodes[1].store(Node::linked(0, 0).bits(), Ordering::Relaxed);
        let looks = Cell::new(0);
        for slot in 2..count {
            let choose =
                |depth, children| (mix(slot as u64, depth as u64) % children as u64) as usize;
            let below = Below { anchor: 1, near: 1, choose, limits: (2, 7) };
            let node = |slot| {
                looks.set(looks.get() + 1);
                &nodes[slot as usize]
            };
            let parent = promise_below(&below, |slot| &rows[slot as usize][..], node);
            nodes[slot].store(Node::linked(slot as u32, 0).bits(), Ordering::Relaxed);
            pin(&rows[parent as usize][..], Link::new(slot as u32, true), &[]);
        }
        // Two children a node: the tree of 20,000 is 14 high when it is even.
        assert!(looks.get() < 20 * count, "{} looks for {count} nodes", looks.get());
    }

    #[test]
    fn room_is_found_elsewhere_when_a_full_node_shows_no_child() {
        let rows: Vec<[AtomicU32; 4]> = (0..4).map(|_| Default::default()).collect();
        let words = [0, 2, 0, 2].map(|pins| AtomicU64::new(Node::linked(pins, pins).bits()));
        fill(&rows[1][..], [Link::new(2, true), Link::new(3, true)]);
        // Node 3 has promised twice, and neither child is there yet.
        let below = Below { anchor: 1, near: 3, choose: |_, _| 0, limits: (2, 3) };
        let (row, node) = (|slot: u32| &rows[slot as usize][..], |slot: u32| &words[slot as usize]);
        assert_eq!([(); 5].map(|()| promise_below(&below, row, node)), [2, 2, 1, 2, 3]);
    }
}
