//! From the `wasm` crate to a raw module.

use super::{SHARED_PAGES_MAX, Simd, Threads, Variant};
use crate::{process, toolchain, workspace};
use anyhow::Context;
use std::path::PathBuf;

pub(super) const TARGET: &str = "wasm32-unknown-unknown";

/// Compiles one variant and returns where its module lies.
///
/// Each variant has its own target directory: flags differ, and Cargo would otherwise compile
/// everything anew at each change of variant.
pub(crate) fn compile(variant: Variant) -> anyhow::Result<PathBuf> {
    let linker = toolchain::wasm_linker().context("no linker; run `cargo xtask setup`")?;
    let target_dir = workspace::target().join("wasm").join(variant.name());
    let mut cargo =
        toolchain::cargo_with_std("build", "std,panic_abort", &target_dir, &flags(variant)?)?;
    cargo
        .args(["--package", "ecphory-wasm", "--profile", "wasm", "--target", TARGET])
        // Names no other feature, so the library comes without backtraces, which nobody could read.
        .args(["-Z", "build-std-features=optimize_for_size"])
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
    if variant.threads == Threads::Many {
        cargo.args(["--features", "threads"]);
    }
    process::run(&mut cargo)?;
    Ok(target_dir.join(TARGET).join("wasm").join("ecphory_wasm.wasm"))
}

fn flags(variant: Variant) -> anyhow::Result<Vec<String>> {
    let mut features = vec!["+simd128", "+bulk-memory", "+mutable-globals"];
    if variant.simd == Simd::Relaxed {
        features.push("+relaxed-simd");
    }
    if variant.threads == Threads::Many {
        features.push("+atomics");
    }
    let mut flags = vec![format!("-Ctarget-feature={}", features.join(","))];
    // There is nowhere that a panic's message could be read, so it stops with a trap at once.
    flags.extend(["-Zunstable-options", "-Cpanic=immediate-abort"].map(String::from));
    // Everything is compiled for size, but for what is marked to be fast.
    flags.push("--cfg=ecphory_compact".to_owned());
    // What is not marked for it is inlined only where that makes the code smaller.
    flags.push("-Cllvm-args=-inline-threshold=15".to_owned());
    // Panic messages name source files; the binary must not depend on where it was built.
    for (directory, name) in private_directories()? {
        flags.push(format!("--remap-path-prefix={}={name}", directory.display()));
    }
    if variant.threads == Threads::Many {
        let memory_max = format!("--max-memory={}", SHARED_PAGES_MAX * 65_536);
        let memory = ["--shared-memory", "--import-memory", &memory_max];
        // What the glue calls to give a worker its own stack and thread-local storage.
        let exports = ["__wasm_init_tls", "__tls_size", "__tls_align", "__tls_base", "__heap_base"];
        flags.extend(memory.iter().map(|argument| format!("-Clink-arg={argument}")));
        flags.extend(exports.iter().map(|symbol| format!("-Clink-arg=--export={symbol}")));
    }
    Ok(flags)
}

/// Directories of this machine that source paths may begin with, and what to call them. Where two
/// apply to a path, the later one wins.
pub(super) fn private_directories() -> anyhow::Result<Vec<(PathBuf, &'static str)>> {
    let home = std::env::home_dir().context("this user has no home directory")?;
    let cargo_home =
        std::env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    Ok(vec![(home, "home"), (cargo_home, "cargo"), (workspace::root().to_path_buf(), "ecphory")])
}
