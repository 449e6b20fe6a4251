//! `cargo xtask bench peers`: the comparison with other libraries, in `benches/peers`.
//!
//! This side provides the `ecphory` command of this tree and an environment with NumPy and hnswlib.
//! The harness installs the other libraries itself, one at a time: one that does not install on a
//! machine is a line of its report.

use crate::{process, workspace};
use std::path::PathBuf;
use std::process::Command;

/// What the harness and the claims need in any case.
const PACKAGES: [&str; 2] = ["numpy", "hnswlib"];

/// Runs the harness with `arguments` of its own.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let mut harness = script("run.py")?;
    if !arguments.iter().any(|argument| argument == "--help") {
        harness.arg("--ecphory").arg(workspace::ecphory()?).arg("--out").arg(home());
    }
    process::run(harness.args(arguments))
}

/// A script of `benches/peers`, about to run in an environment with the packages.
pub(crate) fn script(name: &str) -> anyhow::Result<Command> {
    let python = home().join("bin/python");
    let folder = workspace::root().join("benches/peers");
    if !python.exists() {
        process::run(process::command("python3").args(["-m", "venv"]).arg(home()))?;
    }
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c"];
    let releases = folder.join("requirements.txt");
    process::run(process::command(&python).args(install).arg(releases).args(PACKAGES))?;
    let mut script = process::command(python);
    script.arg(folder.join(name)).env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(script)
}

/// The environment, and the folder of what is measured.
fn home() -> PathBuf {
    workspace::target().join("peers")
}
