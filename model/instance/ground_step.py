"""Steps with every index a number: one for each thread and each choice of an index or truth parameter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from model.expr import PLACE, TRUE, TRUTH, Expr, Index, node
from model.instance.ground_expr import Env, grounded, number_of
from model.instance.locations import Places, at
from model.instance.state import Position
from model.program.step import Param, Step


@dataclass(frozen=True)
class GroundStep:
    """A step of one thread, with every index a number.

    Attributes:
        params: the sets of pages that are still to be chosen.
        guards: all of them must hold; they include the thread's location and the locks.
        updates: (position of the field, new value over the state before the step).
        indices: the index and truth parameters that were chosen, by name.
    """

    step: Step
    sort: str
    thread: int
    params: tuple[Param, ...]
    guards: tuple[Expr, ...]
    updates: tuple[tuple[int, Expr], ...]
    indices: Mapping[str, int]


def ground_steps(places: Places, pages: int, position: Position) -> Iterator[GroundStep]:
    """Every step of every thread, in the order of the program."""
    sizes = places.sizes
    for step in places.program.steps:
        free = small_params(places, step)
        for k in range(sizes.get(step.by, 1)):
            for values in product(*(range(2 if p.kind == "truth" else sizes[p.sort]) for p in free)):
                chosen = dict(zip([p.name for p in free], values, strict=True))
                yield _ground_step(places, pages, position, step, k, chosen)


def small_params(places: Places, step: Step) -> list[Param]:
    """Parameters that are written out: index and truth parameters, chosen now or carried from before."""
    first = next(s for s in places.program.steps if s.operation == step.operation and s.first)
    small = [p for p in first.params if p.kind in ("index", "truth")]
    if step.first:
        return small
    return [p for p in small if p.name in places.program.threads[step.by][step.source].carried]


def _ground_step(
    places: Places, pages: int, position: Position, step: Step, k: int, chosen: Mapping[str, int]
) -> GroundStep:
    env = environment(places, step, k, chosen)
    guards = []
    has_location = (at(step.by), k) in places.told_apart
    if has_location:
        here = frozenset({places.code(step, step.source, chosen)})
        guards.append(node("located", (at(step.by), k, here), TRUTH))
    guards += [places.free(held, number_of(held.index, env), but=(step.by, k)) for held in step.takes]
    guards += [grounded(g, env, places, pages) for g in step.guards]
    updates = ground_updates(places, pages, position, step, env)
    if has_location and step.source != step.target:
        updates[position[at(step.by), k]] = node("place", (places.code(step, step.target, chosen),), PLACE)
    params = tuple(p for p in step.params if p.kind in ("page", "some", "any"))
    kept = tuple(g for g in guards if g is not TRUE)
    return GroundStep(step, step.by, k, params, kept, tuple(sorted(updates.items(), key=lambda u: u[0])), dict(chosen))


def environment(places: Places, step: Step, k: int, chosen: Mapping[str, int]) -> Env:
    """The number of each index term of a step: `me` and the parameters that were chosen."""
    env: dict[Index, int] = {Index("me", step.by): k}
    for name, value in chosen.items():
        kind = next(
            p for s in places.program.steps if s.operation == step.operation for p in s.params if p.name == name
        )
        env[Index("param", kind.sort, name)] = value
    return env


def ground_updates(places: Places, pages: int, position: Position, step: Step, env: Env) -> dict[int, Expr]:
    """The new value of each field that the step changes, by position."""
    updates: dict[int, Expr] = {}
    for update in step.updates:
        index = update.index
        if index is not None and index.kind == "each":
            targets: list[tuple[int | None, Env]] = [(j, {**env, index: j}) for j in range(places.sizes[index.sort])]
        else:
            targets = [(number_of(index, env), env)]
        for number, inside in targets:
            where = position[update.variable, number]
            updates[where] = grounded(update.value, inside, places, pages)
    own = {position[key]: key for key in position}
    return {i: v for i, v in updates.items() if v is not node("field", own[i], v.sort)}
