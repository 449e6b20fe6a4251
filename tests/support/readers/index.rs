//! What is done with an index that opens.

use ecphory::memory::Standing;
use ecphory::memory::retention::Retention;
use ecphory::memory::scoring::Scoring;
use ecphory::{Associated, Association, Check, Error, Index, Item, Region, TagFilter};

use crate::heap::measured;

/// Bytes that opening may take beside some for each byte of the file.
const ROOM: usize = 8 << 20;
/// Bytes of each byte of the file: words that are bits in it, and a copy or two.
const EACH: usize = 64;
/// Items that are looked at of an index that may say anything of itself.
const SOME: usize = 200;
/// A time at which much is forgotten.
const NOW: u64 = 1 << 41;
/// Components of vectors that are inserted: the first of an opened index takes room for 1,024.
const DIM_MAX: usize = 64;

/// An item as it can be read: key, vector, tags, payload, name, what makes it a memory.
pub(super) type Kept = (u64, Vec<u32>, Vec<String>, Vec<u8>, Option<String>, Remembered);
/// How an item fades, how it stands, whom it leads to.
type Remembered = (Retention, Standing, Vec<Associated>);

/// Opens a snapshot, or is told what is wrong with it.
pub(super) fn open(bytes: &[u8], check: Check) -> Result<Index, Error> {
    let region = Region::copy_of(bytes).expect("memory for an input");
    let (opened, most) = measured(|| Index::open(region, check));
    assert!(most <= ROOM + EACH * bytes.len(), "{most} bytes were taken for {}", bytes.len());
    let is_typed =
        matches!(opened, Ok(_) | Err(Error::Snapshot { .. } | Error::UnsupportedSnapshot { .. }));
    assert!(is_typed, "refused for another reason: {opened:?}");
    opened
}

/// Every item of an index that was verified, by its key.
pub(super) fn items(index: &Index) -> Vec<Kept> {
    let mut keys: Vec<u64> = index.iter().collect();
    keys.sort_unstable();
    assert_eq!(index.keys().as_ref(), Ok(&keys), "there are two lists of keys");
    assert_eq!(index.len(), keys.len(), "there are more keys than items, or less");
    let item = |key: u64| {
        let vector = index.get(key).expect("a key leads to a vector");
        let bits = vector.iter().map(|value| value.to_bits()).collect();
        let tags = index.tags(key).expect("a key leads to tags");
        for tag in &tags {
            let of_tag = index.keys_where(&TagFilter::tag(tag.as_str())).expect("a filter");
            assert!(of_tag.contains(&key), "item {key} is not found by its tag");
        }
        let payload = index.payload(key).expect("a key leads to a payload");
        let standing = index.standing(key).expect("a key leads to a standing");
        let remembered = (index.retention(), standing, index.associations(key));
        (key, bits, tags, payload, index.name(key), remembered)
    };
    keys.into_iter().map(item).collect()
}

/// Reads an index that was verified, writes it, changes it, and writes it again.
pub(super) fn use_verified(index: &Index) {
    let before = items(index);
    index.check().expect("what was verified holds");
    search_verified(index, &before);
    let written = index.to_snapshot().expect("an index at rest is written");
    assert_eq!(index.snapshot_len(), Ok(written.len() as u64));
    let again = open(&written, Check::Full).expect("what was written opens");
    assert_eq!(items(&again), before, "other items are read back");
    assert!(again.to_snapshot().as_ref() == Ok(&written), "equal indexes give equal bytes");
    change(&again, &before.iter().map(|item| item.0).collect::<Vec<_>>());
    again.check().expect("changes leave the graph whole");
    let changed = again.to_snapshot().expect("an index at rest is written");
    let last = open(&changed, Check::Full).expect("what was changed and written opens");
    assert_eq!(items(&last), items(&again), "other items are read back");
}

fn search_verified(index: &Index, items: &[Kept]) {
    for (_, bits, ..) in items.iter().take(3) {
        let query: Vec<f32> = bits.iter().map(|&bits| f32::from_bits(bits)).collect();
        for exact in [false, true] {
            let hits = match index.search(&query).up_to(5).ef(16).exact(exact).run() {
                Ok(hits) => hits,
                // Codes stand for vectors that may not be searched for.
                Err(Error::ZeroVector { .. } | Error::NotFinite { .. } | Error::TooLong { .. }) => {
                    continue;
                }
                Err(error) => panic!("a search was refused: {error}"),
            };
            assert!(hits.is_sorted_by(|a, b| a.distance <= b.distance), "hits are out of order");
            assert!(hits.iter().all(|hit| index.contains(hit.key)), "a hit is no item");
            assert!(!exact || hits.len() == items.len().min(5), "a scan misses items");
        }
    }
}

/// Reads and changes an index that may say anything of itself: nothing is asked but that it comes
/// to an end.
pub(super) fn use_unverified(index: &Index) {
    let dim = index.options().dim;
    let query = vec![0.5; dim];
    let _ = index.search(&query).up_to(5).ef(16).run();
    let _ = index.search(&query).up_to(5).exact(true).run();
    let _ = index.search(&query).k(1).recall(0.9).run();
    let keys: Vec<u64> = index.iter().take(SOME).collect();
    for &key in &keys {
        let _ = (index.get(key), index.tags(key), index.payload(key));
        let _ = index.name(key).map(|name| index.key(&name));
        let _ = (index.standing(key), index.associations(key));
    }
    let _ = index.forgotten(0.5, NOW);
    let _ = index.search(&query).up_to(5).weighed(Scoring::PENALISED).at(NOW).run();
    let _ = index.recollect().near(&query).about(&keys).at(NOW).run();
    let tags = index.all_tags();
    for (tag, _) in tags.iter().take(3) {
        let filter = TagFilter::tag(tag.as_str());
        let _ = (index.count(&filter), index.keys_where(&!filter.clone()));
        let _ = index.search(&query).up_to(5).tagged(&filter).run();
    }
    let _ = (index.keys(), index.memory(), index.check());
    let _ = index.to_snapshot().map(|bytes| open(&bytes, Check::Full).map(|again| items(&again)));
    change(index, &keys);
    let _ = index.to_snapshot().map(|bytes| open(&bytes, Check::Header).is_ok());
}

/// Changes of each kind. The index may refuse any of them.
fn change(index: &Index, keys: &[u64]) {
    let dim = index.options().dim;
    if let [first, .., last] = *keys {
        let _ = index.associate(&Association::new(first, last).kind("late"));
        let _ = index.associate(&Association::new(last, first)).and_then(|_| {
            let _ = index.strengthen(last, first, 0.5);
            index.dissociate(last, first, "related")
        });
        let _ = (index.reinforce(last, NOW), index.set_evergreen(last, true));
    }
    if let [first, ..] = *keys {
        let _ = index.tag(first, "late").and_then(|_| index.untag(first, "red"));
        let _ = index.delete(first);
    }
    if dim <= DIM_MAX {
        let vector: Vec<f32> = (0..dim).map(|i| 0.01 * (i + 1) as f32).collect();
        let _ = index.insert_item(&Item::new(77_777, &vector).tags(&["red"]).payload(b"new"));
        let _ = index.insert_item(&Item::named("a name", &vector));
        for &key in keys.iter().skip(1).take(2) {
            let _ = index.update(key, &vector);
        }
    }
    let _ = index.delete_where(&TagFilter::tag("round"));
    while let Ok(true) = index.reclaim() {}
}
