"""Random designs: wherever two engines, or two readings of one table, could differ, they do not.

A seeded bug, one wrong row in one engine's table of operators, is found by the same comparisons.
"""

import itertools

import pytest

from model import NONE, Design, Pages, operation, shifted, whole
from model.engines import bounded, explicit, induction, unrolling
from model.engines.packed import search as lanes
from model.expr import algebra, always
from model.instance.problem import Problem
from model.limits import Limits
from model.program.design import record
from model.verdict import Proved, Refuted, Undetermined
from tests.support.seeded_bugs import random_data, sample, with_bug

DEPTH = 8


def counts(verdict):
    return verdict.word, verdict.states, verdict.depth, verdict.transitions


def difference_of_lanes(asked, expected, table=None):
    """What the packed engine says otherwise than the reference, or None."""
    actual = lanes.search(asked, table=table)
    if counts(expected) != counts(actual):
        return counts(expected), counts(actual)
    if isinstance(expected, Refuted) and set(expected.detail) != set(actual.detail):
        return expected.detail, actual.detail
    return None


def difference_of_bounded(asked, expected, table=None):
    """What bounded model checking says otherwise than the reference as far as its bound, or None."""
    try:
        actual = bounded.search(asked, Limits(depth=DEPTH), table=table)
    except unrolling.Disagreement as wrong:
        return str(wrong)
    if isinstance(expected, Refuted) and expected.depth <= DEPTH:
        violating = isinstance(actual, Refuted) and set(actual.detail) <= set(expected.detail)
        return None if violating and expected.depth == actual.depth else (expected, actual)
    return None if Undetermined(depth=DEPTH) == actual else (expected, actual)


def interpreted(made, state):
    """The successors by the plain-integer interpreter: every move tried, in the order of the moves."""
    return [(m.number, made.apply(m, state)) for m in made.moves if made.enabled(m, state)]


def difference_of_compiled(made, many=12):
    """A state where the compiled successors are not the interpreted ones in the same order, or None."""
    seen, waiting = {made.initial}, [made.initial]
    for state in itertools.islice(iter(waiting), many):
        expected = interpreted(made, state)
        if expected != list(made.successors(state)):
            return state, expected, list(made.successors(state))
        waiting += [s for s in dict.fromkeys(after for _, after in expected) if s not in seen]
        seen |= {s for _, s in expected}
    return None


# ---------------------------------------------------------------- agreement


@pytest.mark.parametrize("most", [150, pytest.param(300, marks=pytest.mark.slow)])
def test_numpy_agrees_with_the_reference_on_random_designs(most):
    """Each at two sizes, some refuted after several moves and some proved."""
    assert most == len(random_data(most))
    for asked, expected in sample(most):
        assert None is difference_of_lanes(asked, expected), asked.program
    said = {(expected.word, expected.depth > 1) for _, expected in sample(most)}
    assert {("refuted", True), ("proved", True)} <= said


@pytest.mark.parametrize("most", [60, pytest.param(300, marks=pytest.mark.slow)])
def test_bounded_model_checking_agrees_with_the_reference_on_random_designs(most):
    """Each at two sizes, 8 moves far; a wrong row of its table is caught by the first of them (see below)."""
    for asked, expected in sample(most):
        assert None is difference_of_bounded(asked, expected), asked.program


@pytest.mark.parametrize("most", [150, pytest.param(300, marks=pytest.mark.slow)])
def test_compiled_successors_are_the_interpreted_ones_in_the_same_order(most):
    for asked, _ in sample(most):
        made = asked.instance
        assert None is difference_of_compiled(made), made.program
        for check in asked.checks:
            assert made.value(check.holds, made.initial) == made.predicate(check.holds)(made.initial)


@pytest.mark.parametrize("most", [50, pytest.param(300, marks=pytest.mark.slow)])
def test_k_induction_proves_nothing_that_the_reference_refutes_and_refutes_what_it_refutes(most):
    for asked, expected in sample(most):
        actual = induction.search(asked, Limits(depth=DEPTH))
        if isinstance(actual, Proved):
            assert isinstance(expected, Proved)
        elif isinstance(actual, Refuted):
            assert (expected.word, expected.depth) == (actual.word, actual.depth)
        else:
            assert isinstance(expected, Proved) or expected.depth > DEPTH


# ---------------------------------------------------------------- seeded bugs


def caught(difference):
    """Whether the comparison finds a difference on some design of the sample."""
    return any(difference(*each) is not None for each in sample(150))


@pytest.mark.parametrize("operator", algebra.OPERATORS)
def test_a_wrong_row_in_the_table_of_the_packed_engine_is_caught(operator):
    def difference(asked, expected):
        return difference_of_lanes(asked, expected, with_bug(algebra.words(asked.pages), operator))

    assert caught(difference)


@pytest.mark.parametrize("operator", algebra.OPERATORS)
def test_a_wrong_row_in_the_table_of_bounded_model_checking_is_caught(operator):
    def difference(asked, expected):
        return difference_of_bounded(asked, expected, with_bug(algebra.bit_vectors(asked.pages), operator))

    assert caught(difference)


@pytest.mark.parametrize("operator", algebra.OPERATORS)
def test_a_wrong_row_in_the_table_of_the_compiled_reference_is_caught(operator, monkeypatch):
    right = algebra.python_source
    monkeypatch.setattr("model.instance.codegen.python_source", lambda pages: with_bug(right(pages), operator))

    def difference(asked, expected):
        fresh = asked.at(asked.pages, asked.sizes)
        wrong = explicit.search(fresh, Limits(states=20_000))
        return difference_of_lanes(asked, wrong) or difference_of_compiled(fresh.instance)

    assert caught(difference)


@pytest.mark.parametrize("engine", [lanes, bounded], ids=["lanes", "bounded"])
def test_whole_words_and_shifted_bitmaps_mean_the_same_to_every_engine(engine):
    """Four pages in words of two, moved up by one; the bound is what both sides can be refuted on."""

    class Words(Design):
        a = Pages("a")
        b = Pages("b")

        @operation
        def take(s, me, want):
            s.a = whole(want, 2)
            s.b = shifted(want, 1)

    @always
    def never_whole(s):
        """What is taken is never whole words (it can be, in one move)."""
        return ~(s.b == shifted(s.a, 1)) | (s.b <= NONE)

    asked = Problem.of(record(Words), never_whole, pages=4, sizes={"Client": 1})
    expected, found = explicit.search(asked), engine.search(asked)
    assert ("refuted", 1) == (expected.word, expected.depth) == (found.word, found.depth)
    assert {s for s, *_ in found.detail} <= {s for s, *_ in expected.detail}
