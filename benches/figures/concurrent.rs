//! Threads that insert into one index at the same time: what they gain and what it costs in recall.

use std::sync::{Mutex, PoisonError};
use std::thread;

use ecphory_native::ecphory::{self, Index};
use serde_json::json;

use crate::race::{Race, median, timed};
use crate::sets::{Set, points, recall};
use crate::{EF, Outcome};

const ROWS: usize = 20_000;

/// How a set comes into an index one by one: threads, and whether one lock is held around inserts.
const WAYS: [(&str, usize, bool); 3] =
    [("one_thread", 1, false), ("two_threads", 2, false), ("two_threads_and_a_mutex", 2, true)];

pub(crate) fn measure(rounds: usize) -> Outcome {
    let set = Set::sift(ROWS)?;
    let mut truth = None;
    let mut recalls = WAYS.map(|_| Vec::new());
    let race = Race::run(rounds, WAYS.len(), |way| {
        let index = set.builder().build()?;
        let (_, threads, locked) = WAYS[way];
        let seconds = timed(|| Ok(insert(&set, &index, threads, locked)?))?;
        if truth.is_none() {
            truth = Some(set.truth(&index)?);
        }
        if let Some(truth) = &truth {
            recalls[way].push(recall(&index, truth, EF)?);
        }
        Ok(seconds)
    })?;
    let recalls = recalls.map(median);
    let mut figures = json!({
        "set": set.name,
        "rows": set.len(),
        "ef": EF,
        "speedup": race.speedup(1, 0),
        "lock_free_to_mutex": race.speedup(1, 2),
        "points": points(recalls[1], recalls[0]),
    });
    for (way, (name, ..)) in WAYS.into_iter().enumerate() {
        figures[name] = json!({
            "inserts_per_second": set.len() as f64 / race.seconds(way),
            "recall": recalls[way],
        });
    }
    Ok(figures)
}

/// Inserts all rows, each thread its share of them, in their order.
fn insert(set: &Set, index: &Index, threads: usize, locked: bool) -> ecphory::Result<()> {
    let lock = Mutex::new(());
    let share = |first: usize| {
        (first..set.len()).step_by(threads).try_for_each(|row| {
            let _alone = locked.then(|| lock.lock().unwrap_or_else(PoisonError::into_inner));
            index.insert(row as u64, set.base.row(row))
        })
    };
    thread::scope(|scope| {
        let share = &share;
        let started: Vec<_> = (0..threads).map(|first| scope.spawn(move || share(first))).collect();
        started.into_iter().try_for_each(|thread| thread.join().expect("no insert panics"))
    })
}
