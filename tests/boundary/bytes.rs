//! Bytes that are no snapshot and no vectors, wherever bytes go in, and writers that fail.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ecphory::{Check, Index, Metric, Region, Rows};
use ecphory_native::storage::{StorageError, open_mapped, read};
use ecphory_native::vectors::{self, ReadError, npy};
use ecphory_native::{open, save};

use crate::cell::{Calls, Fault, Given, ROOM, Values, Wanted, cell, cell_on, refused, right};
use crate::subject::{LEN, Life, Subject, subjects};
use crate::tally::Table;

/// Bytes that are nothing.
const BYTES: Values<Vec<u8>> = &[
    ("no bytes", Vec::new),
    ("one byte", || vec![0]),
    ("a line of text", || b"not what you think\n".to_vec()),
    ("63 bytes", || vec![0xff; 63]),
    ("10 MB of zeros", || vec![0; 10_000_000]),
    ("10 MB of ones", || vec![0xff; 10_000_000]),
    ("10 MB of text", || b"ecphory ".repeat(1_250_000)),
    ("JSON a million deep", || b"[".repeat(1_000_000)),
    ("objects a million deep", || b"{\"a\":".repeat(1_000_000)),
    ("no UTF-8", || b"\xc3\x28\xff\xfe".repeat(64)),
];

fn snapshot() -> Vec<u8> {
    Subject::new(Life::Built, Metric::L2, Rows::F32).index().to_snapshot().unwrap()
}

/// Snapshots that are damaged, each by its name.
fn damaged() -> Vec<(String, Vec<u8>)> {
    let good = snapshot();
    let mut all: Vec<(String, Vec<u8>)> =
        BYTES.iter().map(|(name, bytes)| ((*name).to_owned(), bytes())).collect();
    for len in [1, 63, 64, 65, good.len() / 2, good.len() - 1] {
        all.push((format!("a snapshot cut to {len} bytes"), good[..len].to_vec()));
    }
    all.push(("a snapshot and a byte".to_owned(), [&good[..], b"x"].concat()));
    all.push(("two snapshots".to_owned(), good.repeat(2)));
    // Every number of the header at its extremes.
    for place in (0..64).step_by(8) {
        for value in [0, 1, u64::from(u32::MAX), i64::MAX as u64, u64::MAX] {
            let mut bytes = good.clone();
            if bytes[place..place + 8] != value.to_le_bytes() {
                bytes[place..place + 8].copy_from_slice(&value.to_le_bytes());
                all.push((format!("a snapshot with {value} at byte {place}"), bytes));
            }
        }
    }
    all
}

/// Opens bytes in memory.
fn in_memory(bytes: &[u8], check: Check) -> Given {
    let region = Region::copy_of(bytes).ok_or_else(|| refused("memory")(&"none"))?;
    right(Index::open(region, check)?.len() == LEN, "other items")
}

/// An error about a file has the code of what is inside, if that is an index's.
fn of_file(error: &StorageError, path: &Path) -> Fault {
    let code = match error {
        StorageError::Snapshot { cause, .. } => cause.code(),
        _ => "storage",
    };
    naming(path, code, error)
}

fn of_vectors(error: &ReadError, path: &Path) -> Fault {
    naming(path, "vectors", error)
}

/// An error that names the file it is about, which may be long, and says the rest in few words.
fn naming(path: &Path, code: &'static str, error: &dyn std::fmt::Display) -> Fault {
    let (message, path) = (error.to_string(), path.display().to_string());
    if message.contains(&path) {
        refused(code)(&message.replacen(&path, "", 1))
    } else {
        Fault::Wrong(format!("does not name the file: {message}"))
    }
}

