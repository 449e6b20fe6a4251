"""A picture of recall against queries per second, as one self-contained SVG.

Recall lies on a logarithmic scale of what is missed, since the way from 0.95 to 0.99 costs as much
as the way from 0.8 to 0.95. Each library is drawn in its best configuration and named at the end of
its curve; the picture brings its own background, light or dark as the reader's system.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from xml.sax.saxutils import escape

from harness.curve import ENOUGH, Point, at_recall
from harness.report import Result

WIDTH, HEIGHT = 860, 520
LEFT, RIGHT, TOP, BOTTOM = 72, 640, 84, 452
RECALL_FIRST, RECALL_LAST = 0.8, ENOUGH
TICKS = (0.8, 0.85, 0.9, 0.95, 0.98, 0.99)
LABEL_STEP = 19
"""Least distance of two labels."""

OURS = "ecphory"
COLOURS = {
    # Per library: on light, on dark.
    OURS: ("#c2410c", "#fb923c"),
    "hnswlib": ("#57606a", "#b1bac4"),
    "faiss": ("#0969da", "#58a6ff"),
    "usearch": ("#8250df", "#bc8cff"),
    "scann": ("#1a7f37", "#3fb950"),
    "voyager": ("#9a6700", "#d29922"),
    "svs": ("#0f766e", "#2dd4bf"),
    "glass": ("#be185d", "#f472b6"),
    "hnsw_rs": ("#7c4a21", "#d6a77a"),
    "instant-distance": ("#4d7c0f", "#a3e635"),
}


@dataclass(frozen=True)
class Line:
    """A curve in the units of the picture's scales."""

    name: str
    library: str
    points: list[Point]


def draw(results: list[Result], facts: dict[str, Any]) -> str:
    """The picture of a set."""
    lines = [line for result in best(results) if (line := clipped(result)) is not None]
    speeds = [point.qps for line in lines for point in line.points]
    scale = Scale(min(speeds, default=1000), max(speeds, default=10_000))
    body = [*_frame(scale), *_curves(lines, scale), *_labels(lines, scale)]
    return "\n".join([*_head(facts), *body, "</svg>", ""])


def best(results: list[Result]) -> list[Result]:
    """One configuration a library: the fastest at 0.95, else the one of highest recall."""

    def merit(result: Result) -> tuple[float, float]:
        curve = result.curve
        return at_recall(curve, 0.95) or 0, max(point.recall for point in curve)

    chosen: dict[str, Result] = {}
    for result in results:
        if result.rounds:
            known = chosen.get(result.library)
            if known is None or merit(result) > merit(known):
                chosen[result.library] = result
    return list(chosen.values())


def clipped(result: Result) -> Line | None:
    """The part of a curve between the ends of the recall scale."""
    # Of settings that find as much, the fastest.
    fastest = {point.recall: point for point in sorted(result.curve, key=lambda p: p.qps)}
    curve = sorted(fastest.values(), key=lambda point: point.recall)
    inside = [point for point in curve if RECALL_FIRST < point.recall < RECALL_LAST]
    for end in (RECALL_FIRST, RECALL_LAST):
        if curve[0].recall <= end <= curve[-1].recall:
            qps = at_recall(curve, end)
            assert qps is not None
            inside.append(Point("", end, qps))
    inside.sort(key=lambda point: point.recall)
    return Line(result.name, result.library, inside) if inside else None


class Scale:
    """From recall and speed to places in the picture."""

    def __init__(self, slowest: float, fastest: float) -> None:
        self.low, self.high = math.log10(slowest / 1.15), math.log10(fastest * 1.15)

    def x(self, recall: float) -> float:
        """Logarithmic in the share that is missed."""
        first, last = math.log(1 - RECALL_FIRST), math.log(1 - RECALL_LAST)
        return LEFT + (RIGHT - LEFT) * (math.log(1 - recall) - first) / (last - first)

    def y(self, qps: float) -> float:
        """Logarithmic."""
        return BOTTOM - (BOTTOM - TOP) * (math.log10(qps) - self.low) / (self.high - self.low)

    def ticks(self) -> list[int]:
        """Round speeds inside the scale."""
        steps = [digit * 10**power for power in range(8) for digit in (1, 2, 5)]
        return [step for step in steps if self.low <= math.log10(step) <= self.high]


