"""The moves of an instance as z3 terms, one after the other, and the loop that asks z3 something after each of them.

The run that z3 finds is replayed on plain integers before anyone sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from time import monotonic
from typing import Any

import z3

from model.errors import ModelError
from model.expr import PLACE, TRUTH, Expr
from model.expr.algebra import Table, bit_vectors, fold
from model.instance.instance import Move
from model.instance.problem import Problem
from model.instance.state import State
from model.limits import Limits, Progress, interrupts_kept
from model.program.step import Param
from model.verdict import INTERNAL, Undetermined, Verdict

DEPTH = 20  # moves to unroll where nobody says how many
CANCELLED = ("interrupted from keyboard", "interrupted", "canceled")


class Disagreement(ModelError, RuntimeError):
    """z3 and the plain-integer interpreter differ on one run: an error of ours, never a verdict."""

    exit_code = INTERNAL


@dataclass(frozen=True)
class Run:
    """A run into a violation, from the initial state unless it begins anywhere, as plain integers replayed it.

    Iterating gives the violations, in the form of the explicit engine's `detail`.

    Attributes:
        violations: (last state, name of an invariant, number of the element or None) for all that it violates.
        moves: as in `instance.moves`, with the same numbers.
        states: the first state and the one after each move; one more than moves.
    """

    violations: tuple[tuple[State, str, int | None], ...]
    moves: tuple[Move, ...]
    states: tuple[State, ...]

    def __iter__(self) -> Iterator[tuple[State, str, int | None]]:
        return iter(self.violations)

    def __len__(self) -> int:
        return len(self.violations)


@dataclass(frozen=True)
class Query:
    """What z3 is asked after 0 moves, after 1, after 2, …

    Attributes:
        asked: (seconds left) -> sat, unsat or unknown, of so many moves.
        decides: the answer that ends the unrolling.
        verdict: what it says, with the depth.
        go_on: one move more.
    """

    unrolled: Unrolling
    asked: Callable[[float | None], Any]
    decides: Any
    verdict: Callable[[int], Verdict]
    go_on: Callable[[], None]


def unroll(engine: str, limits: Limits, queries: Callable[[], Sequence[Query]], nothing: str) -> Verdict:
    """Ask the queries, in this order, at each depth until one is decided.

    Args:
        limits: `depth` is the bound, 20 by default; `seconds` holds for z3 too.
        queries: makes them; what that takes counts.
        nothing: the reason where none was decided up to the bound, which stands for {bound}.

    Returns:
        The verdict of the query that was decided first; or Undetermined(reason, depth), the depth up to which none was.
    """
    begin, done, bound = monotonic(), 0, DEPTH if limits.depth is None else limits.depth

    def answer(verdict: Verdict) -> Verdict:
        return replace(verdict, engine=engine, seconds=monotonic() - begin)

    try:
        with interrupts_kept():
            asked = queries()
            for depth in range(bound + 1):
                for query in asked:
                    if stop := limits.reached(0, begin):
                        return answer(Undetermined(depth=done, reason=stop))
                    found = query.asked(limits.left(begin))
                    if found == query.decides:
                        return answer(query.verdict(depth))
                    if found == z3.unknown:
                        return answer(Undetermined(depth=done, **why(query.unrolled, limits, begin)))
                done = depth
                if limits.report:
                    limits.report(Progress(engine, 0, depth))
                if depth < bound:
                    for query in asked:
                        query.go_on()
    except KeyboardInterrupt:
        return answer(Undetermined(depth=done, reason="interrupted", interrupted=True))
    return answer(Undetermined(depth=done, reason=nothing.format(bound=bound)))


def why(unrolled: Unrolling, limits: Limits, begin: float) -> dict[str, Any]:
    """The reason of an Undetermined after z3 has answered `unknown`: out of time, interrupted, or its own words."""
    text = unrolled.solver.reason_unknown()
    if limits.left(begin) == 0 or text == "timeout":
        return {"reason": f"the limit of {limits.seconds or 0:g} seconds was reached"}
    if text in CANCELLED:
        return {"reason": "interrupted", "interrupted": True}
    return {"reason": f"z3 says unknown: {text}"}


class Unrolling:
    """States 0, 1, 2, … as z3 terms, each one move of the instance after the one before.

    Each move has a selector, the number of its ground step, and terms for the parameters that the step chooses; a
    field's next value is a chain of if-then-else over the selector, so what no step changes needs no frame. Move and
    checks are written once and copied.

    Attributes:
        checks: (name of an invariant, number, ground truth value) that every state is judged by.
        states: one term a field.
        choices: for the move after each state, its selector and then its parameters.
    """

    def __init__(self, asked: Problem, table: Table | None = None) -> None:
        self.instance, self.checks = asked.instance, asked.checks
        self.table = bit_vectors(asked.pages) if table is None else table
        self.solver = z3.SolverFor("QF_BV")
        self.states, self.choices, self.started = [self._state("0")], list[list[Any]](), False
        self.now, self.then, self.choice = self._state("now"), self._state("then"), self._choice("now")
        self.move, self.kept = z3.And(list(self._move())), z3.And(list(self._kept()))

    # -- constraints

    def start(self) -> None:
        """State 0 is the initial one."""
        self.started = True
        for term, field in zip(self.states[0], self.instance.fields, strict=True):
            self.solver.add(term == (bool(field.initial) if field.sort == TRUTH else field.initial))

    def anywhere(self) -> None:
        """The last state is any that the fields can hold: every location is one that a thread can be at."""
        for term, field in zip(self.states[-1], self.instance.fields, strict=True):
            if field.sort == PLACE:
                self.solver.add(below(term, len(self.instance.codes[field.per or ""])))

    def new(self) -> None:
        """The last state differs from every one before it."""
        for earlier in self.states[:-1]:
            self.solver.add(z3.Or([a != b for a, b in zip(self.states[-1], earlier, strict=True)]))

    def violated(self, seconds: float | None = None) -> Any:
        """Ask z3 whether the last state can violate a check: sat, unsat or unknown."""
        if seconds is not None:
            self.solver.set("timeout", max(1, int(seconds * 1000)))
        bad = z3.Bool(f"bad@{len(self.choices)}")
        self.solver.add(z3.Implies(bad, z3.Not(self._last_kept())))
        return self.solver.check(bad)

    def go_on(self) -> None:
        """The last state violates nothing, and one more move follows it."""
        self.solver.add(self._last_kept())
        time = len(self.states)
        then, choice = self._state(str(time)), self._choice(str(time))
        template = [*self.now, *self.then, *self.choice]
        copy = [*self.states[-1], *then, *choice]
        self.solver.add(z3.substitute(self.move, *zip(template, copy, strict=True)))
        self.states.append(then)
        self.choices.append(choice)

    def _last_kept(self) -> Any:
        return z3.substitute(self.kept, *zip(self.now, self.states[-1], strict=True))

    # -- terms

    def _state(self, time: str) -> list[Any]:
        return [
            z3.Bool(f"{i}@{time}") if f.sort == TRUTH else z3.BitVec(f"{i}@{time}", f.width)
            for i, f in enumerate(self.instance.fields)
        ]

    def _choice(self, time: str) -> list[Any]:
        steps, pages = self.instance.steps, self.instance.pages
        selector = z3.BitVec(f"step@{time}", max(1, (len(steps) - 1).bit_length()))
        return [selector, *(z3.BitVec(f"set{i}@{time}", pages) for i in range(max(len(g.params) for g in steps)))]

    def _kept(self) -> Iterator[Any]:
        """Every check in the state `now`."""
        leaf, memo = self._leaf({}), dict[int, Any]()
        return (fold(case, self.table, leaf, memo) for _, _, case in self.checks)

    def _move(self) -> Iterator[Any]:
        """The state `then` is one move after `now`."""
        selector, *sets = self.choice
        yield below(selector, len(self.instance.steps))
        following = list(self.now)
        for number, ground in enumerate(self.instance.steps):
            chosen = {p.name: term for p, term in zip(ground.params, sets, strict=False)}
            leaf, memo, taken = self._leaf(chosen), dict[int, Any](), selector == number
            guards = [DOMAIN[p.kind](chosen[p.name]) for p in ground.params]
            guards += [fold(g, self.table, leaf, memo) for g in ground.guards]
            yield z3.Implies(taken, z3.And(guards))
            for i, value in ground.updates:
                new = value.args[0] if value.op == "place" else fold(value, self.table, leaf, memo)
                following[i] = z3.If(taken, new, following[i])
        yield from (a == b for a, b in zip(self.then, following, strict=True))

    def _leaf(self, chosen: dict[str, Any]) -> Callable[[Expr], Any]:
        """The meaning of what is no operator, in the state `now`."""

        def leaf(e: Expr) -> Any:
            if e.op == "field":
                return self.now[self.instance.position[e.args]]
            if e.op == "located":
                place = self.now[self.instance.position[e.args[:2]]]
                return z3.Or([place == code for code in sorted(e.args[2])])
            return chosen.get(e.args[0]) if e.op == "param" else None

        return leaf

    # -- what z3 found

    def run(self) -> Run:
        """The run in z3's model, replayed on plain integers; there is one, for `violated` has just said sat.

        Raises:
            Disagreement: the replay goes another way or ends in a state that violates nothing.
        """
        model = self.solver.model()

        def number(term: Any) -> int:
            value = model.eval(term, model_completion=True)
            return int(z3.is_true(value)) if z3.is_bool(value) else int(value.as_long())

        states = tuple(tuple(number(x) for x in state) for state in self.states)
        moves = tuple(
            self._chosen(number(selector), [number(term) for term in sets]) for selector, *sets in self.choices
        )
        return self._replayed(states, moves)

    def _chosen(self, step: int, values: list[int]) -> Move:
        """The move with this ground step and these sets of pages."""
        ground, pages, offset = self.instance.steps[step], self.instance.pages, 0
        for param, value in zip(ground.params, values, strict=False):
            offset = offset * size(param, pages) + RANK[param.kind](value)
        arguments = {p.name: v for p, v in zip(ground.params, values, strict=False)}
        before = sum(prod(size(p, pages) for p in g.params) for g in self.instance.steps[:step])
        return Move(before + offset, ground, arguments)

    def _replayed(self, states: tuple[State, ...], moves: tuple[Move, ...]) -> Run:
        if self.started and states[0] != self.instance.initial:
            raise Disagreement(f"z3 starts at {states[0]}, plain integers at {self.instance.initial}.")
        for i, move in enumerate(moves):
            label = f"move {i + 1}, {move.ground.step.label}"
            if not self.instance.enabled(move, states[i]):
                raise Disagreement(f"z3 takes {label}, which is not possible there.")
            if (after := self.instance.apply(move, states[i])) != states[i + 1]:
                raise Disagreement(f"after {label}: {after}, and z3 says {states[i + 1]}.")
        last = states[-1]
        violations = tuple((last, name, k) for name, k, case in self.checks if not self.instance.value(case, last))
        if not violations:
            raise Disagreement(f"z3 sees a violation after {len(moves)} moves, and plain integers see none.")
        return Run(violations, moves, states)


# ---------------------------------------------------------------- parameters that are sets of pages

DOMAIN: dict[str, Callable[[Any], Any]] = {
    "some": lambda pages: pages != 0,
    "page": lambda pages: z3.And(pages != 0, pages & (pages - 1) == 0),
    "any": lambda pages: z3.BoolVal(True),
}
RANK: dict[str, Callable[[int], int]] = {  # which of `instance.choices` a value is
    "some": lambda pages: pages - 1,
    "page": lambda pages: pages.bit_length() - 1,
    "any": lambda pages: pages,
}


def size(param: Param, pages: int) -> int:
    """How many values `instance.choices` lists for a parameter."""
    return {"some": (1 << pages) - 1, "page": pages, "any": 1 << pages}[param.kind]


def below(term: Any, many: int) -> Any:
    """The unsigned number `term` is less than `many`."""
    return z3.ULT(term, many) if many < 1 << term.size() else z3.BoolVal(True)
