//! Claims about an index that lives: `benches/live`, one section a line of the issue.

use super::measure::Measurements;
use super::{Bound, Claim};
use anyhow::ensure;

/// The claims.
pub(super) const CLAIMS: &[Claim] = &[
    live(
        "B4",
        "20,000 x 64, turned over 10 times: points of recall@10 - a fresh build, worst of 3 orders",
        Bound::AtLeast(-1.0),
        |run| worst(run, "points", f64::min),
    ),
    live("B4", "the same: nodes out of reach", Bound::Exactly(0.0), |run| {
        worst(run, "unreachable", f64::max)
    }),
    live("K2", "the same: bytes / those of a fresh build", Bound::AtMost(1.25), |run| {
        worst(run, "memory_to_fresh", f64::max)
    }),
    live(
        "A4",
        "the same: 99th percentile of a search / that of a fresh build",
        Bound::AtMost(1.3),
        |run| worst(run, "p99_to_fresh", f64::max),
    ),
    live(
        "A7",
        "words20k, 90 % deleted: searches that found fewer than there are",
        Bound::Exactly(0.0),
        |run| section(run, "deleted", "/short_answers"),
    ),
    live(
        "A7",
        "words20k, 90 % deleted: recall@10 at the default ef, before the dead are taken out",
        Bound::AtLeast(0.95),
        |run| section(run, "deleted", "/recall_before"),
    ),
    live(
        "A7",
        "words20k, 90 % deleted: recall@10 at the default ef, after",
        Bound::AtLeast(0.95),
        |run| section(run, "deleted", "/recall_after"),
    ),
    live(
        "B4",
        "words20k, 200 generations of 1 %: points of recall@10 - a fresh build",
        Bound::AtLeast(-1.0),
        |run| section(run, "churn", "/points"),
    ),
    live(
        "B1",
        "100 builds by 2, 4 and 8 threads: nodes out of reach",
        Bound::Exactly(0.0),
        |run| section(run, "builds", "/unreachable"),
    ),
    live(
        "B1",
        "the same: smallest share of vectors that find themselves at ef 256",
        Bound::Exactly(1.0),
        |run| section(run, "builds", "/self_recall_ef_256"),
    ),
    live("B1", "the same, at ef 64", Bound::AtLeast(0.999), |run| {
        section(run, "builds", "/self_recall_ef_64")
    }),
    live("B1", "the same, at ef 64 and m 4", Bound::AtLeast(0.99), |run| {
        section(run, "builds", "/self_recall_ef_64_m_4")
    }),
    live(
        "A9",
        "wordnet-384, filters that admit 0.01 to 50 % and clusters: smallest recall@10",
        Bound::AtLeast(0.95),
        |run| section(run, "filters", "/worst/recall"),
    ),
    live(
        "A9",
        "the same, by key set: (time - 20 us) / comparing the items that match, worst",
        Bound::AtMost(1.2),
        |run| section(run, "filters", "/worst/cost_keys"),
    ),
    live(
        "A9",
        "the same, by closure: (time - 20 us) / asking it about all items, worst",
        Bound::AtMost(1.2),
        |run| section(run, "filters", "/worst/cost_closure"),
    ),
    live(
        "A9",
        "the same, by tags: (time - 20 us) / comparing the items that match, worst",
        Bound::AtMost(1.2),
        |run| section(run, "filters", "/worst/cost_tags"),
    ),
    live(
        "B2",
        "wordnet-384, 2 threads, 80 % searches, 15 % inserts, 5 % deletes, 60 s: wrong answers",
        Bound::Exactly(0.0),
        |run| section(run, "mixed", "/wrong"),
    ),
    live(
        "A4",
        "the same: 99th percentile of a search / that without writes",
        Bound::AtMost(2.0),
        |run| section(run, "mixed", "/p99_ratio"),
    ),
    live(
        "L2",
        "the matrix of boundary values over Rust, command line and JavaScript: cells that fail",
        Bound::Exactly(0.0),
        boundary,
    ),
];

const fn live(
    requirement: &'static str,
    what: &'static str,
    bound: Bound,
    measure: fn(&mut Measurements) -> anyhow::Result<f64>,
) -> Claim {
    Claim { area: "live", requirement, what, bound, long: false, measure }
}

/// Cells of the matrix of boundary values that fail, in all three languages.
fn boundary(run: &mut Measurements) -> anyhow::Result<f64> {
    let (mut cells, mut failed) = (0.0, 0);
    for report in run.boundary()? {
        cells += report.number("/cells")?;
        failed += report.length("/failed")?;
    }
    ensure!(cells > 0.0, "the matrix has no cells");
    eprintln!("{cells} cells of boundary values");
    Ok(failed as f64)
}

/// A figure of one section.
fn section(run: &mut Measurements, name: &str, pointer: &str) -> anyhow::Result<f64> {
    run.live(name)?.number(&format!("/{name}{pointer}"))
}

/// The worst of the three orders in which items are turned over.
fn worst(run: &mut Measurements, field: &str, worse: fn(f64, f64) -> f64) -> anyhow::Result<f64> {
    let report = run.live("turnover")?;
    let of = |order| report.number(&format!("/turnover/orders/{order}/{field}"));
    Ok(worse(worse(of("random")?, of("sliding")?), of("clustered")?))
}
