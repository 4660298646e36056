"""A limit of memory is kept by writing states out, and changes no count; a full disk is said in one sentence."""

import errno
import os
import signal
import subprocess
import sys
import tempfile
from time import sleep

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.engines import explicit
from model.engines.packed import native, sweep
from model.engines.packed import search as lanes
from model.engines.store import spill
from model.engines.store.bitset import Visited
from model.errors import UsageError
from model.limits import Limits
from model.verdict import UNDETERMINED, Undetermined, exit_code
from tests.support.clear_k import ClearK, ClearKTopLayer, promise
from tests.support.packed import answer, question
from tests.support.paths import ROOT


@pytest.fixture
def room(monkeypatch, tmp_path):
    """`room(n)`: a search with a limit of memory has n bytes for its states, and writes to an empty directory."""

    def so_much(size):
        monkeypatch.setattr(sweep, "room_within", lambda memory, threads: size)
        monkeypatch.setattr(sweep, "LEAST", 0)
        monkeypatch.setattr(spill, "LEAST", size)
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        return tmp_path

    return so_much


KERNELS = ["numpy", *(["c"] if native.compiler() else [])]


@pytest.fixture
def filings(monkeypatch):
    """How often states were written out."""
    counted, file = [], spill.Spilling._file
    monkeypatch.setattr(spill.Spilling, "_file", lambda self: counted.append(1) or file(self))
    return counted


@pytest.mark.parametrize("size", [20_000, 60_000, 110_000])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("kernel", KERNELS)
def test_states_that_are_written_out_are_counted_as_those_in_memory(size, threads, kernel, room, filings, monkeypatch):
    """104,672 states; the directory is gone afterwards."""
    monkeypatch.setattr(sweep, "CHUNK", 500)
    folder = room(size)
    found = lanes.search(question(ClearK, promise, 2, 3), Limits(memory=1), threads=threads, kernel=kernel)
    assert ("proved", 104_672, 636_740) == (found.word, found.states, found.transitions)
    assert filings
    assert [] == list(folder.iterdir())


@pytest.mark.parametrize(
    ("design", "word_bits", "size"),
    [
        ("top-layer", 64, 8_000),
        ("top-layer", 8, 15_000),
        ("no-lock-register", 64, 30_000),
        ("no-lock-register", 8, 40_000),
        ("per-slot-cache", 64, 180_000),
        ("per-slot-cache", 8, 90_000),
    ],
)
@pytest.mark.parametrize("kernel", KERNELS)
def test_the_answer_is_the_references_whether_states_are_one_word_or_several(
    design, word_bits, size, kernel, room, filings
):
    """The sizes are a third to two thirds of what the whole set takes."""
    asked = question(design, "no_lost_write", 1, 2)
    room(size)
    actual = lanes.search(asked, Limits(memory=1), word_bits=word_bits, kernel=kernel)
    assert answer(explicit.search(asked)) == answer(actual)
    assert filings


def test_a_refutation_is_found_among_states_that_were_written_out(room, filings):
    room(60_000)
    asked = question(ClearKTopLayer, promise, 2, 3)
    assert answer(explicit.search(asked)) == answer(lanes.search(asked, Limits(memory=1)))
    assert filings


def test_a_limit_of_states_is_exact_when_states_are_written_out(room, filings):
    room(60_000)
    found = lanes.search(question(ClearK, promise, 2, 3), Limits(memory=1, states=104_671), threads=1)
    assert ("the limit of 104,671 states was reached", 104_672) == (found.reason, found.states)
    assert filings


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, (1 << 17) - 1), st.integers(0, 31)), max_size=60), max_size=6))
def test_the_set_that_writes_out_is_a_set(batches):
    """Against Python's own, with an early writing out; sorted at every turn."""
    made, known = spill.Spilling([17, 5], 3, 3, room=60_000), set()
    try:
        for batch in batches:
            made.add(tuple(np.array([s[word] for s in batch], dtype=np.uint64) for word in (0, 1)))
            assert len(set(batch) - known) == made.fresh()
            frontier = made.turn()
            turned = [tuple(s) for s in frontier[:, 0 : frontier.shape[1]].T.tolist()]
            assert sorted(set(batch) - known, key=lambda s: (s[1], s[0])) == turned
            known |= set(batch)
    finally:
        made.close()


def test_what_is_full_takes_no_more_memory():
    """`room` is never exceeded, and the states that it refused can be added elsewhere."""
    made = Visited([40], room=4_500_000)
    with pytest.raises(spill.Full):
        for i in range(1000):
            made.add((np.array([i << 12], dtype=np.uint64),))
            assert made.taken <= 4_500_000


# ---------------------------------------------------------------- no room


def test_a_full_disk_leaves_it_undetermined_with_one_sentence_and_nothing_behind(room, monkeypatch):
    """The first write fails as it does on a full disk."""

    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    folder = room(60_000)
    monkeypatch.setattr(spill.os, "pwrite", full)
    found = lanes.search(question(ClearK, promise, 2, 3), Limits(memory=1))
    assert isinstance(found, Undetermined)
    sentence = f"the states that do not fit into memory cannot be written to {folder}: No space left on device"
    assert sentence == found.reason
    assert UNDETERMINED == exit_code([found])
    assert [] == list(folder.iterdir())


