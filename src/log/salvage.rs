//! Reading a log that recovery refuses: every frame that holds, whatever lies between.

use super::StoreError;
use super::frame::Place;
use super::manifest::Manifest;
use super::recover::{Visit, damaged};
use super::segment::{Reader, is_segment, name_of, number_of, read, store_of};
use super::storage::Storage;

/// Frames of a damaged log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frames {
    /// Frames that were read.
    pub(crate) read: u64,
    /// Frames that do not hold, as far as the numbers of others tell.
    pub(crate) lost: u64,
    /// Segments whose headers do not hold, or of nobody knows which store.
    pub(crate) segments: u64,
}

/// Tells `visit` of every frame that holds, of the segments that a manifest needs, or of all. Without
/// one they are of the store that the first of them says.
pub(crate) fn read_what_holds(
    storage: &dyn Storage,
    names: &[String],
    manifest: Option<&Manifest>,
    visit: Visit<'_>,
) -> Result<Frames, StoreError> {
    let mut segments: Vec<u64> = names.iter().filter_map(|name| number_of(name)).collect();
    let first = manifest.map_or(0, |manifest| manifest.segment);
    let mut store = manifest.map(|manifest| manifest.store);
    segments.retain(|&segment| segment >= first);
    segments.sort_unstable();
    let mut frames = Frames::default();
    if let Some(manifest) = manifest {
        let there = segments.first().map_or(manifest.segment + 1, |&segment| segment);
        frames.segments += there - manifest.segment;
    }
    // What the frames of the next segment follow: nothing is known of the first.
    let (mut next, mut chain) = (0, 0);
    for segment in segments {
        let Ok(bytes) = read(storage, &name_of(segment)) else {
            frames.segments += 1;
            continue;
        };
        store = store.or_else(|| store_of(&bytes));
        let Some(store) = store else {
            frames.segments += 1;
            continue;
        };
        let place = Place { store, segment };
        let mut reader = if is_segment(&bytes, place) {
            Reader::over(bytes, place).map_err(|reason| damaged(segment, 0, reason))?
        } else {
            frames.segments += 1;
            Reader::headless(bytes, place, next, chain)
        };
        if next > 0 {
            frames.lost = frames.lost.saturating_add(reader.head.first.saturating_sub(next));
        }
        loop {
            while let Some((lsn, payload)) = reader.next() {
                frames.read += 1;
                visit(lsn, payload)?;
            }
            // Zeros are ahead of frames that were never written.
            if reader.left() == 0 {
                break;
            }
            let Some(lost) = reader.skip() else {
                // The last of them, or a crash's.
                frames.lost += 1;
                break;
            };
            frames.lost = frames.lost.saturating_add(lost);
        }
        (next, chain) = (reader.next, reader.chain);
    }
    if let Some(manifest) = manifest {
        let last = next.max(1) - 1;
        frames.lost = frames.lost.max(manifest.durable.saturating_sub(last.max(frames.read)));
    }
    Ok(frames)
}
