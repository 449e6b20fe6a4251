//! The tree's own rules: what a reviewer would otherwise have to look for.
//!
//! ```text
//! source (files, code without comments) ──► layers        imports go down only
//!                                      ├──► places        targets, loom, unsafe, locks
//!                                      ├──► text          first lines, lengths, private paths
//!                                      ├──► requirements  every row of the table, once
//!                                      └──► packages      what Cargo would build
//! ```
//!
//! The tables in these files are the review points: who widens one, says why in the same change.
#![allow(clippy::case_sensitive_file_extension_comparisons, reason = "paths are our own")]

mod layers;
mod packages;
mod places;
mod requirements;
mod source;
mod text;

/// Fails with one line per finding.
fn expect_none(rule: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{rule}:\n  {}", findings.join("\n  "));
}
