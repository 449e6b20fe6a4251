//! Random sequences of operations against a sorted map and plain arithmetic.
//!
//! Vectors lie on a small grid: distances are whole numbers, exact in `f32` and of rows kept in
//! `f16`, ties are common, and so are equal vectors. A run ends at the first step that fails, and
//! names its seed and that step: `ECPHORY_SEED` replays it, and the steps before are all it takes.

use std::cell::Cell;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use ecphory::exec::Sequential;
use ecphory::{Check, Codes, Error, Hit, Index, Item, Metric, Region, Rows, TagFilter, key_of};
use ecphory_tests::data::{Numbers, seed};

/// How much an index of a run may hold.
#[derive(Clone, Copy)]
struct Size {
    /// Keys that operations choose from.
    keys: usize,
    /// Items built at once, at most.
    built: usize,
}

const SMALL: Size = Size { keys: 60, built: 50 };
/// Enough for codes, of an index that grew as well, and for rounds of reclaiming in many pieces.
const LARGE: Size = Size { keys: 2500, built: 2000 };

const TAGS: [&str; 3] = ["red", "out of stock", "größe:42"];

const NAMES: [&str; 3] = ["apple", "größe:42", " "];

/// What an item should be.
#[derive(Clone, Default, Debug, PartialEq)]
struct Record {
    vector: Vec<f32>,
    name: Option<&'static str>,
    tags: BTreeSet<&'static str>,
    payload: Vec<u8>,
}

impl Record {
    fn item<'a>(&'a self, key: u64, tags: &'a [&'a str]) -> Item<'a> {
        let item = self
            .name
            .map_or_else(|| Item::new(key, &self.vector), |name| Item::named(name, &self.vector));
        item.tags(tags).payload(&self.payload)
    }
}

/// An index and what it should hold.
struct Pair {
    index: Index,
    items: BTreeMap<u64, Record>,
    dim: usize,
    metric: Metric,
    size: Size,
    numbers: Numbers,
}

fn distance(metric: Metric, a: &[f32], b: &[f32]) -> f64 {
    let sum = |f: fn(f64, f64) -> f64| -> f64 {
        a.iter().zip(b).map(|(&x, &y)| f(f64::from(x), f64::from(y))).sum()
    };
    let norm = |v: &[f32]| v.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
    match metric {
        Metric::L2 => sum(|x, y| (x - y) * (x - y)),
        Metric::InnerProduct => 0.0 - sum(|x, y| x * y),
        Metric::Cosine => (1.0 - sum(|x, y| x * y) / (norm(a) * norm(b))).max(0.0),
    }
}

impl Pair {
    fn new(seed: u64, size: Size) -> Self {
        let mut numbers = Numbers::new(seed);
        let dim = 1 + numbers.below(9);
        let metric = Metric::ALL[numbers.below(3)];
        let codes = [Codes::Auto, Codes::None][numbers.below(2)];
        let rows = [Rows::F32, Rows::F16][numbers.below(2)];
        let m = [4, 16, 4 + numbers.below(13)][numbers.below(3)];
        let builder = Index::builder(dim).metric(metric).codes(codes).rows(rows).seed(seed);
        let index = builder.m(m).ef_construction(40).build().unwrap();
        Self { index, items: BTreeMap::new(), dim, metric, size, numbers }
    }

    /// A grid point with a direction.
    fn vector(&mut self) -> Vec<f32> {
        loop {
            let vector: Vec<f32> =
                (0..self.dim).map(|_| self.numbers.below(7) as f32 - 3.0).collect();
            if vector.iter().any(|&x| x != 0.0) {
                return vector;
            }
        }
    }

    fn key(&mut self) -> u64 {
        match self.numbers.below(20) {
            0 => u64::MAX - self.numbers.below(3) as u64,
            1 | 2 => key_of(NAMES[self.numbers.below(3)]),
            _ => self.numbers.below(self.size.keys) as u64,
        }
    }

