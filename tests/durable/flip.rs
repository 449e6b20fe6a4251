//! Damage to files that were whole: every byte flipped, every length cut.

use std::sync::Arc;

use ecphory::Check;
use ecphory::log::StoreError;
use ecphory_tests::simdisk::{Image, SimDisk};
use ecphory_tests::times;

use crate::work::{State, builder, check, items, plan, run};

/// A store that was closed, with checkpoints and a log behind them.
fn closed() -> (Image, State) {
    let disk = SimDisk::default();
    run(&disk, &plan(150, 11));
    let store = builder().open(Arc::new(disk.clone())).unwrap();
    store.close().unwrap();
    (disk.image(), items(&store))
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

#[test]
fn every_flipped_byte_is_seen_or_harmless() {
    let (image, state) = closed();
    let (mut seen, mut harmless, mut bytes) = (0, 0, 0);
    for name in image.names() {
        let len = image.clone().bytes(&name).len();
        for at in (0..len).step_by(times(101, 1, 1)) {
            let mut damaged = image.clone();
            damaged.bytes(&name)[at] ^= 0xFF;
            bytes += 1;
            if is_seen(damaged, &state, &format!("byte {at} of {name}")) {
                seen += 1;
            } else {
                harmless += 1;
            }
        }
    }
    println!("{bytes} bytes flipped: {seen} seen, {harmless} harmless");
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
    println!("{seen} lengths seen, {harmless} harmless");
}
