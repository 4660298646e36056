"""A few clauses in place of a table of views: inductive by themselves, and enough for the property.

Every clause is true of the whole table. What a solver finds to lead out of the clauses is excluded by the widest clause
that the table allows; as the table is closed, something of it always can be. What no condition needs is dropped.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations, product
from time import monotonic
from typing import Any

import numpy as np
import z3

from model.errors import CannotSay
from model.limits import Limits
from model.parametric.logic import TRUE, Formula, conj, neg
from model.parametric.solver import Question
from model.parametric.views.formulas import Bits, Clause, Words
from model.parametric.views.scene import Group, Scene, Shape, Situation
from model.parametric.views.situations import Situations

Key = tuple[Shape, Group]
Point = dict[tuple[Any, ...], int]  # where a value stands -> the value
MOST = 400  # clauses


def few_clauses(
    protocol: Mapping[str, Any], views: Mapping[str, Any], limits: Limits
) -> Mapping[Clause, tuple[str, ...]]:
    """Clauses that prove what the table proves, and which rules and violations need each.

    Raises:
        CannotSay: there are too many, or the limits were reached.
    """
    situations = Situations.of_views(protocol, views)
    return _Search(situations, Tables(situations.words, views), limits).clauses()


class Tables:
    """The views as rows of numbers, one table for each kind of holders and of free processes beside them."""

    def __init__(self, words: Words, views: Mapping[str, Any]) -> None:
        self.words = words
        locals_ = [(s, tuple(v)) for s, v in views["locals"]]
        shared = [(tuple(v), [locals_[m] for m in h]) for v, h in views["shared"]]
        found: dict[Key, set[tuple[int, ...]]] = defaultdict(set)
        for number, beside in views["rows"]:
            values, holders = shared[number]
            if words.counted:
                there = {locals_[m]: n for m, n in beside}
                values, beside = (*values, *(there.get(m, 0) for m in words.counted)), []
            for held in set(permutations(holders)):
                shape = tuple(s for s, _ in held)
                if list(shape) != sorted(shape):
                    continue
                front = (*values, *(x for _, v in held for x in v))
                if views["kind"] != "two":
                    found[shape, ()].add(front)
                for group in beside:
                    for who in set(permutations([locals_[m] for m in group])):
                        about = tuple(s for s, _ in who)
                        if list(about) == sorted(about):
                            found[shape, about].add((*front, *(x for _, v in who for x in v)))
        self.rows = {key: np.array(sorted(rows), dtype=np.int32) for key, rows in found.items()}

    def columns(self, key: Key) -> list[tuple[tuple[Any, ...], Any]]:
        """(where, sort of the field) of each column of a table."""
        shape, about = key
        found: list[tuple[tuple[Any, ...], Any]] = [(("S", n), k) for n, (_, k) in enumerate(self.words.shared)]
        for letter, people in (("H", shape), ("O", about)):
            for i, sort in enumerate(people):
                found += [((letter, i, n), k) for n, (_, k) in enumerate(self.words.local[sort])]
        return found

    def excluding(self, key: Key, point: Point) -> Clause | None:
        """A clause with few literals, true of every row and false of the point; None where the point is a row."""
        columns = self.columns(key)
        rows = self.rows.get(key, np.zeros((0, len(columns)), np.int32))
        differ = np.array([rows[:, n] != point[where] for n, (where, _) in enumerate(columns)]).T.reshape(len(rows), -1)
        outside = differ.sum(axis=1)
        if (outside == 0).any():
            return None
        cube = {n: {point[where]} for n, (where, _) in enumerate(columns)}
        for n in self._order(columns):
            if ((outside - differ[:, n]) > 0).all():
                outside -= differ[:, n]
                del cube[n]
        for n, inside in cube.items():
            for v in self.words.values(columns[n][1]):
                gone = outside - (rows[:, n] == v)
                if v not in inside and (gone > 0).all():
                    outside = gone
                    inside.add(v)
        literals = tuple(
            (columns[n][0], tuple(v for v in self.words.values(columns[n][1]) if v not in inside))
            for n, inside in sorted(cube.items())
        )
        return Clause(*key, literals)

    @staticmethod
    def _order(columns: Sequence[tuple[tuple[Any, ...], Any]]) -> list[int]:
        """Columns that are dropped first: registers and what holders have, last of all places and what is free."""
        rank = {"H": 0, "S": 1, "O": 2}
        return sorted(range(len(columns)), key=lambda n: (isinstance(columns[n][1], list), rank[columns[n][0][0]], -n))


class _Search:
    def __init__(self, situations: Situations, tables: Tables, limits: Limits) -> None:
        self.situations, self.tables, self.limits = situations, tables, limits
        self.begin = monotonic()
        self.found: dict[Clause, None] = {}
        self.asked = [_Asked(situations, s) for s in situations.all()]

    def clauses(self) -> Mapping[Clause, tuple[str, ...]]:
        todo = list(self.asked)
        while todo:
            again = [a for a in todo if self.closed(a)]
            todo = list(self.asked) if again else []
        return self.needed()

    def closed(self, asked: _Asked) -> bool:
        """Add clauses until the situation leads nowhere else; whether any was added."""
        added = False
        while (world := asked.counterexample(self.found)) is not None:
            added = True
            self.exclude(asked, world)
            if len(self.found) > MOST:
                raise CannotSay(f"more than {MOST} clauses")
            if reason := self.limits.reached(0, self.begin):
                raise CannotSay(f"no clauses: {reason}")
        return added

    def exclude(self, asked: _Asked, world: Any) -> None:
        scene = asked.situation.before
        assert scene is not None, "no start is outside of the views"
        for group in scene.groups(self.situations.size):
            key = scene.shape, tuple(p.sort for p in group)
            clause = self.tables.excluding(key, asked.point(world, group))
            if clause is not None:
                self.found[clause] = None
                return
        raise CannotSay(f"the views are not closed: {asked.situation.name}")

    def needed(self) -> Mapping[Clause, tuple[str, ...]]:
        """Those that the property needs, and those that these need, and so on; with the rules that do."""
        by: dict[Clause, dict[str, None]] = defaultdict(dict)
        work: list[Clause | None] = [None]
        known: set[Clause | None] = set()
        while work:
            if (clause := work.pop()) in known:
                continue
            known.add(clause)
            for asked in self.asked:
                if clause is None or asked.situation.after is not None:
                    core = asked.core(self.found, clause)
                    work += core
                    for needed in core:
                        by[needed][asked.situation.name] = None
        return {c: tuple(by[c]) for c in self.found if c in by}


class _Asked:
    """A situation and what z3 knows of it."""

    def __init__(self, situations: Situations, situation: Situation) -> None:
        self.situation, self.words, self.size = situation, situations.words, situations.size
        self.question = Question((), dict.fromkeys(situation.words, ()), ())
        self.solver = z3.Solver(ctx=self.question.context)
        self.solver.add(*(self.question.value(f) for f in situation.known.values()))
        self.marks: dict[Clause, list[Any]] = {}
        self.goals: dict[Clause, Formula] = {}

    def suppose(self, clause: Clause) -> None:
        """Let the clause hold before, where a mark of its own says so."""
        if clause in self.marks:
            return
        self.marks[clause] = []
        said = conj(*instances(self.words, self.size, clause, self.situation.before))
        if said is not TRUE:
            mark = z3.Bool(f"clause {len(self.marks)}", self.question.context)
            self.solver.add(z3.Implies(mark, self.question.value(said)))
            self.marks[clause] = [mark]

    def goal(self, clause: Clause) -> Formula:
        """The clause holds afterwards."""
        if clause not in self.goals:
            assert self.situation.after is not None
            self.goals[clause] = conj(*instances(self.words, self.size, clause, self.situation.after))
        return self.goals[clause]

    def _check(self, clauses: Mapping[Clause, None], goal: Formula) -> bool:
        for clause in clauses:
            self.suppose(clause)
        marks = [m for c in clauses for m in self.marks[c]]
        wrong = z3.Bool(f"goal {id(goal)}", self.question.context)
        self.solver.add(z3.Implies(wrong, self.question.value(neg(goal))))
        return bool(self.solver.check(*marks, wrong) == z3.sat)

    def counterexample(self, clauses: Mapping[Clause, None]) -> Any:
        """A model in which the clauses hold before and not after, or None."""
        known = () if self.situation.after is None else map(self.goal, clauses)
        goal = conj(self.situation.also, *known)
        return self.solver.model() if goal is not TRUE and self._check(clauses, goal) else None

    def core(self, clauses: Mapping[Clause, None], clause: Clause | None) -> list[Clause]:
        """Clauses because of which that one holds afterwards, or the violation cannot be."""
        goal = self.situation.also if clause is None else self.goal(clause)
        if goal is TRUE:
            return []
        if self._check(clauses, goal):
            raise CannotSay(f"the clauses are not closed: {self.situation.name}")
        core = {m.get_id() for m in self.solver.unsat_core()}
        return [c for c in clauses if any(m.get_id() in core for m in self.marks[c])]

    def point(self, world: Any, group: Sequence[Any]) -> Point:
        """What the model says of the shared part, those who hold locks, and these."""
        scene = self.situation.before
        assert scene is not None
        found: Point = {}
        for n, (_, kind) in enumerate(self.words.shared):
            found["S", n] = self._number(world, kind, scene.shared[n])
        for letter, people in (("H", scene.holders), ("O", group)):
            for i, person in enumerate(people):
                for n, (_, kind) in enumerate(self.words.local[person.sort]):
                    found[letter, i, n] = self._number(world, kind, person.fields[n])
        return found

    def _number(self, world: Any, kind: Any, bits: Bits) -> int:
        true = [bool(z3.is_true(world.eval(self.question.value(f), model_completion=True))) for f in bits]
        return true.index(True) if isinstance(kind, list) else sum(yes << n for n, yes in enumerate(true))


def instances(words: Words, size: int, clause: Clause, scene: Scene | None) -> Iterator[Formula]:
    """The clause, of each group of free processes that it may speak of, and each order of those who hold locks."""
    if scene is None or scene.shape != clause.shape:
        return
    for group in scene.groups(size):
        if tuple(p.sort for p in group) == clause.about:
            yield from _turned(words, clause, scene, group)


def _turned(words: Words, clause: Clause, scene: Scene, group: Sequence[Any]) -> Iterator[Formula]:
    for held, who in product(permutations(scene.holders), permutations(group)):
        same = [h.sort for h in held] == list(clause.shape) and [p.sort for p in who] == list(clause.about)
        if same:
            yield Scene(scene.shared, held, ()).says(words, clause, who)
