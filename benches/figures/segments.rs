//! The same rows in several indexes, each searched, the best of all merged.

use ecphory_native::Pool;
use ecphory_native::bench::Truth;
use ecphory_native::ecphory::{self, Hit, Index};
use serde_json::{Map, json};

use crate::race::{Race, timed};
use crate::sets::Set;
use crate::{EF, K, Outcome};

/// Indexes that the rows are dealt to.
const SEGMENTS: [usize; 5] = [1, 2, 4, 8, 16];
const ROWS: usize = 60_000;
/// Queries of a round, on one thread, and those that recall is taken of.
const QUERIES: usize = 1_000;

pub(crate) fn measure(rounds: usize) -> Outcome {
    let set = Set::wordnet(ROWS)?;
    let pool = Pool::per_core()?;
    let dealt = SEGMENTS.map(|count| dealt(&set, count, &pool));
    let dealt = dealt.into_iter().collect::<ecphory::Result<Vec<_>>>()?;
    let truth = set.truth(&dealt[0][0])?;
    let race = Race::run(rounds, SEGMENTS.len(), |at| {
        timed(|| {
            let mut hits = Vec::new();
            for query in set.queries.iter().take(QUERIES) {
                merged(&dealt[at], query, &mut hits)?;
            }
            Ok(())
        })
    })?;
    let mut figures = Map::new();
    for (at, count) in SEGMENTS.into_iter().enumerate() {
        figures.insert(
            count.to_string(),
            json!({
                "queries_per_second": QUERIES.min(set.queries.rows()) as f64 / race.seconds(at),
                "to_one": race.speedup(at, 0),
                "recall": recall(&set, &dealt[at], &truth)?,
            }),
        );
    }
    Ok(json!({ "set": set.name, "rows": set.len(), "ef": EF, "segments": figures }))
}

/// Indexes of equal size: every `count`-th row goes to the same one.
fn dealt(set: &Set, count: usize, pool: &Pool) -> ecphory::Result<Vec<Index>> {
    let segment = |first| {
        let rows = || (first..set.len()).step_by(count);
        let keys: Vec<u64> = rows().map(|row| row as u64).collect();
        let vectors: Vec<f32> = rows().flat_map(|row| set.base.row(row)).copied().collect();
        let index = set.builder().build()?;
        index.bulk_build(&keys, &vectors, pool, &mut |_| true)?;
        Ok(index)
    };
    (0..count).map(segment).collect()
}

/// Leaves the `K` nearest of all segments in `hits`.
fn merged(segments: &[Index], query: &[f32], hits: &mut Vec<Hit>) -> ecphory::Result<()> {
    hits.clear();
    let mut found = Vec::with_capacity(K);
    for segment in segments {
        segment.search(query).k(K).ef(EF).run_into(&mut found)?;
        hits.append(&mut found);
    }
    hits.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.key.cmp(&b.key)));
    hits.truncate(K);
    Ok(())
}

fn recall(set: &Set, segments: &[Index], truth: &Truth<'_>) -> Outcome<f64> {
    let (mut found, mut hits) = (0, Vec::new());
    for (number, query) in set.queries.iter().take(QUERIES).enumerate() {
        merged(segments, query, &mut hits)?;
        found += truth.count(number, &hits);
    }
    Ok(found as f64 / (QUERIES.min(set.queries.rows()) * K) as f64)
}
