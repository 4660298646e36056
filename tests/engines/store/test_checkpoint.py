"""A run that was killed goes on where its checkpoint is and counts as if nothing had happened."""

import os
import signal
import subprocess
import sys
from time import monotonic, sleep

import pytest

from model.engines import explicit
from model.engines.packed import search as lanes
from model.engines.packed import sweep
from model.engines.store import checkpoint
from model.errors import UsageError
from model.limits import Limits
from model.verdict import INTERRUPTED, Undetermined, exit_code
from tests.support.clear_k import ClearK, ClearKTopLayer, promise
from tests.support.command import check
from tests.support.packed import answer, question
from tests.support.paths import ROOT


@pytest.fixture
def always(monkeypatch):
    """Every level is saved."""
    monkeypatch.setattr(checkpoint, "EVERY", -1e9)


@pytest.mark.parametrize("reductions", [(), ("symmetry",)])
@pytest.mark.parametrize("design", [ClearK, ClearKTopLayer])
def test_a_search_stopped_at_any_depth_goes_on_to_the_same_answer(design, reductions, tmp_path):
    """A few levels at a time; the file is gone when there is a verdict."""
    asked, file = question(design, promise, 2, 2), tmp_path / "saved"
    expected = answer(lanes.search(asked, reductions=reductions))
    for depth in (1, 3, 4, 7):
        found = lanes.search(asked, Limits(depth=depth), checkpoint=file, reductions=reductions)
        assert isinstance(found, Undetermined)
        assert f"{file} goes on from depth {depth}" in found.reason
    assert expected == answer(lanes.search(asked, checkpoint=file, reductions=reductions))
    assert [] == list(tmp_path.iterdir())


def test_an_interrupt_within_a_level_goes_on_from_its_beginning(monkeypatch, tmp_path):
    """What the level had led to already is not taken for visited."""
    monkeypatch.setattr(sweep, "CHUNK", 50)
    asked, file, calls = question(ClearK, promise, 2, 2), tmp_path / "saved", []

    def interrupt():
        calls.append(1)
        if len(calls) == 60:
            raise KeyboardInterrupt
        return ""

    stopped = lanes.search(asked, Limits(cancelled=interrupt), checkpoint=file)
    assert INTERRUPTED == exit_code([stopped])
    assert answer(explicit.search(asked)) == answer(lanes.search(asked, checkpoint=file))


@pytest.mark.parametrize("rooms", [(None, 60_000), (60_000, None), (60_000, 60_000), (60_000, 20_000)])
def test_a_checkpoint_is_taken_up_with_more_memory_or_less(rooms, monkeypatch, tmp_path):
    """Whether the states were in memory or written out, before and after."""
    asked, file = question(ClearK, promise, 2, 3), tmp_path / "saved"
    monkeypatch.setattr(sweep, "LEAST", 0)
    monkeypatch.setattr("model.engines.store.spill.LEAST", 20_000)

    def within(room, **more):
        monkeypatch.setattr(sweep, "room_within", lambda memory, threads: room)
        return lanes.search(asked, Limits(memory=room and 1, **more), checkpoint=file)

    assert isinstance(within(rooms[0], depth=16), Undetermined)
    found = within(rooms[1])
    assert ("proved", 104_672, 636_740) == (found.word, found.states, found.transitions)


def test_a_run_killed_with_sigkill_goes_on_to_the_same_counts(tmp_path):
    """7,465,700 states, killed some levels before the end; the file that is left is whole."""
    file = tmp_path / "saved"
    script = f"""if 1:
        from pathlib import Path
        from model.engines.packed import search as lanes
        from model.engines.store import checkpoint
        from tests.support.clear_k import ClearK, promise
        from tests.support.packed import question
        checkpoint.EVERY = -1e9
        lanes.search(question(ClearK, promise, 3, 3), checkpoint=Path({str(file)!r}))
    """
    run = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT)
    give_up = monotonic() + 60
    while (not file.exists() or file.stat().st_size < 1_000_000) and run.poll() is None and monotonic() < give_up:
        sleep(0.01)
    os.kill(run.pid, signal.SIGKILL)
    assert -signal.SIGKILL == run.wait()
    began = []
    found = lanes.search(question(ClearK, promise, 3, 3), Limits(report=began.append), checkpoint=file)
    assert began[0].depth > 5
    assert ("proved", 7_465_700, 54_635_192, 35) == (found.word, found.states, found.transitions, found.depth)


