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
    let mut abandoned = None;
    for (&segment, wanted) in segments[old..].iter().zip(manifest.segment..) {
        if segment != wanted {
            return Err(damaged(wanted, 0, "the segment is missing"));
        }
        let bytes = read(&**storage, &name_of(segment))?;
        let is_bare = bytes.iter().skip(HEADER).all(|&byte| byte == 0);
        let may_be_unused = is_bare && Some(&segment) == segments.last();
        let reader = Reader::over(bytes, Place { store: manifest.store, segment });
        let mut reader = match (reader, &last) {
            (found, Some(before)) if may_be_unused && is_unused(&found, before) => {
                abandoned = Some(segment);
                break;
            }
            (Ok(reader), Some(before)) => {
                let head = &reader.head;
                if (head.first, head.chain) != (before.next, before.chain) || before.left() > 0 {
                    let reason = "a durable frame does not hold";
                    return Err(damaged(segment - 1, before.end as u64, reason));
                }
                reader
            }
            (Ok(reader), None) => reader,
            (Err(reason), _) => return Err(damaged(segment, 0, reason)),
        };
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
        if let Some(segment) = abandoned {
            let name = name_of(segment);
            storage.remove(&name).map_err(StoreError::io("remove", &name))?;
        }
        if cut > 0 {
            file.set_len(end).map_err(StoreError::io("cut", &name))?;
        }
        // What was read is acted upon, so it must not be lost any more.
        file.sync().and_then(|()| storage.sync()).map_err(StoreError::io(SYNC, &name))?;
    }
    let filled = if cut > 0 { end } else { last.len() };
    let is_suspect = names.iter().any(|name| name == POISONED_FILE);
    let writer = Writer {
        is_suspect,
        file,
        segment: place.segment,
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
    for segment in manifest.segment..end {
        let place = Place { store: manifest.store, segment };
        let reader = Reader::over(read(storage, &name_of(segment))?, place);
        let mut reader = reader.map_err(|reason| damaged(segment, 0, reason))?;
        while let Some((lsn, payload)) = reader.next() {
            visit(lsn, payload)?;
        }
        if reader.left() > 0 {
            return Err(damaged(segment, reader.end as u64, "a frame does not hold"));
        }
    }
    Ok(())
}

/// Whether a segment without frames was given up, or never finished: the one before went on, by
/// frames or by what a crash has left of one. One that follows the last of its frames is begun in
/// earnest; one that says there were more of them is a witness that they are gone.
fn is_unused(found: &Result<Reader, &'static str>, before: &Reader) -> bool {
    found.as_ref().map_or(true, |reader| {
        let first = reader.head.first;
        first < before.next || (first == before.next && before.left() > 0)
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
    let writer =
        Writer { file, segment: 1, end, filled, reserved: 0, next: 1, chain: 0, is_suspect: false };
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
