"""A wrong rule is found: each bug here makes the small search disagree with the packed one."""

import pytest

from model import ALL, NONE, Client, Design, Pages, operation, wait_for
from model.designs.catalogue import find_property, load
from model.expr import always
from model.instance.problem import Problem
from model.parametric.views import codegen, scenes
from model.program.design import record
from tests.support.one_page import at_one_page


class HandOver(Design):
    """A client takes pages for itself and hands them to a partner."""

    taken = Pages("what it has taken", per=Client)
    given = Pages("what it was given", per=Client)

    @operation
    def take(s, me):
        s.taken[me] = ALL

    @operation
    def hand(s, me, client):
        wait_for(~(client == me))
        wait_for(~(s.taken[me] <= NONE))
        s.given[client] = s.taken[me]


@always
def never_given(s, client):
    """A client that has taken nothing is given nothing."""
    return s.given[client] <= s.taken[client]


def deaf(monkeypatch):
    """Bystanders hear nothing of what is done to all."""
    after = codegen.Writer.after
    monkeypatch.setattr(
        codegen.Writer, "after", lambda self, who, *rest: who if who == "O" else after(self, who, *rest)
    )


def unlocked(monkeypatch):
    """Taking a lock does not set its bit."""
    locks = scenes._locks
    monkeypatch.setattr(scenes, "_locks", lambda *given: (locks(*given)[0], {}))


def confused(monkeypatch):
    """What the partner becomes is written over the mover, and the other way round."""
    after = codegen.Writer.after

    def swapped(self, who, sort, number):
        pair = {0: 1, 1: 0} if len(self.rule.roles) == 2 else {0: 0}
        return after(self, who, sort, pair[number] if who.startswith("R") else number)

    monkeypatch.setattr(codegen.Writer, "after", swapped)


def asked(design, rule):
    return Problem.of(record(design), rule)


def agree(problem):
    """With 1 to 3 clients, on verdict and depth."""
    for clients in (1, 2, 3):
        mine, packed = at_one_page(problem, clients)
        if (packed.depth if packed.word == "refuted" else None) != (None if mine.run is None else len(mine.run)):
            return False
    return True


BUGS = [
    (deaf, load("top-layer"), "promise_kept"),
    (unlocked, load("per-slot-cache"), "promise_kept"),
    (confused, HandOver, never_given),
]


@pytest.mark.parametrize(("bug", "design", "rule"), BUGS, ids=[b.__name__ for b, _, _ in BUGS])
def test_a_seeded_bug_makes_the_two_searches_disagree(monkeypatch, bug, design, rule):
    """And without the bug they agree."""
    problem = asked(design, find_property(rule, design) if isinstance(rule, str) else rule)
    assert agree(problem)
    bug(monkeypatch)
    assert not agree(problem)
