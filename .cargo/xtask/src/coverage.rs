//! `cargo xtask coverage`: how much of the parsers the kept inputs of the fuzzers reach.
//!
//! ```text
//!   tests/corpus.rs ──build, counted──► read every kept input ──► regions that were reached,
//!                                                                 of each file, by parser
//! ```
//! A region is a piece of code that runs as a whole; of generic code, each counts once. The parsers'
//! own tests are not built in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::{process, setup, toolchain, workspace};

/// Percent of the regions of each parser that are to be reached.
const WANTED: f64 = 90.0;

/// The parsers, and the files of each.
const PARSERS: [(&str, &[&str]); 4] = [
    (
        "snapshot",
        &[
            "src/snapshot/read.rs",
            "src/snapshot/layout.rs",
            "src/snapshot/fields.rs",
            "src/snapshot/roaring.rs",
        ],
    ),
    ("parts", &["src/log/parts.rs"]),
    ("manifest", &["src/log/manifest.rs"]),
    ("log", &["src/log/frame.rs", "src/log/segment.rs", "src/log/recover.rs", "src/index/op.rs"]),
];

/// Regions of some code: those that were reached, and all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Regions {
    reached: u64,
    all: u64,
}

impl Regions {
    fn percent(self) -> f64 {
        100.0 * self.reached as f64 / self.all.max(1) as f64
    }
}

/// Measures it, and prints a row for each parser; `false` if one is reached too little.
pub(crate) fn run(as_json: bool) -> anyhow::Result<bool> {
    setup::provide(&setup::COVERAGE)?;
    let report = report()?;
    let mut least = f64::INFINITY;
    let mut rows = Vec::new();
    for (parser, files) in PARSERS {
        let mut sum = Regions::default();
        for file in files {
            let Regions { reached, all } = regions(&report, file)?;
            eprintln!("  {file}: {reached} of {all} regions");
            (sum.reached, sum.all) = (sum.reached + reached, sum.all + all);
        }
        let percent = sum.percent();
        eprintln!("{parser}: {percent:.1} % of {} regions", sum.all);
        least = least.min(percent);
        rows.push(json!({ "parser": parser, "reached": sum.reached, "regions": sum.all }));
    }
    let enough = rows.len() - rows.iter().filter(|row| is_little(row)).count();
    if as_json {
        println!("{}", json!({ "least": least, "parsers": rows }));
    } else {
        println!("{enough} passed, {} failed", rows.len() - enough);
    }
    Ok(least >= WANTED)
}

fn is_little(row: &Value) -> bool {
    let number = |name: &str| row[name].as_u64().unwrap_or(0);
    Regions { reached: number("reached"), all: number("regions") }.percent() < WANTED
}

/// The regions of a file.
fn regions(report: &Value, file: &str) -> anyhow::Result<Regions> {
    let path = workspace::root().join(file);
    let found = report["data"][0]["files"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|found| found["filename"].as_str().is_some_and(|name| Path::new(name) == path));
    let found = found.with_context(|| format!("nothing was counted in {file}"))?;
    let number = |name: &str| found["summary"]["regions"][name].as_u64();
    let (reached, all) = (number("covered"), number("count"));
    let regions = reached.zip(all).map(|(reached, all)| Regions { reached, all });
    regions.with_context(|| format!("the report says nothing of {file}"))
}

/// What LLVM's tool reports of a run of the kept inputs.
fn report() -> anyhow::Result<Value> {
    let folder = workspace::target().join("coverage");
    let program = build(&folder)?;
    let (raw, merged) = (folder.join("corpus.profraw"), folder.join("corpus.profdata"));
    let _ = fs::remove_file(&raw);
    let mut test = process::command(&program);
    test.args(["kept_inputs_do_no_harm", "--exact"]).env("LLVM_PROFILE_FILE", &raw);
    process::read(&mut test)?;
    let tools = toolchain::llvm_tools().context("LLVM's tools are gone")?;
    let mut merge = Command::new(tools.profdata);
    merge.args(["merge", "-sparse"]).arg(&raw).arg("-o").arg(&merged);
    process::run(&mut merge)?;
    let mut export = Command::new(tools.cov);
    export.args(["export", "-summary-only", "-instr-profile"]).arg(&merged).arg(&program);
    let files = PARSERS.iter().flat_map(|(_, files)| *files);
    export.arg("-sources").args(files.map(|file| workspace::root().join(file)));
    serde_json::from_str(&process::read(&mut export)?).context("LLVM's report is no JSON")
}

/// Builds the test program that reads the kept inputs, and counts.
fn build(folder: &Path) -> anyhow::Result<PathBuf> {
    let mut cargo = process::cargo();
    cargo
        .args(["test", "--package", "ecphory-tests", "--test", "corpus", "--no-run", "--quiet"])
        .args(["--message-format", "json"])
        // Named, so that build scripts and macros are not counted.
        .args(["--target", &toolchain::host()?])
        .env("CARGO_TARGET_DIR", folder)
        .env("CARGO_ENCODED_RUSTFLAGS", "-Cinstrument-coverage");
    let messages = process::read(&mut cargo)?;
    let program = messages.lines().rev().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    });
    ensure!(program.as_ref().is_some_and(|it| it.is_file()), "no test program was built");
    program.context("no test program was built")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_read_by_file() {
        let file = PARSERS[1].1[0];
        let path = workspace::root().join(file);
        let summary = json!({ "regions": { "count": 8, "covered": 6, "percent": 75.0 } });
        let files = json!([{ "filename": "other.rs" }, { "filename": path, "summary": summary }]);
        let report = json!({ "data": [{ "files": files }] });
        let found = regions(&report, file).unwrap();
        assert_eq!(found, Regions { reached: 6, all: 8 });
        assert_eq!(found.percent(), 75.0);
        assert!(regions(&report, "src/log/manifest.rs").is_err());
        assert!(is_little(&json!({ "reached": 8, "regions": 9 })));
        assert!(!is_little(&json!({ "reached": 9, "regions": 10 })));
    }

    #[test]
    fn parsers_are_files() {
        for file in PARSERS.iter().flat_map(|(_, files)| *files) {
            assert!(workspace::root().join(file).is_file(), "{file}");
        }
    }
}
