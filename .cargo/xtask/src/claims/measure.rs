//! Commands that claims are measured by; each is run once, however many claims read its result.

use crate::{bench, npm, peers, process, workspace};
use anyhow::Context;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What has been measured so far.
#[derive(Default)]
pub(crate) struct Measurements {
    /// Reports by command line, or why there is none: some take long to fail.
    reports: BTreeMap<String, Result<Report, String>>,
    /// The `ecphory` command, once it is built.
    program: Option<PathBuf>,
    /// What came of the comparison in the browser: it takes minutes also where it fails.
    web: Option<Result<Report, String>>,
}

/// What a command reported, as JSON.
#[derive(Clone, Debug)]
pub(crate) struct Report(Value);

impl Measurements {
    /// The report of the `ecphory` command of this tree, called with `arguments` and `--json`.
    pub(crate) fn ecphory(&mut self, arguments: &[&str]) -> anyhow::Result<Report> {
        let mut command = process::command(self.program()?);
        self.report(command.args(arguments).arg("--json"))
    }

    /// The report of the comparison with hnswlib, called with `arguments`.
    pub(crate) fn peers(&mut self, arguments: &[&str]) -> anyhow::Result<Report> {
        let program = self.program()?;
        let mut command = peers::script("benches/peers/compare.py", &[])?;
        self.report(command.arg("--ecphory").arg(program).args(arguments))
    }

    /// The report of one section of `benches/figures`.
    pub(crate) fn figures(&mut self, section: &str) -> anyhow::Result<Report> {
        let bench = ["bench", "--quiet", "--package", "ecphory-native", "--bench", "figures"];
        self.report(process::cargo().args(bench).args(["--", section]))
    }

    /// The report of one section of `benches/live`.
    pub(crate) fn live(&mut self, section: &str) -> anyhow::Result<Report> {
        let bench = ["bench", "--quiet", "--package", "ecphory-tests", "--bench", "live"];
        self.report(process::cargo().args(bench).args(["--", section]))
    }

    /// The report of one section of `benches/durable`.
    pub(crate) fn durable(&mut self, section: &str) -> anyhow::Result<Report> {
        let bench = ["bench", "--quiet", "--package", "ecphory-tests", "--bench", "durable"];
        self.report(process::cargo().args(bench).args(["--", section]))
    }

    /// The report of `cargo xtask mutants`.
    pub(crate) fn mutants(&mut self) -> anyhow::Result<Report> {
        let mut command = process::command(std::env::current_exe()?);
        self.report(command.args(["mutants", "--json"]))
    }

    /// The report of `cargo xtask fuzz`.
    pub(crate) fn fuzz(&mut self) -> anyhow::Result<Report> {
        let mut command = process::command(std::env::current_exe()?);
        self.report(command.args(["fuzz", "--json"]))
    }

    /// The report of `cargo xtask coverage`.
    pub(crate) fn coverage(&mut self) -> anyhow::Result<Report> {
        let mut command = process::command(std::env::current_exe()?);
        self.report(command.args(["coverage", "--json"]))
    }

    /// What a test prints of what it did, which it did without fault; with every repetition there
    /// is, if `full`.
    pub(crate) fn test(&mut self, program: &str, test: &str, full: bool) -> anyhow::Result<Report> {
        let mut command = process::cargo();
        command.args(["test", "--quiet", "--package", "ecphory-tests", "--test", program]);
        command.args(["--", test, "--nocapture"]).env("ECPHORY_FULL", if full { "1" } else { "0" });
        let line = format!("{} (full: {full})", process::shown(&command));
        let report = self.reports.entry(line).or_insert_with_key(|line| {
            Report::within(&mut command, line).map_err(|error| format!("{error:#}"))
        });
        report.clone().map_err(anyhow::Error::msg)
    }

    /// What `cargo xtask crashes` tells.
    pub(crate) fn crashes(&mut self) -> anyhow::Result<Report> {
        let mut command = process::command(std::env::current_exe()?);
        let line = "cargo xtask crashes".to_owned();
        let report = self.reports.entry(line).or_insert_with_key(|line| {
            Report::within(command.arg("crashes"), line).map_err(|error| format!("{error:#}"))
        });
        report.clone().map_err(anyhow::Error::msg)
    }

    /// The report of the matrix of boundary values of a package of this workspace: a number of
    /// `cells` and a list `failed`.
    pub(crate) fn boundary_of(&mut self, package: &str) -> anyhow::Result<Report> {
        let test = ["test", "--quiet", "--package", package, "--test", "boundary"];
        self.report(process::cargo().args(test).args(["--", "--json"]))
    }

