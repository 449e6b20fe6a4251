//! The crashes of a store as 32-bit WebAssembly, in Node.js.

use super::compile::TARGET;
use crate::{process, toolchain, workspace};
use anyhow::{Context, ensure};

/// Distinct images that are opened, usually and with every count.
const IMAGES: [u32; 2] = [5_000, 50_000];

/// Compiles and runs them; `false` if anything was lost.
pub(crate) fn run(full: bool) -> anyhow::Result<bool> {
    let linker = toolchain::wasm_linker().context("no linker; run `cargo xtask setup`")?;
    let target_dir = workspace::target().join("wasm/crashes");
    let flags = ["-Ctarget-feature=+simd128,+bulk-memory".to_owned()];
    let mut cargo = toolchain::cargo_with_std("build", "std,panic_abort", &target_dir, &flags)?;
    cargo
        .args(["--package", "ecphory-crashes", "--release", "--target", TARGET])
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
    process::run(cargo.stdout(std::io::stderr()))?;
    let node = process::find("node").context("no Node.js; run `cargo xtask setup`")?;
    let mut node = process::command(node);
    node.arg(workspace::root().join("tests/crashes/run.mjs"))
        .arg(target_dir.join(TARGET).join("release/ecphory_crashes.wasm"))
        .arg(IMAGES[usize::from(full)].to_string());
    let status = node.status().context("could not start Node.js")?;
    ensure!(status.code().is_some(), "Node.js was stopped");
    Ok(status.success())
}
