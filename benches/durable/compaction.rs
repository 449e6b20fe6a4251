//! What checkpoints and compaction cost those who read and write meanwhile, and the disk.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ecphory::exec::Sequential;
use ecphory::{Ack, Space, Store};
use ecphory_native::{Folder, HugePages, Pool};
use serde_json::json;

use crate::sets::Set;
use crate::{K, Outcome, Scratch, quantile};

/// Writes a second beside a checkpoint.
const WRITES: u64 = 500;

pub(crate) fn measure() -> Outcome {
    let set = Set::wordnet(usize::MAX)?;
    let scratch = Scratch::new("compaction")?;
    let builder = Store::builder().ack(Ack::Buffered).allocator(Arc::new(HugePages));
    let store = builder.open(Arc::new(Folder::open(&scratch.0)?))?;
    let index = set.builder().build()?;
    index.bulk_build(&set.keys(), set.base.values(), &Pool::per_core()?, &mut |_| true)?;
    let space = store.import("s", index)?;

    let before = snapshots(&scratch)?;
    let whole: u64 = before.values().sum();
    // One in a hundred items changes.
    let changes = set.len() / 100;
    for i in 0..changes {
        space.upsert((i * 97 % set.len()) as u64, set.base.row(i))?;
    }
    let quiet = writes(&set, &space, || std::thread::sleep(Duration::from_secs(4)))?;
    let log_bytes = store.log_bytes()?;
    let start = Instant::now();
    let beside = writes(&set, &space, || store.checkpoint().expect("the disk has room"))?;
    let checkpoint_seconds = start.elapsed().as_secs_f64();
    let after = snapshots(&scratch)?;
    let new = after.iter().filter(|(name, _)| !before.contains_key(*name));
    let written: u64 = new.map(|(_, bytes)| bytes).sum();

    let mut idle = searches(&set, &space, || std::thread::sleep(Duration::from_secs(5)))?;
    let start = Instant::now();
    let busy =
        searches(&set, &space, || store.compact("s", &Sequential).expect("the disk has room"))?;
    let compaction_seconds = start.elapsed().as_secs_f64();
    // Before and after, since the machine is not the same all the while.
    let after = searches(&set, &space, || std::thread::sleep(Duration::from_secs(5)))?;
    idle = f64::midpoint(idle, after);
    eprintln!(
        "  searches: 99 % in {:.0} us, {:.0} us beside a compaction of {compaction_seconds:.1} s",
        1e6 * idle,
        1e6 * busy
    );
    let raw = changes as f64 * set.base.dim() as f64 * 4.0;
    Ok(json!({
        "items": set.len(), "changes": changes,
        "write_p99_us": 1e6 * quiet, "write_p99_beside_checkpoint_us": 1e6 * beside,
        "checkpoint_seconds": checkpoint_seconds, "checkpoint_bytes": written, "whole_bytes": whole,
        "write_amplification": (written + log_bytes) as f64 / raw,
        "search_p99_us": 1e6 * idle, "search_p99_beside_compaction_us": 1e6 * busy,
        "compaction_seconds": compaction_seconds, "search_p99_ratio": busy / idle,
    }))
}

/// The files of snapshots, and their bytes.
fn snapshots(scratch: &Scratch) -> Outcome<BTreeMap<String, u64>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(&scratch.0)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("snap-") {
            files.insert(name, entry.metadata()?.len());
        }
    }
    Ok(files)
}

/// The 99th percentile of writes that come at a steady pace while `meanwhile` runs.
fn writes(set: &Set, space: &Space, meanwhile: impl FnOnce() + Send) -> Outcome<f64> {
    let mut numbers = (0u64..).map(|i| i * 89 % set.len() as u64);
    beside(meanwhile, |start, times| {
        let due = start + Duration::from_micros(1_000_000 / WRITES * times.len() as u64);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let key = numbers.next().expect("they do not end");
        let began = Instant::now();
        space.upsert(key, set.base.row(key as usize)).expect("the disk has room");
        times.push(began.elapsed().as_secs_f64());
    })
}

/// The 99th percentile of searches while `meanwhile` runs.
fn searches(set: &Set, space: &Space, meanwhile: impl FnOnce() + Send) -> Outcome<f64> {
    let mut queries = (0..set.queries.rows()).cycle().map(|row| set.queries.row(row));
    beside(meanwhile, |_, times| {
        let query = queries.next().expect("there are queries");
        let began = Instant::now();
        space.search(query).k(K).run().expect("there are items");
        times.push(began.elapsed().as_secs_f64());
    })
}

fn beside(
    meanwhile: impl FnOnce() + Send,
    mut each: impl FnMut(Instant, &mut Vec<f64>),
) -> Outcome<f64> {
    let (is_over, start) = (AtomicBool::new(false), Instant::now());
    let mut times = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            meanwhile();
            is_over.store(true, Ordering::Relaxed);
        });
        while !is_over.load(Ordering::Relaxed) {
            each(start, &mut times);
        }
    });
    if times.is_empty() {
        return Err("it was over before anything was measured".into());
    }
    Ok(quantile(&mut times, 0.99))
}
