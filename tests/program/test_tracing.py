"""What recording an operation yields: steps, locations, registers, frames, and what each does to a state."""

import pickle

import pytest

from model import (
    ALL,
    MIGRATION,
    NONE,
    AnyPages,
    Client,
    Design,
    Flag,
    Lock,
    Page,
    Pages,
    Queue,
    Sort,
    Vcpu,
    choose,
    every,
    every_client,
    operation,
    shifted,
    some,
    wait_for,
    whole,
)
from model.designs.per_slot_cache import PerSlotCache
from model.engines import explicit
from model.errors import DesignError, UsageError
from model.expr import show
from model.instance.instance import Instance
from model.instance.problem import Problem
from model.program.design import kebab, record
from model.verify.result import sizes_for
from tests.support.designs import Plain


def after(design, *moves, pages=2, **sizes):
    """The state after moves given as (label, thread, arguments), as {field: value}; raises if one is not enabled."""
    program = record(design)
    instance = Instance(program, pages, sizes_for(program, {"Client": 2} | sizes))
    state = instance.initial
    for label, thread, arguments in moves:
        found = [
            m
            for m in instance.moves
            if m.ground.step.label == label
            and m.ground.thread == thread
            and {**m.ground.indices, **m.arguments} == arguments
        ]
        assert 1 == len(found), (label, arguments)
        assert instance.enabled(found[0], state), label
        state = instance.apply(found[0], state)
    return {f.name if f.number is None else (f.name, f.number): v for f, v in zip(instance.fields, state, strict=True)}


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


def test_every_client_on_both_sides_is_pointwise():
    """Each client's bitmap gets its own old value and the log."""

    class Fan(Plain):
        @operation
        def take(s, me):
            s.own[every_client] |= s.log

    state = after(Fan, ("write", 0, {"page": 1}), ("take", 0, {}), ("write", 0, {"page": 2}), ("take", 1, {}))
    assert (3, 3) == (state["own", 0], state["own", 1])


def test_assigning_to_one_after_all_changes_that_one_only():
    """Later lines win, element by element."""

    class Mixed(Plain):
        @operation
        def take(s, me):
            s.own[every_client] = ALL
            s.own[me] = NONE

    state = after(Mixed, ("take", 1, {}))
    assert (3, 0) == (state["own", 0], state["own", 1])


def test_reading_one_after_assigning_another_takes_care_of_aliases():
    """`me` may be MIGRATION or not, and the value read depends on it."""

    class Alias(Plain):
        @operation
        def take(s, me):
            s.own[MIGRATION] = ALL
            s.log = s.own[me]

    assert (3, 0) == (after(Alias, ("take", 0, {}))["log"], after(Alias, ("take", 1, {}))["log"])


def test_a_guard_on_a_constant_client_keeps_others_out():
    """Designs may name MIGRATION and guard on it."""

    class Only(Plain):
        @operation
        def take(s, me):
            wait_for(me == MIGRATION)
            s.log = ALL

    instance = Instance(record(Only), 1, {"Client": 3})
    able = [m.ground.thread for m in instance.moves if m.ground.step.label == "take"]
    enabled = [
        m.ground.thread
        for m in instance.moves
        if m.ground.step.label == "take" and instance.enabled(m, instance.initial)
    ]
    assert ([0, 1, 2], [0]) == (able, enabled)


def test_a_sets_parameter_is_never_empty_and_a_page_is_one_page():
    """Domains belong to the definition: 3 sets, 2 pages, 4 sets with the empty one."""

    class Domains(Plain):
        @operation
        def take(s, me, want, one: Page, maybe: AnyPages):
            s.log = want | one | maybe

    instance = Instance(record(Domains), 2, {"Client": 1})
    assert 3 * 2 * 4 == sum(m.ground.step.label == "take" for m in instance.moves)


def test_two_parameters_of_one_step_are_chosen_independently():
    """An early version gave them the same value and proved too little."""

    class Two(Plain):
        @operation
        def take(s, me, want, span):
            wait_for(want <= span)
            s.log = span

    instance = Instance(record(Two), 2, {"Client": 1})
    enabled = [m for m in instance.moves if m.ground.step.label == "take" and instance.enabled(m, instance.initial)]
    assert [(1, 1), (1, 3), (2, 2), (2, 3), (3, 3)] == [tuple(m.arguments.values()) for m in enabled]


