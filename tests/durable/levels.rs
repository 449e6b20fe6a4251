//! Changes that are acknowledged before they are on disk: what a crash takes is the last of them, and
//! nothing of what was there when a flush returned.

use std::collections::HashSet;
use std::sync::Arc;

use ecphory::log::StoreError;
use ecphory::{Ack, Item, Op, Store};
use ecphory_tests::data::{Numbers, seed};
use ecphory_tests::everywhere::recover;
use ecphory_tests::simdisk::{Call, Crashes, Fault, Image, SimDisk};
use ecphory_tests::times;
use ecphory_tests::work::{Ask, State, builder, check, do_one, index, items, plan};

use crate::fault::{lose_power, with_import};

const LEVELS: [Ack; 2] = [Ack::Buffered, Ack::Memory];

fn open(disk: &SimDisk, ack: Ack) -> Result<Store, StoreError> {
    builder().ack(ack).open(Arc::new(disk.clone()))
}

/// A plan in which everything is flushed now and then.
fn flushed(count: usize, seed: u64) -> Vec<Ask> {
    let flush = |number: usize| (number % 23 == 22).then_some(Ask::Flush);
    let asks = plan(count, seed).into_iter().enumerate();
    asks.flat_map(|(number, ask)| [Some(ask), flush(number)]).flatten().collect()
}

/// Whether all that was done before is durable when this returns.
fn is_durable(ask: &Ask) -> bool {
    matches!(ask, Ask::Flush | Ask::Checkpoint | Ask::Close | Ask::Reopen)
}

/// What there was after each request, the last of these that was durable by then, and how long the
/// disk's trace was.
struct Step {
    state: State,
    durable: usize,
    traced: usize,
}

fn run(disk: &SimDisk, ack: Ack, plan: &[Ask]) -> Vec<Step> {
    let mut store = open(disk, ack).unwrap();
    let mut steps = vec![Step { state: State::new(), durable: 0, traced: disk.traced() }];
    for ask in plan {
        if let Ask::Reopen = ask {
            drop(store);
            store = open(disk, ack).unwrap();
        } else {
            do_one(&store, ask).unwrap();
        }
        let before = steps.last().map_or(0, |step| step.durable);
        let durable = if is_durable(ask) { steps.len() } else { before };
        steps.push(Step { state: items(&store), durable, traced: disk.traced() });
    }
    steps
}

/// Whatever is lost, what is there was there at one time, and not before the last flush.
#[test]
fn a_crash_takes_the_last_changes_alone() {
    for ack in LEVELS {
        let (mut seen, mut count, mut lost) = (HashSet::new(), 0, 0);
        for plan_seed in seed(700).. {
            let disk = SimDisk::default();
            let steps = run(&disk, ack, &flushed(150, plan_seed));
            let trace = disk.trace();
            let mut numbers = Numbers::new(plan_seed);
            let mut crashes = Crashes::new(Image::default(), &trace);
            while let Some(calls) = crashes.step() {
                let acked = steps.partition_point(|step| step.traced <= calls);
                let first = acked.checked_sub(1).map_or(0, |last| steps[last].durable);
                let until = steps.len().min(acked + 1);
                let allowed: Vec<&State> =
                    steps[first..until].iter().map(|step| &step.state).collect();
                lost += usize::from(first + 1 < acked);
                crashes.images(&mut numbers, &mut |image| {
                    if seen.insert(image.hash() ^ acked as u64) {
                        recover(image, &allowed);
                        count += 1;
                    }
                });
            }
            if count >= times(300, 4_000, 50_000) {
                break;
            }
        }
        println!("{ack:?}: {count} images, {lost} crashes with something to lose");
        assert!(lost > 0);
    }
}

/// What was written to the log, call by call.
fn log_writes(disk: &SimDisk, from: usize) -> Vec<usize> {
    let write = |call: &Call| match call {
        Call::Write(_, _, bytes) if bytes.iter().any(|&byte| byte != 0) => Some(bytes.len()),
        _ => None,
    };
    disk.trace()[from..].iter().filter_map(write).collect()
}

/// Changes in memory go to the log together, and at last when the store is dropped.
#[test]
fn changes_in_memory_are_written_together() {
    let roomy = |disk: &SimDisk| {
        let builder = builder().log_files(1 << 26, 1 << 24).ack(Ack::Memory);
        builder.open(Arc::new(disk.clone())).unwrap()
    };
    let disk = SimDisk::default();
    let store = roomy(&disk);
    let space = store.create("s", index()).unwrap();
    store.flush().unwrap();
    let (before, bare) = (disk.traced(), items(&store));
    let payload = [7; 1000];
    let put = |key: u64| {
        let vector = [key as f32, 1.0, 2.0];
        space.apply(&Op::Upsert(Item::new(key, &vector).payload(&payload))).unwrap();
    };
    (0..50).for_each(put);
    assert_eq!(disk.traced(), before, "nothing was asked of the disk");
    // The process is killed: nothing of it was written.
    recover(disk.image(), &[&bare]);
    (50..1000).for_each(put);
    let writes = log_writes(&disk, before);
    assert!(writes.len() > 10 && writes.iter().all(|&len| len > 1 << 16), "{writes:?}");
    // The rest goes when the last who holds the store lets go.
    let state = items(&store);
    drop((store, space));
    assert_eq!(log_writes(&disk, before).len(), writes.len() + 1);
    recover(disk.image(), &[&state]);
    // A change that is larger than all that waits.
    let (store, large) = (roomy(&disk), vec![8; 1 << 18]);
    let before = disk.traced();
    let space = store.space("s").unwrap();
    space.apply(&Op::Upsert(Item::new(1, &[1.0; 3]).payload(&large))).unwrap();
    assert_eq!(log_writes(&disk, before).len(), 1);
}

