//! Which slots have which tags.
//!
//! ```text
//!   Tags   256 heads ──► Tag ──► Tag     lists that only grow, by a hash of the name
//!                         └─ bits        one for each slot
//! ```
//! A tag stays in its list when no slot has it any more; a snapshot leaves it out.
//!
//! # Invariants
//! - A name is in one list, once: it is looked for again whenever another was put before it.
//! - The bits of a slot are 0 when it is taken: [`Tags::clear`] empties it when it is given back.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

use super::sparse::{Sparse, WORDS};
use crate::error::{Error, Result};
use crate::limits::{TAG_BYTES_MAX, TAGS_MAX};

const HEADS: usize = 256;

/// Slots under one block of bits.
pub(crate) const TAG_BLOCK: u32 = 64 * WORDS as u32;

/// All tags of an index.
pub(crate) struct Tags {
    heads: Box<[AtomicPtr<Tag>; HEADS]>,
    len: AtomicU32,
}

/// One tag.
pub(crate) struct Tag {
    name: Box<str>,
    bits: Sparse,
    /// Slots that have it.
    count: AtomicU32,
    next: *const Tag,
}

// SAFETY: `next` leads to a tag that nobody changes but through atomics, and that lives as long as
// the `Tags` that holds them all.
unsafe impl Send for Tag {}
// SAFETY: as above.
unsafe impl Sync for Tag {}

impl Tags {
    pub(crate) fn new() -> Self {
        let heads = Box::new([const { AtomicPtr::new(null_mut()) }; HEADS]);
        Self { heads, len: AtomicU32::new(0) }
    }

    /// The tag of a name, if a slot ever had it.
    pub(crate) fn find(&self, name: &str) -> Option<&Tag> {
        find(list(self.head(name)), name)
    }

    /// The tag of a name, made if there is none.
    ///
    /// # Errors
    /// [`Error::BadTag`], [`Error::TooManyTags`].
    pub(crate) fn find_or_add(&self, name: &str) -> Result<&Tag> {
        if name.is_empty() || name.len() > TAG_BYTES_MAX {
            return Err(Error::BadTag { bytes: name.len() });
        }
        let head = self.head(name);
        if let Some(tag) = find(list(head), name) {
            return Ok(tag);
        }
        // Relaxed: a count; it is one too high for a moment at most.
        if self.len.fetch_add(1, Ordering::Relaxed) >= TAGS_MAX {
            self.len.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::TooManyTags { limit: TAGS_MAX });
        }
        let (bits, count) = (Sparse::new(), AtomicU32::new(0));
        let tag = Tag { name: name.into(), bits, count, next: std::ptr::null() };
        let tag = Box::into_raw(Box::new(tag));
        // Acquire as in `list`.
        let mut first = head.load(Ordering::Acquire);
        loop {
            // SAFETY: a list's tags live as long as `self`.
            if let Some(other) = find(unsafe { first.as_ref() }, name) {
                // SAFETY: made above, and published nowhere.
                drop(unsafe { Box::from_raw(tag) });
                self.len.fetch_sub(1, Ordering::Relaxed);
                return Ok(other);
            }
            // SAFETY: not published yet, so nobody else has it.
            unsafe { (*tag).next = first };
            // AcqRel: release publishes the tag, with all behind it; acquire as in `list`.
            match head.compare_exchange(first, tag, Ordering::AcqRel, Ordering::Acquire) {
                // SAFETY: published, so it lives as long as `self`.
                Ok(_) => return Ok(unsafe { &*tag }),
                Err(found) => first = found,
            }
        }
    }

    /// Goes through all tags, those that no slot has among them.
    pub(crate) fn each<'a>(&'a self, seen: &mut dyn FnMut(&'a Tag)) {
        for head in self.heads.iter() {
            let mut tag = list(head);
            while let Some(this) = tag {
                seen(this);
                tag = this.next();
            }
        }
    }

    /// The tags for which `wanted` holds, in the order of their names. O(tags · log tags).
    pub(crate) fn sorted(&self, wanted: &dyn Fn(&Tag) -> bool) -> Vec<&Tag> {
        let mut tags = Vec::new();
        self.each(&mut |tag| {
            if wanted(tag) {
                tags.push(tag);
            }
        });
        tags.sort_unstable_by(|a, b| a.name().cmp(b.name()));
        tags
    }

    /// The tags of a slot, in the order of their names. As [`Self::sorted`].
    pub(crate) fn of(&self, slot: u32) -> Vec<&Tag> {
        self.sorted(&|tag| tag.has(slot))
    }

    /// Takes all tags from a slot that nobody reads. O(tags).
    pub(crate) fn clear(&self, slot: u32) {
        self.each(&mut |tag| {
            tag.remove(slot);
        });
    }

    /// Bytes of memory held.
    pub(crate) fn bytes(&self) -> usize {
        let mut bytes = size_of_val(&*self.heads);
        self.each(&mut |tag| bytes += size_of::<Tag>() + tag.name.len() + tag.bits.bytes());
        bytes
    }

    fn head(&self, name: &str) -> &AtomicPtr<Tag> {
        // FNV-1a (Fowler, Noll, Vo). Who chooses names for one list makes look-ups slow, not wrong.
        let step = |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(16_777_619);
        let hash = name.bytes().fold(2_166_136_261, step);
        &self.heads[(hash >> 16 ^ hash) as usize % HEADS]
    }
}

/// The first tag of a list.
fn list(head: &AtomicPtr<Tag>) -> Option<&Tag> {
    // Acquire pairs with the release in `find_or_add`: the tag is complete.
    // SAFETY: null, or a published tag, which lives as long as the `Tags` whose head this is.
    unsafe { head.load(Ordering::Acquire).as_ref() }
}

