"""USearch: HNSW over numbers of a chosen width."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from usearch.index import Index

from adapters import EF_CONSTRUCTION, EFS, M, Task


class Peer:
    """Variants are its names for numbers: `f32`, `bf16`, `f16`, `i8`."""

    package = "usearch"
    settings = [{"ef": ef} for ef in EFS]

    def __init__(self, task: Task) -> None:
        self._task = task
        self._keys = np.arange(len(task.base), dtype=np.uint64)
        self._index = Index(
            ndim=task.dim,
            metric="l2sq" if task.is_l2 else "cos" if task.variant == "i8" else "ip",
            dtype=task.variant,
            connectivity=M,
            expansion_add=EF_CONSTRUCTION,
            enable_key_lookups=False,
        )

    def build(self) -> None:
        self._index.add(self._keys, self._task.base, threads=self._task.threads, copy=True)

    def prepare(self, ef: int) -> None:
        self._index.expansion_search = ef

    def search(self) -> NDArray[np.integer]:
        return self._index.search(self._task.queries, self._task.k, threads=1).keys
