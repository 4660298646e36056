"""What TLC prints with -tool, for readers and viewers that know TLA+: numbered messages, states as conjunctions.

Line numbers are those of the design's Python source, and the module is the file that they are in.

Source: tlatools, tlc2.output.EC, tlc2.output.MP and tlc2.tool.StatePrinter; the viewer of vscode-tlaplus,
src/parsers/tlc.ts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from model.expr import PAGES, PLACE
from model.instance.instance import Instance
from model.instance.state import Field
from model.instance.trace import Trace
from model.verdict import Proved, Refuted
from model.verify.result import Result
from model.verify.result_text import scope
from reports.formats import phrases as words

NONE, ERROR, STATE = 0, 1, 4  # classes of messages
VERSION, MODE, FINISHED = 2262, 2187, 2186  # their numbers
GENERAL, VIOLATED, BEHAVIOUR, PRINTED = 1000, 2110, 2121, 2217
SUCCESS, STATISTICS, DEPTH = 2193, 2199, 2194


def document(results: Sequence[Result]) -> str:
    """Every result, as TLC would have printed it."""
    tool = words.tool()
    head = _message(VERSION, NONE, f"{tool['name']} {tool['version']}, in the format of TLC's messages")
    return "\n".join([head, *(message for result in results for message in _result(result))]) + "\n"


def _message(number: int, kind: int, *lines: str) -> str:
    """A message between the markers by which a viewer knows it."""
    return "\n".join([f"@!@!@STARTMSG {number}:{kind} @!@!@", *lines, f"@!@!@ENDMSG {number} @!@!@"])


def _result(result: Result) -> Iterator[str]:
    yield _message(MODE, NONE, f"Checking {words.name(result)} for {scope(result.scope)}.")
    trace = result.trace
    if isinstance(result.verdict, Refuted):
        yield _message(VIOLATED, ERROR, f"Invariant {result.property} is violated.")
        yield from _behaviour(trace) if trace else (_message(GENERAL, ERROR, f"{s}.") for s in words.basis(result))
    elif isinstance(result.verdict, Proved):
        yield _message(SUCCESS, NONE, "Model checking completed. No error has been found.")
    else:
        yield _message(GENERAL, ERROR, f"The search was not completed: {words.reason(result)}.")
    yield from _counted(result)
    yield _message(FINISHED, NONE, "Finished.")


def _counted(result: Result) -> Iterator[str]:
    """TLC counts the initial state as generated, and a depth from one."""
    for verdict in [e.verdict for e in result.evidence if e.verdict.states][:1]:
        left = ", 0 states left on queue" if isinstance(verdict, Proved) else ""
        generated = f"{verdict.transitions + 1} states generated, " if verdict.transitions else ""
        yield _message(STATISTICS, NONE, f"{generated}{verdict.states} distinct states found{left}.")
        if isinstance(verdict, Proved):
            yield _message(DEPTH, NONE, f"The depth of the complete state graph search is {verdict.depth + 1}.")


def _behaviour(trace: Trace) -> Iterator[str]:
    yield _message(BEHAVIOUR, ERROR, "The behavior up to this point is:")
    for number, state in enumerate(trace.states, 1):
        action = _action(trace, number - 1) if number > 1 else "Initial predicate"
        conjuncts = (f"/\\ {name} = {value}" for name, value in values(trace.instance, state))
        yield _message(PRINTED, STATE, f"{number}: <{action}>", *conjuncts)


def _action(trace: Trace, number: int) -> str:
    """`clear_cleared line 19, col 1 to line 19, col 1 of module top_layer`."""
    step = trace.moves[number - 1].ground.step
    name = re.sub(r"\W+", "_", step.label, flags=re.ASCII)
    if step.place is None:
        return name
    line = step.place.line
    return f"{name} line {line}, col 1 to line {line}, col 1 of module {Path(step.place.file).stem}"


# ---------------------------------------------------------------- values


def values(instance: Instance, state: Sequence[int]) -> Iterator[tuple[str, str]]:
    """(variable, value as TLA+) of a state; what there is one of for each thread is a function."""
    for name in dict.fromkeys(f.name for f in instance.fields):
        fields = [(f, state[i]) for i, f in enumerate(instance.fields) if f.name == name]
        if fields[0][0].number is None:
            yield _word(name), value(instance, *fields[0])
        else:
            pairs = (f"{_owner(instance, f)} :> {value(instance, f, v)}" for f, v in fields)
            yield _word(name), f"({' @@ '.join(pairs)})"


def value(instance: Instance, field: Field, number: int) -> str:
    """`{0, 1}`, `TRUE`, `"clear.chosen"`."""
    if field.sort == PAGES:
        return "{" + ", ".join(str(p) for p in range(instance.pages) if number >> p & 1) + "}"
    return _string(location(instance, field, number)) if field.sort == PLACE else str(bool(number)).upper()


def location(instance: Instance, field: Field, code: int) -> str:
    """`idle`, or the label of the last step, with the index parameters that it carries."""
    number, carried = instance.codes[str(field.per)][code]
    place = instance.program.threads[str(field.per)][number]
    label = f"{place.operation}.{place.after}" if place.operation else "idle"
    return " ".join([label, *map(str, carried)])


def _owner(instance: Instance, field: Field) -> str:
    return "_".join(words.one_line(instance.program.sorts[str(field.per)].call(field.number or 0)).split())


def _word(name: str) -> str:
    return name.replace(".", "_")


def _string(said: str) -> str:
    plain = words.one_line(said).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"'
