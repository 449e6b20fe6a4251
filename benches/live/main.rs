//! Figures of an index that lives: turnover, deletes, churn, filters and a mixed load, as JSON.
//!
//! `cargo bench -q -p ecphory-tests --bench live -- [SECTION…]` prints one object with a key for
//! each section, all of them unless some are named. The larger sets are read from the folder that
//! `ECPHORY_DATA` names, as everywhere. `cargo xtask claims live` holds the bounds.

#[path = "../figures/race.rs"]
#[allow(dead_code, reason = "shared with the figures that need all of it")]
mod race;
#[path = "../figures/sets.rs"]
#[allow(dead_code, reason = "as above")]
mod sets;

mod builds;
mod churn;
mod deleted;
mod filters;
mod live;
mod mixed;
mod turnover;

use std::process::ExitCode;
use std::time::Instant;

use serde_json::{Map, Value, json};

/// What a section found, or why it could not.
type Outcome<T = Value> = Result<T, Box<dyn std::error::Error>>;

type Section = fn() -> Outcome;

const SECTIONS: [(&str, Section); 6] = [
    ("turnover", turnover::measure),
    ("deleted", deleted::measure),
    ("churn", churn::measure),
    ("builds", builds::measure),
    ("filters", filters::measure),
    ("mixed", mixed::measure),
];

/// Neighbours of each query, in every section.
const K: usize = 10;
/// Candidates of each search, unless a section says otherwise: the default.
const EF: usize = ecphory::DEFAULT_EF;

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
    if let Some(unknown) =
        wanted.iter().find(|name| SECTIONS.iter().all(|(known, _)| known != name))
    {
        let known = SECTIONS.map(|(name, _)| name).join(", ");
        return Err(format!("there is no section `{unknown}`; sections: {known}").into());
    }
    let mut figures = Map::new();
    for (name, measure) in SECTIONS {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            eprintln!("{name}");
            let start = Instant::now();
            let mut section = measure()?;
            section["seconds"] = json!(start.elapsed().as_secs_f64());
            figures.insert(name.to_owned(), section);
        }
    }
    Ok(figures)
}
