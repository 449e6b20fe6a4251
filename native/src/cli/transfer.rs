//! `ecphory import` and `export`: items into a space of a store, and out of it.
//!
//! A file of lines has an item on each, as JSON: `{"key": 1, "vector": [0.5, 2], "tags": ["red"],
//! "payload": "text"}`; `"name"` in place of `"key"`, and `"payload_hex"` where the bytes are no text.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use ecphory_native::ecphory::{Ack, Check, Item, Op, Space, Store};
use ecphory_native::open;
use ecphory_native::storage::write_atomically;
use serde::{Deserialize, Serialize};

use super::build::IndexArgs;
use super::output::{self, Output};
use super::progress::Line;
use super::{format, store};

/// Items between two looks at the progress.
const PIECE: usize = 1000;
/// Bytes of the log that an import leaves to be read when the store is opened, at most.
const LOG_MAX: u64 = 16 << 20;

#[derive(Args)]
pub(super) struct Import {
    /// The directory of the store, made if there is none.
    folder: PathBuf,

    /// The space to add to, made if there is none.
    space: String,

    /// A snapshot (.ecp), which becomes a new space as it is, or items as JSON, one a line (.jsonl):
    /// those whose key or name is there already are replaced.
    #[arg(value_name = "FILE")]
    from: PathBuf,

    #[command(flatten)]
    index: IndexArgs,
}

#[derive(Args)]
pub(super) struct Export {
    /// The directory of the store; nothing is changed there.
    folder: PathBuf,

    /// The space to write.
    space: String,

    /// The file to write: a snapshot (.ecp), or items as JSON, one a line (.jsonl), in the order of
    /// their keys.
    #[arg(value_name = "FILE")]
    to: PathBuf,
}

/// An item on a line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    vector: Vec<f32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload_hex: Option<String>,
}

#[derive(Serialize)]
struct Done {
    space: String,
    /// Items that were read or written.
    items: usize,
    /// Items of the space.
    n: usize,
    seconds: f64,
    #[serde(serialize_with = "output::path")]
    file: PathBuf,
}

impl Done {
    fn text(&self, output: &Output) -> String {
        output.rows(&[
            ("space", self.space.clone()),
            ("transferred", format::count(self.items)),
            ("items", format::count(self.n)),
            ("took", format::seconds(self.seconds)),
            ("file", self.file.display().to_string()),
        ])
    }
}

/// Whether a file is a snapshot, or one of lines, by its name.
fn is_snapshot(path: &Path) -> anyhow::Result<bool> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("ecp") => Ok(true),
        Some("jsonl" | "ndjson") => Ok(false),
        _ => bail!("{} is neither .ecp nor .jsonl; name the file by what it holds", path.display()),
    }
}

impl Import {
    pub(super) fn run(self, output: &Output) -> anyhow::Result<()> {
        let start = Instant::now();
        let is_snapshot = is_snapshot(&self.from)?;
        let snapshot = is_snapshot.then(|| open(&self.from, Check::Full)).transpose()?;
        let mut line = Line::new();
        line.say("opening");
        // Durable when all is through, not item for item.
        let store = store::builder().ack(Ack::Buffered).open(store::lock(&self.folder)?)?;
        let (space, items) = match snapshot {
            Some(index) => {
                let items = index.len();
                (store.import(&self.space, index)?, items)
            }
            None => self.lines(&store, &mut line)?,
        };
        if store.log_bytes()? > LOG_MAX {
            line.say("writing a checkpoint");
            store.checkpoint()?;
        }
        store.close()?;
        drop(line);
        let (n, seconds) = (space.len(), start.elapsed().as_secs_f64());
        let done = Done { space: self.space, items, n, seconds, file: self.from };
        output.result(&done, |done| done.text(output))
    }