def _head(facts: dict[str, Any]) -> list[str]:
    title = f"{facts['set']}: {facts['rows']:,} × {facts['dim']}, {facts['metric']}"
    rounds = f"medians of {facts['rounds']} rounds" if facts["rounds"] > 1 else "one round"
    how = (
        f"Queries per second on one thread against recall@{facts['k']}; higher and farther right "
        f"is better; {rounds}."
    )
    where = f"{facts['machine']['processor']}, {facts['date']}"
    light = [f".{_css(name)}{{--c:{colours[0]}}}" for name, colours in COLOURS.items()]
    dark = [f".{_css(name)}{{--c:{colours[1]}}}" for name, colours in COLOURS.items()]
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img" aria-labelledby="title how">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="how">{escape(how)}</desc>',
        "<style>",
        "svg{--paper:#ffffff;--ink:#1f2328;--soft:#59636e;--grid:#d9dee3}",
        *light,
        "text{font:13px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;"
        "fill:var(--soft)}",
        ".title{font-size:17px;font-weight:600;fill:var(--ink)}",
        ".grid{stroke:var(--grid);stroke-width:1}",
        ".curve{fill:none;stroke:var(--c);stroke-width:1.8;stroke-linejoin:round}",
        ".dot{fill:var(--c)}",
        ".lead{fill:none;stroke:var(--c);stroke-width:1;opacity:.5}",
        ".label{fill:var(--c)}",
        ".ours .curve,.ours.curve{stroke-width:3.4}",
        ".ours.label{font-weight:700}",
        "@media (prefers-color-scheme:dark){"
        "svg{--paper:#0d1117;--ink:#f0f6fc;--soft:#9198a1;--grid:#2b323b}",
        *dark,
        "}",
        "</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="10" fill="var(--paper)"/>',
        f'<text class="title" x="24" y="34">{escape(title)}</text>',
        f'<text x="24" y="56">{escape(how)}</text>',
        f'<text x="{WIDTH - 24}" y="{HEIGHT - 14}" text-anchor="end">{escape(where)}</text>',
    ]


def _frame(scale: Scale) -> list[str]:
    """Grid, numbers and names of the axes."""
    parts = []
    for recall in TICKS:
        x = scale.x(recall)
        parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{BOTTOM}"/>')
        parts.append(
            f'<text x="{x:.1f}" y="{BOTTOM + 20}" text-anchor="middle">{recall:.2f}</text>'
        )
    for qps in scale.ticks():
        y = scale.y(qps)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4.5:.1f}" text-anchor="end">{qps:,}</text>')
    middle = (LEFT + RIGHT) / 2
    parts.append(f'<text x="{middle:.0f}" y="{BOTTOM + 42}" text-anchor="middle">recall</text>')
    return parts


def _curves(lines: list[Line], scale: Scale) -> list[str]:
    """The curves, ours last and so on top."""
    parts = []
    for line in sorted(lines, key=lambda line: line.library == OURS):
        places = [(scale.x(point.recall), scale.y(point.qps)) for point in line.points]
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        kind = _kind(line)
        parts.append(f'<path class="curve {kind}" d="{path}"/>')
        parts += [
            f'<circle class="dot {kind}" cx="{scale.x(point.recall):.1f}" '
            f'cy="{scale.y(point.qps):.1f}" r="{3.4 if line.library == OURS else 2.4}"/>'
            for point in line.points
            if point.setting
        ]
    return parts


def _labels(lines: list[Line], scale: Scale) -> list[str]:
    """A name beside the right end of each curve, moved apart, with a line that leads to it."""
    ends = sorted(
        ((scale.x(line.points[-1].recall), scale.y(line.points[-1].qps), line) for line in lines),
        key=lambda end: end[1],
    )
    places = spread([y for _, y, _ in ends], TOP, BOTTOM)
    parts = []
    for (x, y, line), place in zip(ends, places, strict=True):
        kind = _kind(line)
        parts.append(
            f'<path class="lead {kind}" '
            f'd="M{x + 4:.1f} {y:.1f}L{RIGHT + 6} {y:.1f}L{RIGHT + 28} {place:.1f}"/>'
        )
        parts.append(
            f'<text class="label {kind}" x="{RIGHT + 33}" y="{place + 4.5:.1f}">'
            f"{escape(line.name)}</text>"
        )
    return parts


def spread(wanted: list[float], first: float, last: float) -> list[float]:
    """Places near the wanted ones, which ascend, at least a label apart and within bounds."""
    places: list[float] = []
    for place in wanted:
        places.append(max([place, first, *(before + LABEL_STEP for before in places[-1:])]))
    # What went over the end pushes the others back.
    limit = last
    for index in reversed(range(len(places))):
        places[index] = min(places[index], limit)
        limit = places[index] - LABEL_STEP
    assert all(b - a > LABEL_STEP - 1e-6 for a, b in pairwise(places))
    return places


def _kind(line: Line) -> str:
    return _css(line.library) + (" ours" if line.library == OURS else "")


def _css(name: str) -> str:
    return f"l-{name.replace('_', '-')}"
