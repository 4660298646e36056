"""A watched program as one value: a program, what must hold of it, and at which sizes; what every engine is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

from model.errors import UsageError
from model.expr import Expr, Property, indices
from model.instance.instance import Instance
from model.instance.sizes import used_sorts
from model.program.observers import invariant, observed
from model.program.program import Invariant, Program


class Check(NamedTuple):
    """One invariant for one element: a ground truth value that must hold in every state."""

    name: str
    number: int | None
    holds: Expr


@dataclass(frozen=True)
class Problem:
    """Do the invariants hold in every reachable state of the program?

    Attributes:
        program: with the ghosts and observers of whatever is asked.
        invariants: what must hold in every state; none asked is undetermined.
        pages: pages of the finite instance, at least 1.
        sizes: elements of index sorts, {"Client": 2}; others get their default. Checked when there is an instance.
    """

    program: Program
    invariants: tuple[Invariant, ...]
    pages: int = 1
    sizes: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls, program: Program, *properties: Property, pages: int = 1, sizes: Mapping[str, int] | None = None
    ) -> Problem:
        """What these properties ask of a recorded program, all together.

        Raises:
            UsageError: a property cannot be asked of the program.
        """
        for each in properties:
            program = observed(program, each)
        found = tuple(invariant(program, each) for each in properties)
        for one in found:
            _speaks_of(program, one)
        return cls(program, found, pages, sizes or {})

    @classmethod
    def on(cls, instance: Instance, *invariants: Invariant) -> Problem:
        """What these invariants ask of an instance that there is already."""
        found = cls(instance.program, invariants, instance.pages, instance.sizes)
        object.__setattr__(found, "instance", instance)  # in the place of the one that would be made
        return found

    @cached_property
    def instance(self) -> Instance:
        """The program at these sizes.

        Raises:
            UsageError: a size does not fit the program.
        """
        return Instance(self.program, self.pages, self.sizes)

    @property
    def free_sizes(self) -> dict[str, int]:
        """The sizes that can be chosen, those that nobody has chosen included: {"Client": 2}."""
        return self.instance.free_sizes

    @cached_property
    def checks(self) -> list[Check]:
        """Every invariant at these sizes, for each element that it speaks of."""
        return [Check(i.name, number, case) for i in self.invariants for number, case in self.instance.cases(i)]

    @property
    def invariant(self) -> Invariant:
        """The invariant, where one was asked."""
        (only,) = self.invariants
        return only

    def at(self, pages: int, sizes: Mapping[str, int]) -> Problem:
        """The same question at another size."""
        return replace(self, pages=pages, sizes=sizes)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled without the instance, which has compiled functions."""
        return Problem, (self.program, self.invariants, self.pages, self.sizes)


def _speaks_of(program: Program, asked: Invariant) -> None:
    """Refuse `every(Vcpu, ...)`, or `def holds(s, client)`, of a program without any: it would hold of nobody."""
    used = used_sorts(program)
    for index in (*indices(asked.holds), *([asked.each] if asked.each else ())):
        if index.kind == "bound" and index.sort not in used:
            raise UsageError(
                f"{asked.name} cannot be asked of {program.name}: it is about each {index.sort}, and {program.title} "
                f"has none; it has {', '.join(sorted(used))}."
            )