    fn lines(&self, store: &Store, line: &mut Line) -> anyhow::Result<(Space, usize)> {
        let failed = || format!("cannot read {}; check the path", self.from.display());
        let file = BufReader::new(File::open(&self.from).with_context(failed)?);
        let mut space = store.space(&self.space);
        let mut count = 0;
        for (number, text) in file.lines().enumerate() {
            let text = text.with_context(failed)?;
            if text.trim().is_empty() {
                continue;
            }
            let wrong = || format!("line {} of {}", number + 1, self.from.display());
            let item: Entry = serde_json::from_str(&text).map_err(|error| {
                anyhow!("{} is no item: {error}; mend it, or leave it out", wrong())
            })?;
            let is_first = space.is_none();
            if is_first {
                let builder = self.index.builder(item.vector.len());
                space = Some(store.create(&self.space, builder)?);
            }
            let done = space.as_ref().map_or(Ok(()), |space| item.put(space));
            if done.is_err() && is_first {
                // A space of which not even the first item is one is not made.
                store.remove(&self.space)?;
            }
            done.map_err(|error| anyhow!("{}: {error}", wrong()))?;
            count += 1;
            if count % PIECE == 0 {
                line.say(format!("{} items", format::count(count)));
            }
        }
        let space = space.ok_or_else(|| {
            anyhow!("{} holds no items; pass a file that does", self.from.display())
        })?;
        Ok((space, count))
    }
}

impl Entry {
    fn put(&self, space: &Space) -> anyhow::Result<()> {
        let tags: Vec<&str> = self.tags.iter().map(String::as_str).collect();
        let payload = match (&self.payload, &self.payload_hex) {
            (None, None) => Vec::new(),
            (Some(text), None) => text.clone().into_bytes(),
            (None, Some(hex)) => from_hex(hex)?,
            _ => bail!("it has both payload and payload_hex; leave one out"),
        };
        let item = match (&self.name, self.key) {
            (Some(name), None) => Item::named(name, &self.vector),
            (None, Some(key)) => Item::new(key, &self.vector),
            _ => bail!("an item has either a key or a name; leave one out"),
        };
        space.apply(&Op::Upsert(item.tags(&tags).payload(&payload)))?;
        Ok(())
    }

    fn of(space: &Space, key: u64) -> Option<Self> {
        let name = space.name_of_item(key);
        let payload = space.payload(key)?;
        let (payload, payload_hex) = match String::from_utf8(payload) {
            Ok(text) if text.is_empty() => (None, None),
            Ok(text) => (Some(text), None),
            Err(bytes) => (None, Some(hex(bytes.as_bytes()))),
        };
        let (vector, tags) = (space.get(key)?, space.tags(key)?);
        let key = name.is_none().then_some(key);
        Some(Self { key, name, vector, tags, payload, payload_hex })
    }
}

impl Export {
    pub(super) fn run(self, output: &Output) -> anyhow::Result<()> {
        let start = Instant::now();
        let is_snapshot = is_snapshot(&self.to)?;
        let store = store::open_to_read(&self.folder)?;
        let Some(space) = store.space(&self.space) else {
            let names = store.spaces().join(", ");
            bail!("there is no space {:?}; there are: {names}", self.space);
        };
        let mut line = Line::new();
        line.say("writing");
        write_atomically(&self.to, |out| {
            if is_snapshot {
                space.write_snapshot(out)
            } else {
                write_lines(&space, out, &mut line)
            }
        })?;
        drop(line);
        let (n, seconds) = (space.len(), start.elapsed().as_secs_f64());
        let done = Done { space: self.space, items: n, n, seconds, file: self.to };
        output.result(&done, |done| done.text(output))
    }
}

fn write_lines(space: &Space, out: &mut dyn Write, line: &mut Line) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let mut keys: Vec<u64> = space.iter().collect();
    keys.sort_unstable();
    for (done, &key) in keys.iter().enumerate() {
        if done % PIECE == 0 {
            line.count("writing", done, keys.len());
        }
        if let Some(item) = Entry::of(space, key) {
            serde_json::to_writer(&mut out, &item)?;
            out.write_all(b"\n")?;
        }
    }
    out.flush()
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).expect("half a byte");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn from_hex(hex: &str) -> anyhow::Result<Vec<u8>> {
    let digit = |byte: u8| (byte as char).to_digit(16);
    let pair = |pair: &[u8]| Some((digit(*pair.first()?)? * 16 + digit(*pair.get(1)?)?) as u8);
    let bytes: Option<Vec<u8>> = hex.as_bytes().chunks(2).map(pair).collect();
    bytes.context("payload_hex is not pairs of hexadecimal digits; write them as 00 to ff")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_from_their_digits() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(from_hex(&hex(&bytes)).unwrap(), bytes);
        assert!(from_hex("0").is_err() && from_hex("0g").is_err() && from_hex("ü").is_err());
    }
}
