//! ecphory: a memory index.
pub mod arch;
mod distance;
pub mod error;
pub mod exec;
mod graph;
mod index;
pub mod limits;
mod quantize;
mod scan;
mod snapshot;
mod store;
mod sync;

pub use distance::{Metric, UnknownMetric};
pub use error::{Error, Result};
pub use graph::{Audit, Broken};
pub use index::{
    Batch, Builder, Codes, DEFAULT_EF, Hit, Index, Memory, Options, Phase, Progress, Search,
    UnknownCodes, Work,
};
pub use snapshot::Check;
pub use store::{Allocator, Heap, Region};
