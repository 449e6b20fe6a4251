//! The power goes at every call, and any part of what was not synced is there or not.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use ecphory::Ack;
use ecphory_tests::data::{Numbers, seed};
use ecphory_tests::simdisk::{Call, Crashes, Image, SimDisk};
use ecphory_tests::times;
use serde_json::json;

use crate::work::{Ask, State, builder, check, do_one, items, plan, run};

/// Opens what a crash has left; it must be one of `states`. What the disk was asked meanwhile.
fn recover(image: Image, states: &[&State]) -> Vec<Call> {
    let disk = SimDisk::holding(image);
    let store = builder().open(Arc::new(disk.clone())).unwrap();
    let found = items(&store);
    assert!(states.contains(&&found), "found {found:?}\nwanted one of {states:?}");
    check(&store);
    let trace = disk.trace();
    // It goes on from there.
    do_one(&store, &Ask::Create("more")).unwrap();
    let after = items(&store);
    drop(store);
    assert_eq!(items(&builder().open(Arc::new(disk)).unwrap()), after);
    trace
}

/// Crashes at each call of a plan; counts distinct images. Of one in `again`, recovery crashes too.
fn crash_everywhere(count: usize, seed: u64, again: usize, seen: &mut HashSet<u64>) -> [usize; 2] {
    let disk = SimDisk::default();
    let done = run(&disk, &plan(count, seed));
    let trace = disk.trace();
    let mut numbers = Numbers::new(seed);
    let mut crashes = Crashes::new(Image::default(), &trace);
    let mut counts = [0; 2];
    while let Some(calls) = crashes.step() {
        // What was acknowledged is there, and what was on its way may be.
        let acked = done.traced.partition_point(|&traced| traced <= calls);
        let after = done.states.get(acked);
        let before = acked.checked_sub(1).map(|last| &done.states[last]);
        let empty = State::new();
        let states: Vec<&State> = [before.or(Some(&empty)), after].into_iter().flatten().collect();
        let mut images = Vec::new();
        crashes.images(&mut numbers, &mut |image| images.push(image));
        for image in images {
            if !seen.insert(image.hash() ^ acked as u64) {
                continue;
            }
            counts[0] += 1;
            let trace = recover(image.clone(), &states);
            if counts[0] % again == 0 {
                let before = (&image, acked as u64);
                counts[1] += crash_in_recovery(before, &trace, &states, &mut numbers, seen);
            }
        }
    }
    counts
}

fn crash_in_recovery(
    (before, acked): (&Image, u64),
    trace: &[Call],
    states: &[&State],
    numbers: &mut Numbers,
    seen: &mut HashSet<u64>,
) -> usize {
    let mut crashes = Crashes::new(before.clone(), trace);
    let mut count = 0;
    while crashes.step().is_some() {
        let mut images = Vec::new();
        crashes.images(numbers, &mut |image| images.push(image));
        for image in images {
            if seen.insert(image.hash() ^ acked.rotate_right(8)) {
                recover(image, states);
                count += 1;
            }
        }
    }
    count
}

#[test]
fn no_crash_loses_what_was_acknowledged() {
    let start = Instant::now();
    let (wanted, again) = (times(500, 50_000, 50_000), times(50, 40, 2));
    let wanted_again = times(1, 1000, 200_000);
    let (mut seen, mut counts, mut plans) = (HashSet::new(), [0; 2], 0);
    while counts[0] < wanted || counts[1] < wanted_again {
        let seed = seed(100) + plans;
        let more = crash_everywhere(400, seed, again, &mut seen);
        counts = [counts[0] + more[0], counts[1] + more[1]];
        plans += 1;
    }
    let seconds = start.elapsed().as_secs();
    let [images, again] = counts;
    println!("{}", json!({ "plans": plans, "images": images, "again": again, "seconds": seconds }));
}

/// What nobody waited for is durable once a flush has returned, in whichever segments it is.
#[test]
fn what_was_flushed_is_there() {
    let disk = SimDisk::default();
    let store = builder().ack(Ack::Buffered).open(Arc::new(disk.clone())).unwrap();
    let plan = plan(120, 21);
    // Nothing that would sync what was written before.
    let syncs =
        |ask: &&Ask| matches!(ask, Ask::Reopen | Ask::Checkpoint | Ask::Compact(_) | Ask::Close);
    for ask in plan.iter().filter(|ask| !syncs(ask)) {
        do_one(&store, ask).unwrap();
    }
    let state = items(&store);
    store.flush().unwrap();
    let trace = disk.trace();
    let mut crashes = Crashes::new(Image::default(), &trace);
    while crashes.step().is_some() {}
    for image in crashes.extremes() {
        recover(image, &[&state]);
    }
}
