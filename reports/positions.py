"""A position in a run as plain data for the page that steps through it, live or recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from model.design import Invariant
from model.graph import move_label
from model.instance import Instance, State
from model.story import Line, told
from model.story import thread_name as name_of
from model.trace import Trace
from reports.pages import fragment
from reports.strips import lanes


def walked(instance: Instance, moves: Iterable[int], invariant: Invariant) -> Trace:
    """The run that takes these moves (by number) from the initial state.

    Raises:
        ValueError: there is no such move, or it is not possible where it is taken.
    """
    states, taken = [instance.initial], []
    for place, number in enumerate(moves, 1):
        if not 0 <= number < len(instance.moves):
            raise ValueError(f"move {place} has the number {number}, and the moves here go from 0 to "
                             f"{len(instance.moves) - 1}")
        move = instance.moves[number]
        if not instance.enabled(move, states[-1]):
            raise ValueError(f"move {place}, {move_label(move)}, is not possible there")
        taken.append(move)
        states.append(instance.apply(move, states[-1]))
    return Trace(instance, tuple(taken), tuple(states), invariant, None)


def position(trace: Trace, invariants: Sequence[Invariant]) -> dict[str, Any]:
    """Where the run ends: the state drawn, what is violated there and why, every move that is possible."""
    return drawn(trace.instance, trace.states[-1], trace.states[-2] if trace.moves else None) | {
        "moves": [m.number for m in trace.moves],
        "history": history(trace),
        "violated": list(violated(trace, invariants)),
        "enabled": [_option(trace, number, after) for number, after in trace.instance.successors(trace.states[-1])],
    }


def drawn(instance: Instance, state: State, before: State | None) -> dict[str, Any]:
    """The state as markup, made by the same template as the printed diagram."""
    return {"html": fragment("state", lanes(instance, state, before))}


def history(trace: Trace) -> list[dict[str, Any]]:
    """The moves taken so far, in the words of the field."""
    return [_taken(line) for line in told(trace, "").lines]


def _taken(line: Line) -> dict[str, Any]:
    return {"number": line.number, "text": line.text, "notes": list(line.notes)}


def _option(trace: Trace, number: int, after: State) -> dict[str, Any]:
    instance, move = trace.instance, trace.instance.moves[number]
    longer = Trace(instance, (*trace.moves, move), (*trace.states, after), trace.invariant, None)
    return {
        "move": number,
        "text": told(longer, "").lines[-1].text,
        "label": move_label(move),
        "thread": name_of(instance, move.ground.sort, move.ground.thread),
        "silent": after == trace.states[-1],
    }


def violated(trace: Trace, invariants: Sequence[Invariant]) -> Iterator[dict[str, Any]]:
    """Each property that the last state violates, for whom, and the argument."""
    for rule in invariants:
        for number, case in trace.instance.cases(rule):
            if not trace.instance.value(case, trace.states[-1]):
                story = told(Trace(trace.instance, trace.moves, trace.states, rule, number), "this run")
                yield {"property": rule.name, "title": story.title, "because": list(story.because)}


def recorded(trace: Trace, lines: Sequence[Line], first: int, why: str, property: str) -> dict[str, Any]:
    """A whole counterexample for the page without a server: the positions along it, and nothing else.

    Args:
        lines: the told moves of the trace.
        first: how many moves lead to the violation; what follows them is the aftermath.
    """
    moves, taken = [m.number for m in trace.moves], [_taken(line) for line in lines]
    labels = [move_label(m) for m in trace.moves]
    positions = []
    for at, state in enumerate(trace.states):
        here = drawn(trace.instance, state, trace.states[at - 1] if at else None)
        ends = at in (first, len(moves)) and at > 0
        here["violated"] = [{"property": property, "title": why, "because": []}] if ends else []
        here["enabled"] = [_next(lines[at], moves[at], labels[at])] if at < len(moves) else []
        positions.append(here)
    return {"kind": "recorded", "moves": moves, "first": first, "history": taken, "positions": positions}


def _next(line: Line, number: int, label: str) -> dict[str, Any]:
    return {"move": number, "text": line.text, "label": label, "thread": line.thread, "silent": False}
