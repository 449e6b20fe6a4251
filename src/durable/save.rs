//! Writing a snapshot: whole, or of what has changed since the one before.
//!
//! ```text
//!   index ──pages──► equal to those before? ──► shared with a file that is there
//!                                          └──► written to a new one
//! ```
//! A checkpoint after one change in a hundred touches most links, and few vectors, codes and
//! payloads: those are shared. What is shared was verified and compared, byte by byte.

use std::io::{self, BufWriter, Write};

use super::{Inner, damaged};
use crate::index::Index;
use crate::log::{
    File, PAGE, PARTS_MAX, Part, Storage, StoreError, finish, parts_of, snapshot_name,
    snapshot_region,
};
use crate::snapshot::{Place, Verified};

/// Writes the snapshot of an index as a file of its own, durably but for its name.
pub(super) fn save(inner: &Inner, file: u64, index: &Index) -> Result<(), StoreError> {
    let name = snapshot_name(file);
    let made = inner.storage.create(&name).map_err(StoreError::io("create", &name))?;
    let mut out = BufWriter::with_capacity(1 << 20, Sequential { file: &*made, end: 0 });
    let written = index.write_snapshot(&mut out).and_then(|()| out.flush());
    written.map_err(StoreError::io("write", &name))?;
    drop(out);
    sync(&*made, &name)
}

/// The same beside the snapshot before, of which equal pages are shared if that saves enough.
///
/// # Errors
/// [`StoreError::Damaged`] if the one before does not hold: what is wrong there would be written
/// with checksums that hold.
pub(super) fn save_after(
    inner: &Inner,
    before: u64,
    file: u64,
    index: &Index,
) -> Result<(), StoreError> {
    let storage = &*inner.storage;
    let old = verified(storage, before)?;
    if (old.bytes().len() as u64) < inner.share_from {
        return save(inner, file, index);
    }
    let parts = parts_of(storage, before)?;
    let name = snapshot_name(file);
    let found = Found::beside(&old, &parts, index).map_err(StoreError::io("write", &name))?;
    if !found.is_worth_it(storage)? {
        return save(inner, file, index);
    }
    drop(old);
    let made = storage.create(&name).map_err(StoreError::io("create", &name))?;
    let written = found.write(index, file, &*made);
    written.map_err(StoreError::io("write", &name))?;
    sync(&*made, &name)
}

/// A snapshot of which every byte was verified.
pub(super) fn verified(storage: &dyn Storage, file: u64) -> Result<Verified, StoreError> {
    let region = snapshot_region(storage, file)?;
    Verified::open(region).map_err(|error| damaged(&snapshot_name(file), error))
}

/// A sync that fails here loses a file that nobody knows of.
fn sync(file: &dyn File, name: &str) -> Result<(), StoreError> {
    file.sync().map_err(StoreError::io("write", name))
}

/// What is there of a snapshot to be written.
struct Found {
    /// Its length.
    len: u64,
    /// Where each of its pages is, in which file and from which byte on.
    pages: Vec<Option<(u64, u64)>>,
}

impl Found {
    /// Compares the pages of an index's snapshot with those before.
    fn beside(old: &Verified, parts: &[Part], index: &Index) -> io::Result<Self> {
        let busy = |_| io::ErrorKind::ResourceBusy;
        let shifts = shifts(old.places(), &index.snapshot_places().map_err(busy)?);
        let places = pages_of(parts);
        let mut found = Self { len: 0, pages: Vec::new() };
        for_each_page(index, &mut |number, page| {
            found.len += page.len() as u64;
            let before = shifts.iter().find(|shift| shift.new.contains(&number));
            let before = before.map(|shift| (shift.old + number - shift.new.start) as usize);
            let start = before.map_or(usize::MAX, |before| before * PAGE as usize);
            let is_same = page.len() as u64 == PAGE
                && start.checked_add(page.len()).and_then(|end| old.bytes().get(start..end))
                    == Some(page);
            found.pages.push(before.filter(|_| is_same).map(|before| places[before]));
            Ok(())
        })?;
        found.forget_short_runs();
        Ok(found)
    }

    /// So that there are few parts: what is shared between two that are written is written, too.
    fn forget_short_runs(&mut self) {
        let shortest = 1 + 2 * self.pages.len() / PARTS_MAX;
        let mut start = 0;
        while start < self.pages.len() {
            let end = self.run(start);
            if end - start < shortest {
                self.pages[start..end].fill(None);
            }
            start = end;
        }
    }

