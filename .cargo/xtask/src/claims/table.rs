//! The claims themselves.

use super::measure::{Measurements, Report};
use super::{Bound, Claim};

/// The areas, in the order in which they are measured.
pub(crate) const AREAS: [&str; 7] = ["core", "speed", "live", "durable", "memory", "pool", "web"];

/// Every claim.
pub(crate) const CLAIMS: &[Claim] = &[
    Claim {
        area: "core",
        requirement: "L4",
        what: "words of words20k that the benchmark indexed",
        bound: Bound::Exactly(20_000.0),
        long: false,
        measure: |run| words20k(run)?.number("/n"),
    },
    Claim {
        area: "core",
        requirement: "A1",
        what: "words20k, cosine: best recall@10 over the swept ef",
        bound: Bound::AtLeast(0.99),
        long: false,
        measure: |run| words20k(run)?.largest("/search", "recall"),
    },
    Claim {
        area: "core",
        requirement: "K2",
        what: "words20k, cosine: bytes of the index / bytes of its vectors",
        bound: Bound::AtMost(1.8),
        long: false,
        measure: |run| words20k(run)?.number("/memory/ratio"),
    },
];

/// The benchmark at default settings on the words that ship with the repository.
fn words20k(run: &mut Measurements) -> anyhow::Result<Report> {
    let base = "tests/fixtures/words20k/words20k-384.i8.npy";
    let queries = "tests/fixtures/words20k/words20k-queries-384.f16.npy";
    run.ecphory(&["bench", "--base", base, "--queries", queries, "--metric", "cosine"])
}
