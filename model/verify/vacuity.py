"""What never happens in a design, so that a pass says less than it seems."""

from __future__ import annotations

from collections.abc import Mapping

from model.designs.catalogue import built_in_properties
from model.errors import UsageError
from model.expr import Property
from model.instance.instance import Instance
from model.instance.problem import Problem
from model.limits import Limits
from model.program.observers import goals, invariant, observed
from model.program.program import Program

SMALL = 300_000  # states up to which a happening is searched on the reference


def vacuities(program: Program, instance: Instance, pages: int = 1) -> list[str]:
    """What never happens in the design on a small instance, so that a pass says less than it seems."""
    sizes = {s: min(n, 2) for s, n in instance.sizes.items() if program.sorts[s].size is None}
    known, found = built_in_properties(), []
    idle = [
        label for label, word in _goal_verdicts(program, known["every_step_fires"], pages, sizes) if word == "proved"
    ]
    if idle:
        found.append(f"vacuous in part: at {pages} page {', '.join(idle)} can never be taken")
    if "unread" not in program.parts:
        return found
    reads = known["every_client_reads"]
    if not applies_to(program, reads):
        blind = [label for label, word in _goal_verdicts(program, reads, pages, sizes) if word == "proved"]
        if blind:
            found.append(
                f"vacuous: {' and '.join(blind)} can never read a page that was written, so nothing can be lost"
            )
    return found


def _goal_verdicts(
    program: Program, property: Property, pages: int, sizes: Mapping[str, int], limits: Limits | None = None
) -> list[tuple[str, str]]:
    from model.engines import explicit

    found = []
    for label, watched, never in goals(program, property, sizes):
        verdict = explicit.search(Problem(watched, (never,), pages, sizes), limits or Limits(states=SMALL))
        found.append((label, verdict.word))
    return found


def applies_to(program: Program, property: Property) -> str:
    """The same of a recorded design."""
    try:
        if property.kind == "sometimes":
            goals(program, property, {})
        else:
            invariant(observed(program, property), property)
    except UsageError as reason:
        return reason.message
    return ""
