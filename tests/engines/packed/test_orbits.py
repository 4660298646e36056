"""With symmetry states and transitions are counted from orbits, and are those of the search without it."""

from fractions import Fraction
from itertools import product
from math import factorial

import pytest
from hypothesis import assume

from model.designs.catalogue import built_in_designs
from model.engines import explicit
from model.engines.packed import orbits
from model.engines.packed import search as packed
from model.limits import Limits
from model.verdict import Refuted, Undetermined
from tests.support.clear_k import ClearK, promise
from tests.support.packed import question
from tests.support.random_designs import SIZES, questions
from tests.support.seeded_bugs import on_random_designs


def counts(verdict):
    return verdict.word, verdict.states, verdict.transitions, verdict.depth


def with_symmetry(asked, limits=None, **more):
    return packed.search(asked, limits, reductions=["symmetry"], **more)


def same_counts(asked, limits=None, **more):
    """Whether the two searches agree; the number of orbits, or 0 where nothing is alike."""
    found = with_symmetry(asked, limits, **more)
    assert counts(explicit.search(asked, limits)) == counts(found)
    assert found.orbits <= found.states
    return found.orbits


@pytest.mark.parametrize(
    ("pages", "clients"),
    [(2, 1), (1, 2), pytest.param(1, 3, marks=pytest.mark.slow), pytest.param(3, 1, marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("design", built_in_designs())
def test_every_design_is_counted_as_without_symmetry(design, pages, clients):
    """A refuted one up to the level before the violation."""
    assert same_counts(question(design, "promise_kept", pages, clients))


def counted_as_without(data):
    for pages, clients in (*SIZES, (2, 2)):
        for asked in questions(data, pages, clients):
            assume(explicit.search(asked, Limits(states=1_500)).conclusive)
            same_counts(asked)


test_random_designs_are_counted_as_without_symmetry = on_random_designs(counted_as_without, 10)
test_300_random_designs_are_counted_as_without_symmetry = pytest.mark.slow(on_random_designs(counted_as_without, 300))


@pytest.mark.parametrize(("pages", "clients", "word_bits"), [(2, 2, 64), (2, 2, 7), (1, 4, 64), (3, 1, 64)])
def test_the_yardstick_in_one_word_or_several(pages, clients, word_bits):
    assert same_counts(question(ClearK, promise, pages, clients), word_bits=word_bits)


def test_codes_that_are_too_many_for_a_table_are_told_apart_all_the_same(monkeypatch):
    monkeypatch.setattr(orbits, "DIRECT", 0)
    assert same_counts(question(ClearK, promise, 2, 2))


@pytest.mark.parametrize(
    ("pages", "clients", "states", "transitions", "kept"),
    [
        (2, 3, 104_672, 636_740, 27_698),
        pytest.param(3, 3, 7_465_700, 54_635_192, 643_251, marks=pytest.mark.slow),
        pytest.param(4, 3, 417_177_440, 3_530_254_432, 9_130_739, marks=pytest.mark.slow),
    ],
)
def test_the_yardstick_has_as_many_states_as_every_tool_counts(pages, clients, states, transitions, kept):
    found = with_symmetry(question(ClearK, promise, pages, clients))
    assert ("proved", states, transitions, kept) == (found.word, found.states, found.transitions, found.orbits)


def test_a_stabiliser_that_forgets_equal_pages_is_caught(monkeypatch):
    """Every orbit taken for one of the full group's order: too many states."""
    asked = question(ClearK, promise, 2, 2)
    right = with_symmetry(asked).states
    monkeypatch.setattr(orbits.Orbits, "_size", lambda self, code: factorial(self.pages) * self.orders)
    assert right < with_symmetry(asked).states


@pytest.mark.parametrize("forgotten", ["pages", "elements"])
def test_half_a_stabiliser_is_caught(monkeypatch, forgotten):
    """Only the orders of the pages counted, or only those of the elements."""
    asked, whole = question("per-slot-cache", "promise_kept", 2, 2), orbits.Orbits._size

    def half(self, code):
        low = (1 << self.pages - 1) - 1
        return whole(self, code & ~low if forgotten == "pages" else code & low)

    right = with_symmetry(asked)
    monkeypatch.setattr(orbits.Orbits, "_size", half)
    wrong = with_symmetry(asked)
    assert right.states < wrong.states
    assert right.transitions < wrong.transitions


@pytest.mark.parametrize("pages", [1, 2, 4, 30])
def test_the_size_of_an_orbit_is_the_order_of_the_group_over_that_of_the_stabiliser(pages):
    """30 pages of which no two are equal have 30! orders, more than 64 bits can say."""
    found = orbits.Orbits.__new__(orbits.Orbits)
    found.pages, found.orders = pages, 6
    assert 6 * factorial(pages) == found._size(0)
    assert 1 == found._size((1 << pages - 1) - 1 | 5 << pages - 1)
    for back, equal in product((1, 2, 3, 6), range(1, pages + 1)):
        code = (1 << equal - 1) - 1 | back - 1 << pages - 1
        assert Fraction(6 * factorial(pages), back * factorial(equal)) == found._size(code)


def test_a_limit_of_depth_counts_the_same_levels():
    same_depth = Limits(depth=6)
    asked = question("per-slot-cache", "promise_kept", 2, 2)
    expected, found = explicit.search(asked, same_depth), with_symmetry(asked, same_depth)
    assert (expected.states, expected.depth) == (found.states, found.depth)


def test_a_limit_of_states_is_one_of_states_that_are_kept():
    """Of a level that was not finished the states are not counted; its orbits are."""
    asked = question("per-slot-cache", "promise_kept", 2, 2)
    found = with_symmetry(asked, Limits(states=2_000))
    assert isinstance(found, Undetermined)
    assert found.orbits > 2_000
    assert found.states > found.orbits


def test_with_partial_order_nobody_says_how_many_moves_there_are():
    asked = question("per-slot-cache", "promise_kept", 2, 2)
    reduced = packed.search(asked, reductions=["order"])
    both = packed.search(asked, reductions=["order", "symmetry"])
    assert (None, 0) == (reduced.transitions, reduced.orbits)
    assert (None, both.states) == (both.transitions, both.orbits)


def test_a_refutation_after_partial_order_is_counted_by_the_search_that_found_it():
    asked = question("top-layer", "promise_kept", 1, 2)
    found = packed.search(asked, reductions=["order", "symmetry"])
    assert isinstance(found, Refuted)
    assert counts(explicit.search(asked)) == counts(found)


def test_codes_that_do_not_fit_a_word_are_refused_and_states_are_orbits(monkeypatch):
    """As with more than 54 pages alike: nothing is said that is not exact."""
    asked = question(ClearK, promise, 2, 2)
    kept = with_symmetry(asked).orbits

    class Wide(orbits.Orbits):
        def __init__(self, found, packing):
            super().__init__(found, packing)
            self.exact = False

    monkeypatch.setattr("model.engines.packed.sweep.Orbits", Wide)
    found = with_symmetry(asked)
    assert (kept, kept, None) == (found.states, found.orbits, found.transitions)
