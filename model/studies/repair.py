"""Smallest repairs: which changes of a refuted design, applied together, make it safe.

Changes are rewrites of the recorded program, derived from it alone. Sets of changes are tried smallest first, so
that a set that is found safe has no safe part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb

from model.errors import UsageError
from model.expr import PAGES, Expr, Guest, Index, make, node, show, walk
from model.program.holes import clears, put_for
from model.program.program import Program
from model.program.step import Step, Update
from model.program.store_buffer import buffers_of
from model.studies.reorder import Arrangement, Arranging, taken, transferred
from model.verdict import Verdict
from model.verify.judge import Judge, Killing, TooLarge

MOST_SETS = 3000


@dataclass(frozen=True)
class Change:
    """One way to alter a program.

    Attributes:
        text: what it does, in the words of the design.
        apply: the altered program, or None where it makes no sense for the program it is given.
    """

    text: str
    apply: Callable[[Program], Program | None]


@dataclass(frozen=True)
class Rejected:
    """A set of changes that is not enough, and a trace that shows it."""

    changes: tuple[Change, ...]
    killing: Killing


@dataclass(frozen=True)
class Repair:
    """A smallest set of changes that makes the design safe; `program` is the design with it."""

    changes: tuple[Change, ...]
    program: Program
    proof: Verdict | None = None


@dataclass(frozen=True)
class Repairs:
    """What was found for a program.

    Attributes:
        repairs: every safe set of the least size.
        rejected: every smaller set, and those of the same size, with the trace that kills it.
        tried: sets of changes that gave a program.
    """

    program: Program
    judge: Judge
    repairs: tuple[Repair, ...]
    rejected: tuple[Rejected, ...]
    tried: int


def repairs(program: Program, judge: Judge, most: int = 2) -> Repairs:
    """Every smallest set of at most `most` changes that makes the program safe.

    Raises:
        TooLarge: there are too many sets.
        Unsettled: a search ended at a limit.
    """
    known = list(changes(program))
    rejected: list[Rejected] = []
    killings: list[Killing] = []
    seen: set[str] = set()
    for size in range(most + 1):
        found = []
        for chosen, changed in _sets(program, known, size):
            if changed.digest in seen:
                continue
            seen.add(changed.digest)
            killing = next((k for k in (transferred(changed, old) for old in killings) if k), None)
            if killing is None and (killing := judge.killing(changed)) is not None:
                killings.insert(0, killing)
            if killing is None:
                found.append(Repair(chosen, changed))
            else:
                rejected.append(Rejected(chosen, killing))
        if found:
            return Repairs(program, judge, tuple(found), tuple(rejected), len(seen))
    return Repairs(program, judge, (), tuple(rejected), len(seen))


def _sets(program: Program, known: Sequence[Change], size: int) -> Iterator[tuple[tuple[Change, ...], Program]]:
    """Every set of so many changes that gives a program; one where a step can never be taken any more is none."""
    if comb(len(known), size) > MOST_SETS:
        raise TooLarge(f"there are more than {MOST_SETS:,} sets of {size} changes of {program.name}.")
    for chosen in combinations(known, size):
        changed: Program | None = program
        for change in chosen:
            changed = change.apply(changed) if changed else None
        if changed is not None and taken(program) <= taken(changed):
            yield chosen, changed


# ---------------------------------------------------------------- the changes


def changes(program: Program) -> Iterator[Change]:
    """Every change that is derived from the program: masks, the cache, order, locks, fences."""
    for make_changes in (narrower_masks, forgetting, orders, locked, fences):
        yield from make_changes(program)


def narrower_masks(program: Program) -> Iterator[Change]:
    """AND what a client clears with another set of pages that is shared, such as the cache."""
    for step, update in _clears(program):
        for name in _caches(program):
            if name not in {e.args[0] for e in walk(update.value.args[1]) if e.op == "var"}:
                yield Change(f"{step.label}: AND the mask with {name}", _narrowed(step.label, name))


def _narrowed(label: str, name: str) -> Callable[[Program], Program | None]:
    def narrower(step: Step) -> Step:
        mask = next(u.value.args[1] for u in step.updates if _takes_away(step, u))
        there = make("meet", node("var", (name, None), PAGES), mask)
        return replace(step, updates=tuple(put_for(u, mask, there) for u in step.updates))

    return lambda program: _step_with(program, label, narrower)


def forgetting(program: Program) -> Iterator[Change]:
    """Take what a step clears in the kernel out of the cache as well, in the same step, under the cache's lock."""
    for step, _ in _clears(program):
        for name in _caches(program):
            if not any(s.operation == step.operation and name in s.writes for s in program.steps):
                lock = _guard_of(program, name)
                text = f"{step.label}: forget in {name} what is cleared"
                yield Change(text, _forgotten(step, name, ""))
                if lock and not _holds(program, step, lock):
                    yield Change(f"{text}, under {lock}", _forgotten(step, name, lock))


