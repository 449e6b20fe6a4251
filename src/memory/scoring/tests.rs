//! Tests of scoring: what is wrong with the seed's formula, and that the stop rule misses nothing.

use super::*;
use crate::memory::numbers::{Numbers, times};

fn sure(confidence: f32) -> Confidence {
    Confidence::new(confidence).unwrap()
}

/// The formula as the seed has it: without a clamp, over any metric.
fn seed(distance: f32, confidence: f32) -> f32 {
    distance * (1.0 - confidence)
}

fn penalised(lambda: f32) -> Scorer {
    Scoring::Penalised { lambda }.over(Metric::Cosine).unwrap()
}

#[test]
fn by_the_seed_a_far_certain_memory_beats_an_exact_doubtful_one() {
    // Certain: 0, whatever the distance; and all of them tie.
    assert!(seed(1.9, 1.0) < seed(0.01, 0.9));
    assert_eq!(seed(1.9, 1.0), seed(0.1, 1.0));
    // Penalised: doubt costs a factor of 1 + λ at most, and certainty makes nothing nearer.
    let scorer = penalised(1.0);
    assert!(scorer.score(0.01, sure(0.0)) < scorer.score(1.9, sure(1.0)));
    assert!(scorer.score(0.1, sure(1.0)) < scorer.score(1.9, sure(1.0)));
    let mut numbers = Numbers::new(1);
    for _ in 0..10_000 {
        let (near, c) = (numbers.share() as f32 + 1e-3, numbers.share() as f32);
        let far = near * 2.001;
        assert!(scorer.score(near, sure(0.0)) < scorer.score(far, sure(c)), "{near} {c}");
    }
}

#[test]
fn by_the_seed_confidence_does_not_tell_duplicates_apart() {
    assert_eq!(seed(0.0, 0.1), seed(0.0, 0.9));
    let twice = [(0.0, sure(0.1), 1), (0.0, sure(0.9), 2), (0.0, sure(0.9), 3)];
    for scoring in [Scoring::Plain, Scoring::PENALISED, Scoring::Seed] {
        let best = weighted_top_k(twice, 3, scoring.over(Metric::L2).unwrap());
        // Ties: the surer first, then by key.
        assert_eq!(best.iter().map(|hit| hit.key).collect::<Vec<_>>(), [2, 3, 1], "{scoring:?}");
    }
}

#[test]
fn by_the_seed_confidence_worsens_negative_distances() {
    // -0.9 is nearer than -0.5, and surer; the product says the opposite.
    assert!(seed(-0.9, 0.9) > seed(-0.5, 0.0));
    assert_eq!(Scoring::Seed.over(Metric::InnerProduct), Err(Refused::SignedMetric));
    let scorer = Scoring::PENALISED.over(Metric::InnerProduct).unwrap();
    assert!(scorer.score(-0.9, sure(0.9)) < scorer.score(-0.5, sure(0.0)));
}

#[test]
fn by_the_seed_a_square_changes_the_order() {
    // Of one pair and one confidence, distance and squared distance disagree.
    let (near, far) = ((1.0_f32, 0.0), (3.0_f32, 0.8));
    assert!(seed(far.0, far.1) < seed(near.0, near.1));
    assert!(seed(far.0 * far.0, far.1) > seed(near.0 * near.0, near.1));
    // No product is free of that; but by how much the penalty can turn an order around is known
    // before, and a change of unit changes nothing.
    let scorer = penalised(1.0);
    let mut numbers = Numbers::new(2);
    for _ in 0..10_000 {
        let (a, b) = (numbers.share() as f32, numbers.share() as f32);
        let (c, d) = (sure(numbers.share() as f32), sure(numbers.share() as f32));
        let order = scorer.score(a, c).total_cmp(&scorer.score(b, d));
        assert_eq!(order, scorer.score(a * 1024.0, c).total_cmp(&scorer.score(b * 1024.0, d)));
    }
}

