//! What threads saw of few keys, each explained by one order of what they did.
//!
//! Each operation is stamped before it begins and after it has returned. For each key, an order is
//! sought that respects those stamps and in which each answer is right (linearisability; Wing and
//! Gong 1993): an insert that has returned is seen by all that starts later, a delete as well, an
//! update shows the old vector or the new. A search that has room for all items is a look at every
//! key. Indexes are small and live long, so slots are used again all the time.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

use ecphory::{Error, Index, Metric};
use ecphory_tests::data::{Numbers, seed};
use ecphory_tests::times;

/// Operations of all threads between two moments of rest: a set of them fits 128 bits.
const OPERATIONS: usize = 96;
const ROUNDS: usize = 12;

/// What a key leads to: the version of its vector.
type Value = Option<u32>;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// A key without an item got one.
    Insert(u32),
    /// Another vector; whether there was one before.
    Upsert(u32, bool),
    /// The item went, if there was one.
    Delete(bool),
    Saw(Value),
    /// An insert was refused: there was an item, or one was about to be.
    Refused,
}

impl Kind {
    /// The value after it, if it can happen where the value is `before`.
    fn apply(self, before: Value) -> Option<Value> {
        let (fits, after) = match self {
            Self::Insert(version) => (before.is_none(), Some(version)),
            Self::Upsert(version, replaced) => (before.is_some() == replaced, Some(version)),
            Self::Delete(found) => (before.is_some() == found, None),
            Self::Saw(seen) => (before == seen, before),
            Self::Refused => (before.is_some(), before),
        };
        fits.then_some(after)
    }

    fn adds(self) -> bool {
        matches!(self, Self::Insert(_) | Self::Upsert(..))
    }
}

#[derive(Clone, Copy, Debug)]
struct Event {
    key: u64,
    kind: Kind,
    begun: u64,
    ended: u64,
}

/// Whether some order of `events` (of one key) explains them all; `before` is what the key was.
fn is_explained(events: &[Event], before: Value) -> bool {
    assert!(events.len() < 128);
    let all = (1_u128 << events.len()) - 1;
    let mut seen = HashSet::new();
    let mut open = vec![(0_u128, before)];
    while let Some((done, value)) = open.pop() {
        if done == all {
            return true;
        }
        if !seen.insert((done, value)) {
            continue;
        }
        let left = || (0..events.len()).filter(|at| done >> at & 1 == 0);
        let first_end = left().map(|at| events[at].ended).min().unwrap();
        for at in left().filter(|&at| events[at].begun < first_end) {
            if let Some(after) = events[at].kind.apply(value) {
                open.push((done | 1 << at, after));
            }
        }
    }
    false
}

/// The events that tell something: a refusal beside an insert of the same key may be of one that
/// was not seen yet.
fn telling(events: &[Event]) -> Vec<Event> {
    let beside = |refused: &Event| {
        let meets = |other: &Event| other.begun < refused.ended && refused.begun < other.ended;
        events.iter().any(|other| other.kind.adds() && meets(other))
    };
    let tells = |event: &&Event| event.kind != Kind::Refused || !beside(event);
    events.iter().filter(tells).copied().collect()
}

struct Run {
    index: Index,
    keys: u64,
    clock: AtomicU64,
    versions: AtomicU64,
}

impl Run {
    fn new(seed: u64, keys: u64) -> Self {
        let index = Index::builder(1).metric(Metric::L2).m(4).ef_construction(20).seed(seed);
        Self { index: index.build().unwrap(), keys, clock: 0.into(), versions: 0.into() }
    }

