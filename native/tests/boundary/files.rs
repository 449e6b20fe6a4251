//! Files that are not what they should be, on every option that takes a file.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use ecphory_native::vectors::npy;

use crate::place::{DIM, GIVEN, Place, QUERIES, no_text, with_value, words};
use crate::tally::Table;

/// What a file is for those who read it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As many vectors as there are queries, that every metric takes.
    Vectors,
    /// The same, but for the cosine metric.
    Directionless,
    /// As many keys as there are queries.
    Keys,
    /// As many names as there are queries.
    Names,
    /// An index.
    Index,
    /// An index, for who does not look at all of it.
    Damaged,
    /// Nothing that anyone reads.
    Nothing,
}

type Make = fn(&Place, PathBuf);

/// Files: name, ending that readers look at, what they are, and how they are made.
const FILES: &[(&str, Kind, Make)] = &[
    ("good.npy", Kind::Vectors, |_, path| numbers(path, QUERIES, |_| 0.5)),
    ("subnormal.npy", Kind::Vectors, |_, path| {
        numbers(path, QUERIES, |i| if i % DIM == 0 { 1.0 } else { 1e-40 });
    }),
    ("nearly-too-long.npy", Kind::Vectors, |_, path| numbers(path, QUERIES, |_| 2.2e18)),
    ("zero.npy", Kind::Directionless, |_, path| numbers(path, QUERIES, |_| 0.0)),
    ("all-subnormal.npy", Kind::Directionless, |_, path| numbers(path, QUERIES, |_| 1e-40)),
    ("nan.npy", Kind::Nothing, |_, path| {
        numbers(path, QUERIES, |i| if i == 23 { f32::NAN } else { 0.5 });
    }),
    ("infinite.npy", Kind::Nothing, |_, path| {
        numbers(path, QUERIES, |i| if i == 0 { f32::INFINITY } else { 0.5 });
    }),
    ("negative-infinite.npy", Kind::Nothing, |_, path| {
        numbers(path, QUERIES, |i| if i == 9 { f32::NEG_INFINITY } else { 0.5 });
    }),
    ("too-long.npy", Kind::Nothing, |_, path| numbers(path, QUERIES, |_| 3e18)),
    ("largest.npy", Kind::Nothing, |_, path| numbers(path, QUERIES, |_| f32::MAX)),
    ("f64.npy", Kind::Nothing, |_, path| npy::write(path, QUERIES, &[1e39_f64; 24]).unwrap()),
    ("f16-infinite.npy", Kind::Nothing, |_, path| {
        npy::write(path, QUERIES, &[half::f16::INFINITY; 24]).unwrap();
    }),
    ("narrow.npy", Kind::Nothing, |_, path| npy::write(path, QUERIES, &[0.5_f32; 21]).unwrap()),
    ("wide.npy", Kind::Nothing, |_, path| npy::write(path, QUERIES, &[0.5_f32; 27]).unwrap()),
    ("widest.npy", Kind::Nothing, |_, path| npy::write(path, 1, &[0.5_f32; 65_537]).unwrap()),
    ("column.npy", Kind::Nothing, |_, path| npy::write(path, 24, &[0.5_f32; 24]).unwrap()),
    ("extreme-keys.npy", Kind::Keys, |_, path| {
        npy::write(path, QUERIES, &[0, u64::MAX, 1 << 63]).unwrap();
    }),
    ("negative-keys.npy", Kind::Nothing, |_, path| {
        npy::write(path, QUERIES, &[1_i64, -1, i64::MIN]).unwrap();
    }),
    ("no-data.npy", Kind::Nothing, |_, path| raw(path, &header("<f4", "0, 8"))),
    ("no-columns.npy", Kind::Nothing, |_, path| raw(path, &header("<f4", "8, 0"))),
    ("no-keys.npy", Kind::Nothing, |_, path| raw(path, &header("<u8", "0,"))),
    ("huge.npy", Kind::Nothing, |_, path| raw(path, &header("<f4", "18446744073709551615, 8"))),
    ("huge-keys.npy", Kind::Nothing, |_, path| raw(path, &header("<u8", "2305843009213693952,"))),
    ("large.npy", Kind::Nothing, |_, path| raw(path, &header("<f4", "4294967296, 65536"))),
    ("nested.npy", Kind::Nothing, |_, path| raw(path, &header("<f4", &"(".repeat(60_000)))),
    ("names.txt", Kind::Names, |_, path| raw(path, "apple\npear\n\u{1f600}\n".as_bytes())),
    ("empty.npy", Kind::Nothing, |_, path| raw(path, b"")),
    ("empty.ecp", Kind::Nothing, |_, path| raw(path, b"")),
    ("byte.fvecs", Kind::Nothing, |_, path| raw(path, b"\x08")),
    ("negative.fvecs", Kind::Nothing, |_, path| raw(path, &[0xff; 36])),
    ("negative.ivecs", Kind::Nothing, |_, path| raw(path, &[0xff; 36])),
    ("text.npy", Kind::Nothing, |_, path| raw(path, b"1.0, 2.0, 3.0\n")),
    ("text.csv", Kind::Nothing, |_, path| raw(path, b"1.0, 2.0, 3.0\n")),
    ("deep.json", Kind::Nothing, |_, path| raw(path, &b"[".repeat(1_000_000))),
    ("zeros.npy", Kind::Nothing, |_, path| raw(path, &vec![0; 10_000_000])),
    ("zeros.fvecs", Kind::Nothing, |_, path| raw(path, &vec![0; 10_000_000])),
    ("zeros.ecp", Kind::Nothing, |_, path| raw(path, &vec![0; 10_000_000])),
    ("ones.ivecs", Kind::Nothing, |_, path| raw(path, &vec![0xff; 10_000_000])),
    ("cut.ecp", Kind::Nothing, |place, path| {
        let whole = fs::read(place.path("index.ecp")).unwrap();
        raw(path, &whole[..whole.len() - 1]);
    }),
    ("flipped.ecp", Kind::Damaged, |place, path| {
        let mut bytes = fs::read(place.path("index.ecp")).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        raw(path, &bytes);
    }),
    ("copy.ecp", Kind::Index, |place, path| {
        fs::copy(place.path("index.ecp"), path).unwrap();
    }),
    ("a-directory", Kind::Nothing, |_, path| fs::create_dir(path).unwrap()),
    ("a-pipe", Kind::Nothing, |_, path| {
        // Without the program, nothing is there, which is a cell as well.
        let _ = std::process::Command::new("mkfifo").arg(path).status();
    }),
    ("missing.npy", Kind::Nothing, |_, _| {}),
];

