//! What is fixed when an index is created.

use std::fmt;
use std::str::FromStr;

use crate::distance::{Metric, Rows};
use crate::error::{Error, Result};
use crate::limits::{DIM_MAX, EF_MAX, M_MAX, M_MIN};

/// What a traversal reads. Hits are ranked on what is kept of vectors ([`Rows`]) either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Codes {
    /// 7-bit codes wherever an index is built in bulk from data that they tell apart: they are
    /// fitted to it.
    #[default]
    Auto,
    /// Full vectors only.
    None,
    /// 7-bit codes.
    U7,
}

impl Codes {
    /// The name used on command lines and in JavaScript: `auto`, `none` or `u7`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::None => "none",
            Self::U7 => "u7",
        }
    }
}

impl fmt::Display for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no kind of codes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such kind of codes; use auto, none or u7")]
pub struct UnknownCodes;

impl FromStr for Codes {
    type Err = UnknownCodes;

    fn from_str(name: &str) -> Result<Self, UnknownCodes> {
        [Self::Auto, Self::None, Self::U7]
            .into_iter()
            .find(|codes| codes.name() == name)
            .ok_or(UnknownCodes)
    }
}

/// The fixed properties of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Components of a vector.
    pub dim: usize,
    /// How vectors are compared.
    pub metric: Metric,
    /// Links of a node on each upper level; level 0 has twice as many (`M` of the paper).
    pub m: usize,
    /// Candidates considered for an item's links (`efConstruction` of the paper).
    pub ef_construction: usize,
    /// What a traversal reads.
    pub codes: Codes,
    /// What is kept of each vector.
    pub rows: Rows,
    /// Seed of levels and insertion order: the same input and seed give the same graph.
    pub seed: u64,
}

impl Options {
    pub(crate) fn new(dim: usize) -> Self {
        Self {
            dim,
            metric: Metric::default(),
            m: 16,
            ef_construction: 100,
            codes: Codes::default(),
            rows: Rows::default(),
            seed: 0,
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        in_range("dim", self.dim, 1, DIM_MAX)?;
        in_range("m", self.m, M_MIN, M_MAX)?;
        in_range("ef_construction", self.ef_construction, self.m, EF_MAX)?;
        if self.rows == Rows::Codes && self.codes == Codes::None {
            return Err(Error::NoCodes);
        }
        Ok(())
    }
}

/// Refuses an option outside its bounds.
pub(crate) fn in_range(name: &'static str, value: usize, min: usize, max: usize) -> Result<()> {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(Error::OptionOutOfRange { name, value: value as u64, min: min as u64, max: max as u64 })
    }
}
