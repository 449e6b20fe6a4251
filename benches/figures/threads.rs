//! What more threads bring to batch searches and to bulk builds.

use ecphory_native::ecphory::Rows;
use ecphory_native::{Pool, cores};
use serde_json::{Map, Value, json};

use crate::race::{LONG, Race, timed};
use crate::sets::{Set, recall};
use crate::{EF, K, Outcome};

/// Threads that are tried: the first two always, the others where there are as many cores.
const THREADS: [usize; 5] = [1, 2, 4, 8, 16];
/// Rows of the builds that are timed.
const BUILT: usize = 60_000;
/// Queries that are timed at once, at least.
const QUERIES: usize = 10_000;

pub(crate) fn measure(rounds: usize) -> Outcome {
    let counts = THREADS.into_iter().filter(|&count| count <= cores().max(2));
    let pools = counts.map(Pool::new).collect::<Result<Vec<_>, _>>()?;
    let mut search = Map::new();
    for set in [Set::sift(usize::MAX)?, Set::wordnet(usize::MAX)?] {
        search.insert(set.name.to_owned(), searches(&set, &pools, rounds)?);
    }
    let set = Set::sift(BUILT)?;
    Ok(json!({ "search": search, "build": { set.name: builds(&set, &pools, rounds)? } }))
}

fn searches(set: &Set, pools: &[Pool], rounds: usize) -> Outcome {
    let index = set.bulk(Rows::F32, &Pool::per_core()?)?;
    let passes = QUERIES.div_ceil(set.queries.rows());
    let race = Race::run(rounds, pools.len(), |pool| {
        timed(|| {
            for _ in 0..passes {
                index.search_batch(set.queries.values(), K, EF, &pools[pool])?;
            }
            Ok(())
        })
    })?;
    let asked = (passes * set.queries.rows()) as f64;
    let mut figures = curve(&race, pools, "queries_per_second", asked);
    figures["ef"] = json!(EF);
    figures["recall"] = json!(recall(&index, &set.truth(&index)?, EF)?);
    Ok(figures)
}

fn builds(set: &Set, pools: &[Pool], rounds: usize) -> Outcome {
    let race = Race::run(rounds.min(LONG), pools.len(), |pool| {
        timed(|| set.bulk(Rows::F32, &pools[pool]).map(drop))
    })?;
    let mut figures = curve(&race, pools, "vectors_per_second", set.len() as f64);
    figures["rows"] = json!(set.len());
    Ok(figures)
}

/// What was done per second, and how much faster than on one thread, by number of threads.
fn curve(race: &Race, pools: &[Pool], unit: &str, done: f64) -> Value {
    use ecphory_native::ecphory::exec::Exec;

    let by_threads = |figure: &dyn Fn(usize) -> f64| -> Map<String, Value> {
        let numbered = pools.iter().enumerate();
        numbered.map(|(at, pool)| (pool.width().to_string(), json!(figure(at)))).collect()
    };
    json!({
        unit: by_threads(&|at| done / race.seconds(at)),
        "speedup": by_threads(&|at| race.speedup(at, 0)),
    })
}
