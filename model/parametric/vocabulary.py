"""What relations and terms of the parametric reading are called, and the words that summarise a relation."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

from model.parametric.logic import PAGE, Term
from model.program.program import Location

T = TypeVar("T")


class Summary(NamedTuple):
    """For some element of `sort`, as last (or first) argument beside those of `others`, the relation holds."""

    relation: str
    sort: str
    others: tuple[str, ...]
    first: bool = False

    def arguments(self, others: tuple[T, ...], some: T) -> tuple[T, ...]:
        """All arguments in their order."""
        return (some, *others) if self.first else (*others, some)


def constant(sort: str, number: int) -> Term:
    """The name of element `number` of a sort."""
    return Term(f"{sort}[{number}]", sort)


def place(sort: str, where: Location) -> str:
    """The relation that holds of the threads at a location."""
    return f"{sort} at {where.operation}.{where.after}" if where.operation else f"{sort} is idle"


def keeps(where: Location, name: str) -> str:
    """The relation between a thread and the element that its operation was given."""
    return f"{where.operation} of {name}"


def parameter(name: str) -> str:
    """The relation that a chosen set of pages is."""
    return f"chosen {name}"


def thread(sort: str) -> Term:
    """The thread that takes a step; nothing that a step chooses is called so."""
    return Term("me", sort)


def chosen_term(name: str, sort: str) -> Term:
    """The page or element that a step chooses, or goes on with; two sorts may use one name in different steps."""
    return Term(f"the {name}" if sort == PAGE or name == sort.lower() else f"the {sort.lower()} {name}", sort)
