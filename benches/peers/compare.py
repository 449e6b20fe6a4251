"""Compares ecphory with hnswlib on one data set, interleaved, and prints one JSON object.

Both build with the same threads and search with one, k = 10, M = 16, ef_construction = 200. A round
builds and sweeps ecphory, then hnswlib; ratios are taken within a round, and medians over rounds.
A figure of 1.0 is parity; for queries higher is better, for builds lower.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from adapters import LIBRARIES
from harness.contender import Ecphory, Limits, python_worker
from harness.curve import RECALLS, at_recall, median_or_none
from harness.sets import Set

LIMITS = Limits(build=900, search=300)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ecphory", required=True, help="the ecphory command")
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--queries", type=Path, required=True)
    parser.add_argument("--metric", choices=["l2", "cosine"], required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--limit", type=int, default=2000, help="queries that are used")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        data = Set(given.base, given.queries, given.metric, given.limit, 10, Path(folder))
        ecphory = Ecphory(given.ecphory, data, given.threads, LIMITS)
        module = LIBRARIES["hnswlib"].module
        hnswlib = python_worker("hnswlib", module, "", data, given.threads, LIMITS)
        rounds = []
        for _ in range(given.rounds):
            rounds.append((ecphory.measure(), hnswlib.measure()))
            hnswlib.close()  # The next round builds again.

    qps = {r: [at_recall(ours.points, r) for ours, _ in rounds] for r in RECALLS}
    peer = {r: [at_recall(theirs.points, r) for _, theirs in rounds] for r in RECALLS}
    ratio = {r: [a and b and a / b for a, b in zip(qps[r], peer[r], strict=True)] for r in RECALLS}
    report = {
        "peer": f"hnswlib {rounds[-1][1].version}",
        "rounds": given.rounds,
        "build_ratio": median_or_none(a.build_seconds / b.build_seconds for a, b in rounds),
        "build_seconds": median_or_none(ours.build_seconds for ours, _ in rounds),
        "memory_ratio": rounds[-1][0].memory_bytes / data.raw_bytes,
        "p95_us": median_or_none(ours.p95_us for ours, _ in rounds),
        "p95_to_mean": median_or_none(
            ours.p95_us and theirs and ours.p95_us * theirs / 1e6
            for (ours, _), theirs in zip(rounds, peer[0.95], strict=True)
        ),
        "qps": {str(r): median_or_none(values) for r, values in qps.items()},
        "ratio": {str(r): median_or_none(values) for r, values in ratio.items()},
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
