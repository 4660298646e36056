"""The smallest changes that make a refuted design safe, and a trace for each smaller set."""

from functools import cache

import pytest

from model import operation, wait_for
from model.commands.repair import command, difference
from model.designs.catalogue import built_in_properties, load
from model.designs.dirty_log import DirtyLog, SlotCache
from model.errors import UsageError
from model.instance.trace import replayed
from model.program.design import record
from model.studies.repair import changes, repairs
from model.verify.judge import Judge

BOTH = [built_in_properties()[name] for name in ("no_lost_write", "promise_kept")]
JUDGE = Judge(BOTH, ((1, 1), (1, 2), (2, 1)))


class FilledNotConsulted(SlotCache):
    """Top-layer with a cache that receives every report and that a clear does not look at.

    Source: xzpeter/qemu, branch kvm-clear-dirty-log-v1, commit ebd1e5c410.
    """

    @operation
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        yield "chosen"
        s.kernel -= want
        yield "cleared"
        DirtyLog.read(s, me, want)
        yield "read"


@cache
def found(design):
    """The design's repairs, searched for once for all tests that look at them."""
    program = record(design if isinstance(design, type) else load(design))
    return repairs(program, JUDGE)


def sets(result):
    return [[c.text for c in r.changes] for r in result.repairs]


@pytest.mark.parametrize(
    ("design", "expected"),
    [
        ("read-before-clear", [["clear: read after forgotten"]]),
        ("cache-not-forgotten", [["clear.cleared: forget in cache what is cleared"]]),
        (
            "no-lock",
            [
                [
                    "sync: hold slots_lock from reported to merged",
                    "clear: hold slots_lock from cleared to forgotten",
                ]
            ],
        ),
        (
            FilledNotConsulted,
            [
                [
                    "clear.cleared: AND the mask with cache",
                    "clear.cleared: forget in cache what is cleared, under slots_lock",
                ]
            ],
        ),
    ],
)
def test_the_smallest_repairs_are_these(design, expected):
    """One change for the order and the cache, two for the lock, two for a cache that nobody consults."""
    assert expected == sets(found(design))


@pytest.mark.parametrize(
    "design",
    ["read-before-clear", pytest.param("no-lock", marks=pytest.mark.slow), FilledNotConsulted],
)
def test_each_repair_is_proved_for_any_number(design):
    """Of pages and of clients, both forms of safety."""
    assert ["proved"] == [JUDGE.proof(r.program, 20.0).word for r in found(design).repairs]


@pytest.mark.parametrize("design", ["read-before-clear", "no-lock", FilledNotConsulted])
def test_every_smaller_set_is_rejected_with_a_trace_of_its_own(design):
    """No change, and where two are needed each change alone; each trace is a run of the program with those changes."""
    result = found(design)
    size = len(result.repairs[0].changes)
    alone = [[c.text] for c in changes(result.program) if c.apply(result.program)] if size > 1 else []
    rejected = [[c.text for c in r.changes] for r in result.rejected]
    assert [] in rejected
    assert [] == [one for one in alone if one not in rejected]
    for each in result.rejected:
        program = result.program
        for change in each.changes:
            program = change.apply(program)
        assert program.digest == each.killing.program.digest
        assert each.killing.trace == replayed(each.killing.trace)


def test_forgetting_outside_the_lock_is_not_enough():
    """Between a report and its merge the cache may not lose a bit."""
    rejected = {tuple(c.text for c in r.changes): r for r in found(FilledNotConsulted).rejected}
    bare = ("clear.cleared: AND the mask with cache", "clear.cleared: forget in cache what is cleared")
    assert bare in rejected


def test_the_difference_is_in_the_words_of_the_steps():
    """Two lines of the lock in the operation that changed."""
    program = record(load("cache-not-forgotten"))
    lines = difference(program, found("cache-not-forgotten").repairs[0].program)
    assert ["  +     cache := cache - (cache & me.want)"] == [x for x in lines if x.strip()[0] in "+-"]


def test_a_safe_design_needs_nothing_and_a_hopeless_one_gets_nothing(capsys):
    """Exit codes 0 and 1."""
    assert 0 == command.main(["per-slot-cache", "--pages", "1", "--timeout", "0.1"], standalone_mode=False)
    assert "per-slot-cache is safe as it is.\n" == capsys.readouterr().out
    assert 1 == command.main(["delivers-nothing", "--pages", "1"], standalone_mode=False)
    assert "no set of up to 2 changes makes it safe" in capsys.readouterr().out
    with pytest.raises(UsageError, match="there is no design 'perslot'"):
        command.main(["perslot"], standalone_mode=False)


def test_a_step_that_can_never_be_taken_is_no_repair():
    """Top-layer that reads first would wait for ever before it clears: safe, because nothing is cleared any more."""
    assert [] == [texts for texts in sets(found("top-layer")) if texts == ["clear: cleared after read"]]
