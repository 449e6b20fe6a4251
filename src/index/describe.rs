//! What an item has beside its vector: tags to filter by, a payload that is the caller's, how it
//! stands as a memory, and a name, if it has one.
//!
//! They belong to the slot, so an update, which leads the key to another slot, changes vector, tags
//! and payload at once. A tag alone is one bit of that slot, set or cleared in place. Beside an
//! update that takes the tags over, the bit could be set after it was copied: so the update first
//! gives the old slot up, in a word that whoever sets a bit looks at afterwards. One of the two
//! sees the other.

use std::sync::atomic::{Ordering, fence};

use super::Index;
use super::filter::{Filter, TagFilter};
use super::insert::being_written;
use super::name::key_of;
use super::root::Root;
use crate::error::{Error, Result};
use crate::graph::node;
use crate::limits::{NAME_BYTES_MAX, PAYLOAD_BYTES_MAX, TAG_BYTES_MAX};
use crate::memory::Standing;
use crate::memory::retention::Trace;
use crate::memory::scoring::Confidence;
use crate::store::{Description, Pinned, Tag};

/// Looks at a key that another thread is leading elsewhere, before it is called busy.
const LOOKS: usize = 1000;

/// An item to be written: key or name, vector, tags to filter by, a payload.
///
/// ```
/// use ecphory::{Index, Item, Metric, TagFilter};
///
/// let index = Index::builder(2).metric(Metric::L2).build()?;
/// index.insert_item(&Item::new(1, &[0.0, 1.0]).tags(&["red", "round"]).payload(b"apple"))?;
/// index.insert_item(&Item::new(2, &[0.0, 2.0]).tags(&["yellow"]))?;
///
/// let red = TagFilter::tag("red");
/// assert_eq!(index.search(&[0.0, 2.0]).up_to(5).tagged(&red).run()?[0].key, 1);
/// assert_eq!(index.payload(1).as_deref(), Some(&b"apple"[..]));
/// # Ok::<(), ecphory::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Item<'a> {
    /// The key.
    pub(crate) key: u64,
    pub(super) name: Option<&'a str>,
    /// The vector, of as many components as the index has dimensions.
    pub vector: &'a [f32],
    /// Tags, 1 to 255 bytes each; those that stand twice count once.
    pub tags: &'a [&'a str],
    /// Bytes for the caller's use, 16 MiB at most.
    pub payload: &'a [u8],
    /// How it stands as a memory.
    pub standing: Standing,
}

impl<'a> Item<'a> {
    /// An item without tags and payload.
    pub fn new(key: u64, vector: &'a [f32]) -> Self {
        Self { key, name: None, vector, tags: &[], payload: &[], standing: Standing::default() }
    }

    /// An item with a name in place of a key, 1 to 1,024 bytes; its key is [`key_of`](crate::key_of)
    /// the name.
    pub fn named(name: &'a str, vector: &'a [f32]) -> Self {
        Self { name: Some(name), ..Self::new(key_of(name), vector) }
    }

    /// With a name that its key is of.
    pub(crate) fn called(mut self, name: &'a str) -> Self {
        self.name = Some(name);
        self
    }

    /// With these tags.
    #[must_use]
    pub fn tags(mut self, tags: &'a [&'a str]) -> Self {
        self.tags = tags;
        self
    }

    /// With this payload.
    #[must_use]
    pub fn payload(mut self, payload: &'a [u8]) -> Self {
        self.payload = payload;
        self
    }

    /// With a confidence; certain unless set.
    #[must_use]
    pub fn confidence(mut self, confidence: Confidence) -> Self {
        self.standing.confidence = confidence;
        self
    }

    /// Made at `now`, in milliseconds, which is its first use: from then on it may
    /// [fade](crate::memory::retention). One that is made at no time does not.
    #[must_use]
    pub fn at(mut self, now: u64) -> Self {
        self.standing.trace = Trace::new(now).evergreen(self.standing.trace.is_evergreen());
        self
    }

    /// What it has beside key and vector.
    pub(super) fn description(&self) -> Description<'a> {
        let &Self { name, tags, payload, standing, .. } = self;
        Description { tags, name: name.unwrap_or_default(), payload, standing }
    }

    /// Refuses what no item can have beside its vector.
    pub(super) fn check(&self) -> Result<()> {
        if let Some(name) = self.name
            && (name.is_empty() || name.len() > NAME_BYTES_MAX)
        {
            return Err(Error::BadName { bytes: name.len() });
        }
        self.tags.iter().try_for_each(|tag| check_tag(tag))?;
        let bytes = self.payload.len();
        if bytes > PAYLOAD_BYTES_MAX { Err(Error::PayloadTooLong { bytes }) } else { Ok(()) }
    }
}

impl Index {
    /// Gives an item a tag; false if no item has this key. When this returns, every search that
    /// starts finds it by the tag. O(log n), lock-free.
    ///
    /// # Errors
    /// [`Error::BadTag`], [`Error::TooManyTags`], [`Error::OutOfMemory`]; [`Error::Busy`] beside a
    /// bulk build or snapshot, or while another thread replaces the item: it may have its tag then,
    /// and to repeat the call does no harm.
    pub fn tag(&self, key: u64, tag: &str) -> Result<bool> {
        check_tag(tag)?;
        let _beside_others = self.gate.share()?;
        let root = self.root();
        if root.find(key).is_none() {
            return Ok(false);
        }
        let tag = root.space.tags.find_or_add(tag)?;
        root.retag(key, |slot| tag.add(slot))
    }

