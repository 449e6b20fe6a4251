//! Vector files: what other tools write, checked before a byte of it is believed.
//!
//! ```text
//!   .npy   (f32 f16 u8 i8)  ──┐                       .npy (i32 u32 i64 u64) ──┐
//!   .fvecs .bvecs           ──┴─ read ──► Vectors     .ivecs                 ──┴─ read_ids ──► Ids
//! ```
//!
//! A file is hostile input: every size that it states is compared with its length before anything
//! is allocated, so a read takes memory in proportion to the file and to nothing else. Values are
//! widened to `f32`, the type of the index; whether they are finite is the index's own check.
//!
//! Deliberately absent: Fortran order, big endian, `f64` and structured arrays. Each is refused
//! with the line of NumPy that converts it.

mod element;
pub mod npy;
pub mod vecs;

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// Rows of `f32`, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Vectors {
    rows: usize,
    dim: usize,
    values: Vec<f32>,
}

impl Vectors {
    /// `rows` vectors of `dim` components each, or `None` if `values` has another length.
    pub fn new(rows: usize, dim: usize, values: Vec<f32>) -> Option<Self> {
        (rows.checked_mul(dim)? == values.len()).then_some(Self { rows, dim, values })
    }

    /// Number of vectors.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Components of each vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// All components, row-major.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Vector number `row`.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.dim..][..self.dim]
    }

    /// The vectors, first to last.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        (0..self.rows).map(|row| self.row(row))
    }

    /// Multiplies each row by its factor: restores a set stored as small integers with one scale a
    /// row.
    ///
    /// # Errors
    /// [`Problem::Shape`] unless there is one factor a row.
    pub fn scaled(mut self, factors: &[f32]) -> Result<Self, Problem> {
        if factors.len() != self.rows {
            return Err(Problem::Shape {
                found: format!("{} scales for {} rows", factors.len(), self.rows),
                expected: "one scale a row",
            });
        }
        for (row, &factor) in self.values.chunks_exact_mut(self.dim.max(1)).zip(factors) {
            for value in row {
                *value *= factor;
            }
        }
        Ok(self)
    }
}

/// Rows of item numbers: the true neighbours of queries, or one key a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ids {
    rows: usize,
    columns: usize,
    values: Vec<u64>,
}

impl Ids {
    /// `rows` lists of `columns` numbers each, or `None` if `values` has another length.
    pub fn new(rows: usize, columns: usize, values: Vec<u64>) -> Option<Self> {
        (rows.checked_mul(columns)? == values.len()).then_some(Self { rows, columns, values })
    }

    /// Number of lists.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Numbers in each list; 1 for a plain list.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All numbers, row-major.
    pub fn values(&self) -> &[u64] {
        &self.values
    }

    /// List number `row`.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> &[u64] {
        &self.values[row * self.columns..][..self.columns]
    }
}

/// A vector file that could not be read: which, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", .path.display())]
pub struct ReadError {
    /// The file.
    pub path: PathBuf,
    /// What is the matter with it.
    pub problem: Problem,
}

/// What makes a file unreadable. Messages end with the way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The operating system refused.
    #[error("{0}; check the path and its permissions")]
    Io(std::io::Error),
    /// A directory, pipe or device.
    #[error("not a regular file; save the data to a file first")]
    NotAFile,
    /// A file of no bytes, or an array of no rows.
    #[error("holds no data; write at least one vector, or one key")]
    Empty,
    /// Neither the NumPy magic nor a known ending.
    #[error("no known vector format; pass .npy, .fvecs or .bvecs (truth: .npy or .ivecs)")]
    UnknownFormat,
    /// The header of an `.npy` file makes no sense.
    #[error("not a valid .npy header ({0}); write the file again with numpy.save")]
    Header(&'static str),
    /// Elements of a type that is not read here.
    #[error("elements are {found}, expected {expected}; convert with {convert}")]
    ElementType {
        /// The type found, in NumPy's notation.
        found: String,
        /// Types that are read.
        expected: &'static str,
        /// The conversion, in NumPy.
        convert: &'static str,
    },
    /// Columns stored one after the other.
    #[error("array is in Fortran order; save numpy.ascontiguousarray(array)")]
    FortranOrder,
    /// An array of another shape than the use asks for.
    #[error("found {found}, expected {expected}; reshape the array before saving it")]
    Shape {
        /// What the file holds.
        found: String,
        /// What is asked for.
        expected: &'static str,
    },
    /// The length of the file is not what its header announces.
    #[error(
        "{actual} bytes long where its header announces {announced}; copy or write the file again"
    )]
    Length {
        /// Bytes that the header asks for, header included.
        announced: u64,
        /// Bytes of the file.
        actual: u64,
    },
    /// Rows of different lengths.
    #[error(
        "row {row} has {found} components where the first has {expected}; write rows of one length"
    )]
    Ragged {
        /// The first row that differs.
        row: usize,
        /// Its components.
        found: i64,
        /// Components of the first row.
        expected: usize,
    },
    /// An item number below zero.
    #[error("row {row} holds the negative number {value}; item numbers start at 0")]
    Negative {
        /// Where it stands.
        row: usize,
        /// The number.
        value: i64,
    },
    /// The data does not fit into memory.
    #[error("needs {bytes} bytes of memory; free memory or split the file")]
    OutOfMemory {
        /// Size of the allocation that failed.
        bytes: usize,
    },
}

