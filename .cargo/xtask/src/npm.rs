//! `cargo xtask npm`: the package `ecphory`, ready to publish in `npm/`.

use crate::wasm::{Threads, bind, compile, gates};
use crate::{process, workspace};
use anyhow::Context;
use std::fs;
use std::path::Path;

/// Builds the package in a process of its own, which speaks on standard error: standard output is
/// free for results.
pub(crate) fn built() -> anyhow::Result<()> {
    let xtask = std::env::current_exe().context("this program has no path")?;
    process::run(process::command(xtask).arg("npm").stdout(std::io::stderr()))
}

/// Builds the package; `false` if a binary is not what it must be.
pub(crate) fn run() -> anyhow::Result<bool> {
    let dist = workspace::npm().join("dist");
    fs::create_dir_all(&dist)?;
    let mut tally = Tally::default();
    for threads in Threads::ALL {
        build(threads, &dist, &mut tally)?;
    }
    if has_script("build")? {
        process::run(process::npm().args(["run", "build"]))?;
        tally.count(true, "TypeScript build");
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(tally.failed == 0)
}

/// Builds the binaries and the glue of one thread mode into `dist`.
fn build(threads: Threads, dist: &Path, tally: &mut Tally) -> anyhow::Result<()> {
    let mut glues = Vec::new();
    for variant in threads.variants() {
        println!("{}: compiling", variant.name());
        let raw = compile::compile(variant)?;
        let (wasm, glue) = bind::bind(variant, &raw)?;
        let path = dist.join(format!("{}.wasm", variant.name()));
        fs::write(&path, &wasm)?;
        println!("{}: {} bytes", workspace::shown(&path), wasm.len());
        for gate in gates::check(variant, &wasm)? {
            tally.count(gate.holds, &format!("{}: {}", variant.name(), gate.what));
        }
        glues.push((variant, glue));
    }
    let written = bind::write_glue(dist, &glues)?;
    for path in written {
        tally.count(true, &format!("{} serves both binaries", workspace::shown(&path)));
    }
    Ok(())
}

/// Whether `npm/package.json` has a script of this name.
pub(crate) fn has_script(name: &str) -> anyhow::Result<bool> {
    let text = fs::read_to_string(workspace::npm().join("package.json"))?;
    let package: serde_json::Value = serde_json::from_str(&text)?;
    Ok(package["scripts"][name].is_string())
}

/// Checks that were made, printed as they are counted.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
}

impl Tally {
    fn count(&mut self, holds: bool, what: &str) {
        println!("  {} {what}", if holds { "ok    " } else { "FAILED" });
        if holds { self.passed += 1 } else { self.failed += 1 }
    }
}
