//! From a raw module to one that JavaScript can call, optimised.

use super::{Simd, Threads, Variant};
use crate::{process, workspace};
use anyhow::{Context, bail, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use wasm_bindgen_cli_support::Bindgen;

/// The file that starts the worker threads of the `mt` glue. The package may put its own in its
/// place: it exports `startWorkers(module, memory, builder)`.
const WORKERS: &str = "rayon-workers.js";

/// JavaScript files by name, which both binaries of a thread mode share.
pub(crate) type Glue = BTreeMap<String, String>;

/// Generates the glue and the bound, optimised module of one variant.
pub(crate) fn bind(variant: Variant, raw: &Path) -> anyhow::Result<(Vec<u8>, Glue)> {
    let mut output = Bindgen::new()
        .input_path(raw)
        .web(true)?
        .typescript(true)
        // The package says which binary to load; a default would be the wrong one of two.
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .out_name(variant.threads.name())
        .generate_output()
        .context("wasm-bindgen")?;
    let bound = output.wasm_mut().emit_wasm();
    let glue = glue(variant.threads, &output)?;
    Ok((optimise(variant, raw, &bound)?, glue))
}

fn glue(threads: Threads, output: &wasm_bindgen_cli_support::Output) -> anyhow::Result<Glue> {
    ensure!(
        output.snippets().values().all(Vec::is_empty),
        "the bindings have inline JavaScript; write it in npm/"
    );
    let mut js = output.js().to_owned();
    let mut glue = Glue::new();
    for (path, text) in output.local_modules() {
        // Generated directories carry a hash of the dependency's release: a stable name is what the
        // package can import and replace.
        if !path.contains("wasm-bindgen-rayon") {
            bail!("`{path}` wants to be in the package; write JavaScript in npm/");
        }
        js = js.replace(&format!("./snippets/{path}"), &format!("./{WORKERS}"));
        glue.insert(WORKERS.to_owned(), text.clone());
    }
    ensure!(!js.contains("./snippets/"), "the glue imports a snippet that was not expected");
    let types = output.ts().context("wasm-bindgen wrote no types")?;
    glue.insert(format!("{}.js", threads.name()), js);
    glue.insert(format!("{}.d.ts", threads.name()), types.to_owned());
    Ok(glue)
}

fn optimise(variant: Variant, raw: &Path, bound: &[u8]) -> anyhow::Result<Vec<u8>> {
    let program = workspace::npm().join("node_modules/.bin/wasm-opt");
    ensure!(
        program.is_file(),
        "wasm-opt is missing (npm package binaryen); run `cargo xtask setup`"
    );
    let (input, output) = (raw.with_extension("bound.wasm"), raw.with_extension("optimised.wasm"));
    fs::write(&input, bound)?;
    process::run(
        process::command(program).args(optimiser_flags(variant)).arg(&input).arg("-o").arg(&output),
    )?;
    Ok(fs::read(output)?)
}

fn optimiser_flags(variant: Variant) -> Vec<&'static str> {
    let mut flags = vec![
        "-O3",
        "--converge",
        "--strip-debug",
        "--strip-producers",
        "--strip-target-features",
        "--enable-bulk-memory",
        "--enable-bulk-memory-opt",
        "--enable-multivalue",
        "--enable-mutable-globals",
        "--enable-nontrapping-float-to-int",
        "--enable-reference-types",
        "--enable-sign-ext",
        "--enable-simd",
    ];
    if variant.simd == Simd::Relaxed {
        flags.push("--enable-relaxed-simd");
    }
    if variant.threads == Threads::Many {
        flags.push("--enable-threads");
    }
    flags
}

/// Writes the glue of one thread mode, which must not depend on the vector instructions.
pub(crate) fn write_glue(
    directory: &Path,
    glues: &[(Variant, Glue)],
) -> anyhow::Result<Vec<PathBuf>> {
    let [(first, glue), rest @ ..] = glues else { bail!("no variant was built") };
    for (other, different) in rest {
        ensure!(
            glue == different,
            "the glue of {} and {} differ, but one file must drive both",
            first.name(),
            other.name()
        );
    }
    glue.iter()
        .map(|(name, text)| {
            let path = directory.join(name);
            fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
            Ok(path)
        })
        .collect()
}
