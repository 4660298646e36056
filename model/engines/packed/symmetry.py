"""Symmetry: pages that nothing tells apart, and clients that neither the program nor the property names.

Exchanging two such elements everywhere maps steps to steps, the first state to itself and the property to itself, so
that one state of an orbit stands for all: the search keeps the least. Whether an exchange does so is not read off the
program's words but tried on the ground steps, so a constant that tells two elements apart needs no case of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from model.expr import PAGES, Expr, walk
from model.instance.ground_step import GroundStep
from model.instance.instance import Instance
from model.instance.problem import Problem

ALIKE = 4  # elements of one class that are exchanged; 4 have 24 orders, and more are not worth their time
EITHER_WAY = {"union", "meet", "both", "either", "equal"}  # operators whose arguments may change places
PAGE_BY_PAGE = {"union", "meet", "minus", "choose", "none", "all", "field", "param", "subset", "equal"}
PAGE_BY_PAGE |= {"true", "false", "both", "either", "negate", "located", "place"}

Exchange = tuple[str, int, int]  # two elements of a sort


@dataclass(frozen=True)
class Symmetry:
    """What may be exchanged in an instance without a step or an invariant noticing.

    Attributes:
        pages: whether all pages are alike; if not, `told_apart` says why.
        classes: elements that are alike, two or more, as (sort, numbers).
    """

    pages: bool
    classes: tuple[tuple[str, tuple[int, ...]], ...]
    told_apart: str = ""

    def __bool__(self) -> bool:
        return self.pages or bool(self.classes)

    def __str__(self) -> str:
        alike = (["all pages"] if self.pages else []) + [
            f"{sort.lower()}s {' and '.join(map(str, numbers))}" for sort, numbers in self.classes
        ]
        return f"{'; '.join(alike) or 'nothing'} alike{f'; {self.told_apart}' if self.told_apart else ''}"

    def exchanges(self) -> Iterator[tuple[str, int, int]]:
        """Exchanges of two elements, one after the other, that lead through every order of every class."""
        return iter(_through([(sort, numbers) for sort, numbers in self.classes]))


def symmetry(problem: Problem) -> Symmetry:
    """The exchanges that map the instance's steps, first state and invariants to themselves.

    A sort whose elements threads keep in mind (an index parameter over a yield) is left alone, and of more than
    four elements that are alike the first four are exchanged.
    """
    instance, asked = problem.instance, [(c.name, c.holds) for c in problem.checks]
    why = _told_apart(instance, [case for _, case in asked])
    shapes = Shapes(instance, asked)
    classes = []
    for sort, size in instance.sizes.items():
        if not _kept_in_mind(instance, sort):
            classes += [(sort, numbers[:ALIKE]) for numbers in shapes.alike(sort, size) if len(numbers) > 1]
    return Symmetry(instance.pages > 1 and not why, tuple(classes), why if instance.pages > 1 else "")


def _told_apart(instance: Instance, cases: Iterable[Expr]) -> str:
    """What tells pages apart, or an empty string."""
    for field in instance.fields:
        if field.sort == PAGES and field.initial not in (0, instance.full):
            return f"{field.name} begins with some pages and not with others"
    roots = [e for s in instance.steps for e in (*s.guards, *(value for _, value in s.updates))]
    for expr in walk(*roots, *cases):
        if expr.op not in PAGE_BY_PAGE:
            return "pages have numbers here (whole, shifted or a constant set)"
    return ""


def _kept_in_mind(instance: Instance, sort: str) -> bool:
    """Whether the location of some thread holds an element of this sort."""
    steps = instance.program.steps
    return any(
        p.sort == sort and p.name in location.carried
        for locations in instance.program.threads.values()
        for location in locations
        for s in steps
        if s.operation == location.operation
        for p in s.params
    )


class Shapes:
    """An instance's steps and questions up to the order of what may change places, as comparable counters."""

    def __init__(self, instance: Instance, asked: Sequence[tuple[str, Expr]]) -> None:
        self.instance, self.asked = instance, asked
        self.numbers: dict[Hashable, int] = {}

    def alike(self, sort: str, size: int) -> list[tuple[int, ...]]:
        """The elements of a sort in classes whose members can be exchanged."""
        classes: list[list[int]] = []
        for k in range(size):
            home = next((c for c in classes if self.unnoticed((sort, c[0], k))), None)
            if home is None:
                classes.append([k])
            else:
                home.append(k)
        return [tuple(c) for c in classes]

    def unnoticed(self, exchange: Exchange) -> bool:
        """Whether steps, first state and invariants are the same after the exchange."""
        return self.plain == self.shape(exchange)

    @cached_property
    def plain(self) -> Mapping[Hashable, int]:
        return self.shape(None)

    def shape(self, exchange: Exchange | None) -> Mapping[Hashable, int]:
        """Everything that the search reads of the instance, with two elements exchanged."""
        moved, memo = self._moved(exchange), dict[int, int]()

        def of(expr: Expr) -> int:
            for each in walk(expr):
                if id(each) not in memo:
                    memo[id(each)] = self._node(each, moved, memo)
            return memo[id(expr)]

        found: Counter[Hashable] = Counter(self._step(s, moved, of) for s in self.instance.steps)
        found.update(("asked", name, of(case)) for name, case in self.asked)
        found.update(("first", moved[f.key], f.initial, f.width) for f in self.instance.fields)
        return found

    def _moved(self, exchange: Exchange | None) -> dict[tuple[str, int | None], tuple[str, int | None]]:
        """Where each field goes."""
        moved: dict[tuple[str, int | None], tuple[str, int | None]] = {f.key: f.key for f in self.instance.fields}
        if exchange is not None:
            sort, one, other = exchange
            for field in self.instance.fields:
                if field.per == sort and field.number in (one, other):
                    moved[field.key] = (field.name, other if field.number == one else one)
        return moved

    def _step(
        self,
        step: GroundStep,
        moved: Mapping[tuple[str, int | None], tuple[str, int | None]],
        of: Callable[[Expr], int],
    ) -> Hashable:
        updates = frozenset((moved[self.instance.fields[i].key], of(value)) for i, value in step.updates)
        params = tuple((p.name, p.kind) for p in step.params)
        return params, frozenset(of(g) for g in step.guards), updates

    def _node(
        self, expr: Expr, moved: Mapping[tuple[str, int | None], tuple[str, int | None]], memo: Mapping[int, int]
    ) -> int:
        """The number of this shape: equal trees up to the order of arguments have equal numbers."""
        key: Hashable
        if expr.op == "field":
            key = "field", moved[expr.args]
        elif expr.op == "located":
            key = "located", moved[expr.args[:2]], expr.args[2]
        elif expr.op in EITHER_WAY:
            key = expr.op, frozenset(memo[id(e)] for e in _joined(expr))
        else:
            key = expr.op, *(memo[id(a)] if isinstance(a, Expr) else a for a in expr.args)
        return self.numbers.setdefault(key, len(self.numbers))


def _joined(expr: Expr) -> Iterator[Expr]:
    """The arguments, and those of an argument with the same operator in its place (not for `equal`)."""
    for each in expr.args:
        if each.op == expr.op and expr.op != "equal":
            yield from _joined(each)
        else:
            yield each


# ---------------------------------------------------------------- every order


def _through(classes: Sequence[tuple[str, tuple[int, ...]]]) -> list[Exchange]:
    """Exchanges of neighbours that lead through every combination of orders, each once."""
    if not classes:
        return []
    (sort, numbers), inner = classes[0], _through(classes[1:])
    found = list(inner)
    for i in _neighbours(len(numbers)):
        inner = inner[::-1]
        found += [(sort, numbers[i], numbers[i + 1]), *inner]
    return found


def _neighbours(count: int) -> list[int]:
    """Positions i such that exchanging i and i + 1 one after the other gives every order of `count` things."""
    if count < 2:
        return []
    found: list[int] = []
    down, before = True, _neighbours(count - 1)
    for position in [*before, None]:
        found += range(count - 2, -1, -1) if down else range(count - 1)
        if position is not None:
            found.append(position + 1 if down else position)  # the last one stands first now, or last again
        down = not down
    return found
