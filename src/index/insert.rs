//! One item more, beside everything else that runs.

use super::root::Root;
use super::{Index, Options};
use crate::distance::check_denormals;
use crate::error::{Error, Result};
use crate::graph::{InsertScratch, Newcomer, insert, level, mix};
use crate::store::{Fresh, RowScratch};

impl Index {
    /// Adds an item. When this returns, every search that starts finds it.
    ///
    /// Any number of threads may insert while others search. Lock-free with one exception: a node
    /// has room for `2 m − 1` pinned children (63 at most), and while inserts that are not
    /// published yet fill every node that shows no child, a further one spins until one of them is
    /// published. In an index of one item with `m` = 4, that is the eighth insert at once.
    ///
    /// O(log n) distance computations of about `ef_construction · m` each.
    ///
    /// The first insert into an index opened with [`Check::Header`](crate::Check::Header) verifies
    /// the links of the file before it changes anything: O(n · m), once.
    ///
    /// An index that was not built in bulk gets its codes when it holds 1,024 items: the insert
    /// that brings it there fits and writes them, in the time of some ten others.
    ///
    /// # Errors
    /// [`Error::DuplicateKey`] if the key is in use, [`Error::Busy`] beside a bulk build,
    /// [`Error::DimensionMismatch`], [`Error::NotFinite`], [`Error::TooLong`],
    /// [`Error::ZeroVector`], [`Error::F16Range`], [`Error::CodeRange`] for bad vectors, [`Error::NoCodes`] before the
    /// bulk build that an index with [`Rows::Codes`](crate::Rows::Codes) begins with, [`Error::Full`], [`Error::OutOfMemory`];
    /// [`Error::Snapshot`] if the index was opened with `Check::Header` from a file whose links do
    /// not hold together.
    pub fn insert(&self, key: u64, vector: &[f32]) -> Result<()> {
        check_denormals()?;
        let options = &self.options;
        self.check_item(0, vector)?;
        let _beside_others = self.gate.share()?;
        let root = self.root();
        root.admit_writer()?;
        if root.keys.find(key).is_some() {
            return Err(Error::DuplicateKey { key });
        }
        let mut row = RowScratch::default();
        root.space.admit(vector, &mut row)?;
        // A slot whose insert fails stays unused.
        let fresh = root.space.take(|slot| root.graph.reserve(slot))?;
        let linked = self.link_one(&root, &fresh, key, vector, &mut row);
        root.settle(fresh, options.codes);
        linked
    }

    /// Fills the rows of a fresh slot and makes it an item.
    fn link_one(
        &self,
        root: &Root,
        fresh: &Fresh<'_>,
        key: u64,
        vector: &[f32],
        row: &mut RowScratch,
    ) -> Result<()> {
        let Options { m, ef_construction, seed, .. } = self.options;
        // All that can fail comes first.
        fresh.write(key, vector, row);
        let slot = fresh.slot();
        let level = level(mix(seed, u64::from(slot) - 1), m);
        let upper = if level > 0 { root.graph.take_upper(level, slot)? } else { 0 };
        let claim = root.keys.claim(key)?;
        let mut scratch = self.inserts.take(|| InsertScratch::new(&root.space));
        let newcomer = Newcomer { slot, level, upper };
        insert(&root.graph, &root.space, newcomer, ef_construction, &mut scratch);
        claim.publish(slot);
        root.count_one();
        Ok(())
    }
}
