"""Voyager: an HNSW derived from hnswlib."""

from __future__ import annotations

import numpy as np
import voyager
from numpy.typing import NDArray

from adapters import EF_CONSTRUCTION, EFS, M, Task


class Peer:
    """Full vectors, its default."""

    package = "voyager"
    settings = [{"ef": ef} for ef in EFS]

    def __init__(self, task: Task) -> None:
        self._task = task
        self._base = np.array(task.base)  # It refuses arrays that are read-only.
        self._ef = EFS[0]
        space = voyager.Space.Euclidean if task.is_l2 else voyager.Space.InnerProduct
        self._index = voyager.Index(
            space, num_dimensions=task.dim, M=M, ef_construction=EF_CONSTRUCTION
        )

    def build(self) -> None:
        self._index.add_items(self._base, num_threads=self._task.threads)

    def prepare(self, ef: int) -> None:
        self._ef = ef

    def search(self) -> NDArray[np.integer]:
        queries, k = self._task.queries, self._task.k
        return self._index.query(queries, k=k, num_threads=1, query_ef=self._ef)[0]
