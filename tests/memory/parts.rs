//! What a memory is made of: parts that recombine, times that only readers bring, and what goes.

use std::sync::Arc;

use ecphory::exec::Sequential;
use ecphory::log::Memory as Folder;
use ecphory::memory::priming::Priming;
use ecphory::memory::retention::{Curve, Retention};
use ecphory::memory::scoring::{Confidence, Scoring};
use ecphory::{Association, Check, Index, Item, Metric, Region, Space, Store, WeighedHits};
use ecphory_tests::data::Numbers;

const DAY: u64 = 86_400_000;
const COUNT: u64 = 300;

fn retention() -> Retention {
    Retention::new(Curve::FSRS_6).unwrap().floor(0.05).unwrap()
}

fn store() -> (Arc<Folder>, Space, Store) {
    let folder = Arc::new(Folder::default());
    let store = Store::builder().open(folder.clone()).unwrap();
    let space = store.create("a", Index::builder(4).metric(Metric::Cosine).m(4)).unwrap();
    space.set_retention(retention()).unwrap();
    let mut numbers = Numbers::new(3);
    for key in 0..COUNT {
        let confidence = Confidence::new(numbers.below(5) as f32 / 4.0).unwrap();
        let vector = numbers.units(4);
        let item = Item::new(key, &vector).confidence(confidence);
        space.apply(&ecphory::Op::Insert(item.at(DAY * (1 + key)))).unwrap();
    }
    for key in (0..COUNT).step_by(3) {
        space.reinforce(key, DAY * (400 + key)).unwrap();
        space.associate(&Association::new(key, (key + 5) % COUNT).weight(2.0)).unwrap();
    }
    space.set_evergreen(0, true).unwrap();
    (folder, space, store)
}

fn weighed(space: &Space, now: u64) -> WeighedHits {
    let search = space.search(&[0.5, -0.2, 0.1, 0.9]).k(20);
    search.weighed(Scoring::PENALISED).at(now).run().unwrap()
}

#[test]
fn the_parts_of_a_hit_recombine_to_its_score() {
    let (_, space, _) = store();
    let scorer = Scoring::PENALISED.over(Metric::Cosine).unwrap();
    let found = weighed(&space, 900 * DAY);
    for hit in &found.hits {
        let standing = space.standing(hit.key).unwrap();
        assert_eq!(hit.confidence, standing.confidence);
        assert_eq!(hit.retention, retention().at(&standing.trace, 900 * DAY));
        assert_eq!(hit.score, scorer.score(hit.distance, hit.confidence.faded(hit.retention)));
    }
    assert!(found.hits.is_sorted_by(|a, b| a.score <= b.score));
    assert!(found.hits.iter().any(|hit| hit.retention < 1.0));
    let recollected = space.recollect().about(&[3, 7]).gain(0.5).k(20).run().unwrap();
    for memory in &recollected.memories {
        let response = 0.5 * memory.activation / (memory.activation + 0.003);
        assert_eq!(memory.score, memory.similarity + response);
        assert_eq!(memory.similarity, 1.0 - f64::from(memory.distance));
        assert_eq!(memory.path.is_empty(), memory.activation == 0.0);
    }
    let sum: f64 = recollected.memories.iter().map(|memory| memory.activation).sum();
    assert!(sum > 0.0 && sum <= 1.0);
}

#[test]
fn time_is_what_a_reader_brings_and_nothing_else() {
    let (folder, space, store) = store();
    let times = [0, 1, 300 * DAY, 900 * DAY, u64::MAX, 900 * DAY];
    let before: Vec<_> = times.iter().map(|&now| weighed(&space, now)).collect();
    // Clocks that jump leave no trace.
    assert_eq!(before[3], before[5]);
    assert_ne!(before[2], before[3]);
    drop((space, store));
    for turn in 0..2 {
        let store = Store::builder().open(folder.clone()).unwrap();
        let space = store.space("a").unwrap();
        let after: Vec<_> = times.iter().map(|&now| weighed(&space, now)).collect();
        let hits = |found: &[WeighedHits]| found.iter().map(|f| f.hits.clone()).collect::<Vec<_>>();
        assert_eq!(hits(&after), hits(&before), "after {turn} checkpoints");
        store.checkpoint().unwrap();
    }
}

#[test]
fn what_is_listed_as_forgotten_is_what_a_purge_takes() {
    let (_, space, _) = store();
    let now = 2000 * DAY;
    let forgotten = space.forgotten(0.5, now);
    assert!(!forgotten.is_empty() && forgotten.len() < COUNT as usize);
    let left = |key| retention().at(&space.standing(key).unwrap().trace, now);
    assert!(forgotten.is_sorted_by(|&a, &b| left(a) <= left(b)), "most forgotten first");
    assert!(!forgotten.contains(&0), "what never fades stays");
    let kept: Vec<u64> = (0..COUNT).filter(|key| !forgotten.contains(key)).collect();
    assert!(kept.iter().all(|&key| left(key) >= 0.5));
    assert_eq!(space.purge(0.5, now).unwrap(), forgotten.len());
    let mut after: Vec<u64> = space.iter().collect();
    after.sort_unstable();
    assert_eq!((after, space.forgotten(0.5, now)), (kept, vec![]));
    space.check().unwrap();
}

