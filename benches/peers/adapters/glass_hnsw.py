"""Glass: HNSW built on 8-bit codes, searched on 8 or 4 bits, its best compared in half precision.

Written for release 2.1, which has to be built from source.
"""

from __future__ import annotations

import glass
import numpy as np
from numpy.typing import NDArray

from adapters import EF_CONSTRUCTION, EFS, M, Task

CODES = {"SQ8": "SQ8U", "SQ4": "SQ4U"}


class Peer:
    """Variants name the codes that a search reads: `SQ8`, `SQ4`."""

    package = "glass"
    settings = [{"ef": ef} for ef in EFS]

    def __init__(self, task: Task) -> None:
        self._task = task
        self._metric = "L2" if task.is_l2 else "IP"

    def build(self) -> None:
        task = self._task
        glass.set_num_threads(task.threads)
        graph = glass.Index(
            index_type="HNSW",
            metric=self._metric,
            quant="SQ8U",
            R=2 * M,
            L=EF_CONSTRUCTION,
        ).build(task.base)
        self._searcher = glass.Searcher(
            graph=graph,
            data=task.base,
            metric=self._metric,
            quantizer=CODES[task.variant],
            refine_quant="FP16",
        )
        self._searcher.optimize(1)

    def prepare(self, ef: int) -> None:
        self._searcher.set_ef(ef)

    def search(self) -> NDArray[np.integer]:
        return self._searcher.batch_search(self._task.queries, self._task.k, 1)[0]
