//! What threads do to each other: who waits, who is told what, and what a swap of the index leaves.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use ecphory::Store;
use ecphory::exec::{Exec, Sequential};
use ecphory::log::{File, Memory, Storage, StoreError};

use ecphory_tests::work::{builder, index, items};

/// What becomes of a sync of a file of this name.
type OnSync = Arc<dyn Fn(&str) -> io::Result<()> + Send + Sync>;

/// A folder in memory of which files sync as `on_sync` says.
struct Watched {
    files: Memory,
    on_sync: OnSync,
}

struct WatchedFile(Box<dyn File>, String, OnSync);

impl Watched {
    fn over(
        files: Memory,
        on_sync: impl Fn(&str) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self { files, on_sync: Arc::new(on_sync) }
    }

    fn wrap(&self, name: &str, file: io::Result<Box<dyn File>>) -> io::Result<Box<dyn File>> {
        Ok(Box::new(WatchedFile(file?, name.to_owned(), Arc::clone(&self.on_sync))))
    }
}

impl Storage for Watched {
    fn list(&self) -> io::Result<Vec<String>> {
        self.files.list()
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn File>> {
        self.wrap(name, self.files.create(name))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        self.wrap(name, self.files.open(name))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.files.remove(name)
    }

    fn sync(&self) -> io::Result<()> {
        self.files.sync()
    }
}

impl File for WatchedFile {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, into)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(offset, bytes)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        (self.2)(&self.1)
    }
}

/// Does something once, while an index is built.
struct Meanwhile<F>(F, AtomicBool);

impl<F: Fn() + Sync> Exec for Meanwhile<F> {
    fn for_each(&self, count: usize, grain: usize, work: &(dyn Fn(Range<usize>) + Sync)) {
        if !self.1.swap(true, SeqCst) {
            (self.0)();
        }
        Sequential.for_each(count, grain, work);
    }

    fn width(&self) -> usize {
        1
    }
}

fn roomy(storage: impl Storage + 'static) -> Store {
    builder().log_files(1 << 20, 4096).open(Arc::new(storage)).unwrap()
}

/// Whoever is told that there is nothing to do has seen what is durable.
#[test]
fn a_change_that_is_seen_is_durable() {
    let syncs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&syncs);
    let store = Watched::over(Memory::default(), move |name| {
        counted.fetch_add(usize::from(name.starts_with("log-")), SeqCst);
        Ok(())
    });
    let store = builder().ack(ecphory::Ack::Buffered).open(Arc::new(store)).unwrap();
    let space = store.create("s", index()).unwrap();
    space.insert(1, &[1.0; 3]).unwrap();
    store.flush().unwrap();
    let before = syncs.load(SeqCst);
    // Not acknowledged as durable, and then seen by one who asks for no more.
    assert!(space.delete(1).unwrap() && !space.delete(1).unwrap());
    assert_eq!(syncs.load(SeqCst), before, "nobody waits");

    let files = Memory::default();
    let (fails, failing) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (told, asked) = (Arc::clone(&fails), Arc::clone(&failing));
    let store = roomy(Watched::over(files, move |name| {
        if name.starts_with("log-") && told.load(SeqCst) {
            asked.store(true, SeqCst);
            std::thread::sleep(std::time::Duration::from_millis(50));
            return Err(io::Error::other("the sync failed"));
        }
        Ok(())
    }));
    let space = store.create("s", index()).unwrap();
    space.insert(1, &[1.0; 3]).unwrap();
    fails.store(true, SeqCst);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| space.delete(1));
        while !failing.load(SeqCst) {
            std::thread::yield_now();
        }
        // The item is gone from memory, and not from the disk.
        assert!(matches!(space.delete(1), Err(StoreError::Poisoned)));
        assert!(matches!(first.join().unwrap(), Err(StoreError::Poisoned)));
    });
    assert!(matches!(store.remove("none"), Err(StoreError::Poisoned)));
}

