"""TLA+: parsed by a grammar and checked by TLC, neither of which we wrote."""

import pytest

from model.designs.catalogue import find_property, load
from model.errors import CannotSay
from model.export import tla
from model.export.problem import Claim, claim
from model.expr import ALL, TRUTH, Client, Flag, Lock, Pages, Slot, always, every, node, operation
from model.instance.instance import Instance
from model.program.design import Design, record
from model.program.program import Invariant
from tests.support.reachable import reachable
from tests.support.tla import errors
from tests.support.tools import ROWS, name, row_claim, tlc
from tests.support.wide_designs import hardest, made

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
    return len(reachable(instance))


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


# ---------------------------------------------------------------- random designs

ONE_NAME = """from model import *
from model.expr import always


class Wide(Design):
    \"\"\"Two operations choose something of one name: a page the one, a set the other.\"\"\"

    a = Pages("a")
    b = Pages("b")

    @operation
    def one(s, me, want: Page):
        s.a = want
        me.kept = want
        yield "kept"
        s.b = me.kept
        yield "put"

    @operation
    def many(s, me, want: SomePages):
        s.b |= want


@always
def holds(s):
    \"\"\"Two pages are never in both.\"\"\"
    return ~(s.a == ALL)
"""


def test_a_parameter_is_what_its_own_operation_chooses(tmp_path):
    """Another operation's set of that name made it an element where a set is meant."""
    design, rule = made(ONE_NAME)
    asked = claim(record(design), rule, 2, {"Client": 1})
    lines = [line.strip() for line in tla.text(asked).splitlines()]
    assert "/\\ a' = {want}" in lines
    assert "/\\ b' = (b \\cup want)" in lines
    assert (None, states(asked.instance)) == tlc(tmp_path, asked)


def test_sets_inside_sets_have_names_of_their_own(tmp_path):
    """TLC refuses a name that is bound twice, and one that a part has."""

    class Nested(Design):
        """The pages that all clients have, among those that all slots have."""

        x = Pages("pages", per=Client)
        y = Pages("pages", per=Slot)

        @operation
        def take(s, me, page, slot):
            s.x[me] |= page
            s.y[slot] |= every(Client, lambda c: s.x[c] | every(Slot, lambda k: s.y[k] | s.x[c]))

    @always
    def holds(s, client):
        """True of every state."""
        return s.x[client] <= ALL

    asked = claim(record(Nested), holds, 2, {"Client": 2, "Slot": 1})
    assert (None, states(asked.instance)) == tlc(tmp_path, asked)


def holding(flag):
    """An operation that sets this flag while it holds the lock."""

    @operation
    def hold(s, me):
        with s.lock:
            setattr(s, flag, True)
            yield "begun"
            setattr(s, flag, False)
            yield "done"

    return hold


def test_a_lock_that_is_not_free_is_held_at_one_of_many_places(tmp_path):
    """`~` stood before the first place only, so that TLC found no state in which the lock is held at the second."""
    verdicts = []
    for taken in ("one", "two"):

        class Held(Design):
            """Two operations hold the lock; the flag says which of them has begun."""

            one = Flag("the first has")
            two = Flag("the second has")
            lock = Lock("held by either")

            first, second = holding("one"), holding("two")

        @always
        def never_held(s):
            """The lock is never held once the operation has begun; it is in the first move."""
            return ~(~s.lock.free & getattr(s, taken))

        verdicts.append(tlc(tmp_path, claim(record(Held), never_held, 1, {"Client": 1}))[0])
    assert [1, 1] == verdicts


def same(seed, directory):
    """Queues, several sorts, pages and elements that a thread keeps: verdict and depth, and the states of a pass."""
    text, asked, verdict = hardest(seed, 1 + seed % 2, 1 + seed // 2 % 2)
    found = tlc(directory, asked)
    expected = (None, verdict.states) if verdict.word == "proved" else (verdict.depth, found[1])
    assert expected == found, text


@pytest.mark.parametrize("seed", (1, 2))
def test_tlc_agrees_on_random_designs(seed, tmp_path):
    same(seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", sorted({*range(304)} - {1, 2}))
def test_tlc_agrees_on_three_hundred_random_designs(seed, tmp_path):
    same(seed, tmp_path)
