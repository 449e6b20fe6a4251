//! The header of an `.npy` file: a Python dictionary, in the subset that NumPy writes.

use std::io::{self, Read};

use super::super::Problem;
use super::MAGIC;

/// Longest header that is read. NumPy's own limit is 10,000 unless trust is asked for.
const HEADER_MAX: usize = 1 << 16;

/// What a header says.
pub(super) struct Header {
    /// Type of the elements, in NumPy's notation.
    pub(super) descr: String,
    pub(super) fortran_order: bool,
    pub(super) shape: Vec<usize>,
    /// Bytes before the data.
    pub(super) len: usize,
}

impl Header {
    /// Reads a header, up to the first byte of data.
    pub(super) fn read(reader: &mut dyn Read) -> Result<Self, Problem> {
        let mut start = [0; 8];
        fill(reader, &mut start)?;
        if &start[..6] != MAGIC {
            return Err(Problem::Header("the file does not start with the NumPy magic"));
        }
        let (dict_len, dict_start) = match start[6] {
            1 => {
                let mut len = [0; 2];
                fill(reader, &mut len)?;
                (u16::from_le_bytes(len) as usize, 10)
            }
            2 | 3 => {
                let mut len = [0; 4];
                fill(reader, &mut len)?;
                (u32::from_le_bytes(len) as usize, 12)
            }
            _ => return Err(Problem::Header("its version is not 1, 2 or 3")),
        };
        if dict_len > HEADER_MAX {
            return Err(Problem::Header("it is longer than 64 KiB"));
        }
        let mut dict = vec![0; dict_len];
        fill(reader, &mut dict)?;
        let dict = std::str::from_utf8(&dict).map_err(|_| Problem::Header("it is not text"))?;
        Self::parse(dict, dict_start + dict_len)
    }

    /// Reads the dictionary of a header that takes `len` bytes in all.
    fn parse(text: &str, len: usize) -> Result<Self, Problem> {
        let mut scan = Scan { rest: text };
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        scan.expect('{')?;
        while !scan.take('}') {
            let key = scan.string()?;
            scan.expect(':')?;
            match key.as_str() {
                "descr" => descr = Some(scan.descr()?),
                "fortran_order" => fortran_order = Some(scan.boolean()?),
                "shape" => shape = Some(scan.tuple()?),
                _ => return Err(Problem::Header("it holds an unknown entry")),
            }
            if !scan.take(',') {
                scan.expect('}')?;
                break;
            }
        }
        if !scan.rest.trim().is_empty() {
            return Err(Problem::Header("something follows the dictionary"));
        }
        match (descr, fortran_order, shape) {
            (Some(descr), Some(fortran_order), Some(shape)) => {
                Ok(Self { descr, fortran_order, shape, len })
            }
            _ => Err(Problem::Header("descr, fortran_order or shape is missing")),
        }
    }
}

fn fill(reader: &mut dyn Read, into: &mut [u8]) -> Result<(), Problem> {
    reader.read_exact(into).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Problem::Header("the file ends inside it"),
        _ => Problem::Io(error),
    })
}

/// Reads one token after the other.
struct Scan<'a> {
    rest: &'a str,
}

impl Scan<'_> {
    fn take(&mut self, token: char) -> bool {
        let rest = self.rest.trim_start();
        let found = rest.strip_prefix(token);
        self.rest = found.unwrap_or(rest);
        found.is_some()
    }

    fn expect(&mut self, token: char) -> Result<(), Problem> {
        self.take(token).then_some(()).ok_or(Problem::Header("it is not the expected dictionary"))
    }

    fn string(&mut self) -> Result<String, Problem> {
        let quote = if self.take('"') { '"' } else { '\'' };
        if quote == '\'' {
            self.expect(quote)?;
        }
        let (text, rest) =
            self.rest.split_once(quote).ok_or(Problem::Header("a quotation mark is missing"))?;
        self.rest = rest;
        Ok(text.to_owned())
    }

    /// A plain type; a list of fields is a structured array, refused by name.
    fn descr(&mut self) -> Result<String, Problem> {
        if self.take('[') {
            return Err(Problem::ElementType {
                found: "a structure".into(),
                expected: "plain numbers",
                convert: "numpy.lib.recfunctions.structured_to_unstructured(array)",
            });
        }
        self.string()
    }

    fn boolean(&mut self) -> Result<bool, Problem> {
        for (text, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.rest.trim_start().strip_prefix(text) {
                self.rest = rest;
                return Ok(value);
            }
        }
        Err(Problem::Header("fortran_order is neither True nor False"))
    }

    fn tuple(&mut self) -> Result<Vec<usize>, Problem> {
        let mut out = Vec::new();
        self.expect('(')?;
        while !self.take(')') {
            let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
            let (digits, rest) = self.rest.split_at(end);
            out.push(digits.parse().map_err(|_| Problem::Header("the shape is no list of sizes"))?);
            self.rest = rest;
            if !self.take(',') {
                self.expect(')')?;
                break;
            }
            self.rest = self.rest.trim_start();
        }
        Ok(out)
    }
}
