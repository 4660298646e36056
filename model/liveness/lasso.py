"""Infinite runs of an instance as lassos, what fairness owes to each step, and the judge of every lasso.

A run is infinite. Where no step is possible except that a write begins, it may stay as it is for ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from model.instance.ground_step import GroundStep
from model.instance.instance import Instance, Move
from model.instance.state import State
from model.instance.trace import ReplayError
from model.liveness.goal import BEGIN_WRITES, Case
from model.program.program import Program
from model.program.step import Step

Action = tuple[str, int]  # label of a step and the number of the thread that takes it


@dataclass(frozen=True)
class Fairness:
    """What the scheduler owes to each step of each thread; to the beginning of a write it owes nothing.

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

    def owed(self, instance: Instance) -> dict[Action, str]:
        """The kind for every action of an instance, in the order of its moves."""
        return {
            action(g): "none" if begins_a_write(instance.program, g.step) else self.of(g.step.operation)
            for g in instance.steps
        }


@dataclass(frozen=True)
class Lasso:
    """An infinite run: the moves of `stem` from the initial state, then those of `loop` for ever.

    Attributes:
        loop: empty where nothing but the beginning of a write is possible any more, and nobody writes.
        states: from the initial one to the end of the first round of the loop.
    """

    instance: Instance
    stem: tuple[Move, ...]
    loop: tuple[Move, ...]
    states: tuple[State, ...]

    @property
    def rounds(self) -> Sequence[State]:
        """The states of the loop."""
        return self.states[len(self.stem) :]

    @property
    def moves(self) -> tuple[Move, ...]:
        """Those of the stem, then one round of the loop."""
        return self.stem + self.loop


def begins_a_write(program: Program, step: Step) -> bool:
    """The guest or a device begins to write, or threads of another kind do what makes a page unread."""
    return step.first and (step.by in BEGIN_WRITES or step.operation in program.writing)


def action(ground: GroundStep) -> Action:
    """Which step of which thread, whatever its parameters."""
    return ground.step.label, ground.thread


def executed(instance: Instance, stem: Sequence[Move], loop: Sequence[Move]) -> Lasso:
    """The lasso with these moves, run on plain integers.

    Raises:
        ReplayError: a move is not possible where it is taken.
    """
    states = [instance.initial]
    for number, move in enumerate((*stem, *loop), 1):
        if not instance.enabled(move, states[-1]):
            raise ReplayError(f"move {number}, {move.ground.step.label}, is not enabled")
        states.append(instance.apply(move, states[-1]))
    return Lasso(instance, tuple(stem), tuple(loop), tuple(states))


def checked(found: Lasso, case: Case, fairness: Fairness, *, quiet: bool) -> Lasso:
    """The lasso, after running stem and loop again and judging them anew on plain integers.

    Args:
        quiet: nobody may begin a write in the loop.

    Raises:
        ReplayError: it is no run, the loop is not closed or unfair, or the property is kept.
    """
    instance, loop = found.instance, found.rounds
    if executed(instance, found.stem, found.loop).states != found.states:
        raise ReplayError("the lasso leads through other states")
    if loop[0] != loop[-1]:
        raise ReplayError("the loop does not end where it begins")
    if not case.broken_by(instance, found.states, len(found.stem)):
        raise ReplayError("the run keeps the property")
    if quiet and any(begins_a_write(instance.program, m.ground.step) for m in found.loop):
        raise ReplayError("somebody writes in the loop")
    _fair(found, fairness.owed(instance))
    return found


def _fair(found: Lasso, owed: Mapping[Action, str]) -> None:
    possible = [possible_in(found.instance, s) for s in found.rounds]
    taken = {action(m.ground) for m in found.loop}
    if not found.loop and possible[0]:
        raise ReplayError("the run stops where something is possible")
    for each in set().union(*possible) - taken:
        if owed[each] == "strong" or (owed[each] == "weak" and all(each in p for p in possible)):
            raise ReplayError(f"the loop is unfair to {each}")


def possible_in(instance: Instance, state: State) -> set[Action]:
    """The steps that are enabled and begin no write, by the plain-integer interpreter."""
    moves = (m for m in instance.moves if not begins_a_write(instance.program, m.ground.step))
    return {action(m.ground) for m in moves if instance.enabled(m, state)}