def _forgotten(at: Step, name: str, lock: str) -> Callable[[Program], Program | None]:
    def forget(step: Step) -> Step:
        mask = next(u.value.args[1] for u in step.updates if _takes_away(step, u))
        cache: Expr = node("var", (name, None), PAGES)
        return replace(step, updates=(*step.updates, Update(name, None, make("minus", cache, mask))))

    def apply(program: Program) -> Program | None:
        changed = _step_with(program, at.label, forget)
        return _held(at.operation, at.name, at.name)(changed) if lock else changed

    return apply


def _guard_of(program: Program, name: str) -> str:
    """The shared lock that is held where the part is written, or an empty string."""
    writers = [s for s in program.steps if name in s.writes]
    return next((lock.name for lock in program.locks if any(_holds(program, s, lock.name) for s in writers)), "")


def _holds(program: Program, step: Step, lock: str) -> bool:
    """The step runs under that lock."""
    location = program.threads[step.by][step.source]
    return any(h.lock == lock and h.index is None for h in (*step.takes, *location.held))


def orders(program: Program) -> Iterator[Change]:
    """Move one line of an operation to another place among its lines; a line keeps its need of the lock."""
    for arranging in _arrangings(program):
        names = arranging.original.order
        for i, name in enumerate(names):
            for j in range(len(names)):
                if j not in (i, i - 1):  # moving a line one up is moving the one above it down
                    where = f"after {names[j]}" if j > i else f"before {names[j]}"
                    yield Change(
                        f"{arranging.operation}: {name} {where}", _reordered(arranging.operation, name, names[j])
                    )


def _reordered(operation: str, name: str, target: str) -> Callable[[Program], Program | None]:
    def apply(program: Program) -> Program | None:
        arranging = Arranging(program, operation)
        order = list(arranging.original.order)
        after = order.index(target) > order.index(name)
        order.remove(name)
        order.insert(order.index(target) + after, name)
        return arranging.program_of(Arrangement(tuple(order), arranging.scopes_in(order)))

    return apply


def locked(program: Program) -> Iterator[Change]:
    """Hold the lock in an operation, from the first to the last line that touches what threads share."""
    for arranging in _arrangings(program):
        touching = [i for i, step in enumerate(arranging.lines) if _shared(program, step)]
        if not touching:
            continue
        order, run = arranging.original.order, (touching[0], touching[-1])
        if Arrangement(order, (run,)).held - arranging.original.held:
            begin, end = order[run[0]], order[run[1]]
            where = f"during {begin}" if begin == end else f"from {begin} to {end}"
            yield Change(
                f"{arranging.operation}: hold {arranging.lock} {where}", _held(arranging.operation, begin, end)
            )


def fences(program: Program) -> Iterator[Change]:
    """Let a step of a thread with a store buffer wait until the buffer is empty."""
    for buffer in buffers_of(program):
        empty = ~buffer.used(0, Index("me", buffer.by.name))
        for step in program.steps:
            if step.by == buffer.by.name and show(empty) not in map(show, step.guards):
                yield Change(f"{step.label}: fence() before it", _fenced(step.label, empty))


def _fenced(label: str, empty: Expr) -> Callable[[Program], Program | None]:
    return lambda program: _step_with(program, label, lambda step: replace(step, guards=(empty, *step.guards)))


def _held(operation: str, begin: str, end: str) -> Callable[[Program], Program | None]:
    def apply(program: Program) -> Program | None:
        arranging = Arranging(program, operation)
        order = arranging.original.order
        a, b = sorted((order.index(begin), order.index(end)))
        others = tuple(s for s in arranging.original.scopes if s[1] < a or s[0] > b)
        return arranging.program_of(Arrangement(order, tuple(sorted((*others, (a, b))))))

    return apply


def _shared(program: Program, step: Step) -> bool:
    """The step touches a part that all threads share, or every client's."""
    parts = {v.name for v in program.variables if v.role == "part" and v.per is None and not v.at_stake}
    everyone = any(u.index is not None and u.index.kind == "each" for u in step.updates)
    return bool((step.reads | step.writes) & parts) or everyone


# ---------------------------------------------------------------- how


def _arrangings(program: Program) -> Iterator[Arranging]:
    """The operations that have lines to arrange, whoever runs them, but for the guest."""
    for operation in program.operations:
        if any(s.operation == operation and s.by != Guest.name for s in program.steps):
            try:
                yield Arranging(program, operation)
            except UsageError:
                continue


def _clears(program: Program) -> Iterator[tuple[Step, Update]]:
    for step in program.steps:
        for update in step.updates:
            if _takes_away(step, update):
                yield step, update


def _takes_away(step: Step, update: Update) -> bool:
    return clears(step, update.variable, update.value)


def _caches(program: Program) -> list[str]:
    """Shared sets of pages other than the kernel's log."""
    parts = [v for v in program.variables if v.role == "part" and v.per is None and v.sort == PAGES]
    return [v.name for v in parts if v.name != "kernel" and not v.at_stake]


def _step_with(program: Program, label: str, change: Callable[[Step], Step]) -> Program:
    steps = tuple(change(s) if s.label == label else s for s in program.steps)
    return replace(program, steps=steps)