def test_truth_and_index_parameters_are_chosen_too():
    """A step that may fail takes `failed: bool`; a page of another client's is named by `client`."""

    class Fails(Plain):
        @operation
        def take(s, me, client, failed: bool):
            s.own[client] = choose(failed, NONE, ALL)

    assert 3 == after(Fails, ("take", 0, {"client": 1, "failed": 0}))["own", 1]
    assert 0 == after(Fails, ("take", 0, {"client": 1, "failed": 1}))["own", 1]


def test_an_index_parameter_is_remembered_over_steps():
    """The thread's location carries it."""

    class Later(Plain):
        @operation
        def take(s, me, client):
            s.log = ALL
            yield "began"
            s.own[client] = s.log
            yield "ended"

    state = after(Later, ("take.began", 0, {"client": 1}), ("take.ended", 0, {"client": 1}))
    assert (0, 3, 0) == (state["own", 0], state["own", 1], state["at.Client", 0])


def test_a_truth_parameter_is_remembered_over_steps():
    """It becomes a register."""

    class Later(Plain):
        @operation
        def take(s, me, failed: bool):
            s.log = ALL
            yield "began"
            s.own[me] = choose(failed, NONE, ALL)
            yield "ended"

    assert 0 == after(Later, ("take.began", 0, {"failed": 1}), ("take.ended", 0, {}))["own", 0]
    assert 3 == after(Later, ("take.began", 0, {"failed": 0}), ("take.ended", 0, {}))["own", 0]


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


def test_taking_a_lock_joins_the_step_after_it_and_freeing_the_step_before():
    """Right and left movers (Lipton 1975)."""
    steps = {s.label: (len(s.takes), len(s.frees)) for s in record(PerSlotCache).steps}
    locked = {n: v for n, v in steps.items() if v != (0, 0)}
    expected = {
        "sync.reported": (1, 0),
        "sync.merged": (0, 1),
        "clear.cleared": (1, 0),
        "clear.forgotten": (0, 1),
    }
    assert expected == locked


def test_a_held_lock_keeps_the_other_thread_out():
    """After one client's report the other cannot report or clear."""
    instance = Instance(record(PerSlotCache), 1, {"Client": 2})
    reported = next(m for m in instance.moves if m.ground.step.label == "sync.reported" and m.ground.thread == 0)
    state = instance.apply(reported, instance.initial)
    able = {(m.ground.step.label, m.ground.thread) for m in instance.moves if instance.enabled(m, state)}
    assert {("write", 0), ("sync.merged", 0), ("collect", 1)} == able


def test_split_lock_edges_reach_the_same_states_between_operations():
    """The joined steps lose nothing: the same states with every thread idle, with and without split edges."""

    def idle_states(split):
        program = record(PerSlotCache, split_locks=split)
        instance = Instance(program, 1, {"Client": 2})
        seen, todo = {instance.initial}, [instance.initial]
        while todo:
            for _, state in instance.successors(todo.pop()):
                if state not in seen:
                    seen.add(state)
                    todo.append(state)
        names = [f.key for f in instance.fields]
        shown = [dict(zip(names, s, strict=True)) for s in seen]
        return {
            tuple(v for k, v in sorted(s.items(), key=str) if not k[0].startswith(("at", "me.")))
            for s in shown
            if not s["at.Client", 0] and not s["at.Client", 1]
        }, len(seen)

    joined, few = idle_states(False)
    split, many = idle_states(True)
    assert joined == split
    assert few < many


def test_locks_may_be_taken_and_freed_where_scopes_do_not_nest():
    """Hand over hand: the second lock is taken before the first is freed."""

    class Hand(Plain):
        first = Lock("first")
        second = Lock("second")

        @operation
        def take(s, me):
            s.first.acquire()
            s.log = ALL
            yield "filled"
            s.second.acquire()
            s.own[me] = s.log
            yield "copied"
            s.first.release()
            s.log = NONE
            yield "emptied"
            s.second.release()

    held = [[h.lock for h in loc.held] for loc in record(Hand).threads["Client"]]
    assert [[], ["first"], ["second"]] == held


