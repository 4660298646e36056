"""Whether a proof about store buffers of one size says something about larger ones."""

from __future__ import annotations

from collections.abc import Iterator

from model.expr import FALSE, Element, Expr, Index, make, replace_index, some, walk
from model.instance.instance import Instance
from model.instance.problem import Problem
from model.limits import Limits
from model.program.program import Invariant, Program
from model.program.step import Step
from model.program.store_buffer import StoreBuffer, buffers_of
from model.verdict import Proved, Refuted, Verdict

FULL = "the store buffer was full in some state; a larger --size Buffer may show more"
ENOUGH = "the store buffer was full in some state, but no store had to wait for room: a larger one shows no more"
UNKNOWN = (
    "whether the store buffer is ever full was not found out within the limits; a larger --size Buffer may show more"
)


def buffer_notes(program: Program, instance: Instance, limits: Limits) -> list[str]:
    """One sentence where a reachable state of the instance has a full buffer; nothing where none has."""
    if not program.buffer:
        return []
    from model.engines.packed import search as packed

    def search(name: str, holds: Expr) -> Verdict:
        asked = Problem(program, (Invariant(name, holds),), instance.pages, instance.free_sizes)
        return packed.search(asked, limits)

    never_full = search("never full", ~full(program))
    if isinstance(never_full, Proved):
        return []
    never_waits = search("no store waits", ~waits(program))
    if isinstance(never_full, Refuted) and isinstance(never_waits, Proved):
        return [ENOUGH]
    return [FULL if isinstance(never_full, Refuted) else UNKNOWN]


def full(program: Program) -> Expr:
    """Some thread's buffer has no room."""
    found: Expr = FALSE
    for buffer in buffers_of(program):
        found = found | some(buffer.by, lambda who, buffer=buffer: ~buffer.room(who.index))  # type: ignore[misc]
    return found


def waits(program: Program) -> Expr:
    """Some thread is at a store, its buffer has no room, and nothing else that can be told now holds it back."""
    found: Expr = FALSE
    for buffer in buffers_of(program):
        for step in program.steps:
            if step.by == buffer.by.name and any(_is_room(buffer, g) for g in step.guards):
                found = found | some(buffer.by, lambda who, b=buffer, s=step: _held_up(b, s, who))  # type: ignore[misc]
    return found


def _held_up(buffer: StoreBuffer, step: Step, who: Element) -> Expr:
    held = make("at", who.index, frozenset({step.source})) & ~buffer.room(who.index)
    for guard in _others(buffer, step):
        held = held & replace_index(guard, Index("me", step.by), who.index)
    return held


def _others(buffer: StoreBuffer, step: Step) -> Iterator[Expr]:
    """The guards beside room that no parameter has a say in; to leave one out only finds more waiting."""
    for guard in step.guards:
        chosen = any(e.op == "param" or any(_is_param(a) for a in e.args) for e in walk(guard))
        if not chosen and not _is_room(buffer, guard):
            yield guard


def _is_param(argument: object) -> bool:
    return isinstance(argument, Index) and argument.kind == "param"


def _is_room(buffer: StoreBuffer, guard: Expr) -> bool:
    room = buffer.room(Index("me", buffer.by.name))
    return guard is room or (guard.op == "either" and guard.args[0] is room)
