//! A directory as the folder of a store.

use std::fs::{File as StdFile, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use ecphory::Region;
use ecphory::log::{Extent, File, Storage};

use super::mmap::{Piece, map_pieces};
use super::pages::read_pieces;
use super::write::{directory, sync_directory};

/// The file whose lock tells that the directory is in use; it holds nothing.
const LOCK: &str = "lock";

/// A directory of files, in use by this process alone. Dropped, it is free again, also when the
/// process ends in any way.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    is_mapped: bool,
    /// Locked as long as it is open.
    _lock: StdFile,
}

#[derive(Debug)]
struct Open(StdFile);

impl Folder {
    /// Takes a directory to write to, made if there is none.
    ///
    /// # Errors
    /// `ResourceBusy` if another process has it, or another handle of this one; what the system says.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        make_durably(path)?;
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(path.join(LOCK))?;
        lock.try_lock().map_err(in_use)?;
        Ok(Self { path: path.to_owned(), is_mapped: true, _lock: lock })
    }

    /// Takes a directory to read from, beside others who only read.
    ///
    /// # Errors
    /// As for [`Self::open`]; `NotFound` if no store was ever there.
    pub fn read_only(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let lock = StdFile::open(path.join(LOCK))?;
        lock.try_lock_shared().map_err(in_use)?;
        Ok(Self { path: path.to_owned(), is_mapped: true, _lock: lock })
    }

    /// Reads snapshots into memory instead of mapping them: for directories that others may write
    /// to, or a network may take away.
    #[must_use]
    pub fn copied(mut self) -> Self {
        self.is_mapped = false;
        self
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn open_with(&self, name: &str, is_new: bool) -> io::Result<Box<dyn File>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(is_new);
        let opened = options.open(self.path.join(name));
        // Where nothing may be written, it can be read.
        let opened = opened.or_else(|error| match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem if !is_new => {
                StdFile::open(self.path.join(name))
            }
            _ => Err(error),
        });
        Ok(Box::new(Open(opened?)))
    }
}

/// Makes a directory, and those above it, and their names durable.
fn make_durably(path: &Path) -> io::Result<()> {
    let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    let made: Vec<&Path> = path.ancestors().take_while(is_missing).collect();
    std::fs::create_dir_all(path)?;
    made.iter().rev().try_for_each(|path| sync_directory(directory(path)))
}

fn in_use(error: TryLockError) -> io::Error {
    match error {
        TryLockError::WouldBlock => ErrorKind::ResourceBusy.into(),
        TryLockError::Error(error) => error,
    }
}

impl Storage for Folder {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            let entry = entry?;
            if let Ok(name) = entry.file_name().into_string()
                && name != LOCK
                && entry.file_type()?.is_file()
            {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn File>> {
        self.open_with(name, true)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        self.open_with(name, false)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path.join(name))
    }

    fn sync(&self) -> io::Result<()> {
        sync_directory(&self.path)
    }

    fn region(&self, extents: &[Extent]) -> io::Result<Region> {
        let mut pieces = Vec::new();
        for Extent { file, offset, len } in extents {
            let file = StdFile::open(self.path.join(file))?;
            let there = file.metadata()?.len();
            if offset.checked_add(*len).is_none_or(|end| end > there) {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let len = usize::try_from(*len).map_err(|_| ErrorKind::OutOfMemory)?;
            pieces.push(Piece { file, offset: *offset, len });
        }
        // A process has only so many mappings.
        let mapped = if self.is_mapped { map_pieces(&pieces) } else { None };
        mapped.map_or_else(|| read_pieces(&pieces), Ok)
    }
}

impl File for Open {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    #[cfg(unix)]
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.0, into, offset)
    }

    #[cfg(unix)]
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.0, bytes, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, mut offset: u64, mut into: &mut [u8]) -> io::Result<()> {
        while !into.is_empty() {
            match std::os::windows::fs::FileExt::seek_read(&self.0, into, offset)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                read => (offset, into) = (offset + read as u64, &mut into[read..]),
            }
        }
        Ok(())
    }

    #[cfg(windows)]
    fn write_at(&self, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match std::os::windows::fs::FileExt::seek_write(&self.0, bytes, offset)? {
                0 => return Err(ErrorKind::WriteZero.into()),
                written => (offset, bytes) = (offset + written as u64, &bytes[written..]),
            }
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let path =
            std::env::temp_dir().join(format!("ecphory-folder-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn one_writes_or_many_read() {
        let path = scratch("lock");
        assert_eq!(Folder::read_only(&path).unwrap_err().kind(), ErrorKind::NotFound);
        let busy =
            |folder: io::Result<Folder>| folder.unwrap_err().kind() == ErrorKind::ResourceBusy;
        let writer = Folder::open(&path).unwrap();
        assert!(busy(Folder::open(&path)) && busy(Folder::read_only(&path)));
        drop(writer);
        let readers = [Folder::read_only(&path).unwrap(), Folder::read_only(&path).unwrap()];
        assert!(busy(Folder::open(&path)));
        drop(readers);
        Folder::open(&path).unwrap();
        std::fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn files_are_what_was_written() {
        let path = scratch("files");
        let folder = Folder::open(&path).unwrap();
        let file = folder.create("a").unwrap();
        assert_eq!(folder.create("a").map(drop).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(folder.open("b").map(drop).unwrap_err().kind(), ErrorKind::NotFound);
        file.write_at(3, b"abc").unwrap();
        file.sync().unwrap();
        folder.sync().unwrap();
        let mut bytes = [9; 6];
        folder.open("a").unwrap().read_at(0, &mut bytes).unwrap();
        assert_eq!(&bytes, b"\0\0\0abc");
        assert_eq!(file.read_at(4, &mut bytes).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        file.set_len(4).unwrap();
        assert_eq!((file.len().unwrap(), folder.list().unwrap()), (4, vec!["a".to_owned()]));
        let extent = |offset, len| Extent { file: "a".to_owned(), offset, len };
        assert_eq!(folder.region(&[extent(0, 4)]).unwrap().len(), 4);
        for bad in
            [extent(1, 4), extent(u64::MAX, 2), Extent { file: "b".to_owned(), ..extent(0, 1) }]
        {
            assert!(folder.region(&[extent(0, 4), bad]).is_err());
        }
        folder.remove("a").unwrap();
        assert!(folder.list().unwrap().is_empty());
        std::fs::remove_dir_all(path).unwrap();
    }
}