def test_one_lock_per_element_excludes_only_its_own():
    """Two vCPUs with a lock each do not wait for one another."""

    class Each(Design):
        a = Pages("a", per=Vcpu)
        guard = Lock("a lock per vCPU", per=Vcpu)

        @operation(by=Vcpu)
        def step(s, me):
            with s.guard[me]:
                s.a[me] = ALL
                yield "filled"
                s.a[me] = NONE
                yield "emptied"

    instance = Instance(record(Each), 1, {"Vcpu": 2})
    filled = next(m for m in instance.moves if m.ground.step.label == "step.filled" and m.ground.thread == 0)
    state = instance.apply(filled, instance.initial)
    able = {(m.ground.step.label, m.ground.thread) for m in instance.moves if instance.enabled(m, state)}
    assert {("step.emptied", 0), ("step.filled", 1)} == able


def test_a_free_lock_can_be_asked_about():
    """As a try-lock does."""

    class Try(Plain):
        lock = Lock("lock")

        @operation
        def take(s, me):
            with s.lock:
                s.log = ALL
                yield "a"
                s.log = NONE
                yield "b"

        @operation
        def look(s, me):
            wait_for(s.lock.free)
            s.on = True

    instance = Instance(record(Try), 1, {"Client": 2})
    first = next(m for m in instance.moves if m.ground.step.label == "take.a" and m.ground.thread == 0)
    looks = [m for m in instance.moves if m.ground.step.label == "look"]
    state = instance.apply(first, instance.initial)
    assert [instance.enabled(m, instance.initial) for m in looks] == [True, True]
    assert [instance.enabled(m, state) for m in looks] == [False, False]


def test_quantifiers_range_over_all_elements():
    """`every` and `some` give truth values, or sets of pages."""

    class Quantified(Plain):
        @operation
        def take(s, me, want):
            s.own[me] = want

        @operation
        def sum_up(s, me):
            wait_for(some(Client, lambda c: s.own[c] == ALL))
            s.log = every(Client, lambda c: s.own[c])
            s.on = every(Client, lambda c: ~(s.own[c] <= NONE))

    moves = [("take", 0, {"want": 3}), ("take", 1, {"want": 1}), ("sum_up", 0, {})]
    state = after(Quantified, *moves)
    assert (state["log"], state["on"]) == (1, 1)


def test_initial_values_can_be_given():
    """QEMU starts migration with RAMBlock.bmap all ones; a constant client can differ from the rest."""

    class Starts(Design):
        full = Pages("full", initially=ALL)
        some_full = Pages("bmap", per=Client, initially={MIGRATION: ALL})
        up = Flag("flag", initially=True)

        @operation
        def empty(s, me):
            s.full = NONE

    state = after(Starts)
    assert (state["full"], state["some_full", 0], state["some_full", 1], state["up"]) == (3, 3, 0, 1)


def test_a_design_may_declare_an_index_sort_of_its_own():
    """Sizes are given by its name."""
    Chunk = Sort("Chunk", "64 pages that are cleared together")

    class Chunked(Design):
        owed = Flag("clear_bmap", per=Chunk, initially=True)

        @operation
        def clear(s, me, chunk: Chunk):
            wait_for(s.owed[chunk])
            s.owed[chunk] = False

    asked = Problem(record(Chunked), (_always_true(),), 1, {"Client": 1, "Chunk": 3})
    assert 8 == explicit.search(asked).states


def _always_true():
    from model.expr import TRUE
    from model.program.program import Invariant

    return Invariant("true", TRUE)


def test_none_removes_an_inherited_operation_and_a_part():
    """A variant says what it leaves out."""

    class Less(Plain):
        take = None
        on = None

    program = record(Less)
    assert (program.operations, [v.name for v in program.variables]) == (("write",), ["log", "own"])


def test_symmetric_difference_and_inequality_are_derived():
    """`^` and `!=` mean what they mean on Python's sets."""

    class Derived(Plain):
        @operation
        def take(s, me, want):
            wait_for(want != s.log)
            s.log = s.log ^ want

    moves = [("take", 0, {"want": 1}), ("take", 0, {"want": 3})]
    assert 2 == after(Derived, *moves)["log"]


def test_recording_twice_gives_the_same_digest_and_a_changed_line_another():
    """The digest identifies the meaning of a design."""

    class Other(PerSlotCache):
        @operation
        def collect(s, me):
            s.mine[me] = s.user[me]
            s.user[me] = NONE

    assert record(PerSlotCache).digest == record(PerSlotCache).digest
    assert record(PerSlotCache).digest != record(Other).digest


