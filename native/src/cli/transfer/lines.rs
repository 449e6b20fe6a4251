//! Items as JSON, one a line, with all that they have.
//!
//! `{"key": 1, "vector": [0.5, 2], "tags": ["red"], "payload": "text"}`; `"name"` in place of `"key"`,
//! and `"payload_hex"` where the bytes are no text. What an item remembers, if anything: its
//! `"confidence"`, its `"trace_hex"` and its `"associations"`, as `remembered` says.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use ecphory_native::ecphory::{Item, Op, Space, Store, key_of};
use serde::{Deserialize, Serialize};

use super::super::build::IndexArgs;
use super::super::format;
use super::super::progress::Line;
use super::PIECE;
use super::remembered::{self, Lead, Leads};

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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confidence: Option<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace_hex: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    associations: Option<Vec<Lead>>,
}

/// Puts the items of a file into a space, made with the first of them if there is none. Which space
/// that is, and how many they were.
pub(super) fn import(
    store: &Store,
    name: &str,
    from: &Path,
    index: &IndexArgs,
    line: &mut Line,
) -> anyhow::Result<(Space, usize)> {
    let failed = || format!("cannot read {}; check the path", from.display());
    let file = BufReader::new(File::open(from).with_context(failed)?);
    let mut space = store.space(name);
    let (mut count, mut leads) = (0, Leads::default());
    for (number, text) in file.lines().enumerate() {
        let text = text.with_context(failed)?;
        if text.trim().is_empty() {
            continue;
        }
        let wrong = || format!("line {} of {}", number + 1, from.display());
        let item: Entry = serde_json::from_str(&text).map_err(|error| {
            anyhow!("{} is no item: {error}; mend it, or leave it out", wrong())
        })?;
        let is_first = space.is_none();
        if is_first {
            space = Some(store.create(name, index.builder(item.vector.len()))?);
        }
        let done = space.as_ref().map_or(Ok(()), |space| item.put(space, number + 1, &mut leads));
        if done.is_err() && is_first {
            // A space of which not even the first item is one is not made.
            store.remove(name)?;
        }
        done.map_err(|error| anyhow!("{}: {error}", wrong()))?;
        count += 1;
        if count % PIECE == 0 {
            line.say(format!("{} items", format::count(count)));
        }
    }
    let space =
        space.ok_or_else(|| anyhow!("{} holds no items; pass a file that does", from.display()))?;
    // They may lead to items of later lines.
    leads.make(&space, from, line)?;
    Ok((space, count))
}

impl Entry {
    /// Puts the item into a space, and what it leads to by.
    fn put(self, space: &Space, line: usize, leads: &mut Leads) -> anyhow::Result<()> {
        let tags: Vec<&str> = self.tags.iter().map(String::as_str).collect();
        let payload = match (&self.payload, &self.payload_hex) {
            (None, None) => Vec::new(),
            (Some(text), None) => text.clone().into_bytes(),
            (None, Some(hex)) => from_hex("payload_hex", hex)?,
            _ => bail!("it has both payload and payload_hex; leave one out"),
        };
        let mut item = match (&self.name, self.key) {
            (Some(name), None) => Item::named(name, &self.vector),
            (None, Some(key)) => Item::new(key, &self.vector),
            _ => bail!("an item has either a key or a name; leave one out"),
        };
        let key = self.key.unwrap_or_else(|| key_of(self.name.as_deref().unwrap_or_default()));
        item.standing = remembered::standing(self.confidence, self.trace_hex.as_deref())?;
        let found = self.associations.map(|found| leads.check(&found)).transpose()?;
        space.apply(&Op::Upsert(item.tags(&tags).payload(&payload)))?;
        if let Some(found) = found {
            leads.add(key, line, found);
        }
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
        let (confidence, trace_hex) = remembered::fields(&space.standing(key)?);
        let associations = remembered::leads(space, key);
        let key = name.is_none().then_some(key);
        Some(Self {
            key,
            name,
            vector,
            tags,
            payload,
            payload_hex,
            confidence,
            trace_hex,
            associations,
        })
    }
}

/// Writes all items of a space, in the order of their keys.
pub(super) fn export(space: &Space, out: &mut dyn Write, line: &mut Line) -> io::Result<()> {
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

pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).expect("half a byte");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The bytes that a field of this name holds the digits of.
pub(super) fn from_hex(field: &str, hex: &str) -> anyhow::Result<Vec<u8>> {
    let digit = |byte: u8| (byte as char).to_digit(16);
    let pair = |pair: &[u8]| Some((digit(*pair.first()?)? * 16 + digit(*pair.get(1)?)?) as u8);
    let bytes: Option<Vec<u8>> = hex.as_bytes().chunks(2).map(pair).collect();
    let refused = || format!("{field} is not pairs of hexadecimal digits; write them as 00 to ff");
    bytes.with_context(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_from_their_digits() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(from_hex("bytes", &hex(&bytes)).unwrap(), bytes);
        assert!(["0", "0g", "ü"].iter().all(|digits| from_hex("bytes", digits).is_err()));
    }
}
