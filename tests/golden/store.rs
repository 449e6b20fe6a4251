//! A store, with everything that its files can hold.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use ecphory::log::{Memory, Storage};
use ecphory::{Check, Index, Item, Metric, Op, Space, Store, StoreBuilder};
use ecphory_tests::fixture;

use crate::made::{Answers, DIM, Things, bits, changes, files, forty, is_frozen, vector};

/// The folder of the fixtures.
const STORE: &str = "v1-store";
/// Bytes that fill the pages of a snapshot, so that the next one shares them.
const PAGES: usize = 2 * 65_536 + 100;
/// The three items of `fruit` that are nearest to vector 20.
const ANSWERS: &Answers = &[(401, 0), (10, 1066434560), (1370, 1066434560)];

/// How it was opened when it was made.
fn builder() -> StoreBuilder {
    Store::builder().identity(0x0123_4567_89AB_CDEF).log_files(1 << 20, 512).share_from(0)
}

/// Makes the store in a folder:
///
/// - `fruit` has a whole snapshot, and every kind of change in the log behind it,
/// - `pages` has a snapshot that shares pages with the one before,
/// - `late` began and `gone` ended in the log.
fn make(disk: &Memory) {
    let store = builder().open(Arc::new(disk.clone())).unwrap();
    let options = || Index::builder(DIM).metric(Metric::L2).m(4).ef_construction(16).seed(3);
    let fruit = store.create("fruit", options()).unwrap();
    let pages = store.create("pages", Index::builder(2).metric(Metric::L2).m(4)).unwrap();
    let gone = store.create("gone", options()).unwrap();
    for (&key, thing) in &forty() {
        let tags: Vec<&str> = thing.tags.iter().copied().collect();
        let vector = &thing.vector;
        let item =
            thing.name.map_or_else(|| Item::new(key, vector), |name| Item::named(name, vector));
        let item = item.tags(&tags).payload(&thing.payload);
        fruit.apply(&Op::Insert(item)).unwrap();
    }
    let filling = vec![0x55; PAGES];
    pages.apply(&Op::Insert(Item::new(1, &[1.0, 2.0]).payload(&filling))).unwrap();
    store.checkpoint().unwrap();
    pages.tag(1, "late").unwrap();
    store.checkpoint().unwrap();
    for change in changes() {
        change.make(|op| _ = fruit.apply(op).unwrap());
    }
    store.create("late", options()).unwrap().insert(3, &vector(3)).unwrap();
    gone.insert(4, &vector(4)).unwrap();
    assert!(store.remove("gone").unwrap());
    store.close().unwrap();
}

fn check(store: &Store) {
    assert_eq!(store.spaces(), ["fruit", "late", "pages"]);
    let space = |name: &str| store.space(name).unwrap();
    let mut things = forty();
    for change in changes() {
        change.tell(&mut things);
    }
    let fruit = space("fruit");
    holds(&fruit, &things);
    let hits = fruit.search(&vector(20)).k(3).ef(100).run().unwrap();
    assert_eq!(bits(&hits), ANSWERS);
    assert_eq!((space("late").len(), space("late").get(3)), (1, Some(vector(3))));
    let pages = space("pages");
    assert_eq!(
        (pages.get(1), pages.tags(1)),
        (Some(vec![1.0, 2.0]), Some(vec!["late".to_owned()]))
    );
    assert_eq!(pages.payload(1), Some(vec![0x55; PAGES]));
    for name in store.spaces() {
        space(&name).check().unwrap();
    }
}

fn holds(space: &Space, things: &Things) {
    let mut keys: Vec<u64> = space.iter().collect();
    keys.sort_unstable();
    assert_eq!(keys, things.keys().copied().collect::<Vec<_>>());
    for (&key, thing) in things {
        assert_eq!(space.get(key).unwrap(), thing.vector, "{key}");
        assert_eq!(space.name_of_item(key).as_deref(), thing.name, "{key}");
        assert!(space.tags(key).unwrap().iter().eq(&thing.tags), "{key}");
        assert_eq!(space.payload(key).unwrap(), thing.payload, "{key}");
    }
}

/// The bytes of all files of a folder.
fn bytes(disk: &Memory) -> BTreeMap<String, Vec<u8>> {
    let file = |name: String| {
        let file = disk.open(&name).unwrap();
        let mut bytes = vec![0; file.len().unwrap() as usize];
        file.read_at(0, &mut bytes).unwrap();
        (name, bytes)
    };
    disk.list().unwrap().into_iter().map(file).collect()
}

fn holding(files: &BTreeMap<String, Vec<u8>>) -> Memory {
    let disk = Memory::default();
    for (name, bytes) in files {
        disk.create(name).unwrap().write_at(0, bytes).unwrap();
    }
    disk
}

#[test]
fn a_store_of_version_1_is_read() {
    let kept = files(STORE);
    let disk = holding(&kept);
    let store =
        Store::builder().read_only().check(Check::Full).open(Arc::new(disk.clone())).unwrap();
    check(&store);
    store.scrub().unwrap();
    drop(store);
    assert!(bytes(&disk) == kept, "who only reads changes nothing");
    // It goes on: what is written now is there the next time, beside all that was.
    let open = || Store::builder().check(Check::Full).open(Arc::new(disk.clone())).unwrap();
    let store = open();
    check(&store);
    store.space("late").unwrap().insert(9, &vector(9)).unwrap();
    drop(store);
    let store = open();
    assert!(store.space("late").unwrap().delete(9).unwrap());
    check(&store);
    store.checkpoint().unwrap();
    store.close().unwrap();
    drop(store);
    check(&open());
}

#[test]
fn a_store_is_written_as_version_1_was_to_the_byte() {
    let (kept, disk) = (files(STORE), Memory::default());
    make(&disk);
    let written = bytes(&disk);
    assert!(written.keys().eq(kept.keys()), "{:?} are {:?} now", kept.keys(), written.keys());
    for (name, bytes) in &written {
        is_frozen(name, &kept[name], bytes);
    }
    // All that there is to be read is there.
    let begins = |mark: &[u8]| kept.values().filter(|bytes| bytes.starts_with(mark)).count();
    let counts = [b"\x89ECM\r", b"\x89ECL\r", b"\x89ECP\r", b"\x89ECX\r"].map(|mark| begins(mark));
    assert_eq!(counts, [2, 1, 3, 1], "manifests, segments, snapshots whole and in parts");
}

#[test]
#[ignore = "writes the files that the others read"]
fn a_store_is_made() {
    let (disk, folder) = (Memory::default(), fixture("format").join(STORE));
    make(&disk);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    for (name, bytes) in bytes(&disk) {
        fs::write(folder.join(name), bytes).unwrap();
    }
    let store = builder().open(Arc::new(disk)).unwrap();
    let hits = store.space("fruit").unwrap().search(&vector(20)).k(3).ef(100).run().unwrap();
    println!("{:?}", bits(&hits));
}
