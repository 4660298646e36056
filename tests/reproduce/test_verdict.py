"""The sentence is true of what was seen, and so is the exit code."""

import dataclasses
from pathlib import Path

import pytest

from model.errors import UsageError
from model.reproduce import verdict
from model.reproduce.qemu import Qemu
from model.reproduce.run import ABORTED, SAME, STALE, UNFINISHED, Run, Stale
from model.reproduce.scenario import SCENARIOS
from model.reproduce.verdict import NOT_SEEN, SEEN, UNKNOWN, Reproduction, cases_of, find_scenario

OFFSET = SCENARIOS["qemu-rearm-offset"]


def reproduction(runs, controls=(), version=(10, 0, 2), scenario=OFFSET, **more):
    """Outcomes of the case in question and of the control; a number is so many stale pages."""
    made = []
    for control, outcomes in ((False, runs), (True, controls)):
        for number, outcome in enumerate(outcomes, 1):
            stale = tuple(Stale(n, 2, 1) for n in range(outcome)) if isinstance(outcome, int) else ()
            made.append(Run("case", control, number, STALE if stale else outcome, stale, pages=256))
    return Reproduction(scenario, Qemu(Path("qemu"), version, "QEMU"), tuple(made), **more)


@pytest.mark.parametrize(
    ("found", "verdict", "code", "said"),
    [
        (
            reproduction([256, SAME, 160], [SAME, SAME]),
            SEEN,
            1,
            "seen in 2 of 3 runs, 160 to 256 of 256 pages stale; the control lost pages in 0 of 2 runs.",
        ),
        (
            reproduction([SAME, ABORTED], [SAME]),
            SEEN,
            1,
            "seen in 1 of 2 runs, QEMU aborted in 1 run; the control lost pages in 0 of 1 run.",
        ),
        (reproduction([SAME] * 8, [SAME]), NOT_SEEN, 0, "not seen in 8 runs; the control lost pages in 0 of 1 run."),
        (
            reproduction([256, SAME], [3]),
            UNKNOWN,
            3,
            "pages were lost in 1 of 2 runs, 256 of 256 pages stale, but the control lost some too: it need not be "
            "this fault; the control lost pages in 1 of 1 run.",
        ),
        (
            reproduction([SAME], [3]),
            UNKNOWN,
            3,
            "not seen in 1 run, which is no answer; the control lost pages in 1 of 1 run.",
        ),
        (
            reproduction([SAME, UNFINISHED]),
            UNKNOWN,
            3,
            "not seen in 1 run, which is no answer; 1 run without an answer.",
        ),
        (reproduction([UNFINISHED]), UNKNOWN, 3, "no answer; 1 run without an answer."),
        (
            reproduction([SAME], [UNFINISHED]),
            UNKNOWN,
            3,
            "not seen in 1 run, which is no answer; 1 run without an answer.",
        ),
        (reproduction([9, UNFINISHED]), SEEN, 1, "seen in 1 of 1 run, 9 of 256 pages stale; 1 run without an answer."),
        (
            reproduction([SAME], interrupted=True),
            UNKNOWN,
            130,
            "interrupted after 1 run; not seen in 1 run, which is no answer.",
        ),
        (
            reproduction([9], interrupted=True),
            SEEN,
            130,
            "interrupted after 1 run; seen in 1 of 1 run, 9 of 256 pages stale.",
        ),
        (reproduction([], interrupted=True), UNKNOWN, 130, "interrupted after 0 runs; no answer."),
    ],
)
def test_a_verdict_says_what_was_seen_and_no_more(found, verdict, code, said):
    assert (verdict, code) == (found.verdict, found.exit_code)
    assert f"qemu-rearm-offset on QEMU 10.0.2: {said}" == found.sentence


def test_a_version_that_is_too_old_for_the_fault_is_told_since_when_it_is_there():
    """Never that it does not have it: a version is what a QEMU says of itself."""
    since = "QEMU has this fault since 9.0 (03bfc2188f), and qemu-no-rearm before 9.0."
    found = reproduction([SAME] * 8, version=(7, 2, 22))
    assert f"qemu-rearm-offset on QEMU 7.2.22: not seen in 8 runs; {since}" == found.sentence
    assert 0 == found.exit_code


def test_pages_lost_by_a_version_without_the_fault_are_lost_by_another():
    """And never a success: something was lost."""
    found = reproduction([256], version=(7, 2, 22))
    assert (UNKNOWN, 3) == (found.verdict, found.exit_code)
    assert "but QEMU 7.2.22 is not known to have this fault: it need not be this fault" in found.sentence


def test_a_version_that_was_mended_is_told_since_when():
    older = SCENARIOS["qemu-no-rearm"]
    found = reproduction([SAME], scenario=older)
    assert "not seen in 1 run; QEMU has this fault up to 9.0, which mended it (03bfc2188f)." in found.sentence
    assert SEEN == reproduction([1], scenario=older, version=(7, 2, 22)).verdict


def test_a_fault_that_no_release_has_takes_a_qemu_broken_on_purpose():
    own = dataclasses.replace(OFFSET, since=None)
    assert reproduction([SAME], scenario=own).sentence.endswith("it takes a QEMU that was broken on purpose.")
    assert SEEN == reproduction([1], scenario=own).verdict


def test_names_that_do_not_exist_are_refused():
    with pytest.raises(UsageError, match="no scenario 'qemu-rearm-ofset'; did you mean 'qemu-rearm-offset'"):
        find_scenario("qemu-rearm-ofset")
    with pytest.raises(UsageError, match="has no case 'third-block'; it has second-block, uneven-blocks, first-block"):
        cases_of(OFFSET, ["third-block"])
    assert OFFSET.cases[1:2] == cases_of(OFFSET, ["uneven-blocks"])


def test_an_interrupt_ends_the_runs_with_what_was_seen(monkeypatch):
    done = iter([Run("second-block", False, 1, SAME)])

    def interrupted(*_, **__):
        try:
            return next(done)
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr(verdict, "run", interrupted)
    found = verdict.perform(OFFSET, Qemu(Path("qemu"), (10, 0, 2), ""), 3)
    assert (True, 1, 130) == (found.interrupted, len(found.runs), found.exit_code)
