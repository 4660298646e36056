"""The moves of an instance as one generated Python function: the same steps, folded into text and compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod

from model.expr import TRUTH, Expr, operators
from model.expr.algebra import fold, python_source
from model.expr.generated import expression, function
from model.expr.names import word
from model.instance.ground_step import GroundStep
from model.instance.state import Position, State
from model.program.step import Param

Successors = Callable[[State], Iterator[tuple[int, State]]]


def predicate(expr: Expr, pages: int, position: Position) -> Callable[[State], bool]:
    """A ground truth value as a function of a state `s`."""
    text = fold(expr, python_source(pages), lambda e: source_leaf(e, position))
    made: Callable[[State], bool] = expression(f"lambda s: {text}")
    return made


def source_leaf(e: Expr, position: Position) -> str | None:
    """A leaf as Python text over a state `s` and parameters `p_...`."""
    if e.op == "field":
        return f"s[{position[e.args]}]"
    if e.op == "located":
        codes, place = sorted(e.args[2]), f"s[{position[e.args[:2]]}]"
        return f"({place} == {codes[0]})" if len(codes) == 1 else f"({place} in {tuple(codes)})"
    if e.op == "place":
        return str(e.args[0])
    return word("p", e.args[0]) if e.op == "param" else None


def compiled(
    steps: Sequence[GroundStep], choices: Callable[[Param], Sequence[int]], pages: int, position: Position
) -> Successors:
    """One generator function with a branch a ground step; parameters are loops over their choices."""
    lines, number = ["def successors(s):"], 0
    for ground in steps:
        loops = {p.name: tuple(choices(p)) for p in ground.params}
        lines += [f"    {line}" for line in _branch(ground, number, loops, pages, position)]
        number += prod(len(values) for values in loops.values())
    lines.append("    return\n    yield")
    made: Successors = function(lines, "successors")
    return made


def _branch(
    ground: GroundStep, number: int, loops: Mapping[str, tuple[int, ...]], pages: int, position: Position
) -> Iterator[str]:
    """The moves of one ground step, the first of which has this number; a guard is asked as early as it can be."""
    table = python_source(pages)

    def text(expr: Expr) -> str:
        return str(fold(expr, table, lambda e: source_leaf(e, position)))

    here = [text(g) for g in ground.guards if not _mentions_param(g)]
    rest = [text(g) for g in ground.guards if _mentions_param(g)]
    new = {i: f"int({text(v)})" if v.sort == TRUTH else text(v) for i, v in ground.updates}
    values = [new.get(i, f"s[{i}]") for i in range(len(position))]
    yield f"if {' and '.join(here) or 'True'}:"
    yield f"    n = {number}"
    indent = "    "
    for name, among in loops.items():
        yield f"{indent}for {word('p', name)} in {among}:"
        indent += "    "
    if rest:
        yield f"{indent}if {' and '.join(rest)}:"
    yield f"{indent}{'    ' if rest else ''}yield n, ({', '.join(values)},)"
    yield f"{indent}n += 1"


def _mentions_param(expr: Expr) -> bool:
    return "param" in operators(expr)
