"""ScaNN: a partitioning tree, 4-bit codes for scoring, full vectors for the last order."""

from __future__ import annotations

import math

import numpy as np
import scann
from numpy.typing import NDArray

from adapters import Task

TRAINING = 250_000
"""Rows to learn partitions and codes from, at most."""


class Peer:
    """Leaves, threshold and spilling as its authors recommend for each distance."""

    package = "scann"
    settings = [
        {"leaves": leaves, "reorder": reorder}
        for leaves, reorder in (
            (4, 30),
            (6, 40),
            (8, 50),
            (10, 60),
            (14, 60),
            (18, 80),
            (24, 80),
            (32, 100),
            (44, 120),
            (60, 150),
            (80, 200),
            (110, 250),
            (150, 300),
            (200, 400),
        )
    ]

    def __init__(self, task: Task) -> None:
        self._task = task
        self._setting = self.settings[0]

    def build(self) -> None:
        task = self._task
        base = np.ascontiguousarray(task.base)
        leaves = round(math.sqrt(len(base)))
        distance = "squared_l2" if task.is_l2 else "dot_product"
        spilling = {} if task.is_l2 else {"soar_lambda": 1.5, "overretrieve_factor": 2.0}
        threshold = math.nan if task.is_l2 else 0.2
        sample = min(len(base), TRAINING)
        self._searcher = (
            scann.scann_ops_pybind.builder(base, task.k, distance)
            .set_n_training_threads(task.threads)
            .tree(leaves, self._setting["leaves"], training_sample_size=sample, **spilling)
            .score_ah(2, anisotropic_quantization_threshold=threshold, training_sample_size=sample)
            .reorder(self._setting["reorder"])
            .build()
        )

    def prepare(self, leaves: int, reorder: int) -> None:
        self._setting = {"leaves": leaves, "reorder": reorder}

    def search(self) -> NDArray[np.integer]:
        return self._searcher.search_batched(
            self._task.queries,
            final_num_neighbors=self._task.k,
            pre_reorder_num_neighbors=self._setting["reorder"],
            leaves_to_search=self._setting["leaves"],
        )[0]
