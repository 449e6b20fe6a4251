//! A few numbers one after the other, little-endian: headers, directories, an index's own figures.

use crate::error::{Error, Result};

/// Appends numbers, and bytes.
#[derive(Debug, Default)]
pub(crate) struct FieldsWriter(Vec<u8>);

impl FieldsWriter {
    /// Appends four bytes.
    pub(crate) fn put_u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends eight bytes.
    pub(crate) fn put_u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends the four bytes of the number's bits, which come back as they are.
    pub(crate) fn put_f32(&mut self, value: f32) {
        self.put_u32(value.to_bits());
    }

    /// Appends bytes as they are.
    pub(crate) fn put_bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// What was put.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// What was put so far.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Takes the numbers again, in the same order, and knows where in the file they stand.
#[derive(Clone, Debug)]
pub(crate) struct FieldsReader<'a> {
    rest: &'a [u8],
    /// Place of `rest` in the file.
    offset: u64,
    /// Place of the last number that was taken.
    last: u64,
}

impl<'a> FieldsReader<'a> {
    /// Reads `bytes`, which start at `offset` of the file.
    pub(crate) fn new(bytes: &'a [u8], offset: u64) -> Self {
        Self { rest: bytes, offset, last: offset }
    }

    /// Takes a [`put_u32`](FieldsWriter::put_u32).
    pub(crate) fn take_u32(&mut self) -> Result<u32> {
        self.take().map(u32::from_le_bytes)
    }

    /// Takes a [`put_u64`](FieldsWriter::put_u64).
    pub(crate) fn take_u64(&mut self) -> Result<u64> {
        self.take().map(u64::from_le_bytes)
    }

    /// Takes a [`put_f32`](FieldsWriter::put_f32): any bits, so also NaN and infinity.
    pub(crate) fn take_f32(&mut self) -> Result<f32> {
        self.take_u32().map(f32::from_bits)
    }

    /// Takes bytes as they are.
    pub(crate) fn take_bytes(&mut self, len: usize) -> Result<&'a [u8]> {
        self.last = self.offset;
        let (bytes, rest) =
            self.rest.split_at_checked(len).ok_or_else(|| self.refuse("the bytes end early"))?;
        self.rest = rest;
        self.offset += len as u64;
        Ok(bytes)
    }

    /// Takes bytes to be read on their own.
    pub(crate) fn part(&mut self, len: usize) -> Result<Self> {
        let offset = self.offset;
        Ok(Self::new(self.take_bytes(len)?, offset))
    }

    /// Ends the reading; what is left over is an error.
    pub(crate) fn finish(self) -> Result<()> {
        let Self { rest, offset, .. } = self;
        let more = Error::Snapshot { reason: "there are more fields than expected", offset };
        if rest.is_empty() { Ok(()) } else { Err(more) }
    }

    /// What to return when the number taken last does not make sense.
    pub(crate) fn refuse(&self, reason: &'static str) -> Error {
        Error::Snapshot { reason, offset: self.last }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.last = self.offset;
        let (value, rest) =
            self.rest.split_first_chunk().ok_or_else(|| self.refuse("the bytes end early"))?;
        self.rest = rest;
        self.offset += N as u64;
        Ok(*value)
    }
}
