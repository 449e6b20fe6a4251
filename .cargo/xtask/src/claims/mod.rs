//! `cargo xtask claims`: what the project says of itself, measured.
//!
//! ```text
//! tables (what is claimed) ──► measure (real commands, run once) ──► rows (holds or not)
//!                                 └──► results (stored, of what takes long)
//! ```
//!
//! **Adding a claim** is one entry of a table: requirement, sentence, bound and how to
//! measure it. **Adding an area** is one name in [`table::AREAS`].
//!
//! **Invariants.** A figure comes from a command that was run now, or says when it was; a claim that can not be measured
//! does not hold; an area without claims is an error, not a success.
//!
//! Absent on purpose: tests of behaviour (`cargo xtask test`), and figures nobody can reproduce.

mod durable;
mod figures;
mod live;
mod measure;
mod memory;
mod million;
mod readme;
mod results;
mod table;
mod web_speed;

use anyhow::{bail, ensure};
use measure::Measurements;
use serde_json::{Value, json};
use std::time::Instant;
use table::AREAS;

/// A sentence about the project with a figure in it.
pub(crate) struct Claim {
    /// The area that it belongs to, one of [`table::AREAS`].
    pub(crate) area: &'static str,
    /// The requirement that it shows, a row id of the requirements.
    pub(crate) requirement: &'static str,
    /// What is measured, with data set and setting.
    pub(crate) what: &'static str,
    /// What the figure must keep to.
    pub(crate) bound: Bound,
    /// Only measured under `--long`, and stored; the stored run stands in otherwise.
    pub(crate) long: bool,
    /// Obtains the figure.
    pub(crate) measure: fn(&mut Measurements) -> anyhow::Result<f64>,
}

/// A limit of a figure, inclusive, in the unit of its claim.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
    Exactly(f64),
}

impl Bound {
    /// Whether `figure` keeps to the bound; never for a NaN.
    fn admits(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(bound) => figure >= bound,
            Self::AtMost(bound) => figure <= bound,
            Self::Exactly(bound) => figure == bound,
        }
    }

    fn shown(self) -> String {
        match self {
            Self::AtLeast(bound) => format!(">= {bound}"),
            Self::AtMost(bound) => format!("<= {bound}"),
            Self::Exactly(bound) => format!("= {bound}"),
        }
    }
}

/// A claim after its measurement.
struct Row {
    claim: &'static Claim,
    figure: anyhow::Result<f64>,
    /// Which stored run the figure comes from, if it was not measured now.
    stored: Option<String>,
}

impl Row {
    /// Measures a claim, or takes what is stored of one that takes long.
    fn of(claim: &'static Claim, long: bool, measurements: &mut Measurements) -> Self {
        if claim.long && !long {
            return match results::read(claim) {
                Ok(found) => Self { claim, figure: Ok(found.figure), stored: Some(found.run) },
                Err(error) => Self { claim, figure: Err(error), stored: None },
            };
        }
        let figure = (claim.measure)(measurements);
        let keep = |figure| if claim.long { results::write(claim, figure) } else { Ok(()) };
        Self { claim, figure: figure.and_then(|it| keep(it).map(|()| it)), stored: None }
    }

    fn holds(&self) -> bool {
        self.figure.as_ref().is_ok_and(|figure| self.claim.bound.admits(*figure))
    }

    fn text(&self) -> String {
        let Claim { area, requirement, what, bound, .. } = self.claim;
        let figure = match &self.figure {
            Ok(figure) => format!("{figure:.4}"),
            Err(_) => "not measured".to_owned(),
        };
        let verdict = if self.holds() { "holds" } else { "FAILS" };
        let row = format!(
            "{area:<8} {requirement:<4} {verdict}  {figure:>12} {:<12} {what}",
            bound.shown()
        );
        match &self.figure {
            Ok(_) => self.stored.iter().fold(row, |row, run| format!("{row} ({run})")),
            Err(error) => format!("{row}\n         {error:#}"),
        }
    }

