//! Atomics: the standard library's, or loom's under `--cfg loom`.
//!
//! The lock-free protocol of the graph imports its atomics from here, so that the loom models run
//! the shipped source. Nothing else in the crate names `loom`.

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
