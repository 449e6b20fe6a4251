//! How hard a search tries: candidates, or the recall that a tuning has found them for.

use super::options::in_range;
use super::root::Root;
use crate::error::{Error, Result};
use crate::limits::EF_MAX;

/// Candidates a search keeps unless told otherwise.
pub const DEFAULT_EF: usize = 100;

/// How hard a search tries: more finds better neighbours, and takes longer.
///
/// ```
/// use ecphory::Effort;
///
/// assert_eq!(Effort::from(64), Effort::Ef(64));
/// assert_eq!(Effort::from(None), Effort::default());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Effort {
    /// Candidates the walk keeps, 1..=65,536, raised to the neighbours asked for (twice as many
    /// on codes).
    Ef(usize),
    /// The share of true neighbours to find, above 0 and below 1, in an index that was
    /// [tuned](crate::Index::tune).
    Recall(f32),
}

impl Default for Effort {
    /// [`DEFAULT_EF`] candidates.
    fn default() -> Self {
        Self::Ef(DEFAULT_EF)
    }
}

impl From<usize> for Effort {
    fn from(ef: usize) -> Self {
        Self::Ef(ef)
    }
}

impl From<Option<usize>> for Effort {
    fn from(ef: Option<usize>) -> Self {
        ef.map_or_else(Self::default, Self::Ef)
    }
}

impl Effort {
    /// Refuses what no index could do.
    pub(super) fn check(self) -> Result<()> {
        match self {
            Self::Ef(ef) => in_range("ef", ef, 1, EF_MAX),
            Self::Recall(recall) if recall > 0.0 && recall < 1.0 => Ok(()),
            Self::Recall(_) => Err(Error::RecallOutOfRange),
        }
    }

    /// The candidates to keep for `k` neighbours.
    pub(super) fn ef(self, root: &Root, k: usize) -> Result<usize> {
        let ef = match self {
            Self::Ef(ef) => ef,
            Self::Recall(recall) => {
                let tuning = root.tuning.pin();
                let tuning = tuning.as_ref().ok_or(Error::NotTuned)?;
                let highest = (tuning.highest() * 10_000.0) as u32;
                tuning.ef(recall, k).ok_or(Error::RecallOutOfReach { highest })?
            }
        };
        Ok(ef.max(k))
    }
}
