"""One library in one process: builds, then searches at each setting that it is sent.

usage: worker.py ADAPTER BASE QUERIES METRIC K THREADS VARIANT

Writes a JSON line when the index stands, then one for each line that it reads. What libraries print
goes to the standard error, so that the answers stay alone.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from adapters import Adapter, Task

PASSES = 3
"""Passes over all queries for a point; the fastest counts."""


def anonymous_bytes() -> int:
    """Memory of this process that is no file; 0 where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    sizes = [line.split()[1] for line in lines if line.startswith("RssAnon:")]
    return int(sizes[0]) * 1024 if sizes else 0


def main() -> None:
    module, base, queries, metric, k, threads, variant = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(**fields: Any) -> None:
        print(json.dumps(fields), file=answers, flush=True)

    task = Task(
        base=np.asarray(np.load(base, mmap_mode="r")),
        queries=np.load(queries),
        metric=metric,
        k=int(k),
        threads=int(threads),
        variant=variant,
    )
    adapter: Adapter = importlib.import_module(f"adapters.{module}").Peer(task)
    before = anonymous_bytes()
    start = time.perf_counter()
    adapter.build()
    seconds = time.perf_counter() - start
    answer(
        build_seconds=seconds,
        memory_bytes=max(0, anonymous_bytes() - before),
        settings=adapter.settings,
        version=version(adapter.package),
    )
    for line in sys.stdin:
        adapter.prepare(**json.loads(line))
        passes = []
        for _ in range(PASSES):
            start = time.perf_counter()
            ids = adapter.search()
            passes.append(time.perf_counter() - start)
        answer(seconds=min(passes), ids=np.asarray(ids).astype(np.int64).tolist())


if __name__ == "__main__":
    main()