fn raw(path: PathBuf, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
}

fn numbers(path: PathBuf, rows: usize, number: impl Fn(usize) -> f32) {
    let numbers: Vec<f32> = (0..rows * DIM).map(number).collect();
    npy::write(path, rows, &numbers).unwrap();
}

/// The header of an array, and 24 bytes that it does not count.
fn header(element: &str, shape: &str) -> Vec<u8> {
    let text = format!("{{'descr': '{element}', 'fortran_order': False, 'shape': ({shape})}}");
    let mut bytes = b"\x93NUMPY\x02\x00".to_vec();
    bytes.extend((text.len() as u32).to_le_bytes());
    bytes.extend(text.bytes());
    bytes.extend([0; 24]);
    bytes
}

/// Paths that lead nowhere, or not to a file.
fn strange_paths() -> Vec<(&'static str, OsString)> {
    vec![
        ("an empty path", OsString::new()),
        ("a device", "/dev/zero".into()),
        ("a name of 1,000 bytes", "a".repeat(1000).into()),
        ("a path of 100 kB", "a/".repeat(50_000).into()),
        ("a name that is no UTF-8", no_text()),
    ]
}

/// An option that takes a file, or a word that names one: `@` in the line.
struct Reader {
    line: &'static str,
    takes: fn(Kind) -> bool,
}

const READERS: &[Reader] = &[
    Reader { line: "query @ --vectors queries.npy -k 1", takes: is_index },
    Reader { line: "info @", takes: |kind| matches!(kind, Kind::Index | Kind::Damaged) },
    Reader { line: "verify @", takes: is_index },
    Reader { line: "upsert @ --vectors queries.npy", takes: is_index },
    Reader { line: "delete @ 0", takes: is_index },
    Reader { line: "query index.ecp -k 1 --vectors @", takes: is_vectors },
    Reader { line: "query index.ecp -k 1 --exact --vectors @", takes: is_vectors },
    Reader { line: "query index.ecp -k 1 --vectors queries.npy --among @", takes: is_keys },
    Reader { line: "upsert index.ecp --vectors @", takes: is_vectors },
    Reader { line: "upsert index.ecp --vectors @ --keys three.npy", takes: is_vectors },
    Reader { line: "upsert index.ecp --vectors queries.npy --keys @", takes: is_keys },
    Reader { line: "delete index.ecp --keys @", takes: is_keys },
    Reader { line: "build --out out.ecp --metric l2 --base @", takes: is_vectors },
    Reader {
        line: "build --out out.ecp --metric cosine --base @",
        takes: |kind| kind == Kind::Vectors,
    },
    Reader { line: "build --out out.ecp --base queries.npy --keys @", takes: is_keys },
    Reader {
        line: "build --out out.ecp --metric l2 --base base.npy --samples @",
        takes: is_vectors,
    },
    Reader { line: "build --out out.ecp --base queries.npy --names @", takes: is_names },
    Reader { line: "upsert index.ecp --vectors queries.npy --names @", takes: is_names },
    Reader { line: TAGS, takes: is_names },
    Reader { line: FIRST, takes: is_vectors },
    Reader { line: "associate shop s --from @", takes: |_| false },
    Reader { line: "retention @ s", takes: |_| false },
    Reader { line: "bench --queries queries.npy -k 5 --base @", takes: |_| false },
    Reader { line: "bench --base base.npy -k 61 --queries @", takes: |_| false },
    Reader { line: "bench --base base.npy --queries queries.npy -k 2 --truth @", takes: |_| false },
];