    /// The end of the pages that are together where they are, from one on.
    fn run(&self, start: usize) -> usize {
        let follows = |&end: &usize| match (self.pages[end - 1], self.pages[end]) {
            (Some((file, offset)), next) => next == Some((file, offset + PAGE)),
            (None, next) => next.is_none(),
        };
        let ends = start + 1..self.pages.len();
        ends.clone().find(|end| !follows(end)).unwrap_or(ends.end)
    }

    /// Whether half of it need not be written, and all the files that it would stand on are no
    /// longer than two of it.
    fn is_worth_it(&self, storage: &dyn Storage) -> Result<bool, StoreError> {
        let shared: Vec<u64> = self.pages.iter().flatten().map(|&(file, _)| file).collect();
        let new = self.len.saturating_sub(shared.len() as u64 * PAGE);
        let mut files = shared;
        files.sort_unstable();
        files.dedup();
        let mut total = new;
        for file in files {
            let name = snapshot_name(file);
            let opened = storage.open(&name).map_err(StoreError::io("open", &name))?;
            total += opened.len().map_err(StoreError::io("read", &name))?;
        }
        Ok(2 * new <= self.len && total <= 2 * self.len)
    }

    /// Writes the pages that are not there, and the list of all.
    fn write(&self, index: &Index, file: u64, out: &dyn File) -> io::Result<()> {
        let mut end = PAGE;
        for_each_page(index, &mut |number, page| {
            if self.pages[number as usize].is_none() {
                out.write_at(end, page)?;
                end += page.len() as u64;
            }
            Ok(())
        })?;
        let mut parts = Vec::new();
        let (mut start, mut own) = (0, PAGE);
        while start < self.pages.len() {
            let run = self.run(start);
            let len = (run as u64 * PAGE).min(self.len) - start as u64 * PAGE;
            let (file, offset) = self.pages[start].unwrap_or((file, own));
            if self.pages[start].is_none() {
                own += len;
            }
            parts.push(Part { file, offset, len });
            start = run;
        }
        finish(out, &parts, end)
    }
}

/// Where each page of a snapshot is.
fn pages_of(parts: &[Part]) -> Vec<(u64, u64)> {
    let pages = |part: &Part| {
        let (file, offset) = (part.file, part.offset);
        (0..part.len.div_ceil(PAGE)).map(move |page| (file, offset + page * PAGE))
    };
    parts.iter().flat_map(pages).collect()
}

/// Pages of one section, before and now.
struct Shift {
    /// The first before.
    old: u64,
    new: std::ops::Range<u64>,
}

/// The sections that fill pages in both: nothing else is looked for, and nothing relies on it.
fn shifts(old: &[Place], new: &[Place]) -> Vec<Shift> {
    let shift = |new: &Place| {
        let old = old.iter().find(|old| old.kind == new.kind)?;
        let is_paged = old.len >= PAGE && new.len >= PAGE;
        let (start, end) = (new.offset / PAGE, (new.offset + new.len).div_ceil(PAGE));
        is_paged.then_some(Shift { old: old.offset / PAGE, new: start..end })
    };
    new.iter().filter_map(shift).collect()
}

/// Tells of each page of an index's snapshot, of which the last may be shorter.
fn for_each_page(
    index: &Index,
    each: &mut dyn FnMut(u64, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut pages = Pages { page: Vec::with_capacity(PAGE as usize), number: 0, each };
    index.write_snapshot(&mut pages)?;
    if pages.page.is_empty() { Ok(()) } else { pages.turn() }
}

struct Pages<'a> {
    page: Vec<u8>,
    number: u64,
    each: &'a mut dyn FnMut(u64, &[u8]) -> io::Result<()>,
}

impl Pages<'_> {
    fn turn(&mut self) -> io::Result<()> {
        (self.each)(self.number, &self.page)?;
        self.page.clear();
        self.number += 1;
        Ok(())
    }
}

impl Write for Pages<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let some = &bytes[..bytes.len().min(PAGE as usize - self.page.len())];
        self.page.extend_from_slice(some);
        if self.page.len() as u64 == PAGE {
            self.turn()?;
        }
        Ok(some.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a file from its beginning.
struct Sequential<'a> {
    file: &'a dyn File,
    end: u64,
}

impl Write for Sequential<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_at(self.end, bytes)?;
        self.end += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
