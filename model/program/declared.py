"""What a design declares, checked before any of its operations is run."""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any
from weakref import WeakKeyDictionary

from model.errors import DesignError, Place, shown_path
from model.expr import Operation, Part, Queue, Sort
from model.program.proxies import STATE_OWN
from model.program.store_buffer import refuse_memory

DEFINES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def place_of_class(design: type) -> Place | None:
    """The line where the design begins."""
    begin = _begin(design)
    return Place(shown_path(begin[0]), begin[1]) if begin else None


def _begin(design: type) -> tuple[str, int] | None:
    """File and line. Looking for the line reads the whole file, so it is kept for as long as its text is the same."""
    try:
        file = inspect.getsourcefile(design) or ""
        linecache.checkcache(file)
        text = "".join(linecache.getlines(file))
        if _known.get(design, ("", 0))[0] != text or not text:
            _known[design] = text, inspect.getsourcelines(design)[1]
        return file, _known[design][1]
    except (OSError, TypeError):
        return None


_known: WeakKeyDictionary[type, tuple[str, int]] = WeakKeyDictionary()


def declared(design: type, name: str) -> Place | None:
    """The line of the design, or of the base class that has it, where `name = ...` stands; else where it begins."""
    owner = next((c for c in design.__mro__ if name in vars(c)), design)
    begin = place_of_class(owner)
    found = [line for line in _body(owner) if name in _assigned(line)]
    return Place(begin.file, found[-1].lineno) if begin and found else begin


def _body(owner: type) -> Sequence[ast.stmt]:
    """The lines of a class, or none where its source cannot be read."""
    if (begin := _begin(owner)) is None:
        return ()
    file, line = begin
    return _bodies("".join(linecache.getlines(file))).get(line, ())


@lru_cache(maxsize=64)
def _bodies(text: str) -> dict[int, Sequence[ast.stmt]]:
    """The lines of each class of a file, by the line where the class or one of its decorators begins."""
    trees = [t for t in ast.walk(ast.parse(text)) if isinstance(t, ast.ClassDef)]
    lines = [(line, t.body) for t in trees for line in (t.lineno, *(d.lineno for d in t.decorator_list))]
    return dict(reversed(lines))  # of two in one line the first


def refuse_twice(design: type) -> None:
    """Refuse a part or an operation that the class itself defines twice: Python keeps the last one only."""
    if twice := defined_twice(_body(design)):
        place = place_of_class(design)
        name, first, again = twice
        raise DesignError(
            f"{design.__name__}.{name} is defined twice, and the first one, in line {first}, is lost; give one of them "
            f"another name, or take it away.",
            Place(place.file, again) if place else None,
        )


def defined_twice(body: Sequence[ast.stmt], *, variables: bool = True) -> tuple[str, int, int] | None:
    """(name, first line, second line) of what is defined twice: functions, classes and, with `variables`, names."""
    known: dict[str, int] = {}
    for line in body:
        names = [line.name] if isinstance(line, DEFINES) else _assigned(line) if variables else []
        for name in names:
            if name in known and name != "_":
                return name, known[name], line.lineno
            known[name] = line.lineno
    return None


def _assigned(line: ast.stmt) -> Iterator[str]:
    if isinstance(line, ast.FunctionDef):
        yield line.name
    targets = line.targets if isinstance(line, ast.Assign) else [line.target] if isinstance(line, ast.AnnAssign) else []
    yield from (t.id for t in targets if isinstance(t, ast.Name))


def well_declared(design: type, part: Part, place: Place | None) -> None:
    """Refuse a part that says too little, or what has no meaning."""

    def refuse(message: str) -> None:
        raise DesignError(f"{design.__name__}.{part.name}: {message}", declared(design, part.name))

    if not part.doc or not isinstance(part.doc, str):
        refuse('say in a string which field of the real program it is: Pages("...").')
    if part.per is not None and not isinstance(part.per, Sort):
        refuse(f"per={part.per!r} is no index sort; write per=Client, without quotes.")
    if part.name in STATE_OWN or part.name.startswith("_"):
        refuse(f"s.{part.name} is the language's own and cannot be a part; give it another name.")
    if isinstance(part, Queue):
        part.length = _length(part.length)
        if part.length < 1:
            refuse('a queue holds a whole number of entries, at least 1: Queue("...", length=2).')
    refuse_memory(design.__name__, part, place)


def _length(given: Any) -> int:
    """A queue's length as an int, NumPy's included; 0 for what is none."""
    try:
        return 0 if isinstance(given, bool) else int(given.__index__())
    except (AttributeError, TypeError):
        return 0


def refuse_no_parts(design: type) -> None:
    """Refuse attributes of the class that look like state and are none: no engine would see them change."""
    for owner in design.__mro__[:-1]:
        for name, value in vars(owner).items():
            if name.startswith("__"):
                continue
            if isinstance(value, type) and issubclass(value, Part):
                message = f'it is the word {value.__name__} itself and declares nothing; write {value.__name__}("...").'
            elif isinstance(value, set | list | dict | bytearray):
                message = (
                    f'it is a Python {type(value).__name__}, which no engine sees. State is declared: Pages("..."), '
                    f'Flag("..."), Lock("..."), Queue("..."). A constant stands outside the class.'
                )
            elif isinstance(value, staticmethod | classmethod | property) and _behind(value):
                message = (
                    f"@{type(value).__name__} hides an operation, which would never run; write @operation alone, "
                    f"in front of a plain def."
                )
            else:
                continue
            raise DesignError(f"{design.__name__}.{name}: {message}", declared(design, name))


def _behind(value: Any) -> bool:
    """A decorator stands in front of an @operation."""
    return isinstance(getattr(value, "__func__", getattr(value, "fget", None)), Operation)


def refuse_forgotten(design: type, operations: Mapping[str, Operation]) -> None:
    """Refuse a method of the design itself that is no operation and that no operation calls: it would never run."""
    own = {n: f for n, f in map(_method, vars(design).items()) if f is not None and not n.startswith("__")}
    called = {name for o in operations.values() for name in _names(o.function.__code__)}
    while more := {n for name in called & set(own) for n in _names(own[name].__code__)} - called:
        called |= more
    for name, function in own.items():
        if name not in called:
            code = function.__code__
            raise DesignError(
                f"{design.__name__}.{name} is no operation and no operation calls it, so it would never run; "
                f"write @operation in front of it, or remove it.",
                Place(shown_path(code.co_filename), code.co_firstlineno),
            )


def _method(item: tuple[str, Any]) -> tuple[str, Any]:
    name, value = item
    function = getattr(value, "__func__", value) if isinstance(value, staticmethod | classmethod) else value
    return name, function if inspect.isfunction(function) else None


def _names(code: CodeType) -> set[str]:
    """Names that a function and the lambdas in it look up."""
    return {*code.co_names, *(n for c in code.co_consts if isinstance(c, CodeType) for n in _names(c))}
