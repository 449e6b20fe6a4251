//! Searches among some of the items: recall, and what they cost against comparing those items.

use std::time::Instant;

use ecphory::{Hit, Index, Metric, Search, TagFilter};
use ecphory_native::Pool;
use ecphory_tests::data::Numbers;
use serde_json::{Value, json};

use crate::race::median;
use crate::sets::Set;
use crate::{EF, K, Outcome};

/// One item in so many may be found.
const SHARES: [usize; 5] = [10_000, 1000, 100, 10, 2];
const QUERIES: usize = 100;
/// What a search may cost beside.
const GRACE: f64 = 20e-6;

/// A way to search.
type Way<'a> = &'a dyn Fn(&[f32]) -> ecphory::Result<Vec<Hit>>;

pub(crate) fn measure() -> Outcome {
    let set = Set::wordnet(usize::MAX)?;
    let index = Index::builder(set.base.dim()).metric(Metric::Cosine).build()?;
    index.bulk_build(&set.keys(), set.base.values(), &Pool::per_core()?, &mut |_| true)?;
    let mut numbers = Numbers::new(17);
    let mut rows = Vec::new();
    for share in SHARES {
        let keys = (0..set.len() as u64).filter(|_| numbers.below(share) == 0).collect();
        rows.push(row(&index, &set, &format!("1 in {share}"), keys)?);
    }
    // The items that lie like one word or unlike it: a tenth and a hundredth of all.
    let around = set.base.row(set.len() / 3);
    let by_distance = index.search(around).k(set.len() / 2).exact(true).run()?;
    let keys = |hits: &[Hit]| hits.iter().map(|hit| hit.key).collect::<Vec<_>>();
    let last = by_distance.len() - set.len() / 10;
    rows.push(row(
        &index,
        &set,
        "the nearest hundredth of a word",
        keys(&by_distance[..set.len() / 100]),
    )?);
    rows.push(row(
        &index,
        &set,
        "the nearest tenth of a word",
        keys(&by_distance[..set.len() / 10]),
    )?);
    rows.push(row(&index, &set, "a tenth at a distance from a word", keys(&by_distance[last..]))?);
    let worst = |field: &str, by: fn(f64, f64) -> f64| {
        rows.iter().filter_map(|row| row[field].as_f64()).reduce(by)
    };
    let summary = json!({
        "recall": worst("recall", f64::min),
        "cost_keys": worst("cost_keys", f64::max),
        "cost_tags": worst("cost_tags", f64::max),
        "cost_closure": worst("cost_closure", f64::max),
    });
    Ok(json!({ "items": set.len(), "ef": EF, "worst": summary, "rows": rows }))
}

fn row(index: &Index, set: &Set, name: &str, keys: Vec<u64>) -> Outcome<Value> {
    for &key in &keys {
        index.tag(key, name)?;
    }
    // With and without a second operand, which every item has or none.
    let tag = TagFilter::tag(name);
    let expression = tag.clone() & !TagFilter::tag("given to none");
    let filter = index.key_set(keys);
    let admits = |key| filter.contains(key);
    let ways: [Way<'_>; 6] = [
        &|query| find(index, query).among(&filter).run(),
        &|query| find(index, query).among(&filter).exact(true).run(),
        &|query| find(index, query).filter(&admits).run(),
        &|query| find(index, query).filter(&admits).exact(true).run(),
        &|query| find(index, query).tagged(&tag).run(),
        &|query| find(index, query).tagged(&expression).run(),
    ];
    let mut seconds = ways.map(|_| Vec::new());
    let mut right = [0; 6];
    let mut wanted = 0;
    for query in set.queries.iter().take(QUERIES) {
        let truth = ways[1](query)?;
        wanted += truth.len();
        for (way, find) in ways.iter().enumerate() {
            let mut times = Vec::new();
            let mut hits = Vec::new();
            for _ in 0..3 {
                let start = Instant::now();
                hits = find(query)?;
                times.push(start.elapsed().as_secs_f64());
            }
            seconds[way].push(median(times));
            let farthest = truth.last().map_or(0.0, |hit| hit.distance);
            right[way] += hits.iter().filter(|hit| hit.distance <= farthest).count();
        }
    }
    let mean = seconds.map(|times| times.iter().sum::<f64>() / QUERIES as f64);
    let recall = |way: usize| right[way] as f64 / wanted as f64;
    // Times the exact scan of the items that match, after the grace.
    let cost = |way: usize, scan: usize| (mean[way] - GRACE).max(0.0) / mean[scan];
    eprintln!("  {name}: {} items, {:.0} us of {:.0}", filter.len(), 1e6 * mean[0], 1e6 * mean[1]);
    let least = [0, 2, 4, 5].map(recall).into_iter().fold(1.0, f64::min);
    Ok(json!({
        "items": name, "count": filter.len(),
        "recall": least,
        "microseconds_keys": 1e6 * mean[0], "microseconds_scan": 1e6 * mean[1],
        "microseconds_closure": 1e6 * mean[2], "microseconds_closure_scan": 1e6 * mean[3],
        "microseconds_tag": 1e6 * mean[4], "microseconds_expression": 1e6 * mean[5],
        "cost_keys": cost(0, 1), "cost_closure": cost(2, 3),
        "cost_tags": cost(4, 1).max(cost(5, 1)),
    }))
}

fn find<'a>(index: &'a Index, query: &'a [f32]) -> Search<'a> {
    index.search(query).up_to(K).ef(EF)
}
