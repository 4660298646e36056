"""x86's litmus tests: which outcomes the store buffers allow, in every engine and in tools that we did not write.

Source: Sewell, Sarkar, Owens, Zappa Nardelli, Myreen, "x86-TSO", CACM 53(7), 2010; Alglave, Maranget, Tautschnig,
"Herding cats", TOPLAS 36(2), 2014, with the shapes of diy.inria.fr. `tests/data/litmus` has one file a shape.
"""

from pathlib import Path

import pytest

from model.designs.catalogue import find_property, load
from model.engines import bounded, explicit, induction
from model.engines.packed import search as lanes
from model.export import promela
from model.export.problem import claim
from model.instance.problem import Problem
from model.limits import Limits
from model.program.design import record
from tests.support.nightly import rest_nightly
from tests.support.tools import spin, tlc

DATA = Path(__file__).parents[1] / "data" / "litmus"
ALLOWED = {"sb", "sb_one", "sb_2stores", "amd3", "r", "n6"}
FORBIDDEN = {"sb_fences", "mp", "lb", "iriw", "wrc", "twoplustwow", "s", "w_rwc_fences"}
SHAPES = sorted(ALLOWED | FORBIDDEN)


def asked(shape, entries=2):
    """Can the outcome that the file names occur?"""
    design = load(str(DATA / f"{shape}.py"))
    return Problem.of(record(design, buffer=entries), find_property("never", design))


def expected(shape):
    return "refuted" if shape in ALLOWED else "proved"


def test_there_are_fourteen_shapes():
    """Nine that were there, and R, 2+2W, S, W+RWC with fences and n6."""
    assert SHAPES == sorted(p.stem for p in DATA.glob("*.py")) and 14 == len(SHAPES)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_has_the_verdict_of_x86(shape):
    """The reference, the packed search in NumPy and in C: verdict, depth and states."""
    problem = asked(shape)
    found = explicit.search(problem)
    assert expected(shape) == found.word
    for kernel in ("numpy", "c"):
        again = lanes.search(problem, kernel=kernel)
        assert (found.word, found.depth, found.states) == (again.word, again.depth, again.states)


@pytest.mark.parametrize("shape", rest_nightly(SHAPES, ("n6", "sb", "sb_fences", "mp").count))
def test_the_solver_agrees_on_every_shape(shape):
    """Bounded search finds what is allowed at the same depth and nothing else; induction never contradicts."""
    problem = asked(shape)
    depth = explicit.search(problem).depth
    found = bounded.search(problem, Limits(depth=min(depth, 10)))
    if shape in ALLOWED:
        assert ("refuted", depth) == (found.word, found.depth)
    else:
        assert "undetermined" == found.word
    other = {"proved": "refuted", "refuted": "proved"}[expected(shape)]
    assert other != induction.search(problem, Limits(seconds=2)).word


def test_a_buffer_of_one_entry_forbids_what_two_allow():
    """Two stores on each side: with one entry the first is seen before the second is made."""
    for entries, word in ((1, "proved"), (2, "refuted"), (3, "refuted")):
        problem = asked("sb_2stores", entries)
        assert word == explicit.search(problem).word


def exported(shape):
    """What the file claims, as the exports are given it; the verdict is ours."""
    design = load(str(DATA / f"{shape}.py"))
    problem = asked(shape)
    verdict = explicit.search(problem)
    return claim(record(design), find_property("never", design), 1, {}, expected=verdict), verdict


@pytest.mark.parametrize("shape", rest_nightly(SHAPES, ("n6", "sb", "sb_fences", "iriw", "mp").count))
def test_spin_agrees_on_every_shape(shape, tmp_path):
    """Spin finds what is allowed; where the outcome is forbidden it stores as many states as we do."""
    made, verdict = exported(shape)
    errors, stored, _ = spin(tmp_path, promela.text(made))
    assert (verdict.word == "refuted") == (errors == 1)
    assert "refuted" == verdict.word or verdict.states == stored


@pytest.mark.parametrize("shape", ["sb", "sb_fences"])
def test_tlc_agrees_on_shapes(shape, tmp_path):
    """The depth of what is allowed, the number of states of what is not."""
    tlc_agrees(shape, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("shape", sorted(set(SHAPES) - {"sb", "sb_fences"}))
def test_tlc_agrees_on_every_shape(shape, tmp_path):
    """The others."""
    tlc_agrees(shape, tmp_path)


@pytest.mark.parametrize("design", ["skip-if-dirty-store-buffer", "skip-if-dirty-fenced"])
def test_spin_and_tlc_agree_on_the_designs_of_the_gallery(design, tmp_path):
    """Both that have a store buffer, with sets of pages that are byte maps, at two pages."""
    rule = find_property("same_content", load(design))
    problem = Problem.of(record(load(design)), rule, pages=2)
    verdict = explicit.search(problem)
    made = claim(record(load(design)), rule, 2, {}, expected=verdict)
    errors, stored, _ = spin(tmp_path, promela.text(made))
    assert (verdict.word == "refuted") == (errors == 1)
    assert "refuted" == verdict.word or verdict.states == stored
    agrees(made, verdict, tmp_path)


def tlc_agrees(shape, directory):
    agrees(*exported(shape), directory)


def agrees(made, verdict, directory):
    """TLC's depth of a violation, or its number of states."""
    depth, states = tlc(directory, made)
    assert depth == (verdict.depth if verdict.word == "refuted" else None)
    assert "refuted" == verdict.word or verdict.states == states
