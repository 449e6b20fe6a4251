"""Faiss: HNSW over full vectors, or over 8-bit codes with the best compared again in full."""

from __future__ import annotations

import faiss
import numpy as np
from numpy.typing import NDArray

from adapters import EF_CONSTRUCTION, EFS, M, Task

REFINED = 2
"""Candidates compared in full, in multiples of k."""


class Peer:
    """Variants: `flat`, `SQ8 refined`."""

    package = "faiss-cpu"
    settings = [{"ef": ef} for ef in EFS]

    def __init__(self, task: Task) -> None:
        self._task = task
        metric = faiss.METRIC_L2 if task.is_l2 else faiss.METRIC_INNER_PRODUCT
        if task.variant == "flat":
            self._index = graph = faiss.IndexHNSWFlat(task.dim, M, metric)
        else:
            codes = faiss.ScalarQuantizer.QT_8bit
            # Kept, for what refines only points to it.
            self._graph = graph = faiss.IndexHNSWSQ(task.dim, codes, M, metric)
            self._index = faiss.IndexRefineFlat(graph)
        graph.hnsw.efConstruction = EF_CONSTRUCTION
        self._parameters = faiss.SearchParametersHNSW()

    def build(self) -> None:
        faiss.omp_set_num_threads(self._task.threads)
        base = np.ascontiguousarray(self._task.base)
        if not self._index.is_trained:
            self._index.train(base)
        self._index.add(base)
        faiss.omp_set_num_threads(1)

    def prepare(self, ef: int) -> None:
        self._parameters = faiss.SearchParametersHNSW(efSearch=ef)
        if self._task.variant != "flat":
            self._parameters = faiss.IndexRefineSearchParameters(
                k_factor=REFINED, base_index_params=self._parameters
            )

    def search(self) -> NDArray[np.integer]:
        found = self._index.search(self._task.queries, self._task.k, params=self._parameters)
        return found[1]
