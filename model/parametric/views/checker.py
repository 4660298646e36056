"""A second look at a certificate of views: every rule tried on every view, with plain integers and nothing else.

It reads protocol.json and views.json only, shares no code with the engine that wrote them, and needs no solver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations_with_replacement, permutations, product
from typing import Any

Local = tuple[str, tuple[int, ...]]
Shared = tuple[tuple[int, ...], tuple[Local, ...]]
Beside = tuple[tuple[Local, int], ...]  # who can stand there; of "counts" with how many

MEANS: Mapping[str, Callable[..., int]] = {
    "none": lambda: 0,
    "all": lambda: 1,
    "union": lambda a, b: a | b,
    "meet": lambda a, b: a & b,
    "minus": lambda a, b: a & (1 - b),
    "subset": lambda a, b: int(a <= b),
    "equal": lambda a, b: int(a == b),
    "true": lambda: 1,
    "false": lambda: 0,
    "both": lambda a, b: a & b,
    "either": lambda a, b: a | b,
    "negate": lambda a: 1 - a,
    "choose": lambda c, a, b: a if c else b,
    "these": lambda bits: bits & 1,
}


def wrong(protocol: Mapping[str, Any], views: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a certificate, a sentence each; nothing where it proves that no violation can occur."""
    try:
        found = _Views(protocol, views)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as problem:
        yield f"the files are no table of views ({type(problem).__name__}: {problem})"
        return
    yield from found.at_the_start()
    for key in found.rows:
        yield from found.violations(key)
        yield from found.steps(key)


