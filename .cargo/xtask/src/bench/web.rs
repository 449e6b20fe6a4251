//! `cargo xtask bench web`: the browser page of `npm run bench`, with the native command beside it.

use crate::{npm, process, workspace};
use std::process::{Command, Stdio};

/// Builds what is compared and runs the page with `arguments`.
pub(super) fn run(arguments: &[String]) -> anyhow::Result<()> {
    process::run(page()?.args(arguments))
}

/// The command that runs the page, once everything that it compares is built. Its standard output
/// is free for results: what is built speaks on standard error, as the page does of its progress.
pub(crate) fn page() -> anyhow::Result<Command> {
    npm::built()?;
    let mut page = process::command("node");
    page.arg(workspace::npm().join("bench/run.mjs"));
    page.arg("--native").arg(workspace::ecphory()?).stderr(Stdio::inherit());
    Ok(page)
}
