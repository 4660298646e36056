"""A recording of a million ioctls, and recordings of a real QEMU made here."""

import random
import resource
import subprocess
import sys

import pytest

from model.monitor.watch import check
from tests.support.mask_of_ones import migrated
from tests.support.paths import ROOT
from tests.support.qemu import needs_qemu
from tests.support.recorder import needs_ptrace
from tests.support.recordings import INITIALLY_SET, Lines

WORDS, EVERY = 128, 40  # words of the slot, and of how many ioctls one is a GET


def honest(count, seed=1):
    """So many ioctls of a VMM with a cache, in chunks of 64 pages, on a kernel that keeps a log, as lines."""
    rng, lines = random.Random(seed), Lines(64 * WORDS, INITIALLY_SET)
    kernel, cache = [(1 << 64) - 1] * WORDS, [0] * WORDS
    yield from lines.lines
    for number in range(count):
        lines.lines.clear()
        if number % EVERY == 0:
            for page in rng.sample(range(64 * WORDS), 60):
                kernel[page // 64] |= 1 << page % 64
            cache = list(kernel)
            lines.get(sum(word << 64 * i for i, word in enumerate(kernel)))
        else:
            chunk = rng.randrange(WORDS)
            lines.clear(cache[chunk], first=64 * chunk, count=64)
            kernel[chunk] &= ~cache[chunk]
            cache[chunk] = 0
        yield lines.lines[0]


def conform(file):
    """The command in a process of its own: what it says, its CPU seconds and its memory in MB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    argv = [sys.executable, "-m", "model", "conform", str(file), "--design", "per-slot-cache"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done, used.ru_utime - before, used.ru_maxrss >> 10


def written(at, count):
    file = at / "run.jsonl"
    with file.open("w") as out:
        out.writelines(f"{line}\n" for line in honest(count))
    return file


@pytest.mark.slow
def test_a_million_ioctls_take_less_than_a_minute_and_no_memory(tmp_path):
    """31 to 43 s of CPU on a machine that others use, 34 MB."""
    done, seconds, megabytes = conform(written(tmp_path, 1_000_000))
    assert (0, True) == (done.returncode, "25,000 GETs, 975,000 CLEARs" in done.stdout)
    assert seconds < 60
    assert megabytes < 500


@pytest.mark.slow
@needs_qemu
@needs_ptrace
@pytest.mark.parametrize(("mask", "code"), [("ones", 1), ("as it is", 0)])
def test_a_real_qemu_conforms_unless_its_masks_are_all_ones(tmp_path, mask, code):
    """The first ioctl that nothing explains is the first blind CLEAR."""
    _, file = migrated(tmp_path, mask)
    done, _, _ = conform(file)
    blind = check(str(file)).listed
    assert (code, bool(code)) == (done.returncode, bool(blind))
    assert not blind or f"line {blind[0].clear.line} is the first that no state explains" in done.stdout
