"""Runs ecphory and its peers in turns on the same data, and writes what came out.

Each library works in a process of its own: it builds once with `--threads` threads, and in each
round answers all queries at rising search settings on one thread. A round takes every library after
the other, so that what else the machine does falls on all alike; figures are medians over rounds.
ecphory is measured through its own command, which builds in every round.

Writes a JSON of all points for each set, a picture of recall against speed, and prints a table. A
library without figures is named with its reason.
"""

from __future__ import annotations

import argparse
import datetime
import json
import signal
import sys
import tempfile
from pathlib import Path

from adapters import LIBRARIES
from harness import chart, report
from harness.contender import Contender, Ecphory, Failed, Limits, Worker, python_worker
from harness.install import RUST, install, install_rust, rust_program
from harness.machine import machine
from harness.report import Result
from harness.sets import SOURCES, Set

HERE = Path(__file__).resolve().parent
NAMES = ("ecphory", *LIBRARIES, *RUST)
K = 10


def arguments() -> argparse.Namespace:
    """The command line."""

    def names(known: tuple[str, ...]):
        def split(text: str) -> list[str]:
            unknown = [name for name in text.split(",") if name not in known]
            if unknown:
                raise argparse.ArgumentTypeError(
                    f"{', '.join(unknown)} is not one of {', '.join(known)}"
                )
            return text.split(",")

        return split

    parser = argparse.ArgumentParser(prog="cargo xtask bench peers", description=__doc__)
    parser.add_argument("--sets", type=names(tuple(SOURCES)), default="wordnet-384,sift-128")
    parser.add_argument("--libraries", type=names(NAMES), default=",".join(NAMES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--queries", type=int, default=2000, help="at most this many of a set")
    parser.add_argument("--threads", type=int, default=2, help="threads that build")
    parser.add_argument("--build-limit", type=float, default=200, help="seconds for one build")
    parser.add_argument("--search-limit", type=float, default=60, help="seconds for one point")
    parser.add_argument("--ecphory", required=True, help="the ecphory command")
    parser.add_argument("--out", type=Path, required=True, help="folder for the JSON files")
    parser.add_argument("--pictures", type=Path, default=HERE, help="folder for the pictures")
    given = parser.parse_args()
    if given.rounds < 1:
        parser.error("--rounds must be 1 or more")
    return given


def main() -> None:
    given = arguments()
    # Ends as by a failure, which ends the libraries' processes too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        files = {name: SOURCES[name].paths() for name in given.sets}
    except FileNotFoundError as error:
        sys.exit(f"error: {error}")
    given.out.mkdir(parents=True, exist_ok=True)
    missing = provide(given.libraries, given.out)
    for name, (base, queries) in files.items():
        with tempfile.TemporaryDirectory(dir=given.out) as folder:
            say(f"{name}: preparing and finding the truth")
            data = Set(base, queries, SOURCES[name].metric, given.queries, K, Path(folder))
            results = [Result(library, "", failure=why) for library, why in missing.items()]
            results += measure(data, given, [n for n in given.libraries if n not in missing])
            write(name, data, results, given)


def provide(names: list[str], out: Path) -> dict[str, str]:
    """Installs what is missing; why, for those that are not to be had."""
    missing = {}
    for name in names:
        try:
            if name in LIBRARIES:
                install(name, LIBRARIES[name])
            elif name in RUST:
                install_rust(out)
        except Failed as failure:
            missing[name] = str(failure)
            say(f"{name}: {failure}")
    return missing


def contenders(data: Set, given: argparse.Namespace, names: list[str]) -> list[Contender]:
    """Every library that takes part, in each of its configurations."""
    limits = Limits(given.build_limit, given.search_limit)
    chosen: list[Contender] = []
    for name in names:
        if name == "ecphory":
            chosen.append(Ecphory(given.ecphory, data, given.threads, limits))
        elif name in LIBRARIES:
            library = LIBRARIES[name]
            for variant in library.variants_for(data.metric):
                chosen.append(
                    python_worker(name, library.module, variant, data, given.threads, limits)
                )
        else:
            chosen.append(
                Worker(name, "", [str(rust_program(given.out)), name], data, given.threads, limits)
            )
    return chosen


def measure(data: Set, given: argparse.Namespace, names: list[str]) -> list[Result]:
    """All rounds of all contenders, in turns."""
    running = contenders(data, given, names)
    results = {id(one): Result(one.library, one.variant) for one in running}
    try:
        for number in range(1, given.rounds + 1):
            for one in [one for one in running if results[id(one)].failure is None]:
                result = results[id(one)]
                try:
                    result.rounds[number] = one.measure()
                    shown = result.rounds[number]
                    say(
                        f"  round {number}: {result.name}, {len(shown.points)} points to recall "
                        f"{shown.points[-1].recall:.3f}, built in {shown.build_seconds:.1f} s"
                    )
                except Failed as failure:
                    result.failure = str(failure)
                    say(f"  round {number}: {result.name} {failure}")
    finally:
        for one in running:
            one.close()
    return list(results.values())


def write(name: str, data: Set, results: list[Result], given: argparse.Namespace) -> None:
    """The three outputs for a set."""
    count, dim = data.base.shape
    facts = {
        "set": name,
        "rows": count,
        "dim": dim,
        "metric": data.metric,
        "k": data.k,
        "queries": len(data.queries),
        "rounds": given.rounds,
        "build_threads": given.threads,
        "machine": machine(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }
    path = given.out / f"{name}.json"
    value = {**facts, "results": report.as_json(results, data.raw_bytes)}
    path.write_text(json.dumps(value, indent=1) + "\n")
    print(f"\n### {name}: {count:,} × {dim}, {data.metric}, k = {data.k}\n")
    print(report.table(results, data.raw_bytes), flush=True)
    if any(result.rounds for result in results):
        picture = given.pictures / f"{name}.svg"
        picture.write_text(chart.draw(results, facts))
        say(f"\nwrote {path} and {picture}")


def say(text: str) -> None:
    """To whoever waits."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
