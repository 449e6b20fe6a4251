//! ecphory: a memory index.
pub mod arch;
pub mod error;
pub mod exec;
pub mod limits;
mod sync;
pub use error::{Error, Result};
