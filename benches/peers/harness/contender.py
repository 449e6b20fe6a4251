"""A library in a process of its own, with limits on its time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from harness.curve import ENOUGH, RECALLS, Point
from harness.sets import Set

WORKER = Path(__file__).resolve().parents[1] / "worker.py"


class Failed(Exception):
    """A library that gave no figures; the message says why."""


@dataclass(frozen=True)
class Limits:
    """Seconds that a library may take."""

    build: float
    search: float


@dataclass(frozen=True)
class Measurement:
    """One round of one contender."""

    points: list[Point]
    build_seconds: float
    memory_bytes: int
    version: str
    p95_us: float | None = None
    """95th percentile of a query at recall 0.95, from the libraries that say."""


class Contender(Protocol):
    """A library in one configuration."""

    library: str
    variant: str

    def measure(self) -> Measurement:
        """Sweeps the search settings once.

        Raises:
            Failed: it crashed, took too long or answered nonsense.
        """

    def close(self) -> None:
        """Ends the process, if there is one."""


class Worker:
    """A process that builds once and then answers one search setting a line.

    It writes one JSON line when it has built, and one for each line that it reads, as `worker.py`
    and `rust/` do. Its index stays in memory between rounds.
    """

    def __init__(
        self,
        library: str,
        variant: str,
        program: Sequence[str],
        data: Set,
        threads: int,
        limits: Limits,
    ) -> None:
        self.library, self.variant = library, variant
        self._data, self._limits = data, limits
        self._command = [*program, str(data.base_path), str(data.queries_path), data.metric]
        self._command += [str(data.k), str(threads), variant]
        self._environment = {
            **os.environ,
            "OMP_NUM_THREADS": str(threads),
            "RAYON_NUM_THREADS": str(threads),
            "PYTHONDONTWRITEBYTECODE": "1",
            # The last line of an error is its reason, not an address.
            "RUST_BACKTRACE": "0",
        }
        self._process: subprocess.Popen[str] | None = None
        self._listener: threading.Thread | None = None
        self._errors: list[str] = []
        self._built: dict[str, Any] = {}

    def measure(self) -> Measurement:
        try:
            if self._process is None:
                self._start()
            points = []
            for setting in self._built["settings"]:
                points.append(self._search(setting))
                if points[-1].recall >= ENOUGH:
                    break
            return Measurement(
                points,
                self._built["build_seconds"],
                self._built["memory_bytes"],
                self._built["version"],
            )
        except Failed:
            self.close()
            raise

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=self._environment,
        )
        # Read all along, so that a talkative library never waits for a full pipe.
        self._listener = threading.Thread(target=self._listen, args=(self._process,), daemon=True)
        self._listener.start()
        self._built = self._answer(self._limits.build, "building")

    def _listen(self, process: subprocess.Popen[str]) -> None:
        for line in process.stderr or ():
            if line.strip():
                self._errors = [*self._errors[-19:], line.strip()]

    def _search(self, setting: dict[str, int]) -> Point:
        name = ", ".join(f"{key} {value}" for key, value in setting.items())
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(setting) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # It ended; reading says how.
        answer = self._answer(self._limits.search, f"searching at {name}")
        try:
            recall = self._data.recall(np.asarray(answer["ids"], np.int64))
        except ValueError as error:
            raise Failed(f"gave no answers: {error}") from error
        return Point(name, recall, len(self._data.queries) / answer["seconds"])

    def _answer(self, limit: float, doing: str) -> dict[str, Any]:
        """The next line, if it comes in time."""
        process = self._process
        assert process is not None and process.stdout is not None
        late = threading.Event()

        def end() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(limit, end)
        timer.start()
        line = process.stdout.readline()
        timer.cancel()
        if late.is_set():
            raise Failed(f"took more than {limit:g} s for {doing}")
        if not line:
            code = process.wait()
            if self._listener is not None:
                self._listener.join(timeout=5)
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            reason = self._errors[-1] if self._errors else "no message"
            raise Failed(f"ended while {doing} ({how}): {reason}")
        try:
            return json.loads(line)
        except ValueError as error:
            raise Failed(f"answered `{line[:80].strip()}` while {doing}") from error

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def python_worker(
    library: str, module: str, variant: str, data: Set, threads: int, limits: Limits
) -> Worker:
    """A contender behind an adapter of this folder."""
    program = [sys.executable, str(WORKER), module]
    return Worker(library, variant, program, data, threads, limits)


class Ecphory:
    """This project, through its own `bench` command, which builds anew in every round."""

    library, variant = "ecphory", ""

    def __init__(self, program: str, data: Set, threads: int, limits: Limits) -> None:
        self._limits = limits
        recalls = ",".join(str(recall) for recall in (*RECALLS, ENOUGH))
        self._command = [program, "bench", "--json", "--repeat", "3", "--search-threads", "1"]
        self._command += ["--base", str(data.base_path), "--queries", str(data.queries_path)]
        self._command += ["--truth", str(data.truth_path), "--metric", data.metric]
        self._command += ["--k", str(data.k), "--threads", str(threads), "--recall", recalls]
        self._command += ["--no-tune"]

    def measure(self) -> Measurement:
        limit = self._limits.build + self._limits.search
        try:
            run = subprocess.run(self._command, capture_output=True, text=True, timeout=limit)
        except subprocess.TimeoutExpired as error:
            raise Failed(f"took more than {limit:g} s for a round") from error
        if run.returncode != 0:
            raise Failed(f"exit code {run.returncode}: {run.stderr.strip()}")
        report = json.loads(run.stdout)
        points = [
            Point(f"ef {point['ef']}", point["recall"], point["qps"]) for point in report["search"]
        ]
        at_95 = report["at_recall"]["0.95"]
        return Measurement(
            points,
            report["build"]["seconds"],
            report["memory"]["index_bytes"],
            "this tree",
            at_95 and at_95["p95_us"],
        )

    def close(self) -> None:
        """Nothing stays between rounds."""
