//! The claims themselves.

use super::measure::{Measurements, Report};
use super::{Bound, Claim};
use crate::workspace;

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
        what: "words20k, cosine: ef that reaches recall@10 0.95 (default 100)",
        bound: Bound::AtMost(DEFAULT_EF),
        long: false,
        measure: |run| words20k(run)?.number("/at_recall/0.95/ef"),
    },
    Claim {
        area: "core",
        requirement: "A1",
        what: "wordnet-384, cosine: ef that reaches recall@10 0.95 (default 100)",
        bound: Bound::AtMost(DEFAULT_EF),
        long: false,
        measure: |run| bench(run, WORDNET)?.number("/at_recall/0.95/ef"),
    },
    Claim {
        area: "core",
        requirement: "A1",
        what: "sift-128, l2: ef that reaches recall@10 0.95 (default 100)",
        bound: Bound::AtMost(DEFAULT_EF),
        long: false,
        measure: |run| bench(run, SIFT)?.number("/at_recall/0.95/ef"),
    },
    Claim {
        area: "core",
        requirement: "B10",
        what: "wordnet-384: queries per second at recall 0.95, ours / hnswlib",
        bound: Bound::AtLeast(1.5),
        long: false,
        measure: |run| against_hnswlib(run, WORDNET)?.number("/ratio/0.95"),
    },
    Claim {
        area: "core",
        requirement: "B10",
        what: "wordnet-384: queries per second at recall 0.99, ours / hnswlib",
        bound: Bound::AtLeast(1.0),
        long: false,
        measure: |run| against_hnswlib(run, WORDNET)?.number("/ratio/0.99"),
    },
    Claim {
        area: "core",
        requirement: "J7",
        what: "wordnet-384: seconds to build on 2 threads, ours / hnswlib",
        bound: Bound::AtMost(1.0),
        long: false,
        measure: |run| against_hnswlib(run, WORDNET)?.number("/build_ratio"),
    },
    Claim {
        area: "core",
        requirement: "B10",
        what: "sift-128: queries per second at recall 0.95, ours / hnswlib",
        bound: Bound::AtLeast(1.5),
        long: false,
        measure: |run| against_hnswlib(run, SIFT)?.number("/ratio/0.95"),
    },
    Claim {
        area: "core",
        requirement: "B10",
        what: "sift-128: queries per second at recall 0.99, ours / hnswlib",
        bound: Bound::AtLeast(1.0),
        long: false,
        measure: |run| against_hnswlib(run, SIFT)?.number("/ratio/0.99"),
    },
    Claim {
        area: "core",
        requirement: "J7",
        what: "sift-128: seconds to build on 2 threads, ours / hnswlib",
        bound: Bound::AtMost(1.0),
        long: false,
        measure: |run| against_hnswlib(run, SIFT)?.number("/build_ratio"),
    },
    speed(
        "B10",
        "wordnet-384: queries per second at recall 0.95, ours / hnswlib",
        Bound::AtLeast(3.2),
        |run| against_hnswlib(run, WORDNET)?.number("/ratio/0.95"),
    ),
    speed(
        "B10",
        "wordnet-384: queries per second at recall 0.99, ours / hnswlib",
        Bound::AtLeast(2.1),
        |run| against_hnswlib(run, WORDNET)?.number("/ratio/0.99"),
    ),
    speed(
        "J7",
        "wordnet-384: seconds to build on 2 threads, ours / hnswlib",
        Bound::AtMost(0.5),
        |run| against_hnswlib(run, WORDNET)?.number("/build_ratio"),
    ),
    speed(
        "B10",
        "sift-128: queries per second at recall 0.95, ours / hnswlib",
        Bound::AtLeast(2.5),
        |run| against_hnswlib(run, SIFT)?.number("/ratio/0.95"),
    ),
    speed(
        "B10",
        "sift-128: queries per second at recall 0.99, ours / hnswlib",
        Bound::AtLeast(2.3),
        |run| against_hnswlib(run, SIFT)?.number("/ratio/0.99"),
    ),
    speed(
        "J7",
        "sift-128: seconds to build on 2 threads, ours / hnswlib",
        Bound::AtMost(0.42),
        |run| against_hnswlib(run, SIFT)?.number("/build_ratio"),
    ),
    speed(
        "K2",
        "wordnet-384: bytes of the index / bytes of its vectors",
        Bound::AtMost(1.5),
        |run| bench(run, WORDNET)?.number("/memory/ratio"),
    ),
    speed("K2", "sift-128: bytes of the index / bytes of its vectors", Bound::AtMost(1.9), |run| {
        bench(run, SIFT)?.number("/memory/ratio")
    }),
    speed(
        "J1",
        "sift-128: vectors built per second on 2 threads",
        Bound::AtLeast(20_000.0),
        |run| bench(run, SIFT)?.number("/build/vectors_per_second"),
    ),
];

/// A claim of the area `speed`. What it still lacks is listed in `tests/REQUIREMENTS.md`.
pub(super) const fn speed(
    requirement: &'static str,
    what: &'static str,
    bound: Bound,
    measure: fn(&mut Measurements) -> anyhow::Result<f64>,
) -> Claim {
    Claim { area: "speed", requirement, what, bound, long: false, measure }
}

/// Candidates that a search keeps unless told otherwise: `ecphory::DEFAULT_EF`.
const DEFAULT_EF: f64 = 100.0;

/// A data set beside the repository: vectors, queries and metric.
#[derive(Clone, Copy)]
struct Set {
    base: &'static str,
    queries: &'static str,
    metric: &'static str,
}

const WORDNET: Set =
    Set { base: "wordnet-384.f16.npy", queries: "wordnet-queries-384.f16.npy", metric: "cosine" };
const SIFT: Set = Set { base: "sift-128.u8.npy", queries: "sift-queries-128.u8.npy", metric: "l2" };

impl Set {
    /// The paths of vectors and queries, in the folder that `ECPHORY_DATA` names.
    fn files(self) -> anyhow::Result<[String; 2]> {
        let data = workspace::data()?;
        Ok([self.base, self.queries].map(|name| data.join(name).display().to_string()))
    }
}

/// The benchmark at default settings on a set.
fn bench(run: &mut Measurements, set: Set) -> anyhow::Result<Report> {
    let [base, queries] = set.files()?;
    run.ecphory(&["bench", "--base", &base, "--queries", &queries, "--metric", set.metric])
}

/// hnswlib and this library in turns on a set.
fn against_hnswlib(run: &mut Measurements, set: Set) -> anyhow::Result<Report> {
    let [base, queries] = set.files()?;
    run.peers(&["--base", &base, "--queries", &queries, "--metric", set.metric])
}

/// The benchmark at default settings on the words that ship with the repository.
fn words20k(run: &mut Measurements) -> anyhow::Result<Report> {
    let base = "tests/fixtures/words20k/words20k-384.i8.npy";
    let queries = "tests/fixtures/words20k/words20k-queries-384.f16.npy";
    run.ecphory(&["bench", "--base", base, "--queries", queries, "--metric", "cosine"])
}
