//! Sets of numbers as Roaring bitmaps (Chambi, Lemire, Kaser and Godin 2016), in their portable
//! form without runs, which every Roaring library reads.
//!
//! ```text
//!    0  4  12,346
//!    4  4  number of containers, one for each 65,536 numbers of which the set has any
//!    8     for each: the upper half of its numbers (2), how many there are - 1 (2)
//!          for each: its offset from the beginning (4)
//!          for each: up to 4,096 numbers as their lower halves (2 each), ascending;
//!                    more as 65,536 bits
//! ```

use super::fields::{FieldsReader, FieldsWriter};
use crate::error::Result;

const COOKIE: u32 = 12_346;
/// Numbers of a container that is a list, at most.
const LIST_MAX: usize = 4096;
/// Numbers that a container may hold, and bytes of one that is bits.
const RANGE: usize = 1 << 16;
const BITS_BYTES: usize = RANGE / 8;

/// The bytes of a set whose numbers ascend.
pub(crate) fn encode(numbers: &[u32]) -> Vec<u8> {
    let containers: Vec<&[u32]> = numbers.chunk_by(|a, b| a >> 16 == b >> 16).collect();
    let mut out = FieldsWriter::default();
    out.put_u32(COOKIE);
    out.put_u32(containers.len() as u32);
    for container in &containers {
        out.put_u32((container.len() as u32 - 1) << 16 | container[0] >> 16);
    }
    let mut offset = 8 + 8 * containers.len();
    for container in &containers {
        out.put_u32(offset as u32);
        offset += bytes_of(container.len());
    }
    for container in containers {
        if container.len() <= LIST_MAX {
            for &number in container {
                out.put_bytes(&(number as u16).to_le_bytes());
            }
        } else {
            let mut bits = [0; BITS_BYTES];
            for &number in container {
                bits[number as usize % RANGE / 8] |= 1 << (number % 8);
            }
            out.put_bytes(&bits);
        }
    }
    out.into_bytes()
}

/// Reads what [`encode`] wrote, and nothing else, calling `each` for every number in order.
pub(crate) fn decode(
    fields: &mut FieldsReader<'_>,
    each: &mut dyn FnMut(u32) -> Result<()>,
) -> Result<()> {
    if fields.take_u32()? != COOKIE {
        return Err(fields.refuse("a set of items is not one"));
    }
    let len = fields.take_u32()? as usize;
    if len > RANGE {
        return Err(fields.refuse("a set of items has too many parts"));
    }
    let mut heads = fields.take_bytes(4 * len)?;
    let mut offset = 8 + 8 * len;
    let mut last = None;
    let mut containers = Vec::new();
    while let Some((head, rest)) = heads.split_first_chunk() {
        heads = rest;
        let head = u32::from_le_bytes(*head);
        let (upper, count) = (head << 16, (head >> 16) as usize + 1);
        if last.replace(upper).is_some_and(|last| last >= upper) {
            return Err(fields.refuse("the parts of a set of items are out of order"));
        }
        if fields.take_u32()? as usize != offset {
            return Err(fields.refuse("a part of a set of items is elsewhere"));
        }
        offset += bytes_of(count);
        containers.push((upper, count));
    }
    for (upper, count) in containers {
        let bytes = fields.take_bytes(bytes_of(count))?;
        let mut met = 0;
        if count <= LIST_MAX {
            let mut next = 0;
            for &pair in bytes.as_chunks().0 {
                let lower = u32::from(u16::from_le_bytes(pair));
                if lower < next {
                    return Err(fields.refuse("a set of items is out of order"));
                }
                next = lower + 1;
                met += 1;
                each(upper | lower)?;
            }
        } else {
            for lower in 0..RANGE {
                if bytes[lower / 8] >> (lower % 8) & 1 == 1 {
                    met += 1;
                    each(upper | lower as u32)?;
                }
            }
        }
        if met != count {
            return Err(fields.refuse("a set of items has another size than it says"));
        }
    }
    Ok(())
}

fn bytes_of(count: usize) -> usize {
    if count <= LIST_MAX { 2 * count } else { BITS_BYTES }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> Result<Vec<u32>> {
        let mut numbers = Vec::new();
        let mut fields = FieldsReader::new(bytes, 0);
        decode(&mut fields, &mut |number| {
            numbers.push(number);
            Ok(())
        })?;
        fields.finish()?;
        Ok(numbers)
    }

    #[test]
    fn sets_come_back() {
        let sets: [Vec<u32>; 5] = [
            vec![],
            vec![0],
            vec![5, 65_535, 65_536, u32::MAX],
            (0..=LIST_MAX as u32).map(|i| 3 * i).collect(),
            (0..3 << 16).filter(|i| i % 5 != 0).collect(),
        ];
        for set in sets {
            assert_eq!(decoded(&encode(&set)), Ok(set));
        }
    }

    #[test]
    fn the_form_is_the_portable_one() {
        // As other libraries write {1, 2, 65,537}.
        let wanted: [u8; 30] = [
            0x3a, 0x30, 0, 0, 2, 0, 0, 0, // cookie, containers
            0, 0, 1, 0, 1, 0, 0, 0, // keys and sizes
            24, 0, 0, 0, 28, 0, 0, 0, // offsets
            1, 0, 2, 0, 1, 0,
        ];
        assert_eq!(encode(&[1, 2, 65_537]), wanted);
    }

    #[test]
    fn other_bytes_are_refused() {
        let good = encode(&[1, 2, 65_537]);
        for place in 0..good.len() {
            for value in [0, 1, 2, 255] {
                let mut bad = good.clone();
                bad[place] = value;
                if let Ok(numbers) = decoded(&bad) {
                    assert_eq!(encode(&numbers), bad, "one form for each set");
                }
            }
            assert!(decoded(&good[..place]).is_err());
        }
        let mut dense = encode(&(0..5000).collect::<Vec<_>>());
        assert!(decoded(&dense).is_ok());
        dense[100] = 0;
        assert!(decoded(&dense).is_err(), "fewer than it says");
    }
}
