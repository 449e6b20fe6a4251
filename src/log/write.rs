//! Appending: room first, then frames, then a sync that serves everyone who waits.
//!
//! ```text
//!   reserve ──► zeros ahead      append ──► held ──drain──► file ──sync──► durable
//! ```
//! Frames may be held in memory to be written together, in the order in which they were appended: a
//! sync and the next segment come after a drain, so what is found of them again is the first of them.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::StoreError;
use super::frame::{HEADER as FRAME_HEADER, Header, PAYLOAD_MAX, Place};
use super::manifest::{IDS_MAX, used_up};
use super::segment::{HEADER, Head, name_of};
use super::storage::{File, Storage};
use crate::arch::crc32c;

/// The name of a file that is there, empty, from a sync that failed to the next opening.
pub(crate) const POISONED_FILE: &str = "poisoned";

/// What a failed sync is called in an error.
pub(crate) const SYNC: &str = "sync";

/// Bytes of frames that a log holds for a store that acknowledges what is in memory alone.
pub(crate) const HELD_MAX: usize = 1 << 16;

/// Zeros that are written at a time, at most.
const PIECE: u64 = 1 << 20;

/// Values of [`Log::refuses`].
const OPEN: u8 = 0;
const READ_ONLY: u8 = 1;
const POISONED: u8 = 2;

/// The log of a store, open for writing. Any number of threads append and wait.
pub(crate) struct Log {
    storage: Arc<dyn Storage>,
    store: u64,
    sizes: Sizes,
    writer: Mutex<Writer>,
    /// Held by the one thread that syncs for all that wait. Before `writer`.
    syncing: Mutex<()>,
    /// Held from a sync to the word that it failed: a system tells one of those who sync a file at
    /// once, and to the others all is well. After `writer`.
    outcome: Mutex<()>,
    /// The last frame that is durable.
    synced: AtomicU64,
    /// Why nothing is written any more, if so.
    refuses: AtomicU8,
}

/// How a log is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Bytes of a segment after which the next begins.
    pub(crate) segment: u64,
    /// Bytes of zeros that are written ahead, so that a full disk is met before anything changes,
    /// and a sync seldom has to make a length durable.
    pub(crate) ahead: u64,
    /// Bytes of frames that are held until more are there, at most: 0 writes each at once.
    pub(crate) held: usize,
}

/// The end of the log.
pub(super) struct Writer {
    pub(super) file: Arc<dyn File>,
    pub(super) segment: u64,
    /// The last frames, which are not written yet.
    pub(super) held: Vec<u8>,
    /// Where the next frame goes, behind those that are held.
    pub(super) end: u64,
    /// Bytes of the file that are written, with frames or ahead of them.
    pub(super) filled: u64,
    /// Bytes of frames that have room and are not written yet.
    pub(super) reserved: u64,
    /// Number of the next frame.
    pub(super) next: u64,
    pub(super) chain: u32,
    /// Whether what the segment holds may be on no disk, though it was read.
    pub(super) is_suspect: bool,
}

/// Room for a frame; given back when dropped.
pub(crate) struct Room<'a> {
    log: &'a Log,
    bytes: u64,
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.log.writer().reserved -= self.bytes;
    }
}

impl Log {
    pub(super) fn over(
        storage: Arc<dyn Storage>,
        store: u64,
        sizes: Sizes,
        writer: Writer,
    ) -> Self {
        let synced = AtomicU64::new(writer.next - 1);
        let (writer, syncing, outcome) = (Mutex::new(writer), Mutex::new(()), Mutex::new(()));
        Self {
            storage,
            store,
            sizes,
            writer,
            syncing,
            outcome,
            synced,
            refuses: AtomicU8::new(OPEN),
        }
    }

    /// Number of the last frame.
    pub(crate) fn last(&self) -> u64 {
        self.writer().next - 1
    }

    /// The segment that frames go to.
    pub(crate) fn segment(&self) -> u64 {
        self.writer().segment
    }

    /// The same, and the bytes of its frames.
    pub(crate) fn written(&self) -> (u64, u64) {
        let writer = self.writer();
        (writer.segment, writer.end - HEADER as u64)
    }

