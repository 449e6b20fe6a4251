//! Items that go, and the slots that come back.

use super::Index;
use super::root::Root;
use crate::error::{Error, Result};
use crate::graph::{change, node_word};
use crate::store::Pinned;
use crate::sync::Step;

/// Dead items that may wait for readers: so many, or one in so many of the live.
const WAITING: (usize, usize) = (4096, 4);

/// Pieces of reclaiming that a write does before it is refused.
const TURNS: usize = 256;

impl Index {
    /// Deletes the item of a key; false if there is none. When this returns, no search that starts
    /// finds it. Its slot is used again when no reader can hold it any more.
    ///
    /// Any number of threads may delete beside each other, inserts and searches: lock-free. O(log n),
    /// and a bounded piece of the work that takes dead nodes out of the graph: about an insert's.
    ///
    /// ```
    /// # use ecphory::{Index, Metric};
    /// let index = Index::builder(2).metric(Metric::L2).build()?;
    /// index.insert(1, &[0.0, 1.0])?;
    /// assert!(index.delete(1)? && !index.delete(1)?);
    /// assert!(index.search(&[0.0, 1.0]).up_to(5).run()?.is_empty());
    /// # Ok::<(), ecphory::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Busy`] beside a bulk build or snapshot; [`Error::Snapshot`] as for
    /// [`Self::insert`].
    pub fn delete(&self, key: u64) -> Result<bool> {
        let _beside_others = self.gate.share()?;
        let root = self.root();
        root.admit_writer()?;
        reclaim_some(&root, false);
        let _removal = root.removals.begin();
        Step::RemovalBegun.done();
        // Each turn but the last, another has changed the key's entry.
        while let Some(found) = root.keys.locate(key) {
            root.give_up(found.slot);
            if found.remove() {
                Step::KeyRemoved.done();
                root.count_off();
                Step::CountedOff.done();
                root.kill(found.slot);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Does some of the work that deletes leave behind; false if there is none. Writes do it in
    /// passing, so nobody has to call this; who has time to spare may.
    ///
    /// # Errors
    /// As for [`Self::delete`].
    pub fn reclaim(&self) -> Result<bool> {
        let _beside_others = self.gate.share()?;
        let root = self.root();
        root.admit_writer()?;
        Ok(reclaim_some(&root, false))
    }
}

impl Index {
    /// The root, for a write that needs a slot, after some reclaiming; more of it while too many
    /// dead items wait. Each turn pins anew, so that this thread holds nothing back itself.
    pub(super) fn root_with_room(&self) -> Result<Pinned<'_, Root>> {
        let mut turns = 0;
        loop {
            let root = self.root();
            root.admit_writer()?;
            reclaim_some(&root, turns > 0);
            match root.check_waiting() {
                Ok(()) => return Ok(root),
                Err(error) if turns == TURNS => return Err(error),
                Err(_) => turns += 1,
            }
        }
    }
}

/// A bounded piece of reclaiming, unless another thread is at it; false if there is none to do.
fn reclaim_some(root: &Pinned<'_, Root>, is_urgent: bool) -> bool {
    if root.graph.dead() == 0 {
        return false;
    }
    let taken = root.reclaim.try_take();
    taken.is_none_or(|mut reclaim| {
        Step::ReclaimTaken.done();
        let standings = &root.space.standings;
        let step = |slot| standings.step(slot);
        let surety = standings.surety(&step);
        reclaim.step(&root.graph, &root.space, surety, root, is_urgent)
    })
}

impl Root {
    /// Refuses an item while readers keep too many dead ones from being reclaimed, or so many that
    /// the pins of the living could not hold another.
    fn check_waiting(&self) -> Result<()> {
        let (dead, len) = (self.graph.dead(), self.len());
        let room = (len + 1) * (self.graph.pins_limit() as usize - 1) / 2;
        let most = WAITING.0.max(len / WAITING.1).min(room);
        if dead > most { Err(Error::Overloaded { deleted: dead }) } else { Ok(()) }
    }

    /// Makes whoever meets a node ask its key, for good: its item goes, or moves elsewhere.
    pub(super) fn give_up(&self, slot: u32) {
        let word = node_word(&self.space, slot);
        change(word, |seen| seen.is_linked().then(|| seen.given_up()));
        Step::GivenUp.done();
    }

    /// Says that a node's key leads to it, and its insert has ended, unless it is dead by now.
    pub(super) fn trust_node(&self, slot: u32) {
        let word = node_word(&self.space, slot);
        change(word, |seen| seen.is_linked().then(|| seen.sure()));
        Step::Trusted.done();
    }

    /// Makes a doubtful node, to which no key leads, one that only leads on to others. The anchor,
    /// which roots the backbone, stays as it is.
    pub(super) fn kill(&self, slot: u32) {
        if slot == self.graph.anchor() {
            return;
        }
        // Counted first: an insert that begins after it is dead looks for dead nodes.
        self.graph.count_dead(1);
        Step::DeadCounted.done();
        change(node_word(&self.space, slot), |seen| Some(seen.dead()));
        Step::Killed.done();
    }
}
