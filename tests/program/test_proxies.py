"""`s` and `me` as an operation sees them: what can be read of a part, and what can be done to it."""

import pytest

from model import (
    ALL,
    NONE,
    Client,
    Design,
    Guest,
    Pages,
    Queue,
    Vcpu,
    every,
    operation,
    shifted,
    some,
    wait_for,
    whole,
)
from model.errors import DesignError
from model.instance.instance import Instance
from model.program.design import record
from tests.support.designs import Locked, Plain
from tests.support.moves import after, enabled, moves


def test_a_free_lock_can_be_asked_about():
    """As a try-lock does."""

    class Try(Locked):
        @operation(by=Guest)
        def look(s, me):
            wait_for(s.lock.free)
            s.seen = True

    instance = Instance(record(Try), 1, {"Client": 2})
    [full] = moves(instance, "flash.full", 0)
    assert {("flash.full", 0), ("flash.full", 1), ("look", 0)} == enabled(instance, instance.initial)
    assert {("flash.empty", 0)} == enabled(instance, instance.apply(full, instance.initial))


class Filled(Plain):
    """A client chooses what it has."""

    @operation
    def fill(s, me, want):
        s.own[me] = want


def test_quantifiers_range_over_all_elements():
    """`every` and `some` give truth values, or sets of pages."""

    class Quantified(Filled):
        @operation
        def sum_up(s, me):
            wait_for(some(Client, lambda c: s.own[c] == ALL))
            s.log = every(Client, lambda c: s.own[c])
            s.on = every(Client, lambda c: ~(s.own[c] <= NONE))

    state = after(Quantified, ("fill", 0, {"want": 3}), ("fill", 1, {"want": 1}), ("sum_up", 0, {}))
    assert (1, 1) == (state["log"], state["on"])


def test_nested_quantifiers_have_variables_of_their_own():
    """Some client has what every client lacks: not the same client twice."""

    class Nested(Filled):
        @operation
        def take(s, me):
            s.log = every(Client, lambda x: some(Client, lambda y: s.own[x] & s.own[y]))
            s.on = some(Client, lambda x: every(Client, lambda y: s.own[x] <= s.own[y]))

    state = after(Nested, ("fill", 0, {"want": 1}), ("fill", 1, {"want": 3}), ("take", 0, {}))
    assert (1, 1) == (state["log"], state["on"])
    state = after(Nested, ("fill", 0, {"want": 1}), ("fill", 1, {"want": 2}), ("take", 0, {}))
    assert (0, 0) == (state["log"], state["on"])


def test_symmetric_difference_and_inequality_are_derived():
    """`^` and `!=` mean what they mean on Python's sets."""

    class Derived(Plain):
        @operation
        def take(s, me, want):
            wait_for(want != s.log)
            s.log = s.log ^ want

    assert 2 == after(Derived, ("take", 0, {"want": 1}), ("take", 0, {"want": 3}))["log"]


def test_whole_words_and_shifted_bitmaps_are_spelled_page_by_page():
    """Five pages in words of two; what is shifted out of the bitmap is dropped."""

    class Words(Plain):
        @operation
        def take(s, me, want):
            s.own[me] = whole(want, 2)
            s.log = shifted(want, 1) | shifted(want, -2)

    state = after(Words, ("take", 0, {"want": 0b10010}), pages=5)
    assert (0b10011, 0b00100 | 0b00100) == (state["own", 0], state["log"])


def test_a_number_of_pages_is_a_number():
    """A set cannot be a word size."""
    with pytest.raises(DesignError, match="a number of pages is needed here, at least 1, not 0"):
        whole(ALL, 0)
    with pytest.raises(DesignError, match="a number of pages is needed here"):
        shifted(ALL, True)


def test_a_guard_on_whole_words_is_accepted():
    """Whether it can ever be true is left to the checks against vacuity."""

    class Words(Plain):
        @operation
        def take(s, me, want):
            wait_for(whole(want, 2) <= s.log)
            s.log = NONE

    assert ["write", "take"] == [s.label for s in record(Words).steps]


def test_a_shared_part_takes_no_index():
    """The message says what to write."""

    class Wrong(Plain):
        @operation
        def take(s, me):
            s.log = s.log[me]

    with pytest.raises(DesignError, match=r"log is one for all and takes no \[...\]; write it without an index"):
        record(Wrong)


class Ring(Design):
    ring = Queue("dirty ring", per=Vcpu, length=2)
    taken = Pages("harvested")

    @operation(by=Vcpu)
    def write(s, me, page):
        s.ring[me].push(page)

    @operation
    def harvest(s, me, vcpu):
        s.taken = s.ring[vcpu].head
        s.ring[vcpu].pop()


def test_a_queue_is_first_in_first_out_and_bounded():
    """The third push waits for room; the oldest entry leaves first."""
    instance = Instance(record(Ring), 4, {"Vcpu": 1, "Client": 1})
    pushes, [pop] = moves(instance, "write"), moves(instance, "harvest")
    state = instance.apply(pushes[1], instance.apply(pushes[2], instance.initial))
    assert [False] * 4 == [instance.enabled(m, state) for m in pushes]
    state = instance.apply(pop, state)
    assert (4, 2, 0) == tuple(state[instance.position[k]] for k in (("taken", None), ("ring.0", 0), ("ring.1", 0)))
    assert not instance.enabled(pop, instance.apply(pop, state))


def test_a_queue_is_no_value_and_cannot_be_assigned():
    """Its entries can be looked at."""

    class Wrong(Ring):
        @operation
        def harvest(s, me, vcpu):
            s.taken = s.ring[vcpu]

    class Assigned(Ring):
        @operation
        def harvest(s, me, vcpu):
            s.ring[vcpu] = NONE

    with pytest.raises(DesignError, match="ring is a queue, not a value; use .head"):
        record(Wrong)
    with pytest.raises(DesignError, match="ring is a queue and cannot be assigned"):
        record(Assigned)
