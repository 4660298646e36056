"""What eventually holds once nobody writes any more, under fairness, and lassos where it does not."""

from dataclasses import replace

import pytest

from model import Pages, every_client, operation, wait_for
from model.costing import with_device
from model.design import Design, record
from model.designs.catalogue import built_in_designs, built_in_properties, load
from model.designs.dirty_log import DirtyLog
from model.errors import UsageError
from model.instance import Instance
from model.lasso import GOALS, Fairness, TooManyStates, checked, drained, lasso, read
from model.liveness import command
from model.synthesis import Judge

LOSS = Judge([built_in_properties()["no_lost_write"]], ((1, 2),))


def run_of(design, goal, clients=2, pages=1, **fairness):
    program = record(load(design) if isinstance(design, str) else design)
    return lasso(Instance(program, pages, {"Client": clients}), GOALS[goal](program), Fairness(**fairness))


@pytest.mark.parametrize("design", built_in_designs())
def test_every_write_is_read_in_the_end_exactly_where_no_write_is_lost(design):
    """The safety verdict of another engine, for one page and two clients, decides the liveness verdict too."""
    assert (LOSS.killing(record(load(design))) is None) == (run_of(design, "every_write_is_read") is None)


@pytest.mark.parametrize("design", ["per-slot-cache", "top-layer-and-cache"])
def test_the_bitmaps_of_the_safe_designs_drain(design):
    """With a device too."""
    assert run_of(design, "bitmaps_drain") is None
    assert run_of(with_device(load(design)), "bitmaps_drain") is None


def test_top_layer_drains_with_one_client_and_two_pages():
    """It is safe there."""
    assert run_of("top-layer", "bitmaps_drain", clients=1, pages=2) is None


class NeverForgets(DirtyLog):
    """A cache whose bits are never cleared: what was reported once is reported for ever."""

    cache = Pages("everything that was ever reported")

    @operation
    def sync(s, me):
        s.cache |= s.kernel
        s.user[every_client] |= s.cache | s.kernel

    @operation
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        s.kernel -= want
        DirtyLog.read(s, me, want)


def test_a_cache_that_is_never_cleared_never_drains():
    """One client: every write is read, and the bitmaps are filled again for ever."""
    assert run_of(NeverForgets, "every_write_is_read", clients=1) is None
    found = run_of(NeverForgets, "bitmaps_drain", clients=1)
    assert {"sync", "collect", "clear"} == {m.ground.step.operation for m in found.loop}


def test_a_client_that_never_collects_is_a_lasso():
    """Fairness of collecting is needed, and so is that of syncing and clearing."""
    for operation_name in ("collect", "sync", "clear"):
        found = run_of("per-slot-cache", "every_write_is_read", but={operation_name: "none"})
        assert found.rounds[0] == found.rounds[-1]


def test_the_lock_must_be_fair():
    """With weak fairness one client may find the lock taken whenever it looks."""
    found = run_of("per-slot-cache", "every_write_is_read", kind="weak")
    assert "sync.reported" in {m.ground.step.label for m in found.loop}
    assert run_of("per-slot-cache", "every_write_is_read", kind="strong") is None


def test_without_fairness_nothing_is_read():
    """The shortest loop: one client collects, and finds nothing, for ever."""
    found = run_of("per-slot-cache", "every_write_is_read", kind="none")
    assert ["collect"] == [m.ground.step.operation for m in found.loop]


def test_a_lasso_is_judged_anew():
    """A loop that is not closed, one that is unfair, one inside the goal: each is caught."""
    program = record(load("delivers-nothing"))
    instance = Instance(program, 1, {"Client": 2})
    found = lasso(instance, read(program), Fairness())
    assert found == checked(found, read(program), Fairness())
    with pytest.raises(AssertionError, match="ends where it begins"):
        checked(replace(found, states=(*found.states, instance.initial)), read(program), Fairness())
    with pytest.raises(AssertionError, match="leaves the goal"):
        checked(found, lambda i, s: True, Fairness())
    alone = lasso(instance, read(program), Fairness("none"))
    with pytest.raises(AssertionError, match="the loop is unfair to"):
        checked(alone, read(program), Fairness())


class Stuck(DirtyLog):
    """Nobody can do anything once a page was written."""

    collect = None

    @operation
    def sync(s, me):
        wait_for(~s.kernel <= ~s.kernel)
        wait_for(s.unread[me] <= s.unread[me] - s.kernel)
        s.user[me] |= s.kernel


def test_where_nothing_can_happen_the_run_has_no_loop():
    """The write is never read."""
    found = run_of(Stuck, "every_write_is_read", clients=1)
    assert (["write"], ()) == ([m.ground.step.label for m in found.stem], found.loop)


class Wordless(Design):
    """It does not say what is unread."""

    kernel = Pages("a log")

    @operation
    def write(s, me, page):
        s.kernel |= page


def test_what_is_not_understood_is_refused():
    """No `unread`; too many states."""
    program = record(Wordless)
    with pytest.raises(UsageError, match="has no `unread`"):
        lasso(Instance(program, 1), drained(program), Fairness())
    program = record(load("per-slot-cache"))
    with pytest.raises(TooManyStates, match="more than 200,000 states"):
        lasso(Instance(program, 3, {"Client": 2}), drained(program), Fairness())


def test_the_command_tells_stem_and_loop(capsys):
    """Exit codes 0, 1 and 2."""
    assert 0 == command.main(["per-slot-cache"], standalone_mode=False)
    assert "per-slot-cache  bitmaps_drain  proved  1 page, 2 clients" in capsys.readouterr().out
    assert 1 == command.main(["delivers-nothing", "--clients", "1"], standalone_mode=False)
    assert "    nobody writes from here on, and the rest repeats for ever:\n" in capsys.readouterr().out
    with pytest.raises(UsageError, match="write collect=strong, collect=weak or collect=none"):
        command.main(["naive", "--but", "collect=never"], standalone_mode=False)
