//! `cargo xtask setup`: provides what the tests need, and says what it chose.
//!
//! Everything is looked for first; only what is missing is installed, in one go, where this process
//! may do so. Otherwise the command to type is part of the error. Nothing is ever skipped.

use crate::toolchain::{self, DEBIAN_PACKAGES, SANITIZER_PACKAGES};
use crate::{process, workspace};
use anyhow::{Context, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest Node.js that runs the package's tools.
const NODE_MAJOR_MIN: u32 = 20;

/// Something of the system that tests use.
pub(crate) struct Need {
    /// What it is for.
    what: &'static str,
    /// What would be used, if it is there.
    find: fn() -> anyhow::Result<Option<String>>,
    /// The Debian packages that bring it.
    packages: &'static [&'static str],
}

static NEEDS: [Need; 7] = [
    Need {
        what: "compiler for WebAssembly and Arm, with its library's source",
        find: || Ok(toolchain::compiler()?.map(|compiler| compiler.choice)),
        packages: &DEBIAN_PACKAGES,
    },
    Need {
        what: "linker for WebAssembly",
        find: || Ok(toolchain::wasm_linker().map(|path| path.display().to_string())),
        packages: &["lld-19"],
    },
    Need {
        what: "sanitizers, and clang to link them",
        find: || Ok(toolchain::sanitizers()),
        packages: &SANITIZER_PACKAGES,
    },
    Need { what: "Chromium", find: || Ok(programs(&["chromium"])), packages: &["chromium"] },
    Need { what: "Firefox", find: || Ok(programs(&["firefox-esr"])), packages: &["firefox-esr"] },
    Need {
        what: "WebKit and a display for it",
        // `xvfb-run` calls `xauth`, which its package only recommends.
        find: || Ok(programs(&["WebKitWebDriver", "xvfb-run", "xauth"])),
        packages: &["webkit2gtk-driver", "xvfb", "xauth"],
    },
    Need {
        what: "64-bit Arm: emulator, linker, C library",
        find: || {
            let library = Path::new("/usr/aarch64-linux-gnu/lib/libc.so");
            Ok(programs(&["qemu-aarch64", "aarch64-linux-gnu-gcc"]).filter(|_| library.exists()))
        },
        packages: &["qemu-user", "gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"],
    },
];

/// What `cargo xtask fuzz` uses, and nothing else does.
pub(crate) static FUZZERS: Need = Need {
    what: "C++ compiler, for the fuzzers",
    find: || Ok(programs(&["g++"])),
    packages: &["g++"],
};

/// What `cargo xtask coverage` uses, and nothing else does.
pub(crate) static COVERAGE: Need = Need {
    what: "LLVM's tools for coverage, of the compiler's release",
    find: || Ok(toolchain::llvm_tools().map(|tools| tools.cov.display().to_string())),
    packages: &["llvm-22"],
};

/// Provides everything, or says what to do.
pub(crate) fn run() -> anyhow::Result<()> {
    let missing = missing(NEEDS.iter())?;
    if !missing.is_empty() {
        install(&missing)?;
        let still = self::missing(missing)?;
        ensure!(
            still.is_empty(),
            "still missing after installing: {}",
            still.iter().map(|need| need.what).collect::<Vec<_>>().join(", ")
        );
    }
    check_node()?;
    npm_packages()
}

/// Provides what one command alone uses, or says what to do.
pub(crate) fn provide(need: &'static Need) -> anyhow::Result<()> {
    if (need.find)()?.is_none() {
        install(&[need])?;
        ensure!((need.find)()?.is_some(), "still missing after installing: {}", need.what);
    }
    Ok(())
}

/// Looks for each of `needs`, reports, and returns those that are not there.
fn missing(needs: impl IntoIterator<Item = &'static Need>) -> anyhow::Result<Vec<&'static Need>> {
    let mut missing = Vec::new();
    for need in needs {
        match (need.find)()? {
            Some(choice) => report(need.what, &choice),
            None => missing.push(need),
        }
    }
    Ok(missing)
}

fn report(what: &str, choice: &str) {
    println!("  {what}: {choice}");
}

/// The paths of `names`, if all of them are in `PATH`.
fn programs(names: &[&str]) -> Option<String> {
    let paths: Option<Vec<PathBuf>> = names.iter().map(|name| process::find(name)).collect();
    Some(paths?.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", "))
}

fn install(missing: &[&Need]) -> anyhow::Result<()> {
    let packages: Vec<&str> = missing.iter().flat_map(|need| need.packages).copied().collect();
    let names: Vec<&str> = missing.iter().map(|need| need.what).collect();
    let by_hand = format!(
        "sudo apt-get update && sudo apt-get install --no-install-recommends {}",
        packages.join(" ")
    );
    ensure!(
        process::find("apt-get").is_some() && is_root(),
        "missing: {}\n\ninstall it and try again; on Debian:\n  {by_hand}",
        names.join(", ")
    );
    // Standard output may be for a program to read.
    eprintln!("installing {}", packages.join(" "));
    apt_get(&["update", "--quiet"])
        .and_then(|()| {
            apt_get(
                &[&["install", "--yes", "--quiet", "--no-install-recommends"], &packages[..]]
                    .concat(),
            )
        })
        .with_context(|| format!("to install by hand:\n  {by_hand}"))
}

fn apt_get(arguments: &[&str]) -> anyhow::Result<()> {
    process::run(Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
}

fn is_root() -> bool {
    process::read(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}

fn check_node() -> anyhow::Result<()> {
    let advice =
        format!("install Node.js {NODE_MAJOR_MIN} or newer, with npm (https://nodejs.org)");
    let version = process::read(Command::new("node").arg("--version")).context(advice.clone())?;
    let major =
        version.trim_start_matches('v').split('.').next().and_then(|text| text.parse().ok());
    match major {
        Some(major) if NODE_MAJOR_MIN <= major => report("Node.js", &version),
        _ => bail!("Node.js is {version}; {advice}"),
    }
    ensure!(process::find("npm").is_some(), "npm is missing; {advice}");
    Ok(())
}

/// Installs the npm packages that the lock file names, unless they are installed already.
fn npm_packages() -> anyhow::Result<()> {
    let lock =
        fs::read(workspace::npm().join("package-lock.json")).context("npm/package-lock.json")?;
    // `npm ci` begins with removing the directory, so a copy of the lock in it is written last.
    let stamp = workspace::npm().join("node_modules/.installed-lock.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        report("npm packages", "as locked");
        return Ok(());
    }
    process::run(process::npm().args(["ci", "--no-audit", "--no-fund"]))?;
    fs::write(&stamp, lock)?;
    report("npm packages", "installed");
    Ok(())
}
