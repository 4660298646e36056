"""Liveness to safety in z3: runs of 0, 1, 2, … moves that close a fair loop in which the property is broken.

At some moment the state is saved. From then on it is kept, for each step, whether it was possible, possible in every
state, and taken, and of the bad states whether one was met, or no other; where the run comes back to the saved state,
the loop is closed, and what was kept says whether it is fair and breaks the property. As the saved state never changes
again, one copy serves all moments. A run that ends in a bad state where nothing is possible counts too.

A lasso that z3 finds is run again, stem and loop, on plain integers before anyone sees it. A bound that is reached
proves nothing.

Source: Biere, Artho, Schuppan, "Liveness checking as safety checking", FMICS 2002.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import z3

from model.engines.unrolling import Disagreement, Query, Unrolling, unroll
from model.expr.algebra import fold
from model.instance.ground_step import GroundStep
from model.instance.instance import Instance, Move
from model.instance.problem import Problem
from model.instance.trace import ReplayError
from model.limits import Limits
from model.liveness.goal import Asked, Case
from model.liveness.lasso import Action, Fairness, Lasso, action, begins_a_write, checked, executed
from model.verdict import Refuted, Verdict


def search(instance: Instance, asked: Asked, fairness: Fairness, limits: Limits | None = None) -> Verdict:
    """Look for a lasso of the fewest moves, stem and loop together, up to a bound.

    Args:
        instance: of `asked.program`, at given sizes.
        limits: `depth` is the bound, 20 by default; `seconds` holds for z3 too; `states` has no meaning here.

    Returns:
        Refuted(depth=moves, detail=Lasso), checked; or Undetermined(reason, depth) where nothing was found up to that
        depth. Never Proved.

    Raises:
        Disagreement: what z3 found is no such lasso on plain integers.
    """

    def queries() -> list[Query]:
        runs = _Lassos(instance, asked.cases(instance), fairness, asked.quiet)
        runs.start()
        return [Query(runs, runs.closed, z3.sat, lambda depth: Refuted(depth=depth, detail=runs.lasso()), runs.go_on)]

    return unroll("z3", limits or Limits(), queries, "no lasso of up to {bound} moves")


class _Lassos(Unrolling):
    """States one move after another, with what is kept since one of them was saved.

    Attributes:
        can: for each step that begins no write, that it is possible in the state `now`.
        save: for each state but the last, that it is the one that is saved.
        latches: terms for the last state: `saved`, and for each step and case what was shown since then.
    """

    def __init__(self, instance: Instance, cases: Sequence[Case], fairness: Fairness, quiet: bool) -> None:
        super().__init__(Problem.on(instance))
        self.cases, self.fairness, self.quiet = cases, fairness, quiet
        self.owed = {a: kind for a, kind in fairness.owed(instance).items() if kind != "none"}
        self.can = dict(self._possible())
        leaf = self._leaf({})
        self.bad = [fold(case.bad, self.table, leaf) for case in cases]
        self.copy, self.save = self._state("saved"), list[Any]()
        self.latches: dict[Any, Any] = {"saved": z3.BoolVal(False)}
        for each in self.owed:
            self.latches |= {("possible", each): z3.BoolVal(False), ("everywhere", each): z3.BoolVal(True)}
            self.latches |= {("taken", each): z3.BoolVal(False)}
        for number, case in enumerate(cases):
            self.latches["bad", number] = z3.BoolVal(case.stays)

    def _possible(self) -> Iterator[tuple[Action, Any]]:
        ways: dict[Action, list[Any]] = {}
        for move in self.instance.moves:
            if not begins_a_write(self.instance.program, move.ground.step):
                ways.setdefault(action(move.ground), []).append(self._enabled(move))
        yield from ((each, z3.simplify(z3.Or(terms))) for each, terms in ways.items())

    def _enabled(self, move: Move) -> Any:
        leaf = self._leaf({n: z3.BitVecVal(v, self.instance.pages) for n, v in move.arguments.items()})
        return z3.And([fold(g, self.table, leaf) for g in move.ground.guards])

    # -- what is asked

    def closed(self, seconds: float | None = None) -> Any:
        """Ask z3 whether a lasso can end in the last state: sat, unsat or unknown."""
        if seconds is not None:
            self.solver.set("timeout", max(1, int(seconds * 1000)))
        ends = z3.Bool(f"ends@{len(self.choices)}")
        self.solver.add(z3.Implies(ends, z3.Or(self._round(), self._stuck())))
        return self.solver.check(ends)

    def _round(self) -> Any:
        """The last state is the saved one, the loop fair, and it breaks the property in some way."""
        latched = self.latches
        due = {"strong": "possible", "weak": "everywhere"}
        fair = [z3.Implies(latched[due[kind], each], latched["taken", each]) for each, kind in self.owed.items()]
        back = [a == b for a, b in zip(self.states[-1], self.copy, strict=True)]
        broken = z3.Or([latched["bad", number] for number in range(len(self.cases))])
        return z3.And([latched["saved"], *back, *fair, broken])

    def _stuck(self) -> Any:
        """The last state is bad, and nothing is possible in it but that a write begins."""
        return z3.And(self._last(z3.Or(self.bad)), *(z3.Not(self._last(can)) for can in self.can.values()))

    def _last(self, term: Any) -> Any:
        return z3.substitute(term, *zip(self.now, self.states[-1], strict=True))

    # -- one move more

    def go_on(self) -> None:
        """The last state may be the one that is saved, and one more move follows it."""
        time, before = len(self.choices), self.latches
        inside = self._saved_by(time)
        here: dict[Any, Any] = {("possible", a): self._last(self.can[a]) for a in self.owed}
        here |= {("bad", number): self._last(bad) for number, bad in enumerate(self.bad)}
        super().go_on()
        taken = {("taken", a): self._moved(lambda g, a=a: action(g) == a) for a in self.owed}  # type: ignore[misc]
        if self.quiet:
            written = self._moved(lambda g: begins_a_write(self.instance.program, g.step))
            self.solver.add(z3.Implies(inside, z3.Not(written)))
        shown = here | taken | {("everywhere", a): here["possible", a] for a in self.owed}
        always: set[Any] = {("everywhere", a) for a in self.owed}
        always |= {("bad", number) for number, case in enumerate(self.cases) if case.stays}
        self.latches = {"saved": inside}
        for key, now in shown.items():
            if key in always:
                kept = z3.And(before[key], z3.Implies(inside, now))
            else:
                kept = z3.Or(before[key], z3.And(inside, now))
            self.latches[key] = self._named(f"{key}@{time + 1}", kept)

    def _saved_by(self, time: int) -> Any:
        """That one of the states up to the last was saved: once, and then the copy is that state."""
        save, before = z3.Bool(f"save@{time}"), self.latches["saved"]
        same = z3.And([a == b for a, b in zip(self.states[-1], self.copy, strict=True)])
        self.solver.add(z3.Implies(save, z3.And(z3.Not(before), same)))
        self.save.append(save)
        return self._named(f"saved@{time}", z3.Or(before, save))

    def _moved(self, wanted: Callable[[GroundStep], bool]) -> Any:
        """The last move takes one of these ground steps."""
        selector = self.choices[-1][0]
        return z3.Or([selector == number for number, ground in enumerate(self.instance.steps) if wanted(ground)])

    def _named(self, name: str, term: Any) -> Any:
        """A variable that stands for the term, so that terms do not grow with the depth."""
        variable = z3.Bool(name)
        self.solver.add(variable == term)
        return variable

    # -- what z3 found

    def lasso(self) -> Lasso:
        """The lasso in z3's model, run again and judged on plain integers.

        Raises:
            Disagreement: it is none there.
        """
        model = self.solver.model()

        def number(term: Any) -> int:
            value = model.eval(term, model_completion=True)
            return int(z3.is_true(value)) if z3.is_bool(value) else int(value.as_long())

        moves = [self._chosen(number(selector), [number(t) for t in sets]) for selector, *sets in self.choices]
        closes = number(z3.And([self._round()]))
        begin = [number(s) for s in self.save].index(1) if closes else len(moves)
        try:
            found = executed(self.instance, moves[:begin], moves[begin:])
            if found.states != tuple(tuple(number(x) for x in state) for state in self.states):
                raise ReplayError("z3's states are others")
            broken = [c for c in self.cases if c.broken_by(self.instance, found.states, begin)]
            if not broken:
                raise ReplayError("the run keeps the property")
            return checked(found, broken[0], self.fairness, quiet=self.quiet)
        except ReplayError as wrong:
            raise Disagreement(f"z3 sees a lasso of {len(moves)} moves, and plain integers do not: {wrong}.") from None
