//! Searches in which confidence weighs: against brute force, and against plain ones.

use ecphory::exec::Sequential;
use ecphory::memory::scoring::{Confidence, Exactness, Scoring};
use ecphory::{Index, Item, Metric};
use ecphory_tests::data::Numbers;
use ecphory_tests::{times, words};
use serde_json::json;

/// Any confidence, the ends among them.
fn confidence(numbers: &mut Numbers) -> Confidence {
    let steps = numbers.below(9);
    Confidence::new(steps as f32 / 8.0).unwrap()
}

/// An index of random items, and how sure each of them is.
fn random(numbers: &mut Numbers, metric: Metric) -> (Index, Vec<Confidence>) {
    let (count, dim) = (1 + numbers.below(200), 1 + numbers.below(12));
    let index = Index::builder(dim).metric(metric).m(4).build().unwrap();
    let sure = (0..count as u64).map(|key| {
        let mut vector = numbers.units(dim);
        vector[0] += 0.01;
        let confidence = confidence(numbers);
        index.insert_item(&Item::new(key, &vector).confidence(confidence)).unwrap();
        confidence
    });
    let sure = sure.collect();
    (index, sure)
}

#[test]
fn a_weighed_scan_is_brute_force() {
    let mut numbers = Numbers::new(5);
    let sets = times(100, 1000, 10_000);
    for set in 0..sets {
        let metric = Metric::ALL[set % 3];
        let (index, sure) = random(&mut numbers, metric);
        let mut query = numbers.units(index.options().dim);
        query[0] += 0.01;
        let scoring = match numbers.below(3) {
            0 if metric != Metric::InnerProduct => Scoring::Seed,
            1 => Scoring::Penalised { lambda: numbers.unit().abs() * 4.0 },
            _ => Scoring::PENALISED,
        };
        let k = 1 + numbers.below(12);
        let all = index.search(&query).up_to(sure.len()).exact(true).run().unwrap();
        let scorer = scoring.over(metric).unwrap();
        let scored = |hit: &ecphory::Hit| {
            let confidence = sure[hit.key as usize];
            (scorer.score(hit.distance, confidence), confidence, hit.key)
        };
        let mut expected: Vec<_> = all.iter().map(scored).collect();
        expected.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)).then(a.2.cmp(&b.2)));
        expected.truncate(k);
        let search = index.search(&query).up_to(k);
        let found = search.exact(true).weighed(scoring).run().unwrap();
        let hits = found.hits.iter().map(|hit| (hit.score, hit.confidence, hit.key));
        assert_eq!(hits.collect::<Vec<_>>(), expected, "set {set}, {scoring:?}, {metric:?}");
        assert_eq!(found.exactness, Exactness::Exact);
        // Of many equally near items a walk looks at some: as good, but perhaps others.
        let found = search.weighed(scoring).run().unwrap();
        if found.exactness == Exactness::Exact {
            let scores = found.hits.iter().map(|hit| hit.score);
            assert!(scores.eq(expected.iter().map(|expected| expected.0)), "set {set}");
        }
    }
    println!("{}", json!({ "sets": sets }));
}

#[test]
fn what_is_off_changes_nothing() {
    let mut numbers = Numbers::new(6);
    for set in 0..200 {
        let (index, _) = random(&mut numbers, Metric::ALL[set % 3]);
        let mut query = numbers.units(index.options().dim);
        query[0] += 0.01;
        let plain = index.search(&query).up_to(10).run().unwrap();
        let found =
            index.search(&query).up_to(10).weighed(Scoring::Plain).at(1 << 40).run().unwrap();
        let parts: Vec<_> =
            found.hits.iter().map(|hit| (hit.key, hit.distance.to_bits())).collect();
        let bits: Vec<_> = plain.iter().map(|hit| (hit.key, hit.distance.to_bits())).collect();
        assert_eq!(parts, bits);
        assert!(found.hits.iter().all(|hit| hit.score == f64::from(hit.distance)));
    }
}

#[test]
fn a_weighed_walk_among_words_is_as_good_as_a_plain_one_or_says_so() {
    let (vectors, queries) = (&words().vectors, &words().queries);
    let index = Index::builder(384).metric(Metric::Cosine).build().unwrap();
    let mut numbers = Numbers::new(7);
    let rows = vectors.values().chunks_exact(384);
    let items: Vec<Item<'_>> = (0..)
        .zip(rows)
        .map(|(key, vector)| Item::new(key, vector).confidence(confidence(&mut numbers)))
        .collect();
    index.bulk_build_items(&items, &Sequential, &mut |_| true).unwrap();
    let (mut plain, mut weighed, mut bounded, mut ratios) = (0, 0, 0, 0.0);
    let count = times(50, 250, 500);
    for query in queries.values().chunks_exact(384).take(count) {
        let search = index.search(query).k(10);
        let exact: Vec<u64> = search.exact(true).run().unwrap().iter().map(|hit| hit.key).collect();
        plain += search.run().unwrap().iter().filter(|hit| exact.contains(&hit.key)).count();
        let all = search.exact(true).weighed(Scoring::PENALISED).run().unwrap();
        let best: Vec<u64> = all.hits.iter().map(|hit| hit.key).collect();
        let found = search.weighed(Scoring::PENALISED).run().unwrap();
        weighed += found.hits.iter().filter(|hit| best.contains(&hit.key)).count();
        if let Exactness::Bounded { ratio } = found.exactness {
            bounded += 1;
            ratios += ratio;
        }
    }
    let percent = |hits: usize| 10.0 * hits as f64 / count as f64;
    let report = json!({
        "plain": percent(plain),
        "weighed": percent(weighed),
        "loss": percent(plain) - percent(weighed),
        "bounded": 100.0 * f64::from(bounded) / count as f64,
        "ratio": ratios / f64::from(bounded.max(1)),
    });
    println!("{report}");
    let loss = report["loss"].as_f64().unwrap();
    assert!(loss <= 1.0 || bounded > 0, "{loss} points are lost, and nothing is said of it");
}
