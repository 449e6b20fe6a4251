//! `cargo xtask bench web`: the browser page of `npm run bench`, with the native command beside it.

use crate::{npm, process, workspace};
use anyhow::ensure;

/// Builds what is compared and runs the page with `arguments`.
pub(super) fn run(arguments: &[String]) -> anyhow::Result<()> {
    ensure!(npm::run()?, "the package is not what it must be");
    let build = ["build", "--release", "--quiet", "--package", "ecphory-native"];
    process::run(process::cargo().args(build))?;
    let native = workspace::target().join("release/ecphory");
    process::run(
        process::npm().args(["run", "bench", "--", "--native"]).arg(native).args(arguments),
    )
}
