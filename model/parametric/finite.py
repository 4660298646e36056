"""A state of a finite instance as an interpretation of the parametric reading's relations."""

from __future__ import annotations

from collections.abc import Mapping

from model.expr import PAGES
from model.instance.instance import Instance
from model.instance.locations import at
from model.instance.state import State
from model.parametric.logic import PAGE, Structure, Term
from model.parametric.names import keeps, place
from model.parametric.reading import Reading


def structure(
    reading: Reading,
    instance: Instance,
    state: State,
    terms: Mapping[Term, int] | None = None,
    chosen: Mapping[str, int] | None = None,
) -> Structure:
    """`state` as relations over numbered elements; `terms` and `chosen` say what a step has chosen."""
    where = {sort: {place(sort, loc): n for n, loc in enumerate(ls)} for sort, ls in reading.program.threads.items()}
    kept = {keeps(loc, n): sort for sort, ls in reading.program.threads.items() for loc in ls for n in loc.carried}

    def holds(relation: str, numbers: tuple[int, ...]) -> bool:
        variable = reading.program.variable.get(relation)
        if variable is not None:
            number = numbers[0] if variable.per else None
            value = state[instance.position[relation, number]]
            return bool(value >> numbers[-1] & 1) if variable.sort == PAGES else bool(value)
        for sort, places in where.items():
            if relation in places:
                return location(sort, numbers[0])[0] == places[relation]
        if relation in kept:
            sort = kept[relation]
            number, values = location(sort, numbers[0])
            own = reading.program.threads[sort][number]
            names = {keeps(own, n): values[i] for i, n in enumerate(own.carried)}
            return names.get(relation) == numbers[1]
        value = (chosen or {})[relation]
        return bool(value >> numbers[0] & 1) if numbers else bool(value)

    def location(sort: str, thread: int) -> tuple[int, tuple[int, ...]]:
        return instance.codes[sort][state[instance.position[at(sort), thread]]]

    named = {t: int(t.name.rpartition("[")[2][:-1]) for ts in reading.constants.values() for t in ts}
    return Structure({**instance.sizes, PAGE: instance.pages}, holds, {**named, **(terms or {})})
