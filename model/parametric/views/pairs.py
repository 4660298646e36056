"""Views of two: which two free processes can stand beside which shared part, at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from model.parametric.views.system import Step, System, Who

Beside = dict[int, set[int]]  # a process -> those that can stand beside the shared part together with it


@dataclass
class Pairs:
    """The least set of views of two that holds the start and that every rule stays in.

    It speaks of all numbers of processes from two free ones on. A run of fewer is a run of more, as long as no rule
    asks something of all processes at once. Where `safe`, no violation fits.
    """

    system: System
    views: dict[int, Beside] = field(default_factory=dict)
    work: list[tuple[int, int, int]] = field(default_factory=list)
    safe: bool = True
    kind: ClassVar[str] = "views of two processes"

    @property
    def size(self) -> int:
        return sum(len(others) for row in self.views.values() for others in row.values())

    def add(self, shared: int, a: int | None, b: int | None) -> None:
        if a is None or b is None:
            return
        row = self.views.setdefault(shared, {})
        if b not in row.setdefault(a, set()):
            row[a].add(b)
            row.setdefault(b, set()).add(a)
            self.work.append((shared, a, b))

    def run(self, stop: Callable[[], str]) -> str:
        """Close the set; returns why it was not, or nothing. Ends early where a violation fits."""
        system, count = self.system, 0
        fresh = list(system.fresh.values())
        for a in fresh:
            for b in fresh:
                self.add(system.start, a, b)
        while self.work:
            shared, a, b = self.work.pop()
            count += 1
            if not count % 64 and (reason := stop()):
                return reason
            for group in self.groups(shared, a, b, system.most + 2):
                self.spread(shared, group)
            if any(
                system.bad(shared, w) for g in self.groups(shared, a, b, max(2, system.most_bad)) for w, _ in _parts(g)
            ):
                self.safe = False
                return ""
        return ""

    def bad(self, shared: int, a: int, b: int) -> bool:
        """A violation fits beside these two."""
        groups = self.groups(shared, a, b, max(2, self.system.most_bad))
        return any(self.system.bad(shared, who) for g in groups for who, _ in _parts(g))

    def groups(self, shared: int, a: int, b: int, most: int) -> Iterator[Who]:
        """Sets of up to so many processes, these two among them, any two of which are a view."""
        row = self.views[shared]

        def grown(group: Who, fitting: list[int]) -> Iterator[Who]:
            yield group
            if len(group) < most:
                for i, m in enumerate(fitting):
                    yield from grown((*group, m), [x for x in fitting[i:] if x in row[m]])

        yield from grown((a, b), sorted(row[a] & row[b]))

    def spread(self, shared: int, group: Who) -> None:
        """What is left beside each other after some of the group acted and the others heard of it."""
        for who, rest in _parts(group):
            if len(rest) > 2 or len(who) > self.system.most:
                continue
            for step in self.system.steps(shared, who):
                self.after(step, rest)

    def after(self, step: Step, rest: Who) -> None:
        heard = [self.system.hear(step.heard, m) for m in rest]
        if None in heard:
            return
        present = [*step.after, *heard]
        for i, a in enumerate(present):
            for b in present[i + 1 :]:
                self.add(step.shared, a, b)


def _parts(group: Who) -> Iterator[tuple[Who, Who]]:
    """(some of the group, the others), every way."""
    for chosen in range(1 << len(group)):
        who = tuple(m for i, m in enumerate(group) if chosen >> i & 1)
        yield who, tuple(m for i, m in enumerate(group) if not chosen >> i & 1)
