//! Project tasks behind `cargo xtask`.
//!
//! ```text
//! main ─► setup ──► provides what tests need (apt, npm)
//!      ─► npm ────► wasm: compile ► bind ► optimise ► gates, then the TypeScript build
//!      ─► test ───► areas ► runner ► counts
//!      ─► crashes ► tests/crashes as WebAssembly
//!      ─► mutants ► tests that must fail without a guard
//!      ─► fuzz ───► inputs that harm the readers of files
//!      ─► coverage► how much of them the kept inputs reach
//!      ─► claims ─► table of measured promises
//!      ─► bench ──► comparisons
//! ```
//!
//! Absent on purpose: anything a library user would want, and anything that `cargo` does alone.

mod bench;
mod claims;
mod coverage;
mod fuzz;
mod mutants;
mod npm;
mod peers;
mod process;
mod setup;
mod test;
mod toolchain;
mod wasm;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <command>

  setup                     provide what the tests need and say what was chosen
  npm                       build the four WebAssembly binaries and the npm package
  test [--quick] [--full]   run all tests; --quick: native only; --full: every repetition, and under sanitizers
  claims [area] [--json] [--long] [--write]
                            measure what the project claims, one row a claim; --write: put the
                            rows into the README
  crashes                   crash a store everywhere, as 32-bit WebAssembly in Node.js
  mutants [--json]          take guards of the store out one by one: each is missed by a test
  fuzz [--seconds N] [--json] [--write] [reader ...]
                            look for inputs that harm the readers of files (snapshot, parts,
                            manifest, log), 60 s each; --write: keep those that reach more
  coverage [--json]         how much of the parsers the kept inputs reach
  bench peers [--help] [...]
                            compare with other libraries: a table, and a picture a data set
  bench web [--rounds N] [--json] [--phase-seconds N] [--serve]
                            compare the npm package with hnswlib-wasm in Chromium; --serve: in any
                            browser
  bench layouts             count cache misses with links apart from rows and beside them (needs
                            valgrind)
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs one command; `false` means that it ran and found something wrong.
fn dispatch(arguments: &[String]) -> anyhow::Result<bool> {
    let Some((command, rest)) = arguments.split_first() else { anyhow::bail!("{USAGE}") };
    match command.as_str() {
        "setup" => {
            flags(rest, &[])?;
            setup::run().map(|()| true)
        }
        "npm" => {
            flags(rest, &[])?;
            npm::run()
        }
        "test" => {
            flags(rest, &["--quick", "--full"])?;
            test::run(has(rest, "--quick"), has(rest, "--full"))
        }
        "crashes" => {
            flags(rest, &[])?;
            wasm::crashes::run(test::is_full())
        }
        "mutants" => {
            flags(rest, &["--json"])?;
            mutants::run(has(rest, "--json"))
        }
        "fuzz" => fuzz::run(&fuzz::Options::of(rest)?),
        "coverage" => {
            flags(rest, &["--json"])?;
            coverage::run(has(rest, "--json"))
        }
        "claims" => {
            let (options, areas): (Vec<_>, Vec<_>) =
                rest.iter().cloned().partition(|argument| argument.starts_with('-'));
            flags(&options, &["--json", "--long", "--write"])?;
            anyhow::ensure!(areas.len() <= 1, "one area at a time\n\n{USAGE}");
            let options = claims::Options {
                json: has(&options, "--json"),
                long: has(&options, "--long"),
                write: has(&options, "--write"),
            };
            claims::run(areas.first().map(String::as_str), options)
        }
        "bench" => bench::run(rest).map(|()| true),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(true)
        }
        _ => anyhow::bail!("there is no command `{command}`\n\n{USAGE}"),
    }
}

fn has(arguments: &[String], flag: &str) -> bool {
    arguments.iter().any(|argument| argument == flag)
}

/// Refuses every argument that is not in `known`.
fn flags(arguments: &[String], known: &[&str]) -> anyhow::Result<()> {
    match arguments.iter().find(|argument| !known.contains(&argument.as_str())) {
        Some(unknown) => anyhow::bail!("unknown argument `{unknown}`\n\n{USAGE}"),
        None => Ok(()),
    }
}