#[test]
fn a_walk_by_the_seed_ends_before_the_nearest() {
    // A chain towards the query; a certain item beside its beginning draws the walk in and ends it.
    let distance = [1.0_f32, 0.9, 0.5, 0.1, 0.0];
    let confidence = [0.0_f32, 0.999, 0.0, 0.0, 0.0];
    let links: [&[usize]; 5] = [&[1, 2], &[0], &[0, 3], &[2, 4], &[3]];
    let walk = |key: &dyn Fn(usize) -> f32| {
        let mut at = 0;
        while let Some(&next) = links[at].iter().min_by(|a, b| key(**a).total_cmp(&key(**b)))
            && key(next) < key(at)
        {
            at = next;
        }
        at
    };
    assert_eq!(walk(&|node| distance[node]), 4, "by raw distance");
    assert_eq!(walk(&|node| seed(distance[node], confidence[node])), 1, "by the seed's score");
}

#[test]
fn plain_scores_are_the_distances() {
    for metric in Metric::ALL {
        let scorer = Scoring::Plain.over(metric).unwrap();
        for distance in [-3.5_f32, -0.0, 0.0, 1e-40, 0.1, f32::MAX] {
            let score = scorer.score(distance, sure(0.3));
            assert_eq!(score as f32, distance);
        }
    }
}

#[test]
fn a_fold_keeps_the_order_of_inner_products() {
    let scorer = penalised_over_products();
    let mut numbers = Numbers::new(3);
    for _ in 0..100_000 {
        let mut draw = || f32::from_bits(numbers.bits() as u32);
        let (a, b) = (draw(), draw());
        if !(a.is_finite() && b.is_finite()) {
            continue;
        }
        let (near, far) = (a.min(b), a.max(b));
        let (near, far) = (scorer.near(near), scorer.near(far));
        assert!((0.0..=1.0).contains(&near) && near <= far && far <= 1.0, "{a} {b}");
    }
    assert!(scorer.near(-1.000_000_1) < scorer.near(-1.0));
    assert_eq!(scorer.near(0.0), 0.5);
}

fn penalised_over_products() -> Scorer {
    Scoring::PENALISED.over(Metric::InnerProduct).unwrap()
}

/// Items of one random set: many ties of distance and of confidence, and of both.
fn items(numbers: &mut Numbers, metric: Metric) -> Vec<(f32, Confidence, u64)> {
    let count = 1 + numbers.below(300);
    let coarse = numbers.below(2) == 0;
    let highest = [0.5, 1.0][numbers.below(2)];
    (0..count as u64)
        .map(|key| {
            let share = numbers.share() as f32;
            let distance = if coarse { (share * 8.0).floor() / 4.0 } else { 2.0 * share };
            let signed = metric == Metric::InnerProduct;
            let distance = if signed { 1.0 - distance } else { distance };
            let confidence = highest * (numbers.share() as f32 * 5.0).floor() / 4.0;
            (distance, sure(confidence.min(1.0)), key)
        })
        .collect()
}

#[test]
fn the_stop_rule_gives_the_answer_of_brute_force() {
    let mut numbers = Numbers::new(4);
    let (mut early, sets) = (0, times(1000, 20_000));
    for set in 0..sets {
        let metric = Metric::ALL[set % 3];
        let scoring = match set % 4 {
            0 => Scoring::Plain,
            1 if metric != Metric::InnerProduct => Scoring::Seed,
            2 => Scoring::Penalised { lambda: 100.0 * numbers.share() as f32 },
            _ => Scoring::Penalised { lambda: numbers.share() as f32 },
        };
        let scorer = scoring.over(metric).unwrap();
        let mut items = items(&mut numbers, metric);
        let k = 1 + numbers.below(12);

        // Brute force: all scores, sorted.
        let mut expected: Vec<Weighted> = items
            .iter()
            .map(|&(distance, confidence, key)| {
                let score = scorer.score(distance, confidence);
                Weighted { key, distance, confidence, score }
            })
            .collect();
        expected.sort();
        expected.truncate(k);
        assert_eq!(weighted_top_k(items.iter().copied(), k, scorer), expected, "set {set}");

        // By rising raw distance, until nothing farther can be among the best.
        items.sort_by(|a, b| a.0.total_cmp(&b.0));
        let highest = items.iter().map(|item| item.1).max().unwrap();
        let mut best = Best::new(scorer, k, highest);
        for &(distance, confidence, key) in &items {
            if best.is_complete(distance) {
                early += 1;
                break;
            }
            best.offer(distance, confidence, key);
        }
        assert_eq!(best.into_sorted(), expected, "set {set}: {scoring:?} {metric:?}");
    }
    assert!(early > sets / 4, "the rule ended {early} of {sets}");
}

