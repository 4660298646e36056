"""Nodes of an expression: immutable and shared, made by Python's operators, simplified as they are made."""

from __future__ import annotations

from typing import Any

from model.errors import DesignError, here
from model.expr.printer import show
from model.expr.simplify import simpler
from model.expr.tree import PAGES, TRUTH, Node

IF_ON_STATE = (
    "`if`, `and`, `or` and `not` cannot look at the state: an operation runs once, while it is recorded, and its "
    "answer would be frozen into every run. Write `wait_for(...)` for a guard, `&`, `|`, `~` for logic, "
    "`choose(cond, a, b)` for data."
)
STALE = (
    "a value read before a yield is used after it, and another thread may have changed it in between. "
    "Keep it in the thread: me.known = ... before the yield, me.known after it."
)


class Expr(Node):
    """A node with Python's operators, which build the nodes above it; there is one node of each kind (see `node`)."""

    __slots__ = ()

    def __or__(self, other: object) -> Expr:
        return _join("union", "either", self, other)

    def __and__(self, other: object) -> Expr:
        return _join("meet", "both", self, other)

    def __sub__(self, other: object) -> Expr:
        return make("minus", *sets_of_pages("-", self, other))

    def __xor__(self, other: object) -> Expr:
        return (self | other) & ~(self & other)

    def __le__(self, other: object) -> Expr:
        return make("subset", *sets_of_pages("<=", self, other))

    def __ge__(self, other: object) -> Expr:
        return make("subset", *reversed(sets_of_pages(">=", self, other)))

    def __invert__(self) -> Expr:
        return make("negate", self) if self.sort == TRUTH else make("minus", ALL, self)

    def __eq__(self, other: object) -> Any:
        left, right = self, lift(other)
        if left.sort != right.sort:
            raise DesignError(f"{left.sort} cannot equal {right.sort}: {show(left)} == {show(right)}.", here())
        return make("equal", left, right) if left.sort == PAGES else (left & right) | (~left & ~right)

    def __ne__(self, other: object) -> Any:
        return ~(self == other)

    __ror__, __rand__ = __or__, __and__

    def __rsub__(self, other: object) -> Expr:
        return lift(other) - self

    def __hash__(self) -> int:
        return id(self)

    def __bool__(self) -> bool:
        raise DesignError(IF_ON_STATE, here())

    def _no_order(self, other: object) -> Expr:
        raise DesignError("sets of pages are compared with `<=` (is contained in) and `==`, not `<` or `>`.", here())

    def _no_sum(self, other: object) -> Expr:
        raise DesignError("sets of pages are joined with `|`, cut with `&` and taken away with `-`, not `+`.", here())

    def _no_python(self, *_: object) -> Any:
        raise DesignError(
            "a loop or a count over the state cannot be recorded; make the set of pages a parameter of the operation, "
            "which the checker chooses in every possible way.",
            here(),
        )

    def __getitem__(self, index: object) -> Expr:
        raise DesignError(f"{show(self)} is one for all and takes no [...]; write it without an index.", here())

    __lt__ = __gt__ = _no_order
    __add__ = __radd__ = _no_sum
    __iter__ = __len__ = __contains__ = __int__ = __index__ = _no_python

    def __repr__(self) -> str:
        return show(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return node, (self.op, self.args, self.sort)


_nodes: dict[tuple[Any, ...], Expr] = {}


def node(op: str, args: tuple[Any, ...], sort: str, when: int | None = None) -> Expr:
    """The one node with this operator and these arguments; equal trees are the same object."""
    key = (op, sort, when, *(id(a) if isinstance(a, Expr) else a for a in args))
    found = _nodes.get(key)
    if found is None:
        found = _nodes[key] = object.__new__(Expr)
        found.op, found.args, found.sort, found.when = op, args, sort, when
    return found


NONE = node("none", (), PAGES)
ALL = node("all", (), PAGES)
TRUE = node("true", (), TRUTH)
FALSE = node("false", (), TRUTH)
CONSTANTS = {c.op: c for c in (NONE, ALL, TRUE, FALSE)}


RESULT = {
    "subset": TRUTH,
    "equal": TRUTH,
    "both": TRUTH,
    "either": TRUTH,
    "negate": TRUTH,
    "is": TRUTH,
    "at": TRUTH,
    "free": TRUTH,
}


def make(op: str, *args: Any) -> Expr:
    """Build a node, folding what is constant; raises DesignError when it mixes two atomic steps."""
    plain = simplified(op, args)
    if plain is not None:
        return plain
    parts = [a for a in args if isinstance(a, Expr)]
    steps = {a.when for a in parts} - {None}
    if len(steps) > 1:
        raise DesignError(STALE, here())
    sort = RESULT.get(op) or parts[-1].sort
    return node(op, args, sort, *steps)


def simplified(op: str, args: tuple[Any, ...]) -> Expr | None:
    """What `op(*args)` is where that is plain from the constants in it, else None."""
    found = simpler(op, args)
    return CONSTANTS[found] if isinstance(found, str) else found


_NOTHING = (
    "None: use NONE for the empty set. A call that only acts gives None as well: what pop() takes away is read before, "
    "as .head"
)


def lift(value: object) -> Expr:
    """A Python value as an expression; raises DesignError for what is neither pages nor a truth value."""
    if isinstance(value, Expr):
        return value
    if isinstance(value, bool):
        return TRUE if value else FALSE
    if complain := getattr(type(value), "complain", None):
        complain(value)
    what = _NOTHING if value is None else _shown(value)
    raise DesignError(f"a set of pages or a truth value is needed here, not {what}.", here())


def _shown(value: object) -> str:
    """A Python value as its owner would say it, never as an address in memory."""
    text = repr(value)
    if isinstance(value, type):
        return f"the word {value.__name__} itself"
    return f"a {type(value).__name__}" if " object at 0x" in text or " at 0x" in text else text[:80]


def sets_of_pages(symbol: str, *values: object) -> list[Expr]:
    """The values as expressions; raises DesignError for a truth value, which `symbol` does not work on."""
    lifted = [lift(v) for v in values]
    for value in lifted:
        if value.sort != PAGES:
            raise DesignError(f"`{symbol}` works on sets of pages, and {show(value)} is a truth value.", here())
    return lifted


def _join(on_pages: str, on_truth: str, left: Expr, right: object) -> Expr:
    other = lift(right)
    if left.sort != other.sort:
        raise DesignError(
            f"{show(left)} is {_kind(left)} and {show(other)} is {_kind(other)}; `|` and `&` take two of one kind.",
            here(),
        )
    return make(on_pages if left.sort == PAGES else on_truth, left, other)


def _kind(expr: Expr) -> str:
    return "a set of pages" if expr.sort == PAGES else "a truth value"
