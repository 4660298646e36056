"""Whose threads run what: one sort to a name, and a thread to each operation of the machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from model.errors import DesignError, Place
from model.expr import Index, Machine, Operation, Part, Sort, make
from model.program.source import loaded, named, underlying
from model.program.step import Step


def sorts_of(
    owner: str, parts: Mapping[str, Part], operations: Mapping[str, Operation], place: Place | None
) -> dict[str, Sort]:
    """Every sort that the design speaks of, by name.

    Raises:
        DesignError: two have one name; the design would have one of them, with the size of whichever came last.
    """
    first: dict[str, tuple[Sort, str]] = {}
    for sort, where in _uses(parts, operations):
        known, before = first.setdefault(sort.name, (sort, where))
        if known is not sort:
            raise DesignError(
                f"{owner} uses two sorts that are both called {sort.name}: one for {before}, another for {where}. "
                f"Declare it once, and use that one everywhere; or give the other a name of its own.",
                place,
            )
    return {name: sort for name, (sort, _) in first.items()}


def _uses(parts: Mapping[str, Part], operations: Mapping[str, Operation]) -> Iterator[tuple[Sort, str]]:
    """Every sort that the design speaks of, and where."""
    for name, part in parts.items():
        if part.per is not None:
            yield part.per, f"part {name}"
    for name, op in operations.items():
        yield op.by, f"the threads of {name}"
        function = underlying(op)
        if function is None:
            continue
        told = [*function.__annotations__.values(), *(named(function, w) for w in loaded(function.__code__)[0])]
        yield from ((value, f"what {name} names") for value in told if isinstance(value, Sort))


def machine_threads(steps: Iterable[Step], sorts: dict[str, Sort]) -> list[Step]:
    """The steps with each operation of the machine on a thread of its own: hardware does not take turns.

    Where each of its operations is one step, they interleave on one thread as they do on several, and nothing changes.

    Args:
        sorts: gets a Machine with as many elements as it has operations.
    """
    found = list(steps)
    own = list(dict.fromkeys(s.operation for s in found if s.by == Machine.name))
    if (
        len(own) < 2
        or sorts[Machine.name] is not Machine
        or all(s.first and s.last for s in found if s.by == Machine.name)
    ):
        return found
    names = tuple(f"the machine at {name}" for name in own)
    sorts[Machine.name] = Sort(Machine.name, Machine.doc, names, size=len(own))

    def placed(step: Step) -> Step:
        if step.by != Machine.name or not step.first:
            return step
        number = own.index(step.operation)
        here = make("is", Index("me", Machine.name), Index("const", Machine.name, names[number], number))
        return replace(step, guards=(here, *step.guards))

    return [placed(s) for s in found]
