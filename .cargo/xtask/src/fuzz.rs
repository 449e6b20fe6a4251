//! `cargo xtask fuzz`: looks for inputs that harm the readers of files.
//!
//! ```text
//!   tests/fuzz ──build, counted──► a program a reader ──N seconds──► findings: target/fuzz/findings
//!                 kept inputs ──┐        ▲       │
//!                 first inputs ─┴────────┘       └──--write──► tests/fixtures/corpus/<reader>
//! ```
//! The programs are built by the stable compiler, with every check that a test has, and with what
//! libFuzzer needs to see which places an input reaches. What it looks for, and how an input is read,
//! is `tests/support/readers`. The same seed each time: it differs in how far it gets alone.
//!
//! **Invariants.** A program that ends before its time, or reaches nothing, has failed. Kept inputs
//! go only for others that reach the same places; those with names of their own never do.
//!
//! Absent on purpose: watching memory (`cargo xtask test --full` does that, under sanitizers).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use serde_json::json;

use crate::{process, setup, toolchain, workspace};

/// The readers: programs of `tests/fuzz`, and bytes that an input of each has at most.
pub(crate) const READERS: [(&str, usize); 4] =
    [("snapshot", 1 << 12), ("parts", 1 << 10), ("manifest", 1 << 11), ("log", 1 << 12)];

/// What makes the compiler count the places that are reached, and tell of what is compared.
const FLAGS: [&str; 7] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];

/// Seconds of each reader, unless told otherwise.
const SECONDS: u64 = 60;

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Of each reader.
    pub(crate) seconds: u64,
    /// Which readers; all, if empty.
    pub(crate) readers: Vec<String>,
    /// Print one JSON value instead of lines.
    pub(crate) json: bool,
    /// Keep what was found to reach more.
    pub(crate) write: bool,
}

impl Options {
    /// Reads what follows the command's name.
    pub(crate) fn of(arguments: &[String]) -> anyhow::Result<Self> {
        let mut options = Self { seconds: SECONDS, readers: Vec::new(), json: false, write: false };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--json" => options.json = true,
                "--write" => options.write = true,
                "--seconds" => {
                    let seconds = arguments.next().and_then(|seconds| seconds.parse().ok());
                    options.seconds = seconds.context("`--seconds` wants a number")?;
                }
                name => {
                    let is_reader = READERS.iter().any(|(reader, _)| *reader == name);
                    let names = READERS.map(|(reader, _)| reader).join(", ");
                    ensure!(is_reader, "there is no reader `{name}`; readers: {names}");
                    options.readers.push(name.to_owned());
                }
            }
        }
        Ok(options)
    }
}

/// What came of one program.
struct Outcome {
    reader: &'static str,
    runs: u64,
    seconds: u64,
    /// Places that inputs reach.
    reached: u64,
}

/// Runs the programs; `false` if one of them found something.
pub(crate) fn run(options: &Options) -> anyhow::Result<bool> {
    setup::provide(&setup::FUZZERS)?;
    let programs = build()?;
    let folder = workspace::target().join("fuzz");
    let seeds = folder.join("seeds");
    renew(&seeds)?;
    process::run(Command::new(programs.join("seeds")).arg(&seeds))?;
    let chosen = |(reader, _): &(&str, usize)| {
        options.readers.is_empty() || options.readers.iter().any(|name| name == reader)
    };
    let mut outcomes = Vec::new();
    let mut found = Vec::new();
    for &(reader, len) in READERS.iter().filter(|reader| chosen(reader)) {
        let job = Job { reader, len, program: programs.join(reader), folder: folder.clone() };
        match job.search(options.seconds)? {
            Some(outcome) => {
                let Outcome { runs, seconds, reached, .. } = outcome;
                eprintln!("{reader}: {runs} runs in {seconds} s, {reached} places reached");
                outcomes.push(outcome);
            }
            None => found.push(reader),
        }
        if options.write {
            job.keep()?;
        }
    }
    if options.json {
        let readers: Vec<_> = outcomes
            .iter()
            .map(|it| {
                json!({ "reader": it.reader, "seconds": it.seconds, "runs": it.runs,
                        "reached": it.reached })
            })
            .collect();
        let shortest = outcomes.iter().map(|it| it.seconds).min().unwrap_or(0);
        println!("{}", json!({ "seconds": shortest, "readers": readers, "found": found }));
    } else {
        println!("{} passed, {} failed", outcomes.len(), found.len());
    }
    Ok(found.is_empty())
}

/// Builds the programs, and says where they are.
fn build() -> anyhow::Result<PathBuf> {
    let (host, target_dir) = (toolchain::host()?, workspace::target().join("fuzz/build"));
    let mut cargo = process::cargo();
    cargo
        .args(["build", "--release", "--quiet", "--locked"])
        .args(["--manifest-path", "tests/fuzz/Cargo.toml"])
        // Named, so that build scripts and macros are not counted.
        .args(["--target", &host])
        .env("CARGO_TARGET_DIR", &target_dir)
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f"));
    process::run(&mut cargo)?;
    Ok(target_dir.join(host).join("release"))
}

