//! A store: spaces that outlive the process, and the power.
//!
//! ```text
//!   Space ──Op──► room in the log ──► index (live) ──► frame ──► sync ──► acknowledged
//!                                                        │
//!   Store ──checkpoint──► last snapshot + sealed frames ─┴─► new snapshot ──► manifest
//!         ◄──open──────── manifest ──► snapshots ──► frames since
//!
//!   write       one change: in memory, in the log, acknowledged
//!   checkpoint  recovery run early, beside everything else, so that the log can be cut
//!   save        a snapshot's pages, those that have not changed shared with the one before
//!   compact     the same for one space from an empty index, and the live one swapped for it
//!   backup      a checkpoint, copied
//!   open        recovery
//!   salvage     what can be had of a store that recovery refuses
//!   space       what a space offers readers · `memories`  and for what they remember
//! ```
//! A space is an [`Index`](crate::Index) of its own; all spaces of a store share one
//! [log](crate::log). Files are the host's ([`Storage`]): this runs the same on a server, in a
//! browser, and on a disk that a test makes up.
//!
//! # Invariants
//! - What was acknowledged as durable is there after any crash; what was not is there whole or not
//!   at all.
//! - The frames of one key stand in the log in the order in which they changed the index: whoever
//!   writes a key holds its stripe from the change to the frame.
//! - A checkpoint is made of the last one and the log alone, so its bytes depend on nothing else;
//!   it never looks at the live index.
//! - A file that the manifest names, or a snapshot of it stands on, is never changed; others are
//!   removed.
//! - After a failed sync nothing more is acknowledged.
//!
//! Absent on purpose: threads and time. A host checkpoints when it likes ([`Store::log_bytes`] tells
//! how much there is to do), and flushes what it does not want to wait for.

mod backup;
mod checkpoint;
mod compact;
mod memories;
mod open;
mod salvage;
mod save;
mod space;
mod write;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::Error;
use crate::exec::Exec;
use crate::index::{Builder, Index};
use crate::limits::SPACES_MAX;
use crate::log::{HELD_MAX, IDS_MAX, Log, Manifests, Sizes, Storage, StoreError};
use crate::snapshot::Check;
use crate::store::{Allocator, Heap};

pub use salvage::Salvaged;
use space::Shared;
pub use space::Space;

/// When a change counts as made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ack {
    /// When it would survive the power going: one sync serves all that wait for one.
    #[default]
    Durable,
    /// When the host has it: it survives the process, and the power once [`Store::flush`] returns.
    Buffered,
    /// When it is made in memory: it survives process and power once [`Store::flush`] returns, or a
    /// checkpoint. Changes wait for others to be written with, up to 64 KiB of them; a store that is
    /// dropped hands the last of them to the host.
    Memory,
}

/// What a store is opened with.
#[derive(Clone)]
pub struct StoreBuilder {
    ack: Ack,
    sizes: Sizes,
    share_from: u64,
    check: Check,
    is_read_only: bool,
    identity: Option<u64>,
    allocator: Arc<dyn Allocator>,
}

/// Spaces that outlive the process. Any number of threads read and write.
///
/// ```
/// use std::sync::Arc;
/// use ecphory::log::Memory;
/// use ecphory::{Index, Metric, Store};
///
/// let disk = Arc::new(Memory::default());
/// let store = Store::builder().open(disk.clone())?;
/// let words = store.create("words", Index::builder(2).metric(Metric::L2))?;
/// words.upsert(1, &[0.0, 1.0])?;
/// drop((words, store));
///
/// let store = Store::builder().open(disk)?;
/// let words = store.space("words").expect("it was made");
/// assert_eq!(words.search(&[0.0, 2.0]).k(1).run()?[0].key, 1);
/// # Ok::<(), ecphory::log::StoreError>(())
/// ```
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    storage: Arc<dyn Storage>,
    log: Log,
    ack: Ack,
    share_from: u64,
    allocator: Arc<dyn Allocator>,
    spaces: Mutex<Spaces>,
    /// Held by who makes a space or takes one out; `spaces` only for a moment, since readers ask it.
    naming: Mutex<()>,
    /// Held while a checkpoint is made.
    manifests: Mutex<Manifests>,
}

/// The spaces there are.
struct Spaces {
    by_name: BTreeMap<String, Arc<Shared>>,
    next_id: u64,
}

