"""Proofs for any number of pages and of every open sort: 50 of 57 safe designs, and why not the others."""

import pytest

from model.designs.catalogue import find_property, load
from model.designs.gallery import entries
from model.instance.problem import Problem
from model.limits import Limits
from model.parametric.views.decide import prove
from model.program.design import record
from tests.support.nightly import rest_nightly

BY_VIEWS = (
    "exchanged-pte",
    "fault-marks-last",
    "store-then-mark",
    "write-back",
    "zap-and-flush",
    "slot-removed-frozen",
    "rounded-clear",
    "multifd-flushed",
    "block-mirror",
    "pml-queue",
    "dirty-ring",
    "ring-with-bitmap",
    "skip-if-dirty-fenced",
)
SLOW = ("discard-after-sync", "discard-before-sync", "colo-checkpoint", "deferred-chunked-clear")
ENTRIES = {e.design: e for e in entries()}


def test_so_many_safe_designs_are_proved_for_any_number():
    """27 before there were views, and 5 with a fixed number of some sort; docs/proofs.md names those that are left."""
    proved = [e for e in ENTRIES.values() if e.any.get(e.decided_by) == "proved"]
    assert (50, 5) == (sum(not e.only for e in proved), sum(bool(e.only) for e in proved))


@pytest.mark.parametrize("name", SLOW)
@pytest.mark.slow
def test_views_prove_the_large_ones_too(name):
    """A dozen seconds each."""
    test_views_prove_what_clauses_did_not(name)


@pytest.mark.parametrize("name", rest_nightly(BY_VIEWS, [*BY_VIEWS][:4].count))
def test_views_prove_what_clauses_did_not(name):
    """For any number of pages, and of every sort but what `only` fixes."""
    design = load(name)
    asked = Problem.of(record(design), find_property(ENTRIES[name].decided_by, design))
    assert "proved" == prove(asked, Limits(seconds=120), ENTRIES[name].only).word
    assert "proved" == ENTRIES[name].any[ENTRIES[name].decided_by]
