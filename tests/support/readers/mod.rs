//! The readers of files, each fed with bytes that somebody made up, checksums and all.
//!
//! ```text
//!   input ──► snapshot │ parts │ manifest │ log     a file, or several, as the input says
//!                 │  ▲ mend: checksums that hold
//!                 ▼
//!              opened ──► index │ store: read, changed, written, opened again
//! ```
//! `tests/fuzz` looks for inputs that do harm, `tests/corpus.rs` repeats those that it kept. An input
//! is any bytes; each module says what they mean. A reader panics where the library breaks its word:
//! it panics itself, refuses for another reason than what the files hold, takes memory that nothing
//! in them accounts for, or writes what it does not read back.
//!
//! Checksums are mended wherever they stand, but for those whose bits are all ones: those are left
//! as they are, so that an input can be damaged, too.

mod disk;
mod index;
mod input;
mod log;
mod manifest;
mod mend;
mod parts;
mod seeds;
mod snapshot;
mod store;

use std::path::PathBuf;

/// A reader of files.
pub struct Reader {
    /// What it is called: its folder of kept inputs, and its program in `tests/fuzz`.
    pub name: &'static str,
    /// Reads an input.
    ///
    /// # Panics
    /// If the library does what it must not.
    pub read: fn(&[u8]),
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const READERS: [Reader; 4] = [
    Reader { name: "snapshot", read: snapshot::read, seeds: seeds::snapshots },
    Reader { name: "parts", read: parts::read, seeds: seeds::parts },
    Reader { name: "manifest", read: manifest::read, seeds: seeds::manifests },
    Reader { name: "log", read: log::read, seeds: seeds::logs },
];

/// The reader of a name.
///
/// # Panics
/// If there is none.
pub fn reader(name: &str) -> &'static Reader {
    READERS.iter().find(|reader| reader.name == name).expect("a reader has this name")
}

/// Reads an input with the reader of a name.
///
/// # Panics
/// As [`Reader::read`] does.
pub fn read(name: &str, input: &[u8]) {
    (reader(name).read)(input);
}

/// Where the inputs of a reader are kept.
pub fn folder(name: &str) -> PathBuf {
    crate::fixture("corpus").join(name)
}

/// The inputs that were kept for the reader of a name, by the names of their files.
///
/// # Panics
/// If they cannot be read.
pub fn kept(name: &str) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(folder(name)).expect("the folder of kept inputs");
    let input = |path: PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (name, std::fs::read(&path).expect("an input that was kept"))
    };
    let mut inputs: Vec<_> =
        files.map(|file| input(file.expect("the folder of kept inputs").path())).collect();
    inputs.sort_unstable();
    inputs
}