#[test]
fn an_answer_that_was_cut_off_names_its_ratio() {
    let mut numbers = Numbers::new(5);
    let (mut exact, mut bounded) = (0, 0);
    for set in 0..times(1000, 20_000) {
        let metric = [Metric::L2, Metric::InnerProduct][set % 2];
        let scorer = Scoring::PENALISED.over(metric).unwrap();
        let mut items = items(&mut numbers, metric);
        items.sort_by(|a, b| a.0.total_cmp(&b.0));
        let cut = numbers.below(items.len());
        let k = 1 + numbers.below(10);
        let mut best = Best::new(scorer, k, Confidence::CERTAIN);
        for &(distance, confidence, key) in &items[..cut] {
            best.offer(distance, confidence, key);
        }
        let said = best.exactness(items[cut].0);
        let answer = best.into_sorted();
        let missed = items[cut..].iter().map(|item| scorer.score(item.0, item.1));
        let missed = missed.fold(f64::INFINITY, f64::min);
        match said {
            Exactness::Exact => {
                exact += 1;
                assert_eq!(answer, weighted_top_k(items, k, scorer), "set {set}");
            }
            Exactness::Bounded { ratio } => {
                bounded += 1;
                assert!((0.0..=1.0).contains(&ratio));
                let last = answer.last().map_or(0.0, |worst| worst.score);
                assert!(missed >= ratio * last - 1e-12, "set {set}: {missed} {ratio} {last}");
            }
        }
    }
    assert!(exact > 50 && bounded > 50, "{exact} {bounded}");
}

#[test]
fn no_items_and_no_neighbours_are_fine() {
    let scorer = penalised(1.0);
    assert!(weighted_top_k([], 3, scorer).is_empty());
    assert!(weighted_top_k([(0.5, sure(1.0), 1)], 0, scorer).is_empty());
    assert!(Best::new(scorer, 0, sure(1.0)).is_complete(0.0));
    let empty = Best::new(scorer, 3, sure(1.0));
    assert_eq!(empty.exactness(0.5), Exactness::Bounded { ratio: 0.0 });
}

#[test]
fn settings_are_checked() {
    for lambda in [-0.1, 100.5, f32::NAN, f32::INFINITY] {
        assert!(Scoring::Penalised { lambda }.over(Metric::L2).is_err(), "{lambda}");
    }
    for confidence in [-0.1, 1.1, f32::NAN, f32::INFINITY] {
        assert!(Confidence::new(confidence).is_err(), "{confidence}");
    }
    assert_eq!(sure(-0.0).get().to_bits(), 0);
}

#[test]
fn confidence_of_a_link_has_thirty_two_steps() {
    for step in 0..32 {
        assert_eq!(Confidence::from_link(step).to_link(), step);
    }
    assert_eq!(Confidence::from_link(200), Confidence::CERTAIN);
    let mut numbers = Numbers::new(6);
    for _ in 0..10_000 {
        let confidence = sure(numbers.share() as f32);
        let kept = Confidence::from_link(confidence.to_link());
        assert!((kept.get() - confidence.get()).abs() <= 0.5 / 31.0 + 1e-6);
    }
    assert_eq!(sure(0.8).faded(f64::NAN).get(), 0.0);
    assert_eq!(sure(0.8).faded(2.0), sure(0.8));
}
