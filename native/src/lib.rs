//! ecphory on a server: mapped snapshots, thread pools, vector files and measurements around the
//! core index, and the `ecphory` command.
//!
//! ```text
//!   vectors ──► Index (core) ◄── exec      npy, fvecs, bvecs · threads to build and search with
//!                 ▲     │
//!   storage ──────┘     └──► bench         mapped files, huge pages · recall against speed
//! ```
//!
//! | to do this | take |
//! |---|---|
//! | read vectors that NumPy or a benchmark wrote | [`vectors::read`] |
//! | build and search with several threads | [`Pool`] |
//! | keep spaces that outlive the process | [`open_store`] |
//! | write to them without a wait for the disk | [`open_store_with`], [`Upkeep`] |
//! | keep an index in a file | [`save`], [`open`] |
//! | grow an index in huge pages | [`HugePages`] |
//! | measure recall, speed and memory | [`bench::run`] |
//!
//! # Example
//! ```
//! use ecphory_native::ecphory::{Check, Index, Metric};
//! use ecphory_native::{Pool, open, save};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Points on a spiral: any vectors of one length will do.
//! let vectors: Vec<f32> = (0..1000)
//!     .map(|i| i as f32 / 50.0)
//!     .flat_map(|t| [t.cos() * t, t.sin() * t])
//!     .collect();
//! let keys: Vec<u64> = (0..1000).collect();
//!
//! let index = Index::builder(2).metric(Metric::L2).build()?;
//! index.bulk_build(&keys, &vectors, &Pool::per_core()?, &mut |_| true)?;
//!
//! let path = std::env::temp_dir().join(format!("spiral-{}.ecp", std::process::id()));
//! save(&index, &path)?;
//! let opened = open(&path, Check::Header)?;
//! let hits = opened.search(&vectors[2 * 421..][..2]).k(3).run()?;
//! assert_eq!(hits[0].key, 421);
//! # std::fs::remove_file(path)?;
//! # Ok(())
//! # }
//! ```

pub mod bench;
mod exec;
pub mod storage;
mod upkeep;
pub mod vectors;

use std::path::Path;
use std::sync::Arc;

pub use ecphory;
use ecphory::log::StoreError;
use ecphory::{Check, Index, Store, StoreBuilder};

pub use exec::{Pool, PoolError, cores};
pub use storage::{Folder, HugePages, StorageError};
pub use upkeep::{Upkeep, UpkeepBuilder};

/// Opens a snapshot.
///
/// With [`Check::Header`] the file is mapped, in time that does not depend on its size; use it for
/// files that this program wrote and keeps (see [`storage::open_mapped`]). With [`Check::Full`] the
/// file is read into memory and all of it is verified, so that neither what it holds nor what
/// happens to it later matters. Either way the file is never changed.
///
/// # Errors
/// [`StorageError`] if the file cannot be read, or is not a usable snapshot.
pub fn open(path: impl AsRef<Path>, check: Check) -> Result<Index, StorageError> {
    let path = path.as_ref();
    let region = match check {
        Check::Full => storage::read(path)?,
        Check::Header => storage::open_mapped(path)?,
    };
    // The dimension comes from the snapshot; a builder cannot be had without one.
    Index::builder(1)
        .allocator(Arc::new(HugePages))
        .open(region, check)
        .map_err(|cause| StorageError::Snapshot { path: path.to_owned(), cause })
}

/// Writes a snapshot of `index` to `path`, replacing what is there only once all of it is safely on
/// disk. Returns its length in bytes.
///
/// # Errors
/// [`StorageError::Write`] if the file cannot be written; then `path` is as it was.
pub fn save(index: &Index, path: impl AsRef<Path>) -> Result<u64, StorageError> {
    let path = path.as_ref();
    storage::write_atomically(path, |out| index.write_snapshot(out))?;
    let metadata = path.metadata();
    metadata
        .map(|metadata| metadata.len())
        .map_err(|cause| StorageError::Read { path: path.to_owned(), cause })
}

/// Opens the store in a directory, or makes one there: nothing that was acknowledged is lost,
/// whatever happens to the process or the power.
///
/// Snapshots are mapped, memory for growth comes in huge pages. For anything else, use
/// [`open_store_with`], or [`Store::builder`] and a [`Folder`].
///
/// ```
/// use ecphory_native::ecphory::{Index, Metric};
///
/// # let path = std::env::temp_dir().join(format!("store-{}", std::process::id()));
/// let store = ecphory_native::open_store(&path)?;
/// let words = store.create("words", Index::builder(2).metric(Metric::L2))?;
/// words.upsert(1, &[0.0, 1.0])?; // on disk when this returns
/// assert_eq!(words.search(&[0.0, 2.0]).k(1).run()?[0].key, 1);
/// store.close()?;
/// # drop((words, store));
/// # std::fs::remove_dir_all(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`StoreError::Io`] if the directory cannot be read or written, or is in use;
/// [`StoreError::Damaged`].
pub fn open_store(path: impl AsRef<Path>) -> Result<Store, StoreError> {
    open_store_with(path, Store::builder())
}

/// As [`open_store`], with what a builder says but for its allocator: such as
/// [`Ack::Buffered`](ecphory::Ack::Buffered), where an [`Upkeep`] bounds what the power can take.
///
/// # Errors
/// As for [`open_store`].
pub fn open_store_with(path: impl AsRef<Path>, builder: StoreBuilder) -> Result<Store, StoreError> {
    let path = path.as_ref();
    let folder = Folder::open(path).map_err(|cause| StoreError::Io {
        action: "open",
        file: path.display().to_string(),
        cause,
    })?;
    builder.allocator(Arc::new(HugePages)).open(Arc::new(folder))
}

/// The README's examples, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
