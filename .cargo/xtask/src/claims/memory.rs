//! Claims about what makes vectors memories: `tests/memory`, `tests/activation.rs`.

use super::measure::Measurements;
use super::{Bound, Claim};

const RECOLLECT: &str =
    "recollection_finds_hidden_relations_that_neither_likeness_nor_association_finds";
const SCAN: &str = "a_weighed_scan_is_brute_force";
const WALK: &str = "a_weighed_walk_among_words_is_as_good_as_a_plain_one_or_says_so";
const SPREAD: &str = "a_cue_among_words_converges_or_uses_its_budget_up";

/// The claims.
pub(super) const CLAIMS: &[Claim] = &[
    memory(
        "D3",
        "random sets on which a weighed scan is brute force, to the bit",
        Bound::AtLeast(1000.0),
        |run| run.test("memory", SCAN, false)?.number("/sets"),
    ),
    memory(
        "D3",
        "words20k: points of recall@10 that weighing loses over a walk of the graph",
        Bound::AtMost(1.0),
        |run| run.test("memory", WALK, false)?.number("/loss"),
    ),
    memory("D3", "the same: answers that name a bound instead, percent", PRINTED, |run| {
        run.test("memory", WALK, false)?.number("/bounded")
    }),
    memory(
        "D9",
        "words20k: milliseconds of activation to a residual of 0.05 or its budget, median",
        Bound::AtMost(1.0),
        |run| run.test("activation", SPREAD, false)?.number("/as_they_are/median_ms"),
    ),
    memory("D9", "the same: its residual, median", PRINTED, |run| {
        run.test("activation", SPREAD, false)?.number("/as_they_are/residual")
    }),
    memory("D9", "the same with relations both ways: milliseconds, median", PRINTED, |run| {
        run.test("activation", SPREAD, false)?.number("/both_ways/median_ms")
    }),
    memory(
        "D6",
        "words20k, a tenth of all relations hidden: hidden neighbours in the first ten, percent, by recollection",
        PRINTED,
        |run| hidden(run, "/all/recollect"),
    ),
    memory("D6", "the same by plain search", PRINTED, |run| hidden(run, "/all/search")),
    memory("D6", "the same by activation alone, from the same seeds", PRINTED, |run| {
        hidden(run, "/all/activation")
    }),
    memory(
        "D6",
        "the same: points that recollection gains over the better of the two, lower end of 95 %",
        Bound::AtLeast(0.0),
        |run| hidden(run, "/all/least"),
    ),
    memory(
        "D6",
        "the same of words that are not known to be related: points gained, lower end of 95 %",
        Bound::AtLeast(0.0),
        |run| hidden(run, "/unknown/least"),
    ),
];

/// Of a figure that has no bound, but to be printed.
const PRINTED: Bound = Bound::AtLeast(0.0);

const fn memory(
    requirement: &'static str,
    what: &'static str,
    bound: Bound,
    measure: fn(&mut Measurements) -> anyhow::Result<f64>,
) -> Claim {
    Claim { area: "memory", requirement, what, bound, long: false, measure }
}

fn hidden(run: &mut Measurements, pointer: &str) -> anyhow::Result<f64> {
    run.test("memory", RECOLLECT, false)?.number(pointer)
}