    fn step(&mut self) {
        match self.numbers.below(200) {
            0 => self.clear(),
            1..=8 => self.build(),
            9..=12 => self.reopen(),
            13..=14 => self.compare(),
            15..=24 => self.refuse(),
            25..=39 => drop(self.index.reclaim().unwrap()),
            40..=74 => self.insert(),
            75..=104 => self.upsert(),
            105..=114 => self.update(),
            115..=124 => self.tag(),
            125..=159 => self.delete(),
            160 => self.delete_where(),
            161..=164 => self.find_all(),
            165..=177 => self.search_tagged(),
            _ => self.search(),
        }
    }

    fn clear(&mut self) {
        for key in std::mem::take(&mut self.items).into_keys() {
            assert_eq!(self.index.delete(key), Ok(true));
        }
        self.compare();
        let query = self.vector();
        assert_eq!(self.index.search(&query).run(), Err(Error::Empty));
        assert_eq!(self.index.search(&query).up_to(5).run(), Ok(vec![]));
    }

    fn build(&mut self) {
        let count = self.numbers.below(self.size.built);
        let distinct = self.numbers.below(4) > 0;
        let some = |pair: &mut Self, at| if distinct { at } else { pair.key() };
        let mut rows: Vec<(u64, Record)> = Vec::new();
        for at in 0..count as u64 {
            let key = some(self, at);
            rows.push((key, self.record(key)));
        }
        let keys: Vec<u64> = rows.iter().map(|(key, _)| *key).collect();
        let described = self.numbers.below(2) == 0;
        let built = if described {
            let tags: Vec<Vec<&str>> =
                rows.iter().map(|(_, row)| row.tags.iter().copied().collect()).collect();
            let items: Vec<Item<'_>> =
                rows.iter().zip(&tags).map(|((key, row), tags)| row.item(*key, tags)).collect();
            self.index.bulk_build_items(&items, &Sequential, &mut |_| true)
        } else {
            let vectors: Vec<f32> = rows.iter().flat_map(|(_, row)| row.vector.clone()).collect();
            self.index.bulk_build(&keys, &vectors, &Sequential, &mut |_| true)
        };
        let distinct: BTreeMap<u64, Record> = rows.into_iter().collect();
        if !self.items.is_empty() {
            assert_eq!(built, Err(Error::NotEmpty { len: self.items.len() }));
        } else if distinct.len() < keys.len() {
            assert!(matches!(built, Err(Error::DuplicateKey { .. })), "{built:?}");
        } else {
            assert_eq!(built, Ok(()));
            let kept = |row: Record| {
                if described { row } else { Record { vector: row.vector, ..Record::default() } }
            };
            self.items = distinct.into_iter().map(|(key, row)| (key, kept(row))).collect();
        }
    }

    /// Anything an item of this key may be.
    fn record(&mut self, key: u64) -> Record {
        let name = NAMES.into_iter().find(|name| key_of(name) == key);
        let name = name.filter(|_| self.numbers.below(2) == 0);
        let vector = self.vector();
        let tags = TAGS.into_iter().filter(|_| self.numbers.below(3) == 0).collect();
        let payload = vec![7; self.numbers.below(3) * self.numbers.below(40)];
        Record { vector, name, tags, payload }
    }

    /// A filter, and what it means.
    fn filter(&mut self) -> (TagFilter, fn(&BTreeSet<&str>) -> bool) {
        let [a, b, c] = TAGS.map(TagFilter::tag);
        match self.numbers.below(5) {
            0 => (a, |tags| tags.contains(TAGS[0])),
            1 => (a & !b, |tags| tags.contains(TAGS[0]) && !tags.contains(TAGS[1])),
            2 => (b | c, |tags| tags.contains(TAGS[1]) || tags.contains(TAGS[2])),
            3 => (TagFilter::all(TAGS), |tags| tags.len() == 3),
            _ => (!TagFilter::any(TAGS) | TagFilter::tag("unknown"), |tags| tags.is_empty()),
        }
    }

    fn insert(&mut self) {
        let key = self.key();
        let record = self.record(key);
        let tags: Vec<&str> = record.tags.iter().copied().collect();
        let inserted = self.index.insert_item(&record.item(key, &tags));
        match self.items.entry(key) {
            Entry::Occupied(_) => assert_eq!(inserted, Err(Error::DuplicateKey { key })),
            Entry::Vacant(place) => {
                assert_eq!(inserted, Ok(()));
                place.insert(record);
            }
        }
    }

