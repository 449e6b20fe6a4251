//! What is said of links: it changes nothing else, survives, and is heeded where it should be.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::*;
use crate::Index;
use crate::arch;
use crate::distance::{Metric, Rows};
use crate::exec::Sequential;
use crate::graph::build::{Plan, build, upper_rows};
use crate::graph::insert::{InsertScratch, Newcomer, insert};
use crate::graph::layout::{node, node_word};
use crate::graph::level::{level, mix};
use crate::graph::reclaim::Reclaim;
use crate::graph::select::Selector;
use crate::graph::walk::Scratch;
use crate::graph::{Audit, audit};
use crate::snapshot::{Check, Kind};
use crate::store::{Allocator, Chunks, Coded, Gate, Heap, Region, RowScratch, Shelf, SwapCell};

const PLAN: Plan = Plan { m: 5, ef_construction: 40, seed: 3 };

/// A place on a small grid, where many are equally near and some are copies.
fn point(key: u64) -> [f32; 2] {
    let bits = mix(17, key);
    [(bits % 40) as f32, (bits >> 32) as f32 % 40.0]
}

fn heap() -> Arc<dyn Allocator> {
    Arc::new(Heap)
}

/// A graph with what an index has around it.
struct World {
    space: Space,
    graph: Graph,
    cell: SwapCell<()>,
    reclaim: Shelf<Reclaim>,
    inserts: Shelf<InsertScratch>,
}

impl World {
    fn built(count: usize, surety: Surety<'_>) -> Self {
        let vectors: Vec<[f32; 2]> = (0..count as u64).map(point).collect();
        let space = Self::space(count as u32 + 1, |i| (i as u64, &vectors[i][..]));
        let mut graph =
            Graph::zeroed(PLAN.m, count as u32 + 1, upper_rows(PLAN, count), &heap()).unwrap();
        let input: Vec<u32> = (0..count as u32).collect();
        build(&space, &mut graph, PLAN, &input, surety, &Sequential, &mut |_| true).unwrap();
        let reclaim = Shelf::of(Reclaim::new(&space));
        Self { space, graph, cell: SwapCell::new(()), reclaim, inserts: Shelf::new() }
    }

