//! The words20k set: WordNet's most used senses, and their embeddings.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail, ensure};
use ecphory_native::vectors::{self, Vectors};

/// Where the set lies in the repository.
const HOME: &str = "tests/fixtures/words20k";

/// Senses in rows, each with its words and its vector.
pub(super) struct Words {
    pub(super) vectors: Vectors,
    /// Sentences, embedded by the same model.
    pub(super) queries: Vectors,
    senses: Vec<Sense>,
}

struct Sense {
    kind: Kind,
    /// Words that have this sense, the most usual first.
    words: Vec<String>,
    /// How often the sense occurs in tagged text.
    uses: u32,
}

/// Parts of speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Noun,
    Verb,
    Adjective,
    Adverb,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Noun, Self::Verb, Self::Adjective, Self::Adverb];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Noun => "noun",
            Self::Verb => "verb",
            Self::Adjective => "adjective",
            Self::Adverb => "adverb",
        }
    }

    /// WordNet's letters; `s` is an adjective that belongs to another.
    fn from_letter(letter: &str) -> Option<Self> {
        match letter {
            "n" => Some(Self::Noun),
            "v" => Some(Self::Verb),
            "a" | "s" => Some(Self::Adjective),
            "r" => Some(Self::Adverb),
            _ => None,
        }
    }
}

/// The directory given, or the set's place in the repository around the current directory.
pub(super) fn find(given: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    if let Some(directory) = given {
        ensure!(directory.is_dir(), "{} is no directory; check --data", directory.display());
        return Ok(directory);
    }
    let here = std::env::current_dir()?;
    here.ancestors().map(|directory| directory.join(HOME)).find(|home| home.is_dir()).ok_or_else(
        || anyhow!("no {HOME} here or further up; run inside the repository or pass --data DIR"),
    )
}

impl Words {
    pub(super) fn read(directory: &Path) -> anyhow::Result<Self> {
        let file = |name: &str| directory.join(name);
        let scales = vectors::read_scales(file("words20k-scale.f32.npy"))?;
        let vectors = vectors::read(file("words20k-384.i8.npy"))?.scaled(&scales)?;
        let queries = vectors::read(file("words20k-queries-384.f16.npy"))?;
        let table = file("words20k.tsv");
        let text = std::fs::read_to_string(&table)
            .map_err(|error| anyhow!("{}: {error}; check --data", table.display()))?;
        let senses: Vec<Sense> = text.lines().map_while(Sense::parse).collect();
        if senses.len() != vectors.rows() || text.lines().count() != senses.len() {
            bail!(
                "{} has {} readable lines for {} vectors; restore the file",
                table.display(),
                senses.len(),
                vectors.rows()
            );
        }
        Ok(Self { vectors, queries, senses })
    }

    /// The most usual word of a row.
    pub(super) fn word(&self, row: usize) -> &str {
        &self.senses[row].words[0]
    }

    /// Part of speech of a row.
    pub(super) fn kind(&self, row: usize) -> Kind {
        self.senses[row].kind
    }

    /// The row of the most used sense that `word` stands for first.
    pub(super) fn row(&self, word: &str) -> Option<usize> {
        (0..self.senses.len())
            .filter(|&row| self.word(row) == word)
            .max_by_key(|&row| self.senses[row].uses)
    }
}

impl Sense {
    /// `row, part of speech, word|word|…, uses`, separated by tabs.
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split('\t').skip(1);
        let kind = Kind::from_letter(fields.next()?)?;
        let words = fields.next()?.split('|').map(|word| plain(word).to_owned()).collect();
        Some(Self { kind, words, uses: fields.next()?.parse().ok()? })
    }
}

/// Without WordNet's note on where an adjective may stand: `ill(p)`.
fn plain(word: &str) -> &str {
    ["(a)", "(p)", "(ip)"].iter().find_map(|note| word.strip_suffix(note)).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_line() {
        let sense = Sense::parse("18\ts\tready to hand(p)|handy\t2").unwrap();
        assert_eq!((sense.kind, sense.uses), (Kind::Adjective, 2));
        assert_eq!(sense.words, ["ready to hand", "handy"]);
        for line in ["", "1", "1\tx\tword\t2", "1\tn\tword", "1\tn\tword\tmany"] {
            assert!(Sense::parse(line).is_none(), "{line:?} was accepted");
        }
    }
}
