"""k-induction proves what is so, refutes what is not, and otherwise says how far it came."""

import pytest
import z3

from model import ALL, NONE, Design, Lock, Pages, choose, idle, operation
from model.designs.delivers_nothing import DeliversNothing
from model.designs.manifest import rows
from model.designs.per_slot_cache import PerSlotCache
from model.designs.top_layer import TopLayer
from model.designs.top_layer_and_cache import TopLayerAndCache
from model.engines import explicit, induction, unrolling
from model.expr import PLACE, always
from model.expr.algebra import bit_vectors
from model.instance.problem import Problem
from model.limits import Limits
from model.program.design import record
from model.verdict import Proved, Refuted, Undetermined
from properties.no_lost_write import no_lost_write
from properties.promise_kept import promise_kept
from tests.support.designs import Rounds, Synced, never_bad
from tests.support.nightly import rest_nightly
from tests.support.packed import question

ROWS = {f"{r.design} {r.property} {r.pages} {r.clients}": r for r in rows() if r.pages * r.clients <= 2}


def met_or_left_open(row, limits=None):
    """Refuted at the recorded depth; what is proved here is recorded as proved."""
    verdict = induction.search(question(row.design, row.property, row.pages, row.clients), limits)
    if row.verdict == "refuted":
        assert Refuted(depth=row.depth) == verdict
    else:
        assert isinstance(verdict, Proved | Undetermined)


LONG = {"two-in-one", "no-lock", "cache-not-forgotten", "read-before-clear"}  # refuted after 10 moves and more


@pytest.mark.parametrize("name", rest_nightly(ROWS, lambda name: ROWS[name].design not in LONG or ROWS[name].pages > 1))
def test_every_recorded_verdict_is_met_or_left_open(name):
    """What is recorded as proved is not refuted in 8 moves; deeper proofs of the good designs follow below.

    By default the four designs that are refuted late at two pages, and the others at every size.
    """
    row = ROWS[name]
    met_or_left_open(row, Limits(depth=8) if row.verdict == "proved" else None)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.verdict == "proved"])
def test_what_is_recorded_as_proved_is_refuted_at_no_depth(name):
    """With k as far as there are simple paths, or as the engine goes."""
    met_or_left_open(ROWS[name])


@pytest.mark.parametrize(
    ("design", "pages", "clients", "k"),
    [
        (PerSlotCache, 1, 1, 3),
        (PerSlotCache, 1, 2, 13),
        (PerSlotCache, 2, 1, 16),
        (TopLayerAndCache, 1, 1, 3),
        (TopLayerAndCache, 1, 2, 11),
        (TopLayerAndCache, 2, 1, 4),
    ],
)
def test_the_good_designs_keep_the_promise_by_k_induction(design, pages, clients, k):
    """k is one more than the moves of the longest simple run of good, if unreachable, states into a bad one."""
    verdict = induction.search(question(design, promise_kept, pages, clients))
    assert Proved(states=0, depth=k) == verdict
    assert k == verdict.detail


def test_a_bound_below_k_leaves_it_open():
    verdict = induction.search(question(PerSlotCache, promise_kept, 1, 2), Limits(depth=12))
    assert Undetermined(depth=12) == verdict
    assert "neither refuted nor k-inductive up to k = 12" == verdict.reason


def test_what_is_refuted_later_than_the_bound_is_not_proved():
    """Top-layer breaks the promise in 8 moves; every smaller bound leaves it open."""
    for bound in range(8):
        verdict = induction.search(question(TopLayer, promise_kept, 1, 2), Limits(depth=bound))
        assert Undetermined(depth=bound) == verdict
    assert Refuted(depth=8) == induction.search(question(TopLayer, promise_kept, 1, 2), Limits(depth=8))


def test_a_refutation_comes_with_the_replayed_run_of_bounded_model_checking():
    verdict = induction.search(question(TopLayer, no_lost_write, 1, 2))
    assert isinstance(verdict.detail, unrolling.Run)
    assert (10, 11) == (len(verdict.detail.moves), len(verdict.detail.states))


