"""A ground truth value as clauses about one page: what a property says, cut into the least pieces that can be idle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from model.errors import CannotSay
from model.expr import PAGES, TRUE, Expr, make
from model.expr.algebra import fold
from model.instance.ground_expr import these

MOST = 200  # clauses up to which a property is cut into pieces


@dataclass(frozen=True)
class Literal:
    """Page 0 is in this field, this flag is set, this thread is here; or not."""

    leaf: Expr
    positive: bool

    @property
    def truth(self) -> Expr:
        """The literal as a ground truth value."""
        holds = make("subset", these(1), self.leaf) if self.leaf.sort == PAGES else self.leaf
        return holds if self.positive else ~holds


Clause = frozenset[Literal]
Clauses = frozenset[Clause]
YES: Clauses = frozenset()
NO: Clauses = frozenset({frozenset()})


@dataclass(frozen=True)
class Sides:
    """The clauses that make a value true, and those that make it false."""

    true: Clauses
    false: Clauses


def clauses(holds: Expr) -> tuple[Clause, ...]:
    """What `holds` says of page 0 as clauses that must all hold; nothing where that would be too many.

    A comparison of two sets is read as what it says of page 0, since a property treats all pages alike.
    """
    try:
        found = fold(holds, TABLE, _leaf).true
    except (CannotSay, TooMany):
        return ()
    return tuple(c for c in found if not any(Literal(x.leaf, not x.positive) in c for x in c))


def nobody_but(clause: Clause, left_out: Literal) -> Expr:
    """None of the clause's literals but that one holds: it alone must carry the clause."""
    truth = TRUE
    for literal in sorted(clause - {left_out}, key=repr):
        truth = truth & ~literal.truth
    return truth


class TooMany(Exception):
    """More clauses than anyone looks at."""


def _leaf(expr: Expr) -> Sides | None:
    if expr.op == "these":
        return _constant(bool(expr.args[0] & 1))
    if expr.op not in ("field", "located"):
        return None
    yes, no = (frozenset({frozenset({Literal(expr, positive)})}) for positive in (True, False))
    return Sides(yes, no)


def _constant(value: bool) -> Sides:
    return Sides(YES, NO) if value else Sides(NO, YES)


def _all_of(a: Clauses, b: Clauses) -> Clauses:
    return _least(a | b)


def _one_of(a: Clauses, b: Clauses) -> Clauses:
    if len(a) * len(b) > MOST * MOST:
        raise TooMany
    return _least(frozenset(x | y for x in a for y in b))


def _least(found: Clauses) -> Clauses:
    """Without clauses that another one implies."""
    if len(found) > MOST:
        raise TooMany
    return frozenset(c for c in found if not any(other < c for other in found))


def _both(a: Sides, b: Sides) -> Sides:
    return Sides(_all_of(a.true, b.true), _one_of(a.false, b.false))


def _negate(a: Sides) -> Sides:
    return Sides(a.false, a.true)


def _either(a: Sides, b: Sides) -> Sides:
    return _negate(_both(_negate(a), _negate(b)))


def _subset(a: Sides, b: Sides) -> Sides:
    return _either(_negate(a), b)


TABLE: Mapping[str, Callable[..., Any]] = {
    "none": lambda: _constant(False),
    "all": lambda: _constant(True),
    "false": lambda: _constant(False),
    "true": lambda: _constant(True),
    "both": _both,
    "meet": _both,
    "either": _either,
    "union": _either,
    "negate": _negate,
    "minus": lambda a, b: _both(a, _negate(b)),
    "subset": _subset,
    "equal": lambda a, b: _both(_subset(a, b), _subset(b, a)),
    "choose": lambda c, a, b: _both(_subset(c, a), _either(c, b)),
}
