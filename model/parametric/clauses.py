"""Universally quantified clauses: what an invariant is made of, and what a state says of a few of its elements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations, product
from typing import Any, cast

import numpy as np

from model.parametric import logic
from model.parametric.logic import Formula, Term, atom, disj, equal, neg
from model.parametric.reading import Reading
from model.parametric.vocabulary import Summary

Bits = np.ndarray[Any, np.dtype[np.bool_]]
World = Mapping[str, Bits]  # each relation as an array over its elements, with or without an axis of states in front


@dataclass(frozen=True)
class Atom:
    """A relation of some variables, or (relation "") the equality of one with a constant.

    Attributes:
        some: where the atom says that the relation holds for some element beside these, how.
    """

    relation: str
    terms: tuple[Term, ...]
    some: Summary | None = None

    @property
    def formula(self) -> Formula:
        if self.some:
            some = self.some
            return logic.exists(some.sort, lambda x: atom(self.relation, *some.arguments(self.terms, x)))
        return atom(self.relation, *self.terms) if self.relation else equal(*self.terms)


@dataclass(frozen=True)
class Clause:
    """For all different values of its variables, one of the literals holds: (atom, whether it is to be true)."""

    literals: frozenset[tuple[Atom, bool]]

    @cached_property
    def variables(self) -> tuple[Term, ...]:
        return tuple(sorted({t for a, _ in self.literals for t in a.terms if is_variable(t)}))

    @cached_property
    def formula(self) -> Formula:
        same = [equal(a, b) for i, a in enumerate(self.variables) for b in self.variables[:i] if a.sort == b.sort]
        body = disj(*same, *(literal(a, wanted) for a, wanted in self.ordered if a.terms))
        for v in self.variables:
            body = logic.bind("forall", v, body)
        closed = [literal(a, wanted) for a, wanted in self.ordered if not a.terms]
        return disj(*closed, body)  # what speaks of no variable stands outside, so that no quantifier is in another

    @cached_property
    def ordered(self) -> list[tuple[Atom, bool]]:
        return sorted(self.literals, key=lambda x: (x[1], x[0].some or (), x[0].relation, x[0].terms))

    def canonical(self) -> Clause:
        """The same clause with its variables renamed so that equal clauses are the same object's equal."""
        groups = [[v for v in self.variables if v.sort == s] for s in sorted({v.sort for v in self.variables})]
        options = []
        for new in product(*(permutations(range(len(g))) for g in groups)):
            names = {v: var(v.sort, n) for g, ns in zip(groups, new, strict=True) for v, n in zip(g, ns, strict=True)}
            options.append(Clause(frozenset((rename(a, names), w) for a, w in self.literals)))
        return min(options, key=lambda c: [(a.some or (), a.relation, a.terms, w) for a, w in c.ordered], default=self)


def literal(a: Atom, wanted: bool) -> Formula:
    """An atom or its negation as a formula."""
    return a.formula if wanted else neg(a.formula)


def rename(a: Atom, names: Mapping[Term, Term]) -> Atom:
    return Atom(a.relation, tuple(names.get(t, t) for t in a.terms), a.some)


def var(sort: str, number: int) -> Term:
    """The variables that clauses use: one series a sort."""
    return Term(f"?{sort}{number}", sort)


def is_variable(term: Term) -> bool:
    return term.name.startswith("?")


@dataclass(frozen=True)
class Signature:
    """So many different elements of each sort, and every atom over them: a window onto a state.

    Shapes: `rows` gives (k, len(atoms)) truth values, one row a state and choice of elements, without duplicates.
    """

    variables: tuple[Term, ...]
    atoms: tuple[Atom, ...]

    def rows(self, world: World, sizes: Mapping[str, int], constants: Mapping[Term, int]) -> Bits:
        """What the window shows of these states (with one axis of states in front), wherever it is put."""
        found = [self._row(world, placed, constants) for placed in self._placings(sizes)]
        return unique(np.concatenate(found)) if found else np.zeros((0, len(self.atoms)), bool)

    def _placings(self, sizes: Mapping[str, int]) -> Iterator[dict[Term, int]]:
        sorts = sorted({v.sort for v in self.variables})
        groups = [[v for v in self.variables if v.sort == s] for s in sorts]
        for chosen in product(*(permutations(range(sizes[s]), len(g)) for s, g in zip(sorts, groups, strict=True))):
            yield {v: n for g, ns in zip(groups, chosen, strict=True) for v, n in zip(g, ns, strict=True)}

    def _row(self, world: World, placed: Mapping[Term, int], constants: Mapping[Term, int]) -> Bits:
        states = len(next(iter(world.values())))
        columns = []
        for a in self.atoms:
            numbers = [placed[t] if is_variable(t) else constants[t] for t in a.terms]
            here: Any = (slice(None), *numbers)
            if a.some:
                here = (slice(None), *a.some.arguments(tuple(numbers), cast(Any, slice(None))))
                columns.append(world[a.relation][here].any(axis=1))
                continue
            same = np.full(states, not a.relation and numbers[0] == numbers[-1])
            columns.append(world[a.relation][here] if a.relation else same)
        return np.stack(columns, axis=1)


def signature(reading: Reading, counts: Mapping[str, int]) -> Signature:
    """The window with so many elements of each sort."""
    variables = tuple(var(s, n) for s, k in counts.items() for n in range(k))
    by_sort = {s: [v for v in variables if v.sort == s] for s in counts}
    atoms = [
        Atom(relation, terms)
        for relation, sorts in reading.relations.items()
        for terms in product(*(by_sort.get(s, []) for s in sorts))
    ]
    atoms += [
        Atom(some.relation, terms, some)
        for some in reading.summaries.values()
        for terms in product(*(by_sort.get(s, []) for s in some.others))
    ]
    for sort, terms in reading.constants.items():
        if reading.sizes.get(sort) != 1:
            atoms += [Atom("", (v, c)) for v in by_sort.get(sort, []) for c in terms]
    return Signature(variables, tuple(atoms))


def unique(rows: Bits) -> Bits:
    """The rows without duplicates, in a fixed order."""
    if not len(rows):
        return rows
    packed = np.packbits(rows, axis=1)
    keys = np.ascontiguousarray(packed).view(np.dtype((np.void, packed.shape[1]))).ravel()
    return rows[np.unique(keys, return_index=True)[1]]
