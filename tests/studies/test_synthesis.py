"""The weakest safe mask, the orders and the lock scopes that are safe: all of them, and a trace for each other one."""

import pytest

from model import ALL, hole, operation, wait_for
from model.commands.synthesize import command
from model.designs.catalogue import built_in_properties, load
from model.designs.dirty_log import DirtyLog, SlotCache
from model.designs.naive import Naive
from model.errors import UsageError
from model.expr import NONE, PAGES, node, show
from model.instance.instance import Instance
from model.instance.trace import replayed
from model.program.design import record
from model.program.holes import filled, formula, inputs_of, opened, table_of, the_hole
from model.studies.discussion_2019 import GetClears
from model.studies.reorder import Arrangement, Arranging, arrange, runs
from model.studies.synthesis import exhaustive, explained, synthesise
from model.verify.judge import Judge, TooLarge, Unsettled
from tests.support.designs import AllOnes

BOTH = [built_in_properties()[name] for name in ("no_lost_write", "promise_kept")]
SMALL = Judge(BOTH, ((1, 1), (1, 2), (2, 1)))


class Holed(SlotCache):
    """The per-slot cache with a hole where its mask is."""

    @operation
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        yield "chosen"
        with s.slots_lock:
            me.known = hole("mask", s.cache, want)
            s.kernel -= me.known
            yield "cleared"
            s.cache -= me.known
            yield "forgotten"
        DirtyLog.read(s, me, want)
        yield "read"


def holed(design, *inputs):
    return opened(record(load(design)), inputs)[0]


def test_a_design_with_a_hole_is_refused_by_name():
    """No engine and no exporter sees one."""
    with pytest.raises(UsageError) as refused:
        Instance(record(Holed), 1)
    assert (
        "holed has a hole, hole('mask', cache, me.want) in clear.cleared, so it is not one design but many; "
        "`clearorder synthesize` finds what may stand there."
    ) == str(refused.value)


def test_every_truth_table_comes_back_from_its_formula():
    """All 256 of three inputs."""
    inputs = [node("var", (name, None), PAGES) for name in "abc"]
    assert list(range(256)) == [table_of(formula(t, inputs), inputs) for t in range(256)]
    assert ("a & b", "b - a", "NONE") == tuple(show(formula(t, inputs[:2])) for t in (0b1000, 0b0100, 0))


def test_a_filled_hole_is_the_design_that_was_opened():
    """The mask that stood there, written as a truth table, gives the same program."""
    program = record(load("top-layer-and-cache"))
    there, mask = opened(program, ["cache", "want"])
    assert program.digest == filled(there, table_of(mask, inputs_of(there))).digest


@pytest.mark.parametrize("design", [load("naive"), AllOnes])
def test_all_ones_is_a_mask_too_although_it_is_folded_away(design):
    """Naive has a hole where it clears, and all ones in it is naive."""
    program = record(design)
    there, mask = opened(program, ["want", "mine"])
    assert (ALL, 15) == (mask, table_of(mask, inputs_of(there)))
    assert program.digest == filled(there, 15).digest
    assert ("clear.cleared",) == the_hole(there).places
    assert record(load("top-layer")).steps[-2].updates == filled(there, 0b1010).steps[-2].updates


def test_the_weakest_safe_mask_of_naive_is_what_the_one_client_owes():
    """The same as for top-layer, which differs in the mask only; with two clients nothing may be cleared."""
    one, two = (Judge(BOTH, scopes) for scopes in (((1, 1), (2, 1)), ((1, 2),)))
    for judge in (one, two):
        found = synthesise(holed("naive", "want", "mine"), judge)
        assert synthesise(holed("top-layer", "want", "mine"), judge).safe == found.safe
        assert 15 not in found.safe and found.killer(15)
    assert ["want | mine[me]"] == [found.hole.text(t) for t in synthesise(holed("naive", "want", "mine"), one).greatest]


class Kept(Naive):
    """A clear that says what stays."""

    @operation
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        s.kernel &= s.user[me]
        yield "cleared"
        DirtyLog.read(s, me, want)
        yield "read"


