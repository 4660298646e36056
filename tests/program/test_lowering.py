"""From drafts to steps: what a thread remembers from one step to the next, and what it does not."""

from model import ALL, NONE, choose, operation
from model.designs.per_slot_cache import PerSlotCache
from model.expr import show
from model.program.design import record
from tests.support.designs import Plain
from tests.support.moves import after


def test_index_and_truth_parameters_are_remembered_over_steps():
    """The thread's location carries the one, and the other becomes a register."""

    class Later(Plain):
        @operation
        def take(s, me, client, failed: bool):
            s.log = ALL
            yield "began"
            s.own[client] = choose(failed, NONE, s.log)
            yield "ended"

    for failed, stored in ((1, 0), (0, 3)):
        state = after(Later, ("take.began", 0, {"client": 1, "failed": failed}), ("take.ended", 0, {"client": 1}))
        assert (0, stored, 0) == (state["own", 0], state["own", 1], state["at.Client", 0])


def test_registers_are_reset_when_the_operation_ends():
    """A finished operation leaves no trace in the state."""
    program = record(PerSlotCache)
    last = next(s for s in program.steps if s.label == "clear.read")
    resets = {u.variable: show(u.value) for u in last.updates if u.variable.startswith("me.")}
    assert {"me.want": "NONE", "me.span": "NONE", "me.known": "NONE"} == resets


def test_a_register_that_no_later_step_reads_takes_no_state():
    """Two clients' `seen` would multiply the states for nothing."""

    class Local(Plain):
        @operation
        def take(s, me):
            me.seen = s.log
            s.own[me] |= me.seen
            yield "taken"
            s.log = NONE
            yield "emptied"

    assert {"log", "own", "on"} == {v.name for v in record(Local).variables}


def test_two_kinds_of_thread_may_keep_a_parameter_of_the_same_name():
    """Each has its own register."""

    class Both(Plain):
        @operation
        def write(s, me, page):
            s.on = True
            yield "began"
            s.log |= page
            yield "stored"

        @operation
        def take(s, me, page):
            s.on = False
            yield "began"
            s.own[me] = page
            yield "took"

    began = ("write.began", 0, {"page": 2}), ("take.began", 0, {"page": 1})
    state = after(Both, *began, ("write.stored", 0, {}), ("take.took", 0, {}))
    assert (2, 1) == (state["log"], state["own", 0])
