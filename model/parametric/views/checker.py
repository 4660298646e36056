"""A second look at a certificate of views: every rule tried on every view, with plain integers and nothing else.

With `checker_rules` it reads protocol.json and views.json only, shares no code with the engine that wrote them, and
needs no solver.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, combinations_with_replacement, permutations, product
from typing import Any

from model.parametric.views.checker_rules import Local, PlainRule

Shared = tuple[tuple[int, ...], tuple[Local, ...]]
Beside = tuple[tuple[Local, int], ...]  # who can stand there, with how many


NO_TABLE = "the files are no table of views"


def wrong(protocol: Mapping[str, Any], views: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a certificate, a sentence each; nothing where it proves that no violation can occur."""
    try:
        found = {"one": _Ones, "two": _Twos}.get(views["kind"], _Counts)(protocol, views)
        yield from found.at_the_start()
        for key in found.keys:
            yield from found.violations(key)
            yield from found.steps(key)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, SyntaxError, NameError) as problem:
        yield f"{NO_TABLE} ({type(problem).__name__}: {problem})"


class _Views(ABC):
    """Which processes can stand beside which shared part; `many`: how many of one local are told apart."""

    many = 2
    alone = False  # what is shown of one free process does not depend on who else is there

    def __init__(self, protocol: Mapping[str, Any], views: Mapping[str, Any]) -> None:
        self.protocol, full = protocol, (1 << protocol["pages"]) - 1
        self.rules = [PlainRule(r, full) for r in protocol["rules"]]
        self.bad = [PlainRule(r, full) for r in protocol["violations"]]
        locals_: list[Local] = [(s, tuple(v)) for s, v in views["locals"]]
        shared: list[Shared] = [(tuple(v), tuple(sorted(locals_[m] for m in h))) for v, h in views["shared"]]
        self.start: Shared = tuple(f[2] for f in protocol["shared"]), ()
        self.fresh: dict[str, Local] = {s: (s, tuple(f[1] for f in fields)) for s, fields in protocol["local"].items()}
        self.keys: list[Any] = []
        for number, beside in views["rows"]:
            if any(len(b) != self.numbers for b in beside):
                raise ValueError("a row of another kind")
            self.add(shared[number], [(tuple(locals_[m] for m in b[: self.width]), b) for b in beside])

    width = 1  # processes in a view
    numbers = 1  # that stand for one in a row

    @abstractmethod
    def add(self, shared: Shared, beside: Sequence[tuple[tuple[Local, ...], Any]]) -> None:
        """Take in a row: what is shared, and who can be beside it."""

    def starts(self) -> Iterator[list[Local]]:
        """Free processes that stand at the start."""
        yield list(self.fresh.values())

    def shared_of(self, key: Any) -> Shared:
        shared: Shared = key
        return shared

    @abstractmethod
    def teams(self, key: Any, size: int) -> Iterator[tuple[Local, ...]]:
        """So many free processes that can be there together."""

    @abstractmethod
    def bystanders(self, key: Any, who: Sequence[Local]) -> Iterator[Beside]:
        """Who may stand by while these act, a group at a time."""

    @abstractmethod
    def has(self, there: Shared, free: Sequence[tuple[Local, int]], stand: Sequence[tuple[Local, int] | None]) -> bool:
        """The views show these, who took part and who heard of it; None stands in the way."""

    def holds(self, m: Local) -> bool:
        place, codes = self.protocol["holding"][m[0]]
        return place is not None and m[1][place] in codes

    def casts(self, key: Any, roles: Sequence[str]) -> Iterator[tuple[tuple[Local, ...], list[Local], list[Local]]]:
        """(a process for each role, those of them that are free, holders without a role)."""
        _, holders = self.shared_of(key)
        for n in range(min(len(roles), len(holders)) + 1):
            for who in self.teams(key, len(roles) - n):
                for chosen in set(permutations(range(len(holders)), n)):
                    rest = [h for i, h in enumerate(holders) if i not in chosen]
                    for cast in set(permutations([*(holders[i] for i in chosen), *who])):
                        if all(m[0] == s for m, s in zip(cast, roles, strict=True)):
                            yield cast, list(who), rest

    def at_the_start(self) -> Iterator[str]:
        for free in self.starts():
            if not self.has(self.start, [(m, 1) for m in free], ()):
                yield "a start is in no view"

    def violations(self, key: Any) -> Iterator[str]:
        values = self.shared_of(key)[0]
        for rule in self.bad:
            for cast, _, _ in self.casts(key, rule.roles):
                fields = [m[1] for m in cast]
                if any(rule.guard(values, fields, chosen) for chosen in product(*rule.choices)):
                    yield f"{rule.label} is violated in a view"
                    return

    def steps(self, key: Any) -> Iterator[str]:
        values = self.shared_of(key)[0]
        casts = {roles: list(self.casts(key, roles)) for roles in {r.roles for r in self.rules}}
        known: set[Any] = set()
        for rule in self.rules:
            for cast, who, rest in casts[rule.roles]:
                fields = [m[1] for m in cast]
                for chosen in product(*rule.choices):
                    given = values, fields, chosen
                    if rule.guard(*given) and not self.stays(rule, key, cast, who, rest, given, known):
                        yield f"{rule.label} leads out of the views"
                        return

    def stays(
        self,
        rule: PlainRule,
        key: Any,
        cast: Sequence[Local],
        who: Sequence[Local],
        rest: Sequence[Local],
        given: tuple[Any, ...],
        known: set[Any],
    ) -> bool:
        """What the rule makes of everyone is in the views again."""
        held = [rule.heard(m, given) for m in rest]
        if None in held:
            return True  # a holder stands in the way
        moved = [(m[0], rule.after(m[1], ("R", role), given)) for role, m in enumerate(cast)]
        everyone = [*moved, *(m for m in held if m is not None)]
        there = rule.after(given[0], ("S",), given), tuple(sorted(m for m in everyone if self.holds(m)))
        free = [(m, 1) for m in everyone if not self.holds(m)]
        if self.alone and not self.has(there, free, ()):
            return False
        acted = None if self.alone else (tuple(free), tuple(sorted(who)))
        same = there, rule.name, rule.hears(*given), acted
        if same in known:
            return True
        known.add(same)
        return all(
            self.has(there, free, [(h, n) if (h := rule.heard(m, given)) else None for m, n in group])
            for group in self.bystanders(key, who)
        )


