"""Counterexamples that were written as JSON or ITF, read back and run again on the plain-integer interpreter.

A file is data from outside: every word of it is checked against the design before it is used.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.designs.catalogue import find_property
from model.designs.environment import load_in
from model.errors import ModelError
from model.instance.instance import Instance, Move
from model.instance.problem import Problem
from model.instance.sizes import used_sorts
from model.instance.state import State
from model.instance.trace import ReplayError, Trace, replayed
from model.program.design import Design, record
from model.program.program import Program
from model.program.store_buffer import SIZE
from model.verify.wording import members


class OtherDesign(ModelError):
    """A trace was saved for another definition of the design than the one that is here now."""


class NotATrace(ModelError):
    """A file is not a saved counterexample, or its moves are not possible."""


@dataclass(frozen=True)
class SavedMove:
    """One move as a file names it: no number, for numbers change with the design's text."""

    operation: str
    step: str
    thread: str
    arguments: Mapping[str, object]


@dataclass(frozen=True)
class Saved:
    """A counterexample as a file tells it; nothing of it has been checked yet.

    Attributes:
        design: what `python -m model.check` calls it.
        digest: SHA-256 of the design's meaning when the trace was written.
        sizes: {"Client": 2}.
    """

    design: str
    digest: str
    property: str
    pages: int
    sizes: Mapping[str, int]
    moves: tuple[SavedMove, ...]
    environment: str = "none"


def load_trace(source: Path | str) -> Saved:
    """The first counterexample in a file, or in the text of one, of `--format json` or `--format itf`.

    Raises:
        NotATrace: it cannot be read, is neither format, or has no counterexample.
    """
    return next(load_traces(source))


