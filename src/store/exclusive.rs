//! A region that nobody else holds, so that its bytes can be read as plain memory.

use std::ops::Range;
use std::slice;

use super::region::{ALIGN, Region};

/// Bytes that no [`Region`] reaches but this one.
///
/// A region may be cloned and sliced, and an index changes the bytes of the one it holds; reading
/// them as plain memory is sound only before that. This type is the proof: it is made from the
/// last holder of a block, splits into disjoint parts only, and is given up to become a region.
#[derive(Debug)]
pub(crate) struct Exclusive(Region);

impl Exclusive {
    /// The region, if it is the only holder of its block.
    pub(crate) fn new(mut region: Region) -> Option<Self> {
        region.is_only_holder().then_some(Self(region))
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: the block keeps `len` initialised bytes alive. No other region reaches them
        // (`new`, `split`) and none can be made while `self` is borrowed, so nothing writes them.
        unsafe { slice::from_raw_parts(self.0.as_ptr(), self.0.len()) }
    }

    /// The parts `ranges`, each exclusive again; the bytes between them are reachable no more.
    ///
    /// # Panics
    /// The ranges must be ascending, disjoint, inside the region and start on 64 bytes.
    pub(crate) fn split(self, ranges: impl Iterator<Item = Range<usize>>) -> Vec<Self> {
        let mut free = 0;
        let part = |range: Range<usize>| {
            assert!(
                free <= range.start && range.start.is_multiple_of(ALIGN),
                "parts are disjoint, aligned"
            );
            assert!(range.start <= range.end, "parts are ascending");
            free = range.end;
            Self(self.0.slice(range.start, range.len()).expect("parts lie inside the region"))
        };
        ranges.map(part).collect()
    }

    /// Gives the bytes to whoever will change them.
    pub(crate) fn into_region(self) -> Region {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_holder_is_exclusive() {
        let region = Region::copy_of(b"abc").unwrap();
        let clone = region.clone();
        assert!(Exclusive::new(region).is_none(), "a clone is alive");
        assert_eq!(Exclusive::new(clone).unwrap().bytes(), b"abc");
        let slice = Region::copy_of(&[7; 200]).unwrap().slice(64, 10).unwrap();
        assert_eq!(Exclusive::new(slice).unwrap().bytes(), [7; 10]);
    }

    #[test]
    fn parts_are_the_ranges_asked_for() {
        let bytes: Vec<u8> = (0..200).collect();
        let whole = Exclusive::new(Region::copy_of(&bytes).unwrap()).unwrap();
        let parts = whole.split([0..3, 64..64, 64..128, 192..200].into_iter());
        let parts: Vec<&[u8]> = parts.iter().map(Exclusive::bytes).collect();
        assert_eq!(parts, [&bytes[0..3], &[], &bytes[64..128], &bytes[192..200]]);
    }

    #[test]
    #[should_panic(expected = "parts are disjoint")]
    fn parts_that_overlap_are_a_bug() {
        let whole = Exclusive::new(Region::zeroed(200).unwrap()).unwrap();
        whole.split([0..65, 64..128].into_iter());
    }
}
