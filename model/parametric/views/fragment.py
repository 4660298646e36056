"""Which designs views can decide, and what another design would have to change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from model.errors import CannotSay, Place
from model.expr import Expr, Index, indices, walk
from model.instance.sizes import every_index, used_sorts
from model.parametric.views.rule import Cast
from model.program.program import Invariant, Program
from model.program.step import Param, Step


@contextmanager
def said_at(place: Place | None) -> Iterator[None]:
    """What cannot be said inside is said of that line of the design."""
    try:
        yield
    except CannotSay as wrong:
        raise CannotSay(wrong.message, wrong.place or place) from None


def open_sorts(program: Program, sizes: Mapping[str, int]) -> tuple[str, ...]:
    """Index sorts that may have any number of elements; those in `sizes` have exactly so many."""
    return tuple(s for s in sorted(used_sorts(program)) if program.sorts[s].size is None and s not in sizes)


def cast_of(program: Program, invariants: Sequence[Invariant], sizes: Mapping[str, int]) -> Cast:
    """Who has to be told apart: named elements, and as many of each sort as one step or invariant speaks of."""
    sorts = open_sorts(program, sizes)
    named = dict.fromkeys(sorts, 0)
    for index in [*every_index(program), *_held(program), *(x for i in invariants for x in indices(i.holds))]:
        if index.kind == "const" and index.sort in named:
            named[index.sort] = max(named[index.sort], index.number + 1)
    most = dict.fromkeys(sorts, 1)
    for sort in sorts:
        for step in program.steps:
            most[sort] = max(most[sort], _cast_members(program, step, sort))
        for rule in invariants:
            most[sort] = max(most[sort], _quantifiers([rule.holds], sort) + (rule.each is not None))
    return Cast(named, most)


def _held(program: Program) -> Iterator[Index]:
    for locations in program.threads.values():
        yield from (h.index for location in locations for h in location.held if h.index is not None)


def _cast_members(program: Program, step: Step, sort: str) -> int:
    chosen = [p for p in parameters(program, step) if p.sort == sort]
    return (step.by == sort) + len(chosen) + _quantifiers([*step.guards, *(u.value for u in step.updates)], sort)


def _quantifiers(exprs: Sequence[Expr], sort: str) -> int:
    return sum(e.op in ("for_all", "exists") and e.args[0].sort == sort for e in walk(*exprs)) if exprs else 0


def parameters(program: Program, step: Step) -> list[Param]:
    """Index and truth parameters of a step: chosen by it, or remembered from before."""
    first = next(s for s in program.steps if s.operation == step.operation and s.first)
    small = [p for p in first.params if p.kind in ("index", "truth")]
    if step.first:
        return small
    carried = program.threads[step.by][step.source].carried
    return [p for p in small if p.name in carried]


def refuse_pointers(program: Program, sizes: Mapping[str, int]) -> None:
    """Raises CannotSay where a thread remembers one of any number of elements."""
    free = open_sorts(program, sizes)
    for step in program.steps:
        for p in parameters(program, step):
            remembered = not step.first and p.kind == "index" and p.sort in free
            if remembered:
                raise CannotSay(
                    f"{step.operation} remembers one {p.sort.lower()} (`{p.name}`) from one step to the next; do what "
                    f"it does to that {p.sort.lower()} in the step that chooses it, or give {p.sort} a size",
                    step.place,
                )
