//! Checksums that hold over whatever an input says, as the format pages of the core have them.

use std::ops::Range;

/// Bytes under one checksum of a snapshot.
pub(super) const BLOCK: usize = 1 << 16;
const HEADER: usize = 64;
const ENTRY: usize = 32;

/// The number of 4 bytes at a place.
pub(super) fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"))
}

/// The number of 8 bytes at a place.
pub(super) fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"))
}

/// Puts a checksum at a place, unless what stands there is to be left.
fn put(bytes: &mut [u8], at: usize, sum: u32) {
    if word(bytes, at) != u32::MAX {
        bytes[at..at + 4].copy_from_slice(&sum.to_le_bytes());
    }
}

/// A part of a file, if it lies inside.
fn range(offset: u64, len: u64, end: usize) -> Option<Range<usize>> {
    let start = usize::try_from(offset).ok()?;
    let range = start..start.checked_add(usize::try_from(len).ok()?)?;
    (range.end <= end).then_some(range)
}

/// The checksums of a snapshot: of blocks, of those, of the header, of the directory.
pub(super) fn snapshot(bytes: &mut [u8]) {
    if bytes.len() < HEADER {
        return;
    }
    let count = word(bytes, 48).min(64) as usize;
    let table = range(long(bytes, 40), (count * ENTRY + 4) as u64, bytes.len());
    if let Some(table) = &table {
        blocks(bytes, table.start, count);
    }
    let sum = crc32c::crc32c(&bytes[..60]);
    put(bytes, 60, sum);
    if let Some(table) = table {
        let end = table.end - 4;
        let sum = crc32c::crc32c_append(sum, &bytes[table.start..end]);
        put(bytes, end, sum);
    }
}

fn blocks(bytes: &mut [u8], directory: usize, count: usize) {
    let entries: Vec<usize> = (0..count).map(|i| directory + i * ENTRY).collect();
    let lens: Vec<u64> = entries.iter().map(|&entry| long(bytes, entry + 16)).collect();
    let blocks: Vec<usize> = lens.iter().map(|&len| len.div_ceil(BLOCK as u64) as usize).collect();
    let total = blocks.iter().try_fold(0usize, |sum, &blocks| sum.checked_add(blocks));
    let Some(mut place) = total
        .and_then(|total| directory.checked_sub(total.checked_mul(4)?))
        .filter(|&place| place >= HEADER)
    else {
        return;
    };
    for ((entry, len), blocks) in entries.into_iter().zip(lens).zip(blocks) {
        let sums = place..place + 4 * blocks;
        if let Some(section) = range(long(bytes, entry + 8), len, sums.start) {
            let found: Vec<u32> = bytes[section].chunks(BLOCK).map(crc32c::crc32c).collect();
            for (at, sum) in sums.clone().step_by(4).zip(found) {
                put(bytes, at, sum);
            }
        }
        let sum = crc32c::crc32c(&bytes[sums.clone()]);
        put(bytes, entry + 4, sum);
        place = sums.end;
    }
}

/// The checksum of a manifest: behind as many bytes as it says, if they are there, or at its end.
pub(super) fn manifest(bytes: &mut [u8]) {
    if bytes.len() < 20 {
        return;
    }
    let len = word(bytes, 12) as usize;
    let end = if (20..=bytes.len()).contains(&len) { len } else { bytes.len() } - 4;
    let sum = crc32c::crc32c(&bytes[..end]);
    put(bytes, end, sum);
}

/// The checksum of a header of 64 bytes: of a segment of the log, of a list of parts.
pub(super) fn header(bytes: &mut [u8]) {
    if bytes.len() >= HEADER {
        let sum = crc32c::crc32c(&bytes[..60]);
        put(bytes, 60, sum);
    }
}

/// The checksum of a list of parts, behind as many as its header says, or at its end.
pub(super) fn list(header: &[u8], list: &mut [u8]) {
    let Some(last) = list.len().checked_sub(4) else { return };
    let end = (word(header, 12) as usize).checked_mul(24).filter(|&end| end <= last);
    let end = end.unwrap_or(last);
    let sum = crc32c::crc32c_append(crc32c::crc32c(&header[..HEADER]), &list[..end]);
    put(list, end, sum);
}

/// The checksums of a frame's header (32 bytes), which stands in a segment of a store. What the
/// payload's is chained to; what the next one's is.
pub(super) fn frame(header: &mut [u8; 32], payload: &[u8], place: [u64; 3], chain: u32) -> u32 {
    put(header, 24, crc32c::crc32c_append(chain, payload));
    let place: Vec<u8> = place.into_iter().flat_map(u64::to_le_bytes).collect();
    let sum = crc32c::crc32c_append(crc32c::crc32c(&place), &header[..28]);
    put(header, 28, sum);
    word(header, 24)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_is_left_as_it_is() {
        let index = ecphory::Index::builder(2).m(4).build().unwrap();
        (0..2000).for_each(|key| index.insert(key, &[key as f32, 1.0]).unwrap());
        let good = index.to_snapshot().unwrap();
        assert!(good.len() > 2 * BLOCK);
        let mut mended = good.clone();
        snapshot(&mut mended);
        assert!(mended == good);
        // A flipped bit anywhere but in the padding and the header's numbers is summed up anew.
        let mut changed = good.clone();
        changed[good.len() / 2] ^= 1;
        snapshot(&mut changed);
        let region = ecphory::Region::copy_of(&changed).unwrap();
        assert!(changed != good && ecphory::Index::open(region, ecphory::Check::Header).is_ok());
    }
}
