"""Random designs: views and the packed search refute the same, what is proved holds, and one page sees every run."""

from collections import Counter
from itertools import count

import pytest

from model.engines.packed import search as lanes
from model.errors import CannotSay, UsageError
from model.instance.instance import Instance
from model.instance.problem import Problem
from model.instance.sizes import used_sorts
from model.limits import Limits
from model.parametric.views.decide import prove
from model.parametric.views.elsewhere import trackable
from model.parametric.views.one_page import one_page
from model.program.design import record
from model.verdict import Proved, Refuted, Undetermined
from tests.support.one_page import at_one_page, at_whole_pages, follows, system_of
from tests.support.random_designs import asked, design, numbered

FEW = 3  # properties of one design


def in_the_fragment(data):
    """Each property of the design that views can be asked, of the first few."""
    program = record(design(data))
    for promise in data.holds[:FEW]:
        try:
            problem = Problem.of(program, asked(promise, data.each_client))
            system_of(problem)
        except (UsageError, CannotSay):
            continue
        yield problem


def refuted_alike(problem, most):
    """With 1 to `most` clients: the same verdict and depth."""
    for clients in range(1, most + 1):
        if not alike(*at_one_page(problem, clients)):
            return


def alike(mine, packed):
    """Both found a shortest run of the same length, or none; False where the packed search gave up."""
    if isinstance(packed, Undetermined):
        return False
    expected = packed.depth if isinstance(packed, Refuted) else None
    assert expected == (None if mine.run is None else len(mine.run))
    return True


def rightly_answered(problem, sizes):
    """What is proved has no violation at any of these sizes, and a refutation is one at its own."""
    verdict = prove(problem, Limits(seconds=5))
    if isinstance(verdict, Refuted):
        assert isinstance(lanes.search(verdict.detail.problem), Refuted)
    if isinstance(verdict, Proved):
        for pages, clients in sizes:
            free = {"Client": clients} if "Client" in problem.free_sizes else {}
            found = lanes.search(problem.at(pages, free), Limits(states=20_000))
            assert not isinstance(found, Refuted), (pages, clients)
    return verdict.word


def seen_by_one_page(problem):
    """Every move of two pages is a move of one, with and without what is known of the other."""
    sizes = {"Client": 2} if "Client" in used_sorts(problem.program) else {}
    whole = Instance(problem.program, 2, sizes)
    for tracked in {frozenset(), trackable(problem.program)}:
        single = one_page(problem.program, problem.invariants, tracked).program
        follows(whole, [(page, Instance(single, 1, sizes)) for page in range(2)], 40)


def check(begin, many, clients, sizes):
    """The next so many designs in the fragment, from a number on; how many had which answer."""
    answers, inside = Counter(), 0
    for number in count(begin):
        data = numbered(number)
        problems = [] if data is None else list(in_the_fragment(data))
        for n, problem in enumerate(problems):
            refuted_alike(problem, clients)
            answers[rightly_answered(problem, sizes)] += 1
            if not n:
                seen_by_one_page(problem)
                alike(*at_whole_pages(problem, 2, 1))
        inside += bool(problems)
        if inside == many:
            return answers


def test_a_few_random_designs_are_answered_rightly():
    """With 1 to 3 clients; the next test has a thousand and 4."""
    assert {"proved", "refuted"} <= set(check(0, 4, 3, ((1, 3), (2, 2))))


@pytest.mark.slow
@pytest.mark.parametrize("begin", range(0, 10_000, 1_000))
def test_a_thousand_random_designs_in_the_fragment(begin):
    """A hundred from each thousand: 1 to 4 clients, up to 3 pages; most questions are proved or refuted."""
    answers = check(begin, 100, 4, ((1, 4), (2, 2), (3, 1), (3, 4)))
    print(dict(answers))
    assert answers["undetermined"] * 20 < answers.total()
