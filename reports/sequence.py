"""A counterexample as a sequence diagram: one row per move, one lane per thread, arrows to what may change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from model.expr import PLACE, walk
from model.instance.instance import Instance, Move
from model.instance.trace import Trace
from model.verify.narration import Line, Story
from model.verify.result_text import code_of
from reports.lost import Lost
from reports.strips import Lane, is_ghost, lane_key, lane_keys, lane_of, lane_titles, lanes


@dataclass(frozen=True)
class Crossing:
    """What the arrows of a row do in one lane.

    Attributes:
        role: "actor" (the thread that moves), "target" (it may change something here), "source" (it only looks),
            "pass" (an arrow goes by) or "" (nothing).
        left, right: whether an arrow touches that side of the lane.
        leftward: the thread that moves is further right, so the arrow points to the left.
    """

    role: str
    left: bool
    right: bool
    leftward: bool


@dataclass(frozen=True)
class Row:
    """One move: its line of the story, the arrows, and the state after it.

    Attributes:
        marker: "broken" where the promise is lost, "violated" where the property is, else "".
        tail: the move follows a broken promise.
        code: the lines of the design that it is written in.
    """

    line: Line
    label: str
    marker: str
    tail: bool
    cells: tuple[tuple[Crossing, Lane], ...]
    code: tuple[str, ...]


@dataclass(frozen=True)
class Diagram:
    """The whole picture."""

    titles: tuple[tuple[str, str], ...]
    start: tuple[Lane, ...]
    rows: tuple[Row, ...]


def diagram(trace: Trace, story: Story) -> Diagram:
    """The diagram of a told trace (`Result.whole` where there is one, else `Result.trace`)."""
    instance = trace.instance
    told = [*story.lines, *story.tail]
    return Diagram(
        titles=tuple(lane_titles(instance).items()),
        start=lanes(instance, trace.states[0]),
        rows=tuple(_rows(trace, told, len(story.lines))),
    )


def _rows(trace: Trace, told: Sequence[Line], first: int) -> Iterator[Row]:
    lost = Lost(trace.instance)
    for i, (line, move) in enumerate(zip(told, trace.moves, strict=True)):
        before, after = trace.states[i], trace.states[i + 1]
        shown = lanes(trace.instance, after, before, lost.pages(after))
        drawn = zip(crossings(trace.instance, move), shown, strict=True)
        last = i + 1 in (first, len(told))
        marker = "broken" if _breaks(line) else "violated" if last else ""
        yield Row(line, move.ground.step.label, marker, i >= first, tuple(drawn), tuple(code_of(line)))


def _breaks(line: Line) -> bool:
    return line.broken


def crossings(instance: Instance, move: Move) -> list[Crossing]:
    """The arrows of one move, lane by lane."""
    keys = lane_keys(instance)
    actor = keys.index(lane_key(move.ground.sort, move.ground.thread))
    targets = {keys.index(k) for k in _changed_lanes(instance, move)} - {actor}
    sources = {keys.index(k) for k in _read_lanes(instance, move)} - targets - {actor}
    ends = {actor, *targets, *sources}
    low, high = min(ends), max(ends)
    roles = {actor: "actor"} | dict.fromkeys(targets, "target") | dict.fromkeys(sources, "source")
    return [
        Crossing(roles.get(i, "pass" if low < i < high else ""), low < i <= high, low <= i < high, i < actor)
        for i in range(len(keys))
    ]


def _changed_lanes(instance: Instance, move: Move) -> set[str]:
    fields = (instance.fields[position] for position, _ in move.ground.updates)
    return {lane_of(f) for f in fields if f.sort != PLACE and not is_ghost(instance, f)}


def _read_lanes(instance: Instance, move: Move) -> set[str]:
    """Lanes whose parts the new values look at, those that only an observer's ghosts look at left out."""
    roots = [v for i, v in move.ground.updates if instance.fields[i].role != "ghost"] + list(move.ground.guards)
    read = {e.args for e in walk(*roots) if e.op == "field"}
    fields = (f for f in instance.fields if f.key in read and f.role == "part" and not is_ghost(instance, f))
    return {lane_of(f) for f in fields}
