//! The areas of the test run, and the commands of each.
#![allow(clippy::unnecessary_wraps, reason = "the table holds functions of one type")]

use super::sanitizers;
use crate::{npm, process, toolchain, workspace};
use std::process::Command;

/// A command and how its tests are counted.
pub(crate) struct Step {
    pub(crate) command: Command,
    pub(crate) tally: Tally,
}

/// Where the number of tests comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tally {
    /// The command is one check; its exit status decides.
    Command,
    /// The command reports its tests; that none ran is a failure.
    Tests,
    /// The command runs into a planted fault: that it ends well, or without these words, is a
    /// failure.
    Finding(&'static str),
}

/// Tests that belong together in the report.
pub(crate) struct Area {
    pub(crate) name: &'static str,
    /// The shortest run that it belongs to.
    pub(crate) run: Run,
    /// The commands; an error means that they can not even be put together.
    pub(crate) steps: fn() -> anyhow::Result<Vec<Step>>,
}

/// How long a run may take.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Run {
    /// `--quick`: native only.
    Quick,
    /// Everything, each repetition a few times.
    Usual,
    /// `--full`.
    Full,
}

/// All areas: what brings the tools first, then the cheapest, builds before what needs them.
pub(crate) const AREAS: [Area; 11] = [
    Area { name: "setup", run: Run::Usual, steps: setup },
    Area { name: "style", run: Run::Quick, steps: style },
    Area { name: "native", run: Run::Quick, steps: native },
    Area { name: "docs", run: Run::Quick, steps: docs },
    Area { name: "loom", run: Run::Usual, steps: loom },
    Area { name: "sanitizers", run: Run::Full, steps: sanitizers::steps },
    Area { name: "fuzz", run: Run::Full, steps: fuzz },
    Area { name: "arm", run: Run::Usual, steps: arm },
    Area { name: "wasm", run: Run::Usual, steps: wasm },
    Area { name: "node", run: Run::Usual, steps: node },
    Area { name: "browsers", run: Run::Usual, steps: browsers },
];

/// Test programs that also run on 64-bit Arm, emulated.
const ARM_SUITES: [&str; 2] = ["kernels", "foreign"];

fn setup() -> anyhow::Result<Vec<Step>> {
    Ok(vec![check(xtask("setup")?)])
}

fn style() -> anyhow::Result<Vec<Step>> {
    Ok(vec![
        check(cargo(&["fmt", "--all", "--check"])),
        check(cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])),
    ])
}

fn native() -> anyhow::Result<Vec<Step>> {
    let product = ["--workspace", "--exclude", "ecphory-wasm", "--exclude", "xtask"];
    let mut all = cargo(&["test", "--no-fail-fast", "--lib", "--bins", "--tests"]);
    all.args(product);
    // On its own: in one build with the rest, its dependencies would get other features than they
    // have in the program that runs now, and be compiled a second time.
    Ok(vec![tests(all), tests(cargo(&["test", "--package", "xtask"]))])
}

fn docs() -> anyhow::Result<Vec<Step>> {
    let mut doc = cargo(&["doc", "--workspace", "--exclude", "xtask", "--no-deps"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    let examples = cargo(&["test", "--package", "ecphory", "--package", "ecphory-native", "--doc"]);
    Ok(vec![check(doc), tests(examples)])
}

fn loom() -> anyhow::Result<Vec<Step>> {
    let mut models = cargo(&["test", "--package", "ecphory", "--lib", "--release", "loom_"]);
    // The log tells how many interleavings of each model were tried.
    models.args(["--", "--nocapture"]);
    models.env("RUSTFLAGS", "--cfg loom").env("CARGO_TARGET_DIR", workspace::target().join("loom"));
    Ok(vec![tests(models)])
}

fn fuzz() -> anyhow::Result<Vec<Step>> {
    Ok(vec![tests(xtask("fuzz")?), tests(xtask("coverage")?)])
}

fn arm() -> anyhow::Result<Vec<Step>> {
    let target_dir = workspace::target().join("arm");
    let mut suites = toolchain::cargo_with_std("test", "std,test,panic_unwind", &target_dir, &[])?;
    suites
        .args(["--target", "aarch64-unknown-linux-gnu", "--package", "ecphory-tests"])
        .args(ARM_SUITES.iter().flat_map(|suite| ["--test", suite]))
        .env("ECPHORY_REQUIRE_ISA", "neon")
        .env("ECPHORY_BITS", workspace::target().join("bits"))
        .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "aarch64-linux-gnu-gcc")
        .env(
            "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER",
            "qemu-aarch64 -L /usr/aarch64-linux-gnu",
        );
    Ok(vec![tests(suites)])
}

fn wasm() -> anyhow::Result<Vec<Step>> {
    Ok(vec![tests(xtask("npm")?)])
}

fn node() -> anyhow::Result<Vec<Step>> {
    let mut steps = npm_script("test:node")?;
    steps.push(tests(xtask("crashes")?));
    Ok(steps)
}

fn browsers() -> anyhow::Result<Vec<Step>> {
    npm_script("test:browsers")
}

fn npm_script(script: &str) -> anyhow::Result<Vec<Step>> {
    anyhow::ensure!(npm::has_script(script)?, "npm/package.json has no script `{script}`");
    let mut npm = process::npm();
    npm.args(["run", script]);
    Ok(vec![tests(npm)])
}

/// Another task of this program, as a command of its own.
fn xtask(task: &str) -> anyhow::Result<Command> {
    let mut command = process::command(std::env::current_exe()?);
    command.arg(task);
    Ok(command)
}

fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = process::cargo();
    cargo.args(arguments);
    cargo
}

fn check(command: Command) -> Step {
    Step { command, tally: Tally::Command }
}

pub(super) fn tests(command: Command) -> Step {
    Step { command, tally: Tally::Tests }
}
