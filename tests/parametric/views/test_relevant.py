"""What is left out of rules: in an environment where MIGRATION is watched, what others have unread."""

import random

import pytest

from model.designs.catalogue import find_property, load
from model.designs.environment import load_in
from model.expr import PLACE
from model.instance.problem import Problem
from model.parametric.views import relevant, scenes
from model.parametric.views.codegen import compiled
from model.program.design import record
from tests.support.nightly import rest_nightly
from tests.support.one_page import at_one_page, system_of


def problem(design, promise="no_lost_write", environment="qemu"):
    return Problem.of(record(load_in(design, environment)), find_property(promise, load(design)))


def agree(asked):
    """With 1 and 2 clients, on verdict and depth."""
    found = []
    for clients in (1, 2):
        mine, packed = at_one_page(asked, clients)
        found.append((packed.depth if packed.word == "refuted" else None, None if mine.run is None else len(mine.run)))
    return all(a == b for a, b in found)


def written(asked):
    """Parts of a client that is not named which some rule changes."""
    protocol = system_of(asked)[0].protocol
    rules, _ = relevant.rules_and_violations(protocol)
    all_of = {k for r in scenes.rules(protocol) for k in r.updates}
    kept = {k for r in rules for k in r.updates}
    return {k for k in all_of if relevant.part(protocol, k)[1] is None}, kept


def test_what_a_display_has_unread_is_left_out_where_migration_is_watched():
    before, after = written(problem("per-slot-cache"))
    assert {"unread"} == {name for name, _ in before - after}


@pytest.mark.parametrize(("promise", "environment"), [("promise_kept", "qemu"), ("no_lost_write", "none")])
def test_nothing_is_left_out_where_everybody_is_watched(promise, environment):
    before, after = written(problem("per-slot-cache", promise, environment))
    assert set() == before - after


@pytest.mark.parametrize("design", ["top-layer", "asker-only", "wrong-start-for-one"])
def test_the_small_search_agrees_with_the_packed_one_in_the_environment(design):
    assert agree(problem(design))


def not_of_what_it_is_made(monkeypatch):
    """What a part is made of is forgotten."""
    monkeypatch.setattr(relevant, "_made_of", lambda protocol, rules: {})


def begins_so_stays(monkeypatch):
    """What begins empty is taken to stay empty."""
    real = relevant._still
    monkeypatch.setattr(relevant, "_still", lambda protocol, rules: real(protocol, ()))


def one_for_all(monkeypatch):
    """What the rules do to a named client is overlooked, so that what it has seems to stay."""
    real = relevant._still
    monkeypatch.setattr(
        relevant, "_still", lambda protocol, rules: real(protocol, [r for r in rules if r.actor[0] == "Client"])
    )


BUGS = [not_of_what_it_is_made, begins_so_stays, one_for_all]


@pytest.mark.parametrize("bug", BUGS, ids=lambda b: b.__name__)
def test_a_part_that_is_left_out_wrongly_makes_the_searches_disagree(monkeypatch, bug):
    asked = problem("top-layer")
    assert agree(asked)
    bug(monkeypatch)
    assert not agree(asked)


# ---------------------------------------------------------------- a second road: values, not what stands in a formula


def any_value(chance, field):
    return chance.randrange(1 << field.width) if field.sort != PLACE else field.initial


def seen_of(system, compiled, shared, cast, other, kept):
    """What each move of a rule comes to for those who take part and one who hears, in the parts that are kept."""
    layout, sorts = system.protocol.layout, (*compiled.rule.roles, *other)
    found = []
    for after, moved, key, _ in compiled.moves(shared, cast):
        heard = [change(v, key) if (change := compiled.hear.get(s)) else v for s, v in other.items()]
        if None in heard:
            continue
        fields = [layout.shared, *(layout.local[s] for s in sorts)]
        found += [
            (f.name, value)
            for own, values in zip(fields, (after, *moved, *heard), strict=True)
            for f, value in zip(own, values, strict=True)
            if relevant.part(system.protocol, f.key if own is layout.shared else (f.name, None)) in kept
        ]
    return found


def disturbed(asked, tries=60):
    """(moves looked at, labels of rules that do something else to kept parts when only the left out ones differ)."""
    system = system_of(asked)[0]
    protocol, chance = system.protocol, random.Random(5)
    layout, whole = protocol.layout, scenes.rules(protocol)
    kept = relevant._needed(protocol, whole, relevant.rules_and_violations(protocol)[1])

    def two(fields, shared=False):
        """Random values, and the same but for what is left out."""
        one = [any_value(chance, f) for f in fields]
        key = (lambda f: f.key) if shared else (lambda f: (f.name, None))
        other = [
            v if relevant.part(protocol, key(f)) in kept else any_value(chance, f)
            for f, v in zip(fields, one, strict=True)
        ]
        return tuple(one), tuple(other)

    moves, wrong = 0, set()
    for rule in (compiled(protocol, r) for r in whole):
        for _ in range(tries):
            pairs = [two(layout.shared, shared=True), *(two(layout.local[s]) for s in rule.rule.roles)]
            heard = {s: two(layout.local[s]) for s in protocol.cast.sorts}
            sides = []
            for side in (0, 1):
                shared, *cast = (pair[side] for pair in pairs)
                shared, cast = placed(protocol, rule.rule, shared, cast)
                sides.append(seen_of(system, rule, shared, cast, {s: v[side] for s, v in heard.items()}, kept))
            moves += bool(sides[0])
            if sides[0] != sides[1]:
                wrong.add(rule.rule.label)
    return moves, wrong


