"""The source of an operation and of the helpers that it calls, found and read before any of it is run.

Recording sees only what reaches the state. A line that is lost on the way (a value that is thrown away, a generator
that nobody drives, a refusal that `except` swallows) would leave a smaller program than the one that was written, and
that one might be proved. So each function is read first.
"""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
import linecache
import sysconfig
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from model.errors import DesignError, Place, is_ours, place
from model.expr import Operation
from model.program import bytecode
from model.program.slips import Callee, Function, Reading, Slip

STANDARD = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
UNREAD = "its source cannot be read, so it was checked for lost lines by its bytecode alone"


def read(function: Callable[..., Any], error: Callable[[str, Place], DesignError], *, operation: bool = True) -> bool:
    """Refuse what recording would lose without a word, in the function and in every helper that it calls.

    Args:
        function: an operation, or what a property says.
        error: makes the refusal from the message and the place.
        operation: it acts, so nobody takes what it returns.

    Returns:
        False where some of it has no source and only its bytecode was read.

    Raises:
        DesignError: the first slip, with file, line and columns.
    """
    first = underlying(function)
    waiting, seen, complete = [first] if first else [], set[CodeType](), True
    while waiting:
        one = waiting.pop()
        if one.__code__ in seen:
            continue
        seen.add(one.__code__)
        found = reading_of(one.__code__)
        complete &= found is not None
        if found is None:
            _refuse_first(bytecode.slips(one, partial(named, one)), one, error)
        else:
            acts = operation and one is first
            _refuse_first(found.slips(partial(_resolve, one), acts=acts), one, error)
        waiting += [f for f in map(underlying, helpers(one)) if f and f is not first]
    return complete


def _refuse_first(found: Iterator[Slip], function: FunctionType, error: Callable[[str, Place], DesignError]) -> None:
    file = function.__code__.co_filename
    for slip in found:
        raise error(slip.message, place(file, slip.line, slip.start, slip.end))


def underlying(value: object) -> FunctionType | None:
    """The user's function behind a callable, or None where there is none to read."""
    while isinstance(value, Operation | MethodType | staticmethod | classmethod | partial):
        value = (
            value.function
            if isinstance(value, Operation)
            else value.func
            if isinstance(value, partial)
            else value.__func__
        )
    if not isinstance(value, FunctionType):
        return None
    return value if is_users(value.__code__.co_filename) else None


def is_users(file: str) -> bool:
    """The file is neither the language's nor Python's nor that of an installed package."""
    return not (is_ours(file) or file.startswith((*STANDARD, "<frozen")))


def helpers(function: FunctionType) -> list[object]:
    """What the function may call: globals, variables of the functions around it, attributes of classes and modules."""
    words, attributes = loaded(function.__code__)
    known = [named(function, word) for word in words]
    inside = [getattr(v, name, None) for v in known if isinstance(v, type | ModuleType) for name in attributes]
    return [f for f in (*known, *inside) if underlying(f)]


@lru_cache(maxsize=1024)
def loaded(code: CodeType) -> tuple[list[str], list[str]]:
    """Names that a function and those in it look up outside themselves, and names of attributes."""
    own = list(dis.get_instructions(code))
    words = [str(i.argval) for i in own if i.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF")]
    attributes = [str(i.argval) for i in own if i.opname in ("LOAD_ATTR", "LOAD_METHOD")]
    for inner in (c for c in code.co_consts if isinstance(c, CodeType)):
        more = loaded(inner)
        words, attributes = words + more[0], attributes + more[1]
    return words, attributes


def named(function: FunctionType, name: str) -> object:
    """What a name means to the function, or None."""
    if name in function.__code__.co_freevars:
        cell = (function.__closure__ or ())[function.__code__.co_freevars.index(name)]
        try:
            return cell.cell_contents
        except ValueError:
            return None
    return function.__globals__.get(name, getattr(builtins, name, None))


def _resolve(function: FunctionType, called: ast.expr) -> Callee | None:
    """What is called, where that can be told without running anything."""
    value = _value(function, called)
    target = underlying(value)
    if target is not None:
        found = reading_of(target.__code__)
        gives = bool(found and found.gives)
        return Callee(target.__name__, generator=inspect.isgeneratorfunction(target), gives=gives)
    if isinstance(value, FunctionType) and is_ours(value.__code__.co_filename):
        return Callee(value.__name__, gives=value.__annotations__.get("return") not in (None, "None"))
    return None


def _value(function: FunctionType, expr: ast.expr) -> object:
    if isinstance(expr, ast.Name):
        return None if expr.id in function.__code__.co_varnames else named(function, expr.id)
    if isinstance(expr, ast.Attribute):
        base = _value(function, expr.value)
        return getattr(base, expr.attr, None) if isinstance(base, type | ModuleType) else None
    return None


def reading_of(code: CodeType) -> Reading | None:
    """What the function with this code says, or None where its file cannot be read or has changed."""
    linecache.checkcache(code.co_filename)
    return _reading("".join(linecache.getlines(code.co_filename)), code)


@lru_cache(maxsize=1024)  # a design is recorded many times, and its text is the same each time
def _reading(text: str, code: CodeType) -> Reading | None:
    trees = _functions(text).get((code.co_name, code.co_firstlineno), [])
    found = [t for t in trees if _arguments(t) == _parameters(code)]
    return Reading.of(found[0]) if len(found) == 1 else None


def _arguments(tree: Function) -> list[str]:
    given = tree.args
    extra = [a for a in (given.vararg, given.kwarg) if a]
    return [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs, *extra)]


def _parameters(code: CodeType) -> list[str]:
    extra = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + extra])


@lru_cache(maxsize=16)
def _functions(text: str) -> dict[tuple[str, int], list[Function]]:
    """(name, first line as a code object has it) -> the functions of a file."""
    found: dict[tuple[str, int], list[Function]] = {}
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return found
    for one in ast.walk(tree):
        if isinstance(one, ast.Lambda):
            found.setdefault(("<lambda>", one.lineno), []).append(one)
        elif isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([one.lineno, *(d.lineno for d in one.decorator_list)])
            found.setdefault((one.name, first), []).append(one)
    return found
