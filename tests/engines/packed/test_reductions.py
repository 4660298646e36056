"""Partial order and page slicing change how many states are kept, never what is said (symmetry: `test_symmetry`)."""

import functools
import itertools

import pytest

from model import ALL, NONE, Client, Guest, Pages, operation, wait_for
from model.designs.catalogue import MAIN, built_in_designs, built_in_properties, gallery_designs, load
from model.designs.manifest import rows
from model.engines import explicit
from model.engines.packed import partial_order, sweep
from model.engines.packed import search as lanes
from model.errors import UsageError
from model.expr import always
from model.instance.problem import Problem
from model.limits import Limits
from model.parametric.cutoff import one_page
from model.program.design import record
from model.program.mutation import mutants
from model.verdict import Proved, Refuted, Undetermined
from model.verify import packed
from model.verify.result import sizes_for
from model.verify.vacuity import applies_to
from tests.support.designs import (
    Announced,
    Brief,
    Elsewhere,
    Locked,
    Plain,
    Spinning,
    never_bad,
    never_both,
    never_empty,
    never_seen,
)
from tests.support.nightly import rest_nightly
from tests.support.packed import question
from tests.support.seeded_bugs import sample

SETS = [("order",), ("pages",), ("symmetry", "order", "pages")]


def said(verdict):
    """What a user relies on: the verdict, and of a refutation how long the shortest trace is."""
    return verdict.word, verdict.depth if isinstance(verdict, Refuted) else None


# ---------------------------------------------------------------- on and off


ALL_AT_ONCE = {SETS[-1]}
RECORDED = [(row, reductions) for row in rows() for reductions in SETS]


@pytest.mark.parametrize(
    "asked",
    rest_nightly(RECORDED, lambda asked: asked[0].design in (*MAIN, "no-lock") or asked[1] in ALL_AT_ONCE),
    ids=lambda asked: "{0.design}-{0.property}-{0.pages}x{0.clients}-{1}".format(asked[0], "+".join(asked[1])),
)
def test_recorded_verdicts_are_found_again(asked):
    """By default each reduction alone on the main designs and one that loses, and all of them at once on every row."""
    row, reductions = asked
    asked = question(row.design, row.property, row.pages, row.clients)
    found = packed.search(asked, reductions=reductions)
    assert row.verdict == found.word
    assert "proved" == row.verdict or row.depth == found.depth


@functools.cache
def answers_on_mutants(design):
    """(change, question, what is said without any reduction) of each one-line slip at two sizes."""
    rule = built_in_properties()["promise_kept"]
    found = []
    for mutant, (pages, clients) in itertools.product(mutants(record(load(design))), ((1, 2), (2, 1))):
        asked = Problem.of(mutant.program, rule, pages=pages, sizes={"Client": clients})
        found.append((mutant.change, asked, said(packed.search(asked))))
    return found


@pytest.mark.parametrize(
    ("design", "reductions"),
    [
        *(("naive", reductions) for reductions in SETS),
        ("per-slot-cache", SETS[-1]),
        *(pytest.param("per-slot-cache", reductions, marks=pytest.mark.slow) for reductions in SETS[:-1]),
        *(pytest.param("top-layer-and-cache", reductions, marks=pytest.mark.slow) for reductions in SETS),
    ],
    ids=str,
)
def test_mutants_get_the_same_verdicts(design, reductions):
    for change, asked, expected in answers_on_mutants(design):
        assert expected == said(packed.search(asked, reductions=reductions)), change


def agrees_on(most):
    for asked, expected in sample(most):
        for reductions in (SETS[0], SETS[-1]):
            assert said(expected) == said(packed.search(asked, reductions=reductions)), reductions


def test_random_designs_get_the_same_verdicts():
    """30 of them: z3 is asked about each step of each, which takes most of the time."""
    agrees_on(30)


@pytest.mark.slow
def test_300_random_designs_get_the_same_verdicts():
    agrees_on(300)


