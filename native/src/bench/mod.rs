//! Measuring an index: build rate, memory, and the curve of recall against speed.
//!
//! ```text
//!   base ──build──► Index ──sweep over ef──► Point, Point, … ──at_recall──► figures at 0.95
//!                     │ tune                     │
//!   samples ──────────┴──── asked for 0.95 ──────┤
//!   queries ──exact scan or file──► Truth ───────┘
//! ```
//!
//! - A figure never goes without its recall, nor recall without its oracle: [`Truth`] judges by
//!   distances of its own, computed in `f64` from the vectors that went in.
//! - Time is measured in passes of at least [`PASS`]; of several passes the fastest counts, for all
//!   its figures together. What a shared machine adds is noise in one direction.
//! - Latencies are per query, as the searching thread sees them; queries per second come from the
//!   whole pass.

mod report;
mod stats;
mod sweep;
mod truth;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ecphory::exec::Exec;
use ecphory::limits::{K_MAX, M_MIN};
use ecphory::{Builder, Error, Index, Item, Metric, Options, Progress, Rows, Tuning};

pub use report::{AtRecall, Build, Memory, Point, Report, Target, Tune, Tuned, TunedPoint};
pub use stats::{at_recall, peak_rss_bytes, percentile};
pub use sweep::{PASS, Sweep, measure, sweep};
pub use truth::Truth;

use crate::vectors::{Ids, Vectors};

/// A measurement that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// The index refused the input.
    #[error(transparent)]
    Index(#[from] Error),
    /// The truth belongs to other queries.
    #[error("truth has {found} rows for {queries} queries; pass the truth of these queries")]
    TruthRows {
        /// Rows of the truth.
        found: usize,
        /// Queries to be asked.
        queries: usize,
    },
    /// The truth knows fewer neighbours than are asked for.
    #[error("truth has {found} columns, fewer than k = {k}; lower k or compute a longer truth")]
    TruthColumns {
        /// Columns of the truth.
        found: usize,
        /// Neighbours asked for.
        k: usize,
    },
    /// The truth belongs to another base.
    #[error("truth names item {key} of {rows}; pass the truth of this base")]
    TruthRange {
        /// The number without an item.
        key: u64,
        /// Items in the base.
        rows: usize,
    },
    /// The truth names one item twice for one query.
    #[error("truth of query {query} names item {key} twice; compute the truth again")]
    TruthRepeats {
        /// The query.
        query: usize,
        /// The item.
        key: u64,
    },
}

/// Everything about a run but its data.
pub struct Plan<'a> {
    /// The index to build, with its options.
    pub builder: Builder,
    /// How it is tuned.
    pub samples: Samples,
    /// Neighbours asked for.
    pub k: usize,
    /// How the curve is measured.
    pub sweep: Sweep<'a>,
    /// Recalls at which figures are interpolated.
    pub targets: Vec<Target>,
}

/// What an index is tuned on.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Samples {
    /// It is not.
    None,
    /// Queries made from its items.
    #[default]
    Items,
    /// These queries.
    Queries(Vectors),
}

/// What a run is doing, for whoever waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step<'a> {
    /// The index is being built, or tuned.
    Build(Progress),
    /// Queries are answered exactly, to have something to judge by.
    Truth,
    /// One more point of the curve is known.
    Measured(&'a Point),
}

