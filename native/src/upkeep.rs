//! What a store leaves to time: syncing what nobody waited for, and cutting the log.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ecphory::Store;
use ecphory::log::StoreError;

/// How long after a failure the same is tried again, at least.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the length of the log is looked at, at most.
const LOOK: Duration = Duration::from_millis(100);

/// Threads that look after a store until this is dropped: one flushes it, and one cuts its log,
/// which may take long.
///
/// ```
/// use std::time::Duration;
/// use ecphory_native::ecphory::{Ack, Store};
/// use ecphory_native::{Upkeep, open_store_with};
///
/// # let path = std::env::temp_dir().join(format!("upkeep-{}", std::process::id()));
/// let store = open_store_with(&path, Store::builder().ack(Ack::Buffered))?;
/// let upkeep = Upkeep::of(&store).max_loss(Duration::from_millis(50)).log_budget(1 << 30).start();
/// // … reads, and writes that wait for no disk …
/// assert!(upkeep.failure().is_none());
/// # drop((upkeep, store));
/// # std::fs::remove_dir_all(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Upkeep {
    /// Dropped to end the threads.
    ends: Vec<Sender<()>>,
    threads: Vec<JoinHandle<()>>,
    told: Arc<Mutex<Told>>,
}

/// What the threads tell.
#[derive(Debug, Default)]
struct Told {
    failure: Option<StoreError>,
    /// Whether there is nothing left to look after.
    is_over: bool,
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
        lock(&self.told).failure.take()
    }
}

impl UpkeepBuilder {
    /// How often changes that nobody waits for are made durable; 100 ms unless set.
    #[must_use]
    pub fn flush_every(mut self, period: Duration) -> Self {
        self.flush_every = period.max(Duration::from_millis(1));
        self
    }

    /// What the power can take, of a store with [`Ack::Buffered`](ecphory::Ack::Buffered) or
    /// [`Ack::Memory`](ecphory::Ack::Memory): changes of the last so long. Half of it is the period
    /// of [`Self::flush_every`], the other half what a sync may take; a disk that takes longer makes
    /// it longer.
    #[must_use]
    pub fn max_loss(self, loss: Duration) -> Self {
        self.flush_every(loss / 2)
    }

    /// Bytes of the log from which on a checkpoint is made: what opening the store reads, about.
    /// 256 MiB unless set.
    #[must_use]
    pub fn log_budget(mut self, bytes: u64) -> Self {
        self.log_budget = bytes;
        self
    }

    /// Starts the threads.
    pub fn start(self) -> Upkeep {
        let Self { store, flush_every, log_budget } = self;
        let told = Arc::default();
        let flushed = store.clone();
        let flush = every(flush_every, &told, move || flushed.flush());
        // Now and then: to look asks the disk.
        let cut = every(flush_every.max(LOOK), &told, move || {
            if store.log_bytes()? > log_budget { store.checkpoint() } else { Ok(()) }
        });
        let (ends, threads) = [flush, cut].into_iter().unzip();
        Upkeep { ends, threads, told }
    }
}

/// A thread that does something once in a period, until what is returned with it is dropped, or
/// there is nothing left to do it to.
fn every(
    period: Duration,
    told: &Arc<Mutex<Told>>,
    work: impl Fn() -> Result<(), StoreError> + Send + 'static,
) -> (Sender<()>, JoinHandle<()>) {
    let (end, ended) = channel();
    let told = Arc::clone(told);
    let thread = thread::spawn(move || {
        let mut pause = period;
        while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            if lock(&told).is_over {
                return;
            }
            pause = period;
            if let Err(error) = work() {
                pause = period.max(PATIENCE);
                let mut told = lock(&told);
                told.is_over |= matches!(
                    error,
                    StoreError::Poisoned | StoreError::ReadOnly | StoreError::Damaged { .. }
                );
                told.failure = Some(error);
            }
        }
    });
    (end, thread)
}

fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Upkeep {
    /// Waits for what is being done.
    fn drop(&mut self) {
        self.ends.clear();
        for thread in self.threads.drain(..) {
            // What it panicked with was printed.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Instant;

    use super::*;
    use ecphory::log::{File, Memory, Storage};
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

    /// A folder that lets no snapshot be made until `may_save`.
    struct Slow {
        files: Memory,
        is_saving: Arc<Mutex<bool>>,
        may_save: Arc<Mutex<bool>>,
    }

    impl Storage for Slow {
        fn list(&self) -> io::Result<Vec<String>> {
            self.files.list()
        }

        fn create(&self, name: &str) -> io::Result<Box<dyn File>> {
            if name.starts_with("snap-") {
                *self.is_saving.lock().unwrap() = true;
                wait_until(|| *self.may_save.lock().unwrap());
            }
            self.files.create(name)
        }

        fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
            self.files.open(name)
        }

        fn remove(&self, name: &str) -> io::Result<()> {
            self.files.remove(name)
        }

        fn sync(&self) -> io::Result<()> {
            self.files.sync()
        }
    }

    fn wait_until(is_so: impl Fn() -> bool) {
        let start = Instant::now();
        while !is_so() {
            assert!(start.elapsed() < Duration::from_mins(1), "it does not come");
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn changes_become_durable_beside_a_checkpoint_that_takes_long() {
        let (files, [is_saving, may_save]) = (Memory::default(), [(); 2].map(|()| Arc::default()));
        let disk = Slow {
            files: files.clone(),
            is_saving: Arc::clone(&is_saving),
            may_save: Arc::clone(&may_save),
        };
        let store = Store::builder().ack(Ack::Memory).open(Arc::new(disk)).unwrap();
        let upkeep = Upkeep::of(&store).max_loss(Duration::from_millis(2)).log_budget(0).start();
        let space = store.create("s", Index::builder(2).metric(Metric::L2)).unwrap();
        wait_until(|| *is_saving.lock().unwrap());
        space.insert(7, &[0.5, 1.0]).unwrap();
        // As a process would find it that takes over when this one is killed.
        let is_there = || {
            let store = Store::builder().read_only().open(Arc::new(files.clone())).unwrap();
            store.space("s").is_some_and(|space| space.contains(7))
        };
        wait_until(is_there);
        *may_save.lock().unwrap() = true;
        assert!(upkeep.failure().is_none());
    }
}
