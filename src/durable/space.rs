//! One space: what can be read of it, and the changes it takes.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use super::{Inner, lock, write};
use crate::error::Result as IndexResult;
use crate::graph::{Audit, Broken};
use crate::index::{About, Index, Item, Keys, Memory, Op, Options, Search, TagFilter};
use crate::log::StoreError;

/// Keys that are written one after the other: one in so many of all.
const STRIPES: usize = 64;

/// A space of a store: an index whose changes are kept. Clones are the same space.
#[derive(Clone)]
pub struct Space {
    store: Arc<Inner>,
    pub(super) shared: Arc<Shared>,
}

/// What the handles of a space share.
pub(super) struct Shared {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) index: Index,
    /// Whoever changes an item holds the stripe of its key until the change is in the log. True
    /// once the space is taken out.
    stripes: [Mutex<bool>; STRIPES],
}

impl Shared {
    pub(super) fn new(id: u64, name: String, index: Index) -> Self {
        Self { id, name, index, stripes: std::array::from_fn(|_| Mutex::new(false)) }
    }

    /// The stripes of what a change is about, always taken in the same order.
    pub(super) fn stripes(&self, about: About) -> Held<'_> {
        let stripe = |key: u64| (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58) as usize;
        let taken = |number: usize| Some(lock(&self.stripes[number]));
        match about {
            About::One(key) => Held { few: [taken(stripe(key)), None], all: Vec::new() },
            About::Two(a, b) => {
                let (first, last) = (stripe(a).min(stripe(b)), stripe(a).max(stripe(b)));
                let first = taken(first);
                let last = if stripe(a) == stripe(b) { None } else { taken(last) };
                Held { few: [first, last], all: Vec::new() }
            }
            About::All => Held { few: [None, None], all: self.all_stripes() },
        }
    }

    /// All stripes: nobody changes the space meanwhile.
    pub(super) fn all_stripes(&self) -> Vec<MutexGuard<'_, bool>> {
        self.stripes.iter().map(lock).collect()
    }
}

/// Stripes that somebody holds. Of one or two, which is what most changes are about, nothing is
/// allocated.
pub(super) struct Held<'a> {
    few: [Option<MutexGuard<'a, bool>>; 2],
    all: Vec<MutexGuard<'a, bool>>,
}

impl Held<'_> {
    /// Whether the space was taken out.
    pub(super) fn is_gone(&self) -> bool {
        self.few.iter().flatten().chain(&self.all).any(|is_gone| **is_gone)
    }
}

