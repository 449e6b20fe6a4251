//! What recall loses where less than the vectors is kept, or where signs choose what is compared.

use ecphory_native::Pool;
use ecphory_native::ecphory::Rows;
use serde_json::{Map, json};

use crate::sets::{Set, points, recall};
use crate::signs;
use crate::{EF, Outcome};

const ROWS: usize = 100_000;

/// Nothing is timed: one round.
pub(crate) fn measure(_: usize) -> Outcome {
    let pool = Pool::per_core()?;
    let mut figures = Map::new();
    // Components of the first two are whole numbers and f16 themselves: only the third can lose by
    // f16 rows.
    for set in [Set::sift(ROWS)?, Set::wordnet(ROWS)?, Set::words20k()?] {
        let index = set.bulk(Rows::F32, &pool)?;
        let truth = set.truth(&index)?;
        let full = recall(&index, &truth, EF)?;
        drop(index);
        let mut kept = json!({ "f32": { "recall": full } });
        for rows in [Rows::F16, Rows::Codes] {
            let recall = recall(&set.bulk(rows, &pool)?, &truth, EF)?;
            kept[rows.name()] = json!({ "recall": recall, "points": points(recall, full) });
        }
        kept["signs"] = signs::measure(&set, &truth, &pool);
        figures.insert(set.name.to_owned(), kept);
    }
    Ok(json!({ "most_rows": ROWS, "ef": EF, "sets": figures }))
}
