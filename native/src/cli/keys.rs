//! Keys from files.

use std::path::Path;

use anyhow::ensure;
use ecphory_native::vectors::{self, Vectors};

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
    fn a_repeated_key_is_found() {
        assert_eq!(repeated(&[]), None);
        assert_eq!(repeated(&[3, 1, 2, u64::MAX]), None);
        assert_eq!(repeated(&[3, 1, 2, 1]), Some(1));
    }
}
