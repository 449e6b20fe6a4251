//! Who may write: many inserts, or one exclusive writer. Nobody waits; the loser gets an error.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::{Error, Result};

const EXCLUSIVE: u32 = 1 << 31;

/// Counts the writers of an index.
#[derive(Default)]
pub(crate) struct Gate(AtomicU32);

/// Leave to insert, or to replace everything; given back when dropped.
pub(crate) struct Pass<'a> {
    gate: &'a Gate,
    weight: u32,
}

impl Gate {
    /// Leave to insert beside other inserts.
    pub(crate) fn share(&self) -> Result<Pass<'_>> {
        self.enter(1, |now| now & EXCLUSIVE == 0)
            .ok_or(Error::Busy { what: "a bulk build or snapshot runs" })
    }

    /// Leave to act alone among writers.
    pub(crate) fn own(&self) -> Result<Pass<'_>> {
        self.enter(EXCLUSIVE, |now| now == 0).ok_or(Error::Busy { what: "another writer runs" })
    }

    fn enter(&self, weight: u32, may: impl Fn(u32) -> bool) -> Option<Pass<'_>> {
        // Acquire pairs with the release in `drop`: what earlier writers did is visible.
        self.0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |now| {
                may(now).then_some(now + weight)
            })
            .ok()?;
        Some(Pass { gate: self, weight })
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        // Release pairs with the acquire in `enter`.
        self.gate.0.fetch_sub(self.weight, Ordering::Release);
    }
}
