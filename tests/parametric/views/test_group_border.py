"""The border of a group of pages: what is said of pages outside of it, and a bug in each rule that says it."""

from time import monotonic

import pytest

from model import ALL, NONE, Pages, operation, wait_for, whole
from model.engines.packed import search as lanes
from model.expr import FALSE, always
from model.instance.problem import Problem
from model.limits import Limits
from model.parametric.views import one_page, scenes
from model.parametric.views.decide import _Decision
from model.parametric.views.elsewhere import Others
from model.program.design import record
from tests.support.designs import Logged


class Sweeper(Logged):
    """Once a page is in the log, all pages are swept but for those that share a word of two with it."""

    swept = Pages("swept")

    @operation
    def sweep(s, me):
        wait_for(~(s.kernel <= NONE))
        s.swept |= ALL - whole(s.kernel, 2)


@always
def only_what_is_logged_is_swept(s):
    """It takes a third page: of two, each shares its word with the other."""
    return s.swept <= s.kernel


class Rounder(Logged):
    """Marks are rounded to words of two."""

    marked = Pages("what was written, and then what shares a word with it")

    @operation
    def write(s, me, page):
        s.kernel |= page
        s.marked |= page

    @operation
    def round(s, me):
        s.marked = whole(s.marked, 2)


@always
def only_what_was_written_is_marked(s):
    """It takes a second page."""
    return s.marked <= s.kernel


def never_outside(monkeypatch):
    """A page that a step chooses is always one of the group."""
    monkeypatch.setitem(scenes.SETS, one_page.ONE_OR_NONE, scenes.SETS["page"])


def chosen_inside(monkeypatch):
    """The same one floor below: the program of the group chooses exactly one of its pages."""
    monkeypatch.setattr(one_page, "ONE_OR_NONE", "page")


def not_in_the_set(monkeypatch):
    """A page outside of the group that a set gets is forgotten."""
    of = Others.of
    monkeypatch.setattr(Others, "of", lambda self, e: FALSE if e.op == "param" else of(self, e))


def never_left(monkeypatch):
    """Rounding makes nothing of a page that depends on pages outside of the group."""
    monkeypatch.setattr(one_page._Reader, "_leaves", lambda self, e: e.op == "shift")


FIRST, LAST = 0, -1  # ways to look at it: one page with any choice, and a group
BUGS = [
    (never_outside, Sweeper, only_what_is_logged_is_swept, LAST, 3),
    (chosen_inside, Sweeper, only_what_is_logged_is_swept, LAST, 3),
    (not_in_the_set, Sweeper, only_what_is_logged_is_swept, LAST, 3),
    (never_left, Rounder, only_what_was_written_is_marked, FIRST, 2),
]


def looked_at(problem, way):
    return list(_Decision(problem, Limits(), {}, None).ways())[way](monotonic() + 60)


@pytest.mark.parametrize(("bug", "design", "rule", "way", "pages"), BUGS, ids=[b[0].__name__ for b in BUGS])
def test_a_bug_at_the_border_of_a_group_makes_a_wrong_proof(monkeypatch, bug, design, rule, way, pages):
    """Without it the answer is a run at so many pages and no fewer, as the packed search says."""
    problem = Problem.of(record(design), rule)
    packed = [lanes.search(problem.at(n, {})) for n in range(1, pages + 1)]
    found = looked_at(problem, way)
    assert [*["proved"] * (pages - 1), "refuted"] == [p.word for p in packed]
    assert (pages, packed[-1].depth) == (found.detail.problem.pages, found.depth)
    bug(monkeypatch)
    assert "proved" == looked_at(problem, way).word
