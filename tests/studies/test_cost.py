"""Other sources of dirty pages, redundant copies, and what a design costs."""

import json
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import product
from random import Random

import networkx
import numpy
import pytest

from model import ALL, NONE, Pages, choose, every_client, operation, wait_for
from model.commands.cost import command
from model.designs.catalogue import built_in_properties, load
from model.designs.dirty_log import DirtyLog
from model.engines import explicit
from model.errors import UsageError
from model.expr import Client
from model.instance.instance import Instance
from model.instance.problem import Problem
from model.instance.trace import replayed
from model.program.design import record
from model.studies.comparison import Candidate, beats, contains, front, row
from model.studies.cost import (
    Count,
    bitmaps,
    no_redundant_copy,
    one_sync_a_round,
    redundant_copy,
    tally,
    with_device,
    with_totals,
)
from model.studies.cycle_ratio import greatest_ratio, state_graph, worst
from model.studies.markov import COUNTED, Estimate, Expected, expected, simulated, stationary
from model.verify.judge import Judge
from tests.support.log_only import LogOnly

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
    recorded = program("top-layer", device=True, rounds=True)
    verdict = explicit.search(Problem.of(recorded, no_redundant_copy, pages=2, sizes={"Client": 1}))
    assert "proved" == verdict.word


def test_worst_cases_are_exact_ratios_of_a_cycle():
    """Two copies for a write on any schedule, one in rounds; with a device every second write may be copied twice."""
    assert 2 == worst(program("per-slot-cache"), 1, 1)
    assert 1 == worst(program("per-slot-cache", rounds=True), 1, 1)
    assert Fraction(1, 2) == worst(program("per-slot-cache", device=True, rounds=True), 1, 1, of="redundant")
    assert 0 == worst(program("top-layer", device=True, rounds=True), 1, 1, of="redundant")
    with pytest.raises(UsageError, match="more than 100 states"):
        worst(program("per-slot-cache"), 1, 2, most=100)


def test_the_worst_case_of_a_round_is_one_redundant_copy_with_a_device():
    """A round is one GET: it reports the page that was copied already; without a device it never does, with 1 client.

    What a device marks is copied without any GET, so copies for each round are unbounded.
    """
    device, plain = (program("per-slot-cache", device, rounds=True) for device in (True, False))
    top = program("top-layer", device=True, rounds=True)
    assert (1, 0) == tuple(worst(p, 1, 1, of="redundant", per="gets") for p in (device, plain))
    assert (None, 1) == tuple(worst(p, 1, 1, of="copies", per="gets") for p in (device, plain))
    assert 0 == worst(top, 1, 1, of="redundant", per="gets")


def test_the_worst_case_is_that_of_the_client_for_which_it_is_greatest():
    """With a second client every second write may be copied twice, by either of them."""
    graph = state_graph(program("per-slot-cache", rounds=True), 1, 2)
    assert {-1, 0, 1} == set(graph.client.tolist())
    assert [Fraction(1, 2)] * 2 == [graph._worst_of(c, "redundant", "gets") for c in (0, 1)]
    assert Fraction(1, 2) == graph.worst("redundant", "gets")


def slow_ratio(edges):
    """The greatest ratio, by listing every simple cycle and every choice among parallel edges."""
    graph = networkx.DiGraph((a, b) for a, b, _, _ in edges)
    best = Fraction(0)
    for cycle in networkx.simple_cycles(graph):
        hops = list(zip(cycle, [*cycle[1:], cycle[0]], strict=True))
        choices = [[(g, p) for a, b, g, p in edges if (a, b) == hop] for hop in hops]
        for chosen in product(*choices):
            gained, paid = (sum(c[k] for c in chosen) for k in (0, 1))
            if gained and not paid:
                return None
            best = max(best, Fraction(gained, paid)) if paid else best
    return best