def test_a_file_that_may_not_grow_stops_a_real_run_with_exit_code_3(tmp_path):
    """The operating system refuses the write; stderr has no traceback, and nothing is left."""
    script = """if 1:
        import resource, signal, sys
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
        from model.check.command import command
        from model.cli.app import run
        from model.engines.packed import sweep
        sweep.LEAST = 0
        sweep.room_within = lambda memory, threads: 5_000_000
        sys.argv = ["check", "per-slot-cache", "--property", "promise_kept", "--engine", "lanes", "--memory", "400M"]
        run(command, "check")
    """
    done = subprocess.run(
        [sys.executable, "-B", "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path), "COLUMNS": "400"},
        cwd=ROOT,
    )
    assert (3, "") == (done.returncode, done.stderr)
    assert "cannot be written to" in done.stdout
    assert [] == list(tmp_path.iterdir())


def test_a_directory_that_is_not_there_is_said_in_the_same_sentence(room, monkeypatch):
    folder = room(60_000)
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "missing"))
    found = lanes.search(question(ClearK, promise, 2, 3), Limits(memory=1))
    assert (
        f"the states that do not fit into memory cannot be written to {folder / 'missing'}: No such file or directory"
    ) == found.reason


SPILLING = """if 1:
    import sys
    from model.check.command import command
    from model.cli.app import run
    from model.engines.packed import sweep
    from model.engines.store import spill
    file = spill.Spilling._file
    spill.Spilling._file = lambda self: file(self) or print("written", file=sys.stderr, flush=True)
    sweep.LEAST = 0
    sweep.room_within = lambda memory, threads: 5_000_000
    question = ["per-slot-cache", "--property", "promise_kept", "--pages", "3", "--engine", "lanes"]
    sys.argv = ["check", *question, "--memory", "400M"]
    run(command, "check")
"""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_a_run_that_writes_states_out_leaves_nothing_behind_whatever_ends_it(number, code, tmp_path):
    """SIGTERM is what Ctrl-C is, down to what was covered; against SIGKILL the files have no names."""
    process = subprocess.Popen(
        [sys.executable, "-c", SPILLING],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path), "COLUMNS": "400"},
        cwd=ROOT,
    )
    assert "written\n" == process.stderr.readline()
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert code == process.returncode
    assert [] == list(tmp_path.iterdir())
    if number != signal.SIGKILL:
        assert "interrupted\n      lanes: " in out
        assert "error: interrupted; what was covered so far is above." == err.splitlines()[-1]


def test_sigterm_ends_a_run_that_was_started_in_the_background():
    """A shell lets its jobs with `&` ignore Ctrl-C, and so does the run."""
    line = f"{sys.executable} -m model.check per-slot-cache --clients 3 --engine explicit & sleep 2; kill -INT $!; "
    line += "sleep 1; kill $!; wait $!"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert (143, "error: interrupted; what was covered so far is above.\n") == (done.returncode, done.stderr)
    assert "interrupted" in done.stdout


def test_sigterm_is_heard_while_z3_is_thinking():
    """Python itself would hear it when z3 is done; it is asked for the factors of a product of two large primes."""
    script = """if 1:
        import sys, z3
        from model.check.command import command
        from model.cli.app import run
        a, b, hard, ask = *z3.BitVecs("a b", 96), z3.Solver(), z3.Solver.check
        hard.add(a * b == 281474976710597 * 140737488355213, z3.ULT(a, 1 << 48), z3.ULT(b, 1 << 48))
        z3.Solver.check = lambda self, *more: print("asked", file=sys.stderr, flush=True) or ask(hard)
        sys.argv = "check per-slot-cache --engine bounded --property no_lost_write".split()
        run(command, "check")
    """
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert "asked\n" == process.stderr.readline()
    sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    try:
        out, err = process.communicate(timeout=10)
    finally:
        process.kill()
    assert (143, "error: interrupted; what was covered so far is above.") == (process.returncode, err.splitlines()[-1])
    assert "interrupted" in out


def test_too_little_memory_to_start_is_refused():
    with pytest.raises(UsageError, match="^a limit of memory is at least \\d+ MB here, of which the states get little"):
        lanes.search(question("naive", "promise_kept", 1, 1), Limits(memory=1 << 20))


@pytest.mark.slow
def test_84_million_states_fit_into_512_megabytes():
    """top-layer-and-cache at 3 pages and 2 clients; measured as the most memory that the process ever had."""
    script = """if 1:
        import resource
        from model.engines.packed import sweep
        from model.limits import Limits
        from tests.support.packed import question
        found = lanes.search(question("top-layer-and-cache", "promise_kept", 3, 2), Limits(memory=512 << 20))
        print(found.word, found.states, found.depth, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss <= 512 << 10)
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert "proved 84172763 50 True\n" == done.stdout
