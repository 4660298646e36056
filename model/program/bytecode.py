"""Lost lines of a function that has no source (made by `exec`, or typed at a prompt), as far as its bytecode shows.

What it cannot see: names that are assigned and never read, lines that are never reached, and whatever the compiler has
dropped itself. Chained comparisons, `match` and `assert` on the state end in the state's own refusal when they run.
"""

from __future__ import annotations

import ast
import dis
import inspect
import sys
from collections.abc import Callable, Iterator
from types import FunctionType

from model.program.slips import COMPARED, ELSE_MEANT, LOST, REFUSED, Slip

# instruction -> what is wrong with what was compiled to it
REFUSED_CODE = {
    "IS_OP": COMPARED[ast.Is],
    "POP_JUMP_FORWARD_IF_NONE": COMPARED[ast.Is],
    "POP_JUMP_FORWARD_IF_NOT_NONE": COMPARED[ast.IsNot],
    "POP_JUMP_IF_NONE": COMPARED[ast.Is],
    "POP_JUMP_IF_NOT_NONE": COMPARED[ast.IsNot],
    "CONTAINS_OP": COMPARED[ast.In],
    "STORE_GLOBAL": REFUSED[ast.Global],
    "GET_AWAITABLE": REFUSED[ast.Await],
    "CHECK_EXC_MATCH": REFUSED[ast.Try],
    "CHECK_EG_MATCH": REFUSED[ast.TryStar],
}
VALUES = ("BINARY_OP", "COMPARE_OP", "BINARY_SUBSCR", "LOAD_ATTR", "UNARY_NOT", "UNARY_INVERT", "BUILD_TUPLE")


def slips(function: FunctionType, named: Callable[[str], object]) -> Iterator[Slip]:
    """Every slip that the bytecode shows; `named` is what a global name or one of a function around it means."""
    code = list(dis.get_instructions(function.__code__))
    line = function.__code__.co_firstlineno
    names = [i.opname for i in code]
    for before, one, after in zip([None, *code], code, [*code[1:], None], strict=False):
        line = (one.positions.lineno if one.positions else None) or line
        if one.opname in REFUSED_CODE:
            yield Slip(REFUSED_CODE[one.opname], line)
        elif one.opname == "POP_TOP" and before is not None and before.opname in VALUES:
            yield Slip(LOST + ELSE_MEANT, line)
        elif one.opname.startswith("POP_JUMP_BACKWARD") or _jumps_back(one, code):
            yield Slip(REFUSED[ast.While], line)
        elif one.opname in ("LOAD_GLOBAL", "LOAD_DEREF") and after is not None:
            helper = named(str(one.argval))
            if inspect.isgeneratorfunction(helper) and not {"GET_YIELD_FROM_ITER", "GET_ITER"} & set(names):
                yield Slip(
                    f"{one.argval} has a yield, and nobody runs it here, so all of it is lost. "
                    f"Write `yield from {one.argval}(...)`.",
                    line,
                )
    handlers = names.count("PUSH_EXC_INFO") - names.count("WITH_EXCEPT_START") - names.count("CHECK_EXC_MATCH")
    own = inspect.isgeneratorfunction(function) and sys.version_info >= (3, 12)  # every generator has one from 3.12 on
    if handlers > own:
        yield Slip(REFUSED[ast.Try], function.__code__.co_firstlineno)


def _jumps_back(one: dis.Instruction, code: list[dis.Instruction]) -> bool:
    """A jump back that is not a `for` loop's."""
    if one.opname != "JUMP_BACKWARD":
        return False
    target = next((i for i in code if i.offset == one.argval), None)
    return target is not None and target.opname not in ("FOR_ITER", "SEND")
