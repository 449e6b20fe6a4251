//! Which compiler and linker build for targets whose standard library is compiled here.
//!
//! WebAssembly threads need a standard library with atomics, which no toolchain ships; so its
//! source must come with the compiler. The same compiler builds for 64-bit Arm.

use crate::process::{self, read};
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A compiler that has the source of its standard library beside it.
pub(crate) struct Compiler {
    /// The `rustc` to use.
    pub(crate) rustc: PathBuf,
    /// Why it was chosen, and its version.
    pub(crate) choice: String,
}

/// Debian's packages of a compiler and the source of its library.
pub(crate) const DEBIAN_PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];

/// The compiler whose sanitizers' run-time libraries are used, and which links them.
pub(crate) const CLANG: &str = "clang-19";

/// Debian's packages of these.
pub(crate) const SANITIZER_PACKAGES: [&str; 2] = ["clang-19", "libclang-rt-19-dev"];

/// LLVM's tools that read what a counted program has counted.
pub(crate) struct LlvmTools {
    pub(crate) profdata: PathBuf,
    pub(crate) cov: PathBuf,
}

/// The tools of the compiler's own release of LLVM: what it writes, others may not read. Rustup's
/// (`rustup component add llvm-tools`), else the system's.
pub(crate) fn llvm_tools() -> Option<LlvmTools> {
    let sysroot = PathBuf::from(read(Command::new("rustc").args(["--print", "sysroot"])).ok()?);
    let bundled = sysroot.join("lib/rustlib").join(host().ok()?).join("bin");
    let verbose = read(Command::new("rustc").arg("-vV")).ok()?;
    let release = verbose.lines().find_map(|line| line.strip_prefix("LLVM version: "))?;
    let release = release.split('.').next()?;
    let tool = |name: &str| {
        let bundled = bundled.join(name);
        let named = || process::find(&format!("{name}-{release}"));
        if bundled.is_file() { Some(bundled) } else { named() }
    };
    Some(LlvmTools { profdata: tool("llvm-profdata")?, cov: tool("llvm-cov")? })
}

/// Finds the compiler: `ECPHORY_WASM_RUSTC`, a rustup nightly with `rust-src`, the system's.
///
/// # Errors
/// Where `ECPHORY_WASM_RUSTC` names a compiler without its library's source: a choice made by hand
/// is used or refused, never replaced.
pub(crate) fn compiler() -> anyhow::Result<Option<Compiler>> {
    if let Some(rustc) = std::env::var_os("ECPHORY_WASM_RUSTC").map(PathBuf::from) {
        let Some(version) = version_with_source(&rustc) else {
            bail!(
                "ECPHORY_WASM_RUSTC = {} is no compiler with the source of its standard library; \
                 install that source or unset the variable",
                rustc.display()
            );
        };
        let choice = format!("ECPHORY_WASM_RUSTC: {version}");
        return Ok(Some(Compiler { rustc, choice }));
    }
    let nightlies = rustup_nightlies().into_iter().map(|rustc| (rustc, "rustup nightly"));
    let system = std::iter::once((PathBuf::from("/usr/bin/rustc"), "system compiler"));
    Ok(nightlies.chain(system).find_map(|(rustc, origin)| {
        let version = version_with_source(&rustc)?;
        Some(Compiler { choice: format!("{origin}: {version} ({})", rustc.display()), rustc })
    }))
}

/// The target that this machine is.
pub(crate) fn host() -> anyhow::Result<String> {
    let verbose = read(Command::new("rustc").arg("-vV"))?;
    let host = verbose.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc names no host")
}

/// Clang and its sanitizers, if both are installed.
pub(crate) fn sanitizers() -> Option<String> {
    let clang = process::find(CLANG)?;
    let installed = ["tsan", "asan"].into_iter().all(|sanitizer| {
        let architecture = std::env::consts::ARCH;
        let library = format!("-print-file-name=libclang_rt.{sanitizer}-{architecture}.a");
        read(Command::new(&clang).arg(library)).is_ok_and(|path| Path::new(&path).is_file())
    });
    installed.then(|| clang.display().to_string())
}

/// The linker for WebAssembly: rustup's `rust-lld`, else an LLVM `wasm-ld`.
pub(crate) fn wasm_linker() -> Option<PathBuf> {
    let bundled = || {
        let sysroot = PathBuf::from(read(Command::new("rustc").args(["--print", "sysroot"])).ok()?);
        let lld = sysroot.join("lib/rustlib").join(host().ok()?).join("bin/rust-lld");
        lld.is_file().then_some(lld)
    };
    bundled().or_else(|| ["wasm-ld-19", "wasm-ld"].into_iter().find_map(process::find))
}

/// A `cargo` command that compiles the standard library parts `parts` too, with `flags` for rustc.
pub(crate) fn cargo_with_std(
    subcommand: &str,
    parts: &str,
    target_dir: &Path,
    flags: &[String],
) -> anyhow::Result<Command> {
    let mut cargo = cargo_with_flags(subcommand, target_dir, flags)?;
    cargo.args(["-Z", &format!("build-std={parts}")]);
    Ok(cargo)
}

/// A `cargo` command of that same compiler, with `flags` for rustc that are not stable.
pub(crate) fn cargo_with_flags(
    subcommand: &str,
    target_dir: &Path,
    flags: &[String],
) -> anyhow::Result<Command> {
    let compiler =
        compiler()?.context("no compiler with its library's source; run `cargo xtask setup`")?;
    let mut cargo = process::cargo();
    cargo
        .args([subcommand, "--target-dir"])
        .arg(target_dir)
        .env("RUSTC", compiler.rustc)
        // Allows `-Z` on a compiler that is not a nightly.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    Ok(cargo)
}

fn rustup_nightlies() -> Vec<PathBuf> {
    let Ok(list) = read(Command::new("rustup").args(["toolchain", "list"])) else {
        return Vec::new();
    };
    list.lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| name.starts_with("nightly"))
        .filter_map(|name| {
            read(Command::new("rustup").args(["which", "--toolchain", name, "rustc"])).ok()
        })
        .map(PathBuf::from)
        .collect()
}

/// The version of `rustc` if its library's source is installed.
fn version_with_source(rustc: &Path) -> Option<String> {
    let sysroot = PathBuf::from(read(Command::new(rustc).args(["--print", "sysroot"])).ok()?);
    let source = sysroot.join("lib/rustlib/src/rust/library/std/Cargo.toml");
    if !source.is_file() {
        return None;
    }
    read(Command::new(rustc).arg("--version")).ok()
}
