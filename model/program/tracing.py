"""Runs an operation once, with a symbolic state and thread."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import CodeType, FrameType, GeneratorType
from typing import Any

from model.errors import DesignError, Place, focus, place_of, shown_path
from model.expr import Operation, Pages, Part, Sort, recorders
from model.program import source
from model.program.builder import ENDLESS, Recorder
from model.program.deadline import TooLong, within
from model.program.lowering import argument_of
from model.program.proxies import Me, StateView
from model.program.slips import RETURNED
from model.program.step import Param


class Page:
    """Annotation of a parameter: exactly one page."""


class SomePages:
    """Annotation of a parameter: a non-empty set of pages (what a parameter is unless it says otherwise)."""


class AnyPages:
    """Annotation of a parameter: a set of pages that may be empty."""


SECONDS = 10.0  # to record one operation, which takes milliseconds
KINDS = {Page: "page", SomePages: "some", AnyPages: "any", bool: "truth", Pages: "some"}


def parameters(operation: Operation, sorts: Mapping[str, Sort], error: Callable[..., DesignError]) -> list[Param]:
    """The parameters after `s` and `me`, with the kind that their annotation or their name gives them."""
    try:
        signature = inspect.signature(operation.function, eval_str=True)
    except NameError as unknown:
        raise error(f"an annotation of a parameter is unknown: {unknown}.") from None
    names = list(signature.parameters.values())
    if len(names) < 2 or names[1].name != "me":
        raise error("an operation takes the state and the thread, which is called me, first: def sync(s, me): ...")
    found = []
    for name in names[2:]:
        if name.kind in (name.VAR_POSITIONAL, name.VAR_KEYWORD) or name.default is not name.empty:
            raise error(f"parameter {name.name}: an operation has plain parameters only, which the checker chooses.")
        found.append(_param(name, sorts, error))
    return found


def _param(name: inspect.Parameter, sorts: Mapping[str, Sort], error: Callable[..., DesignError]) -> Param:
    hint = name.annotation
    if isinstance(hint, Sort):
        return Param(name.name, "index", hint.name)
    if hint in KINDS:
        return Param(name.name, KINDS[hint])
    if hint is not name.empty:
        raise error(f"parameter {name.name}: annotate it with Page, SomePages, AnyPages, bool or an index sort.")
    by_name = {s.name.lower(): s.name for s in sorts.values()}
    if name.name in by_name:
        return Param(name.name, "index", by_name[name.name])
    return Param(name.name, "page" if name.name == "page" else "some")


def record_operation(
    owner: str, name: str, operation: Operation, parts: Mapping[str, Part], sorts: Mapping[str, Sort], split_locks: bool
) -> Recorder:
    """Run the operation once; the recorder that comes back holds its steps.

    Raises:
        DesignError: the operation breaks a rule of the language; the message names file and line.
    """
    recorder = Recorder(owner, parts, name, operation.by, split_locks)
    code = operation.function.__code__
    start = Place(shown_path(code.co_filename), code.co_firstlineno)

    def error(message: str) -> DesignError:
        return recorder.error(message, start)

    params = parameters(operation, sorts, error)
    _no_rebinding(operation, [p.name for p in params], recorder)
    recorder.complete = source.read(operation.function, recorder.error)
    recorder.params = {p.name: p for p in params}
    given = {p.name: argument_of(p) for p in params}
    recorders.append(recorder)
    focus.append(code.co_filename)
    try:
        with within(SECONDS):
            _run(operation, recorder, given, start)
    except DesignError as wrong:
        raise _named(wrong, recorder) from None
    except TooLong as wrong:
        place = last_place(wrong) or start
        raise recorder.error(f"it was still being recorded after {SECONDS:.0f} seconds. {ENDLESS}", place) from None
    except (Exception, SystemExit) as wrong:
        raise recorder.error(of_python(wrong), last_place(wrong) or start) from wrong
    finally:
        recorders.pop()
        focus.pop()
    return recorder


def _run(operation: Operation, recorder: Recorder, given: Mapping[str, object], start: Place) -> None:
    body = operation.function(StateView(recorder), Me(recorder), **given)
    if inspect.isgenerator(body):
        body = _drive(body, recorder, start)
    if body is not None:
        raise recorder.error(RETURNED, start)
    recorder.finish(start)


def _drive(body: GeneratorType[object, Any, object], recorder: Recorder, start: Place) -> object:
    """Run a generator to its end, a step at a time; what it returns."""
    while True:
        try:
            label = next(body)
        except StopIteration as ended:
            return ended.value
        frame: FrameType | None = body.gi_frame
        recorder.cut(label, place_of(frame) if frame else start)


def of_python(wrong: BaseException) -> str:
    """What a mistake of Python in a user's file is called."""
    if isinstance(wrong, SystemExit):
        return "it leaves Python (sys.exit, quit or exit), so nothing could be checked; take that line away."
    return f"{type(wrong).__name__}: {wrong}"


def _no_rebinding(operation: Operation, names: list[str], recorder: Recorder) -> None:
    code = operation.function.__code__
    for name, line in _stores(code):
        if name in names:
            raise recorder.error(
                f"{name} is a parameter: it is chosen once, when the operation starts, and cannot be "
                f"assigned. Keep the new value in a register of another name, me.kept_{name} = ...",
                Place(shown_path(code.co_filename), line),
            )


@lru_cache(maxsize=1024)
def _stores(code: CodeType) -> list[tuple[str, int]]:
    """Every local name that the function assigns, with the line."""
    line, found = code.co_firstlineno, []
    for instruction in dis.get_instructions(code):
        line = getattr(instruction, "line_number", instruction.starts_line) or line  # line_number: Python 3.13
        if instruction.opname.startswith(("STORE_FAST", "STORE_DEREF")):
            found.append((instruction.argval, int(line)))
    return found


def _named(wrong: DesignError, recorder: Recorder) -> DesignError:
    if wrong.message.startswith(recorder.owner):
        return wrong
    return DesignError(f"{recorder.owner}.{recorder.operation}: {wrong.message}", wrong.place)


def last_place(wrong: BaseException) -> Place | None:
    """The innermost line of an exception that is the user's."""
    trace, found = wrong.__traceback__, None
    while trace:
        file = trace.tb_frame.f_code.co_filename
        if source.is_users(file):
            found = place_of(trace.tb_frame, trace.tb_lasti)
        trace = trace.tb_next
    return found
