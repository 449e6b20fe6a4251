//! Calls that fail, once or from then on: a typed error, nothing lost, and reads go on.

use std::sync::Arc;

use ecphory::log::StoreError;
use ecphory_tests::simdisk::{Crashes, Fault, Image, SimDisk};
use ecphory_tests::times;

use ecphory_tests::work::{Ask, State, builder, check, do_one, items, plan, run};

/// Does a plan on a disk of which one call fails; what the store holds afterwards is what was
/// acknowledged, and what failed with the disk at most.
fn fail_at(call: usize, fault: Fault, lasts: bool, plan: &[Ask]) -> bool {
    let disk = SimDisk::default();
    disk.fail(call, fault, lasts);
    let open = || builder().open(Arc::new(disk.clone()));
    let mut store = open().ok();
    // What may be there: as acknowledged, or with what failed when nobody could know.
    let mut allowed = vec![State::new()];
    let mut has_failed = false;
    for ask in plan {
        if store.is_none() || matches!(ask, Ask::Reopen) {
            drop(store);
            store = open().ok();
            let found = store.as_ref().map(items);
            assert!(
                found.iter().all(|found| allowed.contains(found)),
                "{call}, {fault:?}: {found:?}"
            );
            allowed = found.map_or(allowed, |found| vec![found]);
            continue;
        }
        let there = store.as_ref().expect("it is open");
        let before = items(there);
        let done = do_one(there, ask);
        let after = items(there);
        match done {
            Ok(()) => allowed = vec![after],
            Err(StoreError::Io { .. }) => {
                has_failed = true;
                assert_eq!(before, after, "call {call}, {fault:?}: {ask:?} was refused");
                // A full disk may have room again.
                if fault == Fault::Full && lasts {
                    disk.heal();
                }
            }
            Err(StoreError::Poisoned) => {
                assert!(fault != Fault::Full, "call {call}: what is changed had room before");
                has_failed = true;
                allowed.extend(with_import(&before, ask));
                allowed.extend([before, after]);
                let again = do_one(there, &Ask::Create("never"));
                assert!(matches!(again, Err(StoreError::Poisoned)), "{again:?}");
                disk.heal();
                store = None;
            }
            Err(error) => panic!("call {call}, {fault:?}: {ask:?} failed with {error}"),
        }
    }
    disk.heal();
    drop(store);
    lose_power(&disk, &allowed, &format!("call {call}, {fault:?}, {lasts}"));
    let store = open().unwrap();
    let found = items(&store);
    assert!(allowed.contains(&found), "call {call}, {fault:?}, {lasts}: {found:?}\n{allowed:?}");
    check(&store);
    do_one(&store, &Ask::Create("more")).unwrap();
    has_failed
}

/// What there is if a space that was to be imported came with the manifest that names it, though
/// nobody could know.
pub(crate) fn with_import(before: &State, ask: &Ask) -> Option<State> {
    let Ask::Import(_) = ask else { return None };
    let elsewhere = builder().open(Arc::new(SimDisk::default())).unwrap();
    do_one(&elsewhere, ask).unwrap();
    Some(before.clone().into_iter().chain(items(&elsewhere)).collect())
}

/// The power goes after everything: what was acknowledged is there none the less.
pub(crate) fn lose_power(disk: &SimDisk, allowed: &[State], what: &str) {
    let trace = disk.trace();
    let mut crashes = Crashes::new(Image::default(), &trace);
    while crashes.step().is_some() {}
    for image in crashes.extremes() {
        let store = builder().open(Arc::new(SimDisk::holding(image))).expect(what);
        let found = items(&store);
        assert!(allowed.contains(&found), "{what}: {found:?}\n{allowed:?}");
    }
}

#[test]
fn every_call_may_fail() {
    let plan = plan(120, 3);
    let disk = SimDisk::default();
    run(&disk, &plan);
    let calls = disk.calls();
    let step = times(29, 1, 1);
    for fault in [Fault::Full, Fault::Io, Fault::LostSync, Fault::LostUnseen] {
        for lasts in [false, true] {
            let failed =
                (0..calls).step_by(step).filter(|&call| fail_at(call, fault, lasts, &plan));
            println!("{fault:?}, lasts {lasts}: {} of {calls} calls seen to fail", failed.count());
        }
    }
}

/// A fault that went by, and then the power: whatever the fault made the store do otherwise.
#[test]
fn the_power_may_go_after_a_fault() {
    let plan = plan(60, 31);
    let disk = SimDisk::default();
    run(&disk, &plan);
    let (calls, mut crashes) = (disk.calls(), 0);
    for call in (0..calls).step_by(times(29, 1, 1)) {
        crashes += crash_after(call, &plan);
    }
    println!("{crashes} crashes after {calls} faults");
}

/// One call fails, and then the power at each call of the rest.
fn crash_after(call: usize, plan: &[Ask]) -> usize {
    let disk = SimDisk::default();
    disk.fail(call, Fault::Io, false);
    let Ok(store) = builder().open(Arc::new(disk.clone())) else { return 0 };
    let (mut states, mut traced) = (vec![State::new()], vec![disk.traced()]);
    for ask in plan.iter().filter(|ask| !matches!(ask, Ask::Reopen)) {
        let is_lost = matches!(do_one(&store, ask), Err(StoreError::Poisoned));
        states.push(items(&store));
        traced.push(if is_lost { usize::MAX } else { disk.traced() });
        if is_lost {
            break;
        }
    }
    let trace = disk.trace();
    let mut crashes = Crashes::new(Image::default(), &trace);
    let mut count = 0;
    while let Some(calls) = crashes.step() {
        let acked = traced.partition_point(|&traced| traced <= calls);
        let allowed = &states[acked.saturating_sub(1)..states.len().min(acked + 1)];
        for image in crashes.extremes() {
            let store = builder().open(Arc::new(SimDisk::holding(image))).unwrap();
            let found = items(&store);
            assert!(allowed.contains(&found), "call {call}, crash at {calls}: {found:?}");
            count += 1;
        }
    }
    count
}
