//! `cargo xtask bench web`: the browser page of `npm run bench`, with the native command beside it.

use crate::{process, workspace};
use anyhow::Context;
use std::process::{Command, Stdio};

/// Builds what is compared and runs the page with `arguments`.
pub(super) fn run(arguments: &[String]) -> anyhow::Result<()> {
    process::run(page()?.args(arguments))
}

/// The command that runs the page, once everything that it compares is built. Its standard output
/// is free for results: what is built speaks on standard error, as the page does of its progress.
pub(crate) fn page() -> anyhow::Result<Command> {
    let xtask = std::env::current_exe().context("this program has no path")?;
    process::run(process::command(xtask).arg("npm").stdout(std::io::stderr()))?;
    let mut page = process::command("node");
    page.arg(workspace::npm().join("bench/run.mjs"));
    page.arg("--native").arg(workspace::ecphory()?).stderr(Stdio::inherit());
    Ok(page)
}
