"""Rules without what nothing asked depends on: such a part stays as it begins, and states that differ there are one.

Exact: no guard, place or violation reads such a part, and nothing that they read is made of it. What no rule changes is
what it begins as; so in an environment where one named process is watched, others need not know what they have unread.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from model.expr import FALSE, NONE, PAGES, TRUTH, Expr, rewrite, walk
from model.parametric.views import scenes
from model.parametric.views.protocol import Protocol
from model.parametric.views.rule import Key, Rule

CONSTANTS = {PAGES: NONE, TRUTH: FALSE}  # what begins as 0


def rules_and_violations(protocol: Protocol) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """Every rule that matters to a violation, without what does not, and every violation that can be."""
    whole = scenes.rules(protocol)
    still = _still(protocol, whole)
    asked = [_settled(protocol, v, still) for v in scenes.violations(protocol)]
    violations = tuple(v for v in asked if not any(g is FALSE for g in v.guards))
    needed = _needed(protocol, whole, violations)
    return tuple(_without(protocol, r, needed) for r in whole), violations


def part(protocol: Protocol, key: Key) -> Key:
    """The same for every process that is not named: what it keeps there is one kind of part."""
    return key if any(f.key == key for f in protocol.layout.shared) else (key[0], None)


def _still(protocol: Protocol, rules: Iterable[Rule]) -> frozenset[Key]:
    """Parts that begin empty and that no rule changes."""
    changed = {part(protocol, k) for r in rules for k in r.updates}
    local = (f for fields in protocol.layout.local.values() for f in fields)
    begun = {f.key: f for f in protocol.layout.shared} | {(f.name, None): f for f in local}
    return frozenset(k for k, f in begun.items() if f.initial == 0 and f.sort in CONSTANTS and k not in changed)


def _settled(protocol: Protocol, violation: Rule, still: Collection[Key]) -> Rule:
    def empty(e: Expr) -> Expr | None:
        return CONSTANTS[e.sort] if e.op == "field" and part(protocol, e.args) in still else None

    return replace(violation, guards=tuple(rewrite(g, empty) for g in violation.guards))


def _needed(protocol: Protocol, rules: Collection[Rule], violations: Iterable[Rule]) -> frozenset[Key]:
    """What is read where it is asked whether a rule or a violation fits, and all that this is made of."""
    asked = [e for r in (*rules, *violations) for e in (*r.guards, *r.others.values())]
    needed = {r.source[0] for r in rules if r.source is not None} | {k for e in asked for k in _read(e)}
    found = {part(protocol, k) for k in needed}
    made = _made_of(protocol, rules)
    while more := {k for n in found for k in made.get(n, ())} - found:
        found |= more
    return frozenset(found)


def _made_of(protocol: Protocol, rules: Iterable[Rule]) -> Mapping[Key, set[Key]]:
    made: dict[Key, set[Key]] = {}
    for rule in rules:
        for key, value in rule.updates.items():
            made.setdefault(part(protocol, key), set()).update(part(protocol, k) for k in _read(value))
    return made


def _read(e: Expr) -> Iterator[Key]:
    return (x.args[:2] for x in walk(e) if x.op in ("field", "located"))


def _without(protocol: Protocol, rule: Rule, needed: Collection[Key]) -> Rule:
    return replace(rule, updates={k: v for k, v in rule.updates.items() if part(protocol, k) in needed})
