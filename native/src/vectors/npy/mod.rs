//! NumPy's `.npy`: versions 1 to 3, little endian, C order.
//!
//! ```text
//!   0        6  8       10 or 12                     64·n
//!   \x93NUMPY│v │length │{'descr': '<f4', …}   spaces\n│ data
//! ```

mod header;

use std::io::{self, Write};
use std::path::Path;

use header::Header;

use super::element::Element;
use super::{Ids, Problem, Source, Vectors};

/// First bytes of every `.npy` file.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// Writes a two-dimensional array, row-major, of `rows` rows.
///
/// # Errors
/// What the file system refuses; [`io::ErrorKind::InvalidInput`] if the values do not divide into
/// `rows` rows.
pub fn write<T: Scalar>(path: impl AsRef<Path>, rows: usize, values: &[T]) -> io::Result<()> {
    if rows == 0 || !values.len().is_multiple_of(rows) {
        let message = format!("{} values do not divide into {rows} rows", values.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let mut out = io::BufWriter::new(std::fs::File::create(path)?);
    out.write_all(&header::<T>(rows, Some(values.len() / rows)))?;
    for &value in values {
        value.write_to(&mut out)?;
    }
    out.flush()
}

/// What stands before the values of an array of `rows` rows, for a writer that does not have them
/// all in memory: of so many columns, or `None` for an array of one dimension.
pub fn header<T: Scalar>(rows: usize, columns: Option<usize>) -> Vec<u8> {
    let shape =
        columns.map_or_else(|| format!("({rows},)"), |columns| format!("({rows}, {columns})"));
    let descr = T::DESCR;
    let dict = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    // Magic, version and length take 10 bytes, the closing newline one; the data starts aligned.
    let total = (10 + dict.len() + 1).next_multiple_of(64);
    let mut out = MAGIC.to_vec();
    out.extend([1, 0]);
    out.extend(((total - 10) as u16).to_le_bytes());
    out.extend(dict.bytes());
    out.resize(total - 1, b' ');
    out.push(b'\n');
    out
}

/// A type that [`write()`] stores.
pub trait Scalar: Copy {
    /// Its name in NumPy's notation.
    const DESCR: &'static str;

    /// Writes its little-endian bytes.
    ///
    /// # Errors
    /// Those of `out`.
    fn write_to(self, out: &mut dyn Write) -> io::Result<()>;
}

macro_rules! scalars {
    ($($type:ty = $descr:literal),+) => {$(
        impl Scalar for $type {
            const DESCR: &'static str = $descr;

            fn write_to(self, out: &mut dyn Write) -> io::Result<()> {
                out.write_all(&self.to_le_bytes())
            }
        }
    )+};
}
scalars!(f32 = "<f4", f64 = "<f8", half::f16 = "<f2", i8 = "|i1", u8 = "|u1");
scalars!(i32 = "<i4", u32 = "<u4", i64 = "<i8", u64 = "<u8");

pub(super) fn vectors(source: Source<'_>) -> Result<Vectors, Problem> {
    let array = open(source)?;
    let element = array.element(
        &[Element::F32, Element::F16, Element::U8, Element::I8],
        "f32, f16, u8 or i8",
        "array.astype('<f4')",
    )?;
    let &[rows, dim] = array.header.shape.as_slice() else {
        return Err(array.bad_shape("two dimensions (vectors, components)"));
    };
    let count = array.checked_count(element)?;
    let values = element.read_floats(array.source.reader, count)?;
    Ok(Vectors { rows, dim, values })
}

pub(super) fn ids(source: Source<'_>) -> Result<Ids, Problem> {
    let array = open(source)?;
    let element = array.element(
        &[Element::I32, Element::U32, Element::I64, Element::U64],
        "i32, u32, i64 or u64",
        "array.astype('<i8')",
    )?;
    let (rows, columns) = match *array.header.shape.as_slice() {
        [rows] => (rows, 1),
        [rows, columns] => (rows, columns),
        _ => return Err(array.bad_shape("one or two dimensions")),
    };
    let count = array.checked_count(element)?;
    let values = element.read_ids(array.source.reader, count, columns)?;
    Ok(Ids { rows, columns, values })
}

pub(super) fn scales(source: Source<'_>) -> Result<Vec<f32>, Problem> {
    let array = open(source)?;
    let element = array.element(&[Element::F32], "f32", "array.astype('<f4')")?;
    if array.header.shape.len() != 1 {
        return Err(array.bad_shape("one dimension"));
    }
    let count = array.checked_count(element)?;
    element.read_floats(array.source.reader, count)
}

/// A header that was read, and the source that stands at the first byte of data.
struct Array<'a> {
    source: Source<'a>,
    header: Header,
}

impl Array<'_> {
    fn element(
        &self,
        accepted: &[Element],
        expected: &'static str,
        convert: &'static str,
    ) -> Result<Element, Problem> {
        let element = match self.header.descr.as_str() {
            "<f4" => Some(Element::F32),
            "<f2" => Some(Element::F16),
            "|i1" | "<i1" => Some(Element::I8),
            "|u1" | "<u1" => Some(Element::U8),
            "<i4" => Some(Element::I32),
            "<u4" => Some(Element::U32),
            "<i8" => Some(Element::I64),
            "<u8" => Some(Element::U64),
            _ => None,
        };
        element.filter(|found| accepted.contains(found)).ok_or_else(|| Problem::ElementType {
            found: readable(&self.header.descr),
            expected,
            convert,
        })
    }

    /// Elements in the array, once its length is known to be that of the file.
    fn checked_count(&self, element: Element) -> Result<usize, Problem> {
        let count =
            self.header.shape.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
        let announced = count
            .and_then(|count| count.checked_mul(element.size()))
            .and_then(|bytes| bytes.checked_add(self.header.len))
            .map_or(u64::MAX, |bytes| bytes as u64);
        if count == Some(0) {
            return Err(Problem::Empty);
        }
        match count {
            Some(count) if announced == self.source.len => Ok(count),
            _ => Err(Problem::Length { announced, actual: self.source.len }),
        }
    }

    fn bad_shape(&self, expected: &'static str) -> Problem {
        let found = match self.header.shape.as_slice() {
            few if few.len() <= 8 => format!("an array of shape {few:?}"),
            many => format!("an array of {} dimensions", many.len()),
        };
        Problem::Shape { found, expected }
    }
}

