//! Relations of 20,000 words are hidden, and recollection finds them again more often than likeness
//! or association alone.

use std::collections::{BTreeMap, BTreeSet};

use ecphory::exec::Sequential;
use ecphory::{Association, Check, Index, Metric, Region};
use ecphory_tests::data::Numbers;
use ecphory_tests::{fixture, full, words};
use serde_json::{Value, json};

/// One pair of related words in so many is hidden, with all relations between the two.
const HIDDEN: usize = 10;
/// What counts as found: to be among so many.
const K: usize = 10;
/// What each way of asking lists, so that known words can be left out of it.
const LISTED: usize = 100;

/// The pairs of words that are related, each from the one the relation is of.
fn relations() -> BTreeMap<(u64, u64), String> {
    let text = std::fs::read_to_string(fixture("words20k/words20k-relations.tsv")).unwrap();
    let mut relations = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let (from, to): (u64, u64) = (fields[0].parse().unwrap(), fields[2].parse().unwrap());
        if from != to {
            relations.entry((from, to)).or_insert_with(|| fields[1].to_owned());
        }
    }
    relations
}

/// Words by those they are related with, whichever way.
type Neighbours = BTreeMap<u64, BTreeSet<u64>>;

fn add(neighbours: &mut Neighbours, (one, other): (u64, u64)) {
    neighbours.entry(one).or_default().insert(other);
    neighbours.entry(other).or_default().insert(one);
}

/// What one way of asking finds: for each hidden neighbour of each cue, whether it was among the
/// first [`K`], and among those that were not known.
#[derive(Default)]
struct Found {
    raw: Vec<(u64, bool)>,
    filtered: Vec<(u64, bool)>,
}

impl Found {
    fn note(&mut self, cue: u64, listed: &[u64], hidden: &BTreeSet<u64>, known: &BTreeSet<u64>) {
        let raw: Vec<u64> = listed.iter().copied().take(K).collect();
        let new = listed.iter().copied().filter(|key| !known.contains(key));
        let filtered: Vec<u64> = new.take(K).collect();
        for word in hidden {
            self.raw.push((cue, raw.contains(word)));
            self.filtered.push((cue, filtered.contains(word)));
        }
    }
}

fn share(found: &[(u64, bool)]) -> f64 {
    100.0 * found.iter().filter(|(_, hit)| *hit).count() as f64 / found.len() as f64
}

/// By how many points more of the same is found, with a 95 % interval: differences are of pairs, and
/// those of one cue are not independent.
fn gain(with: &[(u64, bool)], without: &[(u64, bool)]) -> (f64, f64, f64) {
    let count = with.len() as f64;
    let difference = |i: usize| f64::from(u8::from(with[i].1)) - f64::from(u8::from(without[i].1));
    let mean = (0..with.len()).map(difference).sum::<f64>() / count;
    let mut of_cues: BTreeMap<u64, f64> = BTreeMap::new();
    for (i, (cue, _)) in with.iter().enumerate() {
        *of_cues.entry(*cue).or_default() += difference(i) - mean;
    }
    let error = of_cues.values().map(|sum| sum * sum).sum::<f64>().sqrt() / count;
    (100.0 * mean, 100.0 * (mean - 1.96 * error), 100.0 * (mean + 1.96 * error))
}

/// One of the two lists.
type Listed = fn(&Found) -> &[(u64, bool)];

/// Ranks by what recollection found of each: all of its listed memories, most active first.
fn by_activation(memories: &[ecphory::Recollected]) -> Vec<u64> {
    let mut active: Vec<_> =
        memories.iter().map(|memory| (memory.activation, memory.key)).collect();
    active.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    active.into_iter().filter(|(activation, _)| *activation > 0.0).map(|(_, key)| key).collect()
}

/// The finds of plain search, of activation alone, and of recollection.
fn ask(snapshot: &[u8], seed: u64, cues: usize, found: &mut [Found; 3]) {
    let index = Index::open(Region::copy_of(snapshot).unwrap(), Check::Header).unwrap();
    let mut numbers = Numbers::new(seed);
    let relations = relations();
    let pairs: BTreeSet<(u64, u64)> =
        relations.keys().map(|&(from, to)| (from.min(to), from.max(to))).collect();
    let hidden: BTreeSet<(u64, u64)> =
        pairs.into_iter().filter(|_| numbers.below(HIDDEN) == 0).collect();
    let (mut sought, mut known) = (Neighbours::new(), Neighbours::new());
    for (&(from, to), kind) in &relations {
        if hidden.contains(&(from.min(to), from.max(to))) {
            add(&mut sought, (from, to));
        } else {
            add(&mut known, (from, to));
            index.associate(&Association::new(from, to).kind(kind)).unwrap();
        }
    }
    let none = BTreeSet::new();
    let step = (sought.len() / cues).max(1);
    for (&cue, hidden) in sought.iter().step_by(step) {
        let known = known.get(&cue).unwrap_or(&none);
        let vector = index.get(cue).unwrap();
        let near = index.search(&vector).k(LISTED + 1).ef(LISTED + 1).run().unwrap();
        let near: Vec<u64> = near.iter().map(|hit| hit.key).filter(|&key| key != cue).collect();
        let about = [cue];
        let recollected =
            index.recollect().about(&about).ef(2 * LISTED).k(4 * LISTED).run().unwrap();
        assert!(recollected.residual <= 1.0);
        let memories = &recollected.memories;
        assert!(memories.iter().all(|memory| memory.key != cue));
        let both: Vec<u64> = memories.iter().map(|memory| memory.key).collect();
        for (found, listed) in found.iter_mut().zip([near, by_activation(memories), both]) {
            found.note(cue, &listed, hidden, known);
        }
    }
}

#[test]
fn recollection_finds_hidden_relations_that_neither_likeness_nor_association_finds() {
    let vectors = &words().vectors;
    let index = Index::builder(384).metric(Metric::Cosine).build().unwrap();
    let keys: Vec<u64> = (0..vectors.rows() as u64).collect();
    index.bulk_build(&keys, vectors.values(), &Sequential, &mut |_| true).unwrap();
    let snapshot = index.to_snapshot().unwrap();
    drop(index);

    let (seeds, cues) = if full() { (1..=5, 10_000) } else { (4..=5, 1200) };
    let mut found: [Found; 3] = Default::default();
    for seed in seeds {
        ask(&snapshot, seed, cues, &mut found);
    }
    let [near, active, both] = &found;
    let mut report = serde_json::Map::new();
    let lists: [(&str, Listed); 2] =
        [("all", |found| &found.raw), ("unknown", |found| &found.filtered)];
    for (name, listed) in lists {
        let over_near = gain(listed(both), listed(near));
        let over_active = gain(listed(both), listed(active));
        let figures = |(mean, low, high): (f64, f64, f64)| json!([mean, low, high]);
        let figures = json!({
            "search": share(listed(near)),
            "activation": share(listed(active)),
            "recollect": share(listed(both)),
            "over_search": figures(over_near),
            "over_activation": figures(over_active),
            "least": over_near.1.min(over_active.1),
        });
        report.insert(name.to_owned(), figures);
    }
    report.insert("pairs".to_owned(), json!(both.raw.len()));
    let report = Value::Object(report);
    println!("{report}");
    for name in ["all", "unknown"] {
        let least = report[name]["least"].as_f64().unwrap();
        assert!(least > 0.0, "it helps by {least} points at least, of {name}");
    }
}