class _Views:
    def __init__(self, protocol: Mapping[str, Any], views: Mapping[str, Any]) -> None:
        self.protocol = protocol
        self.many = {"one": 0, "present": 1, "counts": 2}[views["kind"]]
        self.counted = self.many > 0
        locals_: list[Local] = [(s, tuple(v)) for s, v in views["locals"]]
        shared: list[Shared] = [(tuple(v), tuple(sorted(locals_[m] for m in h))) for v, h in views["shared"]]
        self.rows: dict[Any, set[Local] | Beside] = {}
        for s, beside in views["rows"]:
            if self.counted:
                row = tuple(sorted((locals_[m], n) for m, n in beside))
                self.rows[shared[s], row] = row
            else:
                self.rows[shared[s]] = {locals_[m] for (m,) in beside}
        self.start: Shared = tuple(f[2] for f in protocol["shared"]), ()
        self.fresh = {s: (s, tuple(f[1] for f in fields)) for s, fields in protocol["local"].items()}

    # -- who is there

    def holds(self, m: Local) -> bool:
        place, codes = self.protocol["holding"][m[0]]
        return place is not None and m[1][place] in codes

    def at_the_start(self) -> Iterator[str]:
        for there in self._starts():
            if not self.has(*there):
                yield "a start is in no view"

    def _starts(self) -> Iterator[tuple[Shared, Beside]]:
        sorts = list(self.fresh)
        if not self.counted:
            yield self.start, tuple((m, 1) for m in self.fresh.values())
            return
        for counts in product(*(range(0 if self.protocol["named"][s] else 1, self.many + 1) for s in sorts)):
            yield self.start, tuple((self.fresh[s], n) for s, n in zip(sorts, counts, strict=True) if n)

    def has(self, shared: Shared, beside: Beside) -> bool:
        """The views show these beside that."""
        if self.counted:
            return (shared, tuple(sorted(beside))) in self.rows
        row = self.rows.get(shared)
        return row is not None and all(m in row for m, _ in beside)  # type: ignore[comparison-overlap]

    def there(self, key: Any) -> tuple[Shared, list[tuple[Local, int]]]:
        """The shared part, and who may be beside it, each as often as may be."""
        if self.counted:
            return key[0], list(key[1])
        return key, [(m, 2) for m in self.rows[key]]  # type: ignore[misc]

    def casts(self, key: Any, roles: Sequence[str]) -> Iterator[tuple[tuple[Local, ...], list[Local], list[Local]]]:
        """(a process for each role, those of them that are free, holders without a role)."""
        (_, holders), free = self.there(key)
        for n in range(min(len(roles), len(holders)) + 1):
            for chosen in set(permutations(range(len(holders)), n)):
                for who in combinations_with_replacement(sorted(m for m, _ in free), len(roles) - n):
                    if any(c < (self.many or 2) and who.count(m) > c for m, c in free):
                        continue
                    busy = [holders[i] for i in chosen]
                    rest = [h for i, h in enumerate(holders) if i not in chosen]
                    for cast in set(permutations([*busy, *who])):
                        if all(m[0] == s for m, s in zip(cast, roles, strict=True)):
                            yield cast, list(who), rest

    # -- what happens

    def violations(self, key: Any) -> Iterator[str]:
        shared = self.there(key)[0]
        for rule in self.protocol["violations"]:
            for cast, _, _ in self.casts(key, rule["roles"]):
                if any(self._fires(rule, shared, cast)):
                    yield f"{rule['label']} is violated in a view"
                    return

    def _fires(self, rule: Mapping[str, Any], shared: Shared, cast: Sequence[Local]) -> Iterator[tuple[int, ...]]:
        for chosen in product(*rule["choices"]):
            if all(_value(g, shared[0], cast, None, chosen) for g in rule["guards"]):
                yield (*chosen, 1)

    def steps(self, key: Any) -> Iterator[str]:
        shared, free = self.there(key)
        for rule in self.protocol["rules"]:
            for cast, who, rest in self.casts(key, rule["roles"]):
                for chosen in self._fires(rule, shared, cast):
                    if not self._stays(rule, shared, cast, chosen, rest, _without(free, who, self.many or 2)):
                        yield f"{rule['label']} leads out of the views"
                        return

    def _stays(
        self,
        rule: Mapping[str, Any],
        shared: Shared,
        cast: Sequence[Local],
        chosen: Sequence[int],
        rest: Sequence[Local],
        bystanders: Iterator[list[tuple[Local, int]]],
    ) -> bool:
        def after(m: Local | None, role: int | None, other: bool) -> tuple[int, ...]:
            old = list(shared[0] if m is None else m[1])
            for where, value in rule["updates"]:
                kind = where[0]
                mine = kind == "S" if m is None else where[:2] == (["O", m[0]] if other else ["R", role])
                if mine:
                    old[where[-1]] = _value(value, shared[0], cast, m if other else None, chosen)
            return tuple(old)

        def heard(m: Local) -> Local | None:
            asked = rule["others"].get(m[0])
            if asked is not None and not _value(asked, shared[0], cast, m, chosen):
                return None
            return m[0], after(m, None, True)

        moved: list[Local] = [(m[0], after(m, role, False)) for role, m in enumerate(cast)]
        held = [heard(m) for m in rest]
        if None in held:
            return True  # a holder stands in the way
        everyone = [*moved, *(m for m in held if m is not None)]
        there = after(None, None, False), tuple(sorted(m for m in everyone if self.holds(m)))
        freed = [(m, 1) for m in everyone if not self.holds(m)]
        for others in bystanders:
            listened = [(heard(m), n) for m, n in others]
            if self.counted and any(m is None for m, _ in listened):
                continue
            after_all = [*freed, *((m, n) for m, n in listened if m is not None)]
            if not self.has(there, _summed(after_all, self.many or 2)):
                return False
        return True


def _without(free: Sequence[tuple[Local, int]], who: Sequence[Local], many: int) -> Iterator[list[tuple[Local, int]]]:
    """What may be left of them: of `many` or more, less some, any number that there may be."""
    ranges = []
    for m, n in free:
        gone = who.count(m)
        ranges.append([n - gone] if n < many else list(range(max(0, many - gone), many + 1)))
    for counts in product(*ranges) if len(who) else [tuple(n for _, n in free)]:
        yield [(m, n) for (m, _), n in zip(free, counts, strict=True) if n]


def _summed(there: Sequence[tuple[Local, int]], many: int) -> Beside:
    total: dict[Local, int] = {}
    for m, n in there:
        total[m] = min(many, total.get(m, 0) + n)
    return tuple(sorted(total.items()))


def _value(tree: Any, shared: Sequence[int], cast: Sequence[Local], other: Local | None, chosen: Sequence[int]) -> int:
    op = tree[0]
    if op == "S":
        return shared[tree[1]]
    if op == "R":
        return cast[tree[1]][1][tree[2]]
    if op == "O":
        assert other is not None
        return other[1][tree[2]]
    if op == "is":
        return int(tree[1])
    if op == "chosen":
        return chosen[tree[1]]
    if op == "in":
        return int(_value(tree[1], shared, cast, other, chosen) in tree[2])
    return MEANS[op](*(a if isinstance(a, int) else _value(a, shared, cast, other, chosen) for a in tree[1:]))
