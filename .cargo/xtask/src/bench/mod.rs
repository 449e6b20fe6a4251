//! `cargo xtask bench`: comparisons, with others and between ways to lay a graph out.
//!
//! ```text
//! mod ─► peers    other libraries on the same data (`crate::peers`)
//!     ─► web      the npm package beside hnswlib-wasm and the native command, in Chromium
//!     ─► layouts  cache misses of links apart from rows and beside them, by cachegrind
//! ```
//!
//! Absent on purpose: measuring. That is done where the contenders run.

mod layouts;
pub(crate) mod web;

use crate::peers;

/// Runs one comparison with the arguments that it understands.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let Some((name, rest)) = arguments.split_first() else {
        anyhow::bail!("say what to compare: peers, web or layouts");
    };
    match name.as_str() {
        "layouts" => layouts::run(rest),
        "peers" => peers::run(rest),
        "web" => web::run(rest),
        _ => anyhow::bail!("there is no comparison `{name}`; use peers, web or layouts"),
    }
}