fn find<'a>(first: Option<&'a Tag>, name: &str) -> Option<&'a Tag> {
    std::iter::successors(first, |tag| tag.next()).find(|tag| &*tag.name == name)
}

impl Tag {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Slots that have it, those of items that are being taken out among them.
    pub(crate) fn count(&self) -> u32 {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether a slot has it.
    #[inline]
    pub(crate) fn has(&self, slot: u32) -> bool {
        self.word(slot / 64) >> (slot % 64) & 1 == 1
    }

    /// Which of the slots from `64 · word` on have it.
    #[inline]
    pub(crate) fn word(&self, word: u32) -> u64 {
        self.bits.get(word as usize)
    }

    /// Gives it to a slot; false if that had it.
    pub(crate) fn add(&self, slot: u32) -> Result<bool> {
        let bit = 1 << (slot % 64);
        // Relaxed: for a slot not published yet, its publication releases the bit; of another's, a
        // search that starts after this call has it happen before.
        let before = self.bits.word(slot as usize / 64)?.fetch_or(bit, Ordering::Relaxed);
        let is_new = before & bit == 0;
        self.count.fetch_add(u32::from(is_new), Ordering::Relaxed);
        Ok(is_new)
    }

    /// Takes it from a slot; false if that did not have it.
    pub(crate) fn remove(&self, slot: u32) -> bool {
        let (word, bit) = (slot as usize / 64, 1 << (slot % 64));
        let Some(words) = self.bits.block(word / WORDS) else { return false };
        let was = words[word % WORDS].fetch_and(!bit, Ordering::Relaxed) & bit != 0;
        self.count.fetch_sub(u32::from(was), Ordering::Relaxed);
        was
    }

    /// The bits of [`TAG_BLOCK`] slots, from `block · TAG_BLOCK` on; `None` if none has it.
    pub(crate) fn block(&self, block: u32) -> Option<&[AtomicU64; WORDS]> {
        self.bits.block(block as usize)
    }

    /// The slots below `end` that have it, in order.
    pub(crate) fn slots(&self, end: u32) -> Vec<u32> {
        let mut slots = Vec::new();
        for block in 0..end.div_ceil(TAG_BLOCK) {
            for (place, word) in (0..).zip(self.block(block).into_iter().flatten()) {
                let first = block * TAG_BLOCK + 64 * place;
                slots.extend(ones(word.load(Ordering::Relaxed)).map(|bit| first + bit));
            }
        }
        slots.truncate(slots.partition_point(|&slot| slot < end));
        slots
    }

    fn next(&self) -> Option<&Tag> {
        // SAFETY: null, or a tag that was published before this one, which lives as long.
        unsafe { self.next.as_ref() }
    }
}

/// The places of the bits that are set.
pub(crate) fn ones(mut word: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros());
        word &= word.wrapping_sub(1);
        bit
    })
}

impl Drop for Tags {
    fn drop(&mut self) {
        for head in self.heads.iter_mut() {
            let mut tag = *head.get_mut();
            while !tag.is_null() {
                // SAFETY: made by `Box::into_raw` in `find_or_add`, in one list, freed only here.
                tag = unsafe { Box::from_raw(tag) }.next.cast_mut();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(tags: &Tags) -> Vec<&Tag> {
        let mut all = Vec::new();
        tags.each(&mut |tag| all.push(tag));
        all
    }

    #[test]
    fn tags_are_given_and_taken() {
        let tags = Tags::new();
        assert!(tags.find("red").is_none());
        let red = tags.find_or_add("red").unwrap();
        assert!(red.add(5).unwrap() && !red.add(5).unwrap() && red.add(70_000).unwrap());
        assert!(red.has(5) && !red.has(6) && red.count() == 2);
        let blue = tags.find_or_add("blue").unwrap();
        blue.add(5).unwrap();
        assert_eq!(tags.find("red").unwrap().slots(70_000), [5]);
        assert_eq!(red.slots(70_001), [5, 70_000]);
        let of: Vec<_> = tags.of(5).into_iter().map(Tag::name).collect();
        assert_eq!(of, ["blue", "red"]);
        assert!(red.remove(70_000) && !red.remove(70_000) && !red.remove(1 << 20));
        tags.clear(5);
        assert_eq!((red.count(), blue.count(), tags.of(5).len()), (0, 0, 0));
        assert!(tags.bytes() > 2 * 512);
    }

    #[test]
    fn names_have_bounds() {
        let tags = Tags::new();
        assert_eq!(tags.find_or_add("").err(), Some(Error::BadTag { bytes: 0 }));
        let long = "x".repeat(TAG_BYTES_MAX + 1);
        assert_eq!(tags.find_or_add(&long).err(), Some(Error::BadTag { bytes: 256 }));
        assert!(tags.find_or_add(&long[1..]).is_ok());
        for number in 1..TAGS_MAX {
            assert!(tags.find_or_add(&number.to_string()).is_ok());
        }
        assert_eq!(tags.find_or_add("new").err(), Some(Error::TooManyTags { limit: TAGS_MAX }));
        assert!(tags.find_or_add("77").is_ok(), "there already");
        assert_eq!(all(&tags).len(), TAGS_MAX as usize);
    }

    #[test]
    fn a_name_that_many_add_is_there_once() {
        let tags = Tags::new();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let tags = &tags;
                scope.spawn(move || {
                    for name in 0..300 {
                        let tag = tags.find_or_add(&name.to_string()).unwrap();
                        tag.add(thread).unwrap();
                    }
                });
            }
        });
        assert_eq!(all(&tags).len(), 300);
        assert!(all(&tags).iter().all(|tag| tag.count() == 4));
    }
}
