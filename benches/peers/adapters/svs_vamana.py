"""SVS: Vamana over full vectors, or over locally adaptive codes of 4 + 8 bits."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import svs
from numpy.typing import NDArray

from adapters import EF_CONSTRUCTION, EFS, M, Task

BITS = {"LVQ8": (8, 0), "LVQ4x8": (4, 8)}
"""Bits of a component that a search reads, and those that order its best."""

PADDING = 32
"""Alignment of coded rows, in bytes."""


class Peer:
    """Variants: `f32`, `LVQ4x8`, `LVQ8`. The codes want an Intel processor."""

    package = "scalable-vs"
    settings = [{"window": ef} for ef in EFS]

    def __init__(self, task: Task) -> None:
        self._task = task
        self._folder = tempfile.TemporaryDirectory()
        # Its coded loader reads files of its own format only.
        self._file = str(Path(self._folder.name, "base.fvecs"))
        if task.variant in BITS:
            svs.write_vecs(np.ascontiguousarray(task.base), self._file)

    def build(self) -> None:
        task = self._task
        parameters = svs.VamanaBuildParameters(
            alpha=1.2 if task.is_l2 else 0.95,
            graph_max_degree=2 * M,
            window_size=EF_CONSTRUCTION,
        )
        if task.variant in BITS:
            primary, residual = BITS[task.variant]
            rows = svs.VectorDataLoader(self._file, svs.DataType.float32, dims=task.dim)
            data = svs.LVQLoader(rows, primary=primary, residual=residual, padding=PADDING)
        else:
            data = np.ascontiguousarray(task.base)
        distance = svs.DistanceType.L2 if task.is_l2 else svs.DistanceType.MIP
        self._index = svs.Vamana.build(parameters, data, distance, num_threads=task.threads)
        self._index.num_threads = 1

    def prepare(self, window: int) -> None:
        self._index.search_window_size = window

    def search(self) -> NDArray[np.integer]:
        return self._index.search(self._task.queries, self._task.k)[0]
