//! Writers that stand still: at each step of each kind of write, searches still answer, and writers
//! of other keys finish. Whoever waited for one would hang here.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Scope;

use super::{Codes, Index};
use crate::distance::Metric;
use crate::graph::mix;
use crate::snapshot::Check;
use crate::store::Region;
use crate::sync::{Step, watch};

/// Keys that stay the others' alone; all below belong to the writers that are stopped.
const OTHERS: u64 = 5000;
/// Those that there are from the beginning.
const OLD_OTHERS: Range<u64> = OTHERS..OTHERS + 40;

/// A vector of small whole numbers, whose distances are exact.
fn row(key: u64, version: u32) -> [f32; 2] {
    let bits = mix(key, u64::from(version));
    [(bits % 1000) as f32, (bits >> 32) as f32 % 1000.0]
}

fn insert(index: &Index, keys: Range<u64>) {
    keys.into_iter().for_each(|key| index.insert(key, &row(key, 0)).unwrap());
}

/// What keys may lead to: versions of their vectors, or nothing. Keys that are not here: nothing.
#[derive(Clone)]
struct Expected(BTreeMap<u64, Vec<Option<u32>>>);

impl Expected {
    fn of(index: &Index) -> Self {
        Self(index.keys().unwrap().into_iter().map(|key| (key, vec![Some(0)])).collect())
    }

    fn set(&mut self, key: u64, version: Option<u32>) {
        self.0.insert(key, vec![version]);
    }

