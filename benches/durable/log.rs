//! The log: how many durable inserts a second, and how fast they are read again.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ecphory::{Ack, Index, Metric, Space, Store};
use ecphory_native::{Folder, HugePages, open_store};
use ecphory_tests::data::Numbers;
use serde_json::json;
use std::sync::Arc;

use crate::{Outcome, Scratch};

const DIM: usize = 128;
/// How long each way of writing is measured, and how often.
const SPAN: Duration = Duration::from_millis(1500);
const ROUNDS: usize = 3;
const RECOVERED: u64 = 20_000;

fn space(store: &Store) -> Outcome<Space> {
    Ok(store.create("s", Index::builder(DIM).metric(Metric::L2))?)
}

/// Durable inserts a second: by one writer, by eight that share syncs, and by eight of which each
/// waits for a sync of its own.
pub(crate) fn commits() -> Outcome {
    let scratch = Scratch::new("commits")?;
    let store = open_store(&scratch.0)?;
    let space = space(&store)?;
    let next = AtomicU64::new(0);
    let turn = Mutex::new(());
    let rate = |writers: usize, alone: bool| {
        let (start, before) = (Instant::now(), next.load(Ordering::Relaxed));
        std::thread::scope(|scope| {
            for writer in 0..writers {
                let (space, next, turn) = (&space, &next, &turn);
                scope.spawn(move || {
                    let mut numbers = Numbers::new(writer as u64);
                    while start.elapsed() < SPAN {
                        let vector = numbers.units(DIM);
                        let _alone = alone.then(|| turn.lock());
                        let key = next.fetch_add(1, Ordering::Relaxed);
                        space.insert(key, &vector).expect("the disk has room");
                    }
                });
            }
        });
        (next.load(Ordering::Relaxed) - before) as f64 / start.elapsed().as_secs_f64()
    };
    let mut rates = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        rates[0].push(rate(1, false));
        rates[1].push(rate(8, false));
        rates[2].push(rate(8, true));
    }
    let [one, eight, alone] = rates.map(|mut rates| crate::quantile(&mut rates, 0.5));
    eprintln!("  {one:.0} by 1, {eight:.0} by 8, {alone:.0} by 8 with a sync each");
    Ok(json!({ "dim": DIM, "one": one, "eight": eight, "sync_each": alone }))
}

/// Frames a second that opening reads and applies.
pub(crate) fn recovery() -> Outcome {
    let scratch = Scratch::new("recovery")?;
    let open = || {
        let folder = Arc::new(Folder::open(&scratch.0)?);
        let builder = Store::builder().ack(Ack::Buffered).allocator(Arc::new(HugePages));
        Ok::<_, Box<dyn std::error::Error>>(builder.open(folder)?)
    };
    let mut numbers = Numbers::new(1);
    let store = open()?;
    let space = space(&store)?;
    let start = Instant::now();
    for key in 0..RECOVERED {
        space.insert(key, &numbers.units(DIM))?;
    }
    let written = RECOVERED as f64 / start.elapsed().as_secs_f64();
    store.close()?;
    let log_bytes = store.log_bytes()?;
    drop((space, store));
    let start = Instant::now();
    let store = open()?;
    let seconds = start.elapsed().as_secs_f64();
    let found = store.space("s").map_or(0, |space| space.len());
    let rate = RECOVERED as f64 / seconds;
    eprintln!("  {rate:.0} a second read, {written:.0} written buffered");
    Ok(json!({
        "dim": DIM, "items": found, "buffered": written, "rate": rate, "log_bytes": log_bytes,
        // Bytes of the log for each byte of a vector.
        "log_amplification": log_bytes as f64 / (RECOVERED as usize * DIM * 4) as f64,
    }))
}
