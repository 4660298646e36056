"""A closed set of views as plain data: what a proof leaves behind, and what a certificate writes down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from model.parametric.views.counts import Counts
from model.parametric.views.fixpoint import Ones
from model.parametric.views.pairs import Pairs
from model.parametric.views.system import System
from model.program.program import Invariant, Program

Row = tuple[int, tuple[tuple[int, ...], ...]]
Closed = Ones | Pairs | Counts


@dataclass(frozen=True)
class Table:
    """A set of views, each local and each shared part once.

    Attributes:
        kind: "one", "two", "present" or "counts".
        locals: (sort, values) of a process, by number.
        shared: (values, numbers of the processes that hold locks), by number.
        rows: (number of the shared part, what can stand beside it): of "one" (local,) each, of "two" pairs of locals,
            of "counts" one configuration a row, as (local, 1 or 2 for two or more) each; of "present" the same, with
            1 for one or more.
    """

    kind: str
    locals: tuple[tuple[str, tuple[int, ...]], ...]
    shared: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Conjunct:
    """Part of an invariant in the words of the design, and the steps that need it."""

    text: str
    needed_by: tuple[str, ...]


@dataclass(frozen=True)
class Safe:
    """A proof by views: for any number of pages, and of each open sort that is not in `sizes`.

    Attributes:
        program, invariants: of one page, with dead registers emptied.
        pages: that are looked at together; `whole`: there are no others.
        fewer: the same of fewer pages, as the last group of a design may be smaller.
        digest: of the design with what the properties watch (`Program.digest`).
        conjuncts: clauses that come to the same, if they were asked for.
        larger: steps that were made to allow more than they do, so that one page could be looked at.
    """

    program: Program
    invariants: tuple[Invariant, ...]
    sizes: Mapping[str, int]
    larger: tuple[str, ...]
    table: Table
    text: str
    pages: int = 1
    whole: bool = False
    fewer: tuple[Safe, ...] = ()
    conjuncts: tuple[Conjunct, ...] = ()
    digest: str = ""

    def __str__(self) -> str:
        width = max((len(c.text) for c in self.conjuncts), default=0)
        return "\n".join(f"{c.text:<{width}}   for {', '.join(c.needed_by)}" for c in self.conjuncts) or self.text


def table(system: System, closed: Closed) -> Table:
    """The set as plain data."""
    made = {Ones: ("one", _ones), Pairs: ("two", _pairs), Counts: ("counts", _counts)}
    kind, rows = made[type(closed)]
    kind = "present" if isinstance(closed, Counts) and closed.many == 1 else kind
    return Table(kind, tuple(system.locals), tuple(system.shareds), tuple(rows(closed)))  # type: ignore[operator]


def _ones(closed: Ones) -> list[Row]:
    return [(s, tuple((m,) for m in row)) for s, row in closed.views.items()]


def _pairs(closed: Pairs) -> list[Row]:
    return [(s, tuple((a, b) for a, r in row.items() for b in r if a <= b)) for s, row in closed.views.items()]


def _counts(closed: Counts) -> list[Row]:
    return list(closed.views)
