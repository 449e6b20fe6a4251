//! Models of the lock-free protocol: the shipped functions in every order the memory model allows.
//!
//! The graphs are tiny and so are their rows, but every exchange, fence and retry is the one that
//! ships. A payload that is plain memory stands for vectors and codes: loom fails a model in which
//! a reader could touch it before it is published. `cargo xtask test loom` runs all of them.

use std::sync::Arc as Counted;
use std::sync::atomic::{AtomicUsize, Ordering};

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, AtomicU64};
use loom::thread;

use super::links::{self, Below, Offer};
use super::word::{Entry, Link, Node};
use crate::store::{Grace, SwapCell};
use crate::sync::atomic::AtomicBool;
use crate::sync::{Word, explore};

mod confidence;

/// A row with these links from its first word on, and holes after them.
fn row(words: usize, links: &[Link]) -> Box<[AtomicU32]> {
    (0..words).map(|place| AtomicU32::new(links.get(place).map_or(0, |link| link.bits()))).collect()
}

fn link(target: u32) -> Link {
    Link::new(target, false)
}

fn pinned(target: u32) -> Link {
    Link::new(target, true)
}

/// Targets of a row, each once, and those of them that are pinned.
fn targets(row: &[AtomicU32]) -> (Vec<u32>, Vec<u32>) {
    let mut links = Vec::new();
    links::read_links(row, &mut links);
    let mut all: Vec<u32> = links.iter().map(|link| link.target()).collect();
    let mut pins: Vec<u32> =
        links.iter().filter(|link| link.pinned()).map(|link| link.target()).collect();
    (all.sort_unstable(), pins.sort_unstable());
    let len = all.len();
    all.dedup();
    assert_eq!(all.len(), len, "a row names a node once: {links:?}");
    (all, pins)
}

/// The anchor in slot 1 and room for three newcomers, at level 0.
struct Tiny {
    rows: Vec<Box<[AtomicU32]>>,
    nodes: Vec<AtomicU64>,
    payloads: Vec<UnsafeCell<u32>>,
    ranks: AtomicU32,
    /// Pins that a node takes while there is choice, and at most.
    limits: (u32, u32),
}

const ANCHOR: u32 = 1;

impl Tiny {
    fn new(words: usize, limits: (u32, u32)) -> Self {
        Self {
            rows: (0..5).map(|_| row(words, &[])).collect(),
            nodes: (0..5u32)
                .map(|slot| if slot == ANCHOR { Node::linked(0, 0).bits() } else { 0 })
                .map(AtomicU64::new)
                .collect(),
            payloads: (0..5)
                .map(|slot| UnsafeCell::new(if slot == ANCHOR { 1 } else { 0 }))
                .collect(),
            ranks: AtomicU32::new(1),
            limits,
        }
    }

    fn row(&self, slot: u32) -> &[AtomicU32] {
        &self.rows[slot as usize]
    }

    fn node(&self, slot: u32) -> &AtomicU64 {
        &self.nodes[slot as usize]
    }

    /// The payload of a slot that a link has named.
    fn payload(&self, slot: u32) -> u32 {
        // SAFETY: loom checks the very thing: that no write is concurrent with this read.
        self.payloads[slot as usize].with(|payload| unsafe { *payload })
    }

    /// What `insert` does at level 0: rows, promise, rank, node word, pin.
    fn insert(&self, slot: u32) -> u32 {
        // SAFETY: the slot is the caller's own until its link is published; loom checks it.
        self.payloads[slot as usize].with_mut(|payload| unsafe { *payload = slot });
        links::fill(self.row(slot), [link(ANCHOR)]);
        let choose = |depth: usize, children| (slot as usize + depth) % children;
        let below = Below { anchor: ANCHOR, near: ANCHOR, choose, limits: self.limits };
        let parent = links::promise_below(&below, |slot| self.row(slot), |slot| self.node(slot));
        let rank = self.ranks.fetch_add(1, Ordering::AcqRel);
        self.node(slot).store(Node::linked(rank, 0).bits(), Ordering::Release);
        links::pin(self.row(parent), pinned(slot), &[]);
        parent
    }

