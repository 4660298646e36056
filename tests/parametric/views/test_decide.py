"""The built-in questions, decided for any number of clients."""

import pytest

from model.engines.packed import search as lanes
from model.parametric.views.decide import prove
from model.verdict import Proved
from tests.support.proofs import by_views, problem

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


WHOLE = {
    ("naive", 2): (1, 8),
    ("top-layer", 1): (2, 10),
    ("top-layer", 2): (2, 10),
    ("no-lock-register", 1): (3, 13),
    ("per-slot-cache", 1): "proved",
}


@pytest.mark.parametrize(("design", "pages"), WHOLE, ids=lambda x: str(x))
def test_all_pages_together_are_decided_for_any_number_of_clients(design, pages):
    """As many pages as are named and no more; the same runs as for any number of pages."""
    verdict = prove(problem(design, "no_lost_write"), pages=pages)
    found = verdict.word if isinstance(verdict, Proved) else (verdict.detail.sizes["Client"], verdict.depth)
    assert WHOLE[design, pages] == found


def test_no_lock_register_loses_a_write_with_three_clients_and_the_packed_search_agrees():
    found = by_views("no-lock-register", "no_lost_write").detail
    assert (1, {"Client": 3}) == (found.problem.pages, dict(found.sizes))
    assert 13 == lanes.search(found.problem).depth