def test_what_holds_in_every_state_whatever_is_proved_with_k_0():
    class Anything(Design):
        a = Pages("a")

        @operation
        def change(s, me, want):
            s.a = want

    @always
    def empty_or_not(s):
        """`a` is contained in everything."""
        return s.a <= choose(s.a <= NONE, s.a, ALL)

    assert Proved(depth=0) == induction.search(question(Anything, empty_or_not, 2, 1))


def test_what_is_inductive_is_proved_with_k_1():
    @always
    def logged(s, client):
        """What is unread stays in the log, where nothing is ever cleared."""
        return s.unread[client] <= s.kernel

    assert Proved(depth=1) == induction.search(question(Synced, logged, 2, 1))


def test_going_round_in_unreachable_states_is_no_obstacle_for_runs_are_simple():
    """Without the constraint, up, down, up, down, … is a good run of any length into the bad state."""
    program = record(Rounds)
    verdict = induction.search(Problem.of(program, never_bad))
    assert Proved(depth=4) == verdict


def test_locations_that_no_thread_can_be_at_are_not_considered():
    """Three locations take two bits; the fourth number is none."""
    asked = question(TopLayerAndCache, promise_kept, 1, 2)
    unrolled, instance = unrolling.Unrolling(asked), asked.instance
    unrolled.anywhere()
    found = {f.name: set() for f in instance.fields if f.sort == PLACE}
    while unrolled.solver.check() == z3.sat:
        model = unrolled.solver.model()
        for field, term in zip(instance.fields, unrolled.states[0], strict=True):
            if field.sort == PLACE:
                found[field.name].add(model.eval(term, model_completion=True).as_long())
        places = [t for f, t in zip(instance.fields, unrolled.states[0], strict=True) if f.sort == PLACE]
        unrolled.solver.add(z3.Or([t != model.eval(t, model_completion=True) for t in places]))
    assert {"at.Client": set(range(len(instance.codes["Client"])))} == found


def test_what_holds_at_every_location_of_a_thread_is_proved_with_k_0():
    """Idle, or holding one of two locks: so everywhere, if only the number that is no location does not count."""

    class Handover(Design):
        a = Pages("a")
        left = Lock("held after the first step")
        right = Lock("held after the second step")

        @operation
        def both(s, me, want):
            s.left.acquire()
            s.a |= want
            yield "first"
            s.right.acquire()
            s.a -= want
            yield "second"
            s.left.release()
            s.a = NONE
            yield "third"
            s.right.release()

    @always
    def somewhere(s, client):
        """The only client is idle or holds a lock."""
        return idle(client) | ~s.left.free | ~s.right.free

    assert Proved(depth=0) == induction.search(question(Handover, somewhere, 1, 1))


def test_a_design_that_delivers_nothing_keeps_its_promise_but_not_by_k_induction():
    """3 reachable states among the 4,096 that its 12 bits can hold; the reference sees no others."""
    assert Undetermined(depth=20) == induction.search(question(DeliversNothing, promise_kept, 1, 2))
    assert isinstance(explicit.search(question(DeliversNothing, promise_kept, 1, 2)), Proved)


def test_the_initial_state_is_checked_too():
    @always
    def never(s):
        """The log is never empty, which it is at the start."""
        return ~(s.kernel <= NONE)

    for engine in (explicit, induction):
        assert Refuted(depth=0) == engine.search(question(TopLayer, never, 1, 1))


def test_without_a_property_it_is_undetermined():
    assert "no property was asked" == induction.search(Problem(record(TopLayer), ())).reason


def test_a_wrong_table_never_turns_into_a_refutation():
    """Whatever z3 is told, the run is judged by plain integers."""
    wrong = {**bit_vectors(2), "minus": lambda a, b: a & 0}
    with pytest.raises(unrolling.Disagreement):
        induction.search(question(TopLayer, promise_kept, 2, 1), table=wrong)
