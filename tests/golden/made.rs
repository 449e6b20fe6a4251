//! Items of small whole numbers, whose distances anyone can compute, and changes to them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use ecphory::{Hit, Item, Op, key_of};
use ecphory_tests::fixture;

/// Components of a vector.
pub(crate) const DIM: usize = 8;

/// An item.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Thing {
    pub(crate) name: Option<&'static str>,
    pub(crate) vector: Vec<f32>,
    pub(crate) tags: BTreeSet<&'static str>,
    pub(crate) payload: Vec<u8>,
}

/// Items by their keys.
pub(crate) type Things = BTreeMap<u64, Thing>;

/// A vector that no other number has.
pub(crate) fn vector(number: u64) -> Vec<f32> {
    let component = |place: u64| ((number * (2 * place + 3) + place * place) % 17) as f32 - 8.0;
    (0..DIM as u64 - 1).map(component).chain([number as f32 / 16.0]).collect()
}

/// An item without anything but its vector.
fn plain(number: u64) -> Thing {
    Thing { name: None, vector: vector(number), tags: BTreeSet::new(), payload: Vec::new() }
}

/// Forty items, of which some have names, tags, payloads, or all of them.
pub(crate) fn forty() -> Things {
    let tags: [&[&str]; 4] = [&[], &["red"], &["red", "round"], &["späte Äpfel 🍎"]];
    let thing = |number: u64| {
        let mut thing = plain(number);
        thing.tags = tags[number as usize % 4].iter().copied().collect();
        thing.payload = vec![number as u8; number as usize % 6];
        (number * number + 1, thing)
    };
    let mut things: Things = (0..38).map(thing).collect();
    for (name, number) in [("apple", 38), ("Birne 🍐", 39)] {
        let payload = name.as_bytes().to_vec();
        things.insert(key_of(name), Thing { name: Some(name), payload, ..plain(number) });
    }
    things
}

/// A change, as it is made and as it is told.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Insert(u64, Thing),
    Upsert(u64, Thing),
    /// Another vector; what else the item has stays.
    Update(u64, Thing),
    Delete(u64),
    Tag(u64, &'static str),
    Untag(u64, &'static str),
}

/// One of each kind at least, to be made after [`forty`].
pub(crate) fn changes() -> Vec<Change> {
    let tagged = |number, tag| Thing { tags: BTreeSet::from([tag]), ..plain(number) };
    let named = Thing { name: Some("plum"), payload: b"stone".to_vec(), ..plain(52) };
    vec![
        Change::Insert(7, tagged(50, "red")),
        Change::Insert(u64::MAX, plain(51)),
        Change::Insert(key_of("plum"), named),
        Change::Upsert(1, tagged(53, "green")),
        Change::Upsert(8, plain(54)),
        Change::Update(2, Thing { payload: b"core".to_vec(), ..tagged(55, "round") }),
        Change::Update(key_of("apple"), plain(56)),
        Change::Tag(5, "late"),
        Change::Tag(key_of("plum"), "red"),
        Change::Untag(26, "red"),
        Change::Delete(17),
        Change::Delete(key_of("Birne 🍐")),
    ]
}

impl Thing {
    fn item<'a>(&'a self, key: u64, tags: &'a [&'static str]) -> Item<'a> {
        let item = self
            .name
            .map_or_else(|| Item::new(key, &self.vector), |name| Item::named(name, &self.vector));
        item.tags(tags).payload(&self.payload)
    }
}

/// Hands on the items, in the order of their keys.
pub(crate) fn with_items<T>(things: &Things, then: impl FnOnce(&[Item<'_>]) -> T) -> T {
    let tags: Vec<Vec<&str>> = things.values().map(|t| t.tags.iter().copied().collect()).collect();
    let items = things.iter().zip(&tags).map(|((&key, thing), tags)| thing.item(key, tags));
    then(&items.collect::<Vec<_>>())
}

impl Change {
    /// Makes the change, by `apply`.
    pub(crate) fn make(&self, apply: impl FnOnce(&Op<'_>)) {
        match self {
            Self::Insert(key, thing) | Self::Upsert(key, thing) | Self::Update(key, thing) => {
                let tags: Vec<&str> = thing.tags.iter().copied().collect();
                let item = thing.item(*key, &tags);
                apply(&match self {
                    Self::Insert(..) => Op::Insert(item),
                    Self::Upsert(..) => Op::Upsert(item),
                    _ => Op::Update(item),
                });
            }
            Self::Delete(key) => apply(&Op::Delete(*key)),
            Self::Tag(key, tag) => apply(&Op::Tag(*key, tag)),
            Self::Untag(key, tag) => apply(&Op::Untag(*key, tag)),
        }
    }

    /// What it makes of things.
    pub(crate) fn tell(&self, things: &mut Things) {
        match self {
            Self::Insert(key, thing) | Self::Upsert(key, thing) => {
                let name = things.get(key).and_then(|before| before.name).or(thing.name);
                things.insert(*key, Thing { name, ..thing.clone() });
            }
            Self::Update(key, thing) => {
                things.entry(*key).and_modify(|there| there.vector.clone_from(&thing.vector));
            }
            Self::Delete(key) => _ = things.remove(key),
            Self::Tag(key, tag) => {
                things.entry(*key).and_modify(|thing| _ = thing.tags.insert(tag));
            }
            Self::Untag(key, tag) => {
                things.entry(*key).and_modify(|thing| _ = thing.tags.remove(tag));
            }
        }
    }
}

/// Keys and the bits of distances, as they are written down here.
pub(crate) type Answers = [(u64, u32)];

pub(crate) fn bits(hits: &[Hit]) -> Vec<(u64, u32)> {
    hits.iter().map(|hit| (hit.key, hit.distance.to_bits())).collect()
}

/// The files of the fixtures, or of one store of them, by their names.
pub(crate) fn files(folder: &str) -> BTreeMap<String, Vec<u8>> {
    let path = fixture("format").join(folder);
    let entries = fs::read_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file = |path: &Path| {
        (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap())
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_file()).map(|path| file(&path)).collect()
}

/// Fails where a file is not as it was written, with what there is to be done.
pub(crate) fn is_frozen(name: &str, kept: &[u8], written: &[u8]) {
    let differs = kept.iter().zip(written).position(|(a, b)| a != b);
    assert!(
        kept == written,
        "{name} is written otherwise than version 1 was, from byte {differs:?} on ({} bytes, {} \
         before): that is another version, with files of its own beside these",
        written.len(),
        kept.len()
    );
}
