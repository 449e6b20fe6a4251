//! `cargo xtask test`: every test of the project, by area.
//!
//! ```text
//! areas (what to run) ──► runner (run, log, stop) ──► counts (what the output says)
//!  └─ sanitizers (the same programs, watched)
//! ```
//!
//! **Invariants.** An area that ran no test has failed. A failing area's output is shown in full,
//! each area's is kept in `target/test-logs`. The last line is `N passed, N failed` and agrees with
//! the exit status. No wall-clock figure is judged but the budget of the whole run.
//!
//! Absent on purpose: choice of single tests (`cargo test` does that), and measurements (`claims`).

mod areas;
mod counts;
mod runner;
mod sanitizers;

use crate::workspace;
use anyhow::Context;
use areas::{AREAS, Area, Run};
use counts::Counts;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// The usual run, from a cold machine.
const BUDGET: Duration = Duration::from_mins(45);
/// The run of every count, and of some under the sanitizers.
const FULL_BUDGET: Duration = Duration::from_hours(3);

/// Set for `--full`: tests run every repetition that the project promises.
const FULL_VARIABLE: &str = "ECPHORY_FULL";

/// Whether this process was started for every repetition.
pub(crate) fn is_full() -> bool {
    std::env::var_os(FULL_VARIABLE).is_some_and(|value| value != "0")
}

/// One line of the report.
struct Row {
    name: &'static str,
    counts: Counts,
    seconds: f64,
}

/// Runs the areas; `false` if anything failed.
pub(crate) fn run(quick: bool, full: bool) -> anyhow::Result<bool> {
    let budget = if full { FULL_BUDGET } else { BUDGET };
    let deadline = Instant::now() + budget;
    let logs = workspace::target().join("test-logs");
    fs::create_dir_all(&logs)?;
    let mut rows = Vec::new();
    let chosen = if full {
        Run::Full
    } else if quick {
        Run::Quick
    } else {
        Run::Usual
    };
    for area in AREAS.iter().filter(|area| area.run <= chosen) {
        rows.push(run_area(area, full, &logs, deadline)?);
    }
    Ok(report(&rows, budget))
}

fn run_area(area: &Area, full: bool, logs: &Path, deadline: Instant) -> anyhow::Result<Row> {
    let name = area.name;
    println!("{name} ...");
    let started = Instant::now();
    let log = logs.join(format!("{name}.log"));
    let counts = match (area.steps)() {
        Ok(mut steps) => {
            for step in steps.iter_mut().filter(|_| full) {
                step.command.env(FULL_VARIABLE, "1");
            }
            runner::run(steps, &log, deadline).with_context(|| format!("running area {name}"))?
        }
        Err(error) => {
            fs::write(&log, format!("{error:#}\n"))?;
            Counts { failed: 1, ..Counts::default() }
        }
    };
    if counts.failed != 0 {
        println!("{}", String::from_utf8_lossy(&fs::read(&log)?));
        println!("{name} FAILED; the output above is kept in {}", workspace::shown(&log));
    }
    Ok(Row { name, counts, seconds: started.elapsed().as_secs_f64() })
}

/// Prints the table and the last line; `true` if everything passed.
fn report(rows: &[Row], budget: Duration) -> bool {
    let mut all = Counts::default();
    println!("\n{:<10} {:>8} {:>8} {:>8} {:>8}", "area", "seconds", "passed", "failed", "skipped");
    for Row { name, counts, seconds } in rows {
        let Counts { passed, failed, skipped } = *counts;
        println!("{name:<10} {seconds:>8.1} {passed:>8} {failed:>8} {skipped:>8}");
        all += *counts;
    }
    let seconds: f64 = rows.iter().map(|row| row.seconds).sum();
    println!("{:<10} {seconds:>8.1}   (budget {} s)\n", "total", budget.as_secs());
    let skipped = match all.skipped {
        0 => String::new(),
        number => format!(", {number} skipped"),
    };
    println!("{} passed, {} failed{skipped}", all.passed, all.failed);
    all.failed == 0 && all.passed != 0
}
