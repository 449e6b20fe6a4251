//! A store on a disk that loses its power, fails, and lies: what was acknowledged is there.

mod beside;
mod crash;
mod fault;
mod flip;
mod levels;
mod parts;
mod salvage;

use std::sync::Arc;

use ecphory::exec::Sequential;
use ecphory::log::StoreError;
use ecphory::{Check, Index, Metric, Store};
use ecphory_tests::simdisk::SimDisk;
use ecphory_tests::work::{self, Ask, do_one, items, plan, run};

/// A store keeps what it was told across checkpoints and openings.
#[test]
fn a_store_comes_back_as_it_was() {
    let disk = SimDisk::default();
    let done = run(&disk, &plan(400, 1));
    let state = done.states.last().expect("something was done");
    for _ in 0..3 {
        let store = work::builder().open(Arc::new(disk.clone())).unwrap();
        assert_eq!(&items(&store), state);
        store.close().unwrap();
    }
}

/// The bytes of a checkpoint depend on snapshot and log alone.
#[test]
fn checkpoints_of_one_log_are_equal_to_the_byte() {
    let snapshots = || {
        let disk = SimDisk::default();
        run(&disk, &plan(300, 5));
        let store = work::builder().open(Arc::new(disk.clone())).unwrap();
        store.checkpoint().unwrap();
        let mut image = disk.image();
        let names = image.names().into_iter().filter(|name| name.starts_with("snap-"));
        names.map(|name| (name.clone(), image.bytes(&name).clone())).collect::<Vec<_>>()
    };
    let (first, second) = (snapshots(), snapshots());
    assert!(!first.is_empty());
    assert!(first == second);
}

/// A backup is the store as it was, and a store of its own.
#[test]
fn a_backup_is_a_store() {
    let disk = SimDisk::default();
    run(&disk, &plan(200, 9));
    let store = work::builder().open(Arc::new(disk.clone())).unwrap();
    let (before, copy) = (items(&store), SimDisk::default());
    store.backup(&copy).unwrap();
    assert!(store.backup(&copy).is_err(), "it is not empty");
    plan(100, 10).iter().filter(|ask| !matches!(ask, Ask::Reopen)).for_each(|ask| {
        do_one(&store, ask).unwrap();
    });
    let backup = work::builder().check(Check::Full).open(Arc::new(copy.clone())).unwrap();
    assert_eq!(items(&backup), before);
    do_one(&backup, &Ask::Create("new")).unwrap();
    drop(backup);
    let backup = work::builder().open(Arc::new(copy)).unwrap();
    assert!(backup.space("new").is_some());
}

/// A name may be taken again, in any way, also in the same breath.
#[test]
fn a_name_may_be_taken_again() {
    let [create, import, remove] = [Ask::Create("a"), Ask::Import("a"), Ask::Remove("a")];
    let (insert, checkpoint) = (Ask::Insert("a", 7, [1.0; 3]), Ask::Checkpoint);
    for asks in [
        [&create, &remove, &import, &insert],
        [&import, &remove, &import, &insert],
        [&import, &remove, &create, &insert],
        [&create, &insert, &remove, &import],
    ] {
        for with_checkpoint in 0..5 {
            let disk = SimDisk::default();
            let store = work::builder().open(Arc::new(disk.clone())).unwrap();
            for (done, ask) in asks.iter().enumerate() {
                if done == with_checkpoint {
                    do_one(&store, &checkpoint).unwrap();
                }
                do_one(&store, ask).unwrap();
            }
            let state = items(&store);
            drop(store);
            let store = work::builder().open(Arc::new(disk)).unwrap();
            assert_eq!(items(&store), state, "{asks:?}");
            store.scrub().unwrap();
        }
    }
}

/// Opened to be read, a store changes no file, also after a crash, and refuses writes.
#[test]
fn who_only_reads_changes_nothing() {
    let disk = SimDisk::default();
    let done = run(&disk, &plan(150, 12));
    let mut image = disk.image();
    // As a crash may leave the end of the log.
    let last = image.names().into_iter().rfind(|name| name.starts_with("log-")).unwrap();
    image.bytes(&last).extend([7; 100]);
    let disk = SimDisk::holding(image);
    let store = work::builder().read_only().open(Arc::new(disk.clone())).unwrap();
    assert_eq!(Some(&items(&store)), done.states.last());
    let space = &store.spaces()[0];
    let refused = store.compact(space, &Sequential);
    assert!(matches!(refused, Err(StoreError::ReadOnly)), "{refused:?}");
    for ask in [Ask::Create("new"), Ask::Checkpoint, Ask::Close] {
        let refused = do_one(&store, &ask);
        assert!(matches!(refused, Err(StoreError::ReadOnly)), "{ask:?}: {refused:?}");
    }
    assert_eq!(disk.traced(), 0);
    let nothing = work::builder().read_only().open(Arc::new(SimDisk::default()));
    assert!(matches!(nothing, Err(StoreError::Damaged { .. })));
}

/// Threads that write beside each other and beside checkpoints lose nothing.
#[test]
fn many_write_beside_checkpoints() {
    let disk = Arc::new(ecphory::log::Memory::default());
    let store = work::builder().open(disk.clone()).unwrap();
    let space = store.create("s", Index::builder(2).metric(Metric::L2).m(4)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            let space = &space;
            scope.spawn(move || {
                for i in 0..300u64 {
                    // All threads write these keys.
                    let key = i % 50;
                    let vector = [i as f32, thread as f32];
                    match i % 3 {
                        0 => drop(space.upsert(key, &vector)),
                        1 => drop(space.delete(key)),
                        _ => space.insert(1000 * (thread + 1) + i, &vector).unwrap(),
                    }
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..5 {
                store.checkpoint().unwrap();
                store.compact("s", &Sequential).unwrap();
            }
        });
    });
    let before = items(&store);
    space.check().unwrap();
    drop((space, store));
    let store = work::builder().open(disk).unwrap();
    assert_eq!(items(&store), before);
    assert!(store.space("s").unwrap().len() >= 400);
    let _: Store = store;
}
