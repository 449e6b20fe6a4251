//! `ecphory associate`, `recollect`, `forget` and `retention`: what a space remembers.
//!
//! ```text
//!   associate    items ──"is a", "caused"──► items
//!   retention    how the space fades       forget     what has faded, listed or taken out
//!   recollect    a cue ──likeness, associations──► what it brings to mind, and by which way
//! ```
//! The library reads no clock: unless told the time, these commands pass that of the system.

mod associate;
mod forget;
mod recollect;
mod retention;

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{anyhow, bail};
use clap::Args;
use ecphory_native::ecphory::{Space, Store};

pub(super) use associate::Associate;
pub(super) use forget::Forget;
pub(super) use recollect::Recollect;
pub(super) use retention::{Fading, Retain};

use super::{keys, store};

/// The space that a command is about.
#[derive(Args)]
struct Of {
    /// The directory of the store.
    folder: PathBuf,

    /// The space.
    space: String,
}

impl Of {
    /// Opens it, and changes nothing.
    fn open_to_read(&self) -> anyhow::Result<(Store, Space)> {
        let store = store::open_to_read(&self.folder)?;
        let space = find(&store, &self.space)?;
        Ok((store, space))
    }

    fn open_to_write(&self) -> anyhow::Result<(Store, Space)> {
        let store = store::open_to_write(&self.folder)?;
        let space = find(&store, &self.space)?;
        Ok((store, space))
    }
}

/// A space of a store.
pub(super) fn find(store: &Store, name: &str) -> anyhow::Result<Space> {
    if let Some(space) = store.space(name) {
        return Ok(space);
    }
    let there: Vec<String> = store.spaces().iter().map(|name| format!("{name:?}")).collect();
    match there[..] {
        [] => bail!("there is no space {name:?}; make one with ecphory import"),
        _ => bail!("there is no space {name:?}; there are: {}", there.join(", ")),
    }
}

/// The key of an item that must be there.
fn key(space: &Space, word: &str) -> anyhow::Result<u64> {
    keys::key_in(space, word).filter(|&key| space.contains(key)).ok_or_else(|| {
        let start: String = word.chars().take(32).collect();
        anyhow!(
            "the space {:?} has no item {start:?}; write the key or the name of one that is there",
            space.name()
        )
    })
}

/// The time that the system says it is, in milliseconds since 1970.
fn system_time() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