    fn upsert(&mut self) {
        let key = self.key();
        let mut record = self.record(key);
        let tags: Vec<&str> = record.tags.iter().copied().collect();
        let there = self.items.remove(&key);
        let upserted = self.index.upsert_item(&record.item(key, &tags));
        assert_eq!(upserted, Ok(there.is_some()));
        // A name stays with its key.
        record.name = record.name.or(there.and_then(|there| there.name));
        self.items.insert(key, record);
    }

    fn update(&mut self) {
        let key = self.key();
        let update = self.record(key);
        let updated = self.index.update_item(&update.item(key, &["never", "seen"]));
        assert_eq!(updated, Ok(self.items.contains_key(&key)));
        self.items.entry(key).and_modify(|record| {
            record.vector = update.vector;
            record.name = update.name.or(record.name);
        });
    }

    fn tag(&mut self) {
        let (key, tag) = (self.key(), TAGS[self.numbers.below(3)]);
        let is_given = self.numbers.below(2) == 0;
        let done = if is_given { self.index.tag(key, tag) } else { self.index.untag(key, tag) };
        let wanted = self.items.get_mut(&key).is_some_and(|record| {
            let had = if is_given { !record.tags.insert(tag) } else { record.tags.remove(tag) };
            is_given || had
        });
        assert_eq!(done, Ok(wanted));
    }

    fn delete_where(&mut self) {
        let (filter, admits) = self.filter();
        let before = self.items.len();
        self.items.retain(|_, record| !admits(&record.tags));
        assert_eq!(self.index.delete_where(&filter), Ok(before - self.items.len()));
        assert_eq!(self.index.count(&filter), Ok(0));
    }

    fn delete(&mut self) {
        let key = self.key();
        assert_eq!(self.index.delete(key), Ok(self.items.remove(&key).is_some()));
        assert!(!self.index.contains(key) && self.index.get(key).is_none());
    }

    fn refuse(&mut self) {
        let (key, mut vector) = (self.key(), self.vector());
        let place = self.numbers.below(self.dim);
        vector[place] = [f32::NAN, f32::INFINITY, f32::MAX][self.numbers.below(3)];
        assert!(self.index.insert(key, &vector).is_err());
        assert!(self.index.search(&vector).run().is_err());
    }

    fn reopen(&mut self) {
        let snapshot = self.index.to_snapshot().unwrap();
        let check = [Check::Full, Check::Header][self.numbers.below(2)];
        self.index = Index::open(Region::copy_of(&snapshot).unwrap(), check).unwrap();
        assert!(self.index.to_snapshot().unwrap() == snapshot, "written again: the same bytes");
    }

    fn search(&mut self) {
        let query = self.vector();
        let k = 1 + self.numbers.below(70);
        let exact = self.index.search(&query).up_to(k).exact(true).run().unwrap();
        let mut model: Vec<(f64, u64)> = self
            .items
            .iter()
            .map(|(&key, r)| (distance(self.metric, &query, &r.vector), key))
            .collect();
        model.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        model.truncate(k);
        assert_eq!(exact.len(), model.len());
        for (hit, &(distance, key)) in exact.iter().zip(&model) {
            if self.metric == Metric::Cosine {
                // Not whole numbers: near, and equal ones in any order.
                assert!((f64::from(hit.distance) - distance).abs() < 1e-6, "{hit:?} {distance}");
            } else {
                assert_eq!((f64::from(hit.distance), hit.key), (distance, key));
            }
        }
        let walked = self.index.search(&query).up_to(k).run().unwrap();
        self.check(&query, &exact);
        self.check(&query, &walked);
        assert_eq!(walked.len(), model.len(), "as many as there are");
        if k <= self.items.len() {
            assert_eq!(self.index.search(&query).k(k).run().unwrap(), walked);
        } else {
            let len = self.items.len();
            let refused = if len == 0 { Error::Empty } else { Error::NotEnoughItems { k, len } };
            assert_eq!(self.index.search(&query).k(k).run(), Err(refused));
        }
    }

