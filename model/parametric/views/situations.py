"""Every situation in which a rule of a protocol can fire or be violated.

A situation fixes which processes hold locks, which of them play a role, and who stands by; all else is symbolic. The
clauses of the invariant are put in as they are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement, permutations
from typing import Any

from model.parametric.logic import FALSE, TRUE
from model.parametric.views.counted import Counted
from model.parametric.views.formulas import Words
from model.parametric.views.scene import Group, Person, Scene, Shape, Situation
from model.parametric.views.situation import Made


@dataclass(frozen=True)
class Situations:
    """All situations of a protocol.

    Attributes:
        shapes: sorts of those who hold locks together, as they occur in the views.
        size: 1 or 2, the free processes that a view shows; 0 where each local is counted (`Words.counted`).
    """

    words: Words
    shapes: tuple[Shape, ...]
    size: int

    @classmethod
    def of_views(cls, protocol: Mapping[str, Any], views: Mapping[str, Any]) -> Situations:
        """Of a table of views."""
        held = [sorted(views["locals"][m][0] for m in holders) for _, holders in views["shared"]]
        size = {"one": 1, "two": 2, "present": 0, "counts": 0}[views["kind"]]
        return cls(Words.of_views(protocol, views), tuple(sorted(set(map(tuple, held)))), size)

    def all(self) -> Iterator[Situation]:
        """Each start, each rule and each violation."""
        protocol = self.words.protocol
        yield from self.starts()
        for which, bad in (("rules", False), ("violations", True)):
            for rule in protocol[which]:
                yield from self.of(rule, bad)

    def starts(self) -> Iterator[Situation]:
        """Everybody as at the start; where locals are counted, of each sort as many as there may be."""
        protocol, words = self.words.protocol, self.words
        shared = [f[2] for f in protocol["shared"]]
        fresh = {s: tuple(f[1] for f in fields) for s, fields in protocol["local"].items()}
        people = [
            Person(s, words.constants(s, values), f"{s.lower()} {n}")
            for s, values in fresh.items()
            for n in range(self.size)
        ]
        for counts in words.fresh_counts(fresh):
            after = Scene(words.constants(None, [*shared, *counts]), (), tuple(people))
            yield Situation("start", {}, None, after, (), TRUE if () in self.shapes else FALSE)

    def of(self, rule: Mapping[str, Any], bad: bool) -> Iterator[Situation]:
        for shape in self.shapes:
            for slots in self._slots(rule, shape):
                for others in self._bystanders(bad):
                    kind = Made if self.size else Counted
                    yield kind(self.words, self.shapes, rule, shape, slots, others).situation(bad)

    def _slots(self, rule: Mapping[str, Any], shape: Shape) -> Iterator[tuple[int | None, ...]]:
        """For each role the holder that plays it, or None: a free process does."""
        roles = rule["roles"]
        known = self._mover(rule)
        for n in range(min(len(roles), len(shape)) + 1):
            for who in permutations(range(len(roles)), n):
                for holders in permutations(range(len(shape)), n):
                    slots: list[int | None] = [None] * len(roles)
                    for role, holder in zip(who, holders, strict=True):
                        slots[role] = holder
                    fits = all(h is None or shape[h] == roles[r] for r, h in enumerate(slots))
                    if fits and list(who) == sorted(who) and known in (None, bool(slots) and slots[0] is not None):
                        yield tuple(slots)

    def _mover(self, rule: Mapping[str, Any]) -> bool | None:
        """Whether the first role holds a lock before it moves, where the rule says from which place it moves."""
        if not rule["roles"]:
            return None
        place, codes = self.words.protocol["holding"][rule["roles"][0]]
        for guard in rule["guards"]:
            if guard[0] == "in" and guard[1] == ["R", 0, place]:
                holding = {code in codes for code in guard[2]}
                return holding.pop() if len(holding) == 1 else None
        return None

    def _bystanders(self, bad: bool) -> Iterator[Group]:
        sorts = sorted(self.words.protocol["local"])
        if bad or not sorts or not self.size:
            yield ()
        elif self.size == 1:
            yield tuple(sorts)
        else:
            yield from combinations_with_replacement(sorts, 2)
