//! A folder in memory, filled from an input, of which a call may fail.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ecphory::log::{File, Memory, Storage};

/// Names and bytes of files.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// The folder.
pub(super) struct Disk {
    files: Memory,
    /// Calls until one fails.
    left: Arc<AtomicU64>,
}

struct Open {
    file: Box<dyn File>,
    left: Arc<AtomicU64>,
}

fn call(left: &AtomicU64) -> io::Result<()> {
    match left.fetch_sub(1, Ordering::Relaxed) {
        0 => Err(io::Error::other("the disk does not answer")),
        _ => Ok(()),
    }
}

impl Disk {
    /// One that answers every call.
    pub(super) fn holding(files: &Files) -> Arc<Self> {
        Self::failing(files, u64::MAX)
    }

    /// One that fails one call after so many.
    pub(super) fn failing(files: &Files, after: u64) -> Arc<Self> {
        let memory = Memory::default();
        for (name, bytes) in files {
            let file = memory.create(name).expect("names are different");
            file.write_at(0, bytes).expect("memory takes it");
        }
        Arc::new(Self { files: memory, left: Arc::new(AtomicU64::new(after)) })
    }

    /// What it holds.
    pub(super) fn files(&self) -> Files {
        let read = |name: String| {
            let file = self.files.open(&name).expect("a name that was listed");
            let mut bytes = vec![0; file.len().expect("memory") as usize];
            file.read_at(0, &mut bytes).expect("memory");
            (name, bytes)
        };
        self.files.list().expect("memory").into_iter().map(read).collect()
    }

    /// Bytes of all files.
    pub(super) fn size(&self) -> usize {
        let len = |name: String| self.files.open(&name).and_then(|file| file.len());
        let lens = self.files.list().expect("memory").into_iter().map(len);
        lens.map(|len| len.expect("a name that was listed") as usize).sum()
    }

    fn opened(&self, file: Box<dyn File>) -> Box<dyn File> {
        Box::new(Open { file, left: Arc::clone(&self.left) })
    }
}

impl Storage for Disk {
    fn list(&self) -> io::Result<Vec<String>> {
        call(&self.left)?;
        self.files.list()
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn File>> {
        call(&self.left)?;
        self.files.create(name).map(|file| self.opened(file))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        call(&self.left)?;
        self.files.open(name).map(|file| self.opened(file))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        call(&self.left)?;
        self.files.remove(name)
    }

    fn sync(&self) -> io::Result<()> {
        call(&self.left)
    }
}

impl File for Open {
    fn len(&self) -> io::Result<u64> {
        call(&self.left)?;
        self.file.len()
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        call(&self.left)?;
        self.file.read_at(offset, into)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        call(&self.left)?;
        self.file.write_at(offset, bytes)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        call(&self.left)?;
        self.file.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        call(&self.left)
    }
}
