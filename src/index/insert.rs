//! One item more, or another vector for one, beside everything else that runs.

use super::describe::{Item, inherit};
use super::root::Root;
use super::{Index, Options};
use crate::distance::check_denormals;
use crate::error::{Error, Result};
use crate::graph::{InsertScratch, Newcomer, Node, change, insert, level, mix, node_word};
use crate::memory::Standing;
use crate::store::{Fresh, Pinned, RowScratch};
use crate::sync::Step;

/// What becomes of an item that has the key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// There must be none.
    Insert,
    /// It is replaced, if there is one.
    Upsert,
    /// There must be one; it keeps its tags, payload and standing.
    Update,
}

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
    /// [`Error::ZeroVector`], [`Error::F16Range`], [`Error::CodeRange`] for bad vectors,
    /// [`Error::NoCodes`] before the bulk build that an index with
    /// [`Rows::Codes`](crate::Rows::Codes) begins with, [`Error::Full`], [`Error::OutOfMemory`];
    /// [`Error::Overloaded`] while a reader keeps deleted items from making room;
    /// [`Error::Snapshot`] if the index was opened with `Check::Header` from a file whose links do
    /// not hold together.
    pub fn insert(&self, key: u64, vector: &[f32]) -> Result<()> {
        self.insert_item(&Item::new(key, vector))
    }

    /// As [`Self::insert`], with a name, tags and a payload.
    ///
    /// # Errors
    /// As for [`Self::insert`]; [`Error::BadName`], [`Error::NameTaken`], [`Error::BadTag`],
    /// [`Error::TooManyTags`], [`Error::PayloadTooLong`].
    pub fn insert_item(&self, item: &Item<'_>) -> Result<()> {
        self.write(item, Mode::Insert).map(drop)
    }

    /// Adds an item, or puts the item of this key anew, with this vector, the name it had and its
    /// associations, but without tags, payload and standing ([`Self::update`] keeps them); true if
    /// there was one. A search that
    /// runs beside it finds the item as it was or as it is, never twice and never not at all;
    /// when this returns, every search that starts finds it as it is.
    ///
    /// Otherwise as [`Self::insert`].
    ///
    /// ```
    /// # use ecphory::{Index, Metric};
    /// let index = Index::builder(2).metric(Metric::L2).build()?;
    /// assert!(!index.upsert(1, &[0.0, 1.0])? && index.upsert(1, &[1.0, 0.0])?);
    /// assert_eq!(index.get(1).as_deref(), Some(&[1.0, 0.0][..]));
    /// # Ok::<(), ecphory::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Self::insert`], but for a key in use; [`Error::Busy`] also while another thread is
    /// about to add an item of this key.
    pub fn upsert(&self, key: u64, vector: &[f32]) -> Result<bool> {
        self.upsert_item(&Item::new(key, vector))
    }

    /// As [`Self::upsert`], with a name, tags, a payload and a standing: an item that was there keeps
    /// its name and associations alone.
    ///
    /// # Errors
    /// As for [`Self::upsert`] and [`Self::insert_item`].
    pub fn upsert_item(&self, item: &Item<'_>) -> Result<bool> {
        self.write(item, Mode::Upsert)
    }

    /// Gives the item of a key another vector, and leaves it all else; false if there is none.
    /// Otherwise as [`Self::upsert`].
    ///
    /// # Errors
    /// As for [`Self::upsert`].
    pub fn update(&self, key: u64, vector: &[f32]) -> Result<bool> {
        self.write(&Item::new(key, vector), Mode::Update)
    }

    /// As [`Self::update`]; of the item's tags, payload and standing nothing is read, and a name that it
    /// has becomes that of the item.
    ///
    /// # Errors
    /// As for [`Self::upsert_item`].
    pub fn update_item(&self, item: &Item<'_>) -> Result<bool> {
        let standing = Standing::default();
        self.write(&Item { tags: &[], payload: &[], standing, ..*item }, Mode::Update)
    }

    /// Whether the key had an item before.
    fn write(&self, item: &Item<'_>, mode: Mode) -> Result<bool> {
        let &Item { key, vector, .. } = item;
        check_denormals()?;
        self.check_item(0, vector)?;
        item.check()?;
        let _beside_others = self.gate.share()?;
        let root = self.root_with_room()?;
        let found = root.keys.find(key);
        if let Some(slot) = found {
            root.check_name(item, slot)?;
        }
        match (mode, found) {
            (Mode::Insert, Some(_)) => return Err(Error::DuplicateKey { key }),
            (Mode::Update, None) => return Ok(false),
            _ => {}
        }
        root.graph.check_ranks()?;
        let mut row = RowScratch::default();
        root.space.admit(vector, &mut row)?;
        let fresh = root.space.take(|slot| root.graph.reserve(slot))?;
        Step::SlotTaken.done();
        fresh.write(key, vector, &mut row);
        Step::RowWritten.done();
        let mut description = item.description();
        if let (Mode::Update, Some(old)) = (mode, found) {
            // Its links are as sure as it is.
            description.standing = root.space.standings.get(old);
        }
        let described = fresh.describe(&description);
        let written = described.and_then(|()| self.publish(&root, &fresh, key, mode));
        let (slot, note) = (fresh.slot(), fresh.note());
        root.settle(fresh, self.options.codes);
        root.give_back_unused(slot, note.unwrap_or(0));
        written
    }

    /// Makes a written slot the item of a key.
    fn publish(
        &self,
        root: &Pinned<'_, Root>,
        fresh: &Fresh<'_>,
        key: u64,
        mode: Mode,
    ) -> Result<bool> {
        if mode != Mode::Insert && root.keys.find(key).is_some() {
            self.link_node(root, fresh)?;
            return replace(root, key, fresh.slot(), mode);
        }
        if mode == Mode::Update {
            // Deleted meanwhile.
            return Ok(false);
        }
        self.add(root, fresh, key).map_err(|error| match error {
            Error::DuplicateKey { .. } if mode == Mode::Upsert => being_written(),
            error => error,
        })
    }

    /// Makes a written slot the item of a key that has none.
    fn add(&self, root: &Root, fresh: &Fresh<'_>, key: u64) -> Result<bool> {
        let claim = root.keys.claim(key)?;
        Step::KeyClaimed.done();
        self.link_node(root, fresh)?;
        claim.publish(fresh.slot());
        Step::KeyPublished.done();
        root.count_one();
        Step::Counted.done();
        root.trust_node(fresh.slot());
        Ok(false)
    }

    /// Makes a written slot part of the graph, as a node that is no item yet.
    fn link_node(&self, root: &Root, fresh: &Fresh<'_>) -> Result<()> {
        let Options { m, ef_construction, seed, .. } = self.options;
        let slot = fresh.slot();
        let (level, upper) = if let Some(upper) = fresh.note() {
            // The slot was another's before, and so were its upper rows.
            (root.graph.level_of(upper), upper)
        } else {
            let level = level(mix(seed, u64::from(slot) - 1), m);
            (level, if level > 0 { root.graph.take_upper(level, slot)? } else { 0 })
        };
        // Nothing fails from here on.
        let mut scratch = self.inserts.take(|| InsertScratch::new(&root.space));
        let newcomer = Newcomer { slot, level, upper };
        let step = |slot| root.space.standings.step(slot);
        let surety = root.space.standings.surety(&step);
        insert(&root.graph, &root.space, newcomer, surety, ef_construction, &mut scratch);
        Ok(())
    }
}

