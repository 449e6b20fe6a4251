//! Figures that stand on more than one index, thread or kind of rows, as JSON.
//!
//! ```text
//!   sets ──► section: contenders take turns, round by round ──► medians, ratios, recalls
//! ```
//!
//! `cargo bench -q -p ecphory-native --bench figures -- [SECTION…] [--rounds N]` prints one object
//! with a key for each section, all of them unless some are named. The larger sets are read from the
//! folder that `ECPHORY_DATA` names, as everywhere.
//!
//! - Contenders are timed in turns, so that what else a machine does falls on all of them alike. A
//!   ratio is the median over rounds of the ratios within a round.
//! - Every recall is judged by [`Truth`](ecphory_native::bench::Truth) on queries that are not in
//!   the index, and stands beside the figures that it belongs to.
//!
//! Absent on purpose: bounds, which `cargo xtask claims` holds, and the curve of recall against
//! speed, which `ecphory bench` measures.

mod allocations;
mod bulk;
mod concurrent;
mod insert;
mod knob;
mod race;
mod rows;
mod segments;
mod sets;
mod signs;
mod threads;

use std::process::ExitCode;
use std::time::Instant;

use serde_json::{Map, Value, json};

/// What a section found, or why it could not.
type Outcome<T = Value> = Result<T, Box<dyn std::error::Error>>;

/// Measures in so many rounds.
type Section = fn(usize) -> Outcome;

const SECTIONS: [(&str, Section); 8] = [
    ("threads", threads::measure),
    ("concurrent", concurrent::measure),
    ("insert", insert::measure),
    ("bulk", bulk::measure),
    ("knob", knob::measure),
    ("rows", rows::measure),
    ("segments", segments::measure),
    ("allocations", allocations::measure),
];

/// Neighbours of each query, in every section.
const K: usize = 10;
/// Candidates of each search, unless a section says otherwise.
const EF: usize = 64;

/// What the command line asks for.
struct Request {
    rounds: usize,
    sections: Vec<(&'static str, Section)>,
}

impl Request {
    fn read(arguments: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut request = Self { rounds: 5, sections: Vec::new() };
        // Cargo adds `--bench`.
        let mut arguments = arguments.filter(|argument| argument != "--bench");
        while let Some(argument) = arguments.next() {
            if argument == "--rounds" {
                let rounds = arguments.next().and_then(|number| number.parse().ok());
                let rounds = rounds.filter(|&rounds| rounds > 0);
                request.rounds = rounds.ok_or("--rounds takes a number from 1 on")?;
                continue;
            }
            let section = SECTIONS.into_iter().find(|(name, _)| *name == argument);
            request.sections.push(section.ok_or_else(|| {
                let known = SECTIONS.map(|(name, _)| name).join(", ");
                format!("there is no section `{argument}`; sections: {known}")
            })?);
        }
        if request.sections.is_empty() {
            request.sections = SECTIONS.into();
        }
        Ok(request)
    }

    fn run(self) -> Outcome<Map<String, Value>> {
        let mut figures = Map::new();
        for (name, measure) in self.sections {
            eprintln!("{name}");
            let start = Instant::now();
            let mut section = measure(self.rounds)?;
            section["seconds"] = json!(start.elapsed().as_secs_f64());
            figures.insert(name.to_owned(), section);
        }
        Ok(figures)
    }
}

fn main() -> ExitCode {
    match Request::read(std::env::args().skip(1)).and_then(Request::run) {
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
