//! `cargo xtask bench peers`: the comparison with other libraries, in `benches/peers`.
//!
//! This side provides the `ecphory` command of this tree and an environment with NumPy and hnswlib.
//! The harness installs the other libraries itself, one at a time: one that does not install on a
//! machine is a line of its report.

use crate::{process, workspace};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the harness and the claims need in any case.
const PACKAGES: [&str; 2] = ["numpy", "hnswlib"];

/// Runs the harness with `arguments` of its own.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let mut harness = script("benches/peers/run.py", &[])?;
    if !arguments.iter().any(|argument| argument == "--help") {
        harness.arg("--ecphory").arg(workspace::ecphory()?).arg("--out").arg(home());
    }
    process::run(harness.args(arguments))
}

/// A Python script of the repository or beside its data, about to run in an environment with the
/// packages and `more` of those that are compared.
pub(crate) fn script(path: impl AsRef<Path>, more: &[&str]) -> anyhow::Result<Command> {
    let python = home().join("bin/python");
    if !python.exists() {
        process::run(process::command("python3").args(["-m", "venv"]).arg(home()))?;
    }
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c"];
    let releases = workspace::root().join("benches/peers/requirements.txt");
    let mut pip = process::command(&python);
    process::run(pip.args(install).arg(releases).args(PACKAGES).args(more))?;
    let mut script = process::command(python);
    script.arg(workspace::root().join(path)).env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(script)
}

/// The environment, and the folder of what is measured.
fn home() -> PathBuf {
    workspace::target().join("peers")
}
