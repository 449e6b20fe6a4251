//! A hundred indexes, each filled by several threads at once with data that makes it hard.

use std::thread;

use ecphory::{Index, Metric};
use ecphory_tests::data::{clustered, curve, duplicates};
use serde_json::json;

use crate::Outcome;
use crate::live::unreachable;

const BUILDS: usize = 100;
const ROWS: usize = 2000;
const DIM: usize = 16;

/// What came of one kind of data.
#[derive(Default)]
struct Worst {
    unreachable: usize,
    /// Shares of distinct vectors that find themselves at ef 64 and 256.
    near: f64,
    wide: f64,
}

pub(crate) fn measure() -> Outcome {
    let mut all = [Worst::new(), Worst::new()];
    for build in 0..BUILDS {
        let (threads, seed) = ([2, 4, 8][build % 3], build as u64);
        let (rows, m) = match build % 4 {
            0 => (clustered(ROWS, DIM, 20, seed), 16),
            1 => (duplicates(ROWS, DIM, 60, seed), 16),
            2 => (curve(ROWS, DIM, seed), 16),
            _ => (clustered(ROWS, DIM, 20, seed), 4),
        };
        let index = Index::builder(DIM).metric(Metric::L2).m(m).build()?;
        thread::scope(|scope| -> Outcome<()> {
            let (index, rows) = (&index, &rows);
            let insert = move |first: usize| {
                let mut mine = (first..ROWS).step_by(threads);
                mine.try_for_each(|row| index.insert(row as u64, &rows[row * DIM..][..DIM]))
            };
            let workers: Vec<_> = (0..threads).map(|t| scope.spawn(move || insert(t))).collect();
            for worker in workers {
                worker.join().map_err(|_| "a writer panicked")??;
            }
            Ok(())
        })?;
        all[usize::from(m == 4)].judge(&index, &rows)?;
    }
    let [usual, tiny] = all;
    Ok(json!({
        "builds": BUILDS, "rows": ROWS,
        "unreachable": usual.unreachable + tiny.unreachable,
        "self_recall_ef_256": usual.wide.min(tiny.wide),
        "self_recall_ef_64": usual.near,
        "self_recall_ef_64_m_4": tiny.near,
    }))
}

impl Worst {
    fn new() -> Self {
        Self { near: 1.0, wide: 1.0, ..Self::default() }
    }

    fn judge(&mut self, index: &Index, rows: &[f32]) -> Outcome<()> {
        self.unreachable += unreachable(index)?;
        let mut found = [0; 2];
        for row in rows.chunks(DIM) {
            for (found, ef) in found.iter_mut().zip([64, 256]) {
                // A copy is as good as the item itself.
                *found += usize::from(index.search(row).k(1).ef(ef).run()?[0].distance == 0.0);
            }
        }
        let share = found.map(|found| found as f64 / ROWS as f64);
        (self.near, self.wide) = (self.near.min(share[0]), self.wide.min(share[1]));
        Ok(())
    }
}
