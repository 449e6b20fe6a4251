//! Every item replaced ten times over while readers run, in three orders of deletion.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use ecphory::{Builder, Index, Metric};
use ecphory_native::Pool;
use ecphory_tests::data::Numbers;
use serde_json::{Map, json};

use crate::live::{Live, reclaim, searched, unreachable};
use crate::sets::Set;
use crate::{EF, K, Outcome};

const ITEMS: usize = 20_000;
const DIM: usize = 64;
const TURNS: usize = 10;
/// Items of a cluster that goes at once.
const CLUSTER: usize = 200;

pub(crate) fn measure() -> Outcome {
    let set = Set::sift(usize::MAX)?;
    let cut = |row: &[f32]| row[..DIM].to_vec();
    let rows: Vec<f32> = set.base.iter().flat_map(cut).collect();
    let queries: Vec<f32> = set.queries.iter().take(1000).flat_map(cut).collect();
    let mut figures = Map::new();
    for order in ["random", "sliding", "clustered"] {
        let mut live = Live::new(builder(), DIM, &rows, ITEMS)?;
        let before = live.index.memory().total;
        beside_a_reader(&mut live, &queries, |live| turn_over(live, order))?;
        reclaim(&live.index)?;
        let fresh = live.fresh(builder())?;
        let pool = Pool::per_core()?;
        let (recall, p99) = searched(&live.index, &queries, &pool)?;
        let (fresh_recall, fresh_p99) = searched(&fresh, &queries, &pool)?;
        eprintln!("  {order}: recall {recall:.4}, fresh {fresh_recall:.4}");
        figures.insert(
            order.to_owned(),
            json!({
                "recall": recall,
                "fresh_recall": fresh_recall,
                "points": 100.0 * (recall - fresh_recall),
                "p99_microseconds": 1e6 * p99,
                "p99_to_fresh": p99 / fresh_p99,
                "memory_to_fresh": live.index.memory().total as f64 / before as f64,
                "unreachable": unreachable(&live.index)?,
            }),
        );
    }
    Ok(json!({ "items": ITEMS, "dim": DIM, "turns": TURNS, "ef": EF, "orders": figures }))
}

fn builder() -> Builder {
    Index::builder(DIM).metric(Metric::L2)
}

fn turn_over(live: &mut Live<'_>, order: &str) -> Outcome<()> {
    let mut numbers = Numbers::new(7);
    let mut done = 0;
    while done < TURNS * ITEMS {
        let gone = match order {
            "random" => {
                let place = numbers.below(live.keys.len());
                live.delete_at(place)?;
                1
            }
            "sliding" => {
                let key = live.keys.pop_front().ok_or("there is nothing to delete")?;
                live.delete(key)?;
                1
            }
            _ => {
                let centre = live.row(live.keys[numbers.below(live.keys.len())]);
                let hits = live.index.search(centre).k(CLUSTER).ef(2 * CLUSTER).run()?;
                let keys: HashSet<u64> = hits.iter().map(|h| h.key).collect();
                live.keys.retain(|key| !keys.contains(key));
                keys.iter().try_for_each(|&key| live.delete(key))?;
                keys.len()
            }
        };
        (0..gone).try_for_each(|_| live.insert())?;
        done += gone;
    }
    Ok(())
}

/// Does `work` while a thread searches.
fn beside_a_reader(
    live: &mut Live<'_>,
    queries: &[f32],
    work: impl FnOnce(&mut Live<'_>) -> Outcome<()>,
) -> Outcome<()> {
    let (index, done) = (Arc::clone(&live.index), AtomicBool::new(false));
    thread::scope(|scope| {
        let reader = scope.spawn(|| -> ecphory::Result<usize> {
            let mut searches = 0;
            for query in queries.chunks(DIM).cycle() {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                searches += index.search(query).k(K).run()?.len() / K;
            }
            Ok(searches)
        });
        let worked = work(live);
        done.store(true, Ordering::Relaxed);
        let searches = reader.join().map_err(|_| "the reader panicked")??;
        eprintln!("  {searches} searches beside");
        worked
    })
}