impl Spaces {
    /// The identity of the next space.
    fn next_id(&self) -> Result<u64, StoreError> {
        if self.by_name.len() >= SPACES_MAX {
            return Err(no_space("a store has 16,384 spaces at most; use another for", "more"));
        }
        if self.next_id > IDS_MAX {
            return Err(no_space("a store has no number left for a space; salvage it for", "more"));
        }
        Ok(self.next_id)
    }

    fn add(&mut self, id: u64, name: &str, index: Index) -> Arc<Shared> {
        let shared = Arc::new(Shared::new(id, name.to_owned(), index));
        self.next_id = self.next_id.max(id + 1);
        self.by_name.insert(name.to_owned(), Arc::clone(&shared));
        shared
    }
}

impl Default for StoreBuilder {
    fn default() -> Self {
        Self {
            ack: Ack::Durable,
            sizes: Sizes { segment: 64 << 20, ahead: 1 << 18, held: 0 },
            share_from: 1 << 24,
            check: Check::Header,
            is_read_only: false,
            identity: None,
            allocator: Arc::new(Heap),
        }
    }
}

impl StoreBuilder {
    /// When a change counts as made; [`Ack::Durable`] unless set.
    ///
    /// Whatever is lost with less than that is the last of what was done: a store that is opened
    /// again is as it was after one of its changes, in all its spaces, and not before the last flush
    /// that has returned. Disk room is made sure of before each change in any case.
    #[must_use]
    pub fn ack(mut self, ack: Ack) -> Self {
        self.ack = ack;
        self.sizes.held = if ack == Ack::Memory { HELD_MAX } else { 0 };
        self
    }

    /// Bytes of a file of the log, about, and bytes by which it grows ahead of what is written;
    /// 64 MiB and 256 KiB unless set, 1 KiB to 1 GiB and 512 bytes to 16 MiB in any case.
    #[must_use]
    pub fn log_files(mut self, bytes: u64, ahead: u64) -> Self {
        let (segment, ahead) = (bytes.clamp(1 << 10, 1 << 30), ahead.clamp(512, 1 << 24));
        self.sizes = Sizes { segment, ahead, ..self.sizes };
        self
    }

    /// Bytes from which on a snapshot shares what has not changed with the one before, instead of
    /// being written whole; 16 MiB unless set. All files of a space together are no longer than two
    /// of its snapshots.
    #[must_use]
    pub fn share_from(mut self, bytes: u64) -> Self {
        self.share_from = bytes;
        self
    }

    /// How much of the checkpoints is verified; [`Check::Header`] unless set, since nobody but the
    /// store writes them.
    #[must_use]
    pub fn check(mut self, check: Check) -> Self {
        self.check = check;
        self
    }

    /// Leaves every file as it is, also what a crash has left half done, and refuses writes.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.is_read_only = true;
        self
    }

    /// The number that tells the files of one store from those of another; any unless set.
    #[must_use]
    pub fn identity(mut self, identity: u64) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Takes memory from this allocator instead of the heap.
    #[must_use]
    pub fn allocator(mut self, allocator: Arc<dyn Allocator>) -> Self {
        self.allocator = allocator;
        self
    }

    /// Makes a store in an empty folder of what can still be read of a damaged one, which stays as it
    /// is. The only call that leaves anything out, and it says what.
    ///
    /// Of a damaged snapshot, items are taken as they are found; of the log, every frame that holds
    /// and whose change can still be made.
    ///
    /// # Errors
    /// [`StoreError::Io`]; [`StoreError::Damaged`] if nothing there is part of a store.
    pub fn salvage(
        self,
        from: &dyn Storage,
        to: Arc<dyn Storage>,
        exec: &dyn Exec,
    ) -> Result<(Store, Salvaged), StoreError> {
        salvage::salvage(self, from, to, exec)
    }

    /// Opens the store in a folder, or makes one there if the folder has none.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if something that was durable is not there any more;
    /// [`StoreError::Io`].
    pub fn open(self, storage: Arc<dyn Storage>) -> Result<Store, StoreError> {
        open::open(self, storage)
    }
}

impl Store {
    /// Starts opening a store.
    pub fn builder() -> StoreBuilder {
        StoreBuilder::default()
    }

    /// The space of a name, if there is one.
    pub fn space(&self, name: &str) -> Option<Space> {
        let shared = self.0.spaces().by_name.get(name).map(Arc::clone)?;
        Some(Space::over(Arc::clone(&self.0), shared))
    }

