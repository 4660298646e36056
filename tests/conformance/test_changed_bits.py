"""A changed bit in a bitmap of a real recording: found where it matters, and only there, by a rule written by hand."""

import gzip
import io
import json
from random import Random

import pytest

from model.conformance.conform import held
from model.limits import Limits
from model.monitor.bitmap import parse
from model.monitor.recording import Recording
from tests.support.conformance import explanations
from tests.support.paths import DATA
from tests.support.recordings import bm


def lines_of(file):
    with gzip.open(DATA / "recordings" / f"{file}.jsonl.gz", "rt") as stream:
        return [json.loads(line) for line in stream]


def bits(line):
    """The bitmap as an integer; the slots of these recordings fit one chunk."""
    return parse(line["bm"])[0].chunks.get(0, 0)


def by_hand(lines):
    """The line of the first ioctl that the per-slot cache would not have made, or None.

    Of each log: what is certainly in the kernel's (reported and not cleared since), and what is in the cache.
    """
    logs = {}
    for number, line in enumerate(lines, 1):
        key = line.get("slot")
        if line["t"] == "region":
            if line["flags"] & 1 and line["npages"]:
                logs.setdefault(key, (0, 0))
            else:
                logs.pop(key, None)
        elif line["t"] == "get":
            kernel, _ = logs[key]
            if kernel & ~bits(line):
                return number
            logs[key] = bits(line), bits(line)
        elif line["t"] == "clear":
            kernel, cache = logs[key]
            taken = (bits(line) & ((1 << line["n"]) - 1)) << line["first"]
            if taken & ~cache:
                return number
            logs[key] = kernel & ~taken, cache & ~taken
    return None


def by_conformance(lines):
    stream = io.BytesIO("".join(f"{json.dumps(line)}\n" for line in lines).encode())
    recording = Recording("changed", stream, json.loads(stream.readline()))
    (answer,) = held(recording, [explanations("per-slot-cache")], Limits())
    return answer.offence and answer.offence.at.line


def changed(lines, rng):
    """The lines with one bit of one bitmap changed, of a page that the slot has."""
    at = rng.choice([i for i, line in enumerate(lines) if line["t"] in ("get", "clear")])
    line = lines[at]
    pages = next(x["npages"] for x in reversed(lines[:at]) if x["t"] == "region" and x["slot"] == line["slot"])
    page = rng.randrange(min(line["n"], pages - line["first"]) if line["t"] == "clear" else pages)
    return [*lines[:at], line | {"bm": bm(bits(line) ^ 1 << page)}, *lines[at + 1 :]]


def compare(file, matter, seed):
    """So many changes that matter are found where the hand says, and those that came up between and do not are not."""
    lines, rng, found, passed = lines_of(file), Random(seed), 0, 0
    assert by_hand(lines) is None
    while found < matter:
        other = changed(lines, rng)
        expected = by_hand(other)
        assert expected == by_conformance(other)
        found, passed = found + (expected is not None), passed + (expected is None)
    return passed


def test_a_changed_bit_is_found_where_it_matters():
    assert compare("toy_cache", 4, seed=1) > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "matter", "passed"), [("toy_cache", 100, 10), ("qemu_mig", 50, 0), ("qemu_vga", 50, 7)]
)
def test_200_changed_bits_are_found_where_they_matter(file, matter, passed):
    """So many others came up meanwhile that change nothing that the cache cannot do; none of those is reported."""
    assert passed == compare(file, matter, seed=2)