    fn space<'a>(rows: u32, item: impl Fn(usize) -> (u64, &'a [f32]) + Sync) -> Space {
        let (metric, kind, kernels) = (Metric::L2, Rows::F32, arch::detected());
        let mut space =
            Space::zeroed(2, metric, kind, kernels, Coded::Never, rows, &heap()).unwrap();
        space.fill(rows as usize - 1, &item, &Sequential);
        space
    }

    fn insert(&self, key: u64, surety: Surety<'_>) -> u32 {
        let Self { space, graph, .. } = self;
        let _pinned = self.cell.pin();
        let fresh = space.take(|slot| graph.reserve(slot)).unwrap();
        fresh.write(key, &point(key), &mut RowScratch::default());
        let slot = fresh.slot();
        let (level, upper) = if let Some(upper) = fresh.note() {
            (graph.level_of(upper), upper)
        } else {
            let level = level(mix(PLAN.seed, u64::from(slot) - 1), PLAN.m);
            (level, if level > 0 { graph.take_upper(level, slot).unwrap() } else { 0 })
        };
        let mut scratch = self.inserts.take(|| InsertScratch::new(space));
        let newcomer = Newcomer { slot, level, upper };
        insert(graph, space, newcomer, surety, PLAN.ef_construction, &mut scratch);
        links::change(node_word(space, slot), |seen| Some(seen.sure()));
        slot
    }

    fn kill(&self, slot: u32) {
        if slot != self.graph.anchor() {
            self.graph.count_dead(1);
            links::change(node_word(&self.space, slot), |seen| Some(seen.dead()));
        }
    }

    /// A step of reclaiming; false if there is nothing to do, or another thread is at it.
    fn reclaim(&self, surety: Surety<'_>) -> bool {
        let pinned = self.cell.pin();
        let mut reclaim = self.reclaim.try_take();
        reclaim.as_mut().is_some_and(|reclaim| {
            self.graph.dead() > 0 && reclaim.step(&self.graph, &self.space, surety, &pinned, true)
        })
    }

    fn settle(&self, surety: Surety<'_>) {
        while self.graph.dead() > 0 && self.reclaim(surety) {}
        assert_eq!(self.graph.dead(), 0);
    }

    /// The same links, from the bytes of their rows.
    fn reload(&mut self) {
        let gate = Gate::default();
        let alone = gate.own().unwrap();
        let graph = &self.graph;
        let heads = graph.heads();
        let copy = |table: &Chunks, rows| {
            let region = Region::copy_of(&table.parts(rows, &alone).concat()).unwrap();
            Chunks::over(table.stride(), rows, region, heap())
        };
        let (rows, upper) = (self.space.end(), heads.upper_next);
        let links = copy(&graph.links, rows);
        let (upper_links, upper_slots) =
            (copy(&graph.upper_links, upper), copy(&graph.upper_slots, upper));
        let dead = graph.dead() as u32;
        self.graph = Graph::over(graph.m, links, upper_links, upper_slots, upper, heads);
        self.graph.count_dead(dead);
        self.reclaim = Shelf::of(Reclaim::new(&self.space));
    }

    /// The links of level 0 of all nodes, dead or alive.
    fn links(&self) -> BTreeMap<(u32, u32), Link> {
        let mut found = BTreeMap::new();
        let mut row = Vec::new();
        for slot in (1..self.space.end()).filter(|&slot| node(&self.space, slot).is_met()) {
            links::read_links(self.graph.row(slot), &mut row);
            found.extend(row.iter().map(|link| ((slot, link.target()), *link)));
        }
        found
    }

    fn set_all(&self, step: impl Fn(u32, u32) -> u8) {
        for (from, to) in self.links().into_keys() {
            assert!(self.graph.set_confidence(from, to, step(from, to)));
        }
    }

    /// The rows of all levels, as they would be if all links were certain.
    fn certain(&self) -> Vec<u32> {
        let (rows, upper) = (self.space.end(), self.graph.heads().upper_next);
        let base = (1..rows).flat_map(|slot| self.graph.row(slot));
        let words = base.chain((1..upper).flat_map(|id| self.graph.upper_row(id, 1)));
        let bits = words.map(|word| Link::from_bits(word.load(Ordering::Relaxed)));
        bits.map(|link| if link.is_none() { 0 } else { link.with_confidence(31).bits() }).collect()
    }

    fn answers(&self) -> Vec<(u32, u64, u32)> {
        let mut scratch = Scratch::new(&self.space);
        let mut answers = Vec::new();
        for query in 0..200 {
            let [x, y] = point(1_000_000 + query);
            scratch.probe.set_query(&self.space, &[x + 0.25, y - 0.125]);
            scratch.search(&self.graph, &self.space, 10, 20, None);
            answers.extend_from_slice(scratch.rank(&self.space, 10));
        }
        answers
    }

    fn audit(&self) -> Audit {
        let audit = audit(&self.graph, &self.space).unwrap();
        assert_eq!(audit.reachable, audit.nodes, "the living are reachable");
        audit
    }
}

fn random(from: u32, to: u32) -> u8 {
    (mix(u64::from(from), u64::from(to)) % 32) as u8
}