#[test]
fn a_recent_cue_raises_what_it_leads_to_for_a_while() {
    let (_, space, _) = store();
    let mut priming = Priming::new(DAY, 3 * DAY).unwrap();
    priming.note(9, 100 * DAY);
    let active = |now: u64, key: u64| {
        let about = [150];
        let recollected = space.recollect().about(&about).k(COUNT as usize).ef(300).at(now);
        let found = recollected.primed(&priming).run().unwrap();
        found.memories.iter().find(|memory| memory.key == key).map_or(0.0, |m| m.activation)
    };
    // 9 leads to 14, and 150 to 155.
    let then = [0, 1, 2, 4].map(|days| active((100 + days) * DAY, 14));
    assert!(then[0] > then[1] && then[1] > then[2] && then[2] > then[3], "{then:?}");
    let unprimed = space.recollect().about(&[150]).k(COUNT as usize).ef(300).at(104 * DAY);
    let unprimed = unprimed.run().unwrap();
    let without = unprimed.memories.iter().find(|memory| memory.key == 14);
    assert_eq!(then[3], without.map_or(0.0, |memory| memory.activation), "the window is over");
}

#[test]
fn what_was_of_use_together_comes_to_mind_together() {
    let index = Index::builder(2).metric(Metric::Cosine).build().unwrap();
    let vectors: Vec<f32> = (0..40).flat_map(|key| [1.0, key as f32]).collect();
    index.bulk_build(&(0..40).collect::<Vec<_>>(), &vectors, &Sequential, &mut |_| true).unwrap();
    let unsure = Confidence::new(0.25).unwrap();
    for to in [30, 35] {
        index.associate(&Association::new(0, to).confidence(unsure)).unwrap();
    }
    let active = |key: u64| {
        let found = index.recollect().about(&[0]).k(39).run().unwrap();
        found.memories.iter().find(|memory| memory.key == key).unwrap().activation
    };
    assert_eq!(active(30), active(35));
    // There is no way back from 30, so that of two directions one is stronger.
    let before = index.associations(0);
    assert!(index.strengthen_among(&[0, 30], 0.5).unwrap() >= 1);
    assert!(active(30) > active(35));
    (0..200).for_each(|_| drop(index.strengthen_among(&[0, 30], 0.9)));
    let after = index.associations(0);
    assert_eq!(
        (after[0].confidence, &after[1]),
        (Confidence::CERTAIN, &before[1]),
        "it is bounded"
    );
    let again = Index::open(Region::copy_of(&index.to_snapshot().unwrap()).unwrap(), Check::Full);
    assert_eq!(again.unwrap().associations(0), after);
}

/// Mean times to recognise a sentence about a person and a place, in seconds, by the number of facts
/// learnt about the person (rows) and the place: Anderson 1974, experiment 1, as in Anderson & Reder
/// 1999, table 1.
const RECOGNISED: [[f64; 3]; 3] =
    [[1.111, 1.174, 1.222], [1.167, 1.198, 1.222], [1.153, 1.233, 1.357]];

#[test]
fn the_more_is_known_of_a_cue_the_weaker_each_fact() {
    let (mut weaker, mut slower) = (Vec::new(), Vec::new());
    for (persons, row) in (1..).zip(RECOGNISED) {
        for (places, seconds) in (1..).zip(row) {
            weaker.push(-activation_of_a_fact(persons, places).ln());
            slower.push(seconds);
        }
    }
    // ACT-R's time is I + F · e^-A: here A is the logarithm of the activation that spread.
    let r = correlation(&weaker, &slower);
    println!("fan effect: r {r:.3}");
    assert!(r > 0.8, "{r}");
}

/// What a person and a place bring to mind of the one fact that joins them, where that many facts are
/// known of each. Nothing here knows of fans but who leads to whom.
fn activation_of_a_fact(of_person: u64, of_place: u64) -> f64 {
    let index = Index::builder(2).metric(Metric::L2).m(4).build().unwrap();
    let (person, place, fact) = (1, 2, 3);
    let mut numbers = Numbers::new(of_person * 10 + of_place);
    let mut learn = |key: u64| index.insert(key, &numbers.units(2)).unwrap();
    (1..=3).for_each(&mut learn);
    let mut next = 10;
    for (cue, facts) in [(person, of_person), (place, of_place)] {
        index.associate(&Association::new(cue, fact)).unwrap();
        for _ in 1..facts {
            next += 1;
            learn(next);
            index.associate(&Association::new(cue, next)).unwrap();
        }
    }
    let found = index.recollect().about(&[person, place]).alike(0.0).k(20).run().unwrap();
    found.memories.iter().find(|memory| memory.key == fact).unwrap().activation
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let product = |x: &[f64], mean_x: f64, y: &[f64], mean_y: f64| {
        x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>()
    };
    let both = product(a, mean_a, b, mean_b);
    both / (product(a, mean_a, a, mean_a) * product(b, mean_b, b, mean_b)).sqrt()
}
