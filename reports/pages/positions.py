"""A position in a run as plain data for the page that steps through it, live or recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from model.expr import Sort
from model.instance.instance import Instance, Move
from model.instance.state import State
from model.instance.trace import Trace
from model.program.program import Invariant
from model.program.step import Param
from model.verify.narration import Line, move_text, narrated
from model.verify.result_text import code_of
from model.verify.stake import writes_page
from model.verify.wording import page_set, thread_name
from reports.lost import Lost, ended
from reports.pages.render import fragment
from reports.strips import lanes


def walked(instance: Instance, moves: Iterable[int], invariant: Invariant) -> Trace:
    """The run that takes these moves (by number) from the initial state.

    Raises:
        ValueError: there is no such move, or it is not possible where it is taken.
    """
    states, taken = [instance.initial], []
    for place, number in enumerate(moves, 1):
        if not 0 <= number < len(instance.moves):
            raise ValueError(
                f"move {place} has the number {number}, and the moves here go from 0 to {len(instance.moves) - 1}"
            )
        move = instance.moves[number]
        if not instance.enabled(move, states[-1]):
            raise ValueError(f"move {place}, {detail(instance, move)}, is not possible there")
        taken.append(move)
        states.append(instance.apply(move, states[-1]))
    return Trace(instance, tuple(taken), tuple(states), invariant, None)


def position(trace: Trace, invariants: Sequence[Invariant]) -> dict[str, Any]:
    """Where the run ends: the state drawn, what is violated there and why, every move that is possible."""
    moves = range(1, len(trace) + 1)
    versions = [sum(writes_page(trace, at, p) for at in moves) for p in range(trace.instance.pages)]
    possible = trace.instance.successors(trace.states[-1])
    before = trace.states[-2] if trace.moves else None
    return drawn(Lost(trace.instance), trace.states[-1], before) | {
        "moves": [m.number for m in trace.moves],
        "history": history(judged(trace, invariants)),
        "violated": list(violated(trace, invariants)),
        "enabled": told_apart([_option(trace, number, after, versions) for number, after in possible]),
    }


def drawn(lost: Lost, state: State, before: State | None) -> dict[str, Any]:
    """The state as markup, made by the same template as the printed diagram, and what can never happen any more."""
    instance = lost.instance
    return {
        "html": fragment("state", lanes(instance, state, before, lost.pages(state))),
        "dead": [*lost.sentences(state), *ended(instance, state)],
    }


def told_apart(options: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The options; of those that read the same, such as the guest's stop for each client, what they choose is said."""
    count = Counter(option["text"] for option in options)
    return [o if count[o["text"]] == 1 else o | {"text": f"{o['text']} ({o['choice']})"} for o in options]


def history(trace: Trace) -> list[dict[str, Any]]:
    """The moves taken so far, in the words of the field."""
    return [_taken(line) for line in narrated(trace, "").lines]


def judged(trace: Trace, invariants: Sequence[Invariant]) -> Trace:
    """The same run as a counterexample to the first property that its last state violates, where there is one."""
    for rule, number in failures(trace, invariants):
        return replace(trace, invariant=rule, number=number)
    return trace


def detail(instance: Instance, move: Move) -> str:
    """`clear.cleared(want={0})`: the step and what it chooses, in the names of the design."""
    step, chosen = move.ground.step, choices(instance, move)
    return f"{step.label}({', '.join(chosen)})" if chosen else step.label


def choices(instance: Instance, move: Move) -> list[str]:
    """`want={0}`, `client=VGA`: everything that the step of a move chooses."""
    step, sorts = move.ground.step, instance.program.sorts
    small = [p for p in step.params if p.name in move.ground.indices]
    chosen = [f"{p.name}={_small(sorts, p, move.ground.indices[p.name])}" for p in small]
    return chosen + [f"{name}={page_set(value)}" for name, value in move.arguments.items()]


def _small(sorts: Mapping[str, Sort], param: Param, value: int) -> str:
    return sorts[param.sort].call(value) if param.kind == "index" else "yes" if value else "no"


def failures(trace: Trace, invariants: Sequence[Invariant]) -> Iterator[tuple[Invariant, int | None]]:
    """(property, for whom) of everything that the last state violates."""
    for rule in invariants:
        for number, case in trace.instance.cases(rule):
            if not trace.instance.value(case, trace.states[-1]):
                yield rule, number


def _taken(line: Line) -> dict[str, Any]:
    return {"number": line.number, "text": line.text, "notes": list(line.notes), "code": code_of(line)}


def _option(trace: Trace, number: int, after: State, versions: Sequence[int]) -> dict[str, Any]:
    instance, move = trace.instance, trace.instance.moves[number]
    longer = Trace(instance, (*trace.moves, move), (*trace.states, after), trace.invariant, None)
    then = [v + writes_page(longer, len(longer), page) for page, v in enumerate(versions)]
    return {
        "move": number,
        "text": move_text(longer, len(longer), then),
        "label": detail(instance, move),
        "choice": ", ".join(choices(instance, move)).replace("=", " "),
        "thread": thread_name(instance, move.ground.sort, move.ground.thread),
        "silent": after == trace.states[-1],
    }


def violated(trace: Trace, invariants: Sequence[Invariant]) -> Iterator[dict[str, Any]]:
    """Each property that the last state violates, for whom, and the argument."""
    for rule, number in failures(trace, invariants):
        story = narrated(replace(trace, invariant=rule, number=number), "this run")
        yield {"property": rule.name, "title": story.title, "because": list(story.because)}


def recorded(trace: Trace, lines: Sequence[Line], first: int, invariants: Sequence[Invariant]) -> dict[str, Any]:
    """A whole counterexample for the page without a server: the positions along it, and nothing else.

    Args:
        lines: the told moves of the trace.
        first: how many moves lead to the violation; what follows them is the aftermath.
        invariants: what every position is judged by.
    """
    moves, taken = [m.number for m in trace.moves], [_taken(line) for line in lines]
    labels = [detail(trace.instance, m) for m in trace.moves]
    positions, lost = [], Lost(trace.instance)
    for at, state in enumerate(trace.states):
        here = drawn(lost, state, trace.states[at - 1] if at else None)
        so_far = replace(trace, moves=trace.moves[:at], states=trace.states[: at + 1])
        here["violated"] = list(violated(so_far, invariants))
        here["enabled"] = [_next(lines[at], moves[at], labels[at])] if at < len(moves) else []
        positions.append(here)
    return {"kind": "recorded", "moves": moves, "first": first, "history": taken, "positions": positions}


def _next(line: Line, number: int, label: str) -> dict[str, Any]:
    return {"move": number, "text": line.text, "label": label, "thread": line.thread, "silent": False}
