"""Liveness on the finite graph: what holds for ever in the end once nobody writes, and lassos where it does not.

After the last write only clients move (and a write that has begun ends). "Eventually for ever" fails exactly where a
fair infinite run, from a state that the design reaches, is outside the goal again and again: a fair cycle through a
state outside the goal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from model.design import Program
from model.errors import ModelError, UsageError
from model.expr import PAGES
from model.instance import Instance, Move, State
from model.verdict import UNDETERMINED

WRITERS = ("Guest", "Device")
STATES = 200_000
Action = tuple[str, int]  # label of a step and the number of the client that takes it


class TooManyStates(ModelError):
    """The graph is larger than what is kept."""

    exit_code = UNDETERMINED


@dataclass(frozen=True)
class Fairness:
    """What the scheduler owes to each client's steps.

    A step is the same whatever its parameters. Strong: a step that is possible again and again is taken again and
    again. Weak: a step that is possible all the time from some moment on is taken again and again.

    Attributes:
        kind: "strong", "weak" or "none", for every step.
        but: operations that get another kind than the others: {"collect": "none"}.
    """

    kind: str = "strong"
    but: Mapping[str, str] | None = None

    def of(self, operation: str) -> str:
        return (self.but or {}).get(operation, self.kind)


@dataclass(frozen=True)
class Lasso:
    """An infinite run: the moves of `stem` from the initial state, then those of `loop` for ever, by clients only.

    Attributes:
        loop: empty where nothing can happen any more.
    """

    instance: Instance
    stem: tuple[Move, ...]
    loop: tuple[Move, ...]
    states: tuple[State, ...]  # from the initial one to the end of the first round

    @property
    def rounds(self) -> Sequence[State]:
        """The states of the loop."""
        return self.states[len(self.stem) :]


def read(program: Program) -> Callable[[Instance, State], bool]:
    """Every client has read every write."""
    return _empty(program, lambda v: v == "unread")


def drained(program: Program) -> Callable[[Instance, State], bool]:
    """Every client has read every write, and every bitmap is empty."""
    kept = {v.name for v in program.variables if v.role == "part" and v.sort == PAGES}
    return _empty(program, kept.__contains__)


def _empty(program: Program, wanted: Callable[[str], bool]) -> Callable[[Instance, State], bool]:
    names = {v.name for v in program.variables if wanted(v.name)}
    return lambda instance, state: not any(v for f, v in zip(instance.fields, state, strict=True) if f.name in names)


GOALS = {"every_write_is_read": read, "bitmaps_drain": drained}


def lasso(instance: Instance, goal: Callable[[Instance, State], bool], fairness: Fairness) -> Lasso | None:
    """A fair run of clients that leaves the goal again and again after the last write, replayed; None where none is.

    Raises:
        TooManyStates: the graph does not fit.
        UsageError: threads of other kinds write, or nothing says what is unread.
    """
    _understood(instance.program)
    graph = _Graph(instance)
    outside = {i for i, state in enumerate(graph.states) if not goal(instance, state)}
    stuck = next((i for i in sorted(outside) if not graph.out[i]), None)
    if stuck is not None:
        return checked(graph.run(stuck, []), goal, fairness)
    for part in graph.components(set(range(len(graph.states)))):
        found = _fair(graph, part, outside, fairness)
        if found is not None:
            return checked(found, goal, fairness)
    return None


def _understood(program: Program) -> None:
    others = set(program.threads) - {*WRITERS, "Client", "Machine"}
    if others:
        raise UsageError(
            f"{program.name} has operations of {', '.join(sorted(others))}; that nobody writes any more is only known "
            f"of the guest and of devices."
        )
    if "unread" not in program.variable:
        raise UsageError(f"{program.name} has no `unread`, so it does not say which writes are still to be read.")


class _Graph:
    """Every reachable state, and the moves of clients between them."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.states, self.parent = [instance.initial], {0: (0, -1)}
        self.out: list[list[tuple[int, int]]] = []  # (move, target) of clients
        numbers = {instance.initial: 0}
        for i, state in enumerate(self.states):
            self.out.append([])
            for move, after in instance.successors(state):
                if after not in numbers:
                    numbers[after] = len(self.states)
                    self.parent[numbers[after]] = (i, move)
                    self.states.append(after)
                if not begins_a_write(instance.moves[move]):
                    self.out[i].append((move, numbers[after]))
            if len(self.states) > STATES:
                raise TooManyStates(
                    f"{instance.program.name} has more than {STATES:,} states at this size; ask for --pages 1."
                )

    @cached_property
    def actions(self) -> Sequence[Action]:
        return [action(m) for m in self.instance.moves]

    def enabled(self, i: int) -> set[Action]:
        return {self.actions[move] for move, _ in self.out[i]}

    def components(self, within: set[int]) -> list[list[int]]:
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

    def path(self, begin: int, within: set[int], wanted: Callable[[int, int, int], bool]) -> list[tuple[int, int, int]]:
        """The fewest edges (from, move, to) inside, the last of which is wanted."""
        came: dict[int, tuple[int, int, int] | None] = {begin: None}
        queue = [begin]
        for i in queue:
            for move, j in self.out[i]:
                if j in within and wanted(i, move, j):
                    return [*self._back(came, i), (i, move, j)]
                if j in within and j not in came:
                    came[j] = (i, move, j)
                    queue.append(j)
        raise AssertionError("a strongly connected part has a path to each of its edges")

    def _back(self, came: Mapping[int, tuple[int, int, int] | None], i: int) -> list[tuple[int, int, int]]:
        found: list[tuple[int, int, int]] = []
        while (edge := came[i]) is not None:
            found.append(edge)
            i = edge[0]
        return found[::-1]

    def run(self, at: int, loop: Sequence[int]) -> Lasso:
        """The shortest stem to a state, and the loop from there, executed on plain integers."""
        stem: list[int] = []
        while at:
            at, number = self.parent[at]
            stem.insert(0, number)
        instance = self.instance
        states = [instance.initial]
        taken = [instance.moves[n] for n in (*stem, *loop)]
        for move in taken:
            assert instance.enabled(move, states[-1]), "every edge of the graph is a move"
            states.append(instance.apply(move, states[-1]))
        return Lasso(instance, tuple(taken[: len(stem)]), tuple(taken[len(stem) :]), tuple(states))