    /// The names of all spaces, in order.
    pub fn spaces(&self) -> Vec<String> {
        self.0.spaces().by_name.keys().cloned().collect()
    }

    /// Makes a space, as an empty index with the builder's options.
    ///
    /// # Errors
    /// [`StoreError::Space`] if there is one of this name, or the name is longer than 1,024 bytes;
    /// the builder's; those of a write.
    pub fn create(&self, name: &str, index: Builder) -> Result<Space, StoreError> {
        write::create(&self.0, name, index)
    }

    /// Makes a space of an index that is there, such as one that was built in bulk: it is written as
    /// a checkpoint, not to the log.
    ///
    /// # Errors
    /// As for [`Self::create`] and [`Self::checkpoint`]; [`Error::Busy`] if somebody writes to the
    /// index.
    pub fn import(&self, name: &str, index: Index) -> Result<Space, StoreError> {
        checkpoint::import(&self.0, name, index)
    }

    /// Takes a space out, with all its items; false if there is none. Who still holds it can read.
    ///
    /// # Errors
    /// Those of a write.
    pub fn remove(&self, name: &str) -> Result<bool, StoreError> {
        write::remove(&self.0, name)
    }

    /// Returns when everything written before is durable.
    ///
    /// # Errors
    /// [`StoreError::Poisoned`] if it may not be.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.0.log.check()?;
        self.0.log.commit(self.0.log.last())
    }

    /// Makes new snapshots of the spaces that have changed, beside everything else, and cuts the log.
    ///
    /// It takes memory for a second copy of those spaces, and the time of making their changes
    /// again.
    ///
    /// # Errors
    /// [`StoreError::Io`]; the last checkpoint holds then, and the log is as long as it was.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        checkpoint::checkpoint(&self.0)
    }

    /// Builds a space anew, without what deleted items have left and in an order that keeps near
    /// items together, beside everything else: searches go on all the while, and writes but for the
    /// last moment. As [`Self::checkpoint`] besides.
    ///
    /// Links of the graph are as sure as their ends again; items and associations stay as they are.
    ///
    /// A space with [`Rows::Codes`](crate::Rows::Codes) is left as it is: it keeps no vectors to fit
    /// codes to.
    ///
    /// # Errors
    /// [`StoreError::Space`] if there is no such space; as for [`Self::checkpoint`].
    pub fn compact(&self, name: &str, exec: &dyn Exec) -> Result<(), StoreError> {
        compact::compact(&self.0, name, exec)
    }

    /// Makes a checkpoint and copies it to another folder, which is a store of its own then: the
    /// store as it was at one moment of this call, beside whoever writes.
    ///
    /// # Errors
    /// [`StoreError::Io`], also if the folder is not empty.
    pub fn backup(&self, to: &dyn Storage) -> Result<(), StoreError> {
        backup::backup(&self.0, to)
    }

    /// Reads every file that the store stands on and verifies all of it, beside everything else; O(n)
    /// time, and memory for a second copy of one space at a time. With [`Check::Header`] this is
    /// what finds damage that opening did not look for.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] names the first file that does not hold.
    pub fn scrub(&self) -> Result<(), StoreError> {
        checkpoint::scrub(&self.0)
    }

    /// Bytes of the log since the last checkpoint: what opening the store would have to read.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn log_bytes(&self) -> Result<u64, StoreError> {
        checkpoint::log_bytes(&self.0)
    }

    /// Makes everything durable and says so in the manifest, so that damage to the end of the log
    /// is told from a crash. To be called last; a store that is dropped without it loses nothing
    /// that was acknowledged as durable.
    ///
    /// # Errors
    /// [`StoreError::Poisoned`], [`StoreError::Io`].
    pub fn close(&self) -> Result<(), StoreError> {
        self.flush()?;
        checkpoint::note_durable(&self.0)
    }
}

impl Inner {
    fn spaces(&self) -> MutexGuard<'_, Spaces> {
        lock(&self.spaces)
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("spaces", &self.spaces()).finish_non_exhaustive()
    }
}

/// A panic of another thread leaves nothing half done that others rely on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn no_space(what: &'static str, name: &str) -> StoreError {
    StoreError::Space { what, name: name.to_owned() }
}

/// What a frame says that cannot be.
fn damaged(file: &str, error: Error) -> StoreError {
    match error {
        Error::Snapshot { reason, offset } => {
            StoreError::Damaged { file: file.to_owned(), offset, reason }
        }
        error => error.into(),
    }
}
