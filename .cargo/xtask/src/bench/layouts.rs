//! `cargo xtask bench layouts`: cache misses of links apart from rows against links beside them, by
//! cachegrind.
//!
//! Each walk runs once and twice over the same queries; the difference is one pass with caches as
//! warm as they get, without the reading of files. The figures are counts of a simulation: the same
//! on a busy machine as on a quiet one. It knows no prefetching, neither the processor's nor the
//! program's, and has two levels: a first-level cache and one that stands for all others.

use crate::{process, workspace};
use anyhow::{Context, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Size, ways and line of the caches: those of a core of a Sapphire Rapids Xeon, its second level
/// as the last, because the one behind is shared with all others.
const CACHES: [&str; 3] = ["--I1=32768,8,64", "--D1=49152,12,64", "--LL=2097152,16,64"];

const ROWS: [(&str, &str); 2] = [("codes", "7-bit codes, 384 bytes"), ("f32", "f32, 1,536 bytes")];
const LAYOUTS: [(&str, &str); 3] = [
    ("separate", "links apart from rows, both on lines of their own (ecphory)"),
    ("packed", "links beside the row, packed with count and label (hnswlib)"),
    ("aligned", "links beside the row, records on lines of their own"),
];

/// One run of the program under cachegrind.
struct Run {
    queries: f64,
    scored: f64,
    expanded: f64,
    node_bytes: f64,
    checksum: String,
    /// Data reads, and those that missed the first and the last level: `Dr`, `D1mr`, `DLmr`.
    reads: [f64; 3],
}

/// Builds the program and its graph, runs it and prints the table.
pub(super) fn run(arguments: &[String]) -> anyhow::Result<()> {
    ensure!(arguments.is_empty(), "`bench layouts` takes no arguments");
    let Some(valgrind) = process::find("valgrind") else {
        bail!("cachegrind counts the misses; install valgrind (`apt install valgrind`)");
    };
    let build = ["build", "--release", "--quiet", "--package", "ecphory-tests"];
    process::run(process::cargo().args(build).args(["--example", "layouts"]))?;
    let program = workspace::target().join("release/examples/layouts");
    let folder = workspace::target().join("layouts");
    std::fs::create_dir_all(&folder)?;
    let graph = folder.join("words20k.ecp");
    process::run(process::command(&program).arg("prepare").arg(&graph))?;
    let walk = |layout: &str, rows: &str, passes: &str| {
        let counts: PathBuf = folder.join(format!("{layout}-{rows}-{passes}.cachegrind"));
        let mut command = process::command(&valgrind);
        command.args(["--quiet", "--tool=cachegrind", "--cache-sim=yes"]).args(CACHES);
        command.arg(format!("--cachegrind-out-file={}", counts.display()));
        command.arg(&program).arg("walk").arg(&graph).args([layout, rows, passes]);
        measure(&mut command, &counts)
    };
    println!("Walks of words20k, ef 64, a query: counts of cachegrind, {}", CACHES[1..].join(" "));
    for (rows, row_name) in ROWS {
        println!("\n{row_name}\n      Dr    D1mr    DLmr  D1 hits  bytes/node  layout");
        let mut checksum = None;
        for (layout, layout_name) in LAYOUTS {
            let (once, twice) = (walk(layout, rows, "1")?, walk(layout, rows, "2")?);
            let same = checksum.get_or_insert_with(|| once.checksum.clone()) == &once.checksum;
            ensure!(same, "the walk over `{layout}` is not that over the layouts before");
            let queries = twice.queries - once.queries;
            let [reads, first, last] =
                std::array::from_fn(|i| (twice.reads[i] - once.reads[i]) / queries);
            println!(
                "{reads:8.0}{first:8.0}{last:8.0}{:8.1}%{:12.0}  {layout_name}",
                100.0 * (1.0 - first / reads),
                once.node_bytes,
            );
            if layout == LAYOUTS[LAYOUTS.len() - 1].0 {
                let [scored, expanded] = [once.scored, once.expanded].map(|n| n / once.queries);
                println!("{scored:.0} rows scored and {expanded:.0} nodes expanded a query");
            }
        }
    }
    Ok(())
}

/// Runs the program under cachegrind and reads what both say.
fn measure(command: &mut Command, counts: &Path) -> anyhow::Result<Run> {
    let said = process::read(command)?;
    let file = std::fs::read_to_string(counts)
        .with_context(|| format!("cachegrind wrote no {}", counts.display()))?;
    let reads = events(&file, ["Dr", "D1mr", "DLmr"])
        .with_context(|| format!("no counts of data reads in {}", counts.display()))?;
    let words: Vec<&str> = said.split_whitespace().collect();
    let [queries, scored, expanded, node_bytes, checksum] = words[..] else {
        bail!("the walk printed `{said}`");
    };
    Ok(Run {
        queries: queries.parse()?,
        scored: scored.parse()?,
        expanded: expanded.parse()?,
        node_bytes: node_bytes.parse()?,
        checksum: checksum.to_owned(),
        reads,
    })
}

/// The totals of the named events in a file of cachegrind.
fn events<const N: usize>(file: &str, names: [&str; N]) -> Option<[f64; N]> {
    let line = |start: &str| file.lines().rev().find_map(|line| line.strip_prefix(start));
    let (all, totals) = (line("events:")?, line("summary:")?);
    let mut counts = [0.0; N];
    for (count, name) in counts.iter_mut().zip(names) {
        let place = all.split_whitespace().position(|event| event == name)?;
        *count = totals.split_whitespace().nth(place)?.parse().ok()?;
    }
    Some(counts)
}

#[cfg(test)]
mod tests {
    use super::events;

    #[test]
    fn totals_are_found_by_name() {
        let file = "desc: D1\nevents: Ir Dr D1mr DLmr\nfn=main\n1 9 9 9 9\nsummary: 7 40 3 2\n";
        assert_eq!(events(file, ["D1mr", "Dr"]), Some([3.0, 40.0]));
        assert_eq!(events(file, ["Dw"]), None);
        assert_eq!(events("events: Dr\n", ["Dr"]), None);
    }
}
