"""What views cannot say is said of a line of the design, so that its author knows which one to change."""

import inspect

import pytest

from model import NONE, Client, Design, Flag, Lock, Pages, every, every_client, operation, some, wait_for
from model.designs.dirty_log import DirtyLog
from model.errors import DesignError
from model.expr import always
from model.instance.problem import Problem
from model.limits import Limits
from model.parametric.views.decide import prove
from model.program.design import record


class Remembers(Design):
    """A client locks one that it chooses, and remembers which."""

    own = Lock("of one client", per=Client)
    inside = Flag("is in", per=Client)
    taken = Pages("of one client", per=Client)

    @operation
    def help(s, me, client):
        with s.own[client]:
            s.taken[client] = NONE
            yield "emptied"
            s.taken[me] = NONE  # here
            yield "helped"


class Nested(Design):
    """A question about all inside another."""

    inside = Flag("is in", per=Client)
    taken = Pages("of one client", per=Client)

    @operation
    def enter(s, me):
        wait_for(every(Client, lambda a: s.inside[a] | some(Client, lambda b: s.inside[b] & ~(a == b))))  # here
        s.inside[me] = True


class Differs(DirtyLog):
    """What each client has of other pages is asked of all."""

    taken = Pages("of one client", per=Client)
    inside = Flag("is in", per=Client)

    @operation
    def sync(s, me):
        s.user[every_client] |= s.kernel

    @operation
    def share(s, me, want):
        s.inside[me] = every(Client, lambda c: s.mine[c] <= s.taken[c])  # here
        s.taken[me] |= want


@always
def whoever_is_in_stays(s, client):
    """Nobody is in and out."""
    return ~s.inside[client] | s.inside[client]


@pytest.mark.parametrize("design", [Remembers, Nested, Differs], ids=lambda d: d.__name__)
def test_what_cannot_be_said_names_the_line(design):
    lines, first = inspect.getsourcelines(design)
    line = first + next(n for n, text in enumerate(lines) if "# here" in text)
    found = prove(Problem.of(record(design), whoever_is_in_stays), Limits(seconds=20))
    assert "undetermined" == found.word
    assert f"test_reasons.py:{line}: " in found.reason


class Popped(Design):
    """Takes what pop() gives, which is nothing."""

    taken = Pages("of one client", per=Client)

    @operation
    def take(s, me):
        s.taken[me] = print()


def test_what_only_acts_gives_nothing():
    with pytest.raises(DesignError, match=r"what pop\(\) takes away is read before, as .head"):
        record(Popped)
