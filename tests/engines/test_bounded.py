"""Bounded model checking gives the reference's shortest depths, replays what it found, and never claims a proof."""

import pytest
import z3

from model import ALL, NONE, AnyPages, Client, Design, Pages, operation, wait_for
from model.designs.manifest import rows
from model.designs.naive import Naive
from model.designs.per_slot_cache import PerSlotCache
from model.designs.top_layer import TopLayer
from model.engines import bounded, explicit, unrolling
from model.expr import Guest, always
from model.expr.algebra import bit_vectors
from model.instance.problem import Problem
from model.limits import Limits
from model.program.design import record
from model.verdict import INTERNAL, Refuted, Undetermined
from properties.promise_kept import promise_kept
from tests.support.packed import question

DEPTH = {(r.design, r.property, r.pages): r.depth for r in rows() if r.verdict == "refuted" and r.clients == 2}
QUESTIONS = sorted({(r.design, r.property, pages) for r in rows() for pages in (1, 2)})


@pytest.mark.parametrize(("design", "name", "pages"), QUESTIONS, ids=lambda value: str(value))
def test_every_design_gets_the_depth_of_the_reference_or_nothing_up_to_12(design, name, pages):
    """With 2 clients; the violating state is one of the reference's, and the moves lead there."""
    asked = question(design, name, pages, 2)
    limits = Limits(depth=DEPTH.get((design, name, pages), 12))
    expected, actual = explicit.search(asked, limits), bounded.search(asked, limits)
    assert (expected.word, expected.depth) == (actual.word, actual.depth) or (
        "proved" == expected.word and Undetermined(depth=12) == actual
    )
    if isinstance(actual, Refuted):
        assert set(actual.detail) <= set(expected.detail)
        assert actual.detail.states[-1] == replayed(asked.instance, [m.number for m in actual.detail.moves])


def replayed(instance, numbers):
    """The state after the moves with these numbers, by the compiled reference."""
    state = instance.initial
    for number in numbers:
        state = dict(instance.successors(state))[number]
    return state


# ---------------------------------------------------------------- what it answers


def test_a_safe_design_is_undetermined_and_the_reason_names_the_bound():
    verdict = bounded.search(question(PerSlotCache, promise_kept, 1, 2), Limits(depth=9))
    assert Undetermined(states=0, depth=9) == verdict
    assert "nothing found up to depth 9" == verdict.reason


def test_without_a_bound_it_looks_20_moves_far():
    assert Undetermined(depth=20) == bounded.search(question(PerSlotCache, promise_kept, 1, 2))


def test_even_where_no_move_is_possible_it_proves_nothing():
    class Stuck(Design):
        a = Pages("a")

        @operation
        def once(s, me):
            wait_for(s.a <= NONE)
            s.a = ALL

    @always
    def fine(s):
        """Nothing that could fail."""
        return (s.a <= NONE) | (ALL <= s.a)

    assert Undetermined(depth=20) == bounded.search(question(Stuck, fine, 1, 1))


def test_the_initial_state_is_checked_before_the_first_move():
    @always
    def never(s):
        """The log is never empty, which it is at the start."""
        return ~(s.kernel <= NONE)

    verdict = bounded.search(question(TopLayer, never, 1, 1))
    assert Refuted(depth=0) == verdict
    assert ((), 1) == (verdict.detail.moves, len(verdict.detail.states))


def test_without_a_property_it_is_undetermined():
    asked = Problem(record(TopLayer), ())
    assert "no property was asked" == bounded.search(asked).reason


def test_several_invariants_are_judged_together_and_the_violated_one_is_named():
    @always
    def never_full(s, client):
        """No client has collected anything, which takes a write, a sync and a collect."""
        return s.mine[client] <= NONE

    asked = Problem.of(record(TopLayer), promise_kept, never_full, sizes={"Client": 2})
    verdict = bounded.search(asked)
    assert Refuted(depth=3) == verdict
    assert ["never_full"] == [name for _, name, _ in verdict.detail]


# ---------------------------------------------------------------- domains


def test_a_client_never_clears_an_empty_set():
    """A solver that may choose an empty `want` refutes naive in 2 moves; the search says 5."""
    verdict = bounded.search(question(Naive, promise_kept, 2, 1))
    assert Refuted(depth=5) == verdict
    assert all(v for move in verdict.detail.moves for v in move.arguments.values())


class Chooser(Design):
    """What each kind of parameter can be, seen in `a`."""

    a = Pages("the last choice", initially=ALL)

    @operation(by=Guest)
    def one(s, me, page):
        s.a = page

    @operation(by=Guest)
    def several(s, me, want):
        s.a = want


class ChooserOfNothing(Chooser):
    @operation(by=Guest)
    def perhaps(s, me, extra: AnyPages):
        s.a = extra


