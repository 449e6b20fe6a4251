//! Inserts one by one on one thread, into an index that began empty and into one that began with a
//! bulk build, which gives it codes.

use ecphory_native::Pool;
use ecphory_native::ecphory::{DEFAULT_EF, Index};
use serde_json::{Map, json};

use crate::Outcome;
use crate::race::{LONG, Race, timed};
use crate::sets::{Set, recall};

const ROWS: usize = 25_000;
/// Those of the bulk build, where there is one. All others are inserted.
const FIRST: usize = 5_000;

pub(crate) fn measure(rounds: usize) -> Outcome {
    let sets = [Set::sift(ROWS)?, Set::lifted(ROWS)?];
    let pool = Pool::per_core()?;
    let mut last: [Option<Index>; 4] = [const { None }; 4];
    let race = Race::run(rounds.min(LONG), last.len(), |contender| {
        let (set, built) = (&sets[contender / 2], contender % 2 * FIRST);
        let index = set.builder().build()?;
        let first = &set.base.values()[..built * set.base.dim()];
        index.bulk_build(&set.keys()[..built], first, &pool, &mut |_| true)?;
        let insert = |row| index.insert(row as u64, set.base.row(row));
        let seconds = timed(|| Ok((built..set.len()).try_for_each(insert)?))?;
        last[contender] = Some(index);
        Ok(seconds)
    })?;
    let mut figures = Map::new();
    for (contender, index) in last.iter().flatten().enumerate() {
        let set = &sets[contender / 2];
        let began = ["empty", "bulk"][contender % 2];
        figures.entry(set.name).or_insert(json!({}))[began] = json!({
            "inserts_per_second": (set.len() - contender % 2 * FIRST) as f64 / race.seconds(contender),
            "recall": recall(index, &set.truth(index)?, DEFAULT_EF)?,
        });
    }
    Ok(json!({ "rows": ROWS, "bulk_rows": FIRST, "ef": DEFAULT_EF, "sets": figures }))
}
