//! `ecphory associate`: associations between items, made and taken out.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{anyhow, ensure};
use clap::Args;
use ecphory_native::ecphory::memory::scoring::Confidence;
use ecphory_native::ecphory::{Ack, Association, Space};
use serde::Serialize;

use super::super::output::Output;
use super::super::progress::Line;
use super::super::{format, keys, store};

/// Lines between two looks at the progress.
const PIECE: usize = 1000;

#[derive(Args)]
pub(in super::super) struct Associate {
    /// The directory of the store.
    folder: PathBuf,

    /// The space.
    space: String,

    /// The key or name of the item that the association leads from.
    #[arg(required_unless_present = "file", requires = "to")]
    from: Option<String>,

    /// The key or name of the item that it leads to.
    to: Option<String>,

    /// What the association is: "is a", "caused".
    #[arg(long, default_value = "related", conflicts_with = "file")]
    kind: String,

    /// Many of them: lines of where one leads from, its kind, and where it leads to, with tabs
    /// between. Those of items that are not there are counted, and left out.
    #[arg(long = "from", value_name = "FILE.tsv", conflicts_with_all = ["from", "to"])]
    file: Option<PathBuf>,

    /// How strong it is beside others of the item: above 0, at most a million.
    #[arg(long, value_name = "W", default_value_t = 1.0, allow_negative_numbers = true)]
    weight: f32,

    /// How sure it is, 0 to 1.
    #[arg(long, value_name = "C", default_value_t = 1.0, allow_negative_numbers = true)]
    confidence: f32,

    /// Takes the associations out instead.
    #[arg(long, conflicts_with_all = ["weight", "confidence"])]
    remove: bool,
}

/// What was associated.
#[derive(Serialize)]
struct Associated {
    made: usize,
    removed: usize,
    /// Associations whose items are not there, or that are not there to be taken out.
    missing: usize,
    seconds: f64,
}

/// A line of a file: from, kind, to.
type Triple = [String; 3];

impl Associate {
    pub(in super::super) fn run(self, output: &Output) -> anyhow::Result<()> {
        let mut line = Line::new();
        line.say("reading");
        let confidence = Confidence::new(self.confidence)?;
        let listed = self.file.as_deref().map(read).transpose()?;
        line.say("opening");
        let builder = match &listed {
            // Durable when all is through, not line for line.
            Some(_) => store::builder().ack(Ack::Buffered),
            None => store::builder(),
        };
        let store = store::open_to_write_as(builder, &self.folder)?;
        let space = super::find(&store, &self.space)?;

        let start = Instant::now();
        let (mut done, mut missing) = (0, 0);
        let mut one = |from, to, kind: &str| -> anyhow::Result<()> {
            let association =
                Association::new(from, to).kind(kind).weight(self.weight).confidence(confidence);
            let is_done = if self.remove {
                space.dissociate(from, to, kind)?
            } else {
                space.associate(&association)?
            };
            *(if is_done { &mut done } else { &mut missing }) += 1;
            Ok(())
        };
        if let (Some(from), Some(to)) = (&self.from, &self.to) {
            one(super::key(&space, from)?, super::key(&space, to)?, &self.kind)?;
        }
        let mut unknown = 0;
        let listed = listed.unwrap_or_default();
        for (number, triple) in listed.iter().enumerate() {
            if number.is_multiple_of(PIECE) {
                line.count("associating", number, listed.len());
            }
            match keys_of(&space, triple) {
                Some((from, to)) => one(from, to, &triple[1])?,
                None => unknown += 1,
            }
        }
        store.close()?;
        drop(line);
        let seconds = start.elapsed().as_secs_f64();
        let (made, removed) = if self.remove { (0, done) } else { (done, 0) };
        let done = Associated { made, removed, missing: missing + unknown, seconds };
        output.result(&done, |done| done.text(output))
    }
}

/// The keys that a line names, unless there can be no such items.
fn keys_of(space: &Space, [from, _, to]: &Triple) -> Option<(u64, u64)> {
    Some((keys::key_in(space, from)?, keys::key_in(space, to)?))
}

fn read(path: &Path) -> anyhow::Result<Vec<Triple>> {
    let text = keys::text(path)?;
    let triple = |(number, line): (usize, &str)| {
        let fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
        let triple: Option<Triple> = fields.try_into().ok();
        triple.filter(|fields| fields.iter().all(|field| !field.is_empty())).ok_or_else(|| {
            anyhow!(
                "line {} of {} is no association; write from, kind and to, with tabs between",
                number + 1,
                path.display()
            )
        })
    };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty());
    let triples = lines.map(triple).collect::<anyhow::Result<Vec<_>>>()?;
    ensure!(!triples.is_empty(), "{} holds no lines; write at least one", path.display());
    Ok(triples)
}

impl Associated {
    fn text(&self, output: &Output) -> String {
        let Self { made, removed, missing, seconds } = self;
        let mut rows = vec![("made", format::count(*made))];
        if *removed > 0 {
            rows = vec![("removed", format::count(*removed))];
        }
        if *missing > 0 {
            rows.push(("missing", format::count(*missing)));
        }
        rows.push(("took", format::seconds(*seconds)));
        output.rows(&rows)
    }
}
