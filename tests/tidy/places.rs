//! Things that are allowed in few places: target gates, loom, `unsafe`, locks.

use crate::expect_none;
use crate::source::{Source, closing, identifiers, line_of, sources};

/// Where `unsafe` may be written. Tests and benches call kernels directly and are not listed.
const UNSAFE: &[&str] =
    &["src/arch/", "src/graph/links.rs", "src/store/", "native/src/storage/", "wasm/src/views.rs"];

/// Where the core may choose by what watches it: `cfg(loom)`, `cfg(ecphory_tsan)`.
const WATCHED: &[&str] = &["src/sync/", "src/arch/mod.rs", "src/lib.rs"];

/// Where readers must never wait.
const LOCK_FREE: &[&str] = &["src/graph/", "src/store/", "src/index/"];

/// Names that would make them.
const LOCKS: &[&str] = &[
    "Mutex",
    "RwLock",
    "Condvar",
    "Barrier",
    "parking_lot",
    "park",
    "spin",
    "spin_loop",
    "yield_now",
];

fn is_in(source: &Source, places: &[&str]) -> bool {
    places.iter().any(|place| source.path.starts_with(place))
}

fn shipped() -> Vec<Source> {
    sources().into_iter().filter(|source| !source.is_test).collect()
}

#[test]
fn targets_are_named_in_arch_alone() {
    let mut findings = Vec::new();
    for source in shipped().iter().filter(|source| source.path.starts_with("src/")) {
        for (line, condition) in conditions(&source.code) {
            let names = |word: &str| identifiers(&condition).any(|(_, name)| name == word);
            let target = identifiers(&condition).any(|(_, name)| name.starts_with("target_"));
            // The one promise that the whole crate makes of its targets.
            let endian_gate = source.path == "src/lib.rs" && names("target_endian");
            if target && !endian_gate && !is_in(source, &["src/arch/"]) {
                findings.push(format!("{}:{line}: {condition}", source.path));
            }
            let watched = names("loom") || names("ecphory_tsan");
            if watched && !is_in(source, WATCHED) {
                findings.push(format!("{}:{line}: {condition}", source.path));
            }
        }
    }
    expect_none(
        "the core chooses by target in src/arch only, by what watches it in src/sync",
        &findings,
    );
}

/// Every `cfg(…)`, `cfg!(…)` and `cfg_attr(…)`, with its line.
fn conditions(code: &str) -> Vec<(usize, String)> {
    let mut conditions = Vec::new();
    for start in ["cfg(", "cfg!(", "cfg_attr("] {
        for (offset, _) in code.match_indices(start) {
            let end = closing(code, offset + start.len() - 1);
            conditions.push((line_of(code, offset), code[offset..end].to_owned()));
        }
    }
    conditions
}

#[test]
fn unsafe_code_has_its_places() {
    let mut findings = Vec::new();
    for source in shipped().iter().filter(|source| !is_in(source, UNSAFE)) {
        for (line, _) in identifiers(&source.code).filter(|(_, word)| *word == "unsafe") {
            findings.push(format!("{}:{line}", source.path));
        }
    }
    expect_none("`unsafe` is not for these files (table in tests/tidy/places.rs)", &findings);
}

#[test]
fn readers_never_wait() {
    let mut findings = Vec::new();
    for source in shipped().iter().filter(|source| is_in(source, LOCK_FREE)) {
        for (line, word) in identifiers(&source.code).filter(|(_, word)| LOCKS.contains(word)) {
            findings.push(format!("{}:{line}: {word}", source.path));
        }
    }
    expect_none("graph, store and index neither lock nor wait", &findings);
}

#[test]
fn conditions_are_read() {
    let code = "#[cfg(all(target_arch = \"\", not(loom)))]\nif cfg!(unix) {}";
    let read = conditions(code);
    assert_eq!(read.len(), 2);
    assert_eq!(read[0].0, 1);
    assert!(read[0].1.contains("loom") && read[1].1.contains("unix"));
}
