"""A migration, steered by its case, with a program that passes for a QEMU."""

import dataclasses
import json
import tempfile
from pathlib import Path

import pytest

from model.reproduce.qemu import BadQemu, find
from model.reproduce.run import ABORTED, SAME, STALE, UNFINISHED, Course, due, run, stale_pages
from model.reproduce.scenario import PAGE, Area, Case, Change
from tests.support.fake_qemu import fake_qemu, logged, pids

CASE = Case("a-case", "two pages", watched=Area(0x200000, 2), changes=(Change(rounds=1, bandwidth=7, stop_also=True),))


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    """Where scratch folders are made; empty again after each test."""
    there = tmp_path / "scratch"
    there.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(there))
    yield there
    assert [] == list(there.iterdir())


def ran(at, behaviour, seconds=10.0, case=CASE):
    found = run(case, find(str(fake_qemu(at, behaviour))), 1, seconds=seconds, aborts="tlb_reset_dirty_range_all")
    assert [] == [pid for pid in pids(at) if Path(f"/proc/{pid}").exists()]
    return found


def commands(at):
    pairs = (line.partition(" ") for line in logged(at) if not line.startswith(("source ", "destination ")))
    return [(name, json.loads(arguments)) for name, _, arguments in pairs]


def test_a_case_is_set_up_migrated_and_changed_on_the_way(tmp_path):
    found = ran(tmp_path, "same")
    assert 2 == len(pids(tmp_path))
    assert (SAME, (), 2, 2) == (found.outcome, found.stale, found.pages, found.rounds)
    assert [
        ("migrate-set-capabilities", {"capabilities": []}),
        ("migrate-set-parameters", {"max-bandwidth": 20 << 20, "downtime-limit": 20}),
        ("migrate", {"uri": "unix:migration"}),
        ("query-migrate", {}),
        ("migrate-set-parameters", {"max-bandwidth": 7}),
        ("query-migrate", {}),
        ("pmemsave", {"val": 0x200000, "size": 2 * PAGE, "filename": "source.memory"}),
    ] == [each for each in commands(tmp_path) if each[0] != "qmp_capabilities"]


def test_a_screen_is_drawn_while_the_migration_runs_or_there_is_no_answer(tmp_path):
    case = dataclasses.replace(CASE, drawn=True)
    assert SAME == ran(tmp_path, "same", case=case).outcome
    assert ("screendump", {"filename": "screen"}) in commands(tmp_path)
    (tmp_path / "log").unlink()
    found = ran(tmp_path, "blind", case=case)
    assert (UNFINISHED, "the source QEMU refuses screendump: screendump is unknown") == (found.outcome, found.said)


def test_pages_that_differ_are_stale(tmp_path):
    found = ran(tmp_path, "stale-2")
    assert (STALE, [(0, 2, 1), (1, 2, 1)]) == (found.outcome, [*map(tuple, found.stale)])


def test_an_assertion_of_qemus_own_is_told_from_any_other_end(tmp_path):
    found = ran(tmp_path, "abort")
    assert (ABORTED, "the source QEMU was ended by SIGABRT: fake: physmem.c:1: tlb_reset_") == (
        found.outcome,
        found.said[:67],
    )
    (tmp_path / "log").unlink()
    found = ran(tmp_path, "crash")
    assert (UNFINISHED, "the source QEMU ended with exit code 3: fake: out of luck") == (found.outcome, found.said)


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ("hang", "did not complete within 0.5 s"),
        ("silent", "did not complete within 0.5 s"),
        ("fail", "the migration failed: the link is down"),
        ("idle", "the guest wrote none of the watched pages"),
        ("refuse", "the source QEMU refuses migrate-set-capabilities: migrate-set-capabilities is unknown"),
    ],
)
def test_a_migration_without_an_answer_says_why(tmp_path, behaviour, said):
    found = ran(tmp_path, behaviour, seconds=0.5 if behaviour in ("hang", "silent") else 10)
    assert (UNFINISHED, said) == (found.outcome, found.said)


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (
            "no-machine",
            "cannot run this scenario: the destination QEMU ended with exit code 1: fake: unsupported machine",
        ),
        ("deaf", "speaks no QMP"),
    ],
)
def test_a_qemu_that_cannot_run_it_is_bad_input(tmp_path, behaviour, said):
    path = fake_qemu(tmp_path, behaviour)
    with pytest.raises(BadQemu) as refused:
        run(CASE, find(str(path)), 1, seconds=10)
    assert said in refused.value.message
    assert [] == [pid for pid in pids(tmp_path) if Path(f"/proc/{pid}").exists()]


def test_a_change_waits_for_its_time_and_its_round():
    course = Course("a run", state={"ram": {"dirty-sync-count": 2}})
    assert [True, False, False] == [
        due(each, course) for each in (Change(rounds=2), Change(rounds=3), Change(seconds=1))
    ]


def test_memories_are_compared_page_by_page():
    zero, one = bytes(PAGE), (5).to_bytes(4, "little").ljust(PAGE, b"\0")
    assert [] == stale_pages(zero + one, zero + one)
    assert [(1, 5, 0)] == stale_pages(zero + one + zero, zero + zero + zero)
    assert [(0, 0, 0)] == stale_pages(zero, zero[:-1] + b"\1")


def test_the_line_on_the_terminal_says_how_far_it_is():
    course = Course("second-block, run 3")
    assert "second-block, run 3: starting" == course.text()
    course.began, course.state = 1.0, {"ram": {"dirty-sync-count": 4, "remaining": 3 << 20}}
    assert course.text().startswith("second-block, run 3: round 4, ")
    assert course.text().endswith(" s, 3.0 MiB to send")
