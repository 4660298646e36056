"""Expressions with every index a number: no quantifiers, no terms such as `me`, no `whole` and no `shifted`.

What is left is a fold with one table for each finite reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from model.expr import ALL, FALSE, NONE, PAGES, TRUE, TRUTH, Expr, Index, lift, make, node, operators, rewrite, walk
from model.instance.locations import Places
from model.program.step import Held

QUANTIFIERS = {  # what joins the cases, and what there is without any
    ("for_all", PAGES): ("meet", ALL),
    ("for_all", TRUTH): ("both", TRUE),
    ("exists", PAGES): ("union", NONE),
    ("exists", TRUTH): ("either", FALSE),
}

Env = Mapping[Index, int]


def grounded(expr: Expr, env: Env, places: Places, pages: int) -> Expr:
    """`expr` with every index a number, quantifiers written out, and leaves `field`, `located` and `param`."""

    def leaf(e: Expr) -> Expr | None:
        match e.op:
            case "var":
                return node("field", (e.args[0], number_of(e.args[1], env)), e.sort)
            case "is":
                return TRUE if number_of(e.args[0], env) == number_of(e.args[1], env) else FALSE
            case "at":
                return places.located(e.args[0].sort, number_of(e.args[0], env) or 0, e.args[1])
            case "free":
                return places.free(Held(e.args[0], e.args[1]), number_of(e.args[1], env))
            case "param" if Index("param", "", e.args[0]) in env:
                return lift(bool(env[Index("param", "", e.args[0])]))
        return None

    return _spelled(rewrite(_unquantified(expr, env, places, pages), leaf), pages)


def number_of(index: Index | None, env: Env) -> int | None:
    """The element that an index term names; None where it names none."""
    if index is None:
        return None
    return index.number if index.kind == "const" else env[index]


def these(bits: int) -> Expr:
    """The set of exactly these pages."""
    return node("these", (bits,), PAGES)


def _unquantified(expr: Expr, env: Env, places: Places, pages: int) -> Expr:
    """Write out `for_all` and `exists`, outermost first."""
    if operators(expr).isdisjoint(("for_all", "exists")):
        return expr

    def spell(e: Expr) -> Expr:
        if e.op not in ("for_all", "exists"):
            args = tuple(spell(a) if isinstance(a, Expr) else a for a in e.args)
            return make(e.op, *args) if e.args and e.op not in ("var", "param", "at", "is", "free") else e
        bound, inside = e.args
        operator, joined = QUANTIFIERS[e.op, e.sort]
        for k in range(places.sizes.get(bound.sort, 0)):
            joined = make(operator, joined, grounded(inside, {**env, bound: k}, places, pages))
        return joined

    return spell(expr)


def _spelled(expr: Expr, pages: int) -> Expr:
    """`whole` and `shifted` written out page by page, so that no reader needs to know them."""
    if operators(expr).isdisjoint(("spread", "shift")):
        return expr
    memo: dict[int, Expr] = {}
    for each in walk(expr):
        args: list[Any] = [memo[id(a)] if isinstance(a, Expr) else a for a in each.args]
        if each.op in ("spread", "shift"):
            memo[id(each)] = _page_by_page(each.op, args[0], args[1], pages)
        else:
            leaf = not any(isinstance(a, Expr) for a in each.args)
            memo[id(each)] = each if leaf else make(each.op, *args)
    return memo[id(expr)]


def _page_by_page(op: str, moved: Expr, number: int, pages: int) -> Expr:
    """The union of what each group, or each page, of `moved` contributes."""
    size, full = number if op == "spread" else 1, (1 << pages) - 1
    result: Expr = NONE
    for first in range(0, pages, size):
        group = ((1 << size) - 1) << first & full
        gives = group if op == "spread" else (group << number if number >= 0 else group >> -number) & full
        if gives:
            meets = make("negate", make("subset", make("meet", moved, these(group)), NONE))
            result = make("union", result, make("choose", meets, these(gives), NONE))
    return result
