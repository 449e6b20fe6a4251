//! Reading a log that recovery refuses: every frame that holds, whatever lies between.

use super::StoreError;
use super::frame::Place;
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

/// Tells `visit` of every frame of the segments from `first` on that holds. `store` is whose they
/// are; that of the first one which says so if nothing else is left to.
pub(crate) fn read_what_holds(
    storage: &dyn Storage,
    names: &[String],
    mut store: Option<u64>,
    first: u64,
    visit: Visit<'_>,
) -> Result<Frames, StoreError> {
    let mut segments: Vec<u64> = names.iter().filter_map(|name| number_of(name)).collect();
    segments.retain(|&segment| segment >= first);
    segments.sort_unstable();
    let mut frames = Frames::default();
    // What the frames of the next segment follow: nothing is known of the first.
    let (mut next, mut chain) = (0, 0);
    for segment in segments {
        let bytes = read(storage, &name_of(segment))?;
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
            frames.lost += reader.head.first.saturating_sub(next);
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
            frames.lost += lost;
        }
        (next, chain) = (reader.next, reader.chain);
    }
    Ok(frames)
}
