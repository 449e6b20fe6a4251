"""Data sets: where they lie, how they are prepared, and which answers are true."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[3]
BLOCK_BYTES = 1 << 28
"""Most memory that one step over a set takes."""


@dataclass(frozen=True)
class Source:
    """Files of a set, and how its vectors are compared: `l2` or `cosine`."""

    name: str
    base: str
    queries: str
    metric: str
    shipped: bool = False

    def paths(self) -> tuple[Path, Path]:
        """The files; an error that says what to do if they are not there."""
        folder = ROOT / "tests/fixtures/words20k" if self.shipped else _data()
        paths = folder / self.base, folder / self.queries
        for path in paths:
            if not path.is_file():
                raise FileNotFoundError(f"{path} is missing; benches/data/README.md makes it")
        return paths


SOURCES = {
    source.name: source
    for source in (
        Source(
            "words20k",
            "words20k-384.i8.npy",
            "words20k-queries-384.f16.npy",
            "cosine",
            shipped=True,
        ),
        Source("wordnet-384", "wordnet-384.f16.npy", "wordnet-queries-384.f16.npy", "cosine"),
        Source("sift-128", "sift-128.u8.npy", "sift-queries-128.u8.npy", "l2"),
        Source("lifted-768", "lifted-768.f32.npy", "lifted-queries-768.f32.npy", "cosine"),
    )
}


def _data() -> Path:
    named = os.environ.get("ECPHORY_DATA")
    return Path(named) if named else ROOT.parent / "shared/data"


class Set:
    """A prepared set: rows of `float32` in files that all libraries read, and the truth.

    For the cosine the rows are normalised, so that libraries may take the inner product.
    """

    def __init__(
        self, base: Path, queries: Path, metric: str, limit: int, k: int, folder: Path
    ) -> None:
        self.metric = metric
        self.k = k
        self.base_path = folder / "base.npy"
        self.queries_path = folder / "queries.npy"
        self.truth_path = folder / "truth.npy"
        _prepare(base, self.base_path, metric, None)
        _prepare(queries, self.queries_path, metric, limit)
        self.base: NDArray[np.float32] = np.load(self.base_path, mmap_mode="r")
        self.queries: NDArray[np.float32] = np.load(self.queries_path)
        if k > len(self.base):
            raise ValueError(f"{base} has fewer than {k} rows")
        self.truth = self._exact()
        np.save(self.truth_path, self.truth)
        # Of several neighbours at one distance any will do, so the last distance is a bound.
        self._bounds = self._distances(self.truth).max(axis=1)

    @property
    def raw_bytes(self) -> int:
        """The vectors as `float32`, and nothing else."""
        return 4 * self.base.size

    def recall(self, found: NDArray[np.int64]) -> float:
        """The share of true neighbours in `found`, a row a query; an item counts once."""
        if found.ndim != 2 or len(found) != len(self.queries):
            raise ValueError(f"answers of shape {found.shape} to {len(self.queries)} queries")
        found = np.sort(found[:, : self.k], axis=1)
        real = (found >= 0) & (found < len(self.base))
        real[:, 1:] &= found[:, 1:] != found[:, :-1]
        ids = np.where(real, found, 0)
        named = (ids[:, :, None] == self.truth[:, None, :]).any(axis=2)
        hits = real & (named | (self._distances(ids) <= self._bounds[:, None]))
        return float(hits.sum() / self.truth.size)

    def _distances(self, ids: NDArray[np.integer]) -> NDArray[np.float64]:
        """Distances of each query to the rows named beside it, in double precision."""
        distances = np.empty(ids.shape, np.float64)
        step = max(1, BLOCK_BYTES // (8 * ids.shape[1] * self.base.shape[1]))
        for start in range(0, len(ids), step):
            part = slice(start, start + step)
            rows = self.base[ids[part]].astype(np.float64)
            queries = self.queries[part, None].astype(np.float64)
            terms = (rows - queries) ** 2 if self.metric == "l2" else -rows * queries
            distances[part] = terms.sum(axis=2)
        return distances

    def _exact(self) -> NDArray[np.int32]:
        """The true neighbours, nearest first, by blocks of the base."""
        count, k = len(self.queries), self.k
        best = np.full((count, k), np.inf, np.float32)
        ids = np.full((count, k), -1, np.int32)
        step = max(k, BLOCK_BYTES // (8 * count))
        for start in range(0, len(self.base), step):
            rows = self.base[start : start + step]
            products = self.queries @ rows.T
            # The square of the query moves all its distances alike.
            far = (rows**2).sum(axis=1) - 2 * products if self.metric == "l2" else -products
            near = np.argpartition(far, min(k, len(rows)) - 1, axis=1)[:, :k]
            distances = np.concatenate([best, np.take_along_axis(far, near, axis=1)], axis=1)
            candidates = np.concatenate([ids, (near + start).astype(np.int32)], axis=1)
            order = np.argsort(distances, axis=1, kind="stable")[:, :k]
            best = np.take_along_axis(distances, order, axis=1)
            ids = np.take_along_axis(candidates, order, axis=1)
        return ids


def _prepare(source: Path, target: Path, metric: str, limit: int | None) -> None:
    """Writes the first `limit` rows as `float32`, normalised if the metric wants it."""
    rows = np.load(source, mmap_mode="r")[:limit]
    out = np.lib.format.open_memmap(target, mode="w+", dtype=np.float32, shape=rows.shape)
    step = max(1, BLOCK_BYTES // (8 * rows.shape[1]))
    for start in range(0, len(rows), step):
        block = rows[start : start + step].astype(np.float32)
        if metric == "cosine":
            block /= np.maximum(np.linalg.norm(block, axis=1, keepdims=True), 1e-30)
        out[start : start + step] = block
    out.flush()
