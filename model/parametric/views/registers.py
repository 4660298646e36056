"""Registers that no later step reads are emptied: two states that differ there only have the same future."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from model.expr import FALSE, NONE, PAGES, Expr, Index, walk
from model.program.program import Invariant, Program, Variable
from model.program.step import Step, Update


def forgetful(program: Program, invariants: Sequence[Invariant]) -> Program:
    """The program with each register emptied by the step after which its thread reads it no more.

    Every run is still a run, move by move, and violates the same invariants: only dead registers differ.
    """
    dead = {r.name: _dead(program, r, by) for r, by in _private(program, invariants)}
    empty = {r: NONE if program.variable[r].sort == PAGES else FALSE for r in dead}

    def emptied(step: Step) -> Step:
        gone = [r for r, at in dead.items() if (step.by, step.target) in at and step.target]
        return replace(
            step, updates=(*step.updates, *(Update(r, _mine(program.variable[r], step), empty[r]) for r in gone))
        )

    return replace(program, steps=tuple(map(emptied, program.steps)))


def _mine(register: Variable, step: Step) -> Index | None:
    return Index("me", step.by) if register.per else None


def _private(program: Program, invariants: Sequence[Invariant]) -> Iterator[tuple[Variable, str]]:
    """(register, kind of thread) of each that only its own thread reads and writes."""
    asked = {e.args[0] for i in invariants for e in walk(i.holds) if e.op == "var"}
    for variable in program.variables:
        if variable.role != "register" or variable.name in asked:
            continue
        users = [s for s in program.steps if variable.name in s.reads | s.writes]
        kinds = {s.by for s in users}
        by = next(iter(kinds), "")
        if len(kinds) == 1 and all(_own(s, variable) for s in users) and _alone(program, variable, by):
            yield variable, by


def _alone(program: Program, variable: Variable, by: str) -> bool:
    """The register is one per thread, and starts empty."""
    one_each = variable.per.name == by if variable.per else program.sorts[by].size == 1
    return one_each and (variable.initial is NONE or variable.initial is FALSE)


def _own(step: Step, variable: Variable) -> bool:
    """The step speaks of no other thread's register."""
    terms = [e.args[1] for e in _roots(step) if e.op == "var" and e.args[0] == variable.name]
    terms += [u.index for u in step.updates if u.variable == variable.name]
    return all(t is None or t == Index("me", step.by) for t in terms)


def _roots(step: Step) -> Iterator[Expr]:
    return walk(*step.guards, *(u.value for u in step.updates))


def _dead(program: Program, register: Variable, by: str) -> set[tuple[str, int]]:
    """Places of the thread from which no step reads the register before it is written anew."""
    steps = [s for s in program.steps if s.by == by]
    live: set[int] = set()
    while more := {s.source for s in steps if _needs(s, register.name, live)} - live:
        live |= more
    return {(by, n) for n in range(len(program.threads[by])) if n not in live}


def _needs(step: Step, register: str, live: set[int]) -> bool:
    return register in step.reads or (register not in step.writes and step.target in live)
