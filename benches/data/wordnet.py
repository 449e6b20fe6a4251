"""Writes `wordnet-384`: an embedding of every WordNet synset, and example sentences as queries.

A row is a synset, in the order of the database's files: adjective, adverb, noun, verb. What is
embedded is its words and its definition. The queries are example sentences of the same database,
so they are of another kind than the rows, as questions are.

Needs the database (Debian: `wordnet-base`) and `pip install sentence-transformers`, which fetches
the model `all-MiniLM-L6-v2`. Writes `wordnet-384.f16.npy` and `wordnet-queries-384.f16.npy`. Keep
WordNet's licence beside any copy.

usage: wordnet.py --out FOLDER [--dict FOLDER] [--queries 5000] [--seed 0] [--texts]
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

MODEL = "all-MiniLM-L6-v2"
PARTS = ("adj", "adv", "noun", "verb")
SYNSETS = 117_659
"""In WordNet 3.0."""


@dataclass(frozen=True)
class Synset:
    """Words of one meaning, with its gloss."""

    words: list[str]
    definition: str
    examples: list[str]

    @property
    def text(self) -> str:
        """What is embedded."""
        return f"{', '.join(self.words)}: {self.definition}"


def synsets(folder: Path) -> Iterator[Synset]:
    """All synsets, in the order of the files."""
    for part in PARTS:
        with (folder / f"data.{part}").open(encoding="latin-1") as lines:
            # The licence stands first, on lines that begin with two spaces.
            yield from (synset(line) for line in lines if not line.startswith("  "))


def synset(line: str) -> Synset:
    """One line: offset, file, kind, count of words (hexadecimal), words with ids, … | gloss."""
    fields, _, gloss = line.partition("|")
    parts = fields.split()
    count = int(parts[3], 16)
    # Adjectives carry their position in brackets, as in `galore(ip)`.
    words = [
        re.sub(r"\(\w+\)$", "", word).replace("_", " ") for word in parts[4 : 4 + 2 * count : 2]
    ]
    examples = re.findall(r'"([^"]+)"', gloss)
    definition = re.sub(r'\s*;?\s*"[^"]*"?', "", gloss).strip(" ;\n")
    return Synset(words, definition, examples)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--dict", type=Path, default=Path("/usr/share/wordnet"))
    parser.add_argument("--queries", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--texts", action="store_true", help="write the texts, embed nothing")
    given = parser.parse_args()

    rows = list(synsets(given.dict))
    if len(rows) != SYNSETS:
        raise SystemExit(f"{len(rows)} synsets in {given.dict}; WordNet 3.0 has {SYNSETS}")
    sentences = sorted({example for row in rows for example in row.examples if " " in example})
    chosen = np.random.default_rng(given.seed).choice(len(sentences), given.queries, replace=False)
    queries = [sentences[number] for number in chosen]

    given.out.mkdir(parents=True, exist_ok=True)
    for name, texts in (("wordnet", [row.text for row in rows]), ("wordnet-queries", queries)):
        if given.texts:
            (given.out / f"{name}.txt").write_text("\n".join(texts) + "\n")
        else:
            np.save(given.out / f"{name}-384.f16.npy", embed(texts))


def embed(texts: list[str]) -> np.ndarray:
    """Normalised embeddings."""
    # Here, because it takes seconds and `--texts` has no use for it.
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(MODEL)
    return model.encode(
        texts, batch_size=128, normalize_embeddings=True, show_progress_bar=True
    ).astype(np.float16)


if __name__ == "__main__":
    main()
