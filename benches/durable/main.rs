//! Figures of a durable store on this machine's disk, as JSON.
//!
//! `cargo bench -q -p ecphory-tests --bench durable -- [SECTION…]` prints one object with a key for
//! each section, all of them unless some are named. `cargo xtask claims durable` holds the bounds.

#[path = "../figures/sets.rs"]
#[allow(dead_code, reason = "shared with the figures that need all of it")]
mod sets;

mod compaction;
mod log;
mod opening;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Map, Value};

/// What a section found, or why it could not.
type Outcome<T = Value> = Result<T, Box<dyn std::error::Error>>;

type Section = fn() -> Outcome;

const SECTIONS: [(&str, Section); 4] = [
    ("commits", log::commits),
    ("recovery", log::recovery),
    ("opening", opening::measure),
    ("compaction", compaction::measure),
];

/// Neighbours of each query, in every section.
const K: usize = 10;

/// A directory beside the build's files, on a disk and not in memory; removed in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Outcome<Self> {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tmp");
        let path = target.join(format!("durable-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&target)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The part below which so much of the values lies.
fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part) as usize]
}

fn main() -> ExitCode {
    match run() {
        Ok(figures) => {
            println!("{:#}", Value::Object(figures));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<Map<String, Value>> {
    // Cargo adds `--bench`.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let known = SECTIONS.map(|(name, _)| name);
    if let Some(unknown) = wanted.iter().find(|name| !known.contains(&name.as_str())) {
        let known = known.join(", ");
        return Err(format!("there is no section `{unknown}`; sections: {known}").into());
    }
    let mut figures = Map::new();
    for (name, measure) in SECTIONS {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            eprintln!("{name}");
            figures.insert(name.to_owned(), measure()?);
        }
    }
    Ok(figures)
}
