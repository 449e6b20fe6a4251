//! Runs the steps of an area into its log, until a deadline.

use super::areas::{Step, Tally};
use super::counts::Counts;
use crate::process;
use anyhow::{Context, bail};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How often a running step is looked at.
const POLL: Duration = Duration::from_millis(50);

/// Runs `steps` one after the other, all output going to `log`, and counts their tests.
///
/// A step that fails without saying which test did, that runs no test, or that is stopped at
/// `deadline` counts as one failed test: nothing passes by saying nothing.
pub(crate) fn run(steps: Vec<Step>, log: &Path, deadline: Instant) -> anyhow::Result<Counts> {
    let mut all = Counts::default();
    File::create(log).with_context(|| format!("creating {}", log.display()))?;
    for Step { mut command, tally } in steps {
        let line = process::shown(&command);
        append(log, &format!("$ {line}\n"))?;
        let start = fs::metadata(log)?.len() as usize;
        let outcome = execute(&mut command, log, deadline);
        let output = fs::read(log)?;
        let (mut counts, complaint) =
            judge(tally, outcome, &String::from_utf8_lossy(&output[start..]));
        if let Some(complaint) = complaint {
            append(log, &format!("{complaint}: {line}\n"))?;
            counts.failed += 1;
        }
        all += counts;
    }
    Ok(all)
}

/// What a command that printed `output` counts for, and what is wrong beside failed tests.
fn judge(tally: Tally, outcome: anyhow::Result<bool>, output: &str) -> (Counts, Option<String>) {
    let one = Counts { passed: 1, ..Counts::default() };
    let succeeded = match outcome {
        Err(error) => return (Counts::default(), Some(format!("{error:#}"))),
        Ok(succeeded) => succeeded,
    };
    let counts = match tally {
        Tally::Tests => Counts::of(output),
        Tally::Command if succeeded => one,
        Tally::Finding(words) if !succeeded && output.contains(words) => return (one, None),
        Tally::Finding(words) => {
            return (Counts::default(), Some(format!("a planted fault was not found ({words})")));
        }
        Tally::Command => Counts::default(),
    };
    let complaint = match succeeded {
        false if counts.failed == 0 => Some("the command failed".to_owned()),
        _ if counts.ran() == 0 => Some("no test ran".to_owned()),
        _ => None,
    };
    (counts, complaint)
}

/// Runs one command and says whether it succeeded.
///
/// # Errors
/// Where it could not be started or had to be stopped.
fn execute(command: &mut Command, log: &Path, deadline: Instant) -> anyhow::Result<bool> {
    let output = File::options().append(true).open(log)?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .env("CARGO_TERM_COLOR", "never")
        .env("NO_COLOR", "1")
        .spawn()
        .context("could not be started")?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if deadline <= Instant::now() {
            stop(&mut child);
            bail!("stopped, because the time budget of the whole run is spent");
        }
        std::thread::sleep(POLL);
    }
}

/// Ends a child and, where the system lists processes, all that it started.
fn stop(child: &mut Child) {
    let mut family = vec![child.id()];
    let parents = parents();
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        family.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(process, _)| *process));
        next += 1;
    }
    for process in family.iter().skip(1) {
        let _ = Command::new("kill").args(["-KILL", &process.to_string()]).status();
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Every process and its parent; empty where there is no `/proc`.
fn parents() -> Vec<(u32, u32)> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    processes
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let process = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            // `pid (name) state parent …`; the name may hold anything, also parentheses.
            let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
            Some((process, parent))
        })
        .collect()
}

fn append(log: &Path, text: &str) -> anyhow::Result<()> {
    File::options().append(true).open(log)?.write_all(text.as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, tally: Tally) -> Step {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Step { command, tally }
    }

    fn counts_of(name: &str, script: &str, tally: Tally, limit: Duration) -> Counts {
        let log = std::env::temp_dir().join(format!("xtask-{}-{name}.log", std::process::id()));
        let counts = run(vec![shell(script, tally)], &log, Instant::now() + limit).unwrap();
        fs::remove_file(log).unwrap();
        counts
    }

    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn results_are_counted() {
        let counts = counts_of("count", "echo 3 passed, 0 failed", Tally::Tests, MINUTE);
        assert_eq!(counts, Counts { passed: 3, failed: 0, skipped: 0 });
    }

    #[test]
    fn silence_is_a_failure() {
        assert_eq!(counts_of("silent", "true", Tally::Tests, MINUTE).failed, 1);
        assert_eq!(counts_of("zero", "echo 0 passed, 0 failed", Tally::Tests, MINUTE).failed, 1);
    }

    #[test]
    fn a_failing_command_fails_whatever_it_printed() {
        let counts = counts_of("exit", "echo 3 passed, 0 failed; exit 1", Tally::Tests, MINUTE);
        assert_eq!(counts, Counts { passed: 3, failed: 1, skipped: 0 });
        assert_eq!(counts_of("check", "false", Tally::Command, MINUTE).failed, 1);
        assert_eq!(counts_of("check-ok", "true", Tally::Command, MINUTE).passed, 1);
    }

    #[test]
    fn a_planted_fault_is_to_be_found() {
        let of =
            |name: &str, script: &str| counts_of(name, script, Tally::Finding("a race"), MINUTE);
        let found = Counts { passed: 1, ..Counts::default() };
        let missed = Counts { failed: 1, ..Counts::default() };
        assert_eq!(of("found", "echo there is a race; exit 66"), found);
        assert_eq!(of("unsaid", "echo 1 passed, 1 failed; exit 66"), missed);
        assert_eq!(of("passed", "echo there is a race"), missed);
    }

    #[test]
    fn a_step_over_the_deadline_is_stopped_with_its_children() {
        let started = Instant::now();
        let counts =
            counts_of("late", "sleep 50 & sleep 50", Tally::Command, Duration::from_millis(200));
        assert_eq!(counts.failed, 1);
        assert!(started.elapsed() < Duration::from_secs(40), "the sleep was waited for");
    }
}
