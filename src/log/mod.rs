//! The log: what was done since the last checkpoint, frame after frame, and what is found of it again.
//!
//! ```text
//!   payload ──append──► frame ──► segment n, n + 1, …      written in order, each synced before the
//!      ▲                              │                    next begins
//!      └────────── recover ◄──────────┘ ◄── manifest       which checkpoints there are, and where
//!                                             │            the log begins that they do not hold
//!                                             └─► parts    where the bytes of each checkpoint are
//! ```
//! This module knows bytes. What a payload does is the business of the index, and when to make a
//! checkpoint that of the store above it.
//!
//! # Format of a segment, version 1
//! All integers are little-endian. A file `log-` and the segment's number in 16 hexadecimal digits:
//!
//! ```text
//!   header, 64 bytes                           frame: 32 bytes, then the payload
//!    0  8  magic 89 45 43 4C 0D 0A 1A 0A        0  4  mark 45 43 46 31
//!    8  4  format version = 1                   4  4  length of the payload
//!   12  4  checksum that the first frame's      8  8  number (lsn), one more than the last frame's
//!          is chained to                       16  8  all frames up to this number were durable
//!   16  8  identity of the store               24  4  CRC32C of the payload, begun with that of
//!   24  8  number of the segment                      the frame before
//!   32  8  number (lsn) of the first frame     28  4  CRC32C of store, segment and offset of this
//!   40 20  0                                          frame (8 bytes each) and its bytes 0..28
//!   60  4  CRC32C of the bytes 0..60
//! ```
//!
//! # Crashes, and what is made of them
//! 1. *Within the last frames*: nobody was told that they are there. What does not hold at the end
//!    of the last segment is cut off.
//! 2. *Damage before the end*: a frame that does not hold, and behind it one that says it was
//!    durable, or a later segment, or a manifest that says so: [`StoreError::Damaged`], and nothing is
//!    cut. The last frames of a store that was not closed have no such witness: there a flipped
//!    bit reads as a crash.
//! 3. *While a segment is begun*: it has no frames, since its header is durable before the first.
//!    It is removed.
//! 4. *While a manifest is written*: the other slot holds.
//! 5. *While recovering*: it cuts and removes the same again.
//! 6. *A frame of another file, place or time*: its checksum begins with where it belongs, and its
//!    payload's with the payload before.
//! 7. *A sync that fails*: nothing is known of what was written, so nothing more is
//!    ([`StoreError::Poisoned`]). Who opens the store again reads what there is, which may be on no
//!    disk, though a further sync says so: an empty file `poisoned` tells, and all that was read is
//!    made into a checkpoint, in new files, before anything else.
//! 8. *A full disk*: zeros are written ahead of each frame before anything is changed, so that the
//!    change is refused, and the next may have room.
//!
//! What a disk writes, it writes by sectors, of which others stay as they are, and so do the bytes
//! beside those that are written to one.
//!
//! # Invariants
//! - A frame is acknowledged as durable after a sync that began when it was written.
//! - No length is used before the checksum of the header it stands in was seen to hold.
//! - A segment but the last is whole, and durable before the next has a name.
//! - Frames reach a file in the order of their numbers, also those that were held in memory for a
//!   while: what is found after a crash is the first of them, none left out.
//!
//! Absent on purpose: time and threads (hosts sync when they like), compression.

mod frame;
mod manifest;
mod memory;
mod parts;
mod recover;
mod salvage;
mod segment;
mod storage;
mod write;

pub(crate) use frame::Place;
pub(crate) use manifest::{Found, IDS_MAX, Manifest, Manifests, Saved};
pub use memory::Memory;
pub(crate) use parts::{PAGE, PARTS_MAX, Part, finish, parts_of, snapshot_region};
pub(crate) use recover::{begin_at, create, read_sealed, recover};
pub(crate) use salvage::read_what_holds;
pub(crate) use segment::{has_frames, number_of, snapshot_name, snapshot_number};
pub use storage::{Extent, File, Storage};
pub(crate) use write::{HELD_MAX, Log, POISONED_FILE, SYNC, Sizes};

use std::io;

/// What a durable store refused, or what happened to it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The index refused; nothing was written.
    #[error(transparent)]
    Index(#[from] crate::error::Error),
    /// A file could not be read or written; nothing has changed.
    #[error("cannot {action} {file}: {cause}; check the folder, its permissions and free space")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        file: String,
        /// What the host said.
        cause: io::Error,
    },
    /// A file is not what was written to it.
    #[error(
        "{file} is damaged at byte {offset}: {reason}; restore a backup, or salvage what there is"
    )]
    Damaged {
        /// The file.
        file: String,
        /// Where in it.
        offset: u64,
        /// What does not hold.
        reason: &'static str,
    },
    /// Something that was to be made durable was not, so nothing more is written.
    #[error("a sync or a write failed before, so that nobody knows what is on disk; open it again")]
    Poisoned,
    /// The store was opened to be read.
    #[error("the store was opened to be read only; open it to write")]
    ReadOnly,
    /// There is a space of this name already, or none.
    #[error("{what} {name:?}")]
    Space {
        /// What is wrong with it.
        what: &'static str,
        /// The name.
        name: String,
    },
}

impl StoreError {
    pub(crate) fn io(action: &'static str, file: &str) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::Io { action, file: file.to_owned(), cause }
    }
}
