//! The README's table of figures: written by `cargo xtask claims --write`, by nobody else.

use super::{Row, measure};
use crate::{process, workspace};
use anyhow::Context;
use std::fmt::Write;

const START: &str = "<!-- figures: cargo xtask claims --write -->\n";
const END: &str = "<!-- end of figures -->";

/// Replaces the figures between the two marks.
pub(super) fn write(rows: &[Row]) -> anyhow::Result<()> {
    let path = workspace::root().join("README.md");
    let text = std::fs::read_to_string(&path).context("reading README.md")?;
    let text = replaced(&text, &table(rows)?)?;
    std::fs::write(&path, text).context("writing README.md")
}

fn table(rows: &[Row]) -> anyhow::Result<String> {
    let date = process::read(process::command("date").args(["-u", "+%F"]))?;
    let machine = measure::machine();
    let processor = machine["processor"].as_str().unwrap_or("unknown processor");
    let mut table = String::from("| what | measured | bound | |\n|---|---|---|---|\n");
    for (i, row) in rows.iter().enumerate() {
        // Of two bounds on one figure, the later area has the stronger.
        if rows[i + 1..].iter().any(|later| later.claim.what == row.claim.what) {
            continue;
        }
        let figure = row.figure.as_ref().map_or("not measured".into(), |f| format!("{f:.3}"));
        let verdict = if row.holds() { "holds" } else { "**fails**" };
        let bound = row.claim.bound.shown();
        let stored = row.stored.as_ref().map_or(String::new(), |run| format!(" ({run})"));
        writeln!(table, "| {}{stored} | {figure} | {bound} | {verdict} |", row.claim.what)?;
    }
    writeln!(
        table,
        "\nMeasured on {} on {processor}, {} threads.",
        date.trim(),
        machine["threads"]
    )?;
    Ok(table)
}

fn replaced(text: &str, table: &str) -> anyhow::Result<String> {
    let marks = "README.md needs both marks of the figures";
    let (before, rest) = text.split_once(START).context(marks)?;
    let (_, after) = rest.split_once(END).context(marks)?;
    Ok(format!("{before}{START}{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let text = format!("a\n{START}old\n{END}\nb\n");
        assert_eq!(replaced(&text, "new\n").unwrap(), format!("a\n{START}new\n{END}\nb\n"));
        assert!(replaced("no marks", "new").is_err());
    }
}