def test_a_program_survives_pickling():
    """Engines may run in other processes."""
    program = record(PerSlotCache)
    again = pickle.loads(pickle.dumps(program))
    assert program.digest == again.digest
    assert len(Instance(program, 1, {"Client": 2}).moves) == len(Instance(again, 1, {"Client": 2}).moves)


def test_sizes_that_make_no_sense_are_refused():
    """No page, no client, or a sort that the design lacks."""
    program = record(Plain)
    with pytest.raises(UsageError, match="an instance has at least 1 page, not 0."):
        Instance(program, 0)
    with pytest.raises(UsageError, match="an instance has at least 1 client, not 0."):
        Instance(program, 1, {"Client": 0})
    with pytest.raises(UsageError, match="plain has no Vcpu; it has Client."):
        Instance(program, 1, {"Vcpu": 2})


def test_a_constant_beyond_the_size_is_refused():
    """Client[1] needs two clients."""

    class Second(Plain):
        @operation
        def take(s, me):
            s.own[Client[1]] = ALL

    with pytest.raises(
        UsageError, match=r"second names VGA, client number 1, and needs at least 2 of them: --clients 2"
    ):
        Instance(record(Second), 1, {"Client": 1})


def test_class_names_become_command_line_names():
    """As a user types them."""
    names = ["PerSlotCache", "TopLayerAndCache", "Naive", "My_Design", "K1Legacy"]
    assert [kebab(n) for n in names] == ["per-slot-cache", "top-layer-and-cache", "naive", "my-design", "k1-legacy"]


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
    pushes = [m for m in instance.moves if m.ground.step.label == "write"]
    pop = next(m for m in instance.moves if m.ground.step.label == "harvest")
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

    moves = [
        ("write.began", 0, {"page": 2}),
        ("take.began", 0, {"page": 1}),
        ("write.stored", 0, {}),
        ("take.took", 0, {}),
    ]
    state = after(Both, *moves)
    assert (2, 1) == (state["log"], state["own", 0])


def test_a_shared_part_takes_no_index():
    """The message says what to write."""

    class Wrong(Plain):
        @operation
        def take(s, me):
            s.log = s.log[me]

    with pytest.raises(DesignError, match=r"log is one for all and takes no \[...\]; write it without an index"):
        record(Wrong)


def test_a_guard_on_whole_words_is_accepted():
    """Whether it can ever be true is left to the checks against vacuity."""

    class Words(Plain):
        @operation
        def take(s, me, want):
            wait_for(whole(want, 2) <= s.log)
            s.log = NONE

    assert ["write", "take"] == [s.label for s in record(Words).steps]


def test_nested_quantifiers_have_variables_of_their_own():
    """Some client has what every client lacks: not the same client twice."""

    class Nested(Plain):
        @operation
        def fill(s, me, want):
            s.own[me] = want

        @operation
        def take(s, me):
            s.log = every(Client, lambda x: some(Client, lambda y: s.own[x] & s.own[y]))
            s.on = some(Client, lambda x: every(Client, lambda y: s.own[x] <= s.own[y]))

    state = after(Nested, ("fill", 0, {"want": 1}), ("fill", 1, {"want": 3}), ("take", 0, {}))
    assert (1, 1) == (state["log"], state["on"])
    state = after(Nested, ("fill", 0, {"want": 1}), ("fill", 1, {"want": 2}), ("take", 0, {}))
    assert (0, 0) == (state["log"], state["on"])


def test_a_thread_that_holds_a_lock_waits_for_it_for_ever():
    """Its own lock and one that a parameter or a constant names may be one lock: a mutex is not taken twice."""

    class Twice(Design):
        """Locks of one family, one inside the other."""

        lock = Lock("one per client", per=Client)
        done = Flag("done", per=Client)

        @operation
        def go(s, me, client):
            with s.lock[me], s.lock[client], s.lock[MIGRATION]:
                s.done[me] = True
                yield "all three"

    (step,) = record(Twice).steps
    assert ["~(client == me)", "~(MIGRATION == me)", "~(MIGRATION == client)"] == [show(g) for g in step.guards]