#[test]
fn one_link_changes_in_place() {
    let world = World::built(300, None);
    let links = world.links();
    let before = world.certain();
    for (&(from, to), link) in &links {
        assert_eq!(world.graph.confidence(from, to), Some(31));
        assert!(world.graph.set_confidence(from, to, 7));
        assert_eq!(world.links()[&(from, to)], link.with_confidence(7));
        assert!(world.graph.set_confidence(from, to, 200), "more than certain is certain");
        assert_eq!(world.graph.confidence(from, to), Some(31));
        assert!(world.graph.set_confidence(from, to, random(from, to)));
    }
    let mut seen = BTreeMap::new();
    for slot in 0..400 {
        let visit = &mut |to, step| assert!(seen.insert((slot, to), step).is_none());
        world.graph.out_links(&world.space, slot, visit);
    }
    let expected = links.keys().map(|&(from, to)| ((from, to), random(from, to)));
    assert!(seen.into_iter().eq(expected));
    let stranger = (1..300).find(|&to| !links.contains_key(&(1, to))).unwrap();
    for nobody in [0, 1, stranger, 1 << 26, (1 << 26) + 1, u32::MAX] {
        assert!(!world.graph.set_confidence(1, nobody, 3));
        assert_eq!(world.graph.confidence(1, nobody), None);
    }
    assert_eq!(world.certain(), before, "nothing but confidence has changed");
}

#[test]
fn a_link_that_is_pinned_or_let_go_stays_as_sure_as_it_was() {
    let words: [AtomicU32; 3] = Default::default();
    let row = &words[..];
    let now = || {
        let mut links = Vec::new();
        links::read_links(row, &mut links);
        links
    };
    let link = |target, step| Link::new(target, false).with_confidence(step);
    assert!(!links::set_confidence(row, 0, 5), "a hole is no link");
    assert!(now().is_empty());
    links::offer(row, link(4, 9));
    links::offer(row, link(4, 20));
    assert_eq!(now(), [link(4, 9)], "what is there stays");
    links::pin(row, Link::new(4, true), &[]);
    assert_eq!(now(), [link(4, 9).with_pin()]);
    assert!(links::set_confidence(row, 4, 0));
    assert!(!links::evict(row, 4, link(5, 31)), "it is pinned, however doubtful");
    links::unpin(row, 4, true);
    assert_eq!(now(), [link(4, 0)]);
    assert!(links::evict(row, 4, link(5, 3)));
    assert_eq!(now(), [link(5, 3)]);
}

#[test]
fn what_is_said_of_links_changes_no_answer() {
    for count in [1, 2, 40, 3000] {
        let world = World::built(count, None);
        let (audit, answers) = (world.audit(), world.answers());
        for step in [|_, _| 0, random, |_, _| 31] {
            world.set_all(step);
            assert_eq!((world.audit(), world.answers()), (audit.clone(), answers.clone()));
        }
    }
}

#[test]
fn equally_sure_items_are_linked_as_if_nobody_spoke_about_them() {
    let grow = |surety: Surety<'_>| {
        let world = World::built(1500, surety);
        for key in 5000..5300 {
            world.insert(key, surety);
        }
        (100..400).for_each(|slot| world.kill(slot));
        world.settle(surety);
        world.audit();
        world
    };
    let certain = grow(None);
    for step in [0, 13, 31] {
        let equal = grow(Some(&|_| step));
        assert!(equal.certain() == certain.certain(), "step {step}");
        assert!(equal.links().values().all(|link| link.confidence() == step));
    }
}

#[test]
fn a_new_link_is_as_sure_as_its_less_sure_end() {
    // Some say more than there is.
    let step = |slot: u32| (mix(5, u64::from(slot)) % 40) as u8;
    let world = World::built(1500, Some(&step));
    let check = || {
        let links = world.links();
        for (&(from, to), link) in &links {
            assert_eq!(link.confidence(), step(from).min(step(to)).min(31));
        }
        world.audit();
    };
    check();
    for key in 5000..5300 {
        world.insert(key, Some(&step));
    }
    check();
    (100..400).for_each(|slot| world.kill(slot));
    world.settle(Some(&step));
    check();
}

