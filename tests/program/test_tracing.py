"""An operation is run once: what its lines assign, what it waits for, and what it may choose."""

from model import ALL, MIGRATION, NONE, AnyPages, Page, choose, every_client, operation, wait_for
from model.instance.instance import Instance
from model.program.design import record
from tests.support.designs import Plain
from tests.support.moves import after, moves


def test_a_write_by_the_guest_sets_one_page():
    """Frames are derived: everything else stays."""
    state = after(Plain, ("write", 0, {"page": 2}))
    assert {"log": 2, "on": 0, ("own", 0): 0, ("own", 1): 0} == state


def test_a_step_reads_the_state_before_it_unless_it_assigned_itself():
    """`take` reads the log before emptying it."""
    state = after(Plain, ("write", 0, {"page": 1}), ("take", 1, {}))
    assert (0, 1) == (state["log"], state["own", 1])


def test_a_later_line_of_a_step_sees_an_earlier_one():
    """Lines of one step are sequential, though the step is atomic."""

    class Swap(Plain):
        @operation
        def take(s, me):
            s.log = ALL
            s.own[me] = s.log

    assert 3 == after(Swap, ("take", 0, {}))["own", 0]


class Indexed(Plain):
    """Assignments to all, to one after all, and to one that may be the one that is read."""

    @operation
    def fan(s, me):
        s.own[every_client] |= s.log

    @operation
    def mixed(s, me):
        s.own[every_client] = ALL
        s.own[me] = NONE

    @operation
    def alias(s, me):
        s.own[MIGRATION] = ALL
        s.log = s.own[me]


def test_every_client_on_both_sides_is_pointwise():
    """Each client's bitmap gets its own old value and the log."""
    state = after(Indexed, ("write", 0, {"page": 1}), ("fan", 0, {}), ("write", 0, {"page": 2}), ("fan", 1, {}))
    assert (3, 3) == (state["own", 0], state["own", 1])


def test_assigning_to_one_after_all_changes_that_one_only():
    """Later lines win, element by element."""
    state = after(Indexed, ("mixed", 1, {}))
    assert (3, 0) == (state["own", 0], state["own", 1])


def test_reading_one_after_assigning_another_takes_care_of_aliases():
    """`me` may be MIGRATION or not, and the value read depends on it."""
    assert [3, 0] == [after(Indexed, ("alias", me, {}))["log"] for me in (0, 1)]


def test_a_guard_on_a_constant_client_keeps_others_out():
    """Designs may name MIGRATION and guard on it."""

    class Only(Plain):
        @operation
        def take(s, me):
            wait_for(me == MIGRATION)
            s.log = ALL

    instance = Instance(record(Only), 1, {"Client": 3})
    assert [True, False, False] == [instance.enabled(m, instance.initial) for m in moves(instance, "take")]


def test_a_sets_parameter_is_never_empty_and_a_page_is_one_page():
    """Domains belong to the definition: 3 sets, 2 pages, 4 sets with the empty one."""

    class Domains(Plain):
        @operation
        def take(s, me, want, one: Page, maybe: AnyPages):
            s.log = want | one | maybe

    instance = Instance(record(Domains), 2, {"Client": 1})
    assert 3 * 2 * 4 == len(moves(instance, "take"))


def test_two_parameters_of_one_step_are_chosen_independently():
    """An early version gave them the same value and proved too little."""

    class Two(Plain):
        @operation
        def take(s, me, want, span):
            wait_for(want <= span)
            s.log = span

    instance = Instance(record(Two), 2, {"Client": 1})
    possible = [m for m in moves(instance, "take") if instance.enabled(m, instance.initial)]
    assert [(1, 1), (1, 3), (2, 2), (2, 3), (3, 3)] == [tuple(m.arguments.values()) for m in possible]


def test_truth_and_index_parameters_are_chosen_too():
    """A step that may fail takes `failed: bool`; a page of another client's is named by `client`."""

    class Fails(Plain):
        @operation
        def take(s, me, client, failed: bool):
            s.own[client] = choose(failed, NONE, ALL)

    assert 3 == after(Fails, ("take", 0, {"client": 1, "failed": 0}))["own", 1]
    assert 0 == after(Fails, ("take", 0, {"client": 1, "failed": 1}))["own", 1]
