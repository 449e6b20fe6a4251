"""hnswlib: the reference implementation of HNSW."""

from __future__ import annotations

import hnswlib
import numpy as np
from numpy.typing import NDArray

from adapters import EF_CONSTRUCTION, EFS, M, Task


class Peer:
    """Full vectors, as it knows no others."""

    package = "hnswlib"
    settings = [{"ef": ef} for ef in EFS]

    def __init__(self, task: Task) -> None:
        self._task = task
        self._index = hnswlib.Index(space="l2" if task.is_l2 else "ip", dim=task.dim)

    def build(self) -> None:
        self._index.init_index(len(self._task.base), M=M, ef_construction=EF_CONSTRUCTION)
        self._index.add_items(self._task.base, num_threads=self._task.threads)

    def prepare(self, ef: int) -> None:
        self._index.set_ef(ef)

    def search(self) -> NDArray[np.integer]:
        return self._index.knn_query(self._task.queries, k=self._task.k, num_threads=1)[0]