/// A directory for the files of a table, removed at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ecphory-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Snapshots that are none, in memory and in files.
pub(crate) fn boundary_snapshots(table: &mut Table) {
    let scratch = Scratch::new("boundary-snapshots");
    for check in [Check::Full, Check::Header] {
        cell(table, &format!("open, {check:?}, of a snapshot"), Wanted::Answer, ROOM, || {
            in_memory(&snapshot(), check)
        });
        for (what, bytes) in damaged() {
            let room = ROOM + 2 * bytes.len();
            let name = format!("open, {check:?}, of {what}");
            cell(table, &name, unreadable(&bytes), room, || in_memory(&bytes, check));
            let path = scratch.file("damaged.ecp", &bytes);
            let wanted = if bytes.is_empty() { STORAGE } else { unreadable(&bytes) };
            let name = format!("open of a file, {check:?}, of {what}");
            cell(table, &name, wanted, room, || {
                let index = open(&path, check).map_err(|error| of_file(&error, &path))?;
                right(index.len() == LEN, "other items")
            });
        }
    }
    for (what, path) in no_files(&scratch) {
        for check in [Check::Full, Check::Header] {
            let name = format!("open of a file, {check:?}, of {what}");
            cell(table, &name, STORAGE, ROOM, || {
                open(&path, check).map(drop).map_err(|error| of_file(&error, &path))
            });
        }
        for (call, to_region) in [("read", read as fn(_) -> _), ("open_mapped", open_mapped)] {
            cell(table, &format!("{call} of {what}"), STORAGE, ROOM, || {
                to_region(path.as_path()).map(drop).map_err(|error| of_file(&error, &path))
            });
        }
    }
}

const STORAGE: Wanted = Wanted::Refusal("storage");

/// What is wrong with bytes that are no snapshot. A header of other numbers may be a newer format's.
fn unreadable(bytes: &[u8]) -> Wanted {
    if bytes.len() == snapshot().len() {
        Wanted::OneOf(&["snapshot", "unsupported-snapshot"])
    } else {
        Wanted::Refusal("snapshot")
    }
}

/// Paths where there is no file to read.
fn no_files(scratch: &Scratch) -> Vec<(&'static str, PathBuf)> {
    let mut paths = vec![
        ("nothing", scratch.0.join("missing")),
        ("an empty path", PathBuf::new()),
        ("a directory", scratch.0.clone()),
        ("a path of 10,000 bytes", scratch.0.join("a/".repeat(5000))),
        ("a name of 1,000 bytes", scratch.0.join("a".repeat(1000))),
        ("a path with a zero byte", scratch.0.join("a\0b")),
    ];
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"\xff\xfe");
        paths.push(("a path that is no UTF-8", scratch.0.join(name)));
        paths.push(("a device", PathBuf::from("/dev/zero")));
        let pipe = scratch.0.join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        if made.is_ok_and(|status| status.success()) {
            paths.push(("a pipe that nobody writes to", pipe));
        }
    }
    paths
}

/// Readers of vector files.
const READERS: Calls<Path> = &[
    ("vectors::read", |path| {
        vectors::read(path).map(drop).map_err(|error| of_vectors(&error, path))
    }),
    ("read_ids", |path| {
        vectors::read_ids(path).map(drop).map_err(|error| of_vectors(&error, path))
    }),
    ("read_scales", |path| {
        vectors::read_scales(path).map(drop).map_err(|error| of_vectors(&error, path))
    }),
];

const ENDINGS: [&str; 5] = ["npy", "fvecs", "bvecs", "ivecs", "txt"];

/// The header of an array, as NumPy would write it, and some bytes after it.
fn array(dictionary: &str, data: usize) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x02\x00".to_vec();
    bytes.extend((dictionary.len() as u32).to_le_bytes());
    bytes.extend(dictionary.bytes());
    bytes.extend(std::iter::repeat_n(0, data));
    bytes
}

fn shaped(shape: &str, data: usize) -> Vec<u8> {
    array(&format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape})}}"), data)
}