/// Reads lines of a key or a name and tags, so any short text.
const TAGS: &str = "tag index.ecp --from @";

/// Reads the first of the vectors alone.
const FIRST: &str = "recollect shop s --near @";

fn is_names(kind: Kind) -> bool {
    kind == Kind::Names
}

fn is_index(kind: Kind) -> bool {
    kind == Kind::Index
}

fn is_vectors(kind: Kind) -> bool {
    matches!(kind, Kind::Vectors | Kind::Directionless)
}

fn is_keys(kind: Kind) -> bool {
    kind == Kind::Keys
}

/// Every file on every option that takes one.
pub(crate) fn boundary_files(table: &mut Table) {
    let place = Place::new("boundary-files");
    for (name, kind, make) in FILES {
        let directory = place.path(GIVEN);
        fs::create_dir_all(&directory).unwrap();
        let path = directory.join(name);
        make(&place, path.clone());
        for Reader { line, takes } in READERS {
            // The index is changed where it lies: each reader gets it anew.
            if *kind == Kind::Index {
                make(&place, path.clone());
            }
            let is_legal = takes(*kind)
                || is_other_width(line, name)
                || is_other_row(line, name)
                || is_short_text(line, name);
            let cell = format!("{line} of {name}");
            table.count(&cell, place.cell(&filled(line, path.as_os_str()), is_legal));
        }
        fs::remove_dir_all(&directory).unwrap();
    }
    for (name, path) in strange_paths() {
        for Reader { line, .. } in READERS {
            let cell = format!("{line} of {name}");
            table.count(&cell, place.cell(&filled(line, &path), false));
        }
    }
}

/// A build takes vectors of any length.
fn is_other_width(line: &str, name: &str) -> bool {
    let is_build = line.starts_with("build") && line.ends_with("--base @");
    is_build && ["narrow.npy", "wide.npy", "column.npy"].contains(&name)
}

/// What is wrong stands in a row that is not asked for.
fn is_other_row(line: &str, name: &str) -> bool {
    line == FIRST && ["nan.npy", "negative-infinite.npy"].contains(&name)
}

fn is_short_text(line: &str, name: &str) -> bool {
    let texts = ["text.npy", "text.csv", "empty.npy", "empty.ecp", "byte.fvecs"];
    line == TAGS && texts.contains(&name)
}

/// The words of a line, with a path in the place of `@`.
fn filled(line: &str, path: &std::ffi::OsStr) -> Vec<OsString> {
    let place = |word: OsString| if word == "@" { path.to_owned() } else { word };
    words(line).into_iter().map(place).collect()
}

/// Commands that write a snapshot.
const WRITERS: &[&str] = &[
    "build --base base.npy",
    "upsert index.ecp --vectors queries.npy",
    "delete index.ecp 0 1 2",
    "delete index.ecp 12345",
    "--json build --base base.npy",
    "--json upsert index.ecp --vectors queries.npy",
    "--json delete index.ecp 0 1 2",
];

/// Every place that cannot be written on every command that writes.
pub(crate) fn boundary_outputs(table: &mut Table) {
    let place = Place::new("boundary-outputs");
    fs::create_dir_all(place.path("directory")).unwrap();
    let mut outs = strange_paths();
    outs.extend([
        ("a directory", "directory".into()),
        ("a directory that is missing", "no/such.ecp".into()),
        ("a file as a directory", "base.npy/out.ecp".into()),
        ("the root", "/".into()),
        ("here", ".".into()),
        ("there", "..".into()),
        ("a full device", "/dev/full".into()),
        ("another file", "keys.npy".into()),
        ("the index itself", "index.ecp".into()),
        ("a new file", "out.ecp".into()),
    ]);
    for line in WRITERS {
        for (name, out) in &outs {
            let is_legal = matches!(
                *name,
                "another file" | "the index itself" | "a new file" | "a name that is no UTF-8"
            );
            let mut arguments = words(line);
            arguments.push(with_value("--out", out));
            let cell = format!("{line} --out to {name}");
            table.count(&cell, place.cell(&arguments, is_legal));
        }
    }
}
