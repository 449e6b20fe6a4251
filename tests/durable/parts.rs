//! Snapshots that share what has not changed with those before.

use std::sync::Arc;

use ecphory::log::{Storage, StoreError};
use ecphory::{Check, Item, Op, Space, Store};
use ecphory_tests::simdisk::SimDisk;

use ecphory_tests::work::{builder, check, index, items};

/// A space of items with a payload of 20,000 bytes each.
fn filled(disk: &SimDisk, count: u64) -> (Store, Space) {
    let store = builder().open(Arc::new(disk.clone())).unwrap();
    let space = store.create("s", index()).unwrap();
    (0..count).for_each(|key| put(&space, key, key as u8));
    store.checkpoint().unwrap();
    (store, space)
}

fn put(space: &Space, key: u64, byte: u8) {
    let vector = [key as f32, f32::from(byte), 1.0];
    let payload = vec![byte; 20_000];
    space.apply(&Op::Upsert(Item::new(key, &vector).payload(&payload))).unwrap();
}

fn snapshots(disk: &SimDisk) -> Vec<(String, usize)> {
    let mut image = disk.image();
    let names = image.names().into_iter().filter(|name| name.starts_with("snap-"));
    names.map(|name| (name.clone(), image.bytes(&name).len())).collect()
}

/// A change to a large space writes little, and again and again no more than twice the space.
#[test]
fn a_checkpoint_writes_what_has_changed() {
    let disk = SimDisk::default();
    let (store, space) = filled(&disk, 100);
    let whole = snapshots(&disk)[0].1;
    assert!(whole > 2_000_000);
    let (mut written, mut shared) = (0, 0);
    for round in 0..60 {
        let before = snapshots(&disk);
        put(&space, 100 + round % 5, round as u8);
        store.checkpoint().unwrap();
        let after = snapshots(&disk);
        let new = after.iter().find(|file| !before.contains(file)).expect("it was saved").1;
        written += new;
        shared += usize::from(new < whole / 5);
        let all: usize = after.iter().map(|file| file.1).sum();
        assert!(all <= 2 * (whole + 5 * 20_000) + (1 << 17), "{all} bytes for {whole}");
    }
    println!("{shared} of 60 shared, {} bytes each for {whole}", written / 60);
    assert!(shared >= 50 && written / 60 < whole / 4);
    store.scrub().unwrap();
    check(&store);
    let state = items(&store);
    drop((store, space));
    let store = builder().check(Check::Full).open(Arc::new(disk.clone())).unwrap();
    assert_eq!(items(&store), state);
    // A copy stands on nothing.
    let copy = SimDisk::default();
    store.backup(&copy).unwrap();
    assert_eq!(snapshots(&copy).len(), 1);
    let copied = builder().check(Check::Full).open(Arc::new(copy)).unwrap();
    assert_eq!(items(&copied), state);
}

/// Who is small is written whole.
#[test]
fn small_spaces_share_nothing() {
    let disk = SimDisk::default();
    let store = builder().share_from(1 << 24).open(Arc::new(disk.clone())).unwrap();
    let space = store.create("s", index()).unwrap();
    for byte in 0..3 {
        (0..20).for_each(|key| put(&space, key, byte));
        store.checkpoint().unwrap();
        assert_eq!(snapshots(&disk).len(), 1);
    }
}

/// A file that others stand on is missed, and so is each of its bytes that is used.
#[test]
fn what_is_shared_is_verified() {
    let disk = SimDisk::default();
    let (store, space) = filled(&disk, 40);
    put(&space, 40, 7);
    store.checkpoint().unwrap();
    let state = items(&store);
    drop((store, space));
    let files = snapshots(&disk);
    assert_eq!(files.len(), 2, "one stands on the other");
    for (name, len) in &files {
        let without = SimDisk::holding(disk.image());
        without.remove(name).unwrap();
        let opened = builder().open(Arc::new(without)).map(drop);
        assert!(matches!(opened, Err(StoreError::Damaged { .. })), "{opened:?}");
        let (mut seen, mut harmless) = (0, 0);
        for at in (0..*len).step_by(1009).chain([*len - 1]) {
            let mut image = disk.image();
            image.bytes(name)[at] ^= 0xFF;
            match builder().check(Check::Full).open(Arc::new(SimDisk::holding(image))) {
                Ok(store) => {
                    assert_eq!(items(&store), state, "byte {at} of {name}");
                    harmless += 1;
                }
                Err(StoreError::Damaged { .. }) => seen += 1,
                Err(error) => panic!("byte {at} of {name}: {error}"),
            }
        }
        println!("{name}: {seen} seen, {harmless} harmless");
        assert!(seen > 20);
    }
}

/// A space that shares pages is salvaged once, and as it was last.
#[test]
fn salvage_tells_a_snapshot_from_those_it_stands_on() {
    let disk = SimDisk::default();
    let (store, space) = filled(&disk, 40);
    put(&space, 40, 7);
    store.checkpoint().unwrap();
    store.close().unwrap();
    drop((store, space));
    for name in ["manifest-0", "manifest-1"] {
        disk.remove(name).unwrap();
    }
    let sequential = &ecphory::exec::Sequential;
    let to = Arc::new(SimDisk::default());
    let (_, salvaged) = builder().salvage(&disk, to, sequential).unwrap();
    assert_eq!(salvaged.spaces.len(), 1);
    assert_eq!(salvaged.spaces[0].1, 41);
}