    fn now(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    /// One operation; what it was, for one key or, by a search, for all.
    fn act(&self, numbers: &mut Numbers, events: &mut Vec<Event>) {
        let key = numbers.below(self.keys as usize) as u64;
        let version = self.versions.fetch_add(1, Ordering::Relaxed) as u32 + 1;
        let vector = [version as f32];
        let index = &self.index;
        let begun = self.now();
        let kind = match numbers.below(10) {
            0 | 1 => match index.insert(key, &vector) {
                Ok(()) => Some(Kind::Insert(version)),
                Err(Error::DuplicateKey { .. }) => Some(Kind::Refused),
                // Few live, and a thread that was stopped in the middle holds the dead.
                Err(Error::Overloaded { .. }) => None,
                Err(error) => panic!("{error}"),
            },
            2..=4 => match index.upsert(key, &vector) {
                Ok(replaced) => Some(Kind::Upsert(version, replaced)),
                Err(Error::Busy { .. } | Error::Overloaded { .. }) => None,
                Err(error) => panic!("{error}"),
            },
            5 | 6 => Some(Kind::Delete(index.delete(key).unwrap())),
            7 => Some(Kind::Saw(index.get(key).map(|vector| vector[0] as u32))),
            8 => {
                index.reclaim().unwrap();
                None
            }
            _ => {
                let exact = numbers.below(2) == 0;
                let room = 2 * self.keys as usize;
                let hits = index.search(&[0.0]).up_to(room).exact(exact).run().unwrap();
                let ended = self.now();
                let mut seen = vec![None; self.keys as usize];
                for hit in hits {
                    let version = hit.distance.sqrt() as u32;
                    let twice = seen[hit.key as usize].replace(version);
                    assert_eq!(twice, None, "key {} is found twice", hit.key);
                }
                let looks = seen.into_iter().zip(0..);
                events.extend(looks.map(|(seen, key)| Event {
                    key,
                    kind: Kind::Saw(seen),
                    begun,
                    ended,
                }));
                None
            }
        };
        let ended = self.now();
        events.extend(kind.map(|kind| Event { key, kind, begun, ended }));
    }

    /// What all keys lead to while nobody writes.
    fn values(&self) -> Vec<Value> {
        (0..self.keys).map(|key| self.index.get(key).map(|vector| vector[0] as u32)).collect()
    }

    fn round(&self, seed: u64, threads: usize) {
        let before = self.values();
        let ready = AtomicU64::new(0);
        let work = |thread: usize| {
            let mut numbers = Numbers::new(seed ^ (thread as u64) << 40);
            let mut events = Vec::new();
            ready.fetch_add(1, Ordering::SeqCst);
            while ready.load(Ordering::SeqCst) < threads as u64 {
                std::thread::yield_now();
            }
            for _ in 0..OPERATIONS / threads {
                self.act(&mut numbers, &mut events);
                if numbers.below(4) == 0 {
                    std::thread::yield_now();
                }
            }
            events
        };
        let mut events: Vec<Event> = std::thread::scope(|scope| {
            let work = &work;
            let all: Vec<_> = (0..threads).map(|t| scope.spawn(move || work(t))).collect();
            all.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        let after = self.values();
        for key in 0..self.keys {
            let (begun, ended) = (self.now(), self.now());
            events.push(Event { key, kind: Kind::Saw(after[key as usize]), begun, ended });
            let own: Vec<Event> = events.iter().filter(|e| e.key == key).copied().collect();
            let explained = is_explained(&telling(&own), before[key as usize]);
            assert!(explained, "key {key} was {:?}: {own:#?}", before[key as usize]);
        }
    }
}

#[test]
fn every_history_of_a_key_has_an_order_that_explains_it() {
    let first = seed(1);
    let runs = times(30, 300, 10_000) as u64;
    let mut again = 0;
    for seed in first..first + runs {
        let outcome = std::panic::catch_unwind(|| {
            let mut numbers = Numbers::new(seed);
            let run = Run::new(seed, 1 << (2 + numbers.below(4)));
            for _ in 0..ROUNDS {
                run.round(numbers.bits(), 2 + numbers.below(3));
            }
            let audit = run.index.check().unwrap();
            assert_eq!(run.index.keys().unwrap().len(), run.index.len());
            let used = audit.nodes + audit.dead;
            let written = run.versions.into_inner() as usize;
            assert!(used < 200, "{audit:?} after {written}");
            written
        });
        assert!(outcome.is_ok(), "replay by ECPHORY_SEED={seed}, a few times");
        again += outcome.unwrap();
    }
    println!("{runs} runs, {again} operations");
}

#[test]
fn a_history_without_an_order_is_refused() {
    use Kind::{Delete, Insert, Refused, Saw, Upsert};

    let event = |kind, begun, ended| Event { key: 0, kind, begun, ended };
    let explained = |kinds: &[(Kind, u64, u64)]| {
        let events: Vec<_> = kinds.iter().map(|&(k, b, e)| event(k, b, e)).collect();
        is_explained(&telling(&events), None)
    };
    assert!(explained(&[(Insert(1), 0, 1), (Saw(Some(1)), 2, 3)]));
    assert!(!explained(&[(Insert(1), 0, 1), (Saw(None), 2, 3)]), "acknowledged, not seen");
    assert!(!explained(&[(Insert(1), 0, 1), (Delete(true), 2, 3), (Saw(Some(1)), 4, 5)]));
    let update = [(Insert(1), 0, 1), (Upsert(2, true), 2, 7)];
    let looks = |first, second| [(Saw(first), 3, 4), (Saw(second), 5, 6)];
    assert!(explained(&[update, looks(Some(1), Some(2))].concat()));
    assert!(!explained(&[update, looks(Some(2), Some(1))].concat()), "new, then old");
    assert!(!explained(&[update, looks(None, Some(2))].concat()), "neither");
    assert!(explained(&[(Insert(1), 0, 3), (Refused, 1, 2)]), "about to be there");
    assert!(!explained(&[(Refused, 0, 1)]));
}
