"""Liveness on the finite graph: every reachable state is built, and a fair loop that breaks the property is looked for.

A loop that meets (or never leaves) the bad states and does for every step what fairness owes to it lies inside one
strongly connected part. Where a part never takes a step that it owes, the states where that step is possible are left
out, and the parts of what remains are looked at.

Source: emptiness of Streett automata, after Emerson and Lei, "Modalities for model checking", POPL 1985.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from time import monotonic
from typing import Any

from model.instance.breadth_first import BreadthFirst
from model.instance.instance import Instance
from model.instance.state import State
from model.limits import Limits, Progress
from model.liveness.goal import Asked, Case
from model.liveness.lasso import Action, Fairness, Lasso, action, begins_a_write, checked, executed
from model.verdict import Proved, Refuted, Undetermined, Verdict

STATES = 200_000  # kept where nobody says how many
TELL = 2_000  # states between two reports
Edge = tuple[int, int, int]  # from, number of the move, to


def search(instance: Instance, asked: Asked, fairness: Fairness, limits: Limits | None = None) -> Verdict:
    """Decide what is asked of all fair infinite runs of the instance.

    Args:
        instance: of `asked.program`, at given sizes.
        limits: states, 200,000 by default, and seconds.

    Returns:
        Proved(states, transitions, detail=bad states of all cases); Refuted(states, depth, detail=Lasso), checked,
        whose depth counts the moves of stem and loop, not always the fewest; or Undetermined(reason) where the graph
        does not fit.
    """
    limits, begin = limits or Limits(), monotonic()
    cases, graph = asked.cases(instance), _Graph(instance, asked.quiet)

    def answer(kind: type[Verdict], **more: object) -> Verdict:
        size = {"states": len(graph.walk.came), "transitions": graph.walk.edges, "seconds": monotonic() - begin}
        return kind(engine="graph", **size, **more)  # type: ignore[arg-type]

    try:
        if stop := graph.build(limits, begin):
            return answer(Undetermined, reason=stop)
        bad = [graph.where(case) for case in cases]
        for case, states in zip(cases, bad, strict=True):
            found = _lasso(graph, case, states, fairness)
            if found is not None:
                return answer(Refuted, depth=len(found.moves), detail=found)
    except KeyboardInterrupt:
        return answer(Undetermined, reason="interrupted", interrupted=True)
    return answer(Proved, detail=sum(map(len, bad)))


def _lasso(graph: _Graph, case: Case, bad: set[int], fairness: Fairness) -> Lasso | None:
    """A fair run that breaks the property in this way, checked, or None where there is none."""
    owed = fairness.owed(graph.instance)
    stuck = next((i for i in sorted(bad) if not graph.possible(i)), None)
    if stuck is not None:
        return checked(graph.run(stuck, []), case, fairness, quiet=graph.quiet)
    for part in graph.components(bad if case.stays else range(len(graph.states))):
        found = _fair(graph, part, bad, owed)
        if found is not None:
            return checked(found, case, fairness, quiet=graph.quiet)
    return None


class _Graph:
    """Every reachable state, and the moves that a loop may take.

    Attributes:
        quiet: a loop takes no beginning of a write.
        out: for each state, (move, target).
    """

    def __init__(self, instance: Instance, quiet: bool) -> None:
        self.instance, self.quiet = instance, quiet
        self.edges: dict[State, list[tuple[int, State]]] = {}
        self.walk = BreadthFirst([instance.initial], self._successors)
        self.states: list[State] = []
        self.told = 0
        self.out: list[list[tuple[int, int]]] = []

    def build(self, limits: Limits, begin: float) -> str:
        """Visit every reachable state, nearest first; why that was given up, or an empty string."""
        most = STATES if limits.states is None else limits.states

        def stop(_: State) -> str:
            if limits.report and len(self.walk.came) >= self.told + TELL:
                self.told = len(self.walk.came)
                limits.report(Progress("graph", self.told, 0))
            if len(self.walk.came) > most:
                return f"the graph has more than {most:,} states at this size; ask for fewer --pages or --clients"
            return limits.reached(0, begin)

        self.walk.visit = stop
        if self.walk.finished():
            number = {state: i for i, state in enumerate(self.walk.came)}
            self.states = list(number)
            writes = self.writes if self.quiet else [False] * len(self.instance.moves)
            self.out = [[(m, number[t]) for m, t in self.edges[s] if not writes[m]] for s in number]
        return self.walk.stopped

    def _successors(self, state: State) -> list[tuple[int, State]]:
        if state not in self.edges:
            self.edges[state] = list(self.instance.successors(state))
        return self.edges[state]

    def where(self, case: Case) -> set[int]:
        """The states that are bad."""
        is_bad = self.instance.predicate(case.bad)
        return {i for i, state in enumerate(self.states) if is_bad(state)}

    @cached_property
    def actions(self) -> list[Action]:
        return [action(m.ground) for m in self.instance.moves]

    @cached_property
    def writes(self) -> list[bool]:
        """For each move, whether it begins a write."""
        return [begins_a_write(self.instance.program, m.ground.step) for m in self.instance.moves]

    def possible(self, i: int) -> set[Action]:
        """The steps that are possible in a state and begin no write."""
        return {self.actions[move] for move, _ in self.out[i] if not self.writes[move]}

    def components(self, within: Collection[int]) -> list[list[int]]:
        """Strongly connected parts that have an edge of their own, each with its states in order."""
        import numpy as np
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        order = sorted(within)
        place = {i: k for k, i in enumerate(order)}
        edges = [(place[i], place[j]) for i in order for _, j in self.out[i] if j in place]
        if not edges:
            return []
        rows, columns = np.array(edges, dtype=np.int64).T
        matrix: Any = coo_array((np.ones(len(edges), dtype=np.int8), (rows, columns)), shape=(len(order), len(order)))
        _, labels = connected_components(matrix, directed=True, connection="strong")
        inside = {int(label) for label in labels[rows[labels[rows] == labels[columns]]]}
        parts: dict[int, list[int]] = {label: [] for label in sorted(inside)}
        for i, label in zip(order, labels, strict=True):
            if int(label) in parts:
                parts[int(label)].append(i)
        return list(parts.values())

    def path(self, begin: int, within: set[int], wanted: Callable[[int, int, int], bool]) -> list[Edge]:
        """The fewest edges inside, the last of which is wanted."""
        walk = BreadthFirst([begin], lambda i: [(move, j) for move, j in self.out[i] if j in within])
        for i in walk:
            for move, j in walk.successors(i):
                if wanted(i, move, j):
                    moves, states = walk.path(i)
                    return [*zip(states, moves, states[1:], strict=False), (i, move, j)]
        raise AssertionError("a strongly connected part has a path to each of its edges")

    def run(self, at: int, loop: list[int]) -> Lasso:
        """The shortest stem to a state, and the loop from there, executed on plain integers."""
        stem, moves = self.walk.path(self.states[at])[0], self.instance.moves
        return executed(self.instance, [moves[n] for n in stem], [moves[n] for n in loop])


def _fair(graph: _Graph, part: list[int], bad: set[int], owed: Mapping[Action, str]) -> Lasso | None:
    """A fair loop through a bad state inside a strongly connected part."""
    if not bad & set(part):
        return None
    inside = set(part)
    taken = {graph.actions[m] for i in part for m, j in graph.out[i] if j in inside}
    wronged: set[int] = set()
    for each in {a for i in part for a in graph.possible(i)} - taken:
        where = [i for i in part if each in graph.possible(i)]
        if owed[each] == "weak" and len(where) == len(part):
            return None
        if owed[each] == "strong":
            wronged |= set(where)
    if not wronged:
        return _loop(graph, part, bad, owed)
    for smaller in graph.components(inside - wronged):
        found = _fair(graph, smaller, bad, owed)
        if found is not None:
            return found
    return None


def _loop(graph: _Graph, part: list[int], bad: set[int], owed: Mapping[Action, str]) -> Lasso:
    """A loop that visits a bad state and does for every step what fairness owes to it."""
    inside = set(part)
    begin = next(i for i in part if i in bad)
    taken = {graph.actions[m] for i in part for m, j in graph.out[i] if j in inside}
    edges: list[Edge] = []

    def go(wanted: Callable[[int, int, int], bool]) -> None:
        if not any(wanted(*e) for e in edges):
            edges.extend(graph.path(edges[-1][2] if edges else begin, inside, wanted))

    for each in sorted({a for i in part for a in graph.possible(i)}):
        if owed[each] == "none":
            continue
        if each in taken:
            go(lambda i, m, j, each=each: graph.actions[m] == each)  # type: ignore[misc]
        else:
            go(lambda i, m, j, each=each: each not in graph.possible(j))  # type: ignore[misc]
    if not edges:
        edges.extend(graph.path(begin, inside, lambda i, m, j: True))
    if edges[-1][2] != begin:
        edges.extend(graph.path(edges[-1][2], inside, lambda i, m, j: j == begin))
    return graph.run(begin, [move for _, move, _ in edges])
