"""Finding an inductive invariant of universally quantified clauses.

Three things take turns, in the family of IC3 over diagrams (UPDR):

1. Houdini: start from every clause of two literals that all sampled states satisfy.
2. A state that must not be, because it violates the property or leads out of the clauses, is looked at through a
   small window; the least clauses that exclude it and that all samples satisfy are candidates, and one that is
   inductive beside the others is taken first.
3. Where no clause excludes the state, it counts as reachable from now on, and every clause that it or its successor
   violates goes.

Samples are states of small instances that a breadth-first search has reached; without them the search still ends, as
the start and the states of (3) take their place. Nothing here is trusted: what is found is proved again from the
definition, one question at a time.

Source: Flanagan, Leino, "Houdini", FME 2001; Karbyshev, Bjorner, Itzhaky, Rinetzky, Shoham, "Property-directed
inference of universal invariants", J. ACM 64(1), 2017; Garg, Loding, Madhusudan, Neider, "ICE", CAV 2014.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import z3

from model.parametric.clauses import Bits, Clause, Signature, World
from model.parametric.inference.candidates import agrees, hitting_sets, minimal_sets, short_clauses, windows
from model.parametric.inference.finite_model import Ground, Move
from model.parametric.logic import Formula, Structure, neg, truth
from model.parametric.reading import Reading
from model.parametric.samples import Samples, numbers

LONGEST = 8  # literals of a clause that a window is searched for
TRIED = 12  # candidates of one length that are tested for being inductive


@dataclass(eq=False)
class Stuck(Exception):
    """No clause excludes this state, and yet it violates the property or leads to what does.

    Attributes:
        world: the state, as relations, with one axis of states in front.
        after: the state that the step leads to, or None where `world` itself violates the property.
        step: the label of that step.
    """

    world: World
    sizes: Mapping[str, int]
    after: World | None
    step: str


class OutOfLuck(Exception):
    """The attempt took in as many clauses as it may; another one may choose better."""


class OutOfTime(Exception):
    """The limit was reached before an invariant was found; `last` is the last state that led out of the clauses."""

    def __init__(self, last: Stuck | None = None) -> None:
        super().__init__()
        self.last = last


@dataclass
class Search:
    """The clauses in force, and why each question about them was answered as it was."""

    reading: Reading
    property: Formula
    samples: Samples
    grounds: Sequence[Ground]  # the largest first; small ones for what depends on there being nobody else
    late: Callable[[], bool]
    attempt: int = 0
    budget: int = 40
    taken: int = 0
    last: Stuck | None = None
    clauses: list[Clause] = field(default_factory=list)
    cores: dict[tuple[Clause, int], frozenset[Clause]] = field(default_factory=dict)
    wanted: frozenset[Clause] = frozenset()
    questions: int = 0

    # -- the loop

    def run(self) -> list[Clause]:
        """Clauses that are inductive at the solver's size and imply the property there.

        Raises:
            Stuck: a state that no clause excludes violates the property or leads to what does.
            OutOfLuck: `budget` clauses were taken in.
            OutOfTime: the limit was reached.
        """
        self.clauses = self.start()
        while True:
            if self.late():
                raise OutOfTime(self.last)
            if (bad := self._violation()) is not None:
                self._block(bad)
            elif (found := self._escape()) is None:
                return self.clauses
            else:
                self._escaped(*found)

    def start(self) -> list[Clause]:
        """Every clause of one or two literals that the samples satisfy, none implied by a shorter one."""
        window = self.windows[0]
        found: dict[Clause, None] = {}
        for clause in short_clauses(window, self.samples.rows(window)):
            if self.late():
                raise OutOfTime(self.last)
            found[clause.canonical()] = None
        return list(found)

    @cached_property
    def moves(self) -> list[tuple[Ground, Move]]:
        """Every move at every size."""
        return [(ground, move) for ground in self.grounds for move in ground.moves]

    def _bad(self, ground: Ground) -> Any:
        return ground.flag("the property fails", neg(self.property))

    def _violation(self) -> Ground | None:
        return next((g for g in self.grounds if self._ask(g, [self._bad(g)]) == z3.sat), None)

    def _escape(self) -> tuple[Ground, Move] | None:
        """A move that leads out of some clause; nothing where all clauses are inductive."""
        for number, (ground, move) in enumerate(self.moves):
            for clause in self.clauses:
                if (clause, number) in self.cores:
                    continue
                flag = ground.broken(move, clause)
                if flag is not None and self._ask(ground, [move.flag, flag]) == z3.sat:
                    return ground, move
                self.cores[clause, number] = self._core(ground) if flag is not None else frozenset()
        return None

    def _ask(self, ground: Ground, extra: list[Any], clauses: Iterable[Clause] | None = None) -> Any:
        self.questions += 1
        kept = self.clauses if clauses is None else clauses
        return ground.check(*(ground.holds(c) for c in kept), *extra)

    def _core(self, ground: Ground) -> frozenset[Clause]:
        named = (ground.clause_of.get(f.get_id()) for f in ground.solver.unsat_core())
        return frozenset(c for c in named if c is not None)

    # -- taking clauses in, and giving them up

    def _escaped(self, ground: Ground, move: Move) -> None:
        before, after = ground.world(), ground.world(move)
        self.last = Stuck(before, ground.sizes, after, move.transition.label)
        if self._exclude(before, ground.sizes):
            return
        if self.violates(after, ground.sizes):
            raise self.last
        self._allow(before, ground.sizes)
        self._allow(after, ground.sizes)

    def _block(self, ground: Ground) -> None:
        world = ground.world()
        if not self._exclude(world, ground.sizes):
            raise Stuck(world, ground.sizes, None, "")

    def violates(self, world: World, sizes: Mapping[str, int]) -> bool:
        """The property fails in this state."""

        def holds(relation: str, ns: tuple[int, ...]) -> bool:
            return bool(world[relation][(0, *ns)])

        return not truth(self.property, Structure(sizes, holds, numbers(self.reading)))

    def _allow(self, world: World, sizes: Mapping[str, int]) -> None:
        """Take the state for reachable, and drop every clause that it violates."""
        self.samples.add(world, sizes)
        gone = {c for c in self.clauses if not agrees(c, self.samples, self.windows)}
        self.clauses = [c for c in self.clauses if c not in gone]
        self.cores = {k: core for k, core in self.cores.items() if not core & gone and k[0] not in gone}

    def _exclude(self, world: World, sizes: Mapping[str, int]) -> bool:
        """Take in a clause that this state violates and the samples satisfy; False where there is none."""
        options = self.candidates(world, sizes)
        if not options:
            return False
        if self.taken >= self.budget:
            raise OutOfLuck
        self.taken += 1
        self.clauses.append(self._best(options))
        return True

    def _best(self, options: Sequence[Clause]) -> Clause:
        """The first that is inductive beside the others, else one that the fewest moves break."""
        fewest, best = len(self.moves) + 1, options[0]
        for clause in options:
            broken = self._breaking(clause, fewest)
            if broken < fewest:
                fewest, best = broken, clause
            if not fewest:
                break
        return best

    def _breaking(self, clause: Clause, enough: int) -> int:
        """How many moves break the clause beside the others; counts no further than `enough`."""
        beside, broken = [*self.clauses, clause], 0
        for ground, move in self.moves:
            flag = ground.broken(move, clause)
            broken += flag is not None and self._ask(ground, [move.flag, flag], beside) != z3.unsat
            if broken >= enough or self.late():
                break
        return broken

    # -- keeping what is needed

    def trim(self) -> None:
        """Drop every clause without which the others are inductive and imply the property all the same."""
        self.wanted = self._wanted(self.clauses) or frozenset()
        self._keep_needed()
        for clause in sorted(self.clauses, key=lambda c: (-len(c.literals), str(c.ordered))):
            if clause in self.clauses:
                self._try_without(clause)

    def _wanted(self, clauses: Sequence[Clause]) -> frozenset[Clause] | None:
        """Clauses from which the property follows, or None where it does not follow from these."""
        found: frozenset[Clause] = frozenset()
        for ground in self.grounds:
            if self._ask(ground, [self._bad(ground)], clauses) != z3.unsat:
                return None
            found |= self._core(ground)
        return found

    def _keep_needed(self) -> None:
        kept, more = set(self.wanted), list(self.wanted)
        while more:
            clause = more.pop()
            for number in range(len(self.moves)):
                new = self.cores[clause, number] - kept
                kept |= new
                more += new
        self.clauses = [c for c in self.clauses if c in kept]
        self.cores = {k: core for k, core in self.cores.items() if k[0] in kept}

    def _try_without(self, clause: Clause) -> None:
        if clause in self.wanted:
            wanted = self._wanted([c for c in self.clauses if c != clause])
            if wanted is None:
                return
        else:
            wanted = self.wanted
        rest, found = [c for c in self.clauses if c != clause], {}
        for (other, number), core in self.cores.items():
            if other == clause or clause not in core:
                continue
            ground, move = self.moves[number]
            if self._ask(ground, [move.flag, ground.broken(move, other)], rest) != z3.unsat:
                return
            found[other, number] = self._core(ground)
        self.clauses, self.wanted = rest, wanted
        self.cores.update(found)
        self._keep_needed()

    def needed_by(self, clause: Clause) -> list[str]:
        """Labels of the steps that would break another clause without this one, and "property"."""
        labels = [m.transition.label for _, m in self.moves]
        used = {labels[n] for (other, n), core in self.cores.items() if clause in core and other != clause}
        own = ["the property itself"] if clause in self.wanted else []
        return [*own, *(x for x in dict.fromkeys(labels) if x in used)]

    def impossible(self) -> list[str]:
        """Labels of steps that no state of this size allows where the clauses hold."""
        able = {m.transition.label for g, m in self.moves if self._ask(g, [m.flag]) == z3.sat}
        return [t.label for t in self.reading.transitions if t.label not in able]

    # -- candidates

    @cached_property
    def windows(self) -> Sequence[Signature]:
        """Small windows first; the last shows the whole state."""
        return windows(self.reading, self.grounds[0].sizes)

    def candidates(self, world: World, sizes: Mapping[str, int]) -> list[Clause]:
        """The shortest clauses, and those of one literal more, that exclude the state and agree with the samples.

        From the first window that has any.
        """
        for window in windows(self.reading, sizes):
            shown = window.rows(world, sizes, numbers(self.reading))
            rows = self.samples.rows(window)
            differs = [(x, minimal_sets(rows != x)) for x in shown]
            for length in range(1, LONGEST + 1):
                found = self._cuts(window, differs, length)
                if found:
                    return found[:TRIED] + self._cuts(window, differs, length + 1)[:TRIED]
        return []

    def _cuts(self, window: Signature, differs: Sequence[tuple[Bits, list[int]]], length: int) -> list[Clause]:
        found = [
            Clause(frozenset((window.atoms[a], not x[a]) for a in cut)).canonical()
            for x, d in differs
            for cut in hitting_sets(d, length)
        ]
        agreed = (c for c in dict.fromkeys(found) if agrees(c, self.samples, self.windows))  # in smaller windows too
        return sorted(agreed, key=lambda c: (len(c.variables), self._rank(c)))

    def _rank(self, clause: Clause) -> str:
        """Among equals, another order in each attempt."""
        return (
            hashlib.sha256(f"{self.attempt} {clause.ordered}".encode()).hexdigest()
            if self.attempt
            else str(clause.ordered)
        )
