"""States that are known to be reachable: what a clause has to agree with before a solver is asked about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from random import Random
from time import monotonic

import numpy as np

from model.errors import UsageError
from model.expr import PAGES
from model.instance.breadth_first import BreadthFirst
from model.instance.instance import Instance
from model.instance.locations import at
from model.instance.state import State
from model.parametric.clauses import Bits, Signature, World, unique
from model.parametric.logic import PAGE, Structure, Term
from model.parametric.reading import Reading
from model.parametric.vocabulary import keeps, place
from model.program.program import Program
from model.program.step import Step


@dataclass
class Samples:
    """Reachable states of small instances, and what windows onto them show."""

    reading: Reading
    batches: list[tuple[World, Mapping[str, int]]] = field(default_factory=list)
    seen: dict[Signature, Bits] = field(default_factory=dict)
    violated: Instance | None = None

    def copy(self) -> Samples:
        """The same samples, to which others can be added."""
        return Samples(self.reading, list(self.batches), dict(self.seen), self.violated)

    def violation(self) -> str:
        """The size of an instance of which a state violates what is asked, or nothing."""
        if self.violated is None:
            return ""
        fixed = self.reading.sizes
        free = {s.lower(): n for s, n in self.violated.sizes.items() if not fixed.get(s)}
        return ", ".join(
            f"{n} {what}{'s' if n > 1 else ''}" for what, n in {"page": self.violated.pages, **free}.items()
        )

    def add(self, world: World, sizes: Mapping[str, int]) -> None:
        """Take these states (one axis of states in front) for reachable."""
        self.batches.append((world, sizes))
        for window, rows in self.seen.items():
            self.seen[window] = unique(np.concatenate([rows, window.rows(world, sizes, numbers(self.reading))]))

    def rows(self, window: Signature) -> Bits:
        """Everything that the window has shown."""
        if window not in self.seen:
            found = [window.rows(world, sizes, numbers(self.reading)) for world, sizes in self.batches]
            self.seen[window] = unique(np.concatenate([np.zeros((0, len(window.atoms)), bool), *found]))
        return self.seen[window]


def numbers(reading: Reading) -> dict[Term, int]:
    """Which element each constant is in an instance."""
    return {t: int(t.name.rpartition("[")[2][:-1]) for terms in reading.constants.values() for t in terms}


def world(reading: Reading, instance: Instance, states: Sequence[State]) -> World:
    """States of an instance as relations."""
    table = np.array(states, dtype=np.int64).reshape(len(states), len(instance.fields))
    found: dict[str, Bits] = {}
    for variable in reading.program.variables:
        elements = [None] if variable.per is None else list(range(instance.sizes[variable.per.name]))
        value = np.stack([table[:, instance.position[variable.name, k]] for k in elements], axis=1)
        if variable.sort == PAGES:
            value = value[:, :, None] >> np.arange(instance.pages) & 1
        found[variable.name] = value.astype(bool) if variable.per else value.astype(bool)[:, 0]
    for sort in reading.program.threads:
        found |= _places(reading, instance, sort, table)
    return found


def _places(reading: Reading, instance: Instance, sort: str, table: np.ndarray) -> World:  # type: ignore[type-arg]
    locations, codes = reading.program.threads[sort], instance.codes[sort]
    if len(codes) < 2:
        return {}
    threads = range(instance.sizes.get(sort, 1))
    value = np.stack([table[:, instance.position[at(sort), k]] for k in threads], axis=1)
    number = np.array([location for location, _ in codes])[value]
    found = {place(sort, where): number == n for n, where in enumerate(locations)}
    for n, where in enumerate(locations):
        for i, name in enumerate(where.carried):
            size = instance.sizes[reading.carried_sort(where, name)]
            kept = np.array([values[i] if location == n else -1 for location, values in codes])[value]
            had = found.get(keeps(where, name), False)
            found[keeps(where, name)] = had | (kept[:, :, None] == np.arange(size))
    return found


def reachable(
    reading: Reading,
    plan: Sequence[tuple[int, int, int, float]],
    samples: Samples,
    one_of_many: bool = False,
    until: float = inf,
) -> Samples:
    """`samples` with states of instances added.

    Args:
        plan: (pages, elements of each open sort, states to look at, seconds) an instance: the nearest states, breadth
            first, and where those are not all of them as many again on random walks with a fixed seed.
        one_of_many: a set of pages that must not be empty may be: so that the one page of an instance stands for one
            of many, where the set has another. Such states are a guess, good where pages do not depend on each other.
        until: when all of it has to be over; an instance gets a quarter of what is left, and none where nothing is.
    """
    program = loosened(reading.program) if one_of_many else reading.program
    for pages, elements, states, most in plan:
        if monotonic() > until:
            break
        seconds = min(most, (until - monotonic()) / 8)  # for what is near, and again for walks
        instance = small(reading, pages, elements, program)
        found, complete = _nearest(instance, states, monotonic() + seconds)
        if not complete:
            found |= dict.fromkeys(_walks(instance, states, monotonic() + seconds))
        samples.violated = samples.violated or _violated(reading, instance, found)
        samples.add(world(reading, instance, list(found)), {**instance.sizes, PAGE: pages})
    return samples


def initial(reading: Reading) -> Samples:
    """The start alone, at a few sizes."""
    return reachable(
        reading, [(pages, elements, 0, 0.0) for pages in (1, 2) for elements in (1, 2, 3)], Samples(reading)
    )


def _violated(reading: Reading, instance: Instance, states: Iterable[State]) -> Instance | None:
    """The instance, where one of its states violates what is asked."""
    cases = [instance.predicate(case) for i in reading.invariants for _, case in instance.cases(i)]
    return None if all(holds(state) for state in states for holds in cases) else instance


def loosened(program: Program) -> Program:
    """The program as a single page sees it that is one of many: every set of pages that is chosen may leave it out."""

    def loose(step: Step) -> Step:
        kinds = {"some": "any", "page": "any"}
        return replace(step, params=tuple(replace(p, kind=kinds.get(p.kind, p.kind)) for p in step.params))

    return replace(program, steps=tuple(map(loose, program.steps)))


def small(reading: Reading, pages: int, elements: int, program: Program) -> Instance:
    """The instance with so many elements of each sort that may have any number."""
    least = {s: 1 + max((numbers(reading)[t] for t in ts), default=0) for s, ts in reading.constants.items()}
    wanted = {s: reading.sizes.get(s) or max(elements, least.get(s, 1)) for s in reading.sorts if s != PAGE}
    while True:
        try:
            return Instance(program, pages, wanted)
        except UsageError:
            from model.instance.sizes import used_sorts

            used = used_sorts(program)
            if set(wanted) <= used:
                raise
            wanted = {s: n for s, n in wanted.items() if s in used}


def _nearest(instance: Instance, states: int, until: float) -> tuple[dict[State, None], bool]:
    """So many states, nearest first and a few more, and whether these are all."""

    def enough(_: State) -> str:
        return "enough" if len(walk.came) >= states or monotonic() > until else ""

    walk = BreadthFirst([instance.initial], instance.successors, enough)
    complete = states > 0 and walk.finished()
    return dict.fromkeys(walk.came), complete


def _walks(instance: Instance, states: int, until: float, length: int = 60) -> Iterator[State]:
    random = Random(2019)
    for _ in range(states // length):
        state = instance.initial
        for _ in range(length):
            following = [after for _, after in instance.successors(state) if after != state]
            if not following or monotonic() > until:
                break
            state = random.choice(following)
            yield state


def structure(
    reading: Reading,
    instance: Instance,
    state: State,
    terms: Mapping[Term, int] | None = None,
    chosen: Mapping[str, int] | None = None,
) -> Structure:
    """`state` as relations over numbered elements; `terms` and `chosen` say what a step has chosen."""
    where = {sort: {place(sort, loc): n for n, loc in enumerate(ls)} for sort, ls in reading.program.threads.items()}
    kept = {keeps(loc, n): sort for sort, ls in reading.program.threads.items() for loc in ls for n in loc.carried}

    def holds(relation: str, numbers: tuple[int, ...]) -> bool:
        variable = reading.program.variable.get(relation)
        if variable is not None:
            number = numbers[0] if variable.per else None
            value = state[instance.position[relation, number]]
            return bool(value >> numbers[-1] & 1) if variable.sort == PAGES else bool(value)
        for sort, places in where.items():
            if relation in places:
                return location(sort, numbers[0])[0] == places[relation]
        if relation in kept:
            sort = kept[relation]
            number, values = location(sort, numbers[0])
            own = reading.program.threads[sort][number]
            names = {keeps(own, n): values[i] for i, n in enumerate(own.carried)}
            return names.get(relation) == numbers[1]
        value = (chosen or {})[relation]
        return bool(value >> numbers[0] & 1) if numbers else bool(value)

    def location(sort: str, thread: int) -> tuple[int, tuple[int, ...]]:
        return instance.codes[sort][state[instance.position[at(sort), thread]]]

    named = {t: int(t.name.rpartition("[")[2][:-1]) for ts in reading.constants.values() for t in ts}
    return Structure({**instance.sizes, PAGE: instance.pages}, holds, {**named, **(terms or {})})