class _Ones(_Views):
    """One process beside the shared part: any that can be there may be there, as often as may be."""

    alone = True

    def add(self, shared: Shared, beside: Sequence[tuple[tuple[Local, ...], Any]]) -> None:
        self.rows: dict[Shared, set[Local]] = getattr(self, "rows", {})
        self.rows[shared] = {m for (m,), _ in beside}
        self.keys.append(shared)

    def teams(self, key: Any, size: int) -> Iterator[tuple[Local, ...]]:
        return combinations_with_replacement(sorted(self.rows[key]), size)

    def bystanders(self, key: Any, who: Sequence[Local]) -> Iterator[Beside]:
        yield tuple((m, 1) for m in self.rows[key])

    def has(self, there: Shared, free: Sequence[tuple[Local, int]], stand: Sequence[tuple[Local, int] | None]) -> bool:
        row = self.rows.get(there)
        return row is not None and all(m is None or m[0] in row for m in (*free, *stand))


class _Twos(_Views):
    """Two processes beside the shared part; any two of those that are there together are a view."""

    width = numbers = 2

    def add(self, shared: Shared, beside: Sequence[tuple[tuple[Local, ...], Any]]) -> None:
        if any(r.others for r in self.rules):
            raise ValueError("views of two, and a guard over all processes")
        self.rows: dict[Shared, dict[Local, set[Local]]] = getattr(self, "rows", {})
        row = self.rows.setdefault(shared, {})
        for (a, b), _ in beside:
            row.setdefault(a, set()).add(b)
            row.setdefault(b, set()).add(a)
        self.keys.append(shared)

    def starts(self) -> Iterator[list[Local]]:
        yield [m for m in self.fresh.values() for _ in range(2)]

    def teams(self, key: Any, size: int) -> Iterator[tuple[Local, ...]]:
        row = self.rows[key]
        for who in combinations_with_replacement(sorted(row), size):
            if all(b in row[a] for a, b in combinations(who, 2)):
                yield who

    def bystanders(self, key: Any, who: Sequence[Local]) -> Iterator[Beside]:
        row = self.rows[key]
        beside = sorted(m for m in row if all(m in row[w] for w in who))
        yield from (((a, 1), (b, 1)) for a in beside for b in beside if b in row[a])

    def has(self, there: Shared, free: Sequence[tuple[Local, int]], stand: Sequence[tuple[Local, int] | None]) -> bool:
        row = self.rows.get(there)
        everyone = [m[0] for m in (*free, *stand) if m is not None]
        return row is not None and all(b in row.get(a, ()) for a, b in combinations(everyone, 2))


class _Counts(_Views):
    """Of each local how many have it, up to `many`, which stands for so many or more."""

    numbers = 2

    def __init__(self, protocol: Mapping[str, Any], views: Mapping[str, Any]) -> None:
        self.many = {"present": 1, "counts": 2}[views["kind"]]
        super().__init__(protocol, views)

    def add(self, shared: Shared, beside: Sequence[tuple[tuple[Local, ...], Any]]) -> None:
        self.keys.append((shared, tuple(sorted((m, b[1]) for (m,), b in beside))))
        self.rows: set[Any] = getattr(self, "rows", set())
        self.rows.add(self.keys[-1])

    def starts(self) -> Iterator[list[Local]]:
        for counts in product(*(range(0 if self.protocol["named"][s] else 1, self.many + 1) for s in self.fresh)):
            yield [self.fresh[s] for s, n in zip(self.fresh, counts, strict=True) for _ in range(n)]

    def shared_of(self, key: Any) -> Shared:
        shared: Shared = key[0]
        return shared

    def teams(self, key: Any, size: int) -> Iterator[tuple[Local, ...]]:
        for who in combinations_with_replacement([m for m, _ in key[1]], size):
            if all(n >= self.many or who.count(m) <= n for m, n in key[1]):
                yield who

    def bystanders(self, key: Any, who: Sequence[Local]) -> Iterator[Beside]:
        """Of many, less some, any number that there may be."""
        ranges = []
        for m, n in key[1]:
            left = n - who.count(m)
            ranges.append(range(max(0, left), (self.many if n >= self.many and who.count(m) else n) + 1))
            if n < self.many:
                ranges[-1] = range(left, left + 1)
        for counts in product(*ranges):
            yield tuple((m, n) for (m, _), n in zip(key[1], counts, strict=True) if n)

    def has(self, there: Shared, free: Sequence[tuple[Local, int]], stand: Sequence[tuple[Local, int] | None]) -> bool:
        total: dict[Local, int] = {}
        for each in (*free, *stand):
            if each is None:
                return True
            total[each[0]] = min(self.many, total.get(each[0], 0) + each[1])
        return (there, tuple(sorted(total.items()))) in self.rows
