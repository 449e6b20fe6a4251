//! Fixtures and oracles shared by the test programs.

pub mod data;
pub mod heap;
pub mod readers;

pub use ecphory_crashes::{disk as simdisk, everywhere, work};

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ecphory_native::vectors::{Vectors, read, read_scales};

/// The words20k set: embeddings of 20,000 senses and of 500 sentences.
pub struct Words {
    /// One row per sense.
    pub vectors: Vectors,
    /// One row per sentence: not from the same distribution.
    pub queries: Vectors,
}

/// The words20k set, read once.
///
/// # Panics
/// If the fixtures in this package are missing or damaged.
pub fn words() -> &'static Words {
    static WORDS: OnceLock<Words> = OnceLock::new();
    WORDS.get_or_init(|| {
        let scales = read_scales(fixture("words20k/words20k-scale.f32.npy")).unwrap();
        let rows = read(fixture("words20k/words20k-384.i8.npy")).unwrap();
        Words {
            vectors: rows.scaled(&scales).unwrap(),
            queries: read(fixture("words20k/words20k-queries-384.f16.npy")).unwrap(),
        }
    })
}

/// Whether every count that the project promises is asked for (`cargo xtask test --full`), and not
/// only as much as each commit can bear.
pub fn full() -> bool {
    std::env::var_os("ECPHORY_FULL").is_some_and(|value| value != "0")
}

/// How often a test does what it does: `few` times where a sanitizer makes all of it ten times as
/// slow, `all` the times where [`full`] counts are asked for.
pub fn times(few: usize, usual: usize, all: usize) -> usize {
    match std::env::var_os("ECPHORY_FEW") {
        Some(_) => few,
        None if full() => all,
        None => usual,
    }
}

/// A file of this package's fixtures.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}