def test_the_greatest_ratio_is_that_of_listing_every_simple_cycle():
    """400 random graphs of up to 6 states, with parallel edges and loops; some are unbounded, some have no cycle."""
    random, seen = Random(7), set()
    for _ in range(400):
        states = random.randint(1, 6)
        edges = sorted(
            {
                (
                    random.randrange(states),
                    random.randrange(states),
                    random.randrange(4),
                    random.choice((0, 1, 1, 2, 3)),
                )
                for _ in range(random.randint(1, 12))
            }
        )
        found = greatest_ratio(*numpy.array(edges, dtype=numpy.int64).T)
        assert slow_ratio(edges) == found, edges
        seen.add(found)
    assert None in seen and Fraction(0) in seen and len(seen) > 20


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
    first = simulated(program("per-slot-cache"), 1, 2, moves=100, seed=3)
    assert first == simulated(program("per-slot-cache"), 1, 2, moves=100, seed=3)
    assert first != simulated(program("per-slot-cache"), 1, 2, moves=100, seed=4)
    assert 0 < first.copies.mean < 4


class Bare(DirtyLog):
    """A client that reads whatever there is, whenever there is something: each operation is one step."""

    collect = None

    @operation
    def write(s, me, page):
        s.mine[every_client] |= page
        s.unread[every_client] |= page

    @operation
    def send(s, me):
        wait_for(~(s.mine[me] <= NONE))
        DirtyLog.read(s, me, ALL)


@pytest.mark.parametrize(("rate", "copies"), [(1.0, Fraction(2, 5)), (0.5, Fraction(3, 5))])
def test_the_exact_average_is_the_one_that_is_counted_by_hand(rate, copies):
    """Idle and clean a, idle and dirty b, at rest and clean c, at rest and dirty d; writes at rate r, the rest at 1.

    r a = c, b = r a + d, (r + 1) c = b, d = r c, and a + b + c + d = 1: at r = 1 b is 2/5, at r = 1/2 it is 3/10.
    Copies are made at rate b, so there are b / r for each write.
    """
    found = stationary(record(Bare), 1, 1, rates=(rate,))[0]
    assert "exact, 4 states" == found.how
    assert (float(copies), 0.0) == pytest.approx((found.copies.mean, found.redundant.mean))


@pytest.mark.parametrize(
    ("rate", "design"),
    [
        (0.1, "per-slot-cache"),
        (0.5, "top-layer"),
        pytest.param(0.1, "top-layer", marks=pytest.mark.slow),
        pytest.param(0.5, "per-slot-cache", marks=pytest.mark.slow),
    ],
)
def test_the_interval_of_the_simulation_covers_the_exact_average(design, rate):
    """Of 10 seeds with 4 numbers each: 38 of 40 in the mean, and at least 33."""
    chain = program(design, device=True)
    exact = stationary(chain, 1, 1, rates=(rate,))[0]
    covered = 0
    for seed in range(10):
        found = simulated(chain, 1, 1, rate=rate, seed=seed)
        pairs = [(getattr(found, name), getattr(exact, name).mean) for name in COUNTED]
        covered += sum(e.low <= mean <= e.high for e, mean in pairs)
    assert 33 <= covered <= 40


def test_what_no_run_shows_is_not_said_to_be_never():
    """Top-layer in rounds makes no redundant copy; 30 runs without one leave room for three in all writes."""
    found = simulated(program("top-layer", rounds=True), 1, 1, moves=100)
    assert 0 == found.redundant.mean < found.redundant.margin
    assert str(found.redundant).startswith("0 ± 0.0")


def test_the_exact_average_is_taken_where_the_chain_is_small():
    """And simulation where it is not; both say so."""
    chain = program("per-slot-cache")
    small, large = (expected(chain, 1, 1, most=most)[0] for most in (1000, 10))
    assert ("exact, 62 states", "30 runs of 1,500 moves") == (small.how, large.how)
    assert large.redundant.margin > 0 == small.redundant.margin
    assert [0.1, 0.5] == [e.rate for e in expected(chain, 1, 1, rates=(0.1, 0.5))]


