//! `ecphory tag`: tags given to items of a snapshot, and taken from them.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::ensure;
use clap::Args;
use ecphory_native::ecphory::TagFilter;
use ecphory_native::ecphory::limits::NAME_BYTES_MAX;
use serde::Serialize;

use super::change::{Changed, Written};
use super::output::Output;
use super::progress::Line;
use super::{format, keys};

/// Keys between two looks at the progress.
const PIECE: usize = 4096;

#[derive(Args)]
pub(super) struct Tag {
    #[command(flatten)]
    changed: Changed,

    /// Keys or names of the items.
    #[arg(value_name = "KEY")]
    named: Vec<String>,

    /// More of them: .npy (i32, u32, i64, u64) or .ivecs, of any shape.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,

    /// Also the items that have such tags, before anything is changed: '(red | blue) & !sold'.
    #[arg(long = "where", value_name = "TAGS")]
    filter: Option<TagFilter>,

    /// Gives the items this tag.
    #[arg(long, value_name = "TAG")]
    add: Vec<String>,

    /// Takes this tag from the items.
    #[arg(long, value_name = "TAG")]
    remove: Vec<String>,

    /// Also gives tags as a file says: lines of a key or name and its tags, with tabs between.
    #[arg(long, value_name = "FILE.tsv")]
    from: Option<PathBuf>,
}

/// What was tagged.
#[derive(Serialize)]
struct Tagged {
    /// Items of the keys named.
    #[serde(rename = "tagged")]
    items: usize,
    /// Keys and names without an item.
    missing: usize,
    /// All tags, and how many items have each.
    tags: Vec<(String, usize)>,
    seconds: f64,
    #[serde(flatten)]
    written: Written,
}

impl Tag {
    pub(super) fn run(self, output: &Output) -> anyhow::Result<()> {
        let mut line = Line::new();
        line.say("reading");
        let listed = self.keys.as_deref().map(keys::all).transpose()?;
        let from = self.from.as_deref().map(read).transpose()?.unwrap_or_default();
        let index = self.changed.open()?;
        let (mut keys, unknown) = keys::written(&index, &self.named);
        keys.extend(listed.into_iter().flatten());
        if let Some(filter) = &self.filter {
            keys.extend(index.keys_where(filter)?);
        }
        keys.sort_unstable();
        keys.dedup();

        let start = Instant::now();
        let (mut tagged, mut missing) = (0, unknown);
        let all = keys.len() + from.len();
        let mut one = |key, done: usize, add: &[String], remove: &[String]| -> anyhow::Result<()> {
            if done.is_multiple_of(PIECE) {
                line.count("tagging", done, all);
            }
            let Some(key) = key else {
                missing += 1;
                return Ok(());
            };
            let is_there = index.contains(key);
            for tag in add {
                index.tag(key, tag)?;
            }
            for tag in remove {
                index.untag(key, tag)?;
            }
            *(if is_there { &mut tagged } else { &mut missing }) += 1;
            Ok(())
        };
        for (done, &key) in keys.iter().enumerate() {
            one(Some(key), done, &self.add, &self.remove)?;
        }
        for (done, (word, tags)) in (keys.len()..).zip(&from) {
            one(keys::key(&index, word), done, tags, &[])?;
        }
        let written = self.changed.write(&index, tagged > 0, &mut line)?;
        let seconds = start.elapsed().as_secs_f64();
        drop(line);
        let tagged = Tagged { items: tagged, missing, tags: index.all_tags(), seconds, written };
        output.result(&tagged, |tagged| tagged.text(output))
    }
}

/// The lines of a file: a key or a name, and tags.
fn read(path: &Path) -> anyhow::Result<Vec<(String, Vec<String>)>> {
    let text = keys::text(path)?;
    let line = |(number, line): (usize, &str)| {
        let mut fields = line.split('\t');
        let key = fields.next().unwrap_or_default();
        let line = number + 1;
        ensure!(
            (1..=NAME_BYTES_MAX).contains(&key.len()),
            "line {line} of {} does not begin with a key; write a key and its tags, with tabs between",
            path.display()
        );
        Ok((key.to_owned(), fields.filter(|tag| !tag.is_empty()).map(str::to_owned).collect()))
    };
    text.lines().enumerate().filter(|(_, line)| !line.is_empty()).map(line).collect()
}

impl Tagged {
    fn text(&self, output: &Output) -> String {
        let Self { items, missing, tags, seconds, written } = self;
        let missing = match missing {
            0 => String::new(),
            missing => format!(", {} had none", format::count(*missing)),
        };
        let tagged = format!("{}{missing}", format::count(*items));
        let mut rows = vec![("tagged", tagged), ("took", format::seconds(*seconds))];
        rows.push(("tags", shown(tags)));
        rows.extend(written.rows());
        output.rows(&rows)
    }
}

/// The tags of an index in a line: those that most items have.
pub(super) fn shown(tags: &[(String, usize)]) -> String {
    const SHOWN: usize = 8;
    let mut tags: Vec<_> = tags.iter().collect();
    tags.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let each = |(tag, count): &&(String, usize)| format!("{tag} ({})", format::count(*count));
    let line = tags.iter().take(SHOWN).map(each).collect::<Vec<_>>().join(", ");
    match tags.len() {
        0 => "none".to_owned(),
        len if len > SHOWN => format!("{line} and {} more", format::count(len - SHOWN)),
        _ => line,
    }
}
