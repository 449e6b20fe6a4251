//! What is had of a damaged store: all that is whole, nothing that was not there, and a word of the
//! rest.

use std::sync::Arc;

use ecphory::exec::Sequential;
use ecphory::log::{Memory, StoreError};
use ecphory::{Check, Salvaged, Store};
use ecphory_tests::simdisk::{Image, SimDisk};
use ecphory_tests::times;

use ecphory_tests::work::{State, builder, check, index, items};

/// Two spaces, of which each has items in a snapshot and in the log.
fn made() -> (Image, State) {
    let disk = SimDisk::default();
    let store = builder().open(Arc::new(disk.clone())).unwrap();
    let spaces = ["a", "b"].map(|name| store.create(name, index()).unwrap());
    for key in 0..40 {
        spaces[key as usize % 2].insert(key, &[key as f32, 1.0, 0.5]).unwrap();
        if key == 19 {
            store.checkpoint().unwrap();
        }
    }
    store.close().unwrap();
    (disk.image(), items(&store))
}

fn salvage(image: Image) -> (Store, Salvaged) {
    let to = Arc::new(Memory::default());
    let saved = builder().salvage(&SimDisk::holding(image), to.clone(), &Sequential).unwrap();
    // It is a store like any other.
    let again = builder().check(Check::Full).open(to).unwrap();
    assert_eq!(items(&again), items(&saved.0));
    saved
}

fn count(state: &State) -> usize {
    state.values().map(std::collections::BTreeMap::len).sum()
}

#[test]
fn a_whole_store_is_salvaged_whole() {
    let (image, state) = made();
    let (store, report) = salvage(image);
    assert_eq!(items(&store), state);
    assert_eq!(report.spaces, [("a".to_owned(), 20), ("b".to_owned(), 20)]);
    assert_eq!((report.changes, report.lost_changes, report.lost_items), (20, 0, 0));
    assert!(report.lost_spaces.is_empty() && report.damaged_spaces.is_empty());
}

#[test]
fn a_flipped_byte_costs_little_and_is_told() {
    let (image, state) = made();
    let mut most = 0;
    for name in image.names() {
        let len = image.clone().bytes(&name).len();
        for at in (0..len).step_by(times(37, 5, 1)) {
            let mut damaged = image.clone();
            damaged.bytes(&name)[at] ^= 0xFF;
            let whole =
                builder().check(Check::Full).open(Arc::new(SimDisk::holding(damaged.clone())));
            let (store, report) = salvage(damaged);
            let found = items(&store);
            check(&store);
            let lost = count(&state) - count(&found).min(count(&state));
            most = most.max(lost);
            let told = report.lost_changes as usize
                + report.lost_items
                + report.lost_files as usize
                + report.lost_spaces.len()
                + report.damaged_spaces.len();
            let what = format!("byte {at} of {name}: {report:?}");
            if whole.is_ok() {
                // What stands behind the last frame may be what a crash has left of another.
                assert!(found == state && told <= 1, "{what}");
            } else {
                assert!(lost == 0 || told > 0, "{what}");
            }
            if name.starts_with("log-") {
                // What is there was there before.
                for (space, items) in &found {
                    assert!(
                        items.iter().all(|item| state[space].get(item.0) == Some(item.1)),
                        "{what}"
                    );
                }
                // A frame, and the one behind it, which is summed up with it.
                assert!(lost <= 2, "{what}");
            }
        }
    }
    println!("at most {most} of {} items lost", count(&state));
}

#[test]
fn without_a_manifest_there_are_still_items() {
    let (mut image, state) = made();
    for name in ["manifest-0", "manifest-1"] {
        image.bytes(name).clear();
    }
    let opened = builder().open(Arc::new(SimDisk::holding(image.clone())));
    assert!(matches!(opened, Err(StoreError::Damaged { .. })));
    let (store, report) = salvage(image);
    // What the snapshots hold, under other names; the log says whose its changes are by number alone.
    assert_eq!(count(&items(&store)), 20, "{report:?}");
    assert_eq!(report.lost_changes, 20);
    assert_eq!(count(&state), 40);
    let nothing = builder().salvage(&Memory::default(), Arc::new(Memory::default()), &Sequential);
    assert!(matches!(nothing, Err(StoreError::Damaged { .. })));
}
