"""An expression as text: the words of the design language again."""

from __future__ import annotations

from model.expr.registers import is_register
from model.expr.tree import Node

INFIX = {"union": "|", "meet": "&", "minus": "-", "subset": "<=", "equal": "==", "both": "&", "either": "|"}


def show(expr: Node) -> str:
    """The expression in the words of the design language."""
    match expr.op:
        case "var" | "field":
            name, index = expr.args
            return name if index is None else name if is_register(name) else f"{name}[{index}]"
        case "param":
            return str(expr.args[0])
        case "negate":
            return f"~{_inner(expr.args[0])}"
        case "spread" | "shift":
            return f"{'whole' if expr.op == 'spread' else 'shifted'}({show(expr.args[0])}, {expr.args[1]})"
        case "choose":
            return f"choose({', '.join(show(a) for a in expr.args)})"
        case "hole":
            return f"hole({', '.join([repr(expr.args[0]), *map(show, expr.args[1:])])})"
        case "for_all" | "exists":
            bound, inside = expr.args
            return f"{'every' if expr.op == 'for_all' else 'some'} {bound.sort.lower()} {bound}: {_inner(inside)}"
        case "is":
            return f"{expr.args[0]} == {expr.args[1]}"
        case "free":
            return f"{expr.args[0]} is free" if expr.args[1] is None else f"{expr.args[0]}[{expr.args[1]}] is free"
        case "at":
            where = expr.args[-1]
            return f"{expr.args[0]} is idle" if where == frozenset({0}) else f"{expr.args[0]} is at {sorted(where)}"
        case op if op in INFIX:
            return f"{_inner(expr.args[0])} {INFIX[op]} {_inner(expr.args[1])}"
        case op:
            return op.upper()


def _inner(expr: Node) -> str:
    text = show(expr)
    return f"({text})" if expr.op in INFIX or expr.op in ("for_all", "exists", "is") else text