    /// Every node by its pins from the anchor on, checked on the way.
    fn backbone(&self) -> Vec<u32> {
        let mut found = vec![ANCHOR];
        let mut next = 0;
        while let Some(&slot) = found.get(next) {
            let (_, pins) = targets(self.row(slot));
            let node = Node::from_bits(self.node(slot).load(Ordering::Acquire));
            assert_eq!(node.pins() as usize, pins.len(), "a node counts its pins");
            assert!(node.pins() <= self.limits.1, "no node promises more than the limit");
            for &child in &pins {
                let rank = Node::from_bits(self.node(child).load(Ordering::Acquire)).rank();
                assert!(node.rank() < rank, "a parent's rank is smaller");
            }
            found.extend(pins);
            next += 1;
        }
        found.sort_unstable();
        found
    }
}

#[test]
fn loom_a_reader_that_sees_a_link_sees_the_rows_of_its_target() {
    explore("publication", None, || {
        let graph = Arc::new(Tiny::new(2, (1, 1)));
        let writer = thread::spawn({
            let graph = Arc::clone(&graph);
            move || graph.insert(2)
        });
        let mut nodes = [0; 2];
        let count = links::read(graph.row(ANCHOR), &mut nodes, |target| target != 0);
        for &slot in &nodes[..count] {
            assert_eq!((slot, graph.payload(slot)), (2, 2));
            let node = Node::from_bits(graph.node(slot).load(Ordering::Relaxed));
            assert!(node.is_linked(), "the node word is complete");
            let mut links = Vec::new();
            links::read_links(graph.row(slot), &mut links);
            assert_eq!(links, [link(ANCHOR)], "the row is complete");
        }
        writer.join().unwrap();
        assert_eq!(graph.backbone(), [1, 2]);
    });
}

#[test]
fn loom_newcomers_that_race_for_the_last_room_both_end_pinned() {
    explore("last room", Some(3), || {
        let graph = Arc::new(Tiny::new(3, (1, 2)));
        let other = thread::spawn({
            let graph = Arc::clone(&graph);
            move || graph.insert(3)
        });
        graph.insert(2);
        other.join().unwrap();
        assert_eq!(graph.backbone(), [1, 2, 3]);
    });
}

#[test]
fn loom_promises_never_exceed_the_limit() {
    explore("promise", Some(3), || {
        let node = Arc::new(AtomicU64::new(Node::linked(7, 1).bits()));
        let others: Vec<_> = (0..2)
            .map(|_| {
                let node = Arc::clone(&node);
                thread::spawn(move || links::promise(&*node, 3))
            })
            .collect();
        let mut given = vec![links::promise(&*node, 3)];
        given.extend(others.into_iter().map(|other| other.join().unwrap()));
        assert_eq!(given.iter().flatten().collect::<Vec<_>>(), [&7, &7], "two of three find room");
        assert_eq!(Node::from_bits(node.load(Ordering::Acquire)), Node::linked(7, 3));
    });
}

#[test]
fn loom_a_pin_on_a_full_row_is_not_lost_to_an_eviction() {
    explore("pin against evict", None, || {
        let words: Arc<Box<[AtomicU32]>> = Arc::new(row(2, &[link(8), link(9)]));
        let pinning = thread::spawn({
            let words = Arc::clone(&words);
            move || links::pin(&words[..], pinned(4), &[9])
        });
        // What a reverse link does on a full row, with both words as victims.
        if links::offer(&words[..], link(5)) == Offer::Full {
            let _ = [9, 4, 8].iter().any(|&victim| links::evict(&words[..], victim, link(5)));
        }
        pinning.join().unwrap();
        let (all, pins) = targets(&words);
        assert_eq!(all.len(), 2, "a full row stays full");
        assert_eq!(pins, [4], "the pin is there, and nothing else was pinned");
    });
}