    /// Searches find what is expected, each item once and where it is.
    fn check(&self, index: &Index) {
        for exact in [true, false] {
            let hits = index.search(&[0.0; 2]).up_to(4096).exact(exact).run().unwrap();
            let mut seen = BTreeSet::new();
            for hit in &hits {
                assert!(seen.insert(hit.key), "key {} is found twice", hit.key);
                let versions = self.0.get(&hit.key).into_iter().flatten().flatten();
                let mut squares = versions.map(|&version| {
                    let [x, y] = row(hit.key, version);
                    x * x + y * y
                });
                assert!(squares.any(|square| square == hit.distance), "{hit:?}");
            }
            let is_lost =
                |(key, may): &(&u64, &Vec<_>)| !may.contains(&None) && !seen.contains(key);
            assert_eq!(self.0.iter().find(is_lost), None, "of {} items", hits.len());
        }
        // Some of them: there are many stops.
        for (&key, may) in self.0.iter().step_by(3) {
            let &[Some(version)] = &may[..] else { continue };
            let own = row(key, version);
            assert_eq!(index.get(key).as_deref(), Some(&own[..]), "key {key}");
            // By the graph alone: so wide that each node it leads to is met.
            let hits = index.search(&own).k(1).ef(4096).run().unwrap();
            assert_eq!(hits[0].distance, 0.0, "key {key} is not reached");
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Write {
    Insert(u64),
    Upsert(u64),
    Delete(u64),
    Reclaim,
}

impl Write {
    fn run(self, index: &Index) {
        match self {
            Self::Insert(key) => index.insert(key, &row(key, 0)).unwrap(),
            Self::Upsert(key) => _ = index.upsert(key, &row(key, 1)).unwrap(),
            Self::Delete(key) => assert!(index.delete(key).unwrap(), "key {key}"),
            Self::Reclaim => _ = index.reclaim().unwrap(),
        }
    }

    /// The key, and what it leads to afterwards.
    fn effect(self) -> Option<(u64, Option<u32>)> {
        match self {
            Self::Insert(key) => Some((key, Some(0))),
            Self::Upsert(key) => Some((key, Some(1))),
            Self::Delete(key) => Some((key, None)),
            Self::Reclaim => None,
        }
    }
}

/// An index, and what one writer does to it.
struct Scene {
    name: &'static str,
    index: fn() -> Index,
    writes: Vec<Write>,
    /// Made anew, this takes long: it is only for steps that no scene before it passes.
    is_slow: bool,
}

fn empty() -> Index {
    let builder = Index::builder(2).metric(Metric::L2).m(8).ef_construction(40).codes(Codes::U7);
    builder.build().unwrap()
}

fn grown() -> Index {
    let index = empty();
    insert(&index, 0..160);
    insert(&index, OLD_OTHERS);
    index
}

/// Slots were given back.
fn used() -> Index {
    let index = grown();
    (0..60).for_each(|key| assert!(index.delete(key).unwrap()));
    while index.reclaim().unwrap() {}
    index
}

/// The next insert brings codes.
fn about_to_be_coded() -> Index {
    let index = empty();
    insert(&index, OLD_OTHERS);
    insert(&index, 0..1023 - index.len() as u64);
    index
}

/// Nobody has looked at its links yet.
fn opened() -> Index {
    let file = Region::copy_of(&used().to_snapshot().unwrap()).unwrap();
    Index::open(file, Check::Header).unwrap()
}

fn scenes() -> Vec<Scene> {
    use Write::{Delete, Insert, Reclaim, Upsert};

    let scene = |name, index, is_slow, writes: &[&[Write]]| Scene {
        name,
        index,
        writes: writes.concat(),
        is_slow,
    };
    let all = |write: fn(u64) -> Write, keys: Range<u64>| keys.map(write).collect::<Vec<_>>();
    vec![
        scene("the first inserts", empty, false, &[&all(Insert, 0..4)]),
        scene("inserts", grown, false, &[&all(Insert, 1000..1060)]),
        scene("inserts where others were", used, false, &[&all(Insert, 1000..1030)]),
        scene("updates", used, false, &[&all(Upsert, 60..90), &all(Upsert, 1000..1003)]),
        scene("deletes", grown, false, &[&all(Delete, 20..24)]),
        scene("dead nodes go", grown, false, &[&all(Delete, 0..150), &[Reclaim; 300]]),
        scene("codes come", about_to_be_coded, true, &[&all(Insert, 2000..2003)]),
        scene("a file is written to", opened, true, &[&all(Insert, 1000..1003)]),
    ]
}

/// What a writer that may be stopped says.
#[derive(Debug, PartialEq)]
enum Said {
    Stopped,
    Finished,
}

/// A writer on its way, or standing still.
struct Writer<'a> {
    said: Receiver<Said>,
    /// Lets it go on, also by being dropped.
    go_on: Sender<()>,
    writes: &'a [Write],
}

impl<'a> Writer<'a> {
    /// A writer that stops when it has done `step` for the `nth` time.
    fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        index: &'scope Index,
        writes: &'a [Write],
        done: &'scope AtomicUsize,
        (step, nth): (Step, usize),
    ) -> Self
    where
        'a: 'scope,
    {
        let (says, said) = channel();
        let (go_on, told) = channel::<()>();
        scope.spawn(move || {
            let (stops, mut times) = (says.clone(), 0);
            watch(move |passed| {
                times += usize::from(passed == step);
                if passed == step && times == nth {
                    stops.send(Said::Stopped).unwrap();
                    // An error says as well that it may go on.
                    let _ = told.recv();
                }
            });
            for write in writes {
                write.run(index);
                done.fetch_add(1, Ordering::SeqCst);
            }
            says.send(Said::Finished).unwrap();
        });
        Self { said, go_on, writes }
    }

    /// Adds what it has written, and what it may have.
    fn expect(&self, expected: &mut Expected, done: usize) {
        for write in &self.writes[..done] {
            if let Some((key, version)) = write.effect() {
                expected.set(key, version);
            }
        }
        if let Some((key, version)) = self.writes.get(done).and_then(|write| write.effect()) {
            expected.0.entry(key).or_insert_with(|| vec![None]).push(version);
        }
    }

    fn finish(self) {
        drop(self.go_on);
        assert_eq!(self.said.recv(), Ok(Said::Finished));
    }
}

/// Every kind of write, of keys that nobody else writes; `turn` chooses them.
fn write_others(index: &Index, expected: &mut Expected, turn: u64) {
    let new = OTHERS + 100 * (turn + 1);
    for key in new..new + 40 {
        index.insert(key, &row(key, 0)).unwrap();
        expected.set(key, Some(0));
    }
    let is_old = |key: &u64| expected.0.get(key).is_some_and(|may| may[..] == [Some(0)]);
    let mut old: Vec<u64> = OLD_OTHERS.filter(is_old).take(20).collect();
    let deleted = old.split_off(old.len() / 2);
    for key in old.into_iter().chain(new..new + 10) {
        assert!(index.upsert(key, &row(key, 1)).unwrap(), "key {key}");
        expected.set(key, Some(1));
    }
    for key in deleted.into_iter().chain(new + 10..new + 20) {
        assert!(index.delete(key).unwrap(), "key {key}");
        expected.set(key, None);
    }
    assert!(!index.upsert(new + 50, &row(new + 50, 1)).unwrap());
    expected.set(new + 50, Some(1));
    for _ in 0..40 {
        index.reclaim().unwrap();
    }
}

/// How often one writer does each step, when nobody stops it.
fn steps_of(scene: &Scene) -> BTreeMap<Step, usize> {
    let index = (scene.index)();
    let (tells, told) = channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            watch(move |step| tells.send(step).unwrap());
            scene.writes.iter().for_each(|write| write.run(&index));
        });
    });
    let mut steps = BTreeMap::new();
    for step in told.try_iter() {
        *steps.entry(step).or_default() += 1;
    }
    steps
}

