//! Random sequences of operations against a sorted map and plain arithmetic.
//!
//! Vectors lie on a small grid: distances are whole numbers, exact in `f32`, ties are common, and
//! so are equal vectors. A failure names its seed; `ECPHORY_SEED` replays it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use ecphory::exec::Sequential;
use ecphory::{Check, Codes, Error, Index, Metric, Region};
use ecphory_tests::data::{Numbers, seed};

/// An index and what it should hold.
struct Pair {
    index: Index,
    items: BTreeMap<u64, Vec<f32>>,
    dim: usize,
    metric: Metric,
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
    fn new(seed: u64) -> Self {
        let mut numbers = Numbers::new(seed);
        let dim = 1 + numbers.below(9);
        let metric = Metric::ALL[numbers.below(3)];
        let codes = [Codes::Auto, Codes::None][numbers.below(2)];
        let builder = Index::builder(dim).metric(metric).codes(codes).seed(seed);
        let index = builder.m(4 + numbers.below(13)).build().unwrap();
        Self { index, items: BTreeMap::new(), dim, metric, numbers }
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
        [self.numbers.below(60) as u64, u64::MAX - self.numbers.below(3) as u64]
            [usize::from(self.numbers.below(8) == 0)]
    }

    fn step(&mut self) {
        match self.numbers.below(12) {
            0 => self.build(),
            1..=5 => self.insert(),
            6 => self.refuse(),
            7 => self.reopen(),
            _ => self.search(),
        }
    }

    fn build(&mut self) {
        let count = self.numbers.below(50);
        let rows: Vec<(u64, Vec<f32>)> = (0..count).map(|_| (self.key(), self.vector())).collect();
        let keys: Vec<u64> = rows.iter().map(|(key, _)| *key).collect();
        let vectors: Vec<f32> = rows.iter().flat_map(|(_, vector)| vector.clone()).collect();
        let distinct: BTreeMap<u64, Vec<f32>> = rows.into_iter().collect();
        let built = self.index.bulk_build(&keys, &vectors, &Sequential, &mut |_| true);
        if !self.items.is_empty() {
            assert_eq!(built, Err(Error::NotEmpty { len: self.items.len() }));
        } else if distinct.len() < keys.len() {
            assert!(matches!(built, Err(Error::DuplicateKey { .. })), "{built:?}");
        } else {
            assert_eq!(built, Ok(()));
            self.items = distinct;
        }
    }

    fn insert(&mut self) {
        let (key, vector) = (self.key(), self.vector());
        let inserted = self.index.insert(key, &vector);
        match self.items.entry(key) {
            Entry::Occupied(_) => assert_eq!(inserted, Err(Error::DuplicateKey { key })),
            Entry::Vacant(place) => {
                assert_eq!(inserted, Ok(()));
                place.insert(vector);
            }
        }
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
        let mut model: Vec<(f64, u64)> =
            self.items.iter().map(|(&key, v)| (distance(self.metric, &query, v), key)).collect();
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
        // With room for all items, the walk finds every one of them.
        let all = self.items.len() + 1;
        let scanned = self.index.search(&query).up_to(all).exact(true).run().unwrap();
        assert_eq!(self.index.search(&query).up_to(all).run().unwrap(), scanned);
    }

    fn compare(&self) {
        assert_eq!(self.index.len(), self.items.len());
        assert_eq!(self.index.keys().unwrap(), self.items.keys().copied().collect::<Vec<_>>());
        for (key, vector) in &self.items {
            assert_eq!(self.index.get(*key).as_ref(), Some(vector));
        }
        assert!(!self.index.contains(1000) && self.index.get(1000).is_none());
        let audit = self.index.check().unwrap();
        assert_eq!((audit.nodes, audit.reachable), (self.items.len(), self.items.len()));
    }
}

#[test]
fn operations_agree_with_a_model() {
    let first = seed(1);
    let seeds = if ecphory_tests::full() { 3000 } else { 150 };
    for seed in first..first + seeds {
        let run = std::panic::catch_unwind(|| {
            let mut pair = Pair::new(seed);
            for _ in 0..60 {
                pair.step();
            }
            pair.compare();
        });
        assert!(run.is_ok(), "replay by ECPHORY_SEED={seed}");
    }
}
