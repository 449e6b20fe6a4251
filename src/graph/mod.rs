//! graph (in progress)
mod audit;
mod build;
mod insert;
mod layout;
mod level;
mod links;
#[cfg(all(test, loom))]
mod loom_tests;
mod order;
mod pool;
mod probe;
mod select;
mod visited;
mod walk;
mod word;

pub(crate) use audit::audit;
pub use audit::{Audit, Broken};
pub(crate) use build::{Plan, build, upper_rows};
pub(crate) use insert::{InsertScratch, Newcomer, insert};
pub(crate) use layout::{Graph, Heads, is_linked, valid_heads};
pub(crate) use level::{level, mix};
pub(crate) use order::{Codes as OrderedCodes, spatial_order};
pub(crate) use walk::Scratch;