def test_a_design_with_one_step_less_is_not_charged_for_its_shortness():
    """One client, no device: top-layer and the per-slot cache copy as often, though their steps differ in number."""
    top, cache = (stationary(program(d), 1, 1, rates=(0.5,))[0] for d in ("top-layer", "per-slot-cache"))
    assert top.copies.mean == pytest.approx(cache.copies.mean, rel=0.02)
    assert top.gets.mean == pytest.approx(cache.gets.mean, rel=0.02)


class TwoEnds(DirtyLog):
    """After the first write it is decided for ever whether anybody reads."""

    over = Pages("once set, nobody reads")
    begun = Pages("the decision has been made")

    @operation
    def write(s, me, page):
        wait_for(page <= s.begun)
        s.unread[Client.every] |= page
        s.mine[Client.every] |= page

    @operation
    def decide(s, me, page, never: bool):
        wait_for(~(page <= s.begun))
        s.begun |= page
        s.over |= choose(never, page, NONE)

    sync = None
    collect = None

    @operation
    def send(s, me, want):
        wait_for(want <= s.mine[me])
        wait_for(~(want <= s.over))
        DirtyLog.read(s, me, want)


def test_a_chain_with_two_ends_has_no_one_average():
    """It is simulated: some runs copy and some do not, and the interval is as wide as that."""
    assert [None] == stationary(record(TwoEnds), 1, 1)
    found = expected(record(TwoEnds), 1, 1)[0]
    assert None is found.states
    assert found.copies.margin > 0.05


def test_bitmaps_are_those_that_the_design_keeps():
    """Kernel, cache, and two a client; no ghost, no register."""
    assert (4, 6, 3) == tuple(
        bitmaps(program(d), c) for d, c in (("per-slot-cache", 1), ("per-slot-cache", 2), ("naive", 1))
    )


def test_a_design_without_copies_is_refused():
    """There is nothing to count."""
    with pytest.raises(UsageError, match="nothing is copied"):
        redundant_copy(record(LogOnly), 1, 1)


class NoWriter(DirtyLog):
    """A client that may read, and nobody who writes."""

    write = None
    collect = None

    @operation
    def send(s, me, want):
        DirtyLog.read(s, me, want)


def test_where_nothing_is_written_there_is_no_cost_for_each_write():
    """The chain has no average and no run has a write."""
    with pytest.raises(UsageError, match="no page was written in any simulated run"):
        expected(record(NoWriter), 1, 1)


def ask(*arguments):
    return command.main(list(arguments), standalone_mode=False)


def test_the_table_has_a_row_for_each_design_and_says_what_was_counted(capsys, monkeypatch):
    """Safe, redundant, with one sync a round, the worst case for a write and for a round, the average."""
    monkeypatch.setenv("COLUMNS", "140")
    assert 0 == ask("per-slot-cache", "--clients", "1", "--pages", "1", "--traces", "--writes", "0.1", "--writes", "2")
    lines = capsys.readouterr().out.splitlines()
    assert "per-slot-cache        1  none          yes, up to 1 page  15 moves        never" == lines[2][:79]
    assert "per-slot-cache        1  device        yes, up to 1 page  12 moves        14 moves" == lines[3][:82]
    assert 8 == sum("exact, " in line for line in lines), "two sources, two schedules, two rates"
    worst_case = lines.index("Worst case: copies (redundant) of one client")
    assert lines[worst_case + 3].endswith("2 (3/2)  unbounded (unbounded)  1 (1/2)            unbounded (1)")
    assert "  2 the device: dma.stored page 0 (P2)" in lines
    assert "    2 writes, 2 copies, 1 redundant; 1 GET, 2 CLEAR" in lines