#[test]
fn loom_two_pins_and_an_eviction_share_a_full_row() {
    explore("two pins against evict", Some(2), || {
        let words: Arc<Box<[AtomicU32]>> = Arc::new(row(3, &[link(7), link(8), link(9)]));
        let pinning: Vec<_> = [4, 5]
            .map(|target| {
                let words = Arc::clone(&words);
                thread::spawn(move || links::pin(&words[..], pinned(target), &[9]))
            })
            .into();
        let _ = [9, 8].iter().any(|&victim| links::evict(&words[..], victim, link(6)));
        for pinning in pinning {
            pinning.join().unwrap();
        }
        let (all, pins) = targets(&words);
        assert_eq!((all.len(), pins), (3, vec![4, 5]));
    });
}

#[test]
fn loom_a_link_that_is_being_pinned_is_not_evicted() {
    explore("pinning in place", None, || {
        let words: Arc<Box<[AtomicU32]>> = Arc::new(row(2, &[link(4), pinned(9)]));
        let pinning = thread::spawn({
            let words = Arc::clone(&words);
            move || links::pin(&words[..], pinned(4), &[])
        });
        let evicted = links::evict(&words[..], 4, link(5));
        pinning.join().unwrap();
        let (all, pins) = targets(&words);
        assert_eq!((all, pins), (vec![4, 9], vec![4, 9]), "evicted before: {evicted}");
    });
}

#[test]
fn loom_of_two_offers_for_the_last_hole_one_is_refused() {
    explore("last hole", None, || {
        let words: Arc<Box<[AtomicU32]>> = Arc::new(row(2, &[link(9)]));
        let other = thread::spawn({
            let words = Arc::clone(&words);
            move || links::offer(&words[..], link(4))
        });
        let mine = links::offer(&words[..], link(5));
        let other = other.join().unwrap();
        let (all, _) = targets(&words);
        match (mine, other) {
            (Offer::Linked, Offer::Full) => assert_eq!(all, [5, 9]),
            (Offer::Full, Offer::Linked) => assert_eq!(all, [4, 9]),
            both => panic!("one hole, one link: {both:?} in {all:?}"),
        }
    });
}

#[test]
fn loom_of_two_raises_the_higher_wins_and_its_rows_are_visible() {
    explore("raise", Some(3), || {
        let entry = Arc::new(AtomicU64::new(Entry { level: 0, upper: 0, slot: 1 }.to_bits()));
        let rows = Arc::new([row(1, &[]), row(1, &[])]);
        let raising: Vec<_> = [1, 2]
            .map(|level| {
                let (entry, rows) = (Arc::clone(&entry), Arc::clone(&rows));
                thread::spawn(move || {
                    links::fill(&rows[level - 1][..], [link(9)]);
                    let upper = level as u32;
                    links::raise(&*entry, Entry { level, upper, slot: upper + 1 });
                })
            })
            .into();
        let seen = Entry::from_bits(Word::load(&*entry, Ordering::Acquire)).unwrap();
        if seen.level > 0 {
            assert_eq!(targets(&rows[seen.level - 1]).0, [9], "the entry's row is complete");
        }
        for raising in raising {
            raising.join().unwrap();
        }
        let last = Entry::from_bits(entry.load(Ordering::Acquire)).unwrap();
        assert_eq!(last, Entry { level: 2, upper: 2, slot: 3 });
    });
}

#[test]
fn loom_the_first_two_inserts_agree_on_an_anchor_and_leave_an_entry() {
    explore("first two", None, || {
        let words = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
        // Slot 2 has a level of its own; slot 3 is on level 0 and may lose, but not return before
        // searches have a place to start.
        let first = |slot: u32, level: usize| {
            let words = Arc::clone(&words);
            move || {
                let (anchor, entry) = &*words;
                let founder = Entry { level, upper: slot * level as u32, slot };
                let founded = links::found(anchor, entry, founder);
                if !founded {
                    let start = links::beginning(anchor, entry);
                    assert_ne!(start.slot, slot, "a newcomer starts at another node");
                    if level > start.level {
                        links::raise(entry, founder);
                    }
                }
                assert!(Entry::from_bits(entry.load(Ordering::Acquire)).is_some());
                founded
            }
        };
        let other = thread::spawn(first(3, 0));
        let mine = first(2, 1)();
        let other = other.join().unwrap();
        assert!(mine != other, "one of them is the anchor");
        let anchor = words.0.load(Ordering::Acquire);
        assert_eq!(anchor, if mine { 2 } else { 3 });
        let entry = Entry::from_bits(words.1.load(Ordering::Acquire)).unwrap();
        assert_eq!(entry, Entry { level: 1, upper: 2, slot: 2 }, "the higher node is the entry");
    });
}

