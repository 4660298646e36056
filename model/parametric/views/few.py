"""So many processes, no more: breadth-first over (shared part, multiset of locals), which refutes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from model.parametric.views.system import Step, System, Who

Config = tuple[int, Who]


@dataclass(frozen=True)
class Found:
    """What a search at a fixed number of processes came to.

    Attributes:
        run: moves of a shortest run to a violation, or None.
        states: configurations visited; depth: moves to the furthest.
        reason: why the search was not finished, or nothing.
    """

    run: tuple[Step, ...] | None
    states: int
    depth: int
    reason: str = ""


def search(system: System, counts: Mapping[str, int], stop: Callable[[int], str]) -> Found:
    """All configurations with so many processes of each open sort beside those that the design names."""
    start: Config = system.start, tuple(sorted(m for s, n in counts.items() for m in [system.fresh[s]] * n))
    came: dict[Config, tuple[Config, Step] | None] = {start: None}
    frontier, depth = [start], 0
    if violates(system, start):
        return Found((), 1, 0)
    while frontier:
        following: list[Config] = []
        for number, here in enumerate(frontier):
            for step, there in successors(system, here):
                if there in came:
                    continue
                came[there] = here, step
                following.append(there)
                if violates(system, there):
                    return Found(tuple(_run(came, there)), len(came), depth + 1)
            if not number % 256 and (reason := stop(len(came))):
                return Found(None, len(came), depth, reason)
        frontier, depth = following, depth + 1
    return Found(None, len(came), depth - 1)


def successors(system: System, here: Config) -> Iterator[tuple[Step, Config]]:
    shared, free = here
    for who, rest in teams(free, system.most):
        for step in system.steps(shared, who):
            heard = [h for m in rest if (h := system.hear(step.heard, m)) is not None]
            if len(heard) < len(rest):
                continue
            yield step, (step.shared, tuple(sorted([*heard, *step.after])))


def violates(system: System, here: Config) -> bool:
    shared, free = here
    return any(system.bad(shared, who) for who, _ in teams(free, system.most_bad))


def teams(free: Who, most: int) -> Iterator[tuple[Who, Who]]:
    """(some of the free processes, the others), no two alike."""
    yield (), free
    known: set[Who] = set()
    for n in range(1, min(most, len(free)) + 1):
        for chosen in combinations(range(len(free)), n):
            who = tuple(free[i] for i in chosen)
            if who not in known:
                known.add(who)
                yield who, tuple(m for i, m in enumerate(free) if i not in chosen)


def _run(came: Mapping[Config, tuple[Config, Step] | None], there: Config) -> Sequence[Step]:
    found = []
    while (back := came[there]) is not None:
        there, step = back
        found.append(step)
    return found[::-1]
