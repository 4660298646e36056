"""A run of the one-page program as a run of the design: the same steps, on as many whole pages as it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from model.instance.instance import Instance, Move
from model.instance.problem import Problem
from model.instance.state import State
from model.parametric.views.one_page import ELSEWHERE
from model.parametric.views.system import Step

MOST_PAGES = 3
WIDEST = 20_000  # states that one step of the run may lead to


@dataclass(frozen=True)
class Replayed:
    """A run of the design that violates an invariant, at a size of its own.

    Attributes:
        problem: what was asked, at the size of the run.
        moves: in order, from the start.
    """

    problem: Problem
    moves: tuple[Move, ...]

    @property
    def sizes(self) -> Mapping[str, int]:
        return self.problem.free_sizes


def replayed(
    problem: Problem, sizes: Mapping[str, int], run: Sequence[Step], named: Mapping[str, int], seen: int, whole: bool
) -> Replayed | None:
    """The run on the fewest pages where its steps can be taken, or None where three are not enough.

    Args:
        seen: pages that the run speaks of; `whole`: there are no others.
    """
    for pages in range(seen, seen + 1 if whole else max(MOST_PAGES, seen) + 1):
        asked = problem.at(pages, sizes)
        moves = _followed(asked.instance, asked, run, named, (1 << seen) - 1)
        if moves is not None:
            return Replayed(asked, tuple(moves))
    return None


def looked_for(problem: Problem, sizes: Mapping[str, int], stop: Callable[[], str]) -> Replayed | None:
    """A shortest run on one page, else on two, that violates an invariant: where the run of one page is none as it is.

    A choice may leave the page out only if some other page can be in it, and that may take moves of its own.
    """
    for pages in (1, 2):
        asked = problem.at(pages, sizes)
        moves = _nearest(asked.instance, asked, stop)
        if moves is not None:
            return Replayed(asked, tuple(moves))
    return None


def _nearest(instance: Instance, asked: Problem, stop: Callable[[], str]) -> list[Move] | None:
    came: list[dict[State, tuple[State, int]]] = []
    seen, here = {instance.initial}, [instance.initial]
    cases = [instance.predicate(e) for i in asked.invariants for _, e in instance.cases(i)]
    while here and len(seen) < WIDEST and not stop():
        wrong = next((s for s in here if not all(holds(s) for holds in cases)), None)
        if wrong is not None:
            return [instance.moves[n] for n in _back(came, wrong)]
        layer: dict[State, tuple[State, int]] = {}
        for state in here:
            for number, after in instance.successors(state):
                if after not in seen:
                    seen.add(after)
                    layer[after] = state, number
        came.append(layer)
        here = list(layer)
    return None


def _followed(
    instance: Instance, asked: Problem, run: Sequence[Step], named: Mapping[str, int], seen: int
) -> list[Move] | None:
    """The same steps, the same choices for the pages in `seen`, any for the others; the end violates an invariant."""
    came: list[dict[State, tuple[State, int]]] = []
    here: list[State] = [instance.initial]
    for step in run:
        allowed = {m.number for m in instance.moves if _same(m, step, named, seen)}
        layer: dict[State, tuple[State, int]] = {}
        for state in here:
            for number, after in instance.successors(state):
                if number in allowed and after not in layer:
                    layer[after] = state, number
            if len(layer) > WIDEST:
                return None
        came.append(layer)
        here = list(layer)
    wrong = next((s for s in here if _violates(instance, asked, s)), None)
    return None if wrong is None else [instance.moves[n] for n in _back(came, wrong)]


def _same(move: Move, step: Step, named: Mapping[str, int], seen: int) -> bool:
    """The move is the same step of the same kind of thread, and chooses of the pages in `seen` those of the run."""
    ground, rule = move.ground, step.rule.rule
    if rule.actor is None or (ground.step.label, ground.sort) != (rule.label, rule.actor[0]):
        return False
    first = named.get(ground.sort)
    mine = ground.thread == rule.actor[1] if first is None or rule.actor[1] < first else ground.thread >= first
    chosen = dict(zip(rule.pages, step.pages, strict=True))
    return mine and all(v & seen == chosen[p] for p, v in move.arguments.items() if not p.startswith(ELSEWHERE))


def _violates(instance: Instance, asked: Problem, state: State) -> bool:
    return any(not instance.value(e, state) for i in asked.invariants for _, e in instance.cases(i))


def _back(came: Sequence[Mapping[State, tuple[State, int]]], state: State) -> Iterator[int]:
    numbers = []
    for layer in reversed(came):
        state, number = layer[state]
        numbers.append(number)
    return reversed(numbers)
