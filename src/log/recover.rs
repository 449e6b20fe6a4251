//! What a log holds after whatever happened: every frame that was durable, or an error that says
//! which one is gone.

use std::sync::Arc;

use super::StoreError;
use super::frame::Place;
use super::manifest::Manifest;
use super::segment::{HEADER, Head, Reader, name_of, number_of, read};
use super::storage::{File, Storage};
use super::write::{Log, SYNC, Sizes, Writer, begin};

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
        let is_last = Some(&segment) == segments.last();
        let place = Place { store: manifest.store, segment };
        let is_bare = bytes.iter().skip(HEADER).all(|&byte| byte == 0);
        let before = last.as_ref().map(|before| (before.next, before.chain));
        let follows = |head: &Head| before.is_none_or(|before| before == (head.first, head.chain));
        let mut reader = match Reader::over(bytes, place) {
            Ok(reader) if follows(&reader.head) => reader,
            // It was begun, and given up or never finished.
            found if is_last && is_bare && before.is_some() && is_unused(&found, before) => {
                abandoned = Some(segment);
                break;
            }
            Ok(_) => return Err(damaged(segment, 32, "it does not follow the segment before")),
            Err(reason) => return Err(damaged(segment, 0, reason)),
        };
        if let Some(before) = &last
            && !before.is_at_end()
        {
            return Err(damaged(segment - 1, before.end as u64, "a frame does not hold"));
        }
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
    let writer = Writer {
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
        if !reader.is_at_end() {
            return Err(damaged(segment, reader.end as u64, "a frame does not hold"));
        }
    }
    Ok(())
}

/// Whether a segment without frames was begun when the one before had fewer frames than it has now.
fn is_unused(found: &Result<Reader, &'static str>, before: Option<(u64, u32)>) -> bool {
    let next = before.map_or(0, |(next, _)| next);
    found.as_ref().map_or(true, |reader| reader.head.first < next)
}

/// Begins the log of a new store.
pub(crate) fn create(
    storage: &Arc<dyn Storage>,
    store: u64,
    sizes: Sizes,
) -> Result<Log, StoreError> {
    let file = begin_at(&**storage, Place { store, segment: 1 }, 1)?;
    let (end, filled) = (HEADER as u64, HEADER as u64);
    let writer = Writer { file, segment: 1, end, filled, reserved: 0, next: 1, chain: 0 };
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

fn damaged(segment: u64, offset: u64, reason: &'static str) -> StoreError {
    StoreError::Damaged { file: name_of(segment), offset, reason }
}