/// Arrays that lie about themselves.
fn arrays() -> Vec<(String, Vec<u8>)> {
    let max = usize::MAX;
    let mut all: Vec<(String, Vec<u8>)> = [
        "0, 0".to_owned(),
        "0, 8".to_owned(),
        "8, 0".to_owned(),
        format!("{max}, 1"),
        format!("1, {max}"),
        format!("{max}, {max}"),
        format!("{}, 4", max / 4),
        format!("{}, {}", 1_u64 << 32, 1_u64 << 32),
        "1000000000, 1000".to_owned(),
        "18446744073709551616, 1".to_owned(),
        "-1, 4".to_owned(),
        "1e9, 4".to_owned(),
        "4, 4, 4".to_owned(),
        String::new(),
        "1,".repeat(5000),
        "(".repeat(60_000),
    ]
    .into_iter()
    .map(|shape| (format!("an array of shape ({shape:.40})"), shaped(&shape, 64)))
    .collect();
    let dictionary = |name: &str, text: String| (name.to_owned(), array(&text, 16));
    all.push(dictionary("a dictionary 60,000 deep", "{".repeat(60_000)));
    all.push(dictionary("a dictionary without end", "{'descr': '".to_owned()));
    all.push(dictionary("a dictionary of spaces", " ".repeat(60_000)));
    all.push(dictionary("a dictionary of other letters", "\u{1f600}".repeat(1000)));
    all.push(dictionary(
        "a type of 60,000 bytes",
        format!("{{'descr': '{}', 'fortran_order': False, 'shape': (2, 2)}}", "f".repeat(60_000)),
    ));
    all.push(("a header of 4 GiB".to_owned(), b"\x93NUMPY\x02\x00\xff\xff\xff\xff{".to_vec()));
    all.push(("a header of no bytes".to_owned(), b"\x93NUMPY\x01\x00\x00\x00".to_vec()));
    all.push(("a later version".to_owned(), b"\x93NUMPY\xff\xff\x00\x00".to_vec()));
    for dim in [0, -1, 1, i32::MAX, i32::MIN] {
        let row = [&dim.to_le_bytes()[..], &[0; 61]].concat();
        all.push((format!("a row of {dim} components"), row));
    }
    all
}

/// Vector files that are none.
pub(crate) fn boundary_vector_files(table: &mut Table) {
    let scratch = Scratch::new("boundary-vectors");
    let nothing = BYTES.iter().map(|(name, bytes)| ((*name).to_owned(), bytes()));
    let bad: Vec<(String, Vec<u8>)> = nothing.chain(arrays()).collect();
    for (reader, call) in READERS {
        for (what, bytes) in &bad {
            for ending in ENDINGS {
                let path = scratch.file(&format!("bad.{ending}"), bytes);
                let name = format!("{reader} of {what} in .{ending}");
                cell(table, &name, VECTORS, ROOM + 8 * bytes.len(), || call(&path));
            }
        }
        for (what, path) in no_files(&scratch) {
            cell(table, &format!("{reader} of {what}"), VECTORS, ROOM, || call(&path));
        }
    }
    for (rows, values) in [(0, 0), (0, 4), (3, 4), (usize::MAX, 4), (5, 0)] {
        let wanted = if (rows, values) == (5, 0) { Wanted::Answer } else { Wanted::Refusal("io") };
        cell(
            table,
            &format!("npy::write of {rows} rows of {values} numbers"),
            wanted,
            ROOM,
            || {
                let written = npy::write(scratch.0.join("out.npy"), rows, &vec![0.0_f32; values]);
                written.map_err(|error| refused("io")(&format_args!("{error}; as said")))
            },
        );
    }
}

const VECTORS: Wanted = Wanted::Refusal("vectors");

/// A writer that takes so many bytes, and then fails or takes no more.
struct Stops {
    left: usize,
    fails: bool,
}

impl Write for Stops {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.left);
        self.left -= taken;
        if taken == 0 && self.fails { Err(io::Error::other("full; make room")) } else { Ok(taken) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Places that a snapshot cannot be written to.
pub(crate) fn boundary_writers(table: &mut Table) {
    let scratch = Scratch::new("boundary-writers");
    for mut subject in subjects() {
        for left in [0, 1, 64, 100, 4096] {
            for fails in [false, true] {
                let how = if fails { "fails" } else { "takes no more" };
                let name = format!("write_snapshot to what {how} after {left} bytes");
                let wanted = (Wanted::Refusal("io"), ROOM, false);
                cell_on(table, &name, &mut subject, wanted, |index| {
                    let mut out =
                        Stops { left: left.min(index.snapshot_len()? as usize - 1), fails };
                    let written = index.write_snapshot(&mut out);
                    written.map_err(|error| refused("io")(&format_args!("{error}; as said")))
                });
            }
        }
        for (what, path) in no_files(&scratch) {
            // Where nothing is, something can be.
            let is_free = matches!(what, "nothing" | "a path that is no UTF-8");
            let wanted = if is_free { Wanted::Answer } else { STORAGE };
            let name = format!("save to {what}");
            // A buffer of the file is part of it.
            let wanted = (wanted, 3 * ROOM, false);
            cell_on(table, &name, &mut subject, wanted, |index| {
                let len = save(index, &path).map_err(|error| of_file(&error, &path))?;
                std::fs::remove_file(&path).ok();
                right(len == index.snapshot_len()?, "another length")
            });
        }
    }
}
