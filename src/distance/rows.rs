//! What an index keeps of each vector, and the names of it.

use std::fmt;
use std::str::FromStr;

/// What is kept of each vector: hits are ranked on it, and `get` returns it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Rows {
    /// 32-bit floats: the vector as it was put.
    #[default]
    F32,
    /// 16-bit floats (IEEE binary16), each component rounded to eleven binary digits: half the
    /// bytes. Components up to 65,504; below 2^-14 (0.00006) they keep fewer digits, so scale tiny
    /// data up. Distances are those of the rounded vectors.
    F16,
    /// The 7-bit code alone: a quarter of the bytes and less exact answers, the compact profile.
    /// Distances are those of the decoded vectors. Codes are fitted by a bulk build, which has to
    /// come first; of its vectors up to one in 128 may lie outside their range (with `codes = u7`
    /// any), and is less exact.
    /// Vectors inserted later have to lie inside.
    Codes,
}

impl Rows {
    /// The name used on command lines and in JavaScript: `f32`, `f16` or `codes`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Codes => "codes",
        }
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no kind of rows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such kind of rows; use f32, f16 or codes")]
pub struct UnknownRows;

impl FromStr for Rows {
    type Err = UnknownRows;

    fn from_str(name: &str) -> Result<Self, UnknownRows> {
        [Self::F32, Self::F16, Self::Codes]
            .into_iter()
            .find(|rows| rows.name() == name)
            .ok_or(UnknownRows)
    }
}