@pytest.mark.slow
@pytest.mark.parametrize("design", gallery_designs())
def test_designs_of_the_gallery_get_the_same_verdicts(design):
    """Each with every property that applies to it."""
    program = record(load(design))
    rules = [p for p in built_in_properties().values() if p.kind == "always" and not applies_to(program, p)]
    for rule, pages in itertools.product(rules, (1, 2)):
        asked = Problem.of(program, rule, pages=pages, sizes=sizes_for(program, {"Client": 2}))
        expected = packed.search(asked, Limits(states=300_000))
        if isinstance(expected, Undetermined):
            continue
        for reductions in SETS:
            found = packed.search(asked, reductions=reductions)
            assert said(expected) == said(found), (rule.name, pages, reductions)


# ---------------------------------------------------------------- partial order


def counts(design, form, pages, clients, **how):
    found = packed.search(question(design, form, pages, clients), **how)
    return found.word, found.states


def test_forgetting_under_the_lock_is_taken_before_all_else():
    """Nobody else looks at the cache while the lock is held, and the promise does not speak of it."""
    asked = question("per-slot-cache", "promise_kept", 1, 2)
    alone, made = partial_order.ample(asked), asked.instance
    steps = {s.step.label for s in made.steps if s.guards and any(s.guards[0] is here for here in alone)}
    assert {"clear.forgotten"} == steps
    assert ("proved", 1_505) == counts("per-slot-cache", "promise_kept", 1, 2)
    assert ("proved", 1_465) == counts("per-slot-cache", "promise_kept", 1, 2, reductions=["order"])


@pytest.mark.parametrize("kernel", ["numpy", "c"])
def test_both_kernels_leave_out_the_same_moves(kernel):
    if kernel == "c":
        pytest.importorskip("model.engines.packed.native").compiler() or pytest.skip("no C compiler (Debian: gcc)")
    assert ("proved", 1_465) == counts("per-slot-cache", "promise_kept", 1, 2, reductions=["order"], kernel=kernel)


def states_left(asked):
    """States of the search that takes lone locations first, by the plain interpreter."""
    alone, made = partial_order.ample(asked), asked.instance
    seen, waiting = {made.initial}, [made.initial]
    while waiting:
        state = waiting.pop()
        here = next((g for g in alone if made.value(g, state)), None)
        new = {after for n, after in made.successors(state) if here is None or begins_at(here, made.moves[n])} - seen
        seen |= new
        waiting += new
    return len(seen)


def begins_at(here, move):
    return any(guard is here for guard in move.ground.guards)


@pytest.mark.parametrize("design", built_in_designs())
def test_as_many_states_are_left_as_a_plain_search_leaves(design):
    asked = question(design, "promise_kept", 1, 2)
    found = packed.search(asked, reductions=["order"])
    if isinstance(found, Proved):
        assert states_left(asked) == found.states


def nobody_disturbs(patch):
    patch.setattr(partial_order.Effect, "disturbs", lambda self, other: False)


def nothing_is_visible(patch):
    patch.setattr(partial_order.Locations, "visible", lambda self, effect: False)


def beginnings_go_alone(patch):
    patch.setattr(partial_order, "leads_on", lambda code, own: True)


@pytest.mark.parametrize(
    ("design", "rule", "without"),
    [
        (Announced, never_empty, nobody_disturbs),
        (Brief, never_both, nothing_is_visible),
        (Spinning, never_bad, beginnings_go_alone),
    ],
    ids=["C1", "C2", "C3"],
)
def test_each_condition_is_needed(design, rule, without, monkeypatch):
    """With all of them the violation is found; with one left out it is missed."""
    asked = question(design, rule, 1, 1)
    assert said(explicit.search(asked)) == said(packed.search(asked, reductions=["order"]))
    without(monkeypatch)
    assert "proved" == packed.search(asked, reductions=["order"]).word


def test_a_reader_without_the_lock_keeps_the_writer_from_going_alone():
    asked = question(Locked, never_seen, 1, 2)
    assert () == partial_order.ample(asked)
    assert ("refuted", 2) == said(packed.search(asked, reductions=["order"]))


