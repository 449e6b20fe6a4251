//! What a store leaves to time: syncing what nobody waited for, and cutting the log.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ecphory::Store;
use ecphory::log::StoreError;

/// How long after a failure the log is looked at again, at least.
const PATIENCE: Duration = Duration::from_secs(1);

/// A thread that looks after a store until this is dropped.
///
/// ```
/// use std::time::Duration;
/// use ecphory_native::Upkeep;
///
/// # let path = std::env::temp_dir().join(format!("upkeep-{}", std::process::id()));
/// let store = ecphory_native::open_store(&path)?;
/// let upkeep = Upkeep::of(&store).flush_every(Duration::from_millis(50)).log_budget(1 << 30).start();
/// // … reads and writes …
/// assert!(upkeep.failure().is_none());
/// # drop((upkeep, store));
/// # std::fs::remove_dir_all(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Upkeep {
    /// Dropped to end the thread.
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    failure: Arc<Mutex<Option<StoreError>>>,
}

/// How a store is to be looked after.
#[derive(Clone, Debug)]
pub struct UpkeepBuilder {
    store: Store,
    flush_every: Duration,
    log_budget: u64,
}

impl Upkeep {
    /// Starts to say how a store is to be looked after.
    pub fn of(store: &Store) -> UpkeepBuilder {
        let (flush_every, log_budget) = (Duration::from_millis(100), 256 << 20);
        UpkeepBuilder { store: store.clone(), flush_every, log_budget }
    }

    /// Why the last flush or checkpoint failed, if it did: told once. It is tried again, unless the
    /// store is [poisoned](StoreError::Poisoned), damaged or read-only.
    pub fn failure(&self) -> Option<StoreError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl UpkeepBuilder {
    /// How often changes that nobody waits for are made durable: what the power can take with it, of
    /// a store with [`Ack::Buffered`](ecphory::Ack::Buffered). 100 ms unless set.
    #[must_use]
    pub fn flush_every(mut self, period: Duration) -> Self {
        self.flush_every = period.max(Duration::from_millis(1));
        self
    }

    /// Bytes of the log from which on a checkpoint is made: what opening the store reads, about.
    /// 256 MiB unless set.
    #[must_use]
    pub fn log_budget(mut self, bytes: u64) -> Self {
        self.log_budget = bytes;
        self
    }

    /// Starts the thread.
    pub fn start(self) -> Upkeep {
        let (end, ended) = channel();
        let failure = Arc::new(Mutex::new(None));
        let told = Arc::clone(&failure);
        let thread = thread::spawn(move || {
            let mut next_look = Instant::now();
            while ended.recv_timeout(self.flush_every) == Err(RecvTimeoutError::Timeout) {
                let done = self.store.flush().and_then(|()| self.cut_log(&mut next_look));
                let Err(error) = done else { continue };
                let is_over = matches!(
                    error,
                    StoreError::Poisoned | StoreError::ReadOnly | StoreError::Damaged { .. }
                );
                *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                next_look = Instant::now() + PATIENCE;
                if is_over {
                    return;
                }
            }
        });
        Upkeep { end: Some(end), thread: Some(thread), failure }
    }

    /// Makes a checkpoint if the log is too long; looks now and then, since that asks the disk.
    fn cut_log(&self, next_look: &mut Instant) -> Result<(), StoreError> {
        if Instant::now() < *next_look {
            return Ok(());
        }
        *next_look = Instant::now() + self.flush_every.max(Duration::from_millis(100));
        if self.store.log_bytes()? > self.log_budget { self.store.checkpoint() } else { Ok(()) }
    }
}

impl Drop for Upkeep {
    /// Waits for what is being done.
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // What it panicked with was printed.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ecphory::log::{Memory, Storage};
    use ecphory::{Ack, Index, Metric};

    #[test]
    fn the_log_stays_within_its_budget_and_the_end_is_the_end() {
        let disk = Arc::new(Memory::default());
        let open =
            || Store::builder().ack(Ack::Buffered).log_files(1 << 12, 1 << 10).open(disk.clone());
        let store = open().unwrap();
        let upkeep =
            Upkeep::of(&store).flush_every(Duration::from_millis(1)).log_budget(1 << 14).start();
        let space = store.create("s", Index::builder(2).metric(Metric::L2)).unwrap();
        let start = Instant::now();
        // 10,000 changes, each of 80 bytes of log: fifty times the budget.
        for key in 0..10_000 {
            space.upsert(key % 100, &[key as f32, 1.0]).unwrap();
        }
        while store.log_bytes().unwrap() > 1 << 14 {
            assert!(start.elapsed() < Duration::from_mins(1), "the log is not cut");
            thread::sleep(Duration::from_millis(5));
        }
        assert!(upkeep.failure().is_none());
        drop(upkeep);
        drop((space, store));
        assert_eq!(open().unwrap().space("s").unwrap().len(), 100);
    }

    /// Room that is made ahead is no reason for a checkpoint.
    #[test]
    fn a_log_without_changes_is_left_alone() {
        let disk = Arc::new(Memory::default());
        let store = Store::builder().open(disk.clone()).unwrap();
        let space = store.create("s", Index::builder(2).metric(Metric::L2)).unwrap();
        space.upsert(1, &[1.0, 2.0]).unwrap();
        assert!((80..400).contains(&store.log_bytes().unwrap()));
        let files = disk.list().unwrap();
        let upkeep = Upkeep::of(&store).flush_every(Duration::from_millis(1)).log_budget(1000);
        let upkeep = upkeep.start();
        thread::sleep(Duration::from_millis(300));
        assert_eq!(disk.list().unwrap(), files);
        assert!(upkeep.failure().is_none());
        store.checkpoint().unwrap();
        assert_eq!(store.log_bytes().unwrap(), 0);
    }

    #[test]
    fn a_store_that_is_read_only_is_left_alone() {
        let disk = Arc::new(Memory::default());
        drop(Store::builder().open(disk.clone()).unwrap());
        let store = Store::builder().read_only().open(disk).unwrap();
        let upkeep = Upkeep::of(&store).flush_every(Duration::from_millis(1)).start();
        let start = Instant::now();
        loop {
            match upkeep.failure() {
                Some(error) => break assert!(matches!(error, StoreError::ReadOnly), "{error}"),
                None => assert!(start.elapsed() < Duration::from_mins(1), "it says nothing"),
            }
        }
    }
}