impl Space {
    pub(super) fn over(store: Arc<Inner>, shared: Arc<Shared>) -> Self {
        Self { store, shared }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Makes a change; returns what [`Op::apply`] does. Searches may see it before it is durable.
    ///
    /// # Errors
    /// [`StoreError::Index`] if the index refuses, [`StoreError::Io`] if there is no room for it in
    /// the log: nothing has changed then. [`StoreError::Poisoned`] if the disk failed: the change
    /// may be seen until the store is opened again, and may be there then.
    /// [`StoreError::Space`] if the space was taken out.
    pub fn apply(&self, op: &Op<'_>) -> Result<bool, StoreError> {
        write::apply(&self.store, &self.shared, op)
    }

    /// As [`Index::insert`](crate::Index::insert).
    ///
    /// # Errors
    /// As for [`Self::apply`].
    pub fn insert(&self, key: u64, vector: &[f32]) -> Result<(), StoreError> {
        self.apply(&Op::Insert(Item::new(key, vector))).map(drop)
    }

    /// As [`Index::upsert`](crate::Index::upsert).
    ///
    /// # Errors
    /// As for [`Self::apply`].
    pub fn upsert(&self, key: u64, vector: &[f32]) -> Result<bool, StoreError> {
        self.apply(&Op::Upsert(Item::new(key, vector)))
    }

    /// As [`Index::update`](crate::Index::update).
    ///
    /// # Errors
    /// As for [`Self::apply`].
    pub fn update(&self, key: u64, vector: &[f32]) -> Result<bool, StoreError> {
        self.apply(&Op::Update(Item::new(key, vector)))
    }

    /// As [`Index::delete`](crate::Index::delete).
    ///
    /// # Errors
    /// As for [`Self::apply`].
    pub fn delete(&self, key: u64) -> Result<bool, StoreError> {
        self.apply(&Op::Delete(key))
    }

    /// As [`Index::tag`](crate::Index::tag).
    ///
    /// # Errors
    /// As for [`Self::apply`].
    pub fn tag(&self, key: u64, tag: &str) -> Result<bool, StoreError> {
        self.apply(&Op::Tag(key, tag))
    }

    /// As [`Index::untag`](crate::Index::untag).
    ///
    /// # Errors
    /// As for [`Self::apply`].
    pub fn untag(&self, key: u64, tag: &str) -> Result<bool, StoreError> {
        self.apply(&Op::Untag(key, tag))
    }

    /// As [`Index::search`](crate::Index::search).
    pub fn search<'a>(&'a self, query: &'a [f32]) -> Search<'a> {
        self.shared.index.search(query)
    }

    /// As [`Index::options`](crate::Index::options).
    pub fn options(&self) -> &Options {
        self.shared.index.options()
    }

    /// As [`Index::len`](crate::Index::len).
    pub fn len(&self) -> usize {
        self.shared.index.len()
    }

    /// As [`Index::is_empty`](crate::Index::is_empty).
    pub fn is_empty(&self) -> bool {
        self.shared.index.is_empty()
    }

    /// As [`Index::contains`](crate::Index::contains).
    pub fn contains(&self, key: u64) -> bool {
        self.shared.index.contains(key)
    }

    /// As [`Index::get`](crate::Index::get).
    pub fn get(&self, key: u64) -> Option<Vec<f32>> {
        self.shared.index.get(key)
    }

    /// As [`Index::tags`](crate::Index::tags).
    pub fn tags(&self, key: u64) -> Option<Vec<String>> {
        self.shared.index.tags(key)
    }

    /// As [`Index::payload`](crate::Index::payload).
    pub fn payload(&self, key: u64) -> Option<Vec<u8>> {
        self.shared.index.payload(key)
    }

    /// As [`Index::key`](crate::Index::key).
    pub fn key_of_item(&self, name: &str) -> Option<u64> {
        self.shared.index.key(name)
    }

    /// As [`Index::name`](crate::Index::name).
    pub fn name_of_item(&self, key: u64) -> Option<String> {
        self.shared.index.name(key)
    }

    /// As [`Index::iter`](crate::Index::iter); beside a compaction, keys may be met twice or not at
    /// all.
    pub fn iter(&self) -> Keys<'_> {
        self.shared.index.iter()
    }

    /// As [`Index::keys_where`](crate::Index::keys_where).
    ///
    /// # Errors
    /// [`Error::BadFilter`](crate::Error::BadFilter).
    pub fn keys_where(&self, filter: &TagFilter) -> IndexResult<Vec<u64>> {
        self.shared.index.keys_where(filter)
    }

    /// As [`Index::memory`](crate::Index::memory).
    pub fn memory(&self) -> Memory {
        self.shared.index.memory()
    }

    /// Writes the space as a snapshot of its own, as [`Index::write_snapshot`] does. Writes wait
    /// meanwhile; for a copy of all beside them, see [`Store::backup`](crate::Store::backup).
    /// So `out` must not itself write to this space, which it would wait for without end.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_snapshot(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let _alone = self.shared.all_stripes();
        self.shared.index.write_snapshot(out)
    }

    /// As [`Index::check`](crate::Index::check), beside nobody who writes.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn check(&self) -> Result<Audit, Broken> {
        let _alone = self.shared.all_stripes();
        self.shared.index.check()
    }
}

impl<'a> IntoIterator for &'a Space {
    type Item = u64;
    type IntoIter = Keys<'a>;

    fn into_iter(self) -> Keys<'a> {
        self.iter()
    }
}

impl std::fmt::Debug for Space {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Space")
            .field("name", &self.name())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
