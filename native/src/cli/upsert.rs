//! `ecphory upsert`: items added to a snapshot, or given other vectors.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{bail, ensure};
use clap::Args;
use ecphory_native::ecphory::exec::Exec;
use ecphory_native::ecphory::{Error, Index, Item};
use ecphory_native::vectors::{self, Vectors};
use ecphory_native::{Pool, cores};
use serde::Serialize;

use super::change::{Changed, Written};
use super::output::Output;
use super::progress::Line;
use super::{format, keys};

/// Vectors of each thread between two looks at the progress, and those it takes at once.
const PIECE: usize = 64;
const GRAIN: usize = 4;
/// Attempts at one vector while threads keep dead items from making room.
const ATTEMPTS: usize = 1000;

#[derive(Args)]
pub(super) struct Upsert {
    #[command(flatten)]
    changed: Changed,

    /// Vectors: .npy (f32, f16, u8, i8), .fvecs or .bvecs.
    #[arg(long, value_name = "FILE")]
    vectors: PathBuf,

    /// One key a vector: .npy (i32, u32, i64, u64), .ivecs, or a number a line (.txt). An item that
    /// has the key gets the vector and keeps its tags; else it is a new one's. The numbers after the
    /// largest key unless given.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,

    /// One name a vector, on a line each, in place of keys.
    #[arg(long, value_name = "FILE", conflicts_with = "keys")]
    names: Option<PathBuf>,

    /// Threads that write. With one, the same input gives the same file.
    #[arg(long, value_name = "N", default_value_t = cores())]
    threads: usize,
}

/// What was added.
#[derive(Serialize)]
struct Upserted {
    inserted: usize,
    replaced: usize,
    seconds: f64,
    #[serde(flatten)]
    written: Written,
}

impl Upsert {
    pub(super) fn run(self, output: &Output) -> anyhow::Result<()> {
        let pool = Pool::new(self.threads)?;
        let mut line = Line::new();
        line.say("reading");
        let vectors = vectors::read(&self.vectors)?;
        let index = self.changed.open()?;
        let names = self.names.as_deref().map(|path| keys::names(path, &vectors)).transpose()?;
        let items: Vec<Item<'_>> = if let Some(names) = &names {
            names.iter().zip(vectors.iter()).map(|(n, v)| Item::named(n, v)).collect()
        } else {
            let keys = self.keys(&index, &vectors)?;
            keys.into_iter().zip(vectors.iter()).map(|(k, v)| Item::new(k, v)).collect()
        };

        let start = Instant::now();
        let replaced = upsert(&index, &items, vectors.dim(), &pool, &mut line)?;
        let written = self.changed.write(&index, true, &mut line)?;
        let seconds = start.elapsed().as_secs_f64();
        drop(line);
        let inserted = items.len() - replaced;
        output.result(&Upserted { inserted, replaced, seconds, written }, |done| done.text(output))
    }

    fn keys(&self, index: &Index, vectors: &Vectors) -> anyhow::Result<Vec<u64>> {
        match &self.keys {
            Some(path) => keys::distinct(path, vectors),
            None => following(index.keys()?.last().copied(), vectors.rows()),
        }
    }
}

/// The first `count` numbers after the largest key.
pub(super) fn following(largest: Option<u64>, count: usize) -> anyhow::Result<Vec<u64>> {
    let first = match largest {
        None => Some(0),
        Some(largest) => largest.checked_add(1),
    };
    let last = first.and_then(|first| first.checked_add(count.checked_sub(1)? as u64));
    let (Some(first), Some(last)) = (first, last) else {
        bail!("no {count} keys are left after the largest of the index; pass --keys FILE");
    };
    Ok((first..=last).collect())
}

