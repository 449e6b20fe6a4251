//! Cells of a matrix, counted, and what is said of them at the end.

use std::process::ExitCode;

/// One table: entry points by values.
pub(crate) struct Table {
    name: &'static str,
    cells: usize,
    failed: Vec<String>,
}

impl Table {
    /// Counts a cell, with what is wrong with it.
    pub(crate) fn count(&mut self, cell: &str, outcome: Result<(), String>) {
        self.cells += 1;
        if let Err(what) = outcome {
            let line = format!("{}: {cell}: {what}", self.name);
            eprintln!("FAILED {line}");
            self.failed.push(line);
        }
    }
}

/// Fills a table.
pub(crate) type Fill = fn(&mut Table);

/// Fills the tables that the command line names, all unless it does, and reports: cells for
/// people, tables as tests for who counts those, or `{"cells": N, "failed": […]}` with `--json`.
pub(crate) fn run(tables: &[(&'static str, Fill)]) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let named: Vec<&String> = arguments.iter().filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| named.is_empty() || named.iter().any(|word| name.contains(*word));
    if has("--list") {
        for (name, _) in tables {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let filled: Vec<Table> = tables
        .iter()
        .filter(|(name, _)| wanted(name))
        .map(|&(name, fill)| {
            let mut table = Table { name, cells: 0, failed: Vec::new() };
            fill(&mut table);
            assert!(table.cells > 0, "{name} has no cells");
            table
        })
        .collect();
    let cells: usize = filled.iter().map(|table| table.cells).sum();
    let failed: Vec<&String> = filled.iter().flat_map(|table| &table.failed).collect();
    if has("--json") {
        // A matrix that was filled is a result, whatever it shows.
        println!("{}", serde_json::json!({ "cells": cells, "failed": failed }));
        return ExitCode::SUCCESS;
    }
    for Table { name, cells, failed } in &filled {
        println!("{name}: {cells} cells, {} fail", failed.len());
    }
    println!("{cells} cells, {} fail", failed.len());
    let broken = filled.iter().filter(|table| !table.failed.is_empty()).count();
    println!("{} passed, {broken} failed", filled.len() - broken);
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
