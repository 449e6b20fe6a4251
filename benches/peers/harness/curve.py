"""Measured points, and figures between them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

RECALLS = (0.9, 0.95, 0.99)
"""Where figures are read off a curve."""

ENOUGH = 0.992
"""A sweep ends with the first point of this recall."""


@dataclass(frozen=True)
class Point:
    """What one search setting gives."""

    setting: str
    recall: float
    qps: float


def at_recall(points: Iterable[Point], recall: float) -> float | None:
    """Queries per second at a recall, log-linear between the measured points.

    Where even the fastest point finds more, its speed: the library was asked for nothing faster.
    `None` where no point finds as much.
    """
    curve = sorted(points, key=lambda point: (point.recall, point.qps))
    if not curve or curve[-1].recall < recall:
        return None
    if recall <= curve[0].recall:
        return curve[0].qps
    low, high = next(pair for pair in pairwise(curve) if recall <= pair[1].recall)
    share = (recall - low.recall) / (high.recall - low.recall)
    return math.exp(math.log(low.qps) * (1 - share) + math.log(high.qps) * share)


def medians(rounds: Sequence[Sequence[Point]]) -> list[Point]:
    """One curve of several rounds: per setting, the medians of those that measured it."""
    by_setting: dict[str, list[Point]] = {}
    for points in rounds:
        for point in points:
            by_setting.setdefault(point.setting, []).append(point)
    return [
        Point(
            setting,
            median(point.recall for point in points),
            median(point.qps for point in points),
        )
        for setting, points in by_setting.items()
    ]


def median_or_none(values: Iterable[float | None]) -> float | None:
    """The median of the values that are there."""
    there = [value for value in values if value is not None]
    return median(there) if there else None