    fn json(&self) -> Value {
        json!({
            "area": self.claim.area,
            "id": self.claim.requirement,
            "what": self.claim.what,
            "measured": self.figure.as_ref().ok(),
            "bound": self.claim.bound.shown(),
            "holds": self.holds(),
            "stored": self.stored,
            "error": self.figure.as_ref().err().map(|error| format!("{error:#}")),
        })
    }
}

/// What to do with the rows beside printing them.
#[derive(Clone, Copy)]
pub(crate) struct Options {
    /// Print one JSON value instead of lines.
    pub(crate) json: bool,
    /// Measure what takes long, too.
    pub(crate) long: bool,
    /// Replace the README's table of figures.
    pub(crate) write: bool,
}

/// Every claim.
fn all() -> impl Iterator<Item = &'static Claim> {
    [
        table::CLAIMS,
        figures::CLAIMS,
        million::CLAIMS,
        web_speed::CLAIMS,
        live::CLAIMS,
        durable::CLAIMS,
        memory::CLAIMS,
    ]
    .into_iter()
    .flatten()
}

/// Measures the claims of `area`, or all; `false` if one does not hold.
pub(crate) fn run(area: Option<&str>, options: Options) -> anyhow::Result<bool> {
    let Options { json: as_json, long, write } = options;
    if let Some(area) = area {
        ensure!(AREAS.contains(&area), "there is no area `{area}`; areas: {}", AREAS.join(", "));
    }
    let chosen: Vec<&'static Claim> =
        all().filter(|claim| area.is_none_or(|area| claim.area == area)).collect();
    if chosen.is_empty() {
        bail!(
            "no claim is in the table for this choice; add rows to .cargo/xtask/src/claims/table.rs"
        );
    }

    let started = Instant::now();
    let mut measurements = Measurements::default();
    let mut rows = Vec::new();
    for claim in chosen {
        let row = Row::of(claim, long, &mut measurements);
        // In JSON, standard output holds one value; people may still watch.
        if as_json {
            eprintln!("{}", row.text());
        } else {
            println!("{}", row.text());
        }
        rows.push(row);
    }

    let holding = rows.iter().filter(|row| row.holds()).count();
    let failing = rows.len() - holding;
    if as_json {
        let rows: Vec<Value> = rows.iter().map(Row::json).collect();
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "{:#}",
            json!({ "machine": measure::machine(), "seconds": seconds, "claims": rows })
        );
    } else {
        println!("\n{holding} hold, {failing} fail");
    }
    if write {
        readme::write(&rows)?;
    }
    Ok(failing == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(bound: Bound, figure: anyhow::Result<f64>) -> Row {
        let claim = Claim {
            area: "core",
            requirement: "A1",
            what: "a figure",
            bound,
            long: false,
            measure: |_| Ok(0.0),
        };
        Row { claim: Box::leak(Box::new(claim)), figure, stored: None }
    }

    #[test]
    fn bounds_are_inclusive() {
        assert!(row(Bound::AtLeast(0.95), Ok(0.95)).holds());
        assert!(!row(Bound::AtLeast(0.95), Ok(0.9499)).holds());
        assert!(row(Bound::AtMost(2.0), Ok(2.0)).holds());
        assert!(!row(Bound::AtMost(2.0), Ok(2.1)).holds());
        assert!(!row(Bound::Exactly(1.0), Ok(0.0)).holds());
    }

    #[test]
    fn what_was_not_measured_does_not_hold() {
        assert!(!row(Bound::AtMost(1.0), Ok(f64::NAN)).holds());
        let failed = row(Bound::AtMost(1.0), Err(anyhow::anyhow!("no such command")));
        assert!(!failed.holds());
        assert!(failed.text().contains("no such command"));
        assert_eq!(failed.json()["holds"], false);
    }

    #[test]
    fn every_claim_is_of_a_known_area() {
        for claim in all() {
            assert!(AREAS.contains(&claim.area), "{} is of no known area", claim.what);
        }
    }
}
