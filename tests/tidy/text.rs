//! First lines, lengths, and words that belong to one machine.

use crate::expect_none;
use crate::source::{files, root, sources};

/// Lines of a file without its tests, at most.
const LINES_MAX: usize = 500;

/// Beginnings of paths that mean something on one machine only, each cut so that this file does
/// not name them.
const PRIVATE: [(&str, &str); 4] = [("/wo", "rk/"), ("/tm", "p/"), ("/ro", "ot/"), ("/ho", "me/")];

#[test]
fn files_begin_with_their_purpose() {
    let mut findings = Vec::new();
    for source in sources() {
        let first = source.text.lines().next().unwrap_or_default();
        if !first.starts_with("//! ") {
            findings.push(format!("{}: {first}", source.path));
        }
    }
    expect_none("the first line of a file is `//!` and its purpose", &findings);
}

#[test]
fn files_stay_short() {
    let mut findings = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test) {
        let lines = source.text.lines().count() - source.test_lines;
        if lines > LINES_MAX {
            findings.push(format!("{}: {lines} lines", source.path));
        }
    }
    expect_none("a file has one purpose and at most 500 lines without its tests", &findings);
}

#[test]
fn no_file_names_a_private_path() {
    let private = PRIVATE.map(|(start, end)| format!("{start}{end}"));
    let mut findings = Vec::new();
    for path in files() {
        // What is not text is data.
        let Ok(text) = std::fs::read_to_string(root().join(&path)) else { continue };
        for (line, content) in text.lines().enumerate() {
            if private.iter().any(|private| names(content, private)) {
                findings.push(format!("{path}:{}: {}", line + 1, content.trim()));
            }
        }
    }
    expect_none("committed text names no directory of one machine", &findings);
}

/// Whether `line` holds a path that begins with `private`, not one that has it inside.
fn names(line: &str, private: &str) -> bool {
    line.match_indices(private).any(|(offset, _)| {
        let before = line[..offset].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-/~}".contains(c))
    })
}

#[test]
fn private_paths_are_recognised() {
    let home = PRIVATE[3].0.to_owned() + PRIVATE[3].1;
    assert!(names(&format!("see {home}me/x"), &home));
    assert!(names(&home, &home));
    assert!(!names(&format!("https://example.org{home}page"), &home));
}