    /// The reports of the matrix of boundary values: the library's, the command line's and that of
    /// the npm package, which is built first.
    pub(crate) fn boundary(&mut self) -> anyhow::Result<[Report; 3]> {
        let library = self.boundary_of("ecphory-tests")?;
        let command_line = self.boundary_of("ecphory-native")?;
        npm::built()?;
        let mut node = process::command("node");
        let script = workspace::npm().join("tests/boundary.mjs");
        let package = self.report(node.arg(script).arg("--json"))?;
        Ok([library, command_line, package])
    }

    /// The report of the comparison in the browser.
    pub(crate) fn web(&mut self) -> anyhow::Result<Report> {
        let report = self.web.take().unwrap_or_else(|| {
            let report = bench::web::page().and_then(|mut page| self.report(page.arg("--json")));
            report.map_err(|error| format!("{error:#}"))
        });
        self.web = Some(report.clone());
        report.map_err(anyhow::Error::msg)
    }

    /// The `ecphory` command, built from this tree.
    fn program(&mut self) -> anyhow::Result<PathBuf> {
        if let Some(program) = &self.program {
            return Ok(program.clone());
        }
        Ok(self.program.insert(workspace::ecphory()?).clone())
    }

    /// The report of a command that prints one JSON value.
    pub(crate) fn report(&mut self, command: &mut std::process::Command) -> anyhow::Result<Report> {
        let line = process::shown(command);
        let report = self.reports.entry(line).or_insert_with_key(|line| {
            Report::of(command, line).map_err(|error| format!("{error:#}"))
        });
        report.clone().map_err(anyhow::Error::msg)
    }
}

impl Report {
    fn of(command: &mut std::process::Command, line: &str) -> anyhow::Result<Self> {
        let text = process::read(command)?;
        let value = serde_json::from_str(&text);
        Ok(Self(value.with_context(|| format!("`{line}` printed no JSON"))?))
    }

    /// What a command prints on one line among others.
    fn within(command: &mut std::process::Command, line: &str) -> anyhow::Result<Self> {
        let text = process::read(command)?;
        // Beside the dots of the test harness.
        let object = text.lines().find_map(|line| Some(&line[line.find("{\"")?..]));
        let object = object.with_context(|| format!("`{line}` printed no JSON"))?;
        Ok(Self(serde_json::from_str(object).with_context(|| format!("`{line}`"))?))
    }

    /// The number at a JSON pointer, such as `/at_recall/0.95/qps`.
    pub(crate) fn number(&self, pointer: &str) -> anyhow::Result<f64> {
        let value = self.0.pointer(pointer);
        let value = value.with_context(|| format!("the report has no {pointer}"))?;
        value.as_f64().with_context(|| format!("{pointer} is {value}, not a number"))
    }

    /// The length of the list at a JSON pointer.
    pub(crate) fn length(&self, pointer: &str) -> anyhow::Result<usize> {
        let list = self.0.pointer(pointer).and_then(Value::as_array);
        Ok(list.with_context(|| format!("the report has no list {pointer}"))?.len())
    }

    /// The largest `field` among the objects of the list at a JSON pointer.
    pub(crate) fn largest(&self, pointer: &str, field: &str) -> anyhow::Result<f64> {
        let list = self.0.pointer(pointer).and_then(Value::as_array);
        let list = list.with_context(|| format!("the report has no list {pointer}"))?;
        let values = list.iter().filter_map(|item| item[field].as_f64());
        values.reduce(f64::max).with_context(|| format!("{pointer} has no {field}"))
    }
}

/// What the figures were measured on.
pub(crate) fn machine() -> Value {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map(|(_, model)| model.trim().to_owned());
    json!({
        "processor": model,
        "threads": std::thread::available_parallelism().map_or(0, usize::from),
        "system": std::env::consts::OS,
        "architecture": std::env::consts::ARCH,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn printing(text: &str) -> Command {
        let mut command = Command::new("echo");
        command.arg(text);
        command
    }

    #[test]
    fn numbers_are_read_by_pointer() {
        let mut run = Measurements::default();
        let report =
            run.report(&mut printing(r#"{"at_recall": {"0.95": {"qps": 12.5}}}"#)).unwrap();
        assert_eq!(report.number("/at_recall/0.95/qps").unwrap(), 12.5);
        assert!(report.number("/at_recall/0.99/qps").is_err());
        assert!(report.number("/at_recall").is_err());
        let report = run.report(&mut printing(r#"{"failed": ["a", "b"], "cells": 3}"#)).unwrap();
        assert_eq!(report.length("/failed").unwrap(), 2);
        assert!(report.length("/cells").is_err());
    }

    #[test]
    fn a_command_that_fails_or_talks_is_no_measurement() {
        let mut run = Measurements::default();
        assert!(run.report(&mut Command::new("false")).is_err());
        assert!(run.report(&mut printing("fast enough")).is_err());
    }
}