@pytest.mark.parametrize("pages", [1, 2, 3, 5])
def test_a_set_of_pages_is_empty_only_where_the_design_says_any(pages):
    @always
    def not_empty(s):
        """The last choice was not empty."""
        return ~(s.a <= NONE)

    def asked(design):
        return Problem.of(record(design), not_empty, pages=pages)

    assert Undetermined(depth=3) == bounded.search(asked(Chooser), Limits(depth=3))
    assert Refuted(depth=1) == bounded.search(asked(ChooserOfNothing), Limits(depth=3))


@pytest.mark.parametrize("pages", [1, 2, 3, 5])
def test_a_page_is_exactly_one_page(pages):
    class Single(Design):
        a = Pages("the last page", per=Client)
        b = Pages("the one before", per=Client)

        @operation
        def one(s, me, page):
            s.b[me] = s.a[me]
            s.a[me] = page

    @always
    def disjoint_or_equal(s, client):
        """Two single pages are the same or have nothing in common."""
        return (s.a[client] == s.b[client]) | (s.a[client] & s.b[client] <= NONE)

    assert Undetermined(depth=4) == bounded.search(question(Single, disjoint_or_equal, pages, 1), Limits(depth=4))


def test_moves_have_the_numbers_of_the_instance_where_parameters_are_of_every_kind():
    class Mixed(Design):
        a = Pages("a")
        b = Pages("b")

        @operation(by=Guest)
        def first(s, me, extra: AnyPages, want, page, flag: bool):
            s.a = want - page
            s.b |= extra & page

        @operation
        def second(s, me, want, span, client):
            wait_for(s.a <= want)
            s.b -= span

    @always
    def apart(s):
        """`a` is never all but the first and `b` never all of them, at once."""
        return ~((ALL <= s.b) & ~(s.a <= NONE))

    asked = question(Mixed, apart, 2, 2)
    run, instance = bounded.search(asked).detail, asked.instance
    assert [dict(instance.moves[m.number].arguments) for m in run.moves] == [dict(m.arguments) for m in run.moves]
    assert run.states[-1] == replayed(instance, [m.number for m in run.moves])


# ---------------------------------------------------------------- limits, interruption, our own errors


def test_no_time_at_all_gives_the_limit_as_the_reason():
    verdict = bounded.search(question(PerSlotCache, promise_kept, 1, 2), Limits(seconds=0.0))
    assert ("undetermined", "the limit of 0 seconds was reached") == (verdict.word, verdict.reason)


def test_progress_is_reported_once_a_depth():
    told = []
    bounded.search(question(PerSlotCache, promise_kept, 1, 2), Limits(depth=3, report=told.append))
    assert [("bounded", 0), ("bounded", 1), ("bounded", 2), ("bounded", 3)] == [(p.engine, p.depth) for p in told]


def test_what_z3_does_not_know_is_undetermined_with_its_reason(monkeypatch):
    monkeypatch.setattr(unrolling.Unrolling, "violated", lambda self, seconds: z3.unknown)
    verdict = bounded.search(question(TopLayer, promise_kept, 1, 2))
    assert "undetermined" == verdict.word
    assert verdict.reason.startswith("z3 says unknown")
    assert not verdict.interrupted


def test_a_run_that_plain_integers_do_not_replay_is_an_internal_error():
    """A table whose `-` takes everything away makes top-layer clear what it does not want."""
    asked = question(TopLayer, promise_kept, 2, 1)
    with pytest.raises(unrolling.Disagreement, match="^after move 5, clear.cleared: ") as raised:
        bounded.search(asked, table={**bit_vectors(2), "minus": lambda a, b: a & 0})
    assert INTERNAL == raised.value.exit_code


def test_a_move_that_is_not_possible_on_plain_integers_is_an_internal_error():
    """A table in which everything is contained in everything lets naive clear before it has collected anything."""

    @always
    def never_clears(s):
        """A bit of the log is never taken away from a page that was not read."""
        return s.kernel == s.unread[Client[0]]

    asked = question(Naive, never_clears, 1, 1)
    wrong = {**bit_vectors(1), "subset": lambda a, b: z3.BoolVal(True)}
    with pytest.raises(unrolling.Disagreement, match="^z3 takes move 2, clear.cleared, which is not possible there.$"):
        bounded.search(asked, table=wrong)


def test_a_violation_that_plain_integers_do_not_see_is_an_internal_error():
    @always
    def all_is_all(s):
        """The log is all or not all."""
        return (s.kernel <= NONE) | ~(s.kernel <= NONE)

    asked = question(TopLayer, all_is_all, 1, 2)
    with pytest.raises(unrolling.Disagreement, match="z3 sees a violation after 0 moves, and plain integers see none"):
        bounded.search(asked, table={**bit_vectors(1), "either": z3.And})
