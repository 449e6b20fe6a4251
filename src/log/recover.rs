//! What a log holds after whatever happened: every frame that was durable, or an error that says
//! which one is gone.

use std::sync::Arc;

use super::StoreError;
use super::frame::Place;
use super::manifest::Manifest;
use super::segment::{HEADER, Head, Reader, name_of, number_of, read};
use super::storage::{File, Storage};
use super::write::{Log, POISONED_FILE, SYNC, Sizes, Writer, begin};

/// Is told of the number and the payload of each frame.
pub(crate) type Visit<'a> = &'a mut dyn FnMut(u64, &[u8]) -> Result<(), StoreError>;

/// Tells `visit` of every frame from the manifest's first segment on, in order, and opens the log
/// behind the last.
///
/// # Errors
/// [`StoreError::Damaged`] if a frame that was durable does not hold; what `visit` returns. Nothing
/// was changed then.
pub(crate) fn recover(
    storage: &Arc<dyn Storage>,
    names: &[String],
    manifest: &Manifest,
    sizes: Sizes,
    is_read_only: bool,
    visit: Visit<'_>,
) -> Result<Log, StoreError> {
    let mut segments: Vec<u64> = names.iter().filter_map(|name| number_of(name)).collect();
    segments.sort_unstable();
    let old = segments.partition_point(|&segment| segment < manifest.segment);
    let mut last: Option<Reader> = None;
    let mut abandoned: &[u64] = &[];
    let is_suspect = names.iter().any(|name| name == POISONED_FILE);
    for (i, (&segment, wanted)) in segments[old..].iter().zip(manifest.segment..).enumerate() {
        if segment != wanted {
            return Err(damaged(wanted, 0, "the segment is missing"));
        }
        let bytes = read(&**storage, &name_of(segment))?;
        let is_bare = is_bare(&bytes);
        let reader = Reader::over(bytes, Place { store: manifest.store, segment });
        if let Some(before) = &last
            && is_bare
            && (is_suspect || Some(&segment) == segments.last())
            && (is_unused(&reader, before, is_suspect))
            && are_bare(&**storage, &segments[old + i..])?
        {
            abandoned = &segments[old + i..];
            break;
        }
        let mut reader = reader.map_err(|reason| damaged(segment, 0, reason))?;
        check_follows(&reader, last.as_ref())?;
        while let Some((lsn, payload)) = reader.next() {
            visit(lsn, payload)?;
        }
        last = Some(reader);
    }
    let Some(last) = last else {
        return Err(damaged(manifest.segment, 0, "the segment is missing"));
    };
    let place = last.head.place;
    if last.next <= manifest.durable || last.has_witness() {
        return Err(damaged(place.segment, last.end as u64, "a durable frame does not hold"));
    }
    let name = name_of(place.segment);
    let file: Arc<dyn File> = storage.open(&name).map_err(StoreError::io("open", &name))?.into();
    let (end, cut) = (last.end as u64, last.left());
    if !is_read_only {
        let remove = |segment: u64| {
            let name = name_of(segment);
            storage.remove(&name).map_err(StoreError::io("remove", &name))
        };
        if let Some((&first, others)) = abandoned.split_first() {
            // The first goes last, and when the others are gone for good: without it, one of them
            // would be taken for the witness of a gap.
            others.iter().try_for_each(|&segment| remove(segment))?;
            if !others.is_empty() {
                storage.sync().map_err(StoreError::io(SYNC, &name))?;
            }
            remove(first)?;
        }
        if cut > 0 {
            file.set_len(end).map_err(StoreError::io("cut", &name))?;
        }
        // What was read is acted upon, so it must not be lost any more.
        file.sync().and_then(|()| storage.sync()).map_err(StoreError::io(SYNC, &name))?;
    }
    let filled = if cut > 0 { end } else { last.len() };
    let writer = Writer {
        is_suspect,
        file,
        segment: place.segment,
        held: Vec::new(),
        end,
        filled,
        reserved: 0,
        next: last.next,
        chain: last.chain,
    };
    let log = Log::over(Arc::clone(storage), manifest.store, sizes, writer);
    Ok(if is_read_only { log.read_only() } else { log })
}

/// Tells `visit` of every frame from the manifest's first segment on to `end`, which no frame is
/// added to any more.
pub(crate) fn read_sealed(
    storage: &dyn Storage,
    manifest: &Manifest,
    end: u64,
    visit: Visit<'_>,
) -> Result<(), StoreError> {
    let mut before: Option<Reader> = None;
    for segment in manifest.segment..=end {
        let place = Place { store: manifest.store, segment };
        let reader = Reader::over(read(storage, &name_of(segment))?, place);
        let mut reader = reader.map_err(|reason| damaged(segment, 0, reason))?;
        check_follows(&reader, before.as_ref())?;
        if segment == end {
            break;
        }
        while let Some((lsn, payload)) = reader.next() {
            visit(lsn, payload)?;
        }
        before = Some(reader);
    }
    Ok(())
}

/// Refuses a segment that does not follow the last frame of the one before, or that hides something
/// there that does not hold.
fn check_follows(reader: &Reader, before: Option<&Reader>) -> Result<(), StoreError> {
    let Some(before) = before else { return Ok(()) };
    let Head { place, first, chain } = reader.head;
    if (first, chain) != (before.next, before.chain) || before.left() > 0 {
        let (segment, end) = (place.segment - 1, before.end as u64);
        return Err(damaged(segment, end, "a durable frame does not hold"));
    }
    Ok(())
}

/// Whether a segment has no frames.
fn is_bare(bytes: &[u8]) -> bool {
    bytes.iter().skip(HEADER).all(|&byte| byte == 0)
}

fn are_bare(storage: &dyn Storage, segments: &[u64]) -> Result<bool, StoreError> {
    for &segment in segments {
        if !is_bare(&read(storage, &name_of(segment))?) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a segment without frames was given up, or never finished: the one before went on, by
/// frames or by what a crash has left of one. One that follows the last of its frames is begun in
/// earnest; one that says there were more of them is a witness that they are gone, unless it was
/// begun after a sync had failed, on the word of a cache that the power took.
fn is_unused(found: &Result<Reader, &'static str>, before: &Reader, is_suspect: bool) -> bool {
    found.as_ref().map_or(true, |reader| {
        let first = reader.head.first;
        first < before.next
            || (first == before.next && before.left() > 0)
            || (first > before.next && is_suspect)
    })
}

/// Begins the log of a new store.
pub(crate) fn create(
    storage: &Arc<dyn Storage>,
    store: u64,
    sizes: Sizes,
) -> Result<Log, StoreError> {
    let file = begin_at(&**storage, Place { store, segment: 1 }, 1)?;
    let (end, filled) = (HEADER as u64, HEADER as u64);
    let writer = Writer {
        file,
        segment: 1,
        held: Vec::new(),
        end,
        filled,
        reserved: 0,
        next: 1,
        chain: 0,
        is_suspect: false,
    };
    Ok(Log::over(Arc::clone(storage), store, sizes, writer))
}

/// Begins a log at a segment and a number that others before may have led to.
pub(crate) fn begin_at(
    storage: &dyn Storage,
    place: Place,
    first: u64,
) -> Result<Arc<dyn File>, StoreError> {
    begin(storage, Head { place, first, chain: 0 })
}

pub(super) fn damaged(segment: u64, offset: u64, reason: &'static str) -> StoreError {
    StoreError::Damaged { file: name_of(segment), offset, reason }
}
