//! Who may write: many inserts, or one exclusive writer. Nobody waits; the loser gets an error.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::{Error, Result};

const EXCLUSIVE: u32 = 1 << 31;

/// Counts the writers of an index.
#[derive(Default)]
pub(crate) struct Gate(AtomicU32);

/// Leave to insert beside other inserts; given back when dropped.
pub(crate) struct Beside<'a>(&'a Gate);

/// Leave to act alone among writers, and the proof that no row changes; given back when dropped.
pub(crate) struct Alone<'a>(&'a Gate);

impl Gate {
    /// Leave to insert beside other inserts.
    pub(crate) fn share(&self) -> Result<Beside<'_>> {
        let entered = self.enter(1, |now| now & EXCLUSIVE == 0);
        entered.then(|| Beside(self)).ok_or(Error::Busy { what: "a bulk build or snapshot runs" })
    }

    /// Leave to act alone among writers.
    pub(crate) fn own(&self) -> Result<Alone<'_>> {
        let entered = self.enter(EXCLUSIVE, |now| now == 0);
        entered.then(|| Alone(self)).ok_or(Error::Busy { what: "another writer runs" })
    }

    fn enter(&self, weight: u32, may: impl Fn(u32) -> bool) -> bool {
        // Acquire pairs with the release in `leave`: what earlier writers did is visible.
        self.0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |now| may(now).then(|| now + weight))
            .is_ok()
    }

    fn leave(&self, weight: u32) {
        // Release pairs with the acquire in `enter`.
        self.0.fetch_sub(weight, Ordering::Release);
    }
}

impl Drop for Beside<'_> {
    fn drop(&mut self) {
        self.0.leave(1);
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.0.leave(EXCLUSIVE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_refused_gives_nothing_back() {
        let gate = Gate::default();
        let alone = gate.own().ok();
        assert!(alone.is_some() && gate.own().is_err() && gate.share().is_err());
        assert!(gate.own().is_err() && gate.share().is_err(), "a refusal opened the gate");
        drop(alone);
        let beside = gate.share().ok();
        assert!(beside.is_some() && gate.own().is_err() && gate.own().is_err());
        assert!(gate.share().is_ok(), "inserts go side by side");
        drop(beside);
        assert!(gate.own().is_ok());
    }
}
