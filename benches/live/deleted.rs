//! Nine items of ten deleted: what is left is found, before and after the dead are taken out.

use ecphory::{Index, Metric};
use ecphory_native::Pool;
use ecphory_tests::data::Numbers;
use serde_json::json;

use crate::live::{Live, reclaim, searched};
use crate::sets::Set;
use crate::{EF, K, Outcome};

pub(crate) fn measure() -> Outcome {
    let set = Set::words20k()?;
    let dim = set.base.dim();
    let builder = || Index::builder(dim).metric(Metric::Cosine);
    let mut live = Live::new(builder(), dim, set.base.values(), set.len())?;
    let mut numbers = Numbers::new(11);
    for _ in 0..set.len() * 9 / 10 {
        live.delete_at(numbers.below(live.keys.len()))?;
    }
    let (queries, pool) = (set.queries.values(), Pool::per_core()?);
    let dead = live.index.check()?.dead;
    let before = searched(&live.index, queries, &pool)?.0;
    let mut short = short(&live.index, queries)?;
    reclaim(&live.index)?;
    let after = searched(&live.index, queries, &pool)?.0;
    short += self::short(&live.index, queries)?;
    let left = live.keys.len();
    let fresh = live.fresh(builder())?;
    let links = |index: &Index| -> Outcome<f64> {
        let audit = index.check()?;
        Ok(audit.links as f64 / audit.nodes as f64)
    };
    let degrees = [links(&live.index)?, links(&fresh)?];
    let fresh_recall = searched(&fresh, queries, &pool)?.0;
    Ok(json!({
        "items": set.len(), "left": left, "dead_before": dead, "ef": EF,
        "recall_before": before, "recall_after": after, "short_answers": short,
        "fresh_recall": fresh_recall, "links_per_node": degrees[0], "fresh_links_per_node": degrees[1],
    }))
}

/// Searches that found fewer items than there are, or than were asked for.
fn short(index: &Index, queries: &[f32]) -> Outcome<usize> {
    let mut short = 0;
    for query in queries.chunks(index.options().dim) {
        for k in [K, index.len()] {
            short += usize::from(index.search(query).k(k).run()?.len() < k);
        }
    }
    Ok(short)
}
