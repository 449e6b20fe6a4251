//! The `.fvecs`, `.bvecs` and `.ivecs` of the TEXMEX collection: each row behind its own length.
//!
//! ```text
//!   i32 dim │ dim × (f32 | u8 | i32) │ i32 dim │ …
//! ```

use std::io::Read;

use super::element::{Element, reserve};
use super::{Format, Ids, Problem, Source, Vectors};

pub(super) fn vectors(source: Source<'_>, format: Format) -> Result<Vectors, Problem> {
    let element = if format == Format::Bvecs { Element::U8 } else { Element::F32 };
    let (rows, dim, values) =
        rows(source, element, |reader, dim| element.read_floats(reader, dim))?;
    Ok(Vectors { rows, dim, values })
}

pub(super) fn ids(source: Source<'_>) -> Result<Ids, Problem> {
    let (rows, columns, values) = rows(source, Element::I32, |reader, columns| {
        Element::I32.read_ids(reader, columns, columns)
    })?;
    Ok(Ids { rows, columns, values })
}

/// Reads rows of one length. The first length and the file's size fix the number of rows.
fn rows<T>(
    source: Source<'_>,
    element: Element,
    read_row: impl Fn(&mut dyn Read, usize) -> Result<Vec<T>, Problem>,
) -> Result<(usize, usize, Vec<T>), Problem> {
    let Source { reader, len } = source;
    let first = read_dim(reader, len)?;
    let dim = usize::try_from(first).ok().filter(|&dim| dim > 0).ok_or_else(|| Problem::Shape {
        found: format!("a first row of {first} components"),
        expected: "at least one component a row",
    })?;
    let stride = 4 + dim as u64 * element.size() as u64;
    if len % stride != 0 {
        let announced = len.div_ceil(stride) * stride;
        return Err(Problem::Length { announced, actual: len });
    }
    let rows = (len / stride) as usize;
    let mut values = reserve(rows * dim)?;
    for row in 0..rows {
        let found = if row == 0 { first } else { read_dim(reader, len)? };
        if found != first {
            return Err(Problem::Ragged { row, found: found.into(), expected: dim });
        }
        values.extend(read_row(reader, dim).map_err(|problem| match problem {
            Problem::Negative { value, .. } => Problem::Negative { row, value },
            other => other,
        })?);
    }
    Ok((rows, dim, values))
}

fn read_dim(reader: &mut dyn Read, len: u64) -> Result<i32, Problem> {
    let mut dim = [0; 4];
    reader.read_exact(&mut dim).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => Problem::Length { announced: 4, actual: len },
        _ => Problem::Io(error),
    })?;
    Ok(i32::from_le_bytes(dim))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[f32]) -> Vec<u8> {
        let mut out = (values.len() as i32).to_le_bytes().to_vec();
        out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        out
    }

    fn read(bytes: &[u8], format: Format) -> Result<Vectors, Problem> {
        vectors(Source { reader: &mut &*bytes, len: bytes.len() as u64 }, format)
    }

    #[test]
    fn reads_rows() {
        let bytes = [row(&[1.0, 2.0]), row(&[3.0, 4.0]), row(&[5.0, 6.0])].concat();
        let read = read(&bytes, Format::Fvecs).unwrap();
        assert_eq!((read.rows(), read.dim()), (3, 2));
        assert_eq!(read.row(2), [5.0, 6.0]);
    }

    #[test]
    fn reads_bytes_and_item_numbers() {
        let bytes = [2, 0, 0, 0, 7, 255];
        assert_eq!(read(&bytes, Format::Bvecs).unwrap().row(0), [7.0, 255.0]);
        let bytes = [1, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0];
        let ids = ids(Source { reader: &mut bytes.as_slice(), len: 16 }).unwrap();
        assert_eq!((ids.row(0), ids.row(1)), ([9].as_slice(), [8].as_slice()));
    }

    #[test]
    fn refuses_ragged_cut_and_absurd_rows() {
        let ragged = [row(&[1.0, 2.0, 3.0]), row(&[3.0, 4.0, 5.0])].concat();
        let mut shorter = ragged.clone();
        shorter[16] = 2;
        let error = read(&shorter, Format::Fvecs).unwrap_err();
        assert!(matches!(error, Problem::Ragged { row: 1, found: 2, expected: 3 }), "{error}");
        for cut in 0..ragged.len() {
            let result = read(&ragged[..cut], Format::Fvecs);
            assert_eq!(result.is_ok(), cut == 16, "prefix of {cut} bytes");
        }
        for dim in [0, -1, i32::MIN, i32::MAX] {
            let bytes = [dim.to_le_bytes().as_slice(), &[0; 12]].concat();
            assert!(read(&bytes, Format::Fvecs).is_err(), "{dim} components were accepted");
        }
    }
}
