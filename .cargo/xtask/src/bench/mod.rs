//! `cargo xtask bench`: comparisons with others, each with a table and a picture.
//!
//! ```text
//! mod ─► peers  other libraries on the same data (`crate::peers`)
//!     ─► web    the npm package beside hnswlib-wasm and the native command, in Chromium
//! ```
//!
//! Absent on purpose: measuring. That is done where the contenders run.

mod web;

use crate::peers;

/// Runs one comparison with the arguments that it understands.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let Some((name, rest)) = arguments.split_first() else {
        anyhow::bail!("say what to compare: peers or web");
    };
    match name.as_str() {
        "peers" => peers::run(rest),
        "web" => web::run(rest),
        _ => anyhow::bail!("there is no comparison `{name}`; use peers or web"),
    }
}
