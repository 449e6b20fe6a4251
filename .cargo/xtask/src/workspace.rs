//! Where things are.

use crate::process;
use std::path::{Path, PathBuf};

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("xtask lives in .cargo/xtask")
}

/// The build directory, which `CARGO_TARGET_DIR` may have moved.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The npm package.
pub(crate) fn npm() -> PathBuf {
    root().join("npm")
}

/// The `ecphory` command, built from this tree.
pub(crate) fn ecphory() -> anyhow::Result<PathBuf> {
    process::run(process::cargo().args([
        "build",
        "--release",
        "--quiet",
        "--package",
        "ecphory-native",
    ]))?;
    Ok(target().join("release/ecphory"))
}

/// A path as people want to read it: relative to the root where it lies inside.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// The larger data sets: the folder that `ECPHORY_DATA` names, else `shared/data` beside the
/// repository.
pub(crate) fn data() -> anyhow::Result<PathBuf> {
    let named = std::env::var_os("ECPHORY_DATA").map(PathBuf::from);
    let data = named.unwrap_or_else(|| root().join("../shared/data"));
    let hint = "name the folder of the larger sets in ECPHORY_DATA";
    anyhow::ensure!(data.is_dir(), "there is no folder {}; {hint}", data.display());
    Ok(data)
}
