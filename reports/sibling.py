"""The safe design that a refuted one is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from model.designs.catalogue import built_in_properties
from model.designs.environment import load_in
from model.designs.gallery import Entry, entries
from model.errors import UsageError
from model.instance.instance import Instance
from model.instance.problem import Problem
from model.program.design import record
from model.program.program import Program
from model.verify.result import Result, any_scope
from model.verify.result_text import scope
from reports.difference import Difference, difference

DISCUSSION = "discussion"
LINES = 30  # a comparison with more lines that differ tells of another design, not of a slip


@dataclass(frozen=True)
class Sibling:
    """A safe design and what the refuted one has otherwise; `scope` is what its recorded verdict speaks of."""

    program: Program
    scope: str
    difference: Difference


def safe_sibling(result: Result) -> Sibling | None:
    """The built-in design of the same family that mends it, else the nearest that is recorded as proved for any number.

    A design of the user's own is compared with those of the 2019 discussion. None where every safe one differs in more
    than 30 lines, and of a property of the user's own: nothing is recorded of it, whatever it is called.
    """
    program, property = result.program, result.property
    if not _built_in(result):
        return None
    known = {entry.design: entry for entry in entries()}
    own = known.get(program.name)
    named = own.fixed_by.partition(":")[0] if own else ""
    found = [_compared(program, e) for e in _safe(known, own.family if own else DISCUSSION, named, property)]
    near = [s for s in found if s and 0 < s.difference.lines <= LINES]
    return min(near, key=lambda s: (s.program.name != named, s.difference.lines), default=None)


def _built_in(result: Result) -> bool:
    """What was asked is what the built-in property of that name asks."""
    property, asked = built_in_properties().get(result.property), result.problem
    if property is None or asked is None:
        return False
    ours = Problem.of(result.program, property)
    return (ours.program.digest, ours.invariants) == (asked.program.digest, asked.invariants)


def _safe(known: dict[str, Entry], family: str, named: str, property: str) -> Iterator[Entry]:
    for entry in known.values():
        if (entry.family == family or entry.design == named) and entry.any.get(property) == "proved":
            yield entry


def _compared(program: Program, entry: Entry) -> Sibling | None:
    """The design of an entry beside the program; None where the program's environment says nothing of it."""
    try:
        safe = record(load_in(entry.design, program.environment or "none"))
    except UsageError:
        return None
    without = f", without the environment {safe.environment}" if safe.environment else ""
    told = scope(any_scope(Instance(safe, 1), entry.only)) + without
    return Sibling(safe, told, difference(program, safe))