/// Of two who sync a file at once, one is told that it failed; the other must not go on.
#[test]
fn a_sync_that_failed_for_one_failed_for_all() {
    for _ in 0..20 {
        let has_failed = Arc::new(AtomicBool::new(false));
        let (fails, told) = (Arc::new(AtomicBool::new(false)), Arc::clone(&has_failed));
        let on = Arc::clone(&fails);
        let store = roomy(Watched::over(Memory::default(), move |name| {
            if !name.starts_with("log-") || !on.load(SeqCst) {
                return Ok(());
            }
            // As a system does: the first to ask is told, and who asks after it is not.
            let is_first = !told.swap(true, SeqCst);
            std::thread::sleep(std::time::Duration::from_millis(1));
            if is_first { Err(io::Error::other("the sync failed")) } else { Ok(()) }
        }));
        let space = store.create("s", index()).unwrap();
        fails.store(true, SeqCst);
        std::thread::scope(|scope| {
            let write = scope.spawn(|| space.insert(1, &[1.0; 3]));
            let checkpoint = scope.spawn(|| store.checkpoint());
            let done = [write.join().unwrap(), checkpoint.join().unwrap()];
            assert!(has_failed.load(SeqCst));
            // Who ended before the sync that failed began was right to.
            assert!(done.iter().any(|done| matches!(done, Err(StoreError::Poisoned))), "{done:?}");
        });
        assert!(matches!(space.insert(2, &[1.0; 3]), Err(StoreError::Poisoned)));
    }
}

/// A space goes on to take as many changes after it was built anew, however many came meanwhile.
#[test]
fn a_space_that_was_compacted_takes_changes_for_ever() {
    for meanwhile in 0..20 {
        let store = roomy(Memory::default());
        let space = store.create("s", index()).unwrap();
        (0..200).for_each(|key| space.insert(key, &[key as f32, 0.5, 1.0]).unwrap());
        let writes = || {
            for key in 0..meanwhile {
                space.upsert(key, &[1.0, key as f32, 0.0]).unwrap();
            }
        };
        store.compact("s", &Meanwhile(writes, AtomicBool::new(false))).unwrap();
        for step in 0..2000u64 {
            let key = step % 200;
            space.upsert(key, &[step as f32, 0.0, key as f32]).unwrap();
        }
        assert_eq!(items(&store)["s"].len(), 200);
        space.check().unwrap();
    }
}

/// Options that no log can have do no harm.
#[test]
fn any_sizes_of_files_do() {
    for bytes in [0, 1, 1 << 32, u64::MAX] {
        for ahead in [0, 1, 1 << 32, u64::MAX] {
            let disk = Memory::default();
            let open = || builder().log_files(bytes, ahead).open(Arc::new(disk.clone())).unwrap();
            let store = open();
            let space = store.create("s", index()).unwrap();
            (0..20).for_each(|key| space.insert(key, &[1.0; 3]).unwrap());
            let before = items(&store);
            drop((space, store));
            assert_eq!(items(&open()), before);
        }
    }
}

/// Names that nothing can be called, twice the same, and none at all.
#[test]
fn names_of_spaces_are_checked() {
    let store = roomy(Memory::default());
    let space = store.create("s", index()).unwrap();
    for name in ["", "s", &"x".repeat(1025), &"x".repeat(1 << 22)] {
        let refused = store.create(name, index()).map(drop);
        assert!(matches!(refused, Err(StoreError::Space { .. })), "{refused:?}");
        let refused = store.import(name, index().build().unwrap()).map(drop);
        assert!(matches!(refused, Err(StoreError::Space { .. })), "{refused:?}");
    }
    assert!(store.compact("none", &Sequential).is_err() && !store.remove("none").unwrap());
    assert!(store.remove("s").unwrap() && store.space("s").is_none());
    let refused = space.insert(1, &[1.0; 3]);
    assert!(matches!(refused, Err(StoreError::Space { .. })), "{refused:?}");
    // Who holds it still reads, and another may have its name.
    assert!(space.is_empty());
    store.create("s", index()).unwrap().insert(1, &[1.0; 3]).unwrap();
    assert_eq!((store.space("s").unwrap().len(), space.len()), (1, 0));
}