impl Root {
    /// Gives a slot back if it did not become a node. The caller is pinned since it took the slot,
    /// so that it is nobody else's by now.
    fn give_back_unused(&self, slot: u32, note: u32) {
        let given = |seen: Node| (!seen.is_met()).then_some(Node::GIVEN_BACK);
        if change(node_word(&self.space, slot), given).is_some() {
            self.space.give_back(slot, note);
        }
    }
}

/// Leads a key to a linked slot, in place of the one it leads to; false if that is gone.
fn replace(root: &Pinned<'_, Root>, key: u64, slot: u32, mode: Mode) -> Result<bool> {
    let _update = root.updates.begin();
    Step::UpdateBegun.done();
    // Each turn but the last, another has changed the key's entry.
    while let Some(found) = root.keys.locate(key) {
        if let Err(error) = root.keep_name(key, found.slot, slot) {
            root.kill(slot);
            return Err(error);
        }
        root.give_up(found.slot);
        let inherited = if mode == Mode::Update { inherit(root, found.slot, slot) } else { Ok(()) };
        if let Err(error) = inherited.and_then(|()| root.stay_associated(found.slot, slot)) {
            root.kill(slot);
            return Err(error);
        }
        if found.replace(slot) {
            Step::KeyReplaced.done();
            root.lead_associations(key, slot);
            root.kill(found.slot);
            root.trust_node(slot);
            return Ok(true);
        }
    }
    if mode == Mode::Update {
        root.kill(slot);
        return Ok(false);
    }
    // Deleted meanwhile, and what it led to with it.
    root.space.associations.clear(slot);
    match root.keys.claim(key) {
        Ok(claim) => claim.publish(slot),
        Err(error) => {
            root.kill(slot);
            let taken = matches!(error, Error::DuplicateKey { .. });
            return Err(if taken { being_written() } else { error });
        }
    }
    root.count_one();
    root.trust_node(slot);
    Ok(false)
}

pub(super) fn being_written() -> Error {
    Error::Busy { what: "another thread writes the item of this key" }
}
