"""None, one, or more of each local: what views forget, that somebody is there, is kept.

A guard over all processes is passed because nobody is in the way, and somebody may have to be: the writer who stored
and has not marked yet. Here a configuration says of each local whether no free process, one, or at least two have it.

Source: Pnueli, Xu, Zuck: "Liveness with (0,1,infinity)-Counter Abstraction", CAV 2002.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product

from model.parametric.views.few import teams
from model.parametric.views.system import System, Who

Counted = tuple[int, tuple[tuple[int, int], ...]]  # shared part, and (local, how many) of those that are there


@dataclass
class Counts:
    """Every configuration that any number of processes can come to, counted up to `many`.

    Attributes:
        many: 1 or 2; it stands for so many or more.
        views: the configurations. Where `safe`, none is a violation.
    """

    system: System
    many: int
    views: dict[Counted, None] = field(default_factory=dict)
    safe: bool = True

    @property
    def kind(self) -> str:
        return f"configurations counted up to {('none', 'one', 'two')[self.many]}"

    @property
    def size(self) -> int:
        return len(self.views)

    def starts(self) -> Iterator[Counted]:
        """No free process of a sort where some are named, else at least one."""
        named = self.system.protocol.cast.named
        ranges = [range(0 if named[s] else 1, self.many + 1) for s in self.system.sorts]
        for counts in product(*ranges):
            yield (
                self.system.start,
                _sorted(Counter(dict(zip(self.system.fresh.values(), counts, strict=True))), self.many),
            )

    def run(self, stop: Callable[[int], str]) -> str:
        """Visit all; returns why not, or nothing. Ends early at a violation."""
        self.views = dict.fromkeys(self.starts())
        work = list(self.views)
        while work:
            here = work.pop()
            if violates(self.system, here, self.many):
                self.safe = False
                return ""
            for there in after(self.system, here, self.many):
                if there not in self.views:
                    self.views[there] = None
                    work.append(there)
            if not len(self.views) % 64 and (reason := stop(len(self.views))):
                return reason
        return ""


def after(system: System, here: Counted, many: int) -> Iterator[Counted]:
    """Every configuration that one step leads to."""
    shared, present = here
    for who in _teams(present, system.most, many):
        for step in system.steps(shared, who):
            for rest in _left(present, who, many):
                heard = [(system.hear(step.heard, m), n) for m, n in rest]
                if any(m is None for m, _ in heard):
                    continue
                total: Counter[int] = Counter(step.after)
                for m, n in heard:
                    assert m is not None
                    total[m] += n
                yield step.shared, _sorted(total, many)


def violates(system: System, here: Counted, many: int) -> bool:
    return any(system.bad(here[0], who) for who in _teams(here[1], system.most_bad, many))


def _teams(present: tuple[tuple[int, int], ...], most: int, many: int) -> Iterator[Who]:
    """Those who may take part together; of a local that many have, as many as are asked for."""
    free = tuple(m for m, n in present for _ in range(n if n < many else max(most, many)))
    return (who for who, _ in teams(free, most))


def _left(present: tuple[tuple[int, int], ...], who: Who, many: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """What may be left without those: of many, many less some is any number from `many` less them."""
    gone = Counter(who)
    ranges = [(n - gone[m],) if n < many else range(max(0, many - gone[m]), many + 1) for m, n in present]
    for counts in product(*ranges):
        yield tuple((m, n) for (m, _), n in zip(present, counts, strict=True) if n)


def _sorted(total: Counter[int], many: int) -> tuple[tuple[int, int], ...]:
    return tuple(sorted((m, min(n, many)) for m, n in total.items() if n))