/// An empty folder.
fn renew(folder: &Path) -> anyhow::Result<()> {
    if folder.is_dir() {
        fs::remove_dir_all(folder).with_context(|| format!("emptying {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))
}

/// A program and its inputs.
struct Job {
    reader: &'static str,
    /// Bytes of an input, at most.
    len: usize,
    program: PathBuf,
    folder: PathBuf,
}

impl Job {
    fn kept(&self) -> PathBuf {
        workspace::root().join("tests/fixtures/corpus").join(self.reader)
    }

    /// Where new inputs go.
    fn more(&self) -> PathBuf {
        self.folder.join("more").join(self.reader)
    }

    fn seeds(&self) -> PathBuf {
        self.folder.join("seeds").join(self.reader)
    }

    fn command(&self, arguments: &[String]) -> Command {
        let mut command = process::command(&self.program);
        command.args(arguments).args(["-timeout=20", "-rss_limit_mb=2048"]);
        command.arg(format!("-max_len={}", self.len));
        command
    }

    /// Runs the program so many seconds; `None` if it found something, which is printed and kept.
    fn search(&self, seconds: u64) -> anyhow::Result<Option<Outcome>> {
        renew(&self.more())?;
        fs::create_dir_all(self.kept())?;
        let findings = self.folder.join("findings");
        fs::create_dir_all(&findings)?;
        let prefix = findings.join(format!("{}-", self.reader));
        let arguments = [
            format!("-max_total_time={seconds}"),
            "-seed=1".to_owned(),
            "-print_final_stats=1".to_owned(),
            format!("-artifact_prefix={}", prefix.display()),
        ];
        let mut command = self.command(&arguments);
        command.arg(self.more()).arg(self.kept()).arg(self.seeds());
        let log = self.folder.join(format!("{}.log", self.reader));
        let out = fs::File::create(&log)?;
        let status = command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out).status();
        let status = status.with_context(|| format!("could not start {}", self.reader))?;
        let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        if !status.success() {
            eprintln!("{}", tail(&text));
            eprintln!(
                "{} found what is above; its input is in {}",
                self.reader,
                findings.display()
            );
            return Ok(None);
        }
        let outcome = read(self.reader, &text);
        let outcome = outcome.with_context(|| format!("{} says nothing:\n{text}", self.reader))?;
        ensure!(outcome.reached > 100, "{} reaches nothing that is counted", self.reader);
        Ok(Some(outcome))
    }

    /// Keeps of all inputs as few as reach the same places.
    fn keep(&self) -> anyhow::Result<()> {
        let fewest = self.folder.join("fewest").join(self.reader);
        renew(&fewest)?;
        // How often a place is reached tells inputs apart that are alike to a test.
        let arguments = ["-merge=1".to_owned(), "-use_counters=0".to_owned()];
        let mut command = self.command(&arguments);
        command.arg(&fewest).arg(self.kept()).arg(self.seeds()).arg(self.more());
        let output = command.output().context("could not start the merge")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        for file in files(&self.kept())? {
            if is_nameless(&file) {
                fs::remove_file(file)?;
            }
        }
        for file in files(&fewest)? {
            fs::copy(&file, self.kept().join(file.file_name().unwrap_or_default()))?;
        }
        Ok(())
    }
}

fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// Whether a file is called by a hash of what it holds.
fn is_nameless(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The end of what a program printed.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}

/// What libFuzzer says at its end.
fn read(reader: &'static str, text: &str) -> Option<Outcome> {
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let done = words(text.lines().rfind(|line| line.starts_with("Done "))?);
    let (runs, seconds) = (done.get(1)?.parse().ok()?, done.get(4)?.parse().ok()?);
    let last = words(text.lines().rfind(|line| line.contains(" cov: "))?);
    let place = last.iter().position(|word| word == "cov:")?;
    Some(Outcome { reader, runs, seconds, reached: last.get(place + 1)?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read() {
        let of = |text: &str| {
            Options::of(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        };
        let usual = of("").unwrap();
        assert_eq!((usual.seconds, usual.readers.len()), (60, 0));
        let chosen = of("--seconds 5 log --write").unwrap();
        assert_eq!((chosen.seconds, chosen.readers), (5, vec!["log".to_owned()]));
        assert!(chosen.write && !chosen.json);
        assert!(of("--seconds").is_err() && of("wal").is_err() && of("--seconds x").is_err());
    }

    #[test]
    fn the_last_words_are_read() {
        let text = "#2\tINITED cov: 5 ft: 6 corp: 1/1b\n\
                    #9\tDONE   cov: 2107 ft: 7345 corp: 9/9b lim: 4 exec/s: 2 rss: 40Mb\n\
                    Done 31217 runs in 61 second(s)\nstat::number_of_executed_units: 31217\n";
        let Outcome { runs, seconds, reached, .. } = read("log", text).unwrap();
        assert_eq!((runs, seconds, reached), (31_217, 61, 2107));
        assert!(read("log", "ERROR: no inputs").is_none());
    }

    #[test]
    fn inputs_with_names_stay() {
        assert!(is_nameless(Path::new("corpus/da39a3ee5e6b4b0d3255bfef95601890afd80709")));
        assert!(!is_nameless(Path::new("corpus/a-name-that-is-too-long")));
    }
}
