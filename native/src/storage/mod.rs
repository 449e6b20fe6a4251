//! Files and pages: where an index's bytes come from and go to.
//!
//! ```text
//!   Check::Full    file ──read──► fresh pages ─┐
//!   Check::Header  file ──mmap, private──────► ├─► Region ──► Index ──► temporary file ─sync─ rename
//!   growing                  HugePages ────────┘
//!   Folder         a directory as the files of a durable store
//! ```
//!
//! - A snapshot file is never modified once it has its name: [`write_atomically`] writes beside it,
//!   syncs, renames and syncs the directory, so a crash leaves the old file or the new one.
//! - The directory of a store ([`Folder`]) is locked while it is open, by the system: nobody else
//!   writes there, and a process that is killed leaves no lock behind.
//! - A mapping is private and copy-on-write: what an open index changes never reaches the file.
//! - Everything `unsafe` of this crate is in `mmap`.
//!
//! Deliberately absent: locks on snapshot files. Replacing a mapped file by rename is safe; cutting one in
//! place is not, and nothing here does it (see [`open_mapped`]).

mod folder;
mod mmap;
mod pages;
mod write;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

pub use folder::Folder;
pub use mmap::open_mapped;
pub use pages::{HugePages, read};
pub use write::write_atomically;

/// A snapshot file that could not be opened or written: which, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The file could not be opened or read.
    #[error("cannot read {}: {cause}; check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// A directory, pipe or device.
    #[error("{} is not a regular file; pass a snapshot written by ecphory", .0.display())]
    NotAFile(PathBuf),
    /// A file of no bytes.
    #[error("{} is empty; restore the file from its source or build it again", .0.display())]
    Empty(PathBuf),
    /// The file is larger than memory, or than the address space.
    #[error("no room for the {bytes} bytes of {}; free memory", path.display())]
    OutOfMemory {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
    },
    /// The file could not be written. Whatever had its name before is unchanged.
    #[error("cannot write {}: {cause}; check the directory, its permissions and free space", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// The bytes were read and are not a usable snapshot.
    #[error("{}: {cause}", path.display())]
    Snapshot {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        cause: ecphory::Error,
    },
}

/// A regular file that holds at least one byte, and its length.
fn open_file(path: &Path) -> Result<(File, usize), StorageError> {
    let failed = |cause| StorageError::Read { path: path.to_owned(), cause };
    // Opening a pipe waits for whoever writes to it.
    if !path.metadata().map_err(failed)?.is_file() {
        return Err(StorageError::NotAFile(path.to_owned()));
    }
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    match usize::try_from(metadata.len()) {
        Ok(0) => Err(StorageError::Empty(path.to_owned())),
        Ok(len) => Ok((file, len)),
        Err(_) => Err(out_of_memory(path, metadata.len())),
    }
}

fn out_of_memory(path: &Path, bytes: u64) -> StorageError {
    StorageError::OutOfMemory { path: path.to_owned(), bytes }
}