    /// Refuses everything from now on. Who opens the store again is told, if the power stays on: what
    /// was not made durable may be read as if it were, and to sync it again does nothing.
    pub(crate) fn poison(&self) -> StoreError {
        self.refuses.store(POISONED, Ordering::Release);
        // There already, or the disk is beyond that.
        let _ = self.storage.create(POISONED_FILE);
        StoreError::Poisoned
    }

    /// Refuses to write from now on.
    pub(super) fn read_only(self) -> Self {
        self.refuses.store(READ_ONLY, Ordering::Release);
        self
    }

    /// Refuses if something was lost before, or nothing is to be written.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        // Acquire pairs with the releases above.
        match self.refuses.load(Ordering::Acquire) {
            OPEN => Ok(()),
            READ_ONLY => Err(StoreError::ReadOnly),
            _ => Err(StoreError::Poisoned),
        }
    }

    /// Makes sure that a frame of so many bytes of payload finds room on disk.
    ///
    /// # Errors
    /// [`StoreError::Io`] where there is none: nothing has changed.
    pub(crate) fn reserve(&self, payload: usize) -> Result<Room<'_>, StoreError> {
        self.check()?;
        if payload > PAYLOAD_MAX {
            return Err(crate::error::Error::PayloadTooLong { bytes: payload }.into());
        }
        let bytes = (FRAME_HEADER + payload) as u64;
        let mut writer = self.writer();
        // With as many others as there may be at once.
        if writer.next > IDS_MAX - (1 << 32) {
            return Err(used_up(&name_of(writer.segment)));
        }
        if writer.end >= self.sizes.segment {
            self.rotate(&mut writer)?;
        }
        let needed = writer.end + writer.reserved + bytes;
        self.fill(&mut writer, needed)?;
        writer.reserved += bytes;
        Ok(Room { log: self, bytes })
    }

    /// Writes zeros until the file has `needed` bytes, and some more.
    fn fill(&self, writer: &mut Writer, needed: u64) -> Result<(), StoreError> {
        if writer.filled >= needed {
            return Ok(());
        }
        let wanted = needed.max(writer.filled + self.sizes.ahead);
        let zeros = vec![0; PIECE.min(wanted - writer.filled) as usize];
        while writer.filled < wanted {
            let zeros = &zeros[..zeros.len().min((wanted - writer.filled) as usize)];
            let written = writer.file.write_at(writer.filled, zeros);
            written.map_err(StoreError::io("write", &name_of(writer.segment)))?;
            writer.filled += zeros.len() as u64;
        }
        Ok(())
    }

    /// Writes a frame for which there is room, or holds it, and returns its number. It is durable
    /// after [`Self::commit`].
    ///
    /// # Errors
    /// [`StoreError::Poisoned`] if the disk does not take what it had room for; what was done in
    /// memory is ahead of the log then, and nothing more is written.
    pub(crate) fn append(&self, room: Room<'_>, payload: &[u8]) -> Result<u64, StoreError> {
        let mut writer = self.writer();
        self.check()?;
        let Writer { segment, end, next: lsn, chain, .. } = *writer;
        let crc = crc32c::crc32c_append(chain, payload);
        let synced = self.synced.load(Ordering::Acquire);
        let header = Header { len: payload.len() as u32, lsn, synced, crc };
        writer.held.extend_from_slice(&header.encode(Place { store: self.store, segment }, end));
        writer.held.extend_from_slice(payload);
        writer.end += (FRAME_HEADER + payload.len()) as u64;
        writer.filled = writer.filled.max(writer.end);
        writer.next += 1;
        writer.chain = crc;
        if writer.held.len() > self.sizes.held {
            self.drain(&mut writer)?;
        }
        drop(writer);
        drop(room);
        Ok(lsn)
    }

    /// Writes the frames that are held.
    fn drain(&self, writer: &mut Writer) -> Result<(), StoreError> {
        self.check()?;
        let start = writer.end - writer.held.len() as u64;
        if !writer.held.is_empty() && writer.file.write_at(start, &writer.held).is_err() {
            return Err(self.poison());
        }
        writer.held.clear();
        // One long frame does not keep its memory.
        writer.held.shrink_to(HELD_MAX);
        Ok(())
    }

    /// Returns when all frames up to a number are durable: one sync serves all that wait for it.
    ///
    /// # Errors
    /// [`StoreError::Poisoned`] if they may be lost.
    pub(crate) fn commit(&self, lsn: u64) -> Result<(), StoreError> {
        // Acquire pairs with the release below.
        while self.synced.load(Ordering::Acquire) < lsn {
            let _syncing = lock(&self.syncing);
            self.check()?;
            if self.synced.load(Ordering::Acquire) >= lsn {
                break;
            }
            let (file, last) = {
                let mut writer = self.writer();
                self.drain(&mut writer)?;
                (Arc::clone(&writer.file), writer.next - 1)
            };
            self.sync(&*file, last)?;
        }
        Ok(())
    }

    /// Makes a file of the log durable, and with it all frames up to a number.
    fn sync(&self, file: &dyn File, last: u64) -> Result<(), StoreError> {
        let _told = lock(&self.outcome);
        self.check()?;
        file.sync().map_err(|_| self.poison())?;
        // AcqRel: release for those who find their frames durable. Another may have made more so.
        self.synced.fetch_max(last, Ordering::AcqRel);
        Ok(())
    }

    /// Begins the next segment, so that all before can go when a checkpoint holds it. Its number, and
    /// that of the last frame before it, which is durable like all others.
    ///
    /// # Errors
    /// As for [`Self::reserve`]; [`StoreError::Poisoned`] if frames may be lost.
    pub(crate) fn begin_segment(&self) -> Result<(u64, u64), StoreError> {
        self.check()?;
        let mut writer = self.writer();
        // One without frames serves as well.
        if writer.end > HEADER as u64 || writer.is_suspect {
            self.rotate(&mut writer)?;
        }
        Ok((writer.segment, writer.next - 1))
    }

    fn rotate(&self, writer: &mut Writer) -> Result<(), StoreError> {
        self.drain(writer)?;
        self.sync(&*writer.file, writer.next - 1)?;
        let place = Place { store: self.store, segment: writer.segment + 1 };
        let head = Head { place, first: writer.next, chain: writer.chain };
        let file = self.unless_synced(begin(&*self.storage, head))?;
        let filled = HEADER as u64;
        let mut next = Writer {
            file,
            segment: place.segment,
            held: Vec::new(),
            end: filled,
            filled,
            is_suspect: false,
            ..*writer
        };
        let needed = filled + next.reserved;
        if let Err(error) = self.fill(&mut next, needed) {
            // The old one goes on, with all the room that it gave.
            let _ = self.storage.remove(&name_of(place.segment));
            return Err(error);
        }
        let old = std::mem::replace(writer, next);
        // Its zeros take room, and do no harm.
        let _ = old.file.set_len(old.end);
        Ok(())
    }

    /// Poisons the log if a sync has failed.
    fn unless_synced<T>(&self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        let failed = matches!(done, Err(StoreError::Io { action: SYNC, .. }));
        if failed { Err(self.poison()) } else { done }
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        lock(&self.writer)
    }
}

impl Drop for Log {
    /// Writes what is held, if the disk takes it: it was acknowledged as in memory alone.
    fn drop(&mut self) {
        let _ = self.drain(&mut self.writer());
    }
}

/// Makes a segment that is there, durably, without frames. What is left of an attempt before is
/// replaced.
pub(super) fn begin(storage: &dyn Storage, head: Head) -> Result<Arc<dyn File>, StoreError> {
    let name = name_of(head.place.segment);
    let made = storage.create(&name).or_else(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            storage.remove(&name)?;
            storage.create(&name)
        }
        _ => Err(error),
    });
    let file: Arc<dyn File> = made.map_err(StoreError::io("create", &name))?.into();
    file.write_at(0, &head.encode()).map_err(StoreError::io("write", &name))?;
    file.sync().and_then(|()| storage.sync()).map_err(StoreError::io(SYNC, &name))?;
    Ok(file)
}

/// A panic of another thread leaves nothing half done that the log relies on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
