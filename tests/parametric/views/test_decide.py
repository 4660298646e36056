"""Views against the packed search: the same refutations at every number of clients, and no wrong proof."""

import pytest
from hypothesis import given, settings

from model.engines.packed import search as lanes
from model.errors import CannotSay
from model.instance.problem import Problem
from model.limits import Limits
from model.parametric.views.decide import prove
from model.program.design import record
from model.verdict import Proved, Refuted, Undetermined
from tests.support.one_page import at_one_page
from tests.support.proofs import by_views
from tests.support.random_designs import asked, design, designs
from tests.support.seeded_bugs import same_every_time

TEN = {
    ("per-slot-cache", "promise_kept"): "proved",
    ("per-slot-cache", "no_lost_write"): "proved",
    ("top-layer-and-cache", "promise_kept"): "proved",
    ("top-layer-and-cache", "no_lost_write"): "proved",
    ("no-lock-register", "promise_kept"): (2, 10),
    ("no-lock-register", "no_lost_write"): (3, 13),
    ("naive", "promise_kept"): (1, 5),
    ("naive", "no_lost_write"): (1, 8),
    ("top-layer", "promise_kept"): (2, 8),
    ("top-layer", "no_lost_write"): (2, 10),
}


@pytest.mark.parametrize("asked_of", TEN, ids="-".join)
def test_the_ten_questions_are_decided_for_any_number(asked_of):
    """Of a refutation: the fewest clients, and the moves of a shortest run with so many."""
    verdict = by_views(*asked_of)
    found = verdict.word if isinstance(verdict, Proved) else (verdict.detail.sizes["Client"], verdict.depth)
    assert TEN[asked_of] == found


def test_no_lock_register_loses_a_write_with_three_clients_and_the_packed_search_agrees():
    found = by_views("no-lock-register", "no_lost_write").detail
    assert (1, {"Client": 3}) == (found.problem.pages, dict(found.sizes))
    assert 13 == lanes.search(found.problem).depth


# ---------------------------------------------------------------- random designs


def problems(data):
    """The design with each of its properties."""
    program = record(design(data))
    return [Problem.of(program, asked(promise, data.each_client)) for promise in data.holds]


def checks_few(data, most):
    """The same verdict and depth with 1 to `most` clients."""
    for given_ in problems(data):
        for clients in range(1, most + 1):
            try:
                mine, packed = at_one_page(given_, clients)
            except CannotSay:
                break
            if isinstance(packed, Undetermined):
                break
            expected = packed.depth if isinstance(packed, Refuted) else None
            assert expected == (None if mine.run is None else len(mine.run)), clients


def checks_proofs(data, sizes):
    """What is proved has no violation at any of these sizes, and a refutation is one at its own."""
    for given_ in problems(data):
        verdict = prove(given_, Limits(seconds=5))
        if isinstance(verdict, Refuted):
            assert isinstance(lanes.search(verdict.detail.problem), Refuted)
        if not isinstance(verdict, Proved):
            continue
        for pages, clients in sizes:
            free = {"Client": clients} if "Client" in given_.free_sizes else {}
            found = lanes.search(given_.at(pages, free), Limits(states=100_000))
            assert not isinstance(found, Refuted), (pages, clients)


@settings(same_every_time, max_examples=25)
@given(designs())
def test_random_designs_are_refuted_alike_with_one_to_three_clients(data):
    checks_few(data, 3)


@settings(same_every_time, max_examples=15)
@given(designs())
def test_no_random_design_is_proved_that_has_a_violation(data):
    checks_proofs(data, ((1, 3), (2, 2)))


@pytest.mark.slow
@settings(same_every_time, max_examples=1000)
@given(designs())
def test_1000_random_designs_are_refuted_alike_with_one_to_four_clients(data):
    checks_few(data, 4)


@pytest.mark.slow
@settings(same_every_time, max_examples=1000)
@given(designs())
def test_none_of_1000_random_designs_is_proved_that_has_a_violation(data):
    checks_proofs(data, ((1, 4), (2, 2), (3, 1), (3, 4)))
