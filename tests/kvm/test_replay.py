"""Counterexamples and random walks on the real kernel, move by move beside the model."""

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from model.designs.catalogue import find_property, load
from model.instance.instance import Instance
from model.instance.problem import Problem
from model.kvm.replay import replay
from model.kvm.walks import stage, walk, walks
from model.limits import Limits
from model.program.design import record
from model.verify.portfolio import answer
from model.verify.question import Question
from tests.support.kvm import needs_kvm
from tests.support.moves import moves

LOSING = ["naive", "top-layer", "no-lock", "cache-not-forgotten", "read-before-clear", "two-in-one", "asker-only"]
SAFE = ["per-slot-cache", "top-layer-and-cache"]
no_lost_write = find_property("no_lost_write")


def watched(name: str, pages: int = 2, clients: int = 2) -> Problem:
    return Problem.of(record(load(name)), no_lost_write, pages=pages, sizes={"Client": clients})


def walked(name: str, count: int):
    asked = watched(name)
    return walks(asked.instance, asked.invariant, count)


def performed(name: str, rule: str = "no_lost_write", pages: int = 2, stride: int = 64, **sizes: int):
    """The outcome of a design's shortest counterexample on this kernel."""
    design = load(name)
    question = Question(design, find_property(rule, design), pages, sizes or {"Client": 2}, "lanes", Limits(2_000_000))
    trace = answer(question).trace
    assert trace is not None
    outcome = replay(trace.instance, trace.moves, trace.invariant, stride)
    assert len(trace) == len(outcome.performed)
    return outcome


@needs_kvm
@pytest.mark.parametrize("name", LOSING)
def test_the_loss_that_the_model_predicts_happens_on_this_kernel(name):
    outcome = performed(name)
    assert ("", True, True) == (outcome.disagreement, outcome.model_broken, outcome.kernel_broken)
    assert outcome.model_lost == outcome.kernel_lost != 0
    page = outcome.kernel_lost.bit_length() - 1
    assert all(outcome.source[page] != c.copy[page] for c in outcome.clients if c.judged)
    assert 1 == outcome.exit_code


@needs_kvm
@pytest.mark.parametrize(
    "name",
    [
        "legacy-get-reads-early",
        "one-log-two-clearers",
        "ring-read-before-reset",
        "ring-reset-interrupted",
        "ring-initially-set",
        "diff-snapshot-failed",
    ],
)
def test_legacy_gets_rings_and_two_threads_of_one_log_are_performed_too(name):
    sizes = {"Vcpu": 1} if "snapshot" not in name else {"Client": 1}
    outcome = performed(name, "complete_copy", 1, **sizes)
    assert ("", 1, 1, 1) == (outcome.disagreement, outcome.model_lost, outcome.kernel_lost, outcome.exit_code)


@needs_kvm
def test_what_a_legacy_log_has_left_after_a_run_is_compared_too():
    """Here the kernel's last GET hides what it has: the write at the end of a run that takes nothing."""
    instance = Instance(record(load("legacy-get")), 1, {"Vcpu": 1})
    (fault,) = moves(instance, "fault.marked")
    run = [(fault, instance.apply(fault, instance.initial))]
    with stage(instance) as on:
        assert "" == on.rehearse(run)[0]
        on.on.every = 0
        assert "after the run, GET should report {0}, it reports {}" == on.rehearse(run)[0]


@needs_kvm
def test_top_layer_ends_with_the_destination_one_version_behind():
    outcome = performed("top-layer")
    assert ((2,), (1,)) == (outcome.source, outcome.clients[0].copy)
    assert [("write {0}",), ("GET",), (), ("CLEAR {0}",), ("read {0}",)] == [p.ioctls for p in outcome.performed[:5]]


@needs_kvm
def test_every_client_is_compared_and_those_that_the_property_speaks_of_are_judged():
    """VGA lacks the page too, but has not synced yet: no_lost_write speaks of MIGRATION here."""
    destination, vga = performed("top-layer").clients
    assert (1, 1, True) == (destination.model, destination.kernel, destination.judged)
    assert (1, 1, False) == (vga.model, vga.kernel, vga.judged)


@needs_kvm
def test_a_property_that_is_not_about_contents_is_asked_of_the_end_and_judges_no_client():
    outcome = performed("top-layer", "no_blind_clear")
    assert (True, True, 0) == (outcome.model_broken, outcome.kernel_broken, outcome.kernel_lost)
    assert [False, False] == [c.judged for c in outcome.clients]


@needs_kvm
@pytest.mark.parametrize("stride", [1, 64, 100])
def test_the_loss_does_not_depend_on_where_the_pages_lie(stride):
    outcome = performed("naive", stride=stride)
    assert ("", True) == (outcome.disagreement, outcome.kernel_lost == outcome.model_lost != 0)


@needs_kvm
@pytest.mark.parametrize("count", [200, pytest.param(2000, marks=pytest.mark.slow)])
def test_random_walks_of_the_per_slot_cache_lose_nothing(count):
    found = walked("per-slot-cache", count)
    assert ("", 0, count, count) == (found.disagreement, found.broken, found.performed, found.finished)


@needs_kvm
@pytest.mark.parametrize(("name", "loses"), [("top-layer", True), ("naive", True), ("top-layer-and-cache", False)])
def test_random_walks_lose_exactly_where_the_design_is_unsafe(name, loses):
    found = walked(name, 100)
    assert ("", loses) == (found.disagreement, found.broken > 0)


@needs_kvm
def test_walks_of_what_kvm_does_inside_are_counted_and_left_out():
    """A write through an old translation and a fault in one GET: no single moment of the GET explains both."""
    asked = Problem.of(record(load("legacy-get")), find_property("complete_copy"), pages=2, sizes={"Vcpu": 2})
    found = walks(asked.instance, asked.invariant, 40)
    assert (40, "", 0) == (found.walks, found.disagreement, found.broken)
    assert 0 < found.performed < 40
    assert "legacy-get: after move" in found.refused


@needs_kvm
@pytest.mark.parametrize("name", [*LOSING, *SAFE, "delivers-nothing", "no-lock-register"])
def test_model_and_kernel_agree_on_any_walk(name):
    """Hypothesis shrinks a disagreement to a shortest walk of it."""
    instance = Instance(record(load(name)), 2, {"Client": 2})
    with stage(instance) as on:

        @settings(deadline=None, max_examples=15)
        @given(st.lists(st.floats(0, 1), max_size=40))
        def agree(choices: list[float]) -> None:
            assert "" == walk(on, choices)[1]

        agree()


@needs_kvm
def test_a_kernel_that_does_something_else_is_found_out_in_a_shortest_walk():
    """Here the kernel is handed an empty mask wherever the model clears page 0: write, sync, collect, clear."""
    instance = Instance(record(load("top-layer")), 1, {"Client": 1})
    with stage(instance) as on:
        on.on.masks = [0, 0]
        shortest = find(st.lists(st.floats(0, 1), max_size=20), lambda choices: walk(on, choices)[1] != "")
        moves, trouble = walk(on, shortest)
    assert ["write", "sync", "collect", "clear.cleared"] == [m.ground.step.label for m in moves]
    assert "after move 4, clear.cleared: the model's log is {}, KVM_GET_DIRTY_LOG reports {0}" == trouble