def test_a_limit_of_depth_leaves_the_order_as_it_is():
    """What lies within so many moves is only known of the whole graph."""
    asked = question("per-slot-cache", "promise_kept", 1, 2)
    assert packed.search(asked, Limits(depth=9)) == lanes.search(asked, Limits(depth=9), reductions=["order"])


# ---------------------------------------------------------------- pages


def test_one_page_is_searched_where_no_step_relates_two():
    """108 times fewer states than the 1,403,799 of two pages."""
    found = packed.search(question("per-slot-cache", "promise_kept", 2, 2), reductions=["pages"])
    assert ("proved", 12_928) == (found.word, found.states)


def test_a_violation_on_one_page_is_looked_for_on_all():
    """Naive forgets other pages than those that were chosen, and a page that may be left out proves nothing."""
    asked = question("naive", "promise_kept", 2, 1)
    assert ("refuted", 5) == said(packed.search(asked, reductions=["pages"]))


class Neighbours(Plain):
    """A write that marks every page."""

    other = Pages("other")
    take = None

    @operation(by=Guest)
    def write(s, me, page):
        wait_for(~(page <= s.other))
        s.log |= page

    @operation
    def spread(s, me):
        wait_for(~(s.log <= NONE))
        s.other = ALL


def test_pages_that_know_of_each_other_are_not_taken_apart():
    @always
    def logged(s):
        """A page of other is in the log; not so where another page's write filled it."""
        return s.other <= s.log

    asked = question(Neighbours, logged, 2, 1)
    assert one_page(asked) is None
    assert said(explicit.search(asked)) == said(packed.search(asked, reductions=["pages"]))
    assert "proved" == packed.search(asked.at(1, asked.sizes)).word


def test_a_design_with_one_page_has_nothing_to_slice():
    assert one_page(question("naive", "promise_kept", 1, 1)) is None


def test_a_reduction_that_does_not_exist_is_refused():
    with pytest.raises(UsageError, match="there is no reduction 'magic'; there are symmetry, order"):
        packed.search(question("naive", "promise_kept", 1, 1), reductions=["magic"])


class Delayed(Elsewhere):
    """Steps of a client that nobody notices lie before a violation that the guest could do at once."""

    more = Pages("read by nobody", per=Client)

    @operation
    def work(s, me):
        s.begun = True
        yield "begun"
        s.own[me] = ALL
        yield "first"
        s.more[me] = s.own[me]
        yield "second"
        s.own[me] = NONE
        s.more[me] = NONE
        yield "third"


def test_what_was_found_later_is_found_again_at_its_least_depth(monkeypatch):
    """Two moves; with the client's steps first it takes five."""
    asked = question(Delayed, never_bad, 1, 1)
    reduced = sweep.Search(asked)
    reduced.alone = partial_order.ample(asked)
    assert ("refuted", 5) == said(reduced.run())
    assert ("refuted", 2) == said(packed.search(asked, reductions=["order"]))


def test_a_checkpoint_under_order_is_not_taken_up_without(tmp_path):
    """A limit of depth leaves the order as it is, and levels of the one are not distances of the other."""
    asked, file = question(Delayed, never_bad, 1, 1), tmp_path / "saved"
    packed.search(asked, Limits(states=3), reductions=["order"], checkpoint=file)
    with pytest.raises(UsageError, match="is the checkpoint of another search"):
        packed.search(asked, Limits(depth=4), reductions=["order"], checkpoint=file)


def test_a_limit_of_states_that_the_reduced_search_kept_does_not_hide_what_it_found():
    """The search for the shortest trace may see more states than the one that found the violation."""
    asked = question(Delayed, never_bad, 2, 2)
    reduced = sweep.Search(asked)
    reduced.alone = partial_order.ample(asked)
    kept = reduced.run().states + 1
    assert ("refuted", 2) == said(packed.search(asked, Limits(states=kept), reductions=["order"]))


def test_a_shortest_trace_that_is_not_found_in_time_is_said():
    asked = question(Delayed, never_bad, 2, 2)
    found = lanes._nearest(asked, Limits(seconds=0.0), 5, {})
    assert (
        "violated within 5 moves, and the shortest trace was not found: the limit of 0 seconds was reached"
        == found.reason
    )
