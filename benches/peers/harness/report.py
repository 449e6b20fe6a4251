"""What a run found: a JSON value and a table."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from harness.contender import Measurement
from harness.curve import RECALLS, Point, at_recall, median_or_none, medians

REFERENCE = "hnswlib"
"""What ratios are taken to."""


@dataclass
class Result:
    """All rounds of one contender, and why there are no more."""

    library: str
    variant: str
    rounds: dict[int, Measurement] = field(default_factory=dict)
    failure: str | None = None

    @property
    def name(self) -> str:
        """Library and configuration."""
        return f"{self.library} {self.variant}".strip()

    @property
    def curve(self) -> list[Point]:
        """The medians over rounds."""
        return medians([measurement.points for measurement in self.rounds.values()])

    def qps(self, recall: float) -> float | None:
        """The median queries per second at a recall."""
        return median_or_none(at_recall(run.points, recall) for run in self.rounds.values())

    def build_seconds(self) -> float:
        """The median time of a build."""
        return median(run.build_seconds for run in self.rounds.values())

    def ratio(self, reference: Result, recall: float) -> float | None:
        """The median of the speeds over those of `reference` in the same round."""
        ratios = []
        for number, run in self.rounds.items():
            mine = at_recall(run.points, recall)
            other = reference.rounds.get(number)
            theirs = at_recall(other.points, recall) if other else None
            ratios.append(mine / theirs if mine and theirs else None)
        return median_or_none(ratios)


def find_reference(results: list[Result]) -> Result | None:
    """The one that ratios are taken to, if it was measured."""
    return next((r for r in results if r.library == REFERENCE and r.rounds), None)


def as_json(results: list[Result], raw_bytes: int) -> list[dict[str, Any]]:
    """Everything that was measured."""
    reference = find_reference(results)
    return [
        {
            "library": result.library,
            "variant": result.variant,
            "failure": result.failure,
            "version": next((run.version for run in result.rounds.values()), None),
            "build_seconds": result.build_seconds() if result.rounds else None,
            "memory_ratio": next(
                (run.memory_bytes / raw_bytes for run in result.rounds.values()), None
            ),
            "qps": {str(recall): result.qps(recall) for recall in RECALLS},
            "ratio": {
                str(recall): result.ratio(reference, recall) if reference else None
                for recall in RECALLS
            },
            "rounds": {number: asdict(run) for number, run in result.rounds.items()},
        }
        for result in results
    ]


def table(results: list[Result], raw_bytes: int) -> str:
    """A Markdown table, the fastest at recall 0.95 first, and a line for each failure."""
    reference = find_reference(results)
    lines = [
        "| library | " + " | ".join(f"q/s at {recall:.2f}" for recall in RECALLS) + " | "
        f"× {REFERENCE} at 0.95 | at 0.99 | build s | × {REFERENCE} | memory / raw |",
        "|---|" + "---:|" * 8,
    ]
    measured = [result for result in results if result.rounds]
    for result in sorted(measured, key=lambda result: -(result.qps(0.95) or 0)):
        build = result.build_seconds()
        run = next(iter(result.rounds.values()))
        cells = [f"{result.name} {run.version}"]
        cells += [_shown(result.qps(recall), ",.0f") for recall in RECALLS]
        for recall in (0.95, 0.99):
            ratio = result.ratio(reference, recall) if reference else None
            cells.append(_shown(ratio, ".2f"))
        cells.append(f"{build:.1f}")
        cells.append(_shown(build / reference.build_seconds() if reference else None, ".2f"))
        cells.append(f"{run.memory_bytes / raw_bytes:.2f}")
        lines.append("| " + " | ".join(cells) + " |")
    failures = [f"- {result.name}: {result.failure}" for result in results if result.failure]
    if failures:
        lines += ["", "Without figures, or with fewer rounds:", "", *failures]
    return "\n".join(lines)


def _shown(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
