//! Opening a store: flat in the number of items.

use std::time::Instant;

use ecphory_native::{Pool, open_store};
use serde_json::json;

use crate::sets::Set;
use crate::{Outcome, Scratch, quantile};

const ROUNDS: usize = 9;

pub(crate) fn measure() -> Outcome {
    let (few, all) = (opened(1000)?, opened(usize::MAX)?);
    eprintln!("  {:.2} ms of 1,000 items, {:.2} ms of {}", 1e3 * few.1, 1e3 * all.1, all.0);
    Ok(
        json!({ "few_ms": 1e3 * few.1, "all": all.0, "all_ms": 1e3 * all.1, "ratio": all.1 / few.1 }),
    )
}

/// How many items, and seconds until the first answer.
fn opened(rows: usize) -> Outcome<(usize, f64)> {
    let set = Set::wordnet(rows)?;
    let scratch = Scratch::new("opening")?;
    let index = set.builder().build()?;
    index.bulk_build(&set.keys(), set.base.values(), &Pool::per_core()?, &mut |_| true)?;
    let store = open_store(&scratch.0)?;
    store.import("s", index)?;
    store.close()?;
    drop(store);
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let store = open_store(&scratch.0)?;
        let space = store.space("s").ok_or("the space is gone")?;
        space.search(set.queries.row(0)).k(1).run()?;
        times.push(start.elapsed().as_secs_f64());
    }
    Ok((set.len(), quantile(&mut times, 0.5)))
}
