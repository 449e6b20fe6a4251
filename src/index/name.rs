//! Items by name: a text in place of a number.
//!
//! The key of a name is a hash of it, the same on every target and for ever, so names need no table
//! of their own: the keys' leads to the item. It has 53 bits, so that a key is a number in JavaScript
//! too, and a file with names opens there. The name itself stands beside the item's payload. Two
//! names of one key (which chance makes of a million names in one index of 18,000, and anyone can
//! make on purpose) are told apart by it, and the second is refused.

use super::Index;
use super::describe::Item;
use super::root::Root;
use crate::error::{Error, Result};
use crate::graph::mix;

/// The key of an item that is called `name`.
///
/// A hash whose values are part of the format, at most 2^53 − 1: the 64-bit FNV-1a hash of the bytes
/// (Fowler, Noll and Vo 1991), mixed by the finaliser of `SplitMix64` (Steele et al. 2014), less its
/// lowest 11 bits.
///
/// ```
/// use ecphory::{Index, Item, Metric, key_of};
///
/// let index = Index::builder(2).metric(Metric::L2).build()?;
/// index.insert_item(&Item::named("apple", &[0.0, 1.0]))?;
/// index.upsert_item(&Item::named("apple", &[0.0, 2.0]))?;
///
/// let nearest = index.search(&[0.0, 3.0]).k(1).run()?[0].key;
/// assert_eq!((nearest, index.name(nearest).as_deref()), (key_of("apple"), Some("apple")));
/// let apple = index.key("apple").expect("an item is called so");
/// assert!(index.delete(apple)? && index.key("apple").is_none());
/// # Ok::<(), ecphory::Error>(())
/// ```
pub fn key_of(name: &str) -> u64 {
    let fold = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    mix(0, name.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, fold)) >> 11
}

impl Index {
    /// The key of the item that is called `name`, if there is one: unlike [`key_of`], none where
    /// another name has that key. O(log n).
    pub fn key(&self, name: &str) -> Option<u64> {
        let (root, key) = (self.root(), key_of(name));
        let slot = root.find(key)?;
        (!name.is_empty() && root.space.payloads.name(slot) == name).then_some(key)
    }

    /// What the item of a key is called, if it has a name. O(log n).
    pub fn name(&self, key: u64) -> Option<String> {
        let root = self.root();
        let name = root.space.payloads.name(root.find(key)?);
        (!name.is_empty()).then(|| name.to_owned())
    }
}

impl Root {
    /// Refuses an item whose key leads to a slot of another name.
    pub(super) fn check_name(&self, item: &Item<'_>, slot: u32) -> Result<()> {
        let there = self.space.payloads.name(slot);
        let agrees = there.is_empty() || item.name.is_none_or(|name| name == there);
        if agrees { Ok(()) } else { Err(Error::NameTaken { key: item.key }) }
    }

