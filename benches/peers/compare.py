"""Compares ecphory with hnswlib on one data set, interleaved, and prints one JSON object.

Both build with the same threads and search with one, k = 10, M = 16, ef_construction = 200. A round
builds and sweeps ecphory, then hnswlib; ratios are taken within a round, and medians over rounds.
Queries per second at a recall are interpolated log-linearly between measured points, as by
`ecphory bench`. A figure of 1.0 is parity; for queries higher is better, for builds lower.
"""

import argparse
import json
import math
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import hnswlib
import numpy as np

EFS = [10, 16, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 320, 400]


def truth(base, queries, metric, k):
    """Exact neighbours, by blocks of queries."""
    ids = []
    squares = (base**2).sum(axis=1)
    for block in np.array_split(queries, max(1, len(queries) // 200)):
        products = block @ base.T
        distances = squares[None] - 2 * products if metric == "l2" else -products
        nearest = np.argpartition(distances, k, axis=1)[:, :k]
        order = np.take_along_axis(distances, nearest, axis=1).argsort(axis=1)
        ids.append(np.take_along_axis(nearest, order, axis=1))
    return np.concatenate(ids).astype(np.int32)


def at_recall(points, wanted):
    """Queries per second where a curve of (recall, qps) reaches a recall, or None."""
    points = sorted(points)
    for (r0, q0), (r1, q1) in zip(points, points[1:]):
        if r0 <= wanted <= r1 and r1 > r0:
            share = (wanted - r0) / (r1 - r0)
            return math.exp(math.log(q0) * (1 - share) + math.log(q1) * share)
    return None


def run_hnswlib(base, queries, expected, metric, threads, k):
    index = hnswlib.Index(space=metric, dim=base.shape[1])
    index.init_index(len(base), M=16, ef_construction=200)
    start = time.perf_counter()
    index.add_items(base, num_threads=threads)
    seconds = time.perf_counter() - start
    points = []
    for ef in EFS:
        index.set_ef(ef)
        best = math.inf
        for _ in range(2):
            start = time.perf_counter()
            found, _ = index.knn_query(queries, k=k, num_threads=1)
            best = min(best, time.perf_counter() - start)
        hits = sum(len(set(a) & set(b)) for a, b in zip(found.tolist(), expected.tolist()))
        points.append((hits / expected.size, len(queries) / best))
        if points[-1][0] > 0.992:
            break
    return seconds, points


def run_ecphory(arguments, base, queries, expected):
    command = [arguments.ecphory, "bench", "--base", base, "--queries", queries]
    command += ["--truth", expected, "--metric", arguments.metric, "--json", "--repeat", "2"]
    command += ["--threads", str(arguments.threads), "--search-threads", "1"]
    report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    points = [(point["recall"], point["qps"]) for point in report["search"]]
    return report["build"]["seconds"], points, report["memory"]["ratio"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ecphory", required=True, help="the ecphory command")
    parser.add_argument("--base", required=True)
    parser.add_argument("--queries", required=True)
    parser.add_argument("--metric", choices=["l2", "cosine"], required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--limit", type=int, default=2000, help="queries that are used")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    k, wanted = 10, [0.9, 0.95, 0.99]

    base = np.load(arguments.base).astype(np.float32)
    queries = np.load(arguments.queries).astype(np.float32)[: arguments.limit]
    unit = base / np.linalg.norm(base, axis=1, keepdims=True)
    expected = truth(unit if arguments.metric == "cosine" else base, queries, arguments.metric, k)
    ratios = {recall: [] for recall in wanted}
    qps = {recall: [] for recall in wanted}
    builds, seconds, memory = [], [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder, "queries.npy"), queries)
        np.save(Path(folder, "truth.npy"), expected)
        files = arguments.base, str(Path(folder, "queries.npy")), str(Path(folder, "truth.npy"))
        for _ in range(arguments.rounds):
            ours, our_points, memory = run_ecphory(arguments, *files)
            theirs, their_points = run_hnswlib(
                base, queries, expected, arguments.metric, arguments.threads, k
            )
            builds.append(ours / theirs)
            seconds.append(ours)
            for recall in wanted:
                mine, other = at_recall(our_points, recall), at_recall(their_points, recall)
                if mine is not None and other is not None:
                    ratios[recall].append(mine / other)
                    qps[recall].append(mine)
    median = lambda values: statistics.median(values) if values else None
    print(
        json.dumps(
            {
                "peer": f"hnswlib {hnswlib.__version__}"
                if hasattr(hnswlib, "__version__")
                else "hnswlib",
                "rounds": arguments.rounds,
                "build_ratio": median(builds),
                "build_seconds": median(seconds),
                "memory_ratio": memory,
                "qps": {str(recall): median(values) for recall, values in qps.items()},
                "ratio": {str(recall): median(values) for recall, values in ratios.items()},
            }
        )
    )


if __name__ == "__main__":
    main()
