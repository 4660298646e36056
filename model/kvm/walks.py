"""Runs of designs without a counterexample on model and kernel: to the deepest states, and random walks."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod

from model.errors import CannotSay
from model.expr import Client
from model.instance.breadth_first import BreadthFirst
from model.instance.codegen import Successors, compiled
from model.instance.instance import Instance, Move
from model.instance.locations import at as location
from model.instance.state import State
from model.kvm.acts import Acts
from model.kvm.bench import STRIDE, Bench, bench
from model.kvm.replay import Judge, perform, shown
from model.kvm.script import scripted, setup_of
from model.program.program import Invariant

Taken = tuple[Move, State]  # a move, and the state after it


class Stage:
    """An instance on a bench of its own, where runs are performed one after the other."""

    def __init__(self, acts: Acts, on: Bench) -> None:
        self.acts, self.instance, self.on = acts, acts.instance, on

    def rehearse(self, taken: Sequence[Taken]) -> tuple[str, State]:
        """Perform a run; returns where model and kernel differed ("" if nowhere), and its last state as it was seen.

        Raises:
            CannotSay: it is no run that KVM has ioctls for.
        """
        states = [self.instance.initial, *(state for _, state in taken)]
        script = scripted(self.acts, [move for move, _ in taken], states)
        trouble = perform(self.on, script)[1]
        return trouble, shown(self.acts, self.on, script.last)


@contextmanager
def stage(instance: Instance, stride: int = STRIDE) -> Iterator[Stage]:
    """A Stage on a new VM, which is released at the end.

    Raises:
        CannotSay: the design is none that KVM has ioctls for.
    """
    acts = Acts(instance)
    with bench(setup_of(acts), stride) as on:
        yield Stage(acts, on)


def deepest(instance: Instance, most: int = 20_000, count: int = 50) -> list[list[Taken]]:
    """Runs to states that no shorter run reaches, of the greatest depth that `most` states allow; at most `count`."""
    walk = BreadthFirst([instance.initial], instance.successors)
    deepest_level: list[State] = []
    for level in walk.levels():
        if len(walk.came) > most:
            break
        deepest_level = level
    return [_run(instance, walk.path(state)[0]) for state in deepest_level[:count]]


def _run(instance: Instance, numbers: Iterable[int]) -> list[Taken]:
    """The run of the moves with these numbers."""
    state, taken = instance.initial, list[Taken]()
    for number in numbers:
        state = dict(instance.successors(state))[number]
        taken.append((instance.moves[number], state))
    return taken


def walk(on: Stage, choices: Iterable[float]) -> tuple[list[Move], str]:
    """A walk of the design on model and kernel: each number from 0 to 1 picks one of the enabled moves.

    A step is picked first and then its pages, so that steps with many choices of pages are not taken more often.

    Returns:
        The moves, and where model and kernel differed ("" if they did not).
    """
    state, taken = on.instance.initial, list[Taken]()
    for choice in choices:
        found = pick(on.instance, state, choice)
        if found is None:
            break
        taken.append(found)
        state = found[1]
    return [move for move, _ in taken], on.rehearse(taken)[0]


def pick(instance: Instance, state: State, choice: float) -> Taken | None:
    """The enabled move that a number from 0 to 1 stands for; None where none is enabled."""
    groups = by_step(instance, state)
    if not groups:
        return None
    which, rest = divmod(min(choice, 1 - 1e-9) * len(groups), 1)
    return groups[int(which)][int(rest * len(groups[int(which)]))]


def by_step(instance: Instance, state: State) -> list[list[Taken]]:
    """The enabled moves with what they lead to, those of one step of one thread together."""
    groups: dict[int, list[Taken]] = {}
    for number, after in instance.successors(state):
        move = instance.moves[number]
        groups.setdefault(id(move.ground), []).append((move, after))
    return list(groups.values())


@dataclass
class Walks:
    """What runs on model and kernel side by side came to.

    Attributes:
        walks: runs that were made; `performed` of them on the kernel, and the others not: they are runs of what KVM
            does inside, and `refused` says of the first one why.
        finished: walks that came to an end of their own: the migration is complete, or no move was left.
        broken: walks in which the property failed with what the kernel showed.
    """

    walks: int = 0
    performed: int = 0
    moves: int = 0
    ioctls: int = 0
    finished: int = 0
    broken: int = 0
    refused: str = ""
    disagreement: str = ""

    def rehearse(self, on: Stage, taken: Sequence[Taken]) -> State | None:
        """One run more; its last state as it was seen, None where it is refused."""
        self.walks += 1
        try:
            self.disagreement, seen = on.rehearse(taken)
        except CannotSay as why:
            self.refused = self.refused or why.message
            return None
        self.performed += 1
        self.moves += len(taken)
        return seen


def rehearsal(on: Stage, runs: Iterable[Sequence[Taken]]) -> Walks:
    """These runs, up to the first in which model and kernel differ."""
    found = Walks()
    for run in runs:
        found.rehearse(on, run)
        if found.disagreement:
            break
    return found


def walks(
    instance: Instance,
    invariant: Invariant,
    count: int,
    *,
    seed: int = 0,
    busy: int = 40,
    drain: int = 400,
    enough: Callable[[Walks], bool] = lambda _: False,
) -> Walks:
    """Random walks of a design, each to a finished migration, or to where the property fails.

    Args:
        busy: moves before the guest is stopped, where the property or the design stops it.
        drain: most moves after that until the watched client has synced and read all it was told of.
        enough: asked before each walk whether to stop early.
    """
    choose, found, judge = _Chooser(instance, random.Random(seed)), Walks(), Judge(instance, invariant)
    with stage(instance) as on:
        while found.walks < count and not found.disagreement and not enough(found):
            taken, ended = _walk_to_end(choose, judge, busy, drain)
            seen = found.rehearse(on, taken)
            if seen is not None:
                found.finished += ended
                found.broken += bool(judge.failed(seen))
        found.ioctls = on.on.ioctls
    return found


class _Chooser:
    """Picks an enabled step at random and then one of its moves, so that other steps need not be gone through.

    `stop` is taken as soon as stopping begins and not before.
    """

    def __init__(self, instance: Instance, rng: random.Random) -> None:
        self.instance, self.rng = instance, rng
        self.steps, first = list[tuple[bool, int, Successors]](), 0
        for ground in instance.steps:
            successors = compiled([ground], instance.choices, instance.pages, instance.position)
            self.steps.append((ground.step.operation == "stop", first, successors))
            first += prod(len(instance.choices(p)) for p in ground.params)

    def __call__(self, state: State, *, stopping: bool) -> Taken | None:
        """A move with what it leads to; None where none is enabled."""
        order = self.rng.sample(self.steps, len(self.steps))
        stops = [step for step in order if step[0]] if stopping else []
        for _, first, successors in (*stops, *(step for step in order if not step[0])):
            if found := [*successors(state)]:
                number, after = self.rng.choice(found)
                return self.instance.moves[first + number], after
        return None


def _walk_to_end(choose: _Chooser, judge: Judge, busy: int, drain: int) -> tuple[list[Taken], bool]:
    """One walk on the model: moves without `stop`, then `stop`, then moves until the migration is complete.

    It also ends where the property fails; the second value says whether it came to an end.
    """
    instance, state, taken = choose.instance, choose.instance.initial, list[Taken]()
    for at in range(busy + drain):
        found = choose(state, stopping=at >= busy)
        if found is None:
            return taken, True
        taken.append(found)
        state = found[1]
        if judge.failed(state) or (at >= busy and finished(instance, state)):
            return taken, True
    return taken, False


def finished(instance: Instance, state: State) -> bool:
    """The design says so itself, or the watched client has synced after the stop and has nothing left to read."""
    at = instance.position
    if ("finished", None) in at:
        return bool(state[at["finished", None]])
    return any(_has_all(instance, state, client) for client in range(instance.sizes.get(Client.name, 0)))


def _has_all(instance: Instance, state: State, client: int) -> bool:
    at = instance.position
    flags = [("watched", client), ("synced", None)]
    if not all(flag in at and state[at[flag]] for flag in flags):
        return False
    left = [(location(Client.name), client), ("user", client), ("mine", client)]
    return not any(state[at[part]] for part in left if part in at)
