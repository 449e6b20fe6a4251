//! Stored runs of claims that take long: `benches/results/<area>.json`.
//!
//! A run under `--long` writes what it measured; without, the stored figures stand in, with the date
//! and the commit that they come from. A figure that was stored for another bound counts as none.

use super::{Claim, measure};
use crate::{process, workspace};
use anyhow::{Context, ensure};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// A figure of an earlier run, and where it comes from.
pub(super) struct Stored {
    pub(super) figure: f64,
    /// Date and commit.
    pub(super) run: String,
}

/// The stored figure of a claim.
pub(super) fn read(claim: &Claim) -> anyhow::Result<Stored> {
    stored(&load(&file(claim.area))?, claim)
}

fn stored(results: &Map<String, Value>, claim: &Claim) -> anyhow::Result<Stored> {
    let hint = "measure it by `cargo xtask claims --long`";
    let row = results.get(claim.what).with_context(|| format!("there is no stored run; {hint}"))?;
    let bound = claim.bound.shown();
    ensure!(row["bound"] == bound.as_str(), "the stored run had another bound; {hint}");
    let figure = row["measured"].as_f64().context("the stored run has no figure")?;
    let [date, commit] = ["date", "commit"].map(|name| row[name].as_str().unwrap_or("unknown"));
    Ok(Stored { figure, run: format!("stored run of {date}, commit {commit}") })
}

/// Keeps the figure of a claim for later.
pub(super) fn write(claim: &Claim, figure: f64) -> anyhow::Result<()> {
    let path = file(claim.area);
    let mut results = load(&path)?;
    let row = json!({
        "id": claim.requirement,
        "measured": figure,
        "bound": claim.bound.shown(),
        "machine": measure::machine(),
        "date": process::read(process::command("date").args(["-u", "+%F"]))?,
        "commit": process::read(process::command("git").args(["describe", "--always", "--dirty"]))?,
    });
    results.insert(claim.what.to_owned(), row);
    let folder = path.parent().context("results lie in a folder")?;
    std::fs::create_dir_all(folder).context("making benches/results")?;
    let text = format!("{:#}\n", Value::Object(results));
    std::fs::write(&path, text).with_context(|| format!("writing {}", workspace::shown(&path)))
}

fn file(area: &str) -> PathBuf {
    workspace::root().join(format!("benches/results/{area}.json"))
}

/// The rows of a file by what they measure; none if there is no file.
fn load(path: &Path) -> anyhow::Result<Map<String, Value>> {
    if !path.exists() {
        return Ok(Map::new());
    }
    let text = std::fs::read_to_string(path).context("reading stored results")?;
    serde_json::from_str(&text).with_context(|| format!("{} is damaged", workspace::shown(path)))
}

#[cfg(test)]
mod tests {
    use super::super::Bound;
    use super::*;

    #[test]
    fn a_stored_figure_counts_for_the_bound_it_was_measured_against() {
        let claim = |bound| Claim {
            area: "speed",
            requirement: "A3",
            what: "a figure",
            bound,
            long: true,
            measure: |_| Ok(0.0),
        };
        let row = json!({"measured": 2.5, "bound": ">= 2", "date": "2026-01-01", "commit": "abc"});
        let results = Map::from_iter([("a figure".to_owned(), row)]);
        let found = stored(&results, &claim(Bound::AtLeast(2.0))).unwrap();
        assert_eq!(found.figure, 2.5);
        assert_eq!(found.run, "stored run of 2026-01-01, commit abc");
        assert!(stored(&results, &claim(Bound::AtLeast(1.0))).is_err());
        assert!(stored(&Map::new(), &claim(Bound::AtLeast(2.0))).is_err());
    }
}