/// Which of the points around the first keep their links if `limit` are kept.
fn pruned(points: &[[f32; 2]], links: &[Link], limit: usize) -> Vec<u32> {
    let space = World::space(points.len() as u32 + 1, |i| (i as u64, &points[i][..]));
    let mut row = links.to_vec();
    let kept = Selector::new(&space).prune(&space, 1, 0, limit, &|slot| slot, &mut row);
    let mut sorted = row.clone();
    sorted.sort_unstable_by_key(|link| link.target());
    assert_eq!(sorted, links, "no link changes");
    row.truncate(kept);
    row.iter().map(|link| link.target()).collect()
}

#[test]
fn of_equally_near_links_the_surest_are_kept() {
    let around = [[0.0, 0.0], [5.0, 0.0], [0.0, 5.0], [-5.0, 0.0], [0.0, -5.0], [3.0, 4.0]];
    let sure = |steps: [u8; 4]| -> Vec<Link> {
        let link = |(slot, &step)| Link::new(slot, false).with_confidence(step);
        (2..).zip(&steps).map(link).collect()
    };
    for equal in [0, 4, 31] {
        assert_eq!(pruned(&around, &sure([equal; 4]), 2), [2, 3]);
    }
    assert_eq!(pruned(&around, &sure([0, 9, 8, 31]), 2), [5, 3]);
    assert_eq!(pruned(&around, &sure([0, 9, 9, 9]), 3), [3, 4, 5]);
    // A pinned one is kept, however doubtful.
    let mut links = sure([9, 9, 9, 9]);
    links[3] = links[3].with_pin().with_confidence(0);
    assert_eq!(pruned(&around, &links, 2), [2, 5]);
    // Distance comes first.
    let mut nearer = around;
    nearer[1] = [4.0, 0.0];
    assert_eq!(pruned(&nearer, &sure([0, 9, 8, 31]), 2), [2, 5]);
    // Of copies one is kept: the surest.
    let copies = [[0.0, 0.0], [5.0, 0.0], [5.0, 0.0], [5.0, 0.0], [5.0, 0.0]];
    assert_eq!(pruned(&copies, &sure([3, 3, 3, 3]), 3), [2]);
    assert_eq!(pruned(&copies, &sure([3, 3, 4, 3]), 3), [4]);
}

#[test]
fn links_that_survive_keep_what_was_said_of_them() {
    for seed in 0..4 {
        let mut world = World::built(400, None);
        let mut living: Vec<u32> = (1..=400).collect();
        world.set_all(random);
        let mut last = world.links();
        let mut survived = 0;
        for step in 0..600 {
            let draw = mix(seed, step);
            let place = (draw >> 8) as usize % living.len();
            match draw % 8 {
                0..3 => living.push(world.insert(10_000 + step, None)),
                3..5 if living[place] != world.graph.anchor() => {
                    world.kill(living.swap_remove(place));
                }
                5 if draw.is_multiple_of(5) => world.reload(),
                _ => _ = world.reclaim(None),
            }
            let now = world.links();
            for (ends, link) in &now {
                if let Some(before) = last.get(ends) {
                    assert_eq!(link.confidence(), before.confidence(), "{ends:?} in {step}");
                    survived += usize::from(link.confidence() < 31);
                }
            }
            last = now;
        }
        assert!(survived > 100_000, "{survived}");
        world.settle(None);
        assert_eq!(world.audit().nodes, living.len());
    }
}

