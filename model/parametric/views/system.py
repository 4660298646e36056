"""The protocol on small numbers: each shared part and each local is a number, and what is asked of a rule is kept.

A process that holds a lock stands with the shared part while it does: there is one at most for each lock, and what it
does under the lock is then seen beside everything else exactly, not beside anyone who might be there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from model.parametric.views.codegen import Compiled, Values, compiled
from model.parametric.views.protocol import Protocol
from model.parametric.views.relevant import rules_and_violations
from model.parametric.views.rule import Rule

Who = tuple[int, ...]
UNHEARD = 0  # what bystanders hear of a step that changes nothing of theirs


@dataclass(frozen=True)
class Step:
    """One move of some processes beside a shared part.

    Attributes:
        shared: number of the shared part after it.
        after: numbers of the processes that took part, or left a lock, and are free after it.
        heard: number of what bystanders hear, UNHEARD where they hear nothing.
        rule, pages: which rule it was, and the sets of pages that were chosen.
        cast: what each role was before: numbers of locals.
    """

    shared: int
    after: Who
    heard: int
    rule: Compiled
    pages: Values
    cast: Who


class System:
    """The rules of a protocol as functions of numbers, tables filled as they are asked for."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.sorts = protocol.cast.sorts
        self.locals: list[tuple[str, Values]] = []
        self.holder: list[bool] = []
        self.shareds: list[tuple[Values, Who]] = []
        self._local: dict[tuple[str, Values], int] = {}
        self._shared: dict[tuple[Values, Who], int] = {}
        self._heard: dict[object, int] = {(): UNHEARD}
        self._hearing: list[tuple[Compiled | None, Values, dict[int, int | None]]] = [(None, (), {})]
        self._known_casts: dict[tuple[tuple[str, ...], Who, Who], list[tuple[Who, Who]]] = {}
        self._known_rules: dict[tuple[bool, tuple[str, ...], Who], list[Compiled]] = {}
        self._steps: dict[tuple[int, Who], list[Step]] = {}
        self._bad: dict[tuple[int, Who], bool] = {}
        self._holding = {s: self._holding_codes(s) for s in self.sorts}
        layout = protocol.layout
        self.start = self.shared(tuple(f.initial for f in layout.shared), ())
        self.fresh = {s: self.local(s, tuple(f.initial for f in layout.local[s])) for s in self.sorts}

    def _holding_codes(self, sort: str) -> tuple[int | None, frozenset[int]]:
        codes = range(len(self.protocol.instance.codes.get(sort, ())))
        holding = frozenset(c for c in codes if self.protocol.holds_shared_lock(sort, c))
        return self.protocol.place_of(sort), holding

    # -- numbers

    def local(self, sort: str, values: Values) -> int:
        """The number of a local state."""
        key = sort, values
        if key not in self._local:
            self._local[key] = len(self.locals)
            self.locals.append(key)
            place, holding = self._holding[sort]
            self.holder.append(place is not None and values[place] in holding)
        return self._local[key]

    def shared(self, values: Values, holders: Who) -> int:
        """The number of a shared part together with the processes that hold locks."""
        key = values, holders
        if key not in self._shared:
            self._shared[key] = len(self.shareds)
            self.shareds.append(key)
        return self._shared[key]

    # -- rules

    @cached_property
    def _asked(self) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
        return rules_and_violations(self.protocol)

    @cached_property
    def rules(self) -> list[Compiled]:
        return [compiled(self.protocol, r) for r in self._asked[0]]

    @cached_property
    def violations(self) -> list[Compiled]:
        return [compiled(self.protocol, r) for r in self._asked[1]]

    @cached_property
    def most(self) -> int:
        """Processes that take part in one rule, at most."""
        return max((len(r.rule.roles) for r in self.rules), default=0)

    @cached_property
    def most_bad(self) -> int:
        """Processes that a violation speaks of, at most."""
        return max((len(r.rule.roles) for r in self.violations), default=0)

    @cached_property
    def _by_roles(self) -> tuple[Mapping[tuple[str, ...], list[Compiled]], Mapping[tuple[str, ...], list[Compiled]]]:
        """Rules, and violations, by their roles."""
        return _by_roles(self.rules), _by_roles(self.violations)

    def _fitting(self, bad: bool, roles: tuple[str, ...], cast: Who) -> list[Compiled]:
        """Rules, or violations, with these roles that ask nothing of those who play them that they are not."""
        key = bad, roles, cast
        if key not in self._known_rules:
            who = tuple(self.locals[m][1] for m in cast)
            self._known_rules[key] = [r for r in self._by_roles[bad][roles] if r.may(who)]
        return self._known_rules[key]

    def steps(self, shared: int, who: Who) -> list[Step]:
        """Moves in which exactly these free processes take part, with those that hold locks as the rule needs them."""
        key = shared, who
        if key not in self._steps:
            self._steps[key] = list(self._found(shared, who))
        return self._steps[key]

    def _found(self, shared: int, who: Who) -> Iterator[Step]:
        _, holders = self.shareds[shared]
        known = set()
        for roles in self._by_roles[False]:
            for cast, rest in self._casts(roles, who, holders):
                for rule in self._fitting(False, roles, cast):
                    for step in self._fired(rule, shared, cast, rest):
                        same = step.shared, step.after, step.heard
                        if same not in known:
                            known.add(same)
                            yield step

    def _casts(self, roles: tuple[str, ...], who: Who, holders: Who) -> list[tuple[Who, Who]]:
        """(a process for each role, holders without a role) with all of `who` in some role."""
        key = roles, who, holders
        if key not in self._known_casts:
            self._known_casts[key] = list(self._cast(roles, who, holders))
        return self._known_casts[key]

    def _cast(self, roles: Sequence[str], who: Who, holders: Who) -> Iterator[tuple[Who, Who]]:
        if len(roles) < len(who) or len(roles) > len(who) + len(holders):
            return
        if not roles:
            yield (), holders
            return
        for pool, other in ((who, True), (holders, False)):
            for i, m in enumerate(pool):
                if m in pool[:i] or self.locals[m][0] != roles[0]:
                    continue
                left = pool[:i] + pool[i + 1 :]
                inner = self._cast(roles[1:], left, holders) if other else self._cast(roles[1:], who, left)
                for cast, rest in inner:
                    yield (m, *cast), rest

    def _fired(self, rule: Compiled, shared: int, cast: Who, rest: Who) -> Iterator[Step]:
        values = self.shareds[shared][0]
        for after, moved, key, pages in rule.moves(values, tuple(self.locals[m][1] for m in cast)):
            heard = self._class(rule, key) if rule.hear else UNHEARD
            numbers = [self.local(s, v) for s, v in zip(rule.rule.roles, moved, strict=True)]
            holders = [h for m in rest if (h := self.hear(heard, m)) is not None]
            if len(holders) < len(rest):
                continue
            everyone = sorted([*numbers, *holders])
            free = tuple(m for m in everyone if not self.holder[m])
            holding = tuple(m for m in everyone if self.holder[m])
            yield Step(self.shared(after, holding), free, heard, rule, pages, cast)

    def _class(self, rule: Compiled, key: Values) -> int:
        name = rule.heard, key
        if name not in self._heard:
            self._heard[name] = len(self._hearing)
            self._hearing.append((rule, key, {}))
        return self._heard[name]

    def hear(self, heard: int, m: int) -> int | None:
        """The local of a bystander after it heard that; None where it stands in the way of what would be heard."""
        if heard == UNHEARD:
            return m
        rule, key, table = self._hearing[heard]
        if m not in table:
            sort, values = self.locals[m]
            assert rule is not None
            change = rule.hear.get(sort)
            after = change(values, key) if change else values
            table[m] = None if after is None else m if after is values else self.local(sort, after)
        return table[m]

    # -- violations

    def bad(self, shared: int, who: Who) -> bool:
        """Exactly these free processes, with holders of locks, are a violation."""
        key = shared, who
        if key not in self._bad:
            values, holders = self.shareds[shared]
            self._bad[key] = any(
                True
                for roles in self._by_roles[True]
                for cast, _ in self._casts(roles, who, holders)
                for rule in self._fitting(True, roles, cast)
                for _ in rule.moves(values, tuple(self.locals[m][1] for m in cast))
            )
        return self._bad[key]


def _by_roles(rules: Sequence[Compiled]) -> dict[tuple[str, ...], list[Compiled]]:
    found: dict[tuple[str, ...], list[Compiled]] = defaultdict(list)
    for r in rules:
        found[r.rule.roles].append(r)
    return dict(found)
