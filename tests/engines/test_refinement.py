"""Is every behaviour that a client can see of one design possible in another?"""

import pytest

from model.designs.catalogue import load
from model.engines import refinement
from model.errors import UsageError
from model.instance.instance import Instance
from model.limits import Limits
from model.program.design import record
from model.verify.refinement import refines
from tests.support.designs import Waits

PAIRS = [
    ("top-layer-and-cache", "per-slot-cache", 2, 1, "proved"),
    ("top-layer-and-cache", "per-slot-cache", 1, 2, "proved"),
    ("per-slot-cache", "top-layer-and-cache", 1, 1, "proved"),
    ("per-slot-cache", "top-layer-and-cache", 2, 1, "refuted"),
    ("top-layer", "per-slot-cache", 1, 1, "proved"),
    ("top-layer", "per-slot-cache", 2, 1, "refuted"),
    ("per-slot-cache", "top-layer", 1, 1, "refuted"),
]


def instances(concrete, abstract, pages, clients):
    return [Instance(record(load(n)), pages, {"Client": clients}) for n in (concrete, abstract)]


@pytest.mark.parametrize(("concrete", "abstract", "pages", "clients", "word"), PAIRS)
def test_inclusion_of_visible_behaviour_at_a_size(concrete, abstract, pages, clients, word):
    """Decided by following every set of states that the other design can be in."""
    assert word == refinement.search(*instances(concrete, abstract, pages, clients)).word


@pytest.mark.parametrize("design", ["naive", "top-layer", "per-slot-cache", "no-lock"])
def test_every_design_refines_itself(design):
    """At a size, and for any size by the empty mapping."""
    assert "proved" == refinement.search(*instances(design, design, 1, 2)).word
    assert {} == refinement.mapping(record(load(design)), record(load(design)))


def test_a_distinguishing_run_can_be_followed_up_to_its_last_move():
    """The abstract design matches all visible steps but the last: checked by following it here again."""
    lower, upper = instances("per-slot-cache", "top-layer-and-cache", 2, 1)
    found = refinement.search(lower, upper).detail
    follower = refinement._Follower(upper, refinement.visible_parts(lower, upper))
    mine = refinement._Follower(lower, refinement.visible_parts(lower, upper))
    possible, sizes = follower.closed(frozenset({upper.initial})), []
    for i, move in enumerate(found.moves):
        assert lower.enabled(move, found.states[i])
        assert found.states[i + 1] == lower.apply(move, found.states[i])
        label = mine.label(move, found.states[i], found.states[i + 1])
        possible = possible if label is None else follower.after(possible, label)
        sizes.append(len(possible))
    assert 0 == sizes[-1]
    assert all(sizes[:-1])


def test_the_mail_is_answered_for_any_size():
    """Top-layer AND cache is per-slot cache whose range is what the client wants: it adds no behaviour."""
    result = refines(load("top-layer-and-cache"), load("per-slot-cache"))
    assert ("proved", {"pages": "any", "clients": "any"}) == (result.verdict.word, dict(result.scope))
    assert ("every step is a step of per-slot-cache, which chooses clear.span as want",) == result.notes


def test_the_other_direction_is_refuted_at_two_pages():
    """The per-slot cache clears pages beside the wanted ones, so a later sync tells less."""
    result = refines(load("per-slot-cache"), load("top-layer-and-cache"))
    assert ("refuted", {"pages": 2, "clients": 1}, 12) == (
        result.verdict.word,
        dict(result.scope),
        result.verdict.depth,
    )


def test_a_mapping_is_refused_where_one_step_differs():
    """A guard more, a lock less, another value: not the same step."""
    designs = ["cache-not-forgotten", "read-before-clear", "no-lock", "asker-only"]
    assert [None] * 4 == [refinement.mapping(record(load(d)), record(load("per-slot-cache"))) for d in designs]


def test_a_limit_leaves_the_question_open():
    """Undetermined, with its reason."""
    verdict = refinement.search(*instances("top-layer-and-cache", "per-slot-cache", 2, 1), Limits(states=100))
    assert ("undetermined", "the limit of 100 states was reached") == (verdict.word, verdict.reason)


def test_designs_without_a_common_part_are_not_compared():
    """Nothing that a client sees could differ, and a verdict would be vacuous."""
    ours, other = (Instance(record(d), 1, {"Client": 2}) for d in (load("naive"), Waits))
    with pytest.raises(UsageError, match="have no part per client in common"):
        refinement.search(ours, other)
