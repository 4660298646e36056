"""What processes do, as rules: (shared part, those who take part) -> the same after, and what bystanders hear of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from model.expr import Expr
from model.instance.state import Field

Key = tuple[str, int | None]


@dataclass(frozen=True)
class Rule:
    """An atomic step of one thread, with each process that it names chosen.

    Every leaf is a `field`, `located`, `place` or `param`; an element number stands for who it is (`Cast`).

    Attributes:
        label: of the step; of a violation, the name of the invariant.
        roles: kinds of the processes that take part, all different processes; the mover first where it is one.
        actor: (kind, number) of the thread that moves; None of a violation.
        source: (location field, code) of the thread's place before, or None where it has one place only.
        chosen: index and truth parameters, by name: element numbers.
        pages: names of the sets of pages that are chosen; `choices`: of each, what it can be.
        guards: all must hold.
        updates: new values, over the state before; a key of a bystander (`Cast.other`) is what all others hear.
        others: open sort -> what must hold of every bystander of it.
    """

    label: str
    roles: tuple[str, ...]
    actor: tuple[str, int] | None
    source: tuple[Key, int] | None
    chosen: Mapping[str, int]
    pages: tuple[str, ...]
    guards: tuple[Expr, ...]
    updates: Mapping[Key, Expr]
    others: Mapping[str, Expr] = field(default_factory=dict)
    choices: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Cast:
    """Who an element number of an open sort stands for.

    Numbers below `named[sort]` are elements that the design names; then one for each role; the last is a bystander.

    Attributes:
        named: open sort -> how many elements are named; they belong to the shared part.
        most: open sort -> how many of it take part in one rule at most.
    """

    named: Mapping[str, int]
    most: Mapping[str, int]

    @property
    def sorts(self) -> tuple[str, ...]:
        return tuple(self.named)

    @property
    def sizes(self) -> dict[str, int]:
        """So many elements are written out."""
        return {s: n + self.most[s] + 1 for s, n in self.named.items()}

    def role(self, sort: str, number: int) -> int:
        """The element that stands for the process in the `number`-th role of its kind."""
        return self.named[sort] + number

    def other(self, sort: str) -> int:
        return self.named[sort] + self.most[sort]

    def is_named(self, sort: str | None, number: int | None) -> bool:
        """Whether the element belongs to the shared part."""
        return sort is None or number is None or number < self.named.get(sort, number + 1)


@dataclass(frozen=True)
class Layout:
    """Where each value stands: in the tuple of the shared part, or in that of a process of its kind.

    Attributes:
        shared: fields of the shared part; locks last.
        local: open sort -> fields of one process.
    """

    shared: tuple[Field, ...]
    local: Mapping[str, tuple[Field, ...]]
