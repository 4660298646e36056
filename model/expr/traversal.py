"""Going through an expression: its nodes, its index terms, and the same tree with some of them replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from model.expr.nodes import Expr, node, simplified
from model.expr.sorts import Index


def children(expr: Expr) -> Iterator[Expr]:
    """The direct sub-expressions."""
    return (a for a in expr.args if isinstance(a, Expr))


def walk(*roots: Expr) -> Iterator[Expr]:
    """Every node below the roots once, each after its children."""
    seen: set[int] = set()
    stack: list[Expr | None] = [*reversed(roots)]
    while stack:
        expr = stack.pop()
        if expr is None:  # all that is below the next one has been given
            yield stack.pop()  # type: ignore[misc]
        elif id(expr) not in seen:
            seen.add(id(expr))
            below = [a for a in expr.args if isinstance(a, Expr)]
            if below:
                stack += (expr, None, *below)
            else:
                yield expr


def rewrite(expr: Expr, leaf: Callable[[Expr], Expr | None], memo: dict[int, Expr] | None = None) -> Expr:
    """The same tree with each node replaced for which `leaf` returns one; `when` is dropped."""
    memo = {} if memo is None else memo
    for each in walk(expr):
        new = leaf(each)
        if new is None:
            args = tuple(memo[id(a)] if isinstance(a, Expr) else a for a in each.args)
            plain = simplified(each.op, args) if each.args else None
            new = plain if plain is not None else node(each.op, args, each.sort)
        memo[id(each)] = new
    return memo[id(expr)]


def replace_index(expr: Expr, old: Index, new: Index) -> Expr:
    """The same tree with one index term replaced wherever it stands free; keeps `when`."""
    if old not in indices(expr):
        return expr
    memo: dict[int, Expr] = {}
    for each in walk(expr):
        args = tuple(memo[id(a)] if isinstance(a, Expr) else new if a == old else a for a in each.args)
        plain = simplified(each.op, args) if each.args else None
        memo[id(each)] = plain if plain is not None else node(each.op, args, each.sort, each.when)
    return memo[id(expr)]


@lru_cache(maxsize=1 << 14)
def indices(expr: Expr) -> frozenset[Index]:
    """Every index term in the tree."""
    return frozenset(a for e in walk(expr) for a in e.args if isinstance(a, Index))


@lru_cache(maxsize=1 << 14)
def operators(expr: Expr) -> frozenset[str]:
    """Every operator in the tree."""
    return frozenset(e.op for e in walk(expr))
