"""Parts that a design declares and that nothing uses: a word that somebody meant to write stands elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from model.expr import Lock, Queue, walk
from model.instance.problem import Problem
from model.program.program import Program


def unused_parts(problem: Problem) -> Iterator[str]:
    """A sentence for parts that no operation uses, and one for each queue that nothing takes out of."""
    program = problem.program
    asked = {e.args[0] for i in problem.invariants for e in walk(i.holds) if e.op == "var"}
    used = asked | {name for step in program.steps for name in (step.reads | step.writes)}
    used |= {held.lock for step in program.steps for held in step.takes}
    used |= {e.args[0] for step in program.steps for e in walk(*step.guards) if e.op == "free"}
    declared = [n for n, p in program.parts.items() if "." not in n and not isinstance(p, Queue) and not p.ghost]
    if idle := [n for n in declared if n not in used and (n in program.variable or isinstance(program.parts[n], Lock))]:
        yield f"no operation uses {' and '.join(idle)}"
    for name, part in program.parts.items():
        if isinstance(part, Queue) and _only_filled(program, f"{name}.0"):
            yield f"{name} is filled, and nothing takes out of it"


def _only_filled(program: Program, oldest: str) -> bool:
    """Each step that changes the oldest entry keeps it where there is one: it pushes."""
    values = [u.value for step in program.steps for u in step.updates if u.variable == oldest]
    return bool(values) and all(v.op == "choose" and _is(v.args[2], oldest) for v in values)


def _is(value: object, name: str) -> bool:
    return getattr(value, "op", "") == "var" and getattr(value, "args", ("",))[0] == name
