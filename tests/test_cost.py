"""Other sources of dirty pages, redundant copies, and what a design costs."""

from fractions import Fraction

import pytest

from model import Pages, operation, wait_for
from model.cost import command, row
from model.costing import (
    Count,
    bitmaps,
    expected,
    no_redundant_copy,
    one_sync_a_round,
    redundant_copy,
    tally,
    with_device,
    worst,
)
from model.design import Design, invariant, observed, record
from model.designs.catalogue import built_in_properties, load
from model.designs.dirty_log import DirtyLog
from model.engines import explicit
from model.errors import UsageError
from model.expr import Client
from model.instance import Instance
from model.synthesis import Judge
from model.trace import replayed

PROMISE = [built_in_properties()["promise_kept"]]
BOTH = [built_in_properties()[name] for name in ("no_lost_write", "promise_kept")]


def program(design, device=False, rounds=False):
    found = record(with_device(load(design)) if device else load(design))
    return one_sync_a_round(found) if rounds else found


def labels(trace):
    return [m.ground.step.label for m in trace.moves]


@pytest.mark.parametrize("design", ["naive", "top-layer", "top-layer-and-cache", "per-slot-cache"])
def test_a_device_that_marks_one_client_only_loses_in_one_move(design):
    """Nothing promises the page to the other client."""
    careless = record(with_device(load(design), tells_one=True))
    killing = Judge(PROMISE, ((1, 2),)).killing(careless)
    assert ["dma.stored"] == labels(killing.trace)
    assert 1 == killing.trace.number, "VGA is the client that is not told"


def test_a_device_that_marks_every_client_keeps_the_safe_designs_safe():
    """And with one client top-layer too."""
    for design, clients in (("per-slot-cache", 2), ("top-layer-and-cache", 2), ("top-layer", 1)):
        judge = Judge(BOTH, ((1, clients), (2, clients)) if clients == 1 else ((1, clients),))
        assert judge.killing(program(design, device=True)) is None


@pytest.mark.slow
def test_the_safe_designs_with_a_device_are_safe_with_two_pages_and_two_clients():
    """The same at the size of the recorded verdicts."""
    for design in ("per-slot-cache", "top-layer-and-cache"):
        assert Judge(BOTH, ((2, 2),)).killing(program(design, device=True)) is None


def test_per_slot_cache_copies_twice_what_a_device_marked():
    """Counted by hand: the page is read at 7 and again at 14, and nobody wrote it in between.

    The guest's write sets the kernel's bit, the device's store the client's; the client clears by the cache, which no
    sync has filled, so the kernel's bit stays and the next sync reports it.
    """
    trace = redundant_copy(program("per-slot-cache", device=True, rounds=True), 1, 1)
    once = ["collect", "clear.chosen", "clear.cleared", "clear.forgotten", "clear.read"]
    assert ["write", "dma.stored", *once, "sync.reported", "sync.merged", *once] == labels(trace)
    assert Count(writes=2, copies=2, redundant=1, gets=1, clears=2) == tally(trace)
    assert trace == replayed(trace)


def test_top_layer_with_one_client_avoids_the_copy_that_the_device_causes():
    """With one sync a round none is reachable, nor is it without a device."""
    for pages in (1, 2):
        for device in (False, True):
            assert redundant_copy(program("top-layer", device, rounds=True), pages, 1) is None
            assert (redundant_copy(program("per-slot-cache", device, rounds=True), pages, 1) is None) != device


def test_with_more_syncs_top_layer_copies_twice_too():
    """Write, sync, collect, sync, clear, read, collect, clear, read."""
    trace = redundant_copy(program("top-layer"), 1, 1)
    assert 9 == len(trace)
    assert Count(writes=1, copies=2, redundant=1, gets=2, clears=2) == tally(trace)


def test_a_schedule_only_takes_behaviour_away():
    """Rounds have no state that the design has not, and something is copied in them."""
    for device in (False, True):
        free, rounds = (Instance(program("per-slot-cache", device, r), 1, {"Client": 1}) for r in (False, True))
        assert reached(rounds) < reached(free)
        assert 1 == worst(program("per-slot-cache", device, rounds=True), 1, 1)