class ForgetsAll(SlotCache):
    """All ones, and the cache is forgotten in the same step."""

    @operation
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        s.kernel = NONE
        s.cache = NONE
        yield "cleared"
        DirtyLog.read(s, me, want)
        yield "read"


def test_only_the_kernels_log_gets_the_hole():
    """The cache is emptied as before."""
    there, _ = opened(record(ForgetsAll), ["want"])
    step = next(s for s in there.steps if s.label == "clear.cleared")
    assert ["kernel - hole('mask', want)", "NONE"] == [
        show(u.value) for u in step.updates if u.variable in ("kernel", "cache")
    ]


def test_a_sync_that_empties_the_log_is_no_clear():
    """A GET without manual protection."""
    with pytest.raises(UsageError, match="get-clears has no steps in which a client takes a mask away"):
        opened(record(GetClears), ["want"])


def test_a_clear_that_takes_no_mask_away_is_refused_with_what_to_write():
    """What stays is no mask of what goes."""
    with pytest.raises(UsageError) as refused:
        opened(record(Kept), ["want"])
    assert (
        "kept has no steps in which a client takes a mask away from `kernel`; write the hole into the design: "
        's.kernel -= hole("mask", s.cache, s.mine[me], want).'
    ) == str(refused.value)


@pytest.mark.parametrize(
    ("design", "inputs", "scopes", "safe"),
    [
        pytest.param("top-layer-and-cache", ("cache", "want"), SMALL.scopes, 4, marks=pytest.mark.slow),
        pytest.param("per-slot-cache", ("cache", "want"), SMALL.scopes, 4, marks=pytest.mark.slow),  # as below
        ("naive", ("want", "mine"), ((1, 1), (2, 1)), 8),
        ("top-layer", ("mine", "want"), ((1, 1), (2, 1)), 8),
        ("top-layer", ("want", "MIGRATION"), ((1, 2),), 4),
    ],
)
def test_trying_every_mask_gives_the_same_set(design, inputs, scopes, safe):
    """What the traces block and what the intervals accept is exactly what a search of each filling says."""
    judge = Judge(BOTH, scopes)
    found = synthesise(holed(design, *inputs), judge)
    assert (safe, found.safe) == (len(found.safe), exhaustive(holed(design, *inputs), judge))


@pytest.mark.slow
def test_trying_all_256_masks_of_the_per_slot_cache_gives_the_same_set():
    """24 of 256 over the cache, what is wanted and the range."""
    judge = Judge(BOTH, ((1, 2), (2, 1)))
    program = holed("per-slot-cache", "cache", "want", "span")
    found = synthesise(program, judge)
    assert (24, found.safe) == (len(found.safe), exhaustive(program, judge))


def test_the_per_slot_caches_own_mask_is_found_safe_and_not_the_greatest():
    """Cached bits of the range are safe; so is the whole cache, which is greater; all ones is killed by a trace."""
    program, mask = opened(record(load("per-slot-cache")), ("cache", "want", "span"))
    own = table_of(mask, inputs_of(program))
    found = synthesise(program, Judge(BOTH, ((1, 2), (2, 1))))
    assert own in found.safe and own not in found.greatest
    above = [t for t in found.greatest if own | t == t]
    assert ["cache"] == [found.hole.text(t, explained(found, 0.01).unseen[t]) for t in above]
    killing = found.killer((1 << 8) - 1)
    assert killing.trace == replayed(killing.trace)
    assert filled(program, (1 << 8) - 1).digest == killing.program.digest


def test_every_mask_that_is_not_safe_is_killed_by_a_trace_of_its_own():
    """The trace is a run of the design with that very mask, and ends in a violation."""
    program = holed("top-layer-and-cache", "cache", "want")
    found = synthesise(program, SMALL)
    killed = [t for t in range(16) if t not in found.safe]
    for table in killed:
        killing = found.killer(table)
        assert filled(program, table).digest == killing.program.digest
        assert killing.trace == replayed(killing.trace)
    assert 12 == len(killed)


