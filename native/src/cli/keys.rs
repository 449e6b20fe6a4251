//! Keys and names, from files and from the command line.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use ecphory_native::ecphory::key_of;
use ecphory_native::vectors::{self, Vectors};

/// Bytes of a file of text, at most.
pub(super) const FILE_MAX: u64 = 1 << 30;

/// One key for each of `vectors`.
pub(super) fn one_each(path: &Path, vectors: &Vectors) -> anyhow::Result<Vec<u64>> {
    let keys = vectors::read_ids(path)?;
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

/// One name for each of `vectors`, on a line each, none twice.
pub(super) fn names(path: &Path, vectors: &Vectors) -> anyhow::Result<Vec<String>> {
    let bytes = std::fs::metadata(path).with_context(|| path.display().to_string())?.len();
    ensure!(bytes <= FILE_MAX, "{} is larger than 1 GiB; split it", path.display());
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let names: Vec<String> = text.lines().map(str::to_owned).collect();
    ensure!(
        names.len() == vectors.rows(),
        "{} holds {} names for {} vectors; write one name a line",
        path.display(),
        names.len(),
        vectors.rows(),
    );
    let mut seen = HashSet::new();
    if let Some(name) = names.iter().find(|name| !seen.insert(name.as_str())) {
        bail!("{} holds the name {name} twice; remove the duplicate", path.display());
    }
    Ok(names)
}

/// A key as a person writes it: a number, or else a name.
pub(super) fn key(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| key_of(text))
}

/// All keys of a file, whatever its shape.
pub(super) fn all(path: &Path) -> anyhow::Result<Vec<u64>> {
    Ok(vectors::read_ids(path)?.values().to_vec())
}

/// A key that is there twice.
pub(super) fn repeated(keys: &[u64]) -> Option<u64> {
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_a_name() {
        assert_eq!(key("17"), 17);
        assert_eq!(key("-1"), key_of("-1"));
        assert_eq!(key("apple"), key_of("apple"));
    }

    #[test]
    fn a_repeated_key_is_found() {
        assert_eq!(repeated(&[]), None);
        assert_eq!(repeated(&[3, 1, 2, u64::MAX]), None);
        assert_eq!(repeated(&[3, 1, 2, 1]), Some(1));
    }
}
