"""Where the threads of a program can be at given sizes, and which locks they hold there."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import product

from model.expr import FALSE, TRUE, TRUTH, Expr, Index, make, node
from model.program.program import Program
from model.program.step import Held, Step


def at(sort: str) -> str:
    """The name of the location field of a kind of thread."""
    return f"at.{sort}"  # no part is called so


class Places:
    """The locations of `program` with so many threads of each kind, and questions about them as ground expressions.

    Args:
        sizes: elements of each index sort that the program uses.
    """

    def __init__(self, program: Program, sizes: Mapping[str, int]) -> None:
        self.program, self.sizes = program, sizes

    @cached_property
    def codes(self) -> Mapping[str, list[tuple[int, tuple[int, ...]]]]:
        """For each sort of thread: what its location field can hold, as (location, carried index parameters)."""
        found: dict[str, list[tuple[int, tuple[int, ...]]]] = {}
        for sort, locations in self.program.threads.items():
            found[sort] = []
            for number, location in enumerate(locations):
                ranges = [range(self.sizes[self._carried_sort(location.operation, n)]) for n in location.carried]
                found[sort] += [(number, values) for values in product(*ranges)]
        return found

    def _carried_sort(self, operation: str, name: str) -> str:
        first = next(s for s in self.program.steps if s.operation == operation and s.first)
        return next(p.sort for p in first.params if p.name == name)

    def code(self, step: Step, location: int, chosen: Mapping[str, int]) -> int:
        """What the location field holds at a location of a step whose index parameters are chosen."""
        carried = self.program.threads[step.by][location].carried
        return self.codes[step.by].index((location, tuple(chosen[n] for n in carried)))

    @cached_property
    def told_apart(self) -> frozenset[tuple[str, int]]:
        """(location field, number) of every thread that can be in more than one place; the others have no field."""
        return frozenset(
            (at(sort), k)
            for sort, codes in self.codes.items()
            if len(codes) > 1
            for k in range(self.sizes.get(sort, 1))
        )

    def located(self, sort: str, number: int, locations: frozenset[int]) -> Expr:
        """Thread `number` of `sort` is at one of these locations of the program."""
        codes = frozenset(i for i, (location, _) in enumerate(self.codes.get(sort, [(0, ())])) if location in locations)
        if (at(sort), number) not in self.told_apart:
            return TRUE if 0 in locations else FALSE
        return node("located", (at(sort), number, codes), TRUTH)

    def free(self, held: Held, number: int | None, but: tuple[str, int] | None = None) -> Expr:
        """No thread (other than `but`) is where it holds that lock."""
        result: Expr = TRUE
        for sort, codes in self.codes.items():
            for k in range(self.sizes.get(sort, 1)):
                if (sort, k) == but:
                    continue
                holding = frozenset(
                    code
                    for code, (location, carried) in enumerate(codes)
                    for other in self.program.threads[sort][location].held
                    if other.lock == held.lock and self._number_at(other.index, sort, location, k, carried) == number
                )
                if holding:
                    result = make("both", result, make("negate", node("located", (at(sort), k, holding), TRUTH)))
        return result

    def held(self, sort: str, k: int, code: int) -> frozenset[tuple[str, int | None]]:
        """The locks that thread `k` of `sort` holds where its location has this code, by name and number."""
        location, carried = self.codes[sort][code]
        found = self.program.threads[sort][location].held
        return frozenset((h.lock, self._number_at(h.index, sort, location, k, carried)) for h in found)

    def _number_at(self, index: Index | None, sort: str, location: int, k: int, carried: tuple[int, ...]) -> int | None:
        if index is None:
            return None
        if index.kind == "me":
            return k
        if index.kind == "const":
            return index.number
        return carried[self.program.threads[sort][location].carried.index(index.name)]
