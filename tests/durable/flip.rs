//! Damage to files that were whole: every byte flipped, every length cut.

use std::sync::Arc;

use ecphory::exec::Sequential;
use ecphory::log::StoreError;
use ecphory::{Check, Item, Op};
use ecphory_tests::simdisk::{Image, SimDisk};
use ecphory_tests::times;
use serde_json::json;

use ecphory_tests::work::{State, builder, check, index, items, plan, run};

/// A store of 64 KiB that was closed, with checkpoints and a log behind them.
fn closed() -> (Image, State) {
    let disk = SimDisk::default();
    run(&disk, &plan(150, 11));
    let store = builder().open(Arc::new(disk.clone())).unwrap();
    let space = store.create("large", index()).unwrap();
    let mut key = 0;
    while bytes(&disk.image()) < 1 << 16 {
        let vector = [key as f32, 0.0, 1.0];
        let item = Item::new(key, &vector).tags(&["red"]);
        let payload = vec![key as u8; 900];
        space.apply(&Op::Insert(item.payload(&payload))).unwrap();
        if key == 25 {
            store.checkpoint().unwrap();
        }
        key += 1;
    }
    store.close().unwrap();
    (disk.image(), items(&store))
}

fn bytes(image: &Image) -> usize {
    image.names().iter().map(|name| image.clone().bytes(name).len()).sum()
}

/// Whether damage was seen; if it was not, it did no harm.
fn is_seen(image: Image, state: &State, what: &str) -> bool {
    let store = builder().check(Check::Full).open(Arc::new(SimDisk::holding(image)));
    match store {
        Ok(store) => {
            assert_eq!(&items(&store), state, "{what} was not seen");
            check(&store);
            false
        }
        Err(StoreError::Damaged { file, .. }) => {
            assert!(!file.is_empty());
            true
        }
        Err(StoreError::Index(ecphory::Error::UnsupportedSnapshot { .. })) => true,
        Err(error) => panic!("{what}: {error}"),
    }
}

/// Each byte in turn, each to something else.
fn flips(image: &Image, each: &mut dyn FnMut(Image, &str, usize)) {
    for name in image.names() {
        let len = image.clone().bytes(&name).len();
        for at in (0..len).step_by(times(101, 1, 1)) {
            let mut damaged = image.clone();
            damaged.bytes(&name)[at] ^= 0xFF;
            each(damaged, &name, at);
        }
    }
}

#[test]
fn every_flipped_byte_is_seen_or_harmless() {
    let (image, state) = closed();
    let (mut seen, mut harmless) = (0, 0);
    flips(&image, &mut |damaged, name, at| {
        if is_seen(damaged, &state, &format!("byte {at} of {name}")) {
            seen += 1;
        } else {
            harmless += 1;
        }
    });
    println!("{}", json!({ "bytes": bytes(&image), "seen": seen, "harmless": harmless }));
}

/// Without a look at all of it, a damaged snapshot may open: then it can be read without harm to
/// anything but the answers, and scrubbing finds the damage.
#[test]
fn damage_that_opening_did_not_look_for_is_found_by_scrubbing() {
    let (image, state) = closed();
    let (mut late, mut early) = (0, 0);
    flips(&image, &mut |damaged, name, at| {
        if !name.starts_with("snap-") {
            return;
        }
        let Ok(store) = builder().open(Arc::new(SimDisk::holding(damaged))) else {
            early += 1;
            return;
        };
        for space in store.spaces().iter().map(|name| store.space(name).unwrap()) {
            let query = [0.5; 3];
            drop(space.search(&query).up_to(5).run());
            drop(space.search(&query).up_to(5).exact(true).run());
        }
        match store.scrub() {
            Err(StoreError::Damaged { file, .. }) => assert_eq!(file, name),
            Err(error) => panic!("byte {at} of {name}: {error}"),
            Ok(()) => assert_eq!(items(&store), state, "byte {at} of {name} was not found"),
        }
        late += 1;
    });
    println!("{}", json!({ "late": late, "early": early }));
}

#[test]
fn every_length_is_seen_or_harmless() {
    let (image, state) = closed();
    let (mut seen, mut harmless) = (0, 0);
    for name in image.names() {
        let len = image.clone().bytes(&name).len();
        let longer = [1, 2, 63, 64, 700, 4096].map(|more| len + more);
        for wanted in (0..len).step_by(times(101, 1, 1)).chain(longer) {
            let mut damaged = image.clone();
            damaged.bytes(&name).resize(wanted, 0);
            if is_seen(damaged, &state, &format!("{name} of {wanted} bytes, not {len}")) {
                seen += 1;
            } else {
                harmless += 1;
            }
        }
    }
    println!("{}", json!({ "seen": seen, "harmless": harmless }));
}

/// The end of a log that was not closed is cut where it does not hold, but not where a later frame
/// says that it was durable, or a later segment follows.
#[test]
fn damage_before_the_end_is_told_from_a_crash() {
    let disk = SimDisk::default();
    let wide = builder().log_files(1 << 20, 700);
    let store = wide.clone().open(Arc::new(disk.clone())).unwrap();
    let space = store.create("s", index()).unwrap();
    for key in 0..8 {
        space.insert(key, &[key as f32; 3]).unwrap();
    }
    let (image, state) = (disk.image(), items(&store));
    let mut log = image.clone();
    let bytes = log.bytes("log-0000000000000001").clone();
    let end = bytes.iter().rposition(|&byte| byte != 0).unwrap();
    let (mut cut, mut refused) = (0, 0);
    // A frame ends with two numbers that are 0.
    for at in 64..=end + 8 {
        let mut damaged = image.clone();
        damaged.bytes("log-0000000000000001")[at] ^= 0xFF;
        match wide.clone().open(Arc::new(SimDisk::holding(damaged))) {
            Ok(store) => {
                // The last frame alone has none behind it that knows of it.
                let found = items(&store);
                assert!(
                    found["s"].len() == 7 && found["s"].iter().all(|it| state["s"][it.0] == *it.1)
                );
                cut += 1;
            }
            Err(StoreError::Damaged { .. }) => refused += 1,
            Err(error) => panic!("byte {at}: {error}"),
        }
    }
    println!("{refused} refused, {cut} cut");
    let frame = 32 + 8 + 4 + 12 + 4 + 4 + 12 + 4 + 4;
    assert_eq!(cut, frame, "the bytes of the last frame");
}

/// A checkpoint does not write what is damaged anew, with checksums that hold.
#[test]
fn damage_is_not_saved_again() {
    let disk = SimDisk::default();
    let store = builder().open(Arc::new(disk.clone())).unwrap();
    let space = store.create("s", index()).unwrap();
    (0..9).for_each(|key| space.insert(key, &[key as f32 + 0.5; 3]).unwrap());
    store.checkpoint().unwrap();
    store.close().unwrap();
    let mut image = disk.image();
    let name = image.names().into_iter().find(|name| name.starts_with("snap-")).unwrap();
    let bytes = image.bytes(&name);
    let vector = bytes.windows(4).position(|bytes| bytes == 4.5f32.to_le_bytes()).unwrap();
    bytes[vector + 1] ^= 1;
    let store = builder().open(Arc::new(SimDisk::holding(image))).unwrap();
    store.space("s").unwrap().delete(1).unwrap();
    for refused in [store.checkpoint(), store.compact("s", &Sequential), store.scrub()] {
        assert!(matches!(refused, Err(StoreError::Damaged { .. })), "{refused:?}");
    }
    assert!(matches!(store.backup(&SimDisk::default()), Err(StoreError::Damaged { .. })));
}