def test_the_greatest_safe_mask_is_the_cache_for_any_number():
    """Clear every bit of the cache, wanted or not; clearing only what is not wanted loses a write."""
    judge = Judge(BOTH, ((1, 1), (1, 2), (2, 1)))
    found = explained(synthesise(record(Holed), judge), 15.0)
    texts = {found.hole.text(t, found.unseen[t]): found.proofs[t].word for t in found.greatest}
    assert {"cache": "proved", "NONE": "proved"} == {k: v for k, v in texts.items() if k in ("cache", "NONE")}
    assert "refuted" not in texts.values()
    assert None is not found.killer(0b0010), "the cache without what is wanted"
    assert {0b1000, 0b1010} <= found.safe


def test_a_limit_is_no_verdict():
    """Nothing is said of any mask where a search did not end."""
    from model.limits import Limits

    with pytest.raises(Unsettled) as stopped:
        synthesise(record(Holed), Judge(BOTH, ((1, 2),), Limits(states=100)))
    assert 3 == stopped.value.exit_code


def exit_of(*arguments):
    return command.main(list(arguments), standalone_mode=False)


def test_exit_codes_and_messages(capsys):
    """No hole 2, no safe filling 1, too many fillings 3, else 0."""
    with pytest.raises(UsageError, match="per-slot-cache has no hole") as none:
        exit_of("per-slot-cache")
    with pytest.raises(TooLarge, match="5 inputs, so there are 2\\^32 fillings") as large:
        exit_of("per-slot-cache", "--mask", "cache,want,span,mine,user")
    assert (2, 3) == (none.value.exit_code, large.value.exit_code)
    assert 1 == exit_of("delivers-nothing", "--mask", "want", "--pages", "1")
    assert "0 of 4 fillings are safe" in capsys.readouterr().out
    assert 0 == exit_of("top-layer", "--mask", "want", "--clients", "1", "--timeout", "1")
    assert "the design's own: want: safe, and no greater one is" in capsys.readouterr().out


def test_a_lock_may_be_released_between_clearing_and_forgetting_but_both_need_it():
    """Per-slot cache: 6 of the 13 ways to lock three lines are safe."""
    found = arrange(Arranging(record(load("per-slot-cache")), "clear"), SMALL, locks=True)
    assert (6, 7) == (len(found.safe), len(found.killed))
    assert ["[cleared], [forgotten], read"] == [str(a) for a in found.least]
    verdicts = {what: one in found.safe for what, one in found.releases()}
    assert {"between cleared and forgotten": True, "during cleared": False, "during forgotten": False} == verdicts


def test_which_lines_may_be_swapped():
    """Reading before the bit is forgotten loses a write; forgetting needs what clearing kept."""
    found = arrange(Arranging(record(load("per-slot-cache")), "clear"), SMALL, order=True)
    swaps = dict(found.swaps())
    assert Arrangement(("cleared", "read", "forgotten"), ((0, 0), (2, 2))) == swaps["forgotten and read"]
    assert swaps["forgotten and read"] in found.killed
    assert swaps["cleared and forgotten"] in found.senseless


def test_more_of_the_lock_is_never_worse():
    """What `arrange` concludes without a search is what a search of each arrangement says."""
    arranging = Arranging(record(load("top-layer-and-cache")), "sync")
    found = arrange(arranging, SMALL, order=True, locks=True)
    ways = arranging.arrangements(order=True, locks=True)
    programs = {a: arranging.program_of(a) for a in ways}
    assert {a for a, p in programs.items() if p and SMALL.killing(p) is None} == set(found.safe)
    assert 10 == len(ways)


def test_there_are_as_many_scopes_as_every_second_fibonacci_number():
    """1, 2, 5, 13, 34 for 0 to 4 lines."""
    assert [1, 2, 5, 13, 34] == [len(list(runs(n))) for n in range(5)]


def test_a_hole_is_shown_as_it_is_written():
    """In a digest, in an error, in --show."""
    found = the_hole(record(Holed))
    assert (("cache", "me.want"), ("clear.cleared",)) == (
        found.inputs,
        found.places,
    )
    assert "cache, not me.want" == found.row(1)
    assert NONE is formula(0, [])
