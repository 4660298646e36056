"""Counterexamples: shortest, replayed, told in the words of the field, with an argument computed from the trace."""

import os
from dataclasses import replace

import pytest

from model.designs.catalogue import built_in_properties, load
from model.instance.trace import ReplayError, replayed, smaller_sizes
from model.verify import result_text as text
from model.verify.portfolio import answer
from model.verify.question import Question
from tests.support.paths import GOLDEN


def result(design, property="no_lost_write", pages=2, clients=2):
    """A refuted question, by the reference."""
    return answer(Question(load(design), built_in_properties()[property], pages, {"Client": clients}, "explicit"))


def test_the_race_of_the_2019_mail_comes_out_in_the_order_of_the_mail():
    """write, sync, collect, clear, read, write, collect, clear; then the stop and the final sync."""
    story = result("top-layer").story
    told = [(line.operation, line.step, line.thread) for line in story.lines]
    assert [
        ("write", "write", "the guest"),
        ("sync", "sync", "MIGRATION"),
        ("collect", "collect", "MIGRATION"),
        ("clear", "cleared", "MIGRATION"),
        ("clear", "read", "MIGRATION"),
        ("write", "write", "the guest"),
        ("collect", "collect", "VGA"),
        ("clear", "cleared", "VGA"),
        ("stop", "stop", "the guest"),
        ("sync", "sync", "MIGRATION"),
    ] == told
    assert (1, 2) == (story.pages, story.sizes["Client"])
    assert ("reports nothing", "source P2, destination P1") == story.lines[-1].notes


def test_the_argument_names_the_promise_the_clear_and_the_report_it_relied_on():
    """The sentence that convinces, computed and not written by hand."""
    assert (
        "only `kernel` promised page 0 to MIGRATION, because of the write at 6",
        "the clear at 8 removed it, because VGA's own bitmap dates from the sync at 2 and cannot tell the write at 1 "
        "from the write at 6",
    ) == result("top-layer").story.because


def test_naive_is_shown_with_two_pages_and_one_client():
    """The smallest size where the shortest trace is no longer: a write to a page that nobody was told of."""
    story = result("naive").story
    assert "8 moves, 2 pages, 1 client" == story.size
    assert "no move since the write at 3 has copied page 1 anywhere" in story.because[1]


@pytest.mark.parametrize(
    ("design", "why"),
    [
        ("read-before-clear", "`cache` dates from the sync at 2 and cannot tell the write at 1 from the write at 7"),
        ("cache-not-forgotten", "`cache` dates from the sync at 2 and cannot tell the write at 1 from the write at 8"),
        ("no-lock", "which was still on its way: sync.merged at 16 finds nothing of it"),
        ("asker-only", "that report never reached MIGRATION"),
        ("delivers-nothing", "put page 0 into `kernel` only, and from there no run brings it to MIGRATION"),
    ],
)
def test_each_losing_design_is_argued_for_on_its_own_grounds(design, why):
    """The reason differs from design to design."""
    assert why in "; ".join(result(design, pages=1).story.because)


def test_a_broken_promise_is_extended_to_the_loss():
    """The 8 moves of promise_kept, then the stop and the sync."""
    found = result("top-layer", "promise_kept")
    assert (8, 2) == (len(found.story.lines), len(found.story.tail))
    assert ["stop", "sync"] == [line.operation for line in found.story.tail]
    assert 10 == len(found.whole)


def test_a_broken_promise_that_loses_nothing_says_how_it_is_recovered():
    """no-lock-register: the page travels in a register outside the three bitmaps."""
    found = result("no-lock-register", "promise_kept", pages=1)
    by = "promise broken, recovered by MIGRATION: sync.merged"
    expected = f"{by}, and from this state no run loses the write"
    assert (expected, ()) == (found.story.aftermath, found.story.tail)


def test_a_promise_that_stands_but_is_never_delivered_is_explained():
    """delivers-nothing keeps every promise and loses every write."""
    assert "proved" == result("delivers-nothing", "promise_kept", pages=1).verdict.word
    because = result("delivers-nothing", pages=1).story.because
    assert ("the write at 1 put page 0 into `kernel` only, and from there no run brings it to MIGRATION",) == because