def test_the_table_as_json_and_markdown(tmp_path):
    """The same numbers; fractions are text, an exact mean has no margin."""
    small = ("top-layer", "--clients", "1", "--pages", "1", "--source", "device")
    ask(*small, "--format", "json", "-o", str(tmp_path / "c"))
    found = json.loads((tmp_path / "c").read_text())["rows"]
    assert [("top-layer", 1, "device", True, {"pages": 1, "clients": 1})] == [
        tuple(r[name] for name in ("design", "clients", "source", "safe", "scope")) for r in found
    ]
    assert ("0", "unbounded") == tuple(
        found[0]["worst"]["one_sync"][name] for name in ("redundant_per_round", "copies_per_round")
    )
    assert {"mean": 0.0, "margin": 0} == found[0]["expected"]["one_sync"][0]["redundant"]
    assert 8 == len(found[0]["redundant"]["any"]["steps"])
    ask(*small, "--format", "markdown", "-o", str(tmp_path / "m"))
    assert "| top-layer | 1 | device | yes, up to 1 page | 8 moves | never | 3 | yes |" in (tmp_path / "m").read_text()


def test_a_rate_of_nothing_is_refused():
    """For each write: there would be none."""
    with pytest.raises(Exception, match="0 is not in the range x>0"):
        ask("top-layer", "--writes", "0")


def candidate(name):
    return Candidate(name, load(name))


def test_a_row_says_how_a_careless_device_loses():
    """The promise is broken in one move, with two clients; the write is lost when nothing more is reported."""
    found = row(candidate("per-slot-cache"), 2, "careless", pages=1)
    assert (1, 4, "careless", False) == (len(found.broken), len(found.loss), found.source, found.safe)


def test_a_broken_promise_that_loses_nothing_is_no_loss():
    """No lock with the report in a register: two clients lose nothing."""
    found = row(candidate("no-lock-register"), 2, pages=1)
    assert (True, None, None) == (found.safe, found.loss, found.broken)


def made(name, safe=True, redundant=0.0, margin=0.0, bitmaps=3, clients=1):
    """A row with these numbers and nothing else of interest."""
    averages = (Expected(0.5, *(Estimate(redundant, margin),) * 4, states=None),)
    base = cached_row()
    return replace(
        base,
        design=name,
        clients=clients,
        loss=None if safe else base.redundant,
        expected=averages,
        expected_in_rounds=averages,
        bitmaps=bitmaps,
    )


@cache
def cached_row():
    return row(candidate("top-layer"), 1, pages=1)


def test_which_row_beats_which():
    """Safe beats unsafe; fewer of one and more of none; nothing where intervals overlap or groups differ."""
    cheap, dear = made("cheap", redundant=1), made("dear", redundant=2)
    assert (True, False) == (beats(cheap, dear), beats(dear, cheap))
    assert beats(dear, made("loses", safe=False, redundant=1))
    assert not beats(made("loses", safe=False), dear)
    assert not beats(made("big", redundant=1, bitmaps=4), dear), "one bitmap more"
    assert not beats(made("vague", redundant=1, margin=1.5), dear), "the intervals overlap"
    assert not beats(made("two clients", redundant=1, clients=2), dear)
    assert not beats(dear, made("the same", redundant=2))
    rows = [dear, made("loses", safe=False), cheap, made("small", redundant=3, bitmaps=2)]
    assert ["cheap", "small"] == [r.design for r in front(rows)]


def test_a_design_without_the_device_is_part_of_the_one_with_it():
    """It has its steps and one writer less; it is no part of another design."""
    whole, plain = program("per-slot-cache", device=True), program("per-slot-cache")
    assert (True, False) == (contains(whole, plain), contains(plain, whole))
    assert not contains(program("top-layer-and-cache", device=True), plain)


def test_a_trace_is_told_with_what_it_comes_to():
    """The counts beside a move are those of all moves up to it; the last are those of the trace."""
    trace = redundant_copy(program("top-layer"), 1, 1)
    lines = with_totals(trace)
    assert ("the guest: write page 0 (P1)", Count(writes=1)) == lines[0]
    assert tally(trace) == lines[-1][1]
    assert [0, 0, 0, 0, 0, 1, 1, 1, 2] == [count.copies for _, count in lines]
