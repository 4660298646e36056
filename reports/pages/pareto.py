"""Safety × redundant copies × ioctls × bitmaps as one picture: a row of panels for each number of clients and source.

A design is a dot: filled where it is safe, hollow with a cross where it loses a write; the more bitmaps, the greater.
The safe ones that no other beats have a ring and are joined. Text and shape say everything that colour says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor, log10

from model.errors import UsageError
from model.studies.comparison import Row, front, measures
from model.studies.markov import Estimate
from model.verify.wording import plural
from reports.formats.phrases import escaped
from reports.pages.costs import BEATS, safety
from reports.pages.render import asset

LEFT, TOP, WIDE, HIGH, GUTTER = 52, 42, 220, 150, 264  # of a panel, in pixels; the gutter holds its labels
PANEL, ROW, HEAD, FOOT, LINE = LEFT + WIDE + GUTTER, TOP + HIGH + 50, 44, 78, 15
SCHEDULES = ((False, "any schedule"), (True, "one sync a round"))
SOURCES = {
    "none": "no other source",
    "device": "a device that marks every client",
    "careless": "a device that marks one client only",
}
TITLE = "Safety, redundant copies, ioctls and bitmaps of designs that clear the dirty log"
KEY = (
    "filled: safe; hollow, cross: loses a write; the greater, the more bitmaps; bars: 95 % confidence (no bar: exact)",
    "(n): bitmaps; ring, dashed line: safe and unbeaten",
)


def as_svg(rows: Sequence[Row]) -> str:
    """The picture as a file that stands alone.

    Raises:
        UsageError: there is no row.
    """
    style = f"<style>{asset('pareto.css')}</style>"
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + picture(rows).replace("</desc>", f"</desc>\n{style}", 1)


def picture(rows: Sequence[Row]) -> str:
    """The picture as an `svg` element for a page that has `pareto.css`."""
    if not rows:
        raise UsageError("there is nothing to draw: name at least one design.")
    groups = list(dict.fromkeys(r.group for r in rows))
    width, height = 2 * PANEL, HEAD + len(groups) * ROW + FOOT
    body = [
        f'<rect class="p-paper" width="{width}" height="{height}"/>',
        _text(LEFT, 20, TITLE, "p-head"),
        *_panels(rows, groups),
        *_legend(height - FOOT + 8),
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="pareto" role="img" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" aria-label="{escaped(TITLE)}">'
    )
    return "\n".join(
        [head, f"<title>{escaped(TITLE)}</title>", f"<desc>{escaped(described(rows))}</desc>", *body, "</svg>\n"]
    )


def described(rows: Sequence[Row]) -> str:
    """Everything that the picture shows, in words."""
    said = []
    for rounds, schedule in SCHEDULES:
        best = front(rows, rounds=rounds)
        for r in rows:
            copies, ioctls, kept = measures(r, rounds=rounds)
            word = "unbeaten" if r in best else "safe" if r.safe else "loses"
            said.append(
                f"{_where(r)}, {schedule}: {r.design}: {word}, {copies} redundant copies and {ioctls} ioctls for each "
                f"write, {kept.mean:g} bitmaps."
            )
    return " ".join(said)


def _where(r: Row) -> str:
    return f"{plural(r.clients, 'client')}, {SOURCES[r.source]}"


def _panels(rows: Sequence[Row], groups: Sequence[tuple[int, str]]) -> Iterator[str]:
    for column, (rounds, schedule) in enumerate(SCHEDULES):
        best = front(rows, rounds=rounds)
        for number, group in enumerate(groups):
            here = [(r, measures(r, rounds=rounds), r in best) for r in rows if r.group == group]
            most_y, most_x = (_nice(max(found[i].high for _, found, _ in here)) for i in (0, 1))
            panel = _Panel(LEFT + column * PANEL, HEAD + number * ROW, most_x, most_y)
            yield from panel.drawn(f"{_where(here[0][0])}; {schedule}", here)


def _nice(value: float) -> float:
    """The least of 1, 2, 4, 6 times a power of ten that is not below the value."""
    if value <= 0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next(round(step * power, 9) for step in (1, 2, 4, 6, 10) if step * power >= value * 0.999)


Dot = tuple[Row, tuple[Estimate, Estimate, Estimate], bool]


@dataclass(frozen=True)
class _Panel:
    """One plot: its place, and the greatest value of each axis."""

    left: int
    top: int
    most_x: float
    most_y: float

    def drawn(self, title: str, dots: Sequence[Dot]) -> Iterator[str]:
        yield _text(self.left, self.top + 14, title, "p-head")
        yield from self.axes()
        joined = sorted({self.at(m) for _, m, unbeaten in dots if unbeaten})
        if len(joined) > 1:
            steps = [f"H {x:g} V {y:g}" for (_, _), (x, y) in pairwise(joined)]
            yield f'<path class="p-front" d="M {joined[0][0]:g} {joined[0][1]:g} {" ".join(steps)}"/>'
        yield from self.labels(dots)
        for dot in sorted(dots, key=lambda d: not d[0].safe):  # a cross is seen also on a dot in the same place
            yield from self.dot(*dot)

    def at(self, found: tuple[Estimate, Estimate, Estimate]) -> tuple[float, float]:
        copies, ioctls, _ = found
        return self.x(ioctls.mean), self.y(copies.mean)

    def x(self, value: float) -> float:
        return round(self.left + max(0.0, value) / self.most_x * WIDE, 1)

    def y(self, value: float) -> float:
        return round(self.top + TOP + HIGH - max(0.0, value) / self.most_y * HIGH, 1)

    def axes(self) -> Iterator[str]:
        bottom = self.top + TOP + HIGH
        for part in (0.5, 1):
            x, y = self.x(part * self.most_x), self.y(part * self.most_y)
            lines = f"M {x:g} {bottom} V {self.top + TOP} M {self.left} {y:g} H {self.left + WIDE}"
            yield f'<path class="p-grid" d="{lines}"/>'
            yield _text(x, bottom + 14, f"{part * self.most_x:g}", "p-soft", "middle")
            yield _text(self.left - 5, y + 4, f"{part * self.most_y:g}", "p-soft", "end")
        yield f'<path class="p-axis" d="M {self.left} {self.top + TOP} V {bottom} H {self.left + WIDE}"/>'
        yield _text(self.left + WIDE / 2, bottom + 29, "ioctls for each write", "p-soft", "middle")
        yield _text(self.left + 4, self.top + TOP - 12, "redundant copies for each write", "p-soft")

    def dot(self, r: Row, found: tuple[Estimate, Estimate, Estimate], unbeaten: bool) -> Iterator[str]:
        (x, y), size = self.at(found), 2 + r.bitmaps
        copies, ioctls, _ = found
        yield f"<g><title>{escaped(_said(r, found, unbeaten))}</title>"
        if copies.margin or ioctls.margin:
            across = f"M {self.x(ioctls.low):g} {y:g} H {self.x(ioctls.high):g}"
            yield f'<path class="p-bar" d="{across} M {x:g} {self.y(copies.low):g} V {self.y(copies.high):g}"/>'
        yield f'<circle class="{"p-safe" if r.safe else "p-loses"}" cx="{x:g}" cy="{y:g}" r="{size}"/>'
        if not r.safe:
            yield f'<path class="p-loses" d="M {x - 3:g} {y - 3:g} l 6 6 m 0 -6 l -6 6"/>'
        if unbeaten:
            yield f'<circle class="p-ring" cx="{x:g}" cy="{y:g}" r="{size + 3}"/>'
        yield "</g>"

    def labels(self, dots: Sequence[Dot]) -> Iterator[str]:
        """One under the other, from the highest dot down, each with a line to its dot."""
        x, y = self.left + WIDE + 22, self.top + TOP + 8
        for r, found, unbeaten in sorted(dots, key=lambda d: (-d[1][0].mean, -d[1][1].mean, d[0].design)):
            at = self.at(found)
            yield f'<path class="p-lead" d="M {at[0]:g} {at[1]:g} L {x - 4} {y - 4}"/>'
            yield _text(x, y, f"{r.design} ({r.bitmaps}): {_word(r, unbeaten)}")
            y += LINE + 3


def _word(r: Row, unbeaten: bool) -> str:
    return "unbeaten" if unbeaten else "safe" if r.safe else "loses"


def _said(r: Row, found: tuple[Estimate, Estimate, Estimate], unbeaten: bool) -> str:
    copies, ioctls, _ = found
    end = ", unbeaten" if unbeaten else ""
    return (
        f"{r.design}: safe: {safety(r)}; {copies} redundant copies, {ioctls} ioctls, {plural(r.bitmaps, 'bitmap')}{end}"
    )


def _legend(y: int) -> Iterator[str]:
    first, second = BEATS.split(". ", 1)
    for number, said in enumerate((KEY[0], f"{KEY[1]}. {first}.", *second.split("; ", 1))):
        yield _text(LEFT, y + number * LINE, said, "p-soft")


def _text(x: float, y: float, said: str, kind: str = "", anchor: str = "") -> str:
    mark = (f' class="{kind}"' if kind else "") + (f' text-anchor="{anchor}"' if anchor else "")
    return f'<text x="{x:g}" y="{y:g}"{mark}>{escaped(said)}</text>'