#[test]
fn writers_and_readers_go_on_beside_changes_of_confidence() {
    const WRITERS: u64 = 3;
    let world = World::built(150, None);
    let is_over = AtomicBool::new(false);
    let change = |seed: u64| {
        let mut set = 0;
        for round in 0.. {
            if is_over.load(Ordering::Relaxed) {
                return set;
            }
            let end = u64::from(world.space.end());
            for from in (1..end).map(|slot| ((slot * 7 + seed) % (end - 1) + 1) as u32) {
                let _pinned = world.cell.pin();
                let mut links = Vec::new();
                links::read_links(world.graph.row(from), &mut links);
                for to in links.iter().map(|link| link.target()) {
                    let step = (mix(round, u64::from(to)) % 32) as u8;
                    set += usize::from(world.graph.set_confidence(from, to, step));
                }
                world.graph.out_links(&world.space, from, &mut |to, step| {
                    assert!((1..world.space.end()).contains(&to) && step < 32);
                });
            }
        }
        set
    };
    let living: usize = std::thread::scope(|scope| {
        let changing = [0, 1].map(|seed| scope.spawn(move || change(seed)));
        let write = |writer: u64| {
            let world = &world;
            move || {
                let mut own = Vec::new();
                for i in 0..1200 {
                    own.push(world.insert(1000 + WRITERS * i + writer, None));
                    if own.len() > 30 {
                        world.kill(own.swap_remove(mix(writer, i) as usize % own.len()));
                    }
                    for _ in 0..4 {
                        world.reclaim(None);
                    }
                    // As an index does, before the dead hold all the room.
                    while world.graph.dead() > 60 {
                        world.reclaim(None);
                        std::thread::yield_now();
                    }
                }
                own.len()
            }
        };
        let writing: Vec<_> = (0..WRITERS).map(|writer| scope.spawn(write(writer))).collect();
        let living = writing.into_iter().map(|writing| writing.join().unwrap()).sum();
        is_over.store(true, Ordering::Relaxed);
        assert!(changing.into_iter().all(|changing| changing.join().unwrap() > 1000));
        living
    });
    world.audit();
    world.settle(None);
    let audit = world.audit();
    assert_eq!((audit.nodes, audit.dead), (150 + living, 0));
}

/// The words of the links of level 0 in a snapshot.
fn links_in(snapshot: &mut [u8]) -> &mut [[u8; 4]] {
    let number = |at: usize| u64::from_le_bytes(snapshot[at..at + 8].try_into().unwrap());
    let mut entry = number(40) as usize;
    while number(entry) as u32 != Kind::Links as u32 {
        entry += 32;
    }
    let (start, len) = (number(entry + 8) as usize, number(entry + 16) as usize);
    snapshot[start..start + len].as_chunks_mut().0
}

#[test]
fn a_snapshot_brings_back_how_sure_links_were() {
    let index = Index::builder(2).metric(Metric::L2).m(5).build().unwrap();
    let vectors: Vec<f32> = (0..500).flat_map(point).collect();
    let keys: Vec<u64> = (0..500).collect();
    index.bulk_build(&keys, &vectors, &Sequential, &mut |_| true).unwrap();
    let answers = |index: &Index| -> Vec<_> {
        let query = |i: u64| index.search(&point(7000 + i)).k(10).run().unwrap();
        (0..50).flat_map(query).collect()
    };
    let mut bytes = index.to_snapshot().unwrap();
    for (place, word) in links_in(&mut bytes).iter_mut().enumerate() {
        let link = Link::from_bits(u32::from_le_bytes(*word));
        if !link.is_none() {
            let step = (mix(1, place as u64) % 32) as u8;
            *word = link.with_confidence(step).bits().to_le_bytes();
        }
    }
    // The checksums are those of before.
    let opened = Index::open(Region::copy_of(&bytes).unwrap(), Check::Header).unwrap();
    assert_eq!((opened.check(), answers(&opened)), (index.check(), answers(&index)));
    let mut again = opened.to_snapshot().unwrap();
    assert!(links_in(&mut again) == links_in(&mut bytes));
    let opened = Index::open(Region::copy_of(&again).unwrap(), Check::Full).unwrap();
    assert_eq!((opened.check(), answers(&opened)), (index.check(), answers(&index)));
    assert!(opened.to_snapshot().unwrap() == again);
    opened.insert(7777, &[3.0, 3.0]).unwrap();
    assert!(opened.check().is_ok());
}
