"""What a library must do to take part, and the list of those that do.

**Adding a library**: a file here with a class `Peer`, an entry of `LIBRARIES`, and its release in
`requirements.txt`. All get the links (16 a node, 32 on the lowest level) and the effort
(200 candidates) of the others, and beyond that the settings that their authors recommend.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

M = 16
"""Links of a node, twice as many on the lowest level."""

EF_CONSTRUCTION = 200
"""Candidates considered for an item's links."""

EFS = (
    *(10, 13, 16, 20, 26, 32, 40, 50, 64, 80, 100, 128),
    *(160, 200, 256, 320, 400, 512, 640, 800, 1024, 1280),
)
"""Candidates kept by a search, for the libraries with that setting."""


@dataclass(frozen=True)
class Task:
    """What is to be indexed and asked. Cosine vectors come normalised."""

    base: NDArray[np.float32]
    queries: NDArray[np.float32]
    metric: str
    k: int
    threads: int
    variant: str

    @property
    def dim(self) -> int:
        """Components of a vector."""
        return self.base.shape[1]

    @property
    def is_l2(self) -> bool:
        """Whether distances are Euclidean; inner products otherwise."""
        return self.metric == "l2"


class Adapter(Protocol):
    """A library at work on a task; a class named `Peer` in a module of this package."""

    package: str
    """Its name in the package registry."""

    settings: list[dict[str, int]]
    """Search settings by rising effort."""

    def __init__(self, task: Task) -> None:
        """Whatever is not part of building: conversions that the measured data would not need."""

    def build(self) -> None:
        """Builds the index with the task's threads; its time is measured."""

    def prepare(self, **setting: int) -> None:
        """Chooses a search setting."""

    def search(self) -> NDArray[np.integer]:
        """Answers all queries on one thread; its time is measured. A row of ids for each."""


@dataclass(frozen=True)
class Library:
    """A library as the harness knows it."""

    module: str
    """Its adapter in this package."""

    package: str | None
    """What to install; `None` if no registry has it."""

    variants: tuple[str, ...] = ("",)
    """Configurations that take part."""

    l2_variants: tuple[str, ...] | None = None
    """Those for Euclidean distance, if they differ."""

    hint: str = ""
    """What a person can do where it is not installed."""

    def variants_for(self, metric: str) -> tuple[str, ...]:
        """The configurations for a metric."""
        if metric == "l2" and self.l2_variants is not None:
            return self.l2_variants
        return self.variants


LIBRARIES = {
    "hnswlib": Library("hnswlib_hnsw", "hnswlib"),
    "faiss": Library("faiss_hnsw", "faiss-cpu", ("flat", "SQ8 refined")),
    "usearch": Library("usearch_hnsw", "usearch", ("bf16", "i8"), ("bf16",)),
    "scann": Library("scann_tree", "scann"),
    "voyager": Library("voyager_hnsw", "voyager"),
    "svs": Library("svs_vamana", "scalable-vs", ("f32", "LVQ4x8")),
    "glass": Library(
        "glass_hnsw",
        None,
        ("SQ8", "SQ4"),
        hint="no registry has it (`glass` and `pyglass` there are other projects); build "
        "github.com/zilliztech/pyglass and install it into target/peers to include it",
    ),
}
"""By name, in the order in which they are measured."""
