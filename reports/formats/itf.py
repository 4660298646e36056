"""Apalache's ITF: the counterexample as JSON, a state a move, for the ITF trace viewer and itf-py.

A state's `#meta` names the move that led to it, and the trace's `#meta` the design with its digest and the sizes, so
that `model.verify.trace_file` can read the moves back and run them again.

Source: apalache-mc.org/docs/adr/015adr-trace.html.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from model.expr import PAGES, PLACE
from model.instance.instance import Instance
from model.instance.state import Field
from model.instance.trace import Trace
from model.verify.again import spec_of
from model.verify.narration import Line
from model.verify.result import Result
from model.verify.wording import members
from reports.formats import phrases as words
from reports.formats.tlc import location


def document(results: Sequence[Result]) -> str:
    """The counterexample; what has none is a trace without states, its verdict in `#meta`.

    Raises:
        UsageError: there is more than one result: a file holds one trace.
    """
    result = words.single(results, "itf")
    names = variables(result.trace.instance) if result.trace else {}
    trace = {"#meta": _about(result, names), "params": [], "vars": ["move", *names.values()]}
    return json.dumps(trace | {"states": _states(result, names)}, indent=1) + "\n"


def variables(instance: Instance) -> dict[str, str]:
    """Our name of a part -> the variable: without the dot that separates a register from its thread."""
    names: dict[str, str] = {}
    for name in dict.fromkeys(f.name for f in instance.fields):
        word = name.replace(".", "_")
        while word in {"move", *names.values()}:
            word += "_"
        names[name] = word
    return names


def _about(result: Result, names: dict[str, str]) -> dict[str, Any]:
    tool = words.tool()
    about: dict[str, Any] = {
        "format": "ITF",
        "format-description": "https://apalache-mc.org/docs/adr/015adr-trace.html",
        "description": f"{tool['name']} {tool['version']}: {words.headline(result)}",
        "source": result.design,
        "design": spec_of(result.program),
        "environment": result.program.environment or "none",
        "digest": result.program.digest,
        "property": result.property,
        "verdict": result.verdict.word,
        "scope": dict(result.scope),
    }
    if result.trace and result.story:
        instance = result.trace.instance
        sizes = instance.sizes | instance.buffer_size
        about |= {"pages": instance.pages, "sizes": sizes, "because": words.why(result.story)}
        about["varTypes"] = {"move": "Str"} | {w: _type(instance, n) for n, w in names.items()}
    return about


def _type(instance: Instance, name: str) -> str:
    """The variable's type in Apalache's notation."""
    field = next(f for f in instance.fields if f.name == name)
    kind = {PAGES: "Set(Int)", PLACE: "Str"}.get(field.sort, "Bool")
    return kind if field.number is None else f"(Str -> {kind})"


def _states(result: Result, names: dict[str, str]) -> list[dict[str, Any]]:
    trace, story = result.trace, result.story
    if trace is None or story is None:
        return []
    first: dict[str, Any] = {"#meta": {"index": 0}, "move": "the start", **_values(trace, 0, names)}
    return [first, *(_state(trace, line, names) for line in story.lines)]


def _state(trace: Trace, line: Line, names: dict[str, str]) -> dict[str, Any]:
    ground = trace.moves[line.number - 1].ground
    meta = {
        "index": line.number,
        "operation": line.operation,
        "step": line.step,
        "sort": ground.sort,
        "thread": ground.thread,
        "arguments": dict(line.arguments),
        "notes": list(line.notes),
    }
    return {"#meta": meta, "move": line.text, **_values(trace, line.number, names)}


def _values(trace: Trace, at: int, names: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, word in names.items():
        fields = [f for f in trace.instance.fields if f.name == name]
        if fields[0].number is None:
            found[word] = _value(trace, at, fields[0])
        else:
            found[word] = {"#map": [[_owner(trace.instance, f), _value(trace, at, f)] for f in fields]}
    return found


def _owner(instance: Instance, field: Field) -> str:
    return instance.program.sorts[str(field.per)].call(field.number or 0)


def _value(trace: Trace, at: int, field: Field) -> Any:
    value = trace.value(at, *field.key)
    if field.sort == PAGES:
        return {"#set": [{"#bigint": str(page)} for page in members(value)]}
    return location(trace.instance, field, value) if field.sort == PLACE else bool(value)
