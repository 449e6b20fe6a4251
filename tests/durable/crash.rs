//! No crash loses what was acknowledged.

use std::sync::Arc;
use std::time::Instant;

use ecphory::Ack;
use ecphory_tests::data::seed;
use ecphory_tests::everywhere::{Seen, crash_everywhere, recover};
use ecphory_tests::simdisk::{Crashes, Image, SimDisk};
use ecphory_tests::times;
use ecphory_tests::work::{Ask, builder, do_one, generations, items, plan};
use serde_json::json;

#[test]
fn no_crash_loses_what_was_acknowledged() {
    let start = Instant::now();
    let (wanted, again) = (times(500, 50_000, 50_000), times(50, 40, 2));
    let wanted_again = times(1, 1000, 200_000);
    let (mut seen, mut counts, mut plans) = (Seen::default(), [0; 2], 0);
    while counts[0] < wanted || counts[1] < wanted_again {
        let seed = seed(100) + plans;
        let more = crash_everywhere(&plan(400, seed), seed, again, &mut seen);
        counts = [counts[0] + more[0], counts[1] + more[1]];
        plans += 1;
    }
    let seconds = start.elapsed().as_secs();
    let [images, again] = counts;
    println!("{}", json!({ "plans": plans, "images": images, "again": again, "seconds": seconds }));
}

/// Snapshots that stand on those before them, whose pages are as large as what changes.
#[test]
fn no_crash_loses_what_snapshots_share() {
    let mut seen = Seen::default();
    let plan = generations(times(6, 24, 60), seed(500));
    let [images, again] = crash_everywhere(&plan, seed(500), 40, &mut seen);
    println!("{images} images, {again} of a second crash");
    assert!(images > 100 && again > 0);
}

/// What nobody waited for is durable once a flush has returned, in whichever segments it is.
#[test]
fn what_was_flushed_is_there() {
    for ack in [Ack::Buffered, Ack::Memory] {
        let disk = SimDisk::default();
        let store = builder().ack(ack).open(Arc::new(disk.clone())).unwrap();
        let plan = plan(120, 21);
        // Nothing that would sync what was written before.
        let syncs = |ask: &&Ask| {
            matches!(ask, Ask::Reopen | Ask::Checkpoint | Ask::Compact(_) | Ask::Close)
        };
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
}