def test_a_client_other_than_migration_is_called_stale():
    """With the display alone at stake, nothing is said about migration."""
    from model import operation, wait_for
    from model.designs.top_layer import TopLayer
    from model.expr import MIGRATION

    class OnlyMigrationClears(TopLayer):
        """MIGRATION clears the whole log, so the display misses writes."""

        @operation
        def clear(s, me, want):
            wait_for(me == MIGRATION)
            s.kernel -= want
            s.mine[me] |= want
            yield "cleared"
            s.mine[me] -= want
            s.unread[me] -= want
            yield "read"

    found = answer(Question(OnlyMigrationClears, built_in_properties()["no_lost_write"], 1, {"Client": 2}, "explicit"))
    assert "only-migration-clears leaves VGA stale: it never learns of page 0" == found.story.title


def test_every_violated_design_is_told_with_versions():
    """At the end the source is ahead of the destination."""
    for design in ("naive", "top-layer", "read-before-clear", "two-in-one"):
        assert any(note.startswith("source P") for note in result(design, pages=2, clients=2).story.lines[-1].notes)


def test_a_trace_with_a_wrong_move_is_never_shown():
    """Replay refuses a move that is not enabled, a wrong state, and an ending that violates nothing."""
    trace = result("top-layer").trace
    with pytest.raises(ReplayError, match="is not enabled"):
        replayed(replace(trace, moves=(trace.moves[7], *trace.moves[1:])))
    with pytest.raises(ReplayError, match="leads to another state"):
        replayed(replace(trace, states=(*trace.states[:-2], trace.states[0], trace.states[-1])))
    with pytest.raises(ReplayError, match="the last state does not violate the property"):
        replayed(replace(trace, moves=trace.moves[:-1], states=trace.states[:-1]))
    with pytest.raises(ReplayError, match="does not begin in the initial state"):
        replayed(replace(trace, moves=trace.moves[1:], states=trace.states[1:]))


def test_smaller_sizes_come_smallest_first():
    """By pages and clients together, then by clients."""
    found = [(p, s["Client"]) for p, s in smaller_sizes(2, {"Client": 3})]
    assert [(1, 1), (2, 1), (1, 2), (2, 2), (1, 3)] == found


@pytest.mark.parametrize("design", ["naive", "top-layer", "read-before-clear", "no-lock-register"])
def test_the_text_of_a_counterexample_is_the_golden_one(design):
    """As a reader sees it at 80 columns; `CLEARORDER_GOLDEN=write pytest` writes what comes, to be read first."""
    property = "promise_kept" if design == "no-lock-register" else "no_lost_write"
    shown = "".join(f"{line.plain}\n" for line in text.story(result(design, property).story, width=80))
    golden = GOLDEN / f"{design}.txt"
    if os.environ.get("CLEARORDER_GOLDEN") == "write":
        golden.write_text(shown)
    assert golden.read_text() == shown


def test_nothing_is_claimed_of_bits_that_a_design_keeps_elsewhere():
    """A log per vCPU: the argument says where the page stands and does not blame the stop."""
    from model import NONE, Pages, Vcpu, every_client, operation
    from model.designs.naive import Naive

    class Late(Naive):
        """Each vCPU has a log of its own, which nobody gathers."""

        local = Pages("this vCPU's log", per=Vcpu)

        @operation(by=Vcpu)
        def write(s, me, page):
            s.local[me] |= page
            s.unread[every_client] |= page

        @operation(by=Vcpu)
        def flush(s, me):
            s.kernel |= s.local[me]
            s.local[me] = NONE

    property = built_in_properties()["no_lost_write"]
    story = answer(Question(Late, property, 1, {"Client": 1, "Vcpu": 1}, "explicit")).story
    assert (
        "the write at 1 is the last of page 0",
        "at the end vCPU 0's `local` holds the page, and nothing has brought it to MIGRATION since",
    ) == story.because
    assert not any("broken here" in note for line in story.lines for note in line.notes)


def test_a_write_that_nothing_logs_is_argued_for_by_what_was_not_armed():
    """The page was not armed, so nothing trapped the write."""
    story = result_of("protect-before-swap")
    assert (
        "set no bit that tells MIGRATION of page 0: `armed` did not hold the page, so `kernel` was not set"
        in (story.because[0])
    )
    assert story.title.startswith(
        "protect-before-swap loses a write: it has finished, and MIGRATION has never read page 0"
    )


def result_of(design):
    """The story of a gallery design, asked what decides it."""
    property = built_in_properties()["complete_copy"]
    return answer(Question(load(design), property, 1, {}, "explicit")).story


def test_other_sets_that_an_operation_has_chosen_are_shown():
    """The range that a clear covers decides what it takes away."""
    from model.verify.refinement import refines

    lines = refines(load("per-slot-cache"), load("top-layer-and-cache")).story.lines
    assert "MIGRATION: clear.cleared page 0 (span {0, 1})" in [line.text for line in lines]