    fn search_tagged(&mut self) {
        let query = self.vector();
        let (filter, admits) = self.filter();
        let wanted = self.items.values().filter(|record| admits(&record.tags)).count();
        assert_eq!(self.index.count(&filter), Ok(wanted));
        let k = 1 + self.numbers.below(70);
        for exact in [true, false] {
            let search = self.index.search(&query).up_to(k).tagged(&filter);
            let hits = search.exact(exact).run().unwrap();
            self.check(&query, &hits);
            assert_eq!(hits.len(), k.min(wanted));
            assert!(hits.iter().all(|hit| admits(&self.items[&hit.key].tags)));
        }
    }

    /// Hits are items, each once, in order, at the distance of their own vectors.
    fn check(&self, query: &[f32], hits: &[Hit]) {
        let before = |a: &Hit, b: &Hit| (a.distance, a.key) < (b.distance, b.key);
        assert!(hits.is_sorted_by(before), "{hits:?}");
        let mut keys: Vec<u64> = hits.iter().map(|hit| hit.key).collect();
        keys.sort_unstable();
        assert!(keys.is_sorted_by(|a, b| a < b), "a key twice in {hits:?}");
        for hit in hits {
            let own = distance(self.metric, query, &self.items[&hit.key].vector);
            let off = (f64::from(hit.distance) - own).abs();
            assert!(off < if self.metric == Metric::Cosine { 1e-6 } else { 1e-300 }, "{hit:?}");
        }
    }

    /// With room for all items, the walk finds every one of them, and tells the same bits.
    fn find_all(&mut self) {
        let query = self.vector();
        let all = self.items.len() + 1;
        let scanned = self.index.search(&query).up_to(all).exact(true).run().unwrap();
        self.check(&query, &scanned);
        assert_eq!(scanned.len(), self.items.len());
        assert_eq!(self.index.search(&query).up_to(all).run().unwrap(), scanned);
    }

    fn compare(&self) {
        assert_eq!(self.index.len(), self.items.len());
        assert_eq!(self.index.keys().unwrap(), self.items.keys().copied().collect::<Vec<_>>());
        let mut keys: Vec<u64> = self.index.iter().collect();
        keys.sort_unstable();
        assert_eq!(keys, self.index.keys().unwrap());
        for (&key, Record { vector, name, tags, payload }) in &self.items {
            assert!(self.index.contains(key));
            assert_eq!(self.index.get(key).as_ref(), Some(vector));
            let known = self.index.tags(key).unwrap();
            assert!(known.iter().map(String::as_str).eq(tags.iter().copied()), "{known:?}");
            assert_eq!(self.index.payload(key).as_ref(), Some(payload));
            assert_eq!(self.index.name(key).as_deref(), *name);
        }
        assert!(self.index.tags(1 << 40).is_none() && self.index.payload(1 << 40).is_none());
        assert!(!self.index.contains(1 << 40) && self.index.get(1 << 40).is_none());
        let audit = self.index.check().unwrap();
        assert_eq!(audit.reachable, audit.nodes);
        // The node that roots the backbone stays when its item goes.
        assert!(audit.nodes - self.items.len() <= 1, "{audit:?}");
    }
}

/// Runs of so many steps each.
fn runs(first: u64, count: u64, steps: usize, size: Size) {
    for seed in first..first + count {
        let at = Cell::new(0);
        let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut pair = Pair::new(seed, size);
            for step in 0..steps {
                at.set(step);
                pair.step();
            }
            pair.compare();
        }));
        assert!(run.is_ok(), "step {}: replay by ECPHORY_SEED={seed}", at.get());
    }
}

#[test]
fn operations_agree_with_a_model() {
    let runs_of_200 = if ecphory_tests::full() { 4000 } else { 200 };
    runs(seed(1), runs_of_200, 200, SMALL);
}

#[test]
fn operations_on_larger_indexes_agree_with_a_model() {
    let runs_of_1000 = if ecphory_tests::full() { 210 } else { 10 };
    runs(seed(1), runs_of_1000, 1000, LARGE);
}
