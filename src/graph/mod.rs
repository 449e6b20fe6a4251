//! graph (in progress)
mod probe;
pub(crate) use probe::Probe;