/// Builds an index over `base` with rows as keys, and measures searches for `queries` on it.
///
/// # Errors
/// [`BenchError`] if dimensions, `k` or the truth do not fit, before anything is built; or if the
/// index refuses the data.
pub fn run(
    plan: &Plan<'_>,
    base: &Vectors,
    queries: &Vectors,
    truth: Option<&Ids>,
    exec: &dyn Exec,
    step: &mut dyn FnMut(Step<'_>),
) -> Result<Report, BenchError> {
    check_shapes(plan.k, base, queries)?;
    plan.sweep.check()?;
    if let Some(ids) = truth {
        Truth::check(ids, base.rows(), queries.rows(), plan.k)?;
    }
    let keys: Vec<u64> = (0..base.rows() as u64).collect();
    let (index, took) = build(plan.builder.clone(), &keys, base, exec, &mut |progress| {
        step(Step::Build(progress));
    })?;
    // Now, before samples and the judge have their peaks.
    let memory = Memory::new(&index);
    let tuned = tune(&index, &plan.samples, exec, &mut |progress| step(Step::Build(progress)))?;
    let &Options { metric, rows, .. } = index.options();
    let truth = if let Some(ids) = truth {
        Truth::given(ids, metric, base, queries, plan.k)?
    } else {
        step(Step::Truth);
        let judge = (rows != Rows::F32).then(|| judge(metric, &keys, base, exec)).transpose()?;
        Truth::exact(judge.as_ref().unwrap_or(&index), base, queries, plan.k, exec)?
    };
    let highest = plan.targets.iter().map(Target::recall).fold(0.0, f64::max);
    let search = sweep(&plan.sweep, &index, &truth, highest, &mut |point| {
        step(Step::Measured(point));
    })?;
    let at_recall = plan
        .targets
        .iter()
        .map(|target| (target.to_string(), at_recall(&search, target.recall())))
        .collect();
    let mut asked = BTreeMap::new();
    for target in tuned.iter().flat_map(|_| &plan.targets) {
        let ef = tuned.as_ref().and_then(|(found, _)| found.ef(target.recall() as f32, plan.k));
        let point = ef.map(|ef| measure(&plan.sweep, &index, &truth, ef)).transpose()?;
        asked.insert(target.to_string(), point);
    }
    Ok(Report {
        n: base.rows(),
        dim: base.dim(),
        metric: metric.name(),
        build: Build::new(base.rows(), took, exec.width()),
        tune: tuned.map(|(found, took)| Tune::new(&found, took, exec.width())),
        memory,
        search,
        at_recall,
        asked,
    })
}

/// Builds an index over `base` and times it from vectors in memory to the first answer: checks,
/// codes, order, links and key table.
///
/// # Errors
/// What the index refuses.
pub fn build(
    builder: Builder,
    keys: &[u64],
    base: &Vectors,
    exec: &dyn Exec,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Index, Duration), Error> {
    timed(builder, base.row(0), |index| {
        index.bulk_build(keys, base.values(), exec, &mut |now| {
            progress(now);
            true
        })
    })
}

/// As [`build`], of items with names, tags or payloads.
///
/// # Errors
/// What the index refuses; none at all.
pub fn build_items(
    builder: Builder,
    items: &[Item<'_>],
    exec: &dyn Exec,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Index, Duration), Error> {
    timed(builder, items.first().ok_or(Error::Empty)?.vector, |index| {
        index.bulk_build_items(items, exec, &mut |now| {
            progress(now);
            true
        })
    })
}

fn timed(
    builder: Builder,
    first: &[f32],
    fill: impl FnOnce(&Index) -> Result<(), Error>,
) -> Result<(Index, Duration), Error> {
    let start = Instant::now();
    let index = builder.build()?;
    fill(&index)?;
    index.search(first).k(1).run()?;
    Ok((index, start.elapsed()))
}

/// Tunes an index, unless `samples` say not to, and times it.
///
/// # Errors
/// What the index refuses; samples of another dimension.
pub fn tune(
    index: &Index,
    samples: &Samples,
    exec: &dyn Exec,
    progress: &mut dyn FnMut(Progress),
) -> Result<Option<(Tuning, Duration)>, Error> {
    let mut progress = |now| {
        progress(now);
        true
    };
    let expected = index.options().dim;
    if let Samples::Queries(queries) = samples
        && queries.dim() != expected
    {
        return Err(Error::DimensionMismatch { expected, got: queries.dim() });
    }
    let start = Instant::now();
    let found = match samples {
        Samples::None => return Ok(None),
        Samples::Items => index.tune(exec, &mut progress)?,
        Samples::Queries(queries) => index.tune_with(queries.values(), exec, &mut progress)?,
    };
    Ok(Some((found, start.elapsed())))
}

/// An index to be scanned for the truth where the measured one keeps less than the vectors: theirs
/// in full, and as cheap a graph as there is.
fn judge(metric: Metric, keys: &[u64], base: &Vectors, exec: &dyn Exec) -> Result<Index, Error> {
    let builder = Index::builder(base.dim()).metric(metric).m(M_MIN).ef_construction(M_MIN);
    Ok(build(builder, keys, base, exec, &mut |_| {})?.0)
}

fn check_shapes(k: usize, base: &Vectors, queries: &Vectors) -> Result<(), Error> {
    if queries.dim() != base.dim() {
        return Err(Error::DimensionMismatch { expected: base.dim(), got: queries.dim() });
    }
    if !(1..=K_MAX).contains(&k) {
        return Err(Error::OptionOutOfRange {
            name: "k",
            value: k as u64,
            min: 1,
            max: K_MAX as u64,
        });
    }
    if k > base.rows() {
        return Err(Error::NotEnoughItems { k, len: base.rows() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ecphory::exec::Sequential;

    #[test]
    fn narrow_rows_are_judged_by_what_went_in() {
        let mut state = 1u64;
        let mut number = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 40) as f32 / (1 << 24) as f32
        };
        let base = Vectors::new(1500, 3, (0..4500).map(|_| number()).collect()).unwrap();
        let queries = Vectors::new(50, 3, (0..150).map(|_| number()).collect()).unwrap();
        let best = |rows| {
            let plan = Plan {
                builder: Index::builder(3).metric(Metric::L2).rows(rows),
                k: 10,
                sweep: Sweep { searchers: &Sequential, repeat: 1 },
                targets: vec!["1.0".parse().unwrap()],
                samples: Samples::None,
            };
            let report = run(&plan, &base, &queries, None, &Sequential, &mut |_| {}).unwrap();
            report.search.iter().map(|point| point.recall).fold(0.0, f64::max)
        };
        let [full, codes] = [Rows::F32, Rows::Codes].map(best);
        assert_eq!(full, 1.0);
        // An exact search of the codes would call itself perfect.
        assert!((0.7..0.999).contains(&codes), "recall {codes} on codes alone");
    }
}
