"""A step or an invariant cast in every way: which processes play its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from model.errors import CannotSay
from model.expr import FALSE, PLACE, TRUE, TRUTH, Expr, Index, make, node, replace_index
from model.instance.ground_expr import number_of
from model.instance.ground_step import ground_updates
from model.instance.locations import at
from model.parametric.views.fragment import parameters, said_at
from model.parametric.views.one_page import ONE_OR_NONE
from model.parametric.views.protocol import Protocol
from model.parametric.views.quantifiers import Universal, Variant, hoisted, variants
from model.parametric.views.rule import Key, Rule
from model.program.program import Invariant
from model.program.step import Step

Env = dict[Index, int]
SETS: Mapping[str, Callable[[int], tuple[int, ...]]] = {  # what a chosen set of pages can be, of so many
    "page": lambda pages: tuple(1 << n for n in range(pages)),
    ONE_OR_NONE: lambda pages: (0, *(1 << n for n in range(pages))),
    "some": lambda pages: tuple(range(1, 1 << pages)),
    "any": lambda pages: tuple(range(1 << pages)),
}


@dataclass(frozen=True)
class Casting:
    """Who plays what: the element of each term, and the kinds of the processes that take part, in order."""

    env: Mapping[Index, int]
    roles: tuple[str, ...] = ()


def rules(protocol: Protocol) -> tuple[Rule, ...]:
    """Every step, for every way to cast it."""
    found: list[Rule] = []
    for step in protocol.program.steps:
        with said_at(step.place):
            found += of_step(protocol, step)
    return tuple(found)


def violations(protocol: Protocol) -> tuple[Rule, ...]:
    """Rules without effect that can fire where an invariant is violated."""
    return tuple(r for i in protocol.invariants for r in of_invariant(protocol, i))


def castings(protocol: Protocol, terms: Sequence[Index], begin: Casting) -> Iterator[Casting]:
    """Every way to choose an element for each term: a named one, one that takes part already, or one more."""
    if not terms:
        yield begin
        return
    term, cast = terms[0], protocol.cast
    if term.sort not in cast.named:
        choices = [(n, begin.roles) for n in range(2 if not term.sort else protocol.instance.sizes[term.sort])]
    else:
        here = begin.roles.count(term.sort)
        choices = [(n, begin.roles) for n in range(cast.role(term.sort, here))]
        choices.append((cast.role(term.sort, here), (*begin.roles, term.sort)))
    for number, roles in choices:
        yield from castings(protocol, terms[1:], Casting({**begin.env, term: number}, roles))


def of_invariant(protocol: Protocol, rule: Invariant) -> Iterator[Rule]:
    """Who has to be there for a violation, and what it looks like."""
    bad, free = make("negate", rule.holds), protocol.cast.named
    terms: list[Index] = []
    if rule.each is not None:
        if rule.each.sort not in protocol.instance.sizes:
            return
        term = Index("param", rule.each.sort, "of whom")
        bad, terms = replace_index(bad, rule.each, term), [term]
    bad, witnesses = hoisted(bad, free, rule.name, pages=protocol.pages)
    for casting in castings(protocol, [*terms, *witnesses], Casting({})):
        guard = protocol.ground(bad, casting.env)
        if guard is not FALSE:
            yield Rule(rule.name, casting.roles, None, None, {}, (), (guard,), {})


def of_step(protocol: Protocol, step: Step) -> Iterator[Rule]:
    """The step by each named thread, by each thread of a sort of fixed size, and by any process."""
    small = [Index("param", p.sort, p.name) for p in parameters(protocol.program, step)]
    for variant in variants(step, protocol.cast.named, protocol.pages):
        for begin in _actors(protocol, Index("me", step.by)):
            for casting in castings(protocol, [*small, *variant.witnesses], begin):
                found = _rule(protocol, variant, casting, {t.name: casting.env[t] for t in small})
                if not any(g is FALSE for g in found.guards):
                    yield found


def _actors(protocol: Protocol, me: Index) -> Iterator[Casting]:
    cast = protocol.cast
    if me.sort not in cast.named:
        yield from (Casting({me: k}) for k in range(protocol.instance.sizes.get(me.sort, 1)))
        return
    yield from (Casting({me: k}) for k in range(cast.named[me.sort]))
    yield Casting({me: cast.role(me.sort, 0)}, (me.sort,))


def _rule(protocol: Protocol, variant: Variant, casting: Casting, chosen: Mapping[str, int]) -> Rule:
    step = variant.step
    places, env = protocol.instance.places, dict(casting.env)
    me = env[Index("me", step.by)]
    there = (at(step.by), me)
    source = places.code(step, step.source, chosen) if there in places.told_apart else None
    target = places.code(step, step.target, chosen) if there in places.told_apart else None
    taken, locks = _locks(protocol, step, me, source, target, env)
    asked = [*taken, *(protocol.ground(g, env) for g in step.guards)]
    asked += [
        protocol.ground(b, {**env, x: k}) for x, b in variant.universal for k in _present(protocol, x.sort, casting)
    ]
    fields = protocol.instance.fields
    plain = _with_lock_bits(protocol, step)
    updates: dict[Key, Expr] = {
        fields[i].key: protocol.settled(v)
        for i, v in ground_updates(places, protocol.pages, protocol.instance.position, plain, env).items()
    }
    if source != target and target is not None:
        updates[there] = node("place", (target,), PLACE)
    return Rule(
        label=step.label,
        roles=casting.roles,
        actor=(step.by, me),
        source=None if source is None else (there, source),
        chosen=dict(chosen),
        pages=tuple(p.name for p in step.params if p.kind in SETS),
        choices=tuple(SETS[p.kind](protocol.pages) for p in step.params if p.kind in SETS),
        guards=tuple(g for g in asked if g is not TRUE),
        updates=updates | locks,
        others={
            s: _of_others(protocol, s, variant.universal, env)
            for s in dict.fromkeys(x.sort for x, _ in variant.universal)
        },
    )


def _present(protocol: Protocol, sort: str, casting: Casting) -> Iterator[int]:
    """Elements of an open sort that are named or take part."""
    return iter(range(protocol.cast.role(sort, casting.roles.count(sort))))


def _of_others(protocol: Protocol, sort: str, universal: Sequence[Universal], env: Env) -> Expr:
    other = protocol.cast.other(sort)
    asked = [protocol.ground(b, {**env, x: other}) for x, b in universal if x.sort == sort]
    return reduce(lambda a, b: make("both", a, b), asked, TRUE)


def _with_lock_bits(protocol: Protocol, step: Step) -> Step:
    return replace(step, updates=tuple(replace(u, value=protocol.plain(u.value)) for u in step.updates))


def _locks(
    protocol: Protocol, step: Step, me: int, source: int | None, target: int | None, env: Env
) -> tuple[list[Expr], dict[Key, Expr]]:
    """What taking its locks asks for, and how their bits change."""
    held = protocol.instance.held
    before = held(step.by, me, source or 0)
    after = held(step.by, me, target or 0)
    taken = {(h.lock, number_of(h.index, env)) for h in step.takes} - before
    if not after - before <= taken:
        raise CannotSay(f"{step.label} holds a lock that it does not take")
    asked = [make("negate", node("field", _bit(k), TRUTH)) for k in sorted(taken, key=str) if _bit(k) in protocol.locks]
    changed = {_bit(k): TRUE for k in after - before} | {_bit(k): FALSE for k in before - after}
    return asked, changed


def _bit(lock: tuple[str, int | None]) -> Key:
    return f"lock {lock[0]}", lock[1]