def begins_a_write(move: Move) -> bool:
    """The guest or a device begins to write."""
    return move.ground.step.by in WRITERS and move.ground.step.first


def action(move: Move) -> Action:
    """Which step of which thread, whatever its parameters."""
    return move.ground.step.label, move.ground.thread


def _fair(graph: _Graph, part: list[int], outside: set[int], fairness: Fairness) -> Lasso | None:
    """A fair loop through a state outside the goal inside a strongly connected part (Streett emptiness)."""
    if not outside & set(part):
        return None
    inside = set(part)
    taken = {graph.actions[m] for i in part for m, j in graph.out[i] if j in inside}
    wronged: set[int] = set()
    for each in {a for i in part for a in graph.enabled(i)} - taken:
        owed = [i for i in part if each in graph.enabled(i)]
        kind = fairness.of(each[0].split(".")[0])
        if kind == "weak" and len(owed) == len(part):
            return None
        if kind == "strong":
            wronged |= set(owed)
    if not wronged:
        return _loop(graph, part, outside, fairness)
    for smaller in graph.components(inside - wronged):
        found = _fair(graph, smaller, outside, fairness)
        if found is not None:
            return found
    return None


def _loop(graph: _Graph, part: list[int], outside: set[int], fairness: Fairness) -> Lasso:
    """A loop that visits a state outside the goal and does for every step what fairness owes to it."""
    inside = set(part)
    begin = next(i for i in part if i in outside)
    taken = {graph.actions[m] for i in part for m, j in graph.out[i] if j in inside}
    edges: list[tuple[int, int, int]] = []

    def go(wanted: Callable[[int, int, int], bool]) -> None:
        if not any(wanted(*e) for e in edges):
            edges.extend(graph.path(edges[-1][2] if edges else begin, inside, wanted))

    for each in sorted({a for i in part for a in graph.enabled(i)}):
        if fairness.of(each[0].split(".")[0]) == "none":
            continue
        if each in taken:
            go(lambda i, m, j, each=each: graph.actions[m] == each)  # type: ignore[misc]
        else:
            go(lambda i, m, j, each=each: each not in graph.enabled(j))  # type: ignore[misc]
    if not edges:
        edges.extend(graph.path(begin, inside, lambda i, m, j: True))
    if edges[-1][2] != begin:
        edges.extend(graph.path(edges[-1][2], inside, lambda i, m, j: j == begin))
    return graph.run(begin, [move for _, move, _ in edges])


def checked(found: Lasso, goal: Callable[[Instance, State], bool], fairness: Fairness) -> Lasso:
    """The lasso, after judging it anew: the loop is closed, by clients, fair, and outside the goal somewhere."""
    instance, loop = found.instance, found.rounds
    assert loop[0] == loop[-1], "the loop ends where it begins"
    assert any(not goal(instance, s) for s in loop), "the loop leaves the goal"
    possible = [_possible(instance, s) for s in loop]
    taken = {action(m) for m in found.loop}
    assert not any(begins_a_write(m) for m in found.loop), "nobody writes in the loop"
    for each in set().union(*possible):
        kind = fairness.of(each[0].split(".")[0])
        owed = kind == "strong" or (kind == "weak" and all(each in p for p in possible))
        assert not owed or each in taken, f"the loop is unfair to {each}"
    assert found.loop or not possible[0], "where nothing happens nothing is possible"
    return found


def _possible(instance: Instance, state: State) -> set[Action]:
    """The steps that are enabled and begin no write, by the plain-integer interpreter."""
    return {action(m) for m in instance.moves if not begins_a_write(m) and instance.enabled(m, state)}