    /// Takes a tag from an item; false if no item has this key, or the item not the tag. Otherwise
    /// as [`Self::tag`].
    ///
    /// # Errors
    /// [`Error::Busy`] as for [`Self::tag`].
    pub fn untag(&self, key: u64, tag: &str) -> Result<bool> {
        let _beside_others = self.gate.share()?;
        let root = self.root();
        let Some(tag) = root.space.tags.find(tag) else { return Ok(false) };
        let mut had = false;
        root.retag(key, |slot| {
            had |= tag.remove(slot);
            Ok(had)
        })?;
        Ok(had)
    }

    /// The tags of a key's item, in the order of their names. O(log n + tags of the index).
    pub fn tags(&self, key: u64) -> Option<Vec<String>> {
        let root = self.root();
        let slot = root.find(key)?;
        Some(root.space.tags.of(slot).into_iter().map(|tag| tag.name().to_owned()).collect())
    }

    /// The payload of a key's item, empty if it was given none. O(log n + bytes).
    pub fn payload(&self, key: u64) -> Option<Vec<u8>> {
        let root = self.root();
        let slot = root.find(key)?;
        Some(root.space.payloads.payload(slot).to_vec())
    }

    /// All tags that an item has, in the order of their names, each with how many have it.
    /// O(tags · n / 64 + tagged items).
    pub fn all_tags(&self) -> Vec<(String, usize)> {
        let root = self.root();
        let items = |tag: &Tag| {
            let slots = tag.slots(root.space.end()).into_iter();
            slots.filter(|&slot| root.item_of(slot) == Some(slot)).count()
        };
        let all = root.space.tags.sorted(&|_| true).into_iter();
        all.map(|tag| (tag.name().to_owned(), items(tag))).filter(|&(_, items)| items > 0).collect()
    }

    /// Items that a filter admits. O(n / 64 + items).
    ///
    /// # Errors
    /// [`Error::BadFilter`] for one that is too large.
    pub fn count(&self, filter: &TagFilter) -> Result<usize> {
        filter.check()?;
        Ok(filter.slots(&self.root()).len())
    }

    /// The keys of the items that a filter admits, in no order. O(n / 64 + items).
    ///
    /// # Errors
    /// As for [`Self::count`].
    pub fn keys_where(&self, filter: &TagFilter) -> Result<Vec<u64>> {
        filter.check()?;
        let root = self.root();
        Ok(filter.slots(&root).into_iter().map(|slot| root.space.key(slot)).collect())
    }

    /// Deletes the items that a filter admits; how many. Beside other writers, each of them was
    /// admitted when it was looked at; items that come meanwhile may stay. As so many times
    /// [`Self::delete`].
    ///
    /// # Errors
    /// [`Error::BadFilter`]; as for [`Self::delete`], when some may be deleted.
    pub fn delete_where(&self, filter: &TagFilter) -> Result<usize> {
        let keys = self.keys_where(filter)?;
        let mut deleted = 0;
        for key in keys {
            deleted += usize::from(self.delete(key)?);
        }
        Ok(deleted)
    }
}

/// Refuses what is no name of a tag.
pub(super) fn check_tag(tag: &str) -> Result<()> {
    let bytes = tag.len();
    if bytes == 0 || bytes > TAG_BYTES_MAX { Err(Error::BadTag { bytes }) } else { Ok(()) }
}

impl Root {
    /// Changes what hangs by the slot that a key leads to; false if it leads to none. Beside an update
    /// of the item, the change may be made twice, of the old slot and of the new one.
    pub(super) fn retag(
        &self,
        key: u64,
        mut change: impl FnMut(u32) -> Result<bool>,
    ) -> Result<bool> {
        for _ in 0..LOOKS {
            let Some(slot) = self.find(key) else { return Ok(false) };
            if node(&self.space, slot).is_given_up() {
                continue;
            }
            change(slot)?;
            // Pairs with the fence in `inherit`.
            fence(Ordering::SeqCst);
            if !node(&self.space, slot).is_given_up() {
                return Ok(true);
            }
        }
        Err(being_written())
    }
}

/// Gives a slot that no key leads to what another has besides its name, which was given up
/// before.
pub(super) fn inherit(root: &Pinned<'_, Root>, from: u32, to: u32) -> Result<()> {
    // Pairs with the fence in `retag`: of a tag that is not seen here, its thread sees that
    // `from` was given up.
    fence(Ordering::SeqCst);
    let name = root.space.payloads.name(to).to_owned();
    root.space.tags.clear(to);
    root.space.payloads.clear(to);
    for tag in root.space.tags.of(from) {
        tag.add(to)?;
    }
    // Whoever meets the slot already asks how sure it is.
    let standing = root.space.standings.get(from);
    root.space.standings.change(to, root, |inherited| *inherited = standing)?;
    root.space.payloads.put(to, &name, root.space.payloads.payload(from))
}
