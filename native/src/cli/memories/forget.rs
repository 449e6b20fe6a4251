//! `ecphory forget`: what time has left too little of, listed or taken out.

use std::fmt::Write;

use anyhow::ensure;
use clap::Args;
use serde::Serialize;

use super::super::format;
use super::super::keys::Called;
use super::super::output::Output;
use super::{Of, system_time};

#[derive(Args)]
pub(in super::super) struct Forget {
    #[command(flatten)]
    of: Of,

    /// Lists the items of which less than this is left, 0 to 1, most forgotten first.
    #[arg(long, value_name = "R", allow_negative_numbers = true)]
    below: f64,

    /// The time to read it at, in milliseconds since 1970; that of the system unless given.
    #[arg(long, value_name = "MS")]
    now: Option<u64>,

    /// Deletes them as well.
    #[arg(long)]
    purge: bool,
}

#[derive(Serialize)]
struct Report {
    now: u64,
    forgotten: Vec<Faded>,
    purged: usize,
    /// Items of the space.
    n: usize,
}

#[derive(Serialize)]
struct Faded {
    item: Called,
    retention: f64,
}

impl Forget {
    pub(in super::super) fn run(self, output: &Output) -> anyhow::Result<()> {
        let (below, now) = (self.below, self.now.unwrap_or_else(system_time));
        ensure!(
            (0.0..=1.0).contains(&below),
            "--below {below} is no share of a memory; choose one between 0 and 1"
        );
        let (store, space) =
            if self.purge { self.of.open_to_write()? } else { self.of.open_to_read()? };
        let retention = space.retention();
        let faded = |key| {
            let standing = space.standing(key).unwrap_or_default();
            Faded { item: Called::of(&space, key), retention: retention.at(&standing.trace, now) }
        };
        let forgotten = space.forgotten(below, now).into_iter().map(faded).collect();
        let mut purged = 0;
        if self.purge {
            purged = space.purge(below, now)?;
            store.close()?;
        }
        let forgotten = Report { now, forgotten, purged, n: space.len() };
        output.result(&forgotten, |forgotten| forgotten.text(output))
    }
}

impl Report {
    fn text(&self, output: &Output) -> String {
        let Self { forgotten, purged, n, .. } = self;
        let mut text = String::new();
        for Faded { item, retention } in forgotten {
            let left = output.dim(format_args!("{retention:.3}"));
            let _ = writeln!(text, "{left} {item}");
        }
        text + &output.rows(&[
            ("forgotten", format::count(forgotten.len())),
            ("purged", format::count(*purged)),
            ("items", format::count(*n)),
        ])
    }
}