def placed(protocol, rule, shared, cast):
    """The thread that moves stands where the rule begins."""
    if rule.source is None:
        return shared, tuple(cast)
    (key, code), layout = rule.source, protocol.layout
    numbers = {protocol.cast.role(s, rule.roles[:i].count(s)): i for i, s in enumerate(rule.roles)}
    at = next((i for i, f in enumerate(layout.shared) if f.key == key), None)
    if at is not None:
        return (*shared[:at], code, *shared[at + 1 :]), tuple(cast)
    who = numbers[key[1]]
    fields = [f.name for f in layout.local[rule.roles[who]]]
    own = list(cast[who])
    own[fields.index(key[0])] = code
    return shared, (*cast[:who], tuple(own), *cast[who + 1 :])


LEFT_OUT = [  # (design, environment, what is asked) where a part is left out
    ("delivers-nothing", "none", "no_lost_write"),
    ("lost-writable-bit", "none", "complete_copy"),
    ("exact-clear", "none", "complete_copy"),
    ("per-slot-cache", "qemu", "no_lost_write"),
    ("colo-checkpoint", "qemu", "no_lost_write"),
    ("rounded-clear", "qemu", "no_lost_write"),
    ("no-lock-register", "qemu", "no_lost_write"),
]


@pytest.mark.parametrize("asked", rest_nightly(LEFT_OUT, LEFT_OUT[:4].count), ids="-".join)
def test_no_rule_does_anything_else_where_only_what_is_left_out_differs(asked):
    """Random values, run; what stands in a formula is not looked at."""
    design, environment, promise = asked
    moves, wrong = disturbed(problem(design, promise, environment))
    assert set() == wrong
    assert 100 < moves


def unsettled(asked, tries=300):
    """(violations seen, states in which those that are kept see something else than all do, or where still parts move).

    Only states in which what no rule changes is as it begins.
    """
    protocol = system_of(asked)[0].protocol
    layout, chance, whole = protocol.layout, random.Random(6), scenes.rules(protocol)
    still = relevant._still(protocol, whole)
    every = [compiled(protocol, v) for v in scenes.violations(protocol)]
    kept = [compiled(protocol, v) for v in relevant.rules_and_violations(protocol)[1]]

    def values(fields, key):
        return tuple(0 if relevant.part(protocol, key(f)) in still else any_value(chance, f) for f in fields)

    def drawn(roles):
        return values(layout.shared, lambda f: f.key), tuple(
            values(layout.local[s], lambda f: (f.name, None)) for s in roles
        )

    seen, wrong = 0, []
    for roles in {r.rule.roles for r in every}:
        for _ in range(tries):
            shared, cast = drawn(roles)
            all_of, few = (
                any(True for v in some if v.rule.roles == roles for _ in v.moves(shared, cast))
                for some in (every, kept)
            )
            seen += all_of
            wrong += [(shared, cast)] * (all_of != few)
    for rule in (compiled(protocol, r) for r in whole):
        for _ in range(20):
            shared, cast = drawn(rule.rule.roles)
            for after, moved, *_ in rule.moves(*placed(protocol, rule.rule, shared, cast)):
                told = [(f.key, v) for f, v in zip(layout.shared, after, strict=True)]
                for s, own in zip(rule.rule.roles, moved, strict=True):
                    told += [((f.name, None), v) for f, v in zip(layout.local[s], own, strict=True)]
                wrong += [k for k, v in told if v and relevant.part(protocol, k) in still]
    return seen, wrong


@pytest.mark.parametrize("asked", rest_nightly(LEFT_OUT, LEFT_OUT[2:4].count), ids="-".join)
def test_the_violations_that_are_kept_see_what_all_of_them_do(asked):
    design, environment, promise = asked
    seen, wrong = unsettled(problem(design, promise, environment))
    assert [] == wrong
    assert 0 < seen


def test_what_begins_empty_and_is_changed_is_not_still(monkeypatch):
    begins_so_stays(monkeypatch)
    assert [] != unsettled(problem("per-slot-cache"))[1]


def test_a_part_that_others_are_made_of_cannot_be_left_out(monkeypatch):
    """The second road sees it too."""
    not_of_what_it_is_made(monkeypatch)
    assert set() != disturbed(problem("per-slot-cache"))[1]