def test_the_checkpoint_of_another_search_is_refused(tmp_path):
    """Another size, another design, another property, other options."""
    file = tmp_path / "saved"
    lanes.search(question("top-layer", "promise_kept", 2, 1), Limits(depth=4), checkpoint=file)
    for other in (
        ("top-layer", "promise_kept", 1, 2),
        ("naive", "promise_kept", 2, 1),
        ("top-layer", "no_lost_write", 2, 1),
    ):
        with pytest.raises(UsageError, match="is the checkpoint of another search"):
            lanes.search(question(*other), checkpoint=file)
    with pytest.raises(UsageError, match="is the checkpoint of another search"):
        lanes.search(question("top-layer", "promise_kept", 2, 1), checkpoint=file, reductions=["symmetry"])
    assert "proved" == lanes.search(question("top-layer", "promise_kept", 2, 1), checkpoint=file).word


@pytest.mark.parametrize("text", ["", "hello\n", "{}\n", "[1]\n", '{"what": "clearorder checkpoint 1"}\n', "\x00" * 50])
def test_a_file_that_is_no_checkpoint_is_refused_and_left_alone(text, tmp_path):
    file = tmp_path / "saved"
    file.write_text(text)
    with pytest.raises(UsageError, match="is not a checkpoint of ours; name another file\\.$"):
        lanes.search(question("top-layer", "promise_kept", 2, 1), checkpoint=file)
    assert text == file.read_text()


@pytest.mark.parametrize("damage", [lambda b: b[:-8], lambda b: b[:-520], lambda b: b[:-100] + b"\xff" + b[-99:]])
def test_a_damaged_checkpoint_is_refused(damage, tmp_path):
    """Cut off, a whole block missing, a byte changed: the states seen would be others, and the verdict wrong."""
    file = tmp_path / "saved"
    lanes.search(question("top-layer", "promise_kept", 2, 1), Limits(depth=4), checkpoint=file)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(UsageError, match="is not a whole checkpoint; remove it to begin anew\\.$"):
        lanes.search(question("top-layer", "promise_kept", 2, 1), checkpoint=file)


def test_a_checkpoint_that_cannot_be_written_stops_the_search_with_its_reason(always, tmp_path):
    found = lanes.search(question("top-layer", "promise_kept", 2, 1), checkpoint=tmp_path / "missing" / "saved")
    assert f"the checkpoint {tmp_path}/missing/saved cannot be written: No such file or directory" == found.reason


def test_the_command_saves_and_goes_on(tmp_path):
    """Exit code 3 when it is stopped, 0 when it has gone on to the end."""
    command = [sys.executable, "-m", "model.check", "per-slot-cache", "--property", "promise_kept", "--engine", "lanes"]
    command += ["--pages", "1", "--checkpoint", str(tmp_path / "saved"), "--symmetry", "--memory", "1G"]
    how = {"capture_output": True, "text": True, "cwd": ROOT}  # of its own: the limit is of the whole process
    stopped = subprocess.run([*command, "--max-states", "500"], **how)
    assert (3, "") == (stopped.returncode, stopped.stderr)
    assert (tmp_path / "saved").exists()
    done = subprocess.run(command, **how)
    assert (0, "") == (done.returncode, done.stderr)
    assert "counted from orbits: clients 0 and 1 alike" in " ".join(done.stdout.split())
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("size", ["512", "many", "-1M", "M"])
def test_a_size_that_is_none_is_refused(size):
    done = check("naive", "--memory", size)
    assert 2 == done.returncode
    assert "write a number and K, M or G, such as 512M" in done.stderr


def test_a_property_of_several_searches_has_no_checkpoint(tmp_path):
    """One file holds one search."""
    file = tmp_path / "saved"
    done = check("naive", "--property", "every_step_fires", "--checkpoint", file)
    expected = "error: --checkpoint saves one search, and every_step_fires is one for each thing to happen.\n"
    assert (2, expected) == (done.returncode, done.stderr)
    assert not file.exists()
