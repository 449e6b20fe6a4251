//! Where a log keeps its bytes: a folder of files, as far as a log needs one.

use std::io::{self, ErrorKind};

use crate::store::Region;

/// A folder of files. Hosts bring one: a directory, the private files of a browser, memory, or a
/// disk that a test lets fail.
///
/// What a call has done may be lost with the power until it was synced, each write for itself and in
/// any order: of a file by [`File::sync`], of names (created, renamed, removed) by [`Self::sync`].
pub trait Storage: Send + Sync {
    /// The names of all files, in any order.
    ///
    /// # Errors
    /// What the host says.
    fn list(&self) -> io::Result<Vec<String>>;

    /// A new empty file.
    ///
    /// # Errors
    /// `AlreadyExists` if there is one of this name; what the host says.
    fn create(&self, name: &str) -> io::Result<Box<dyn File>>;

    /// A file that is there, to read and write.
    ///
    /// # Errors
    /// `NotFound`; what the host says.
    fn open(&self, name: &str) -> io::Result<Box<dyn File>>;

    /// Removes a file. Who has it open or mapped keeps it until then.
    ///
    /// # Errors
    /// `NotFound`; what the host says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes what happened to names durable.
    ///
    /// # Errors
    /// What the host says; nothing is known about any name then.
    fn sync(&self) -> io::Result<()>;

    /// Parts of files, one after the other, for an index to stand on, that others may not change: a
    /// private mapping, or a copy, as this is unless a host knows better.
    ///
    /// # Errors
    /// `NotFound`; `UnexpectedEof` if a file ends before its part; `OutOfMemory`; what the host says.
    fn region(&self, extents: &[Extent]) -> io::Result<Region> {
        let mut total = 0usize;
        let mut files = Vec::new();
        for Extent { file, offset, len } in extents {
            let file = self.open(file)?;
            // Before a length that lies takes memory.
            let there = file.len()?;
            if offset.checked_add(*len).is_none_or(|end| end > there) {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let sum = usize::try_from(*len).ok().and_then(|len| total.checked_add(len));
            total = sum.ok_or(ErrorKind::OutOfMemory)?;
            files.push((file, *offset, *len));
        }
        Region::filled(total, |mut bytes| {
            for (file, offset, len) in files {
                let (part, rest) = bytes.split_at_mut(len as usize);
                file.read_at(offset, part)?;
                bytes = rest;
            }
            Ok(())
        })
    }
}

/// A part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The file's name.
    pub file: String,
    /// Where the part begins.
    pub offset: u64,
    /// Its bytes.
    pub len: u64,
}

/// An open file.
pub trait File: Send + Sync {
    /// Its length in bytes.
    ///
    /// # Errors
    /// What the host says.
    fn len(&self) -> io::Result<u64>;

    /// Whether it has no bytes.
    ///
    /// # Errors
    /// As for [`Self::len`].
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills `into` with the bytes from `offset` on.
    ///
    /// # Errors
    /// `UnexpectedEof` if there are fewer; what the host says.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`, beyond the end if need be.
    ///
    /// # Errors
    /// What the host says; any part of the bytes may have been written then.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file, or adds zeros.
    ///
    /// # Errors
    /// What the host says.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Makes bytes and length durable.
    ///
    /// # Errors
    /// What the host says; nothing is known about anything written since the last sync then, and to
    /// sync again does not tell.
    fn sync(&self) -> io::Result<()>;
}
