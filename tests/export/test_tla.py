"""TLA+: parsed by a grammar and checked by TLC, neither of which we wrote."""

import pytest

from model.designs.catalogue import find_property, load
from model.errors import CannotSay
from model.export import tla
from model.export.problem import Claim, claim
from model.expr import ALL, TRUTH, Client, Lock, Pages, Slot, always, node, operation
from model.instance.instance import Instance
from model.program.design import Design, record
from model.program.program import Invariant
from tests.support.tla import errors
from tests.support.tools import ROWS, name, row_claim, tlc

SHORT = [r for r in ROWS if r.design in ("top-layer", "per-slot-cache") and r.property == "promise_kept"]


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_every_design_is_a_module_that_the_grammar_reads(row):
    """Both properties of all eleven designs."""
    assert [] == errors(tla.text(row_claim(row)))


def test_the_grammar_would_notice_a_mistake():
    """A module with one sign too many is not read."""
    assert [] != errors(tla.text(row_claim(ROWS[0])).replace("Init ==", "Init == /\\ == ("))


def tlc_agrees(row, directory):
    depth, states = tlc(directory, row_claim(row))
    if row.verdict == "proved":
        assert (None, row.states) == (depth, states)
    else:
        assert row.depth == depth


@pytest.mark.parametrize("row", SHORT, ids=name)
def test_tlc_gives_the_recorded_verdict(row, tmp_path):
    """8 moves of top-layer, 1,505 states of the per-slot cache."""
    tlc_agrees(row, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("row", [r for r in ROWS if r not in SHORT], ids=name)
def test_tlc_gives_the_recorded_verdict_of_every_design(row, tmp_path):
    """Breadth first, so that the depth of a violation is the recorded one."""
    tlc_agrees(row, tmp_path)


class PerSlot(Design):
    """A lock and a bitmap per slot, the slot a parameter that a thread's location remembers."""

    log = Pages("the log of a slot", per=Slot)
    user = Pages("synced", per=Client)
    lock = Lock("of a slot", per=Slot)

    @operation
    def write(s, me, page, slot):
        s.log[slot] |= page

    @operation
    def sync(s, me, slot):
        with s.lock[slot]:
            me.seen = s.log[slot]
            yield "reported"
            s.user[me] |= me.seen
            s.log[slot] -= me.seen
            yield "merged"


@always
def user_is_logged(s, client):
    """True of every state, so that all are visited."""
    return s.user[client] <= ALL


def states(instance):
    seen, todo = {instance.initial}, [instance.initial]
    while todo:
        fresh = {after for _, after in instance.successors(todo.pop())} - seen
        seen |= fresh
        todo += fresh
    return len(seen)


def test_locations_that_remember_an_index_and_locks_of_a_family_are_said(tmp_path):
    """TLC stores as many states as the reference reaches."""
    made = claim(record(PerSlot), user_is_logged, 1, {"Client": 2, "Slot": 2})
    assert [] == errors(tla.text(made))
    assert (None, states(made.instance)) == tlc(tmp_path, made)


def test_what_has_no_word_is_refused_by_name():
    """An operator without a row in the table."""
    made = claim(record(load("naive")), find_property("promise_kept"), 1, {"Client": 1})
    strange = Invariant("strange", node("shuffled", (made.invariant.holds,), TRUTH))
    broken = Claim("naive", made.rule, made.program, Instance(made.program, 1, {"Client": 1}), strange)
    with pytest.raises(CannotSay, match="no exact meaning for 'shuffled'"):
        tla.text(broken)
