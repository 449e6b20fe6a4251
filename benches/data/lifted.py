"""Writes a set of 768 components from `wordnet-384`: a million rows with real neighbourhoods.

A row begins as a convex mixture of an embedding and two of its near neighbours, so that the density
of the real data stays. It is then lifted: beside its 384 components stand 384 smooth non-linear
functions of random projections of it, a random rotation mixes the halves, and noise is added. The
queries are the real queries, which are of another distribution, lifted by the same functions.

Writes `lifted-768.f32.npy` and `lifted-queries-768.f32.npy`, normalised. Rows are made block by
block, each from a generator of its own, so that memory stays below 1 GB and a row depends on the
seed and its number alone.

usage: lifted.py --data FOLDER [--out FOLDER] [--rows 1000000] [--seed 0]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]

DIM = 384
NEIGHBOURS = 12
"""Near neighbours that a row may be mixed with."""

GROUP = 2048
"""Rows among which neighbours are looked for."""

BLOCK = 20_000
"""Rows made at a time."""

STEEPNESS = 1.5
"""Slope of the non-linear half; 0 would make it linear."""

NOISE = 0.12
"""Length of the noise, rows having length 1."""


def unit(rows: Rows) -> Rows:
    """Rows of length 1."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def groups(rows: Rows, members: NDArray[np.int64], random: np.random.Generator) -> list:
    """Splits rows by random hyperplanes at the median until groups are small."""
    if len(members) <= GROUP:
        return [members]
    # The line through two rows separates what is apart, more often than a random one.
    one, other = rows[random.choice(members, 2, replace=False)]
    order = members[np.argsort(rows[members] @ (one - other), kind="stable")]
    middle = len(order) // 2
    return [*groups(rows, order[:middle], random), *groups(rows, order[middle:], random)]


def neighbours(rows: Rows, random: np.random.Generator) -> NDArray[np.int32]:
    """For each row, the nearest others of its group."""
    near = np.empty((len(rows), NEIGHBOURS), np.int32)
    for members in groups(rows, np.arange(len(rows)), random):
        products = rows[members] @ rows[members].T
        np.fill_diagonal(products, -np.inf)
        nearest = np.argpartition(-products, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        near[members] = members[nearest]
    return near


class Lift:
    """From 384 to 768 components; the same functions for rows and queries."""

    def __init__(self, random: np.random.Generator) -> None:
        self._project = random.standard_normal((DIM, DIM), np.float32)
        self._rotate, _ = np.linalg.qr(random.standard_normal((2 * DIM, 2 * DIM), np.float32))

    def __call__(self, rows: Rows, random: np.random.Generator) -> Rows:
        """Lifted rows of length 1; `random` makes the noise."""
        # A projection of a row of length 1 has variance 1, so the slope decides how curved.
        curved = np.tanh(STEEPNESS * (rows @ self._project)) / np.sqrt(np.float32(DIM))
        lifted = unit(np.concatenate([rows, curved], axis=1)) @ self._rotate
        noise = random.standard_normal(lifted.shape, np.float32)
        return unit(lifted + noise * np.float32(NOISE / np.sqrt(2 * DIM)))


def mixtures(rows: Rows, near: NDArray[np.int32], count: int, random: np.random.Generator) -> Rows:
    """Convex mixtures of rows and two near neighbours each."""
    first = random.integers(0, len(rows), count)
    others = near[first[:, None], random.integers(0, NEIGHBOURS, (count, 2))]
    weights = random.dirichlet((1, 1, 1), count).astype(np.float32)
    mixed = weights[:, :1] * rows[first]
    for place in range(2):
        mixed += weights[:, place + 1 : place + 2] * rows[others[:, place]]
    return unit(mixed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with wordnet-384")
    parser.add_argument("--out", type=Path, help="folder to write to; the same unless given")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    out = given.out or given.data
    out.mkdir(parents=True, exist_ok=True)

    base = unit(np.load(given.data / "wordnet-384.f16.npy").astype(np.float32))
    queries = unit(np.load(given.data / "wordnet-queries-384.f16.npy").astype(np.float32))
    random = np.random.default_rng([given.seed, 0])
    near = neighbours(base, random)
    lift = Lift(random)

    np.save(
        out / "lifted-queries-768.f32.npy", lift(queries, np.random.default_rng([given.seed, 1]))
    )
    path = out / "lifted-768.f32.npy"
    shape = (given.rows, 2 * DIM)
    rows = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    for start in range(0, given.rows, BLOCK):
        count = min(BLOCK, given.rows - start)
        random = np.random.default_rng([given.seed, 2, start // BLOCK])
        # A whole block is drawn in any case: fewer rows are the first of more.
        rows[start : start + count] = lift(mixtures(base, near, BLOCK, random), random)[:count]
        print(f"\r{start + count:,} of {given.rows:,} rows", end="", flush=True)
    rows.flush()
    print()


if __name__ == "__main__":
    main()
