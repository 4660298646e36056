"""A scene: the shared part, those who hold locks, and some free processes, in words of which a solver is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model.parametric.logic import TRUE, Formula, disj
from model.parametric.views.formulas import Bits, Clause, Words

Shape = tuple[str, ...]
Fields = tuple[Bits, ...]
Group = tuple[str, ...]


@dataclass(frozen=True)
class Person:
    """A process of some sort, its fields as formulas, and what it is called."""

    sort: str
    fields: Fields
    name: str


@dataclass(frozen=True)
class Scene:
    """A shared part with those who hold locks, sorted by sort, and free processes."""

    shared: Fields
    holders: tuple[Person, ...]
    free: tuple[Person, ...]

    @property
    def shape(self) -> Shape:
        return tuple(h.sort for h in self.holders)

    def groups(self, size: int) -> Iterator[tuple[Person, ...]]:
        """Nobody, then each free process; of views of two, each two of them."""
        if size < 2:
            yield ()
            yield from ((p,) for p in self.free)
            return
        for i, a in enumerate(self.free):
            yield from (tuple(sorted((a, b), key=lambda p: p.sort)) for b in self.free[i + 1 :])

    def says(self, words: Words, clause: Clause, group: Sequence[Person]) -> Formula:
        """The clause, of these."""

        def literal(where: Sequence[Any], values: Sequence[int]) -> Formula:
            kind, *rest = where
            sort, fields = None, self.shared
            if kind != "S":
                person = (self.holders if kind == "H" else group)[rest[0]]
                sort, fields = person.sort, person.fields
            return words.within(words.of(sort)[rest[-1]][1], fields[rest[-1]], values)

        return disj(*(literal(where, values) for where, values in clause.literals))


@dataclass(frozen=True)
class Situation:
    """One rule in one situation.

    Attributes:
        name: of the rule, with who stands where.
        known: what holds before by the nature of things: one place each, guards, and what comes after, in words of its
            own.
        before: where clauses are known to hold; None of the start.
        after: where they must hold; None of a violation, which must be impossible.
        words: every word that it speaks of, in order.
        also: what must hold afterwards beside the clauses.
    """

    name: str
    known: Mapping[str, Formula]
    before: Scene | None
    after: Scene | None
    words: tuple[str, ...]
    also: Formula = TRUE
