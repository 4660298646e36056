"""What is asked of infinite runs: a property of kind `eventually` or `leads_to`, read for one program.

`leads_to` gets a ghost that keeps that a premise has held and its goal not since, so that both kinds come to one
question about loops: is there a fair one that meets `bad` (eventually), or that never leaves it (leads_to)?
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import repeat
from typing import Any

from model.errors import UsageError, refusal
from model.expr import (
    ALL,
    FALSE,
    INFINITE,
    NONE,
    PAGES,
    TRUE,
    TRUTH,
    Client,
    Element,
    Expr,
    Index,
    Property,
    make,
    node,
    replace_index,
    rewrite,
)
from model.instance.ground_expr import these
from model.instance.instance import Instance
from model.instance.sizes import used_sorts
from model.instance.state import State
from model.program.builder import Recorder
from model.program.observers import asked_of, observed, said_by
from model.program.program import Invariant, Program, Variable
from model.program.proxies import StateView
from model.program.step import Update
from model.program.store_buffer import Drainer

BEGIN_WRITES = ("Guest", "Device")  # kinds of threads all of whose operations are writes
KNOWN = {*BEGIN_WRITES, Client.name, "Machine", Drainer.name}
WAITING = "still waiting"  # the ghost of `leads_to`; no part can have this name


@dataclass(frozen=True)
class Case:
    """One way in which an infinite run breaks the property, over the fields of an instance.

    Attributes:
        label: whose case it is, `MIGRATION page 0`; empty where there is one only.
        bad: holds again and again in such a run; where there is a premise, from some moment on for ever.
        premise: None of `eventually`.
    """

    label: str
    bad: Expr
    goal: Expr
    premise: Expr | None = None

    @property
    def stays(self) -> bool:
        return self.premise is not None

    def broken_by(self, instance: Instance, states: Sequence[State], stem: int) -> bool:
        """Judge the run that repeats states[stem:] by what the property says, without the ghost."""
        reached = [instance.value(self.goal, s) for s in states]
        if self.premise is None:
            return not all(reached[stem:])
        last = max((i for i, there in enumerate(reached) if there), default=-1)
        waits = any(instance.value(self.premise, s) for s in states[last + 1 :])
        return last < stem and waits


@dataclass(frozen=True)
class Asked:
    """A property of infinite runs, read for a program.

    Attributes:
        observed: the program with the property's own ghosts.
        goals: by case, what must hold in the end; truth values or sets of pages, for each value of `each` where that
            is given. There is one, with an empty name, where the property has no cases.
        premise: of `leads_to`, of the same sort as its one goal.
    """

    rule: Property
    observed: Program
    goals: tuple[tuple[str, Expr], ...]
    premise: Expr | None
    each: Index | None

    @property
    def quiet(self) -> bool:
        """Only runs count in which writes begin finitely often."""
        return self.rule.writers == "stop"

    @cached_property
    def program(self) -> Program:
        """What engines search: with the ghost of `leads_to` where that is needed."""
        if self.premise is None:
            return self.observed
        per = Client if self.each else None
        index = Index("each", Client.name) if self.each else None
        doc = "the premise has held, and the goal not since"
        ghost = Variable(WAITING, self.premise.sort, per, _nothing(self.premise), doc, "ghost")
        bad = self.bad if index is None else replace_index(self.bad, self.each, index)  # type: ignore[arg-type]
        steps = tuple(replace(s, updates=(*s.updates, Update(WAITING, index, bad))) for s in self.observed.steps)
        return replace(self.observed, variables=(*self.observed.variables, ghost), steps=steps)

    @property
    def bad(self) -> Expr:
        """Of `leads_to`: the premise has held, and the goal not since."""
        [(_, goal)] = self.goals
        assert self.premise is not None
        waited = node("var", (WAITING, self.each), goal.sort)
        if goal.sort == TRUTH:
            return make("both", make("either", waited, self.premise), make("negate", goal))
        return make("minus", make("union", waited, self.premise), goal)

    def cases(self, instance: Instance) -> list[Case]:
        """The ways to break the property on an instance of `program`."""
        cases = self.formulas(instance)
        if self.premise is None:
            goal: Expr = TRUE
            for case in cases:
                goal = make("both", goal, case.goal)
            return [Case("", make("negate", goal), goal)]
        bad = self._each(instance, "", self.bad)
        return [replace(case, bad=expr) for case, (_, expr) in zip(cases, bad, strict=True)]

    def formulas(self, instance: Instance) -> list[Case]:
        """What a run keeps, one by one: also of an instance of `observed`; `bad` says nothing."""
        found: list[Case] = []
        for name, goal in self.goals:
            goals = self._each(instance, name, goal)
            premises = self._each(instance, name, self.premise) if self.premise is not None else repeat(("", None))
            pairs = zip(goals, premises, strict=False)
            found += [Case(label, FALSE, wanted, premise) for (label, wanted), (_, premise) in pairs]
        return found

    def _each(self, instance: Instance, name: str, said: Expr) -> Iterator[tuple[str, Expr]]:
        """(label, ground truth value) for each client and page that `said` speaks of."""
        whole = said if said.sort == TRUTH else make("subset", ALL, said)
        instance.cases(Invariant(self.rule.name, whole, self.each))  # refuses a client that is not there
        numbers = range(instance.sizes.get(Client.name, 0)) if self.each else [None]
        for number in numbers:
            env = {self.each: number} if self.each and number is not None else {}
            who = f"{name} {Client.call(number) if number is not None else ''}".strip()
            ground = instance.ground(said, env)
            if said.sort == TRUTH:
                yield who, ground
                continue
            for page in range(instance.pages):
                yield f"{who} page {page}".strip(), make("subset", these(1 << page), ground)


def _nothing(like: Expr) -> Expr:
    return NONE if like.sort == PAGES else FALSE


def asked(program: Program, property: Property) -> Asked:
    """What `property` asks of the infinite runs of `program`.

    Raises:
        UsageError: it is no property of infinite runs, the design lacks what it is about, or has threads of which it
            is not known whether they write.
    """
    if property.kind not in INFINITE:
        raise UsageError(
            f"{property.name} speaks of states, not of infinite runs; `python -m model.check "
            f"{program.name}{program.surroundings} --property {property.name}` asks it."
        )
    _understood(program)
    watched = observed(program, property)
    goals, each = _said(watched, property, property.goal)
    if each and Client.name not in used_sorts(watched):
        raise UsageError(f"{property.name} is about each client, and {program.name} has none.")
    if property.premise is None:
        return Asked(property, watched, goals, None, each)
    [(_, premise)], of = _said(watched, property, property.premise)
    if premise.sort != goals[0][1].sort or each != of:
        raise UsageError(
            f"{property.name}: premise and goal are both truth values or both sets of pages, and both of each client "
            f"or both of all."
        )
    return Asked(property, watched, goals, premise, each)


def applies(program: Program, property: Property) -> str:
    """Why the property cannot be asked of the program, or an empty string."""
    return refusal(lambda: asked(program, property))


def _understood(program: Program) -> None:
    others = set(program.threads) - KNOWN
    if others and "unread" not in program.variable:
        raise UsageError(
            f"{program.name} has operations of {', '.join(sorted(others))}, and which of them write is not known. "
            f'Declare unread = Pages("...", ghost=True) and let the operations that write add their pages to it.'
        )


def _said(
    program: Program, property: Property, function: Callable[..., Any] | None
) -> tuple[tuple[tuple[str, Expr], ...], Index | None]:
    """What a function of the property says of a state, by case, and whether of each client."""
    assert function is not None
    recorder = Recorder(program.title, program.parts, property.name, Client)
    recorder.serial = None
    cases = property.cases(program) if property.cases else [""]
    named = [p for p in inspect.signature(function).parameters.values() if p.default is p.empty and p.name != "case"]
    each = Index("bound", Client.name, "client") if len(named) > 1 else None
    found: list[tuple[str, Expr]] = []
    view = StateView(recorder, direct=True)
    for case in cases:
        given = partial(function, case=case) if property.cases else function
        with asked_of(program, property, given):
            said = said_by(given, view, *([Element(each)] if each else []))
        found.append((case, rewrite(said, lambda e: None)))
    if not found or len({said.sort for _, said in found}) > 1:
        raise UsageError(f"{property.name}: it has at least one case, and all are truth values or all sets of pages.")
    return tuple(found), each
