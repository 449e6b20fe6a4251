//! `tests/REQUIREMENTS.md` lists every requirement once, with tests that exist.

use crate::expect_none;
use crate::source::{files, root, sources};
use std::fs;

/// Rows by letter: `A1` to `A14` and so on.
const ROWS: [(char, usize); 13] = [
    ('A', 14),
    ('B', 10),
    ('C', 8),
    ('D', 20),
    ('E', 6),
    ('F', 6),
    ('G', 8),
    ('H', 17),
    ('I', 5),
    ('J', 8),
    ('K', 4),
    ('L', 5),
    ('M', 6),
];

/// One line of the table.
struct Row {
    id: String,
    /// The last column: `open`, or tests in backticks.
    shown_by: String,
}

fn rows(table: &str) -> Vec<Row> {
    table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|line| line.split(" | ").map(str::trim).collect::<Vec<_>>())
        .filter(|cells| is_id(cells[0]))
        .map(|cells| Row {
            id: cells[0].to_owned(),
            shown_by: cells.last().map_or(String::new(), |cell| (*cell).to_owned()),
        })
        .collect()
}

fn is_id(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_uppercase())
        && !chars.as_str().is_empty()
        && chars.all(|c| c.is_ascii_digit())
}

/// The tests that a row names; `None` if the cell is neither `open` nor a list of them.
fn tests(shown_by: &str) -> Option<Vec<&str>> {
    if shown_by == "open" {
        return Some(Vec::new());
    }
    shown_by.split(", ").map(|name| name.strip_prefix('`')?.strip_suffix('`')).collect()
}

#[test]
fn every_requirement_has_one_row() {
    let table = fs::read_to_string(root().join("tests/REQUIREMENTS.md")).unwrap();
    let listed: Vec<String> = rows(&table).into_iter().map(|row| row.id).collect();
    let expected: Vec<String> = ROWS
        .iter()
        .flat_map(|(letter, count)| (1..=*count).map(move |number| format!("{letter}{number}")))
        .collect();
    assert_eq!(listed, expected, "each requirement once, in order");
}

#[test]
fn tests_that_rows_name_exist() {
    let table = fs::read_to_string(root().join("tests/REQUIREMENTS.md")).unwrap();
    let rust: String = sources().into_iter().map(|source| source.text).collect();
    let scripts: String = files()
        .iter()
        .filter(|path| {
            path.starts_with("npm/") && [".ts", ".mjs", ".js"].iter().any(|end| path.ends_with(end))
        })
        .map(|path| fs::read_to_string(root().join(path)).unwrap())
        .collect();
    // A Rust test is a function; a test of the package is called by a sentence.
    let exists = |name: &str| {
        rust.contains(&format!("fn {name}("))
            || ['"', '\'', '`']
                .iter()
                .any(|quote| scripts.contains(&format!("{quote}{name}{quote}")))
    };
    let mut findings = Vec::new();
    for Row { id, shown_by } in rows(&table) {
        match tests(&shown_by) {
            None => {
                findings.push(format!("{id}: write `open` or tests in backticks, not {shown_by}"));
            }
            Some(names) => findings.extend(
                names
                    .iter()
                    .filter(|name| !exists(name))
                    .map(|name| format!("{id}: no test {name}")),
            ),
        }
    }
    expect_none("a row is open or names its tests", &findings);
}

#[test]
fn rows_are_read() {
    let table = "| id | what | shown by |\n|---|---|---|\n| A1 | recall | `a_test`, `b` |\n| A2 | x | open |\n";
    let rows = rows(table);
    assert_eq!(rows.len(), 2);
    assert_eq!(tests(&rows[0].shown_by), Some(vec!["a_test", "b"]));
    assert_eq!(tests(&rows[1].shown_by), Some(vec![]));
    assert_eq!(tests("soon"), None);
}