def load_traces(source: Path | str) -> Iterator[Saved]:
    """Every counterexample in a file, or in the text of one; at least one.

    Raises:
        NotATrace: as for `load_trace`.
    """
    try:
        document = json.loads(_text(source))
        found = [*_read(document)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as wrong:
        detail = f"{type(wrong).__name__}: {wrong}"
        raise NotATrace(f"{_name(source)} is not what --format json or --format itf writes ({detail}).") from None
    if not found:
        raise NotATrace(f"{_name(source)} has no counterexample: nothing in it was refuted.")
    yield from found


def replay(saved: Saved, design: type[Design] | None = None) -> Trace:
    """The saved moves, run again.

    Args:
        design: the design; by default the one that `saved.design` names.

    Raises:
        OtherDesign: the design has another digest than the one that was saved.
        NotATrace: a move does not exist or is not possible there, or the last state violates nothing.
        UsageError: there is no such design or property, or a size does not fit.
    """
    design = design or load_in(saved.design, saved.environment)
    program = record(design, buffer=saved.sizes.get(SIZE, saved.sizes.get("buffers")))
    if program.digest != saved.digest:
        raise OtherDesign(
            f"this trace was written for a {saved.design} with digest {saved.digest[:12]}, and the one that is here "
            f"has {program.digest[:12]}: the design has changed. Check it again with python -m model.check."
        )
    property = find_property(saved.property, design)
    asked = Problem.of(program, property)
    instance, rule = asked.at(saved.pages, _sizes(saved, asked.program)).instance, asked.invariant
    moves, states = _run(saved, instance)
    violated = [k for k, case in instance.cases(rule) if not instance.value(case, states[-1])]
    if not violated:
        raise NotATrace(f"after its {len(moves)} moves this trace of {saved.design} violates no {saved.property}.")
    try:
        return replayed(Trace(instance, moves, states, rule, violated[0]))
    except ReplayError as wrong:
        raise NotATrace(f"this trace of {saved.design} does not run: {wrong}.") from None


# ---------------------------------------------------------------- from a file


def _text(source: Path | str) -> str:
    if isinstance(source, str) and source.lstrip().startswith("{"):
        return source
    try:
        return Path(source).read_text(encoding="utf-8")
    except OSError as wrong:
        raise NotATrace(f"cannot read {source}: {wrong.strerror}.") from None


def _name(source: Path | str) -> str:
    return "this text" if isinstance(source, str) and source.lstrip().startswith("{") else str(source)


def _read(document: Mapping[str, Any]) -> Iterator[Saved]:
    if "results" in document:
        yield from (_from_json(r) for r in document["results"] if r["trace"])
    elif document["states"]:
        yield _from_itf(document)


def _from_json(result: Mapping[str, Any]) -> Saved:
    trace = result["trace"]
    sizes = {k: _count(v) for k, v in trace.items() if isinstance(v, int) and not isinstance(v, bool) and k != "pages"}
    moves = [SavedMove(str(m["operation"]), str(m["step"]), str(m["thread"]), m["arguments"]) for m in trace["moves"]]
    return _saved(result, _count(trace["pages"]), sizes, moves)


def _from_itf(document: Mapping[str, Any]) -> Saved:
    about, states = document["#meta"], [s["#meta"] for s in document["states"][1:]]
    threads = [f"{m['sort']} {_count(m['thread'], 0)}" for m in states]
    moves = [
        SavedMove(str(m["operation"]), str(m["step"]), thread, m["arguments"])
        for m, thread in zip(states, threads, strict=True)
    ]
    sizes = {str(k): _count(v) for k, v in about["sizes"].items()}
    return _saved(about, _count(about["pages"]), sizes, moves)


def _saved(about: Mapping[str, Any], pages: int, sizes: dict[str, int], moves: list[SavedMove]) -> Saved:
    where = str(about.get("environment", "none"))
    return Saved(str(about["design"]), str(about["digest"]), str(about["property"]), pages, sizes, tuple(moves), where)


def _count(value: object, least: int = 1) -> int:
    """A whole number of a reasonable size."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 1_000:
        raise ValueError(f"{value!r} is no size")
    return value


# ---------------------------------------------------------------- against the design


def _sizes(saved: Saved, program: Program) -> dict[str, int]:
    """The sizes by index sort: JSON says `clients`, ITF says `Client`."""
    used = [s for s in used_sorts(program) if program.sorts[s].size is None]
    names = {s: s for s in used} | {f"{s.lower()}s": s for s in used}
    return {names[k]: n for k, n in saved.sizes.items() if k in names}


def _run(saved: Saved, instance: Instance) -> tuple[tuple[Move, ...], tuple[State, ...]]:
    moves, states = [], [instance.initial]
    for number, wanted in enumerate(saved.moves, 1):
        possible = [m for m in instance.moves if _is(instance, m, wanted) and instance.enabled(m, states[-1])]
        if not possible:
            what = f"{wanted.operation}.{wanted.step} by {wanted.thread}"
            raise NotATrace(f"move {number} of this trace of {saved.design}, {what[:200]!r}, is not possible there.")
        moves.append(possible[0])
        states.append(instance.apply(possible[0], states[-1]))
    return tuple(moves), tuple(states)


def _is(instance: Instance, move: Move, wanted: SavedMove) -> bool:
    step, ground = move.ground.step, move.ground
    called = instance.program.sorts[ground.sort].call(ground.thread).removeprefix("the ")
    return (
        (step.operation, step.name or step.operation) == (wanted.operation, wanted.step)
        and wanted.thread in (called, f"{ground.sort} {ground.thread}")
        and _arguments(instance, move) == wanted.arguments
    )


def _arguments(instance: Instance, move: Move) -> dict[str, object]:
    """The arguments as both formats write them: names of elements, truth values, lists of pages."""
    found: dict[str, object] = {n: members(v) for n, v in move.arguments.items()}
    for param in move.ground.step.params:
        if param.name in move.ground.indices:
            value = move.ground.indices[param.name]
            found[param.name] = instance.program.sorts[param.sort].call(value) if param.kind == "index" else bool(value)
    return found
