//! An index as a file, and back (in progress).

use super::{Builder, Index};
use crate::error::{Error, Result};
use crate::snapshot::Check;
use crate::store::Region;

impl Index {
    /// Opens a snapshot.
    ///
    /// # Errors
    /// [`Error::Snapshot`].
    pub fn open(snapshot: Region, check: Check) -> Result<Self> {
        Self::builder(1).open(snapshot, check)
    }

    pub(super) fn open_with(_: Builder, _: Region, _: Check) -> Result<Self> {
        Err(Error::Snapshot { reason: "not implemented", offset: 0 })
    }
}