    /// Gives a slot that the key is about to lead to the name of the one that it leads to: a name
    /// stays with its key. Refuses another name.
    pub(super) fn keep_name(&self, key: u64, from: u32, to: u32) -> Result<()> {
        let payloads = &self.space.payloads;
        let (there, own) = (payloads.name(from), payloads.name(to));
        match own {
            _ if there.is_empty() || there == own => Ok(()),
            "" => payloads.rename(to, there),
            _ => Err(Error::NameTaken { key }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::NAME_BYTES_MAX;
    use crate::{Check, Metric, Region, exec::Sequential};

    fn index() -> Index {
        Index::builder(1).metric(Metric::L2).build().unwrap()
    }

    #[test]
    fn keys_of_names_are_part_of_the_format() {
        assert_eq!(key_of("apple"), 7_842_963_739_818_450);
        assert_eq!(key_of("Äpfel 🍎"), 3_584_704_374_767_916);
    }

    #[test]
    fn a_name_stays_with_its_key_until_that_is_deleted() {
        let index = index();
        let apple = key_of("apple");
        index.insert_item(&Item::named("apple", &[1.0]).payload(b"red")).unwrap();
        let twice = index.insert_item(&Item::named("apple", &[1.0]));
        assert_eq!(twice, Err(Error::DuplicateKey { key: apple }));
        assert!(index.update(apple, &[2.0]).unwrap());
        assert_eq!(index.payload(apple).as_deref(), Some(&b"red"[..]));
        assert!(index.upsert(apple, &[3.0]).unwrap());
        assert_eq!(index.payload(apple).as_deref(), Some(&b""[..]));
        assert_eq!(index.name(apple).as_deref(), Some("apple"));
        index.delete(apple).unwrap();
        assert_eq!(index.name(apple), None);
        index.insert(apple, &[4.0]).unwrap();
        assert_eq!(index.name(apple), None);
        assert!(index.upsert_item(&Item::named("apple", &[5.0])).unwrap());
        assert_eq!(index.name(apple).as_deref(), Some("apple"));
    }

    #[test]
    fn two_names_of_one_key_are_told_apart() {
        let index = index();
        index.insert_item(&Item::named("apple", &[1.0])).unwrap();
        // As if the hash of another name were the same.
        let other = Item { key: key_of("apple"), ..Item::named("pear", &[2.0]) };
        let taken = Error::NameTaken { key: key_of("apple") };
        assert_eq!(index.insert_item(&other), Err(taken.clone()));
        assert_eq!(index.upsert_item(&other), Err(taken.clone()));
        let items = [Item::named("apple", &[1.0]), other];
        let fresh = self::index();
        let built = fresh.bulk_build_items(&items, &Sequential, &mut |_| true);
        assert_eq!(built, Err(Error::DuplicateKey { key: key_of("apple") }));
        assert_eq!((index.len(), index.get(key_of("apple"))), (1, Some(vec![1.0])));
        // Whoever asks by name is not given the item of the other.
        let swapped = self::index();
        let pear = Item { key: key_of("apple"), ..Item::named("pear", &[2.0]) };
        swapped.insert_item(&pear).unwrap();
        assert_eq!((swapped.key("apple"), swapped.key("")), (None, None));
        assert_eq!(index.key("apple"), Some(key_of("apple")));
    }

    #[test]
    fn names_that_no_item_can_have_are_refused() {
        let index = index();
        for bytes in [0, NAME_BYTES_MAX + 1, 10 << 20] {
            let name = "x".repeat(bytes);
            let refused = Err(Error::BadName { bytes });
            assert_eq!(index.insert_item(&Item::named(&name, &[1.0])), refused);
        }
        assert!(index.is_empty());
        let longest = "x".repeat(NAME_BYTES_MAX);
        index.insert_item(&Item::named(&longest, &[1.0])).unwrap();
        assert_eq!(index.name(key_of(&longest)), Some(longest));
    }

    #[test]
    fn a_bulk_build_and_a_file_keep_all_that_items_have() {
        let index = index();
        let names: Vec<String> = (0..50).map(|number| format!("item {number}")).collect();
        let vectors: Vec<[f32; 1]> = (0..50).map(|number| [number as f32]).collect();
        let item = |(name, vector)| Item::named(name, vector).tags(&["all"]).payload(b"same");
        let mut items: Vec<_> = names
            .iter()
            .map(String::as_str)
            .zip(vectors.iter().map(|v| &v[..]))
            .map(item)
            .collect();
        items.push(Item::new(7, &[50.0]));
        index.bulk_build_items(&items, &Sequential, &mut |_| true).unwrap();
        let file = index.to_snapshot().unwrap();
        let opened = Index::open(Region::copy_of(&file).unwrap(), Check::Full).unwrap();
        for index in [&index, &opened] {
            let hit = index.search(&[31.2]).k(1).run().unwrap()[0].key;
            assert_eq!(index.name(hit).as_deref(), Some("item 31"));
            assert_eq!(index.payload(hit).as_deref(), Some(&b"same"[..]));
            assert_eq!(index.all_tags(), [("all".to_owned(), 50)]);
            assert_eq!((index.name(7), index.payload(7)), (None, Some(vec![])));
        }
        assert!(opened.to_snapshot().unwrap() == file);
    }
}
