//! The recall that is reached where a recall is asked for.

use ecphory_native::Pool;
use ecphory_native::ecphory::{Effort, Rows};
use serde_json::{Map, json};

use crate::sets::{Set, recall_of};
use crate::{K, Outcome};

const ASKED: [f32; 3] = [0.9, 0.95, 0.99];

/// Nothing is timed: one round.
pub(crate) fn measure(_: usize) -> Outcome {
    let pool = Pool::per_core()?;
    let (mut figures, mut smallest) = (Map::new(), f64::INFINITY);
    for set in [Set::words20k()?, Set::wordnet(usize::MAX)?, Set::sift(usize::MAX)?] {
        let index = set.bulk(Rows::F32, &pool)?;
        // On queries made from the items, as `ecphory build` does: none of the set's own are seen.
        let tuning = index.tune(&pool, &mut |_| true)?;
        let truth = set.truth(&index)?;
        let mut reached = Map::new();
        for asked in ASKED {
            let effort = Effort::Recall(asked);
            let found = index.search_batch(set.queries.values(), K, effort, &pool)?;
            let recall = recall_of(&found, &truth);
            let above = recall - f64::from(asked);
            smallest = smallest.min(above);
            let ef = tuning.ef(asked, K);
            reached.insert(
                asked.to_string(),
                json!({ "ef": ef, "recall": recall, "reached_minus_asked": above }),
            );
        }
        figures.insert(set.name.to_owned(), json!(reached));
    }
    Ok(json!({ "sets": figures, "smallest_reached_minus_asked": smallest }))
}
