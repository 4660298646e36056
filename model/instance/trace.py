"""Runs of an instance as moves: a shortest one to a violation, the one to show among equals, and its replay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from model.instance.breadth_first import BreadthFirst
from model.instance.instance import Instance, Move
from model.instance.state import Field, State
from model.program.program import Invariant


class ReplayError(Exception):
    """An engine's counterexample does not run on the plain-integer interpreter: a bug of ours, never shown."""


Violation = tuple[State, int | None]  # a state, and the element (client) for which the invariant fails in it


@dataclass(frozen=True)
class Trace:
    """A counterexample: moves from the initial state, and the invariant that the last state violates.

    Attributes:
        instance: the program at the sizes of the trace; `instance.fields` says what stands where in a state.
        moves: the steps in their order, each with its thread and its arguments.
        states: one more than moves; the first is the initial state. A set of pages is an integer, bit p for page p.
        number: the element (client) for which the invariant fails, or None.
    """

    instance: Instance
    moves: tuple[Move, ...]
    states: tuple[State, ...]
    invariant: Invariant
    number: int | None

    def __len__(self) -> int:
        return len(self.moves)

    def value(self, at: int, name: str, number: int | None = None) -> int:
        """A field in the state after `at` moves."""
        return self.states[at][self.instance.position[name, number]]

    def changes(self, at: int) -> Iterator[tuple[Field, int, int]]:
        """(field, before, after) of every field that move number `at` (from 1) changed."""
        for field, before, after in zip(self.instance.fields, self.states[at - 1], self.states[at], strict=True):
            if before != after:
                yield field, before, after

    @cached_property
    def broken(self) -> int | None:
        """Where the violated case stands among `instance.cases`."""
        return next((i for i, (k, _) in enumerate(self.instance.cases(self.invariant)) if k == self.number), None)


def replayed(trace: Trace) -> Trace:
    """The trace, after running it on the plain-integer interpreter.

    Raises:
        ReplayError: a move is not enabled, leads elsewhere, or the last state is fine, or an earlier one is not.
    """
    instance = trace.instance
    case = dict(instance.cases(trace.invariant))[trace.number]
    if trace.states[0] != instance.initial:
        raise ReplayError("the trace does not begin in the initial state")
    for i, move in enumerate(trace.moves):
        if not instance.enabled(move, trace.states[i]):
            raise ReplayError(f"move {i + 1}, {move.ground.step.label}, is not enabled")
        if instance.apply(move, trace.states[i]) != trace.states[i + 1]:
            raise ReplayError(f"move {i + 1}, {move.ground.step.label}, leads to another state")
        if not instance.value(case, trace.states[i]):
            raise ReplayError(f"the property is violated already before move {i + 1}")
    if instance.value(case, trace.states[-1]):
        raise ReplayError("the last state does not violate the property")
    return trace


def rank(move: Move) -> tuple[int, int]:
    """The fixed rule among equally short traces: collects as late as possible, the stop latest of all."""
    return {"collect": 1, "stop": 2}.get(move.ground.step.operation, 0), move.number


def shortest(
    instance: Instance, invariant: Invariant, prefer: Callable[[Sequence[Violation]], Sequence[Violation]] | None = None
) -> Trace | None:
    """A shortest trace to a violation, picked by the fixed rule: MIGRATION loses if it can, then `rank`.

    Args:
        prefer: picks some of all violations at the least depth; where it picks none, all of them count.

    Returns:
        A replayed trace, or None where no reachable state violates the invariant.
    """
    checks = [(k, instance.predicate(case)) for k, case in instance.cases(invariant)]
    levels: list[list[State]] = []
    for level in BreadthFirst([instance.initial], instance.successors).levels():
        levels.append(level)
        bad = [(s, k) for k, holds in checks for s in level if not holds(s)]
        if bad:
            chosen = prefer(bad) if prefer else bad
            number = (chosen or bad)[0][1]
            ends = {s for s, k in chosen or bad if k == number}
            return replayed(_walk_back(instance, levels, ends, invariant, number))
    return None


def _walk_back(
    instance: Instance, levels: Sequence[list[State]], bad: set[State], invariant: Invariant, number: int | None
) -> Trace:
    """Keep the states from which `bad` is still reached in time, then walk forward by rank."""
    useful = [bad]
    for level in reversed(levels[:-1]):
        useful.append({s for s in level if any(after in useful[-1] for _, after in instance.successors(s))})
    useful.reverse()
    state, moves, states = instance.initial, [], [instance.initial]
    for following in useful[1:]:
        options = [(instance.moves[n], after) for n, after in instance.successors(state) if after in following]
        move, state = min(options, key=lambda option: rank(option[0]))
        moves.append(move)
        states.append(state)
    return Trace(instance, tuple(moves), tuple(states), invariant, number)


@dataclass(frozen=True)
class Continuation:
    """What becomes of a trace afterwards: moves on `instance` from a given state.

    Attributes:
        complete: the search for it saw everything that can follow.
    """

    instance: Instance
    moves: tuple[Move, ...]
    states: tuple[State, ...]
    complete: bool = True


def onward(
    instance: Instance,
    start: State,
    wanted: Callable[[State], bool],
    may: Callable[[Move], bool] = lambda move: True,
    limit: int = 200_000,
) -> Continuation | None:
    """A shortest run from `start` to a state that is wanted, by rank among equals.

    Args:
        may: the moves that it may take.
        limit: states after which it is given up.

    Returns:
        The run; or one without moves and `complete=False` where the limit was reached; or None where none exists.
    """

    def by_rank(state: State) -> list[tuple[int, State]]:
        return sorted(
            ((n, after) for n, after in instance.successors(state) if may(instance.moves[n])),
            key=lambda option: rank(instance.moves[option[0]]),
        )

    walk = BreadthFirst([start], by_rank, lambda _: "enough" if len(walk.came) > limit else "")
    for state in walk:
        if wanted(state):
            numbers, states = walk.path(state)
            return Continuation(instance, tuple(instance.moves[n] for n in numbers), tuple(states))
    return Continuation(instance, (), (start,), complete=False) if walk.stopped else None


def carried_over(trace_state: State, source: Instance, target: Instance) -> State:
    """A state of one instance in the fields of another of the same design: fields that only it has start anew."""
    values = {f.key: v for f, v in zip(source.fields, trace_state, strict=True)}
    return tuple(values.get(f.key, f.initial) for f in target.fields)


def joined(trace: Trace, continuation: Continuation, invariant: Invariant, number: int | None) -> Trace:
    """`trace` and what follows, as one trace of the continuation's instance.

    Raises:
        ReplayError: the joined trace does not run.
    """
    instance = continuation.instance
    by_key = {m.key: m for m in instance.moves}
    moves = tuple(by_key[m.key] for m in trace.moves)
    states = [instance.initial]
    for move in moves:
        states.append(instance.apply(move, states[-1]))
    whole = Trace(instance, moves + continuation.moves, tuple(states) + continuation.states[1:], invariant, number)
    return replayed(whole)


def smaller_sizes(pages: int, sizes: dict[str, int]) -> Iterable[tuple[int, dict[str, int]]]:
    """Every smaller instance, smallest first: by pages and elements together, then by elements."""
    from itertools import product

    names = sorted(sizes)
    found = []
    for p in range(1, pages + 1):
        for values in product(*(range(1, sizes[n] + 1) for n in names)):
            if (p, values) != (pages, tuple(sizes[n] for n in names)):
                found.append((p + sum(values), values, p))
    return [(p, dict(zip(names, values, strict=True))) for _, values, p in sorted(found)]