/// Inserts and a round of reclaiming on [`Tiny`] graphs: what [`Reclaim`](super::reclaim) does, in
/// its order, with the functions that ship and over epochs.
struct Round {
    graph: Tiny,
    cell: SwapCell<()>,
    /// Whether it waits for those who may still hold what it gives back.
    waits: [bool; 2],
}

/// A node below the anchor that dies, one below that which does not, and one that comes.
const DEAD: u32 = 2;
const CHILD: u32 = 3;
const NEW: u32 = 4;

impl Round {
    fn new(waits: [bool; 2]) -> Arc<Self> {
        let graph = Tiny::new(4, (3, 3));
        links::fill(graph.row(ANCHOR), [pinned(DEAD)]);
        links::fill(graph.row(DEAD), [pinned(CHILD), link(ANCHOR)]);
        links::fill(graph.row(CHILD), [link(DEAD)]);
        for (slot, node) in
            [(ANCHOR, Node::linked(0, 1)), (DEAD, Node::linked(1, 1)), (CHILD, Node::linked(2, 0))]
        {
            graph.node(slot).store(node.bits(), Ordering::Release);
            // SAFETY: nobody else has the graph yet.
            graph.payloads[slot as usize].with_mut(|payload| unsafe { *payload = slot });
        }
        graph.ranks.store(3, Ordering::Relaxed);
        Arc::new(Self { graph, cell: SwapCell::new(()), waits })
    }

    /// Asks for a grace period and gives others some turns; whether it is over.
    fn wait(&self, round: usize) -> bool {
        if !self.waits[round] {
            return true;
        }
        let is_over = Counted::new(AtomicBool::new(false));
        self.cell.pin().tell(&is_over);
        for _ in 0..2 {
            if is_over.load(Ordering::Acquire) {
                return true;
            }
            thread::yield_now();
            self.cell.pin().nudge();
        }
        is_over.load(Ordering::Acquire)
    }

    /// Takes the dead node out of the graph and uses its slot again; false if a grace period did
    /// not end in time.
    fn reclaim(&self) -> bool {
        let Self { graph, .. } = self;
        links::change(graph.node(DEAD), |seen| Some(seen.dead()));
        if !self.wait(0) {
            return false;
        }
        let pinned_now = self.cell.pin();
        let mut children = Vec::new();
        links::read_links(graph.row(DEAD), &mut children);
        for child in children.iter().filter(|link| link.pinned()).map(|link| link.target()) {
            assert!(links::promise(graph.node(ANCHOR), 3).is_some(), "the anchor has room");
            links::pin(graph.row(ANCHOR), pinned(child), &[]);
            links::unpin(graph.row(DEAD), child, false);
            links::change(graph.node(DEAD), |seen| Some(seen.without_pin()));
        }
        let left = Node::from_bits(graph.node(DEAD).load(Ordering::Acquire)).pins();
        assert_eq!(left, 0, "a child of the dead node is left");
        links::unpin(graph.row(ANCHOR), DEAD, false);
        links::change(graph.node(ANCHOR), |seen| Some(seen.without_pin()));
        for slot in [ANCHOR, CHILD, NEW] {
            links::evict(graph.row(slot), DEAD, Link::NONE);
        }
        drop(pinned_now);
        if !self.wait(1) {
            return false;
        }
        // Given back, and another's: written as `Tiny::insert` does.
        graph.node(DEAD).store(Node::GIVEN_BACK.bits(), Ordering::Relaxed);
        // SAFETY: nobody else can hold the slot; loom checks it.
        graph.payloads[DEAD as usize].with_mut(|payload| unsafe { *payload = 99 });
        links::fill(graph.row(DEAD), [link(ANCHOR)]);
        true
    }

