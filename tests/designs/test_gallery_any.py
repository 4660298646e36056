"""Proofs for any number of pages and of every open sort: 41 of 51 safe designs, and why not the others."""

import pytest

from model.designs.catalogue import find_property, load
from model.designs.gallery import FAMILIES, _tables, entries
from model.instance.problem import Problem
from model.limits import Limits
from model.parametric.views.decide import prove
from model.program.design import record

ONLY = {n: t.get("only") for f in FAMILIES.glob("*/gallery.toml") for n, t in _tables(f).items()}
BY_VIEWS = (
    "exchanged-pte",
    "fault-marks-last",
    "store-then-mark",
    "write-back",
    "zap-and-flush",
    "slot-removed-frozen",
    "rounded-clear",
    "discard-after-sync",
    "discard-before-sync",
)
ENTRIES = {e.design: e for e in entries()}


def test_so_many_safe_designs_are_proved_for_any_number():
    """32 before there were views; those that are left are named in docs/proofs.md."""
    assert 41 <= sum(e.any.get(e.decided_by) == "proved" for e in ENTRIES.values())


@pytest.mark.parametrize("name", BY_VIEWS)
def test_views_prove_what_clauses_did_not(name):
    """For any number of pages, and of every sort but what `only` fixes."""
    design = load(name)
    asked = Problem.of(record(design), find_property(ENTRIES[name].decided_by, design))
    assert "proved" == prove(asked, Limits(seconds=120), ONLY[name]).word
    assert "proved" == ENTRIES[name].any[ENTRIES[name].decided_by]
