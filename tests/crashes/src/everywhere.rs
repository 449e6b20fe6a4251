//! The power goes at every call, and any part of what was not synced is there or not.

use std::collections::HashSet;
use std::sync::Arc;

use crate::Numbers;
use crate::disk::{Call, Crashes, Image, SimDisk};
use crate::work::{Ask, State, builder, check, do_one, items, run};

/// Images that were opened before.
#[derive(Debug, Default)]
pub struct Seen(HashSet<u64>);

/// Opens what a crash has left; it must be one of `states`. What the disk was asked meanwhile.
///
/// # Panics
/// If it is none of them, or does not hold together.
pub fn recover(image: Image, states: &[&State]) -> Vec<Call> {
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
///
/// # Panics
/// If anything that was acknowledged is lost.
pub fn crash_everywhere(plan: &[Ask], seed: u64, again: usize, seen: &mut Seen) -> [usize; 2] {
    let disk = SimDisk::default();
    let done = run(&disk, plan);
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
            if !seen.0.insert(image.hash() ^ acked as u64) {
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
    seen: &mut Seen,
) -> usize {
    let mut crashes = Crashes::new(before.clone(), trace);
    let mut count = 0;
    while crashes.step().is_some() {
        let mut images = Vec::new();
        crashes.images(numbers, &mut |image| images.push(image));
        for image in images {
            if seen.0.insert(image.hash() ^ acked.rotate_right(8)) {
                recover(image, states);
                count += 1;
            }
        }
    }
    count
}
