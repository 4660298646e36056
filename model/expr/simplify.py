"""What is plain from the constants in an expression, before it is built.

It speaks of constants by their names, "none", "all", "true" and "false", and so needs no node to say what comes out.
"""

from __future__ import annotations

from typing import Any

UNITS = {  # the constant that changes nothing, and the one that decides
    "both": ("true", "false"),
    "either": ("false", "true"),
    "union": ("none", "all"),
    "meet": ("all", "none"),
}


def simpler(op: str, args: tuple[Any, ...]) -> Any:
    """What `op(*args)` is where that is plain: one of the arguments, or the name of a constant; else None."""
    a, b = (*args, None, None)[:2]
    match op:
        case "negate" if a.op in ("true", "false"):
            return "false" if a.op == "true" else "true"
        case "negate" if a.op == "negate":
            return a.args[0]
        case "both" | "either" | "union" | "meet":
            unit, zero = UNITS[op]
            if zero in (a.op, b.op):
                return zero
            if a.op == unit or a is b:
                return b
            if b.op == unit:
                return a
        case "minus":
            if a.op == "none" or b.op == "all" or a is b:
                return "none"
            if b.op == "none":
                return a
        case "subset" if a is b or a.op == "none" or b.op == "all":
            return "true"
        case "equal" if a is b:
            return "true"
        case "spread" | "shift" if a.op == "none":
            return "none"
        case "spread" if a.op == "all" or b == 1:
            return a
        case "shift" if b == 0:
            return a
        case "choose":
            if a.op in ("true", "false"):
                return args[1] if a.op == "true" else args[2]
            if args[1] is args[2]:
                return args[1]
        case "is":
            if a == b:
                return "true"
            if a.kind == b.kind == "const":
                return "false"
    return None