    /// Goes from the anchor along two links, as a search does.
    fn walk(&self) {
        let _pinned = self.cell.pin();
        let (mut first, mut second) = ([0; 4], [0; 4]);
        let count = links::read(self.graph.row(ANCHOR), &mut first, |target| target != 0);
        for &slot in &first[..count] {
            assert_eq!(self.graph.payload(slot), slot, "the node that the link named");
            let count = links::read(self.graph.row(slot), &mut second, |target| target != 0);
            for &slot in &second[..count] {
                assert_eq!(self.graph.payload(slot), slot, "the node that the link named");
            }
        }
    }

    /// Links a node to the one that dies, if it comes by that alive, and hangs it below it, or else below
    /// the anchor.
    fn insert(&self) {
        let Self { graph, .. } = self;
        let _pinned = self.cell.pin();
        // SAFETY: the slot is the caller's own until its link is published; loom checks it.
        graph.payloads[NEW as usize].with_mut(|payload| unsafe { *payload = NEW });
        let lives =
            |slot: u32| !Node::from_bits(graph.node(slot).load(Ordering::Acquire)).is_dead();
        if targets(graph.row(ANCHOR)).0.contains(&DEAD) && lives(DEAD) {
            links::offer(graph.row(NEW), link(DEAD));
        }
        let has_room = |parent: &u32| links::promise(graph.node(*parent), 3).is_some();
        let parent = [DEAD, ANCHOR].into_iter().find(has_room).expect("the anchor has room");
        let rank = graph.ranks.fetch_add(1, Ordering::AcqRel);
        links::pin(graph.row(parent), pinned(NEW), &[]);
        graph.node(NEW).store(Node::linked(rank, 0).bits(), Ordering::Release);
    }

    /// After all: the living hang by the anchor, and a slot that was given back is in no row.
    fn check(&self, was_reclaimed: bool) {
        let found = self.graph.backbone();
        let living = [ANCHOR, CHILD].iter().chain([NEW].iter().filter(|_| self.has_new()));
        assert!(living.clone().all(|slot| found.contains(slot)), "{found:?}");
        for &slot in living.filter(|_| was_reclaimed) {
            assert!(
                !targets(self.graph.row(slot)).0.contains(&DEAD),
                "slot {slot} names the dead node"
            );
        }
    }

    fn has_new(&self) -> bool {
        Node::from_bits(self.graph.node(NEW).load(Ordering::Acquire)).is_linked()
    }
}

/// Runs a round beside something else and says how often it came to its end.
fn explore_round(name: &str, preemptions: usize, waits: [bool; 2], beside: fn(&Round)) {
    let ended = Counted::new(AtomicUsize::new(0));
    let counted = Counted::clone(&ended);
    explore(name, Some(preemptions), move || {
        let round = Round::new(waits);
        let other = thread::spawn({
            let round = Arc::clone(&round);
            move || beside(&round)
        });
        let was_reclaimed = round.reclaim();
        other.join().unwrap();
        round.check(was_reclaimed);
        counted.fetch_add(usize::from(was_reclaimed), Ordering::Relaxed);
    });
    let ended = ended.load(Ordering::Relaxed);
    println!("{name}: the slot was used again in {ended} of them");
    assert!(ended > 0);
}

#[test]
fn loom_a_reader_never_meets_a_slot_that_is_used_again() {
    explore_round("reclaim against search", 3, [true, true], Round::walk);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn loom_a_reader_would_meet_it_without_the_second_grace() {
    explore_round("reclaim without second grace", 2, [true, false], Round::walk);
}

#[test]
fn loom_what_is_hung_below_a_dying_node_is_moved_before_it_goes() {
    explore_round("reclaim against insert", 2, [true, true], Round::insert);
}

#[test]
#[should_panic(expected = "the dead node")]
fn loom_it_would_be_left_behind_without_the_first_grace() {
    explore_round("reclaim without first grace", 2, [false, true], Round::insert);
}