impl From<std::io::Error> for Problem {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads vectors from `.npy` (`f32`, `f16`, `u8`, `i8`; two dimensions), `.fvecs` or `.bvecs`.
///
/// # Errors
/// [`ReadError`] if the file is missing, damaged or of another kind.
pub fn read(path: impl AsRef<Path>) -> Result<Vectors, ReadError> {
    with_source(path.as_ref(), |format, source| match format {
        Format::Npy => npy::vectors(source),
        Format::Fvecs | Format::Bvecs => vecs::vectors(source, format),
        Format::Ivecs => Err(Problem::ElementType {
            found: "i32 item numbers (.ivecs)".into(),
            expected: "components",
            convert: "the .fvecs or .npy file that belongs to it",
        }),
    })
}

/// Reads item numbers from `.npy` (`i32`, `u32`, `i64`, `u64`; one or two dimensions) or `.ivecs`.
///
/// # Errors
/// As for [`read`].
pub fn read_ids(path: impl AsRef<Path>) -> Result<Ids, ReadError> {
    with_source(path.as_ref(), |format, source| match format {
        Format::Npy => npy::ids(source),
        Format::Ivecs => vecs::ids(source),
        Format::Fvecs | Format::Bvecs => Err(Problem::ElementType {
            found: "vector components".into(),
            expected: "item numbers",
            convert: "the .ivecs or .npy file that belongs to it",
        }),
    })
}

/// Reads one `f32` a row from a one-dimensional `.npy`: the scales of a set of small integers.
///
/// # Errors
/// As for [`read`].
pub fn read_scales(path: impl AsRef<Path>) -> Result<Vec<f32>, ReadError> {
    with_source(path.as_ref(), |format, source| match format {
        Format::Npy => npy::scales(source),
        _ => Err(Problem::UnknownFormat),
    })
}

/// File formats, told apart by magic, then by ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Npy,
    Fvecs,
    Bvecs,
    Ivecs,
}

/// Bytes and how many of them there are: what a parser sees of a file.
struct Source<'a> {
    reader: &'a mut dyn Read,
    len: u64,
}

/// Opens `path`, finds its format, and names the path in whatever goes wrong.
fn with_source<T>(
    path: &Path,
    parse: impl FnOnce(Format, Source<'_>) -> Result<T, Problem>,
) -> Result<T, ReadError> {
    let read = || {
        // Opening a pipe waits for whoever writes to it.
        if !path.metadata()?.is_file() {
            return Err(Problem::NotAFile);
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.len() == 0 {
            return Err(Problem::Empty);
        }
        let format = detect(path, &file)?;
        let mut reader = BufReader::with_capacity(1 << 16, &file);
        parse(format, Source { reader: &mut reader, len: metadata.len() })
    };
    read().map_err(|problem| ReadError { path: path.to_owned(), problem })
}

/// The magic decides where there is one, so that a renamed array is still read.
fn detect(path: &Path, mut file: &File) -> Result<Format, Problem> {
    use std::io::Seek;

    let mut magic = Vec::with_capacity(npy::MAGIC.len());
    file.take(npy::MAGIC.len() as u64).read_to_end(&mut magic)?;
    file.rewind()?;
    if magic == npy::MAGIC {
        return Ok(Format::Npy);
    }
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    match ending.as_str() {
        "npy" => Err(Problem::Header("the file does not start with the NumPy magic")),
        "fvecs" => Ok(Format::Fvecs),
        "bvecs" => Ok(Format::Bvecs),
        "ivecs" => Ok(Format::Ivecs),
        _ => Err(Problem::UnknownFormat),
    }
}