/// When what was acknowledged cannot be written any more, everyone is told from then on.
#[test]
fn a_drain_that_fails_poisons() {
    for (fault, at) in
        [(Fault::Io, 0), (Fault::Io, 1), (Fault::LostSync, 1), (Fault::LostUnseen, 1)]
    {
        let disk = SimDisk::default();
        let store = open(&disk, Ack::Memory).unwrap();
        let space = store.create("s", index()).unwrap();
        store.flush().unwrap();
        let durable = items(&store);
        space.insert(1, &[1.0; 3]).unwrap();
        space.tag(1, "red").unwrap();
        let seen = items(&store);
        // The write, or the sync after it.
        disk.fail(disk.calls() + at, fault, false);
        for _ in 0..2 {
            let refused = store.flush();
            assert!(matches!(refused, Err(StoreError::Poisoned)), "{fault:?}: {refused:?}");
            let refused = space.insert(2, &[1.0; 3]);
            assert!(matches!(refused, Err(StoreError::Poisoned)), "{fault:?}: {refused:?}");
        }
        assert!(matches!(store.checkpoint(), Err(StoreError::Poisoned)));
        assert!(matches!(store.close(), Err(StoreError::Poisoned)));
        // What is in memory can be read.
        assert_eq!(items(&store), seen);
        let calls = disk.calls();
        drop((store, space));
        assert_eq!(disk.calls(), calls, "nothing more is written");
        let store = open(&disk, Ack::Memory).unwrap();
        let found = items(&store);
        assert!(found == durable || (at > 0 && found == seen), "{fault:?}: {found:?}");
        check(&store);
    }
}

/// Does a plan on a disk of which one call fails; whether the store was poisoned by it.
fn fail_at(call: usize, fault: Fault, plan: &[Ask]) -> bool {
    let disk = SimDisk::default();
    disk.fail(call, fault, false);
    let mut store = open(&disk, Ack::Memory).ok();
    // What may be there: everything since the last that is surely durable.
    let mut allowed = vec![State::new()];
    let mut was_poisoned = false;
    for ask in plan {
        let Some(there) = store.take_if(|_| !matches!(ask, Ask::Reopen)) else {
            // Dropped before it is opened again.
            drop(store.take());
            store = open(&disk, Ack::Memory).ok();
            let found = store.as_ref().map(items);
            assert!(found.iter().all(|found| allowed.contains(found)), "{call}, {fault:?}");
            allowed = found.map_or(allowed, |found| vec![found]);
            continue;
        };
        let before = items(&there);
        let done = do_one(&there, ask);
        let after = items(&there);
        match done {
            Ok(()) if is_durable(ask) => allowed = vec![after],
            Ok(()) => allowed.push(after),
            Err(StoreError::Io { .. }) => {
                assert_eq!(before, after, "call {call}, {fault:?}: {ask:?} was refused");
            }
            Err(StoreError::Poisoned) => {
                assert!(fault != Fault::Full, "call {call}: what is held has room");
                was_poisoned = true;
                allowed.extend(with_import(&before, ask));
                allowed.push(after);
                let again = do_one(&there, &Ask::Create("never"));
                assert!(matches!(again, Err(StoreError::Poisoned)), "{again:?}");
                continue;
            }
            Err(error) => panic!("call {call}, {fault:?}: {ask:?} failed with {error}"),
        }
        store = Some(there);
    }
    drop(store);
    lose_power(&disk, &allowed, &format!("call {call}, {fault:?}"));
    let store = open(&disk, Ack::Memory).unwrap();
    assert!(allowed.contains(&items(&store)), "call {call}, {fault:?}");
    check(&store);
    was_poisoned
}

#[test]
fn every_call_may_fail_while_changes_are_held() {
    let plan = flushed(100, 41);
    let disk = SimDisk::default();
    run(&disk, Ack::Memory, &plan);
    let calls = disk.calls();
    for fault in [Fault::Full, Fault::Io, Fault::LostSync, Fault::LostUnseen] {
        let step = times(29, 1, 1);
        let poisoned = (0..calls).step_by(step).filter(|&call| fail_at(call, fault, &plan)).count();
        println!("{fault:?}: {poisoned} of {calls} calls poison");
        assert!(step > 1 || (poisoned > 0) == (fault != Fault::Full));
    }
}
