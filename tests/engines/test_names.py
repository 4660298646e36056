"""Hostile names in every position of a design: refused, or the answer is that of the design with plain names."""

import pytest

from model.engines import bounded, explicit, induction
from model.engines.packed import search as lanes
from model.export import aiger, promela, smtlib
from model.export.problem import Claim
from model.limits import Limits
from model.parametric.inference import prove as inductive
from tests.support.hostile_names import NAMES, PLAIN, asked
from tests.support.tools import spin, tlc

EXPECTED = ("refuted", 4, 15)  # of the design with plain names
GROUPS = (  # what shares the names of one class, one operation, one thread
    ("part", "flag", "lock", "operation"),
    ("step", "last"),
    ("register", "parameter"),
    *(("design",), ("sort",), ("element",), ("property",)),
)


def counted(verdict):
    return verdict.word, verdict.depth, verdict.states


def test_there_are_two_hundred_of_them():
    """With line breaks, brackets, quotes, comment signs and the keywords of every target."""
    assert 200 <= len(NAMES)
    assert EXPECTED == counted(explicit.search(asked({})[1]))
    assert ("proved", 4, 12) == counted(explicit.search(asked({}, safe=True)[1]))


def a_name_in_each_position(name):
    for position in PLAIN:
        made = asked({position: name})
        if made is not None:
            assert EXPECTED == counted(explicit.search(made[1])), position


@pytest.mark.parametrize("name", NAMES[::20], ids=ascii)
def test_a_name_is_refused_or_changes_nothing(name):
    a_name_in_each_position(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_every_name_is_refused_or_changes_nothing(name):
    a_name_in_each_position(name)


def everywhere(name, number):
    """The name in all positions that take it; of those that share a namespace, one or another."""
    chosen = {group[number % len(group)] for group in GROUPS}
    return {p: name for p in PLAIN if p in chosen and asked({p: name})}


def the_same_everywhere(number, directory, tools):
    names = everywhere(NAMES[number], number)
    rule, refuted = asked(names)
    assert EXPECTED == counted(lanes.search(refuted, kernel="numpy"))
    assert ("refuted", 4) == counted(bounded.search(refuted, Limits(depth=5)))[:2]
    assert "refuted" == induction.search(refuted, Limits(depth=5)).word
    safe = asked(names, safe=True)[1]
    assert "proved" == inductive.prove(safe.program, safe.invariants).word
    claims = [Claim(NAMES[number], rule, p.program, p.instance, p.invariants[0], None, 4) for p in (refuted, safe)]
    assert ["sat", "unsat"] == [z3_says(smtlib.text(c)) for c in claims]
    assert [1, 1] == [aiger.text(c).startswith("aag") for c in claims]
    if tools:
        assert (1, 0) == tuple(spin(directory, promela.text(c))[0] for c in claims)
        assert [(4, True), (None, True)] == [
            (depth, states > 0) for depth, states in (tlc(directory, c) for c in claims)
        ]


def z3_says(text):
    import z3

    solver = z3.Solver(ctx=z3.Context())
    solver.from_string(text)
    return str(solver.check())


@pytest.mark.parametrize("number", range(3, len(NAMES), 40))
def test_a_name_everywhere_changes_no_engine_and_no_query(number, tmp_path):
    the_same_everywhere(number, tmp_path, tools=False)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(NAMES)))
def test_a_name_everywhere_changes_nothing_in_any_tool(number, tmp_path):
    the_same_everywhere(number, tmp_path, tools=True)
