//! The claims that `benches/figures` measures. Its sections are keys of what it prints.

use super::measure::Measurements;
use super::table::speed;
use super::{Bound, Claim};

/// The claims.
pub(super) const CLAIMS: &[Claim] = &[
    speed("B5", "sift-128: queries per second on 2 threads / on 1", Bound::AtLeast(1.9), |run| {
        figure(run, "/threads/search/sift-128/speedup/2")
    }),
    speed(
        "B5",
        "wordnet-384: queries per second on 2 threads / on 1",
        Bound::AtLeast(1.9),
        |run| figure(run, "/threads/search/wordnet-384/speedup/2"),
    ),
    speed(
        "B5",
        "60,000 of sift-128: vectors built per second on 2 threads / on 1",
        Bound::AtLeast(1.9),
        |run| figure(run, "/threads/build/sift-128/speedup/2"),
    ),
    speed(
        "B6",
        "20,000 of sift-128: inserts per second into one index, 2 threads / 1",
        Bound::AtLeast(1.8),
        |run| figure(run, "/concurrent/speedup"),
    ),
    speed(
        "B6",
        "20,000 of sift-128: points of recall@10, inserted by 2 threads - by 1",
        Bound::AtLeast(-0.5),
        |run| figure(run, "/concurrent/points"),
    ),
    speed(
        "B6",
        "20,000 of sift-128: inserts per second by 2 threads, lock-free / with one mutex",
        Bound::AtLeast(1.0),
        |run| figure(run, "/concurrent/lock_free_to_mutex"),
    ),
    speed(
        "J8",
        "25,000 of sift-128 (128 components): inserts per second into an empty index, 1 thread",
        Bound::AtLeast(10_000.0),
        |run| figure(run, "/insert/sets/sift-128/empty/inserts_per_second"),
    ),
    speed(
        "J8",
        "25,000 of wordnet-384 lifted to 768: inserts per second into an empty index, 1 thread",
        Bound::AtLeast(10_000.0),
        |run| figure(run, "/insert/sets/lifted-768/empty/inserts_per_second"),
    ),
    speed(
        "J6",
        "50,000 of sift-128: points of recall@10, built in bulk - inserted one by one",
        Bound::AtLeast(-0.5),
        |run| figure(run, "/bulk/sets/sift-128/points"),
    ),
    speed(
        "J6",
        "50,000 of wordnet-384: points of recall@10, built in bulk - inserted one by one",
        Bound::AtLeast(-0.5),
        |run| figure(run, "/bulk/sets/wordnet-384/points"),
    ),
    speed(
        "M4",
        "words20k, wordnet-384, sift-128: smallest recall reached - asked for (0.9, 0.95, 0.99)",
        Bound::AtLeast(-0.005),
        |run| figure(run, "/knob/smallest_reached_minus_asked"),
    ),
    speed(
        "A12",
        "words20k: points of recall@10, f16 rows - f32 rows",
        Bound::AtLeast(-1.0),
        |run| figure(run, "/rows/sets/words20k/f16/points"),
    ),
    speed(
        "A12",
        "100,000 of sift-128: points of recall@10, sign codes scanned and 10,000 compared again, in the bench alone - exact",
        Bound::AtLeast(-1.0),
        |run| figure(run, "/rows/sets/sift-128/signs/compared_again/10000/points"),
    ),
    speed(
        "A12",
        "100,000 of wordnet-384: points of recall@10, sign codes scanned and 500 compared again, in the bench alone - exact",
        Bound::AtLeast(-1.0),
        |run| figure(run, "/rows/sets/wordnet-384/signs/compared_again/500/points"),
    ),
    speed(
        "J3",
        "60,000 of wordnet-384: queries per second at one ef, 16 segments / 1",
        Bound::AtLeast(1.0 / 16.0),
        |run| figure(run, "/segments/segments/16/to_one"),
    ),
    speed("K4", "allocations per query after warm-up", Bound::Exactly(0.0), |run| {
        figure(run, "/allocations/most_per_query")
    }),
];

/// The number at a JSON pointer whose first part is a section.
fn figure(run: &mut Measurements, pointer: &str) -> anyhow::Result<f64> {
    let section = pointer.split('/').nth(1).unwrap_or_default();
    run.figures(section)?.number(pointer)
}
