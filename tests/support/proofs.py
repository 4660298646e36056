"""Proofs for any number of pages and clients, each made once for each process of tests; one takes seconds."""

from functools import cache

from model.designs.catalogue import find_property, load
from model.instance.problem import Problem
from model.limits import Limits
from model.parametric.inference import prove as inductive
from model.parametric.views import decide
from model.program.design import record
from tests.support.paths import ROOT

CLEAR_K = str(ROOT / "tests" / "support" / "clear_k.py") + ":ClearK"


@cache
def problem(design, promise):
    """What a promise asks of a design, both by name."""
    loaded = load(design)
    return Problem.of(record(loaded), find_property(promise, loaded))


@cache
def by_clauses(design, promise, clients=None):
    """The verdict for any number of clients, or for so many."""
    asked = problem(design, promise)
    return inductive.prove(asked.program, asked.invariants, sizes={"Client": clients} if clients else None)


@cache
def by_views(design, promise):
    """The verdict by views."""
    return decide.prove(problem(design, promise), Limits(seconds=120))