def reached(instance):
    seen, queue = {instance.initial}, [instance.initial]
    for state in queue:
        new = {after for _, after in instance.successors(state)} - seen
        seen |= new
        queue += new
    return seen


def test_the_reference_engine_agrees_that_no_copy_is_redundant():
    """Top-layer, one client, a device, rounds."""
    watched = observed(program("top-layer", device=True, rounds=True), no_redundant_copy)
    verdict = explicit.search(Instance(watched, 2, {"Client": 1}), [invariant(watched, no_redundant_copy)])
    assert "proved" == verdict.word


def test_worst_cases_are_exact_ratios_of_a_cycle():
    """Two copies for a write on any schedule, one in rounds; with a device every second write may be copied twice."""
    assert 2 == worst(program("per-slot-cache"), 1, 1)
    assert 1 == worst(program("per-slot-cache", rounds=True), 1, 1)
    assert Fraction(1, 2) == worst(program("per-slot-cache", device=True, rounds=True), 1, 1, of="redundant")
    assert 0 == worst(program("top-layer", device=True, rounds=True), 1, 1, of="redundant")
    assert None is worst(program("per-slot-cache", device=True), 1, 1, per="gets")
    with pytest.raises(UsageError, match="more than 100 states"):
        worst(program("per-slot-cache"), 1, 2, most=100)


class NeverCleared(DirtyLog):
    """A bit that nobody clears is reported for ever."""

    @operation
    def sync(s, me):
        s.user[Client.every] |= s.kernel

    @operation
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        DirtyLog.read(s, me, want)


def test_a_bit_that_is_never_cleared_is_copied_without_bound():
    """One write, and then sync, collect, read for ever."""
    assert None is worst(record(NeverCleared), 1, 1)


def test_simulation_is_the_same_for_the_same_seed_and_within_the_worst_case():
    """Each of two clients reads a write at most twice."""
    first = expected(program("per-slot-cache"), 1, 2, moves=100, seed=3)
    assert first == expected(program("per-slot-cache"), 1, 2, moves=100, seed=3)
    assert first != expected(program("per-slot-cache"), 1, 2, moves=100, seed=4)
    assert 0 < first.redundant.mean < first.copies.mean < 4


def test_bitmaps_are_those_that_the_design_keeps():
    """Kernel, cache, and two a client; no ghost, no register."""
    assert (4, 6, 3) == tuple(
        bitmaps(program(d), c) for d, c in (("per-slot-cache", 1), ("per-slot-cache", 2), ("naive", 1))
    )


class NoReader(Design):
    """Nothing is read."""

    kernel = Pages("a log")

    @operation
    def write(s, me, page):
        s.kernel |= page


def test_a_design_without_copies_is_refused():
    """There is nothing to count."""
    with pytest.raises(UsageError, match="nothing is copied"):
        redundant_copy(record(NoReader), 1, 1)


def test_the_table_has_a_row_for_each_design_and_says_what_was_counted(capsys):
    """Safe, redundant, in rounds, the worst case and the estimate."""
    assert 0 == command.main(["per-slot-cache", "--clients", "1", "--pages", "1", "--traces"], standalone_mode=False)
    lines = capsys.readouterr().out.splitlines()
    assert "per-slot-cache  1        none          yes   15 moves   never" == lines[1][:61]
    assert "per-slot-cache  1        device        yes   12 moves   14 moves" == lines[2][:64]
    assert "  2 the device stores page 0 (P2)" in lines
    assert "    2 writes, 2 copies, 1 redundant; 1 GET, 2 CLEAR" in lines


def test_a_row_says_how_a_careless_device_loses():
    """In one move, with two clients."""
    assert (1, "careless") == (lambda r: (r.loss, r.source))(row(load("per-slot-cache"), 2, "careless", pages=1))
