"""How steps are cut at locks: taking one joins the step after it, freeing it the step before it."""

from model import ALL, MIGRATION, NONE, Client, Design, Flag, Lock, Pages, Vcpu, operation
from model.designs.per_slot_cache import PerSlotCache
from model.expr import show
from model.instance.instance import Instance
from model.program.design import record
from tests.support.designs import Plain
from tests.support.moves import enabled, moves
from tests.support.reachable import reachable


def test_taking_a_lock_joins_the_step_after_it_and_freeing_the_step_before():
    """Right and left movers (Lipton 1975)."""
    steps = {s.label: (len(s.takes), len(s.frees)) for s in record(PerSlotCache).steps}
    locked = {n: v for n, v in steps.items() if v != (0, 0)}
    expected = {"sync.reported": (1, 0), "sync.merged": (0, 1), "clear.cleared": (1, 0), "clear.forgotten": (0, 1)}
    assert expected == locked


def test_a_held_lock_keeps_the_other_thread_out():
    """After one client's report the other cannot report or clear."""
    instance = Instance(record(PerSlotCache), 1, {"Client": 2})
    [reported] = moves(instance, "sync.reported", 0)
    possible = enabled(instance, instance.apply(reported, instance.initial))
    assert {("write", 0), ("sync.merged", 0), ("collect", 1)} == possible


def test_split_lock_edges_reach_the_same_states_between_operations():
    """The joined steps lose nothing: the same states with every thread idle, with and without split edges."""

    def idle_states(split):
        program = record(PerSlotCache, split_locks=split)
        instance = Instance(program, 1, {"Client": 2})
        seen = reachable(instance)
        parts = [i for i, f in enumerate(instance.fields) if f.role == "part"]
        places = [i for i, f in enumerate(instance.fields) if f.role == "location"]
        return {tuple(s[i] for i in parts) for s in seen if not any(s[i] for i in places)}, len(seen)

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
    [filled] = moves(instance, "step.filled", 0)
    possible = enabled(instance, instance.apply(filled, instance.initial))
    assert {("step.emptied", 0), ("step.filled", 1)} == possible


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
