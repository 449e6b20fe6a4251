//! The recall of a bulk build against that of inserting the same rows one by one.

use ecphory_native::Pool;
use ecphory_native::ecphory::Rows;
use serde_json::{Map, json};

use crate::sets::{Set, points, recall};
use crate::{EF, Outcome};

const ROWS: usize = 50_000;

/// Nothing is timed: one round.
pub(crate) fn measure(_: usize) -> Outcome {
    let mut figures = Map::new();
    for set in [Set::sift(ROWS)?, Set::wordnet(ROWS)?] {
        let built = set.bulk(Rows::F32, &Pool::per_core()?)?;
        let grown = set.builder().build()?;
        for (key, row) in set.keys().into_iter().zip(set.base.iter()) {
            grown.insert(key, row)?;
        }
        let truth = set.truth(&built)?;
        let (bulk, one_by_one) = (recall(&built, &truth, EF)?, recall(&grown, &truth, EF)?);
        figures.insert(
            set.name.to_owned(),
            json!({ "bulk": bulk, "one_by_one": one_by_one, "points": points(bulk, one_by_one) }),
        );
    }
    Ok(json!({ "rows": ROWS, "ef": EF, "sets": figures }))
}