/// Writes the items, of `got` components each; returns how many were there before.
fn upsert(
    index: &Index,
    items: &[Item<'_>],
    got: usize,
    pool: &Pool,
    line: &mut Line,
) -> anyhow::Result<usize> {
    let expected = index.options().dim;
    ensure!(expected == got, Error::DimensionMismatch { expected, got });
    if index.is_empty() {
        // Faster, and the way to begin where codes are all that is kept.
        index.bulk_build_items(items, pool, &mut |progress| {
            line.build(progress);
            true
        })?;
        return Ok(0);
    }
    on_all_threads(items, pool, line, |item| write_one(index, item))
        .map_err(|(row, error)| in_row(error, row).into())
}

/// Writes items on all threads of a pool; returns how many were there before, as `write` says.
///
/// # Errors
/// What `write` returned of the first row that it refused.
pub(super) fn on_all_threads<E: Send>(
    items: &[Item<'_>],
    pool: &Pool,
    line: &mut Line,
    write: impl Fn(&Item<'_>) -> Result<bool, E> + Sync,
) -> Result<usize, (usize, E)> {
    let replaced = AtomicUsize::new(0);
    let piece = PIECE * pool.width();
    for (number, piece_of_items) in items.chunks(piece).enumerate() {
        let start = number * piece;
        line.count("adding", start, items.len());
        let refused: Mutex<Option<(usize, E)>> = Mutex::new(None);
        pool.for_each(piece_of_items.len(), GRAIN, &|range| {
            for place in range {
                match write(&piece_of_items[place]) {
                    Ok(had_one) => {
                        replaced.fetch_add(usize::from(had_one), Relaxed);
                    }
                    Err(error) => note(&refused, start + place, error),
                }
            }
        });
        if let Some(refused) = refused.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(refused);
        }
    }
    Ok(replaced.into_inner())
}

/// Keeps the error of the first row.
fn note<E>(refused: &Mutex<Option<(usize, E)>>, row: usize, error: E) {
    // Rarely contended: most rows are not refused.
    let mut first = refused.lock().unwrap_or_else(PoisonError::into_inner);
    if first.as_ref().is_none_or(|(other, _)| row < *other) {
        *first = Some((row, error));
    }
}

/// Tries again while others keep what was replaced from making room: they are about to be through.
pub(super) fn patiently<E>(
    is_overloaded: impl Fn(&E) -> bool,
    write: impl Fn() -> Result<bool, E>,
) -> Result<bool, E> {
    for _ in 1..ATTEMPTS {
        match write() {
            Err(error) if is_overloaded(&error) => std::thread::yield_now(),
            done => return done,
        }
    }
    write()
}

/// Adds an item, or gives it another vector; then it keeps its tags and payload.
fn write_one(index: &Index, item: &Item<'_>) -> Result<bool, Error> {
    let is_overloaded = |error: &Error| matches!(error, Error::Overloaded { .. });
    patiently(is_overloaded, || Ok(index.update_item(item)? || index.upsert_item(item)?))
}

/// The error of a single vector as that of a row of the file.
pub(super) fn in_row(error: Error, row: usize) -> Error {
    match error {
        Error::NotFinite { component, .. } => Error::NotFinite { row, component },
        Error::TooLong { .. } => Error::TooLong { row },
        Error::ZeroVector { .. } => Error::ZeroVector { row },
        Error::F16Range { component, .. } => Error::F16Range { row, component },
        other => other,
    }
}

impl Upserted {
    fn text(&self, output: &Output) -> String {
        let Self { inserted, replaced, seconds, written } = self;
        let mut rows = vec![
            ("inserted", format::count(*inserted)),
            ("replaced", format::count(*replaced)),
            ("took", format::seconds(*seconds)),
        ];
        rows.extend(written.rows());
        output.rows(&rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_the_largest() {
        assert_eq!(following(None, 3).unwrap(), [0, 1, 2]);
        assert_eq!(following(Some(41), 1).unwrap(), [42]);
        assert_eq!(following(Some(u64::MAX - 2), 2).unwrap(), [u64::MAX - 1, u64::MAX]);
        assert!(following(Some(u64::MAX - 2), 3).is_err());
        assert!(following(Some(u64::MAX), 1).is_err());
    }
}
