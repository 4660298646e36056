"""Views of one: which locals can stand beside which shared part; an overapproximation of every number of processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations_with_replacement
from typing import ClassVar

from model.parametric.views.system import UNHEARD, Step, System, Who

Views = dict[int, dict[int, None]]  # shared part -> locals of free processes that can stand beside it


@dataclass
class Ones:
    """The least set of views of one that holds the start and that every rule stays in.

    Attributes:
        views: shared part -> locals. Where `safe`, no violation fits these views.
    """

    system: System
    views: Views = field(default_factory=dict)
    heard: dict[int, dict[tuple[int, int], None]] = field(default_factory=dict)
    work: list[tuple[int, int | None]] = field(default_factory=list)
    safe: bool = True
    kind: ClassVar[str] = "views of one process"

    @property
    def size(self) -> int:
        return sum(max(1, len(row)) for row in self.views.values())

    def touch(self, shared: int) -> None:
        """The shared part can occur, perhaps with no free process beside it."""
        if shared not in self.views:
            self.views[shared], self.heard[shared] = {}, {}
            self.work.append((shared, None))

    def add(self, shared: int, m: int) -> None:
        self.touch(shared)
        if m not in self.views[shared]:
            self.views[shared][m] = None
            self.work.append((shared, m))

    def fire(self, shared: int, step: Step) -> None:
        """Those who took part as they are after, and everyone who can be there as they heard it."""
        self.touch(step.shared)
        for m in step.after:
            self.add(step.shared, m)
        way = step.shared, step.heard
        if way not in self.heard[shared]:
            self.heard[shared][way] = None
            self.listen(step.shared, step.heard, list(self.views[shared]))

    def listen(self, shared: int, heard: int, bystanders: Iterable[int]) -> None:
        """Bystanders as they heard that, but for those that stand in the way."""
        hear, row = self.system.hear, self.views[shared]
        for m in [m for m in bystanders if m not in row] if heard == UNHEARD else bystanders:
            after = hear(heard, m)
            if after is not None and after not in row:
                row[after] = None
                self.work.append((shared, after))

    def run(self, stop: Callable[[], str]) -> str:
        """Close the set, from where it is; returns why it was not, or nothing. Ends early where a violation fits."""
        system = self.system
        self.touch(system.start)
        for fresh in system.fresh.values():
            self.add(system.start, fresh)
        count = 0
        while self.work:
            count += 1
            if not count % 256 and (reason := stop()):
                return reason
            shared, m = self.work.pop()
            if m is not None:
                for there, heard in list(self.heard[shared]):
                    self.listen(there, heard, (m,))
            for who in self.teams(shared, m, system.most):
                for step in system.steps(shared, who):
                    self.fire(shared, step)
            if any(system.bad(shared, who) for who in self.teams(shared, m, system.most_bad)):
                self.safe = False
                return ""
        return ""

    def teams(self, shared: int, m: int | None, most: int) -> Iterator[Who]:
        """Up to so many free processes of which `m` is one; without `m`, nobody."""
        if m is None:
            yield ()
            return
        yield from (
            (m, *rest) for n in range(most) for rest in combinations_with_replacement(list(self.views[shared]), n)
        )
