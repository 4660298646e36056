"""What is at stake: pages whose newest content somebody lacks, which moves put them there and which take them out.

A part is at stake by its role (`ghost=True`, or a ghost by its text), never by its name. What a move does to a page is
asked of the move itself: it marks the page where the page is at stake afterwards though it was not before, it takes the
page where it is not afterwards though it was.
"""

from __future__ import annotations

from collections.abc import Iterator

from model.expr import PAGES, Expr, register, walk
from model.instance.instance import Instance, Move
from model.instance.state import Field, State
from model.instance.trace import Trace
from model.program.layout import register_of

Key = tuple[str, int | None]  # a field of a state


def at_stake(instance: Instance) -> Iterator[Field]:
    """The sets of pages that the design declares as a ghost."""
    for field in instance.fields:
        if field.sort == PAGES and field.role == "part" and instance.program.variable[field.name].at_stake:
            yield field


def records(instance: Instance) -> Iterator[Field]:
    """The sets of pages that the real program has: its bitmaps, queues, and what its threads keep."""
    for field in instance.fields:
        real = field.role in ("part", "register") and not instance.program.variable[field.name].at_stake
        if field.sort == PAGES and real:
            yield field


def assigned(instance: Instance, move: Move, key: Key) -> Expr | None:
    """The value that a move gives a field, or None where it leaves it alone."""
    where = instance.position[key]
    return next((value for position, value in move.ground.updates if position == where), None)


def marks(instance: Instance, state: State, move: Move, key: Key, page: int) -> bool:
    """After the move the page is in the field, whether it was before or not."""
    return _forced(instance, state, move, key, page, present=False) is True


def takes(instance: Instance, state: State, move: Move, key: Key, page: int) -> bool:
    """After the move the page is not in the field, whether it was before or not."""
    return _forced(instance, state, move, key, page, present=True) is False


def _forced(instance: Instance, state: State, move: Move, key: Key, page: int, *, present: bool) -> bool | None:
    value = assigned(instance, move, key)
    if value is None:
        return None
    where, bit = instance.position[key], 1 << page
    changed = list(state)
    changed[where] = state[where] | bit if present else state[where] & ~bit
    return bool(instance.value(value, tuple(changed), move.arguments) & bit)


def writes(instance: Instance, state: State, move: Move, page: int) -> bool:
    """The move changes the page's content: it marks a page that the thread has chosen, now or in an earlier step."""
    for field in at_stake(instance):
        value = assigned(instance, move, field.key)
        chosen = value is not None and _chosen_in(instance, state, move, value, page)
        if chosen and marks(instance, state, move, field.key, page):
            return True
    return False


def _chosen_in(instance: Instance, state: State, move: Move, value: Expr, page: int) -> bool:
    kept = kept_choices(instance, move)
    for leaf in walk(value):
        if leaf.op == "param" and move.arguments.get(leaf.args[0], 0) >> page & 1:
            return True
        if leaf.op == "field" and leaf.args in kept and state[instance.position[leaf.args]] >> page & 1:
            return True
    return False


def kept_choices(instance: Instance, move: Move, *, small: bool = False) -> dict[Key, str]:
    """The registers in which the operation of a move keeps the pages that it has chosen, with the parameter's name.

    Args:
        small: truth and index parameters as well.
    """
    step, thread = move.ground.step, move.ground.thread
    first = next(s for s in instance.program.steps if s.operation == step.operation and s.first)
    named = {
        (name, thread): p.name
        for p in first.params
        if small or p.kind in ("page", "some", "any")
        for name in (register_of(step.by, p.name), register(p.name))
    }
    return {key: name for key, name in named.items() if key in instance.position}


def writes_page(trace: Trace, at: int, page: int) -> bool:
    """Move number `at` (from 1) of the trace changes the page's content."""
    return writes(trace.instance, trace.states[at - 1], trace.moves[at - 1], page)


def logs(trace: Trace, page: int) -> set[Key]:
    """The records into which some write of the trace has put the page: a log of writes."""
    found = set()
    for at in range(1, len(trace) + 1):
        if writes_page(trace, at, page):
            where = ((f.key, trace.instance.position[f.key]) for f in records(trace.instance))
            found |= {key for key, i in where if trace.states[at][i] & ~trace.states[at - 1][i] & 1 << page}
    return found


def into_register(trace: Trace, at: int, page: int) -> bool:
    """Move number `at` puts the page into a register."""
    registers = (trace.instance.position[f.key] for f in records(trace.instance) if f.role == "register")
    return any(trace.states[at][i] & ~trace.states[at - 1][i] & 1 << page for i in registers)


def marks_page(trace: Trace, at: int, key: Key, page: int) -> bool:
    """After move number `at` the page is at stake, whatever was before."""
    return marks(trace.instance, trace.states[at - 1], trace.moves[at - 1], key, page)


def takes_page(trace: Trace, at: int, key: Key, page: int) -> bool:
    """Move number `at` brings the newest content of the page to whom it is owed."""
    return takes(trace.instance, trace.states[at - 1], trace.moves[at - 1], key, page)


def reader(instance: Instance, key: Key) -> tuple[str, int] | None:
    """The one thread that takes pages out of a field at stake: it makes a copy; None where there is no such thread."""
    takers = {
        (ground.sort, ground.thread)
        for ground in instance.steps
        for position, value in ground.updates
        if position == instance.position[key] and _may_take(value, key)
    }
    owner = instance.fields[instance.position[key]].per, key[1]
    return next(iter(takers)) if len(takers) == 1 and (key[1] is None or takers == {owner}) else None


def _may_take(value: Expr, key: Key) -> bool:
    """Not a plain `x | …`: something is taken out, or the old value is not looked at."""
    return any(e.op in ("minus", "meet", "none") for e in walk(value)) or not any(
        e.op == "field" and e.args == key for e in walk(value)
    )
