//! `ecphory demo`: the whole of it on 20,000 words.
//!
//! ```text
//!   words ──► findings: build ── recall against exact search ── ask ── save ── open
//!                            └──────────────┬───────────────────┘
//!                                 report: chart, maps ──► report.html
//! ```

mod chart;
mod findings;
mod layout;
mod map;
mod report;
mod svg;
mod words;

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use ecphory_native::Pool;
use ecphory_native::bench::Samples;

use super::output::Output;
use super::progress::Line;
use findings::Findings;
use words::Words;

#[derive(Args)]
pub(super) struct Demo {
    /// Directory of the words20k files. `tests/fixtures/words20k` here or further up unless given.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Directory for the snapshot and the report.
    #[arg(long, value_name = "DIR", default_value = "target/demo")]
    out: PathBuf,

    /// Threads that build.
    #[arg(long, value_name = "N", default_value_t = ecphory_native::cores())]
    threads: usize,

    /// Does not measure which searches reach which recall.
    #[arg(long)]
    no_tune: bool,
}

impl Demo {
    pub(super) fn run(self, output: &Output) -> anyhow::Result<()> {
        let data = words::find(self.data)?;
        let pool = Pool::new(self.threads)?;
        let cannot_write =
            |error| anyhow!("cannot write to {}: {error}; name another --out", self.out.display());
        std::fs::create_dir_all(&self.out).map_err(cannot_write)?;
        let mut line = Line::new();
        line.say("reading");
        let words = Words::read(&data)?;
        let samples = if self.no_tune { Samples::None } else { Samples::Items };
        let findings = Findings::gather(&words, &pool, &samples, &self.out, &mut line)?;
        line.say("drawing");
        std::fs::write(&findings.report, report::page(&findings, &words)).map_err(cannot_write)?;
        drop(line);
        output.result(&findings, |findings| findings.text(output))
    }
}
