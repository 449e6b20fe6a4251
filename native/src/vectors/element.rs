//! Element types and their widening, a block at a time.

use std::io::Read;

use half::f16;

use super::Problem;

/// Little-endian element types that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    F16,
    F32,
    I8,
    U8,
    I32,
    U32,
    I64,
    U64,
}

/// Bytes that are converted at a time; a multiple of every element size.
const BLOCK: usize = 1 << 16;

impl Element {
    /// Bytes of one element.
    pub(super) const fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::F16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::I64 | Self::U64 => 8,
        }
    }

    /// Reads `count` components. The caller has compared `count` with the length of the file.
    pub(super) fn read_floats(
        self,
        reader: &mut dyn Read,
        count: usize,
    ) -> Result<Vec<f32>, Problem> {
        let mut out = reserve(count)?;
        for_each_block(reader, count * self.size(), |block| {
            match self {
                Self::F32 => out.extend(words(block).map(f32::from_le_bytes)),
                Self::F16 => out.extend(words(block).map(|w| f16::from_le_bytes(w).to_f32())),
                Self::I8 => out.extend(block.iter().map(|&byte| f32::from(byte as i8))),
                Self::U8 => out.extend(block.iter().map(|&byte| f32::from(byte))),
                Self::I32 | Self::U32 | Self::I64 | Self::U64 => {
                    unreachable!("parsers refuse integers wider than a byte as components")
                }
            }
            Ok(())
        })?;
        Ok(out)
    }

    /// Reads `count` item numbers in rows of `columns`. The caller has compared `count` with the
    /// length of the file.
    pub(super) fn read_ids(
        self,
        reader: &mut dyn Read,
        count: usize,
        columns: usize,
    ) -> Result<Vec<u64>, Problem> {
        let mut out: Vec<u64> = reserve(count)?;
        for_each_block(reader, count * self.size(), |block| {
            match self {
                Self::U32 => out.extend(words(block).map(|w| u64::from(u32::from_le_bytes(w)))),
                Self::U64 => out.extend(words(block).map(u64::from_le_bytes)),
                Self::I32 => {
                    let values = words(block).map(|w| i64::from(i32::from_le_bytes(w)));
                    extend_unsigned(&mut out, values, columns)?;
                }
                Self::I64 => {
                    extend_unsigned(&mut out, words(block).map(i64::from_le_bytes), columns)?;
                }
                Self::F16 | Self::F32 | Self::I8 | Self::U8 => {
                    unreachable!("parsers refuse components as item numbers")
                }
            }
            Ok(())
        })?;
        Ok(out)
    }
}

/// An empty vector with room for `count` elements.
pub(super) fn reserve<T>(count: usize) -> Result<Vec<T>, Problem> {
    let mut out = Vec::new();
    let bytes = count.saturating_mul(size_of::<T>());
    out.try_reserve_exact(count).map_err(|_| Problem::OutOfMemory { bytes })?;
    Ok(out)
}

fn for_each_block(
    reader: &mut dyn Read,
    mut bytes: usize,
    mut each: impl FnMut(&[u8]) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let mut buffer = vec![0; bytes.min(BLOCK)];
    while bytes > 0 {
        let block = &mut buffer[..bytes.min(BLOCK)];
        reader.read_exact(block)?;
        each(block)?;
        bytes -= block.len();
    }
    Ok(())
}

fn words<const SIZE: usize>(block: &[u8]) -> impl Iterator<Item = [u8; SIZE]> {
    block.as_chunks().0.iter().copied()
}

fn extend_unsigned(
    out: &mut Vec<u64>,
    values: impl Iterator<Item = i64>,
    columns: usize,
) -> Result<(), Problem> {
    for value in values {
        let row = out.len() / columns.max(1);
        out.push(u64::try_from(value).map_err(|_| Problem::Negative { row, value })?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widens_across_blocks() {
        let count = BLOCK + 3;
        let bytes: Vec<u8> = (0..count).map(|i| i as u8).collect();
        let values = Element::I8.read_floats(&mut bytes.as_slice(), count).unwrap();
        assert!(values.iter().zip(&bytes).all(|(&value, &byte)| value == f32::from(byte as i8)));
        assert_eq!(values.len(), count);
    }

    #[test]
    fn names_the_row_of_a_negative_number() {
        let bytes: Vec<u8> = [1_i32, 2, 3, -4].iter().flat_map(|v| v.to_le_bytes()).collect();
        let error = Element::I32.read_ids(&mut bytes.as_slice(), 4, 2).unwrap_err();
        assert!(matches!(error, Problem::Negative { row: 1, value: -4 }), "{error}");
    }
}
