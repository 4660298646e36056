"""What is left out of rules: in an environment where MIGRATION is watched, what others have unread."""

import pytest

from model.designs.catalogue import find_property, load
from model.designs.environment import load_in
from model.instance.problem import Problem
from model.parametric.views import relevant, scenes
from model.program.design import record
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