/// The beginning of what a file says, for a message: in few letters, none of which steers a terminal.
fn plain(text: &str) -> String {
    text.escape_debug().take(40).collect()
}

/// NumPy's name with the everyday one beside it, where that helps.
fn readable(descr: &str) -> String {
    let name = match descr {
        "<f8" => "f64",
        "<i2" => "i16",
        "<u2" => "u16",
        _ if descr.starts_with('>') => "big endian",
        _ => return plain(descr),
    };
    format!("{} ({name})", plain(descr))
}

fn open(source: Source<'_>) -> Result<Array<'_>, Problem> {
    let header = Header::read(source.reader)?;
    // A column of one dimension, or of one row, is the same in both orders.
    if header.fortran_order && header.shape.iter().filter(|&&n| n > 1).count() > 1 {
        return Err(Problem::FortranOrder);
    }
    Ok(Array { source, header })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(dict: &str, data: &[u8]) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend([1, 0]);
        out.extend((dict.len() as u16).to_le_bytes());
        out.extend(dict.bytes());
        out.extend(data);
        out
    }

    fn read_vectors(bytes: &[u8]) -> Result<Vectors, Problem> {
        vectors(Source { reader: &mut &*bytes, len: bytes.len() as u64 })
    }

    fn read_ids(bytes: &[u8]) -> Result<Ids, Problem> {
        ids(Source { reader: &mut &*bytes, len: bytes.len() as u64 })
    }

    const F4_2X2: &str = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";

    #[test]
    fn reads_what_it_writes() {
        let mut bytes = header::<f32>(2, Some(3));
        assert_eq!(bytes.len() % 64, 0);
        for value in [1.0_f32, -2.5, 3.0, 4.0, 5.0, 6.25] {
            value.write_to(&mut bytes).unwrap();
        }
        let read = read_vectors(&bytes).unwrap();
        assert_eq!((read.rows(), read.dim()), (2, 3));
        assert_eq!(read.row(1), [4.0, 5.0, 6.25]);
        let mut bytes = header::<u64>(1, None);
        bytes.extend(u64::MAX.to_le_bytes());
        assert_eq!(read_ids(&bytes).unwrap(), Ids::new(1, 1, vec![u64::MAX]).unwrap());
    }

    #[test]
    fn reads_every_version_and_element() {
        let dict = "{'descr': '|i1', 'fortran_order': False, 'shape': (1, 2)}\n";
        for version in [2, 3] {
            let mut bytes = MAGIC.to_vec();
            bytes.extend([version, 0]);
            bytes.extend((dict.len() as u32).to_le_bytes());
            bytes.extend(dict.bytes());
            bytes.extend([0xff, 0x7f]);
            assert_eq!(read_vectors(&bytes).unwrap().row(0), [-1.0, 127.0]);
        }
        let halves =
            file("{\"descr\":'<f2','fortran_order':False,'shape':(1,2)}", &[0, 0x3c, 0, 0xc0]);
        assert_eq!(read_vectors(&halves).unwrap().row(0), [1.0, -2.0]);
        let bytes = file("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1), }", &[0, 255]);
        assert_eq!(read_vectors(&bytes).unwrap().values(), [0.0, 255.0]);
    }

    #[test]
    fn hostile_types_are_quoted_in_few_letters() {
        for descr in ["f".repeat(60_000), format!("\u{1b}[2J{}", "x".repeat(100)), ">".repeat(99)] {
            let shape = "'fortran_order': False, 'shape': (1, 1)";
            let bytes = file(&format!("{{'descr': '{descr}', {shape}}}"), &[0; 4]);
            let message = read_vectors(&bytes).unwrap_err().to_string();
            assert!(message.len() < 200 && !message.contains('\u{1b}'), "{message}");
        }
        let bytes = file(
            &format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({})}}", "1,".repeat(99)),
            &[0; 4],
        );
        let message = read_vectors(&bytes).unwrap_err().to_string();
        assert!(message.contains("99 dimensions"), "{message}");
    }

    #[test]
    fn reads_item_numbers_in_one_or_two_dimensions() {
        let bytes = file(
            "{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }",
            &[7, 0, 0, 0, 0, 0, 0, 0],
        );
        assert_eq!(read_ids(&bytes).unwrap(), Ids::new(1, 1, vec![7]).unwrap());
        let bytes = file(
            "{'descr': '<u4', 'fortran_order': False, 'shape': (1, 2), }",
            &[1, 0, 0, 0, 2, 0, 0, 0],
        );
        assert_eq!(read_ids(&bytes).unwrap().row(0), [1, 2]);
    }

    #[test]
    fn every_prefix_is_refused() {
        let whole = file(F4_2X2, &[0; 16]);
        assert!(read_vectors(&whole).is_ok());
        for len in 0..whole.len() {
            assert!(read_vectors(&whole[..len]).is_err(), "prefix of {len} bytes was accepted");
        }
        let longer = [whole.as_slice(), &[0]].concat();
        assert!(matches!(read_vectors(&longer), Err(Problem::Length { .. })));
    }

    #[test]
    fn no_flipped_bit_panics() {
        let whole = file(F4_2X2, &[0; 16]);
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            // Data bits make other numbers; header bits an error or an equal meaning.
            if let Ok(read) = read_vectors(&bytes) {
                assert_eq!(read.values().len(), read.rows() * read.dim());
            }
        }
    }

    #[test]
    fn announced_sizes_allocate_nothing() {
        for shape in ["(4294967296, 4294967296)", "(9999999999, 1)", "(18446744073709551615, 9)"] {
            let dict = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
            let error = read_vectors(&file(&dict, &[0; 16])).unwrap_err();
            assert!(matches!(error, Problem::Length { .. }), "{error}");
        }
    }

    #[test]
    fn refusals_name_the_conversion() {
        let refuse = |dict: &str| read_vectors(&file(dict, &[0; 32])).unwrap_err().to_string();
        let f8 = refuse("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }");
        assert!(f8.contains("f64") && f8.contains("astype"), "{f8}");
        let big = refuse("{'descr': '>f4', 'fortran_order': False, 'shape': (4, 2), }");
        assert!(big.contains("big endian"), "{big}");
        let fortran = refuse("{'descr': '<f4', 'fortran_order': True, 'shape': (4, 2), }");
        assert!(fortran.contains("ascontiguousarray"), "{fortran}");
        let flat = refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (8,), }");
        assert!(flat.contains("reshape"), "{flat}");
        let fields = refuse("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (8,), }");
        assert!(fields.contains("structure"), "{fields}");
        let empty = refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4), }");
        assert!(empty.contains("at least one"), "{empty}");
    }
}
