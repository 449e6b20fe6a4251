//! Claims about a store that loses nothing: `tests/durable`, `tests/kill.rs`, `benches/durable`, and
//! the mutants that show that the tests can fail.

use super::measure::Measurements;
use super::{Bound, Claim};

const CRASHES: &str = "no_crash_loses_what_was_acknowledged";
const FLIPS: &str = "every_flipped_byte_is_seen_or_harmless";
const LATE: &str = "damage_that_opening_did_not_look_for_is_found_by_scrubbing";
const LENGTHS: &str = "every_length_is_seen_or_harmless";

/// The claims.
pub(super) const CLAIMS: &[Claim] = &[
    durable(
        "G2",
        "simulated disk, plans of 400 operations: distinct crash images, each opened without loss",
        Bound::AtLeast(50_000.0),
        |run| crashes(run, false, "/images"),
    ),
    durable("G2", "the same: seconds", Bound::AtMost(180.0), |run| crashes(run, false, "/seconds")),
    Claim {
        long: true,
        ..durable(
            "G2",
            "the same: images of a second crash, during recovery",
            Bound::AtLeast(200_000.0),
            |run| crashes(run, true, "/again"),
        )
    },
    durable("G2", "the same in Node.js, 32-bit WebAssembly: images", PRINTED, |run| {
        run.crashes()?.number("/images")
    }),
    durable(
        "G1",
        "processes killed while they write: kills without loss",
        Bound::AtLeast(20.0),
        |run| run.test("kill", "kill", false)?.number("/kills"),
    ),
    Claim {
        long: true,
        ..durable(
            "G1",
            "the same, the long run: kills without loss",
            Bound::AtLeast(200.0),
            |run| run.test("kill", "kill", true)?.number("/kills"),
        )
    },
    durable(
        "G6",
        "bytes of a closed store flipped one by one: each seen, or harmless",
        Bound::AtLeast(65_536.0),
        |run| {
            let report = run.test("durable", FLIPS, false)?;
            Ok(report.number("/seen")? + report.number("/harmless")?)
        },
    ),
    durable(
        "G6",
        "the same, of snapshots opened without a look: each is safe to read, and scrubbing finds it",
        PRINTED,
        |run| run.test("durable", LATE, false)?.number("/late"),
    ),
    durable("G6", "lengths that its files are cut to: each seen, or harmless", PRINTED, |run| {
        let report = run.test("durable", LENGTHS, false)?;
        Ok(report.number("/seen")? + report.number("/harmless")?)
    }),
    durable(
        "G6",
        "cells of boundary values that fail, headers of a store with checksums computed anew among them",
        Bound::Exactly(0.0),
        |run| Ok(run.boundary_of("ecphory-tests")?.length("/failed")? as f64),
    ),
    durable(
        "G6",
        "readers of files fed with made-up inputs: seconds each ran without a finding",
        Bound::AtLeast(60.0),
        |run| run.fuzz()?.number("/seconds"),
    ),
    durable(
        "G6",
        "regions of the parsers that the kept inputs reach, percent of the one reached least",
        Bound::AtLeast(90.0),
        |run| run.coverage()?.number("/least"),
    ),
    durable("L5", "mutants of the guards that a named test kills", Bound::AtLeast(20.0), |run| {
        run.mutants()?.number("/killed")
    }),
    durable("L5", "mutants that live", Bound::Exactly(0.0), |run| run.mutants()?.number("/alive")),
    durable(
        "G1",
        "128 components, 1 writer: durable inserts a second, each with a sync of its own",
        PRINTED,
        |run| section(run, "commits", "/one"),
    ),
    durable("G1", "the same, 8 writers that share syncs / 8 that do not", PRINTED, |run| {
        Ok(section(run, "commits", "/eight")? / section(run, "commits", "/sync_each")?)
    }),
    durable(
        "G3",
        "wordnet-384, 117,659 items: milliseconds to open a store and search it",
        PRINTED,
        |run| section(run, "opening", "/all_ms"),
    ),
    durable("G3", "the same, 1,000 items", PRINTED, |run| section(run, "opening", "/few_ms")),
    durable(
        "G2",
        "128 components: inserts a second that recovery reads and makes again",
        PRINTED,
        |run| section(run, "recovery", "/rate"),
    ),
    durable("G4", "wordnet-384, checkpoint after 1 % of changes: bytes written", PRINTED, |run| {
        section(run, "compaction", "/checkpoint_bytes")
    }),
    durable("G4", "the same: bytes written / bytes of the whole snapshot", PRINTED, |run| {
        let whole = section(run, "compaction", "/whole_bytes")?;
        Ok(section(run, "compaction", "/checkpoint_bytes")? / whole)
    }),
    durable("G4", "the same: bytes written / bytes of the vectors that changed", PRINTED, |run| {
        section(run, "compaction", "/write_amplification")
    }),
    durable("G4", "the same: 99th percentile of a write meanwhile, microseconds", PRINTED, |run| {
        section(run, "compaction", "/write_p99_beside_checkpoint_us")
    }),
    durable(
        "G4",
        "wordnet-384: 99th percentile of a search beside a compaction / that without",
        Bound::AtMost(1.5),
        |run| section(run, "compaction", "/search_p99_ratio"),
    ),
];

/// Of a figure that has no bound, but to be printed.
const PRINTED: Bound = Bound::AtLeast(0.0);

const fn durable(
    requirement: &'static str,
    what: &'static str,
    bound: Bound,
    measure: fn(&mut Measurements) -> anyhow::Result<f64>,
) -> Claim {
    Claim { area: "durable", requirement, what, bound, long: false, measure }
}

fn crashes(run: &mut Measurements, full: bool, pointer: &str) -> anyhow::Result<f64> {
    run.test("durable", CRASHES, full)?.number(pointer)
}

fn section(run: &mut Measurements, name: &str, pointer: &str) -> anyhow::Result<f64> {
    run.durable(name)?.number(&format!("/{name}{pointer}"))
}