/// Stops the writer of a scene at a step; whether it came there.
fn freeze(scene: &Scene, step: Step, nth: usize) -> bool {
    let index = (scene.index)();
    let mut expected = Expected::of(&index);
    let done = AtomicUsize::new(0);
    let was_stopped = std::thread::scope(|scope| {
        let writer = Writer::start(scope, &index, &scene.writes, &done, (step, nth));
        let was_stopped = writer.said.recv().unwrap() == Said::Stopped;
        if was_stopped {
            let mut meanwhile = expected.clone();
            writer.expect(&mut meanwhile, done.load(Ordering::SeqCst));
            meanwhile.check(&index);
            write_others(&index, &mut meanwhile, 0);
            meanwhile.check(&index);
            assert_ne!(done.load(Ordering::SeqCst), scene.writes.len(), "it stands still");
            expected = meanwhile;
            writer.expect(&mut expected, scene.writes.len());
            writer.finish();
        } else {
            writer.expect(&mut expected, scene.writes.len());
        }
        was_stopped
    });
    expected.check(&index);
    while index.reclaim().unwrap() {}
    expected.check(&index);
    let audit = index.check().unwrap_or_else(|broken| panic!("{broken}"));
    assert_eq!(audit.reachable, audit.nodes);
    assert_eq!(Expected::of(&index).0.len(), index.len());
    was_stopped
}

#[test]
fn a_writer_that_stands_still_at_any_step_keeps_nobody_waiting() {
    let (mut seen, mut stops) = (BTreeSet::new(), 0);
    for scene in scenes() {
        let passed = steps_of(&scene);
        let is_new = |step: &Step| !scene.is_slow || !seen.contains(step);
        let steps: Vec<_> = passed.into_iter().filter(|(step, _)| is_new(step)).collect();
        for &(step, times) in &steps {
            // When it comes there first, and in the middle.
            for nth in BTreeSet::from([1, times.div_ceil(2)]) {
                let outcome = std::panic::catch_unwind(|| freeze(&scene, step, nth));
                let was_stopped =
                    outcome.unwrap_or_else(|_| panic!("{}: at {step:?}, time {nth}", scene.name));
                // How often it waits for readers may differ.
                assert!(was_stopped || nth > 1, "{}: {step:?} was not passed", scene.name);
                stops += usize::from(was_stopped);
            }
        }
        seen.extend(steps.into_iter().map(|(step, _)| step));
    }
    let unseen: Vec<_> = Step::ALL.iter().filter(|step| !seen.contains(step)).collect();
    assert!(unseen.is_empty(), "no scene passes {unseen:?}: add one that does");
    println!("{} steps, {stops} writers stopped", seen.len());
}

#[test]
fn writers_that_stand_still_at_all_steps_at_once_keep_nobody_waiting() {
    const KEYS: u64 = 4;
    let index = empty();
    let steps = Step::ALL.len() as u64;
    // Of each writer's keys, half are there.
    insert(&index, 0..KEYS / 2 * steps);
    insert(&index, OLD_OTHERS);
    let mut expected = Expected::of(&index);
    let writes: Vec<_> = (0..steps)
        .map(|at| {
            let (old, new) = (KEYS / 2 * at, 1000 + KEYS / 2 * at);
            [Write::Upsert(old), Write::Delete(old + 1), Write::Insert(new), Write::Upsert(new + 1)]
        })
        .collect();
    let done: Vec<_> = writes.iter().map(|_| AtomicUsize::new(0)).collect();
    std::thread::scope(|scope| {
        let mut frozen = Vec::new();
        for ((&step, writes), done) in Step::ALL.iter().zip(&writes).zip(&done) {
            let writer = Writer::start(scope, &index, writes, done, (step, 1));
            if writer.said.recv().unwrap() == Said::Stopped {
                frozen.push((writer, done));
            } else {
                writer.expect(&mut expected, writes.len());
            }
        }
        println!("{} of {steps} stand still", frozen.len());
        assert!(frozen.len() > 20);
        for (writer, done) in &frozen {
            writer.expect(&mut expected, done.load(Ordering::SeqCst));
        }
        for turn in 0..4 {
            expected.check(&index);
            write_others(&index, &mut expected, turn);
        }
        expected.check(&index);
        for (writer, _) in frozen {
            writer.expect(&mut expected, writer.writes.len());
            writer.finish();
        }
    });
    expected.check(&index);
    while index.reclaim().unwrap() {}
    expected.check(&index);
    index.check().unwrap_or_else(|broken| panic!("{broken}"));
}
