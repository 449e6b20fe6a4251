//! Keys and names, from files and from the command line.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::path::Path;

use anyhow::{Context, anyhow, bail, ensure};
use ecphory_native::ecphory::{Index, Space, key_of};
use ecphory_native::vectors::{self, Ids, Vectors};
use serde::{Deserialize, Serialize};

/// Bytes of a file of text, at most.
const FILE_MAX: u64 = 1 << 30;

/// One key for each of `vectors`.
pub(super) fn one_each(path: &Path, vectors: &Vectors) -> anyhow::Result<Vec<u64>> {
    let keys = read(path)?;
    ensure!(
        (keys.rows(), keys.columns()) == (vectors.rows(), 1),
        "{} holds {} x {} keys for {} vectors; pass one key a vector",
        path.display(),
        keys.rows(),
        keys.columns(),
        vectors.rows(),
    );
    Ok(keys.values().to_vec())
}

/// As [`one_each`], none twice.
pub(super) fn distinct(path: &Path, vectors: &Vectors) -> anyhow::Result<Vec<u64>> {
    let keys = one_each(path, vectors)?;
    if let Some(key) = repeated(&keys) {
        bail!("{} holds key {key} twice; remove the duplicate", path.display());
    }
    Ok(keys)
}

/// Whether a file is one of lines, by its name.
pub(super) fn is_text(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("txt"))
}

/// The keys of an array, or those on the lines of a text.
fn read(path: &Path) -> anyhow::Result<Ids> {
    if !is_text(path) {
        return Ok(vectors::read_ids(path)?);
    }
    let key = |(number, line): (usize, &str)| {
        line.trim().parse().map_err(|_| {
            anyhow!(
                "line {} of {} is no key; write a number on each line, or pass names with --names",
                number + 1,
                path.display()
            )
        })
    };
    let keys = text(path)?.lines().enumerate().map(key).collect::<anyhow::Result<Vec<u64>>>()?;
    ensure!(!keys.is_empty(), "{} holds no data; write at least one key", path.display());
    Ids::new(keys.len(), 1, keys).context("as many rows as keys")
}

/// One name for each of `vectors`, on a line each, none twice. Empty lines are for the caller to
/// judge.
pub(super) fn names(path: &Path, vectors: &Vectors) -> anyhow::Result<Vec<String>> {
    let text = text(path)?;
    let names: Vec<String> = text.lines().map(str::to_owned).collect();
    ensure!(
        names.len() == vectors.rows(),
        "{} holds {} names for {} vectors; write one name a line",
        path.display(),
        names.len(),
        vectors.rows(),
    );
    let mut seen = HashSet::new();
    let mut named = names.iter().filter(|name| !name.is_empty());
    if let Some(name) = named.find(|name| !seen.insert(name.as_str())) {
        bail!("{} holds the name {name} twice; remove the duplicate", path.display());
    }
    Ok(names)
}

/// Keys as a person writes them, numbers or names of items, and how many names are those of none.
pub(super) fn written(index: &Index, words: &[String]) -> (Vec<u64>, usize) {
    let (mut keys, mut unknown) = (Vec::new(), BTreeSet::new());
    for word in words {
        match key(index, word) {
            Some(key) => keys.push(key),
            None => drop(unknown.insert(word)),
        }
    }
    (keys, unknown.len())
}

/// A key as a person writes it: a number, or else the name of an item.
pub(super) fn key(index: &Index, word: &str) -> Option<u64> {
    word.parse().ok().or_else(|| index.key(word))
}

/// As [`key`], in a space.
pub(super) fn key_in(space: &Space, word: &str) -> Option<u64> {
    word.parse().ok().or_else(|| space.key_of_item(word))
}

/// An item as it is called in files and on screens: by its name, or else by its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a key or a name")]
pub(super) enum Called {
    Key(u64),
    Name(String),
}

impl Called {
    pub(super) fn of(space: &Space, key: u64) -> Self {
        space.name_of_item(key).map_or(Self::Key(key), Self::Name)
    }

    pub(super) fn key(&self) -> u64 {
        match self {
            Self::Key(key) => *key,
            Self::Name(name) => key_of(name),
        }
    }
}

impl fmt::Display for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => key.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// The text of a file, which is not a device that never ends.
pub(super) fn text(path: &Path) -> anyhow::Result<String> {
    let unread = |cause: std::io::Error| {
        anyhow!("cannot read {}: {cause}; pass a text file in UTF-8", path.display())
    };
    let file = std::fs::metadata(path).map_err(unread)?;
    ensure!(file.is_file(), "{} is not a regular file; pass a text file", path.display());
    ensure!(file.len() <= FILE_MAX, "{} is larger than 1 GiB; split it", path.display());
    std::fs::read_to_string(path).map_err(unread)
}

/// All keys of a file, whatever its shape.
pub(super) fn all(path: &Path) -> anyhow::Result<Vec<u64>> {
    Ok(read(path)?.values().to_vec())
}

/// A key that is there twice.
fn repeated(keys: &[u64]) -> Option<u64> {
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

#[cfg(test)]
mod tests {
    use ecphory_native::ecphory::{Item, Metric, key_of};

    use super::*;

    #[test]
    fn what_is_no_number_is_a_name() {
        let index = Index::builder(1).metric(Metric::L2).build().unwrap();
        index.insert_item(&Item::named("apple", &[1.0])).unwrap();
        let words = ["17", "apple", "aple", "-1", "aple"].map(str::to_owned);
        assert_eq!(written(&index, &words), (vec![17, key_of("apple")], 2));
    }

    #[test]
    fn a_repeated_key_is_found() {
        assert_eq!(repeated(&[]), None);
        assert_eq!(repeated(&[3, 1, 2, u64::MAX]), None);
        assert_eq!(repeated(&[3, 1, 2, 1]), Some(1));
    }
}
