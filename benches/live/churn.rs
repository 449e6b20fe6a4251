//! Two hundred generations, in each of which one item of a hundred is replaced.

use ecphory::{Index, Metric};
use ecphory_native::Pool;
use ecphory_tests::data::Numbers;
use serde_json::json;

use crate::live::{Live, reclaim, searched, unreachable};
use crate::sets::Set;
use crate::{EF, Outcome};

const GENERATIONS: usize = 200;

pub(crate) fn measure() -> Outcome {
    let set = Set::words20k()?;
    let dim = set.base.dim();
    let builder = || Index::builder(dim).metric(Metric::Cosine);
    // A tenth of the words waits outside, so that what comes is new.
    let count = set.len() * 9 / 10;
    let mut live = Live::new(builder(), dim, set.base.values(), count)?;
    let mut numbers = Numbers::new(13);
    for _ in 0..GENERATIONS * count / 100 {
        live.delete_at(numbers.below(live.keys.len()))?;
        live.insert()?;
    }
    reclaim(&live.index)?;
    let pool = Pool::per_core()?;
    let recall = searched(&live.index, set.queries.values(), &pool)?.0;
    let fresh = searched(&live.fresh(builder())?, set.queries.values(), &pool)?.0;
    Ok(json!({
        "items": count, "generations": GENERATIONS, "ef": EF, "recall": recall,
        "fresh_recall": fresh, "points": 100.0 * (recall - fresh),
        "unreachable": unreachable(&live.index)?,
    }))
}
