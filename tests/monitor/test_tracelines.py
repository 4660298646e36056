"""Texts of traces: real ones of one run of QEMU 7.2 (ftrace and -trace together), hand-written and damaged ones."""

import gzip
import io
import random
from unittest import mock

import pytest

from model.monitor.judgement import Findings
from model.monitor.recording import Recording, opened
from model.monitor.tracelines import LONGEST
from model.monitor.watch import check, judged
from tests.support.command import clearorder
from tests.support.paths import DATA

TRACES = DATA / "traces"
HEAD = "# tracer: nop\n#\n"
# As trace-cmd report prints it; the second with the result that Linux 5.11 to 5.13 had.
REPORT = """cpus=2
CPU 0 is empty
       CPU 0/KVM-29003 [001] 184503.384331: kvm_exit:             reason EPT_VIOLATION rip 0x40359f info 582 0
       CPU 0/KVM-29003 [001] 184503.384332: kvm_dirty_ring_push:  ring 1: dirty 0x37f reset 0x1c0 slot 1 offset 0x37e (used 447)
       CPU 0/KVM-29003 [001] 184503.384333: kvm_dirty_ring_push:  ring 1: dirty 0x380 reset 0x1c0 slot 1 offset 0x3f ret 0 (used 448)
            qemu-29001 [000] 184503.384340: kvm_dirty_ring_reset: ring 1: dirty 0x380 reset 0x380 (used 0)
       CPU 0/KVM-29003 [001] 184503.384341: kvm_dirty_ring_exit:  vcpu 1
"""  # noqa: E501


def told(text: str) -> Findings:
    stream = io.BytesIO(text.encode())
    first = stream.readline()
    return judged(Recording("f", stream, trace=first))


def problems(text: str) -> list[tuple[int, str]]:
    return [(d.line, d.problem) for d in told(text).damages]


def push(dirty: int, reset: int = 0, ring: int = 0, used: int | None = None) -> str:
    used = dirty - reset if used is None else used
    numbers = f"ring {ring}: dirty {dirty:#x} reset {reset:#x} slot 2 offset 0x6 (used {used})"
    return f" qemu-system-x86-760     [001] ..... 30027.242030: kvm_dirty_ring_push: {numbers}\n"


def reset(dirty: int, to: int) -> str:
    numbers = f"ring 0: dirty {dirty:#x} reset {to:#x} (used {dirty - to})"
    return f" a b-7 (    760) [001] 30.2: kvm_dirty_ring_reset: {numbers}\n"


def test_one_run_of_qemu_seen_from_both_sides_of_the_ioctl():
    kvm, qemu = check(str(TRACES / "ftrace_ring.txt.gz")), check(str(TRACES / "qemu_ring.log.gz"))
    assert 3 == kvm.exit_code == qemu.exit_code
    assert not kvm.damages and not qemu.damages
    assert 2 == kvm.counts["reset"] == qemu.counts["reset"]
    assert "pushed 1,026 entries" in kvm.notes[0] and "took 1,026; a vCPU stopped 1 time at" in kvm.notes[0]
    assert "harvested 1,026 entries of dirty rings, and its RESETs took 1,026" in qemu.notes[0]


def test_clear_ranges_have_no_masks():
    found = check(str(TRACES / "qemu_clear.log"))
    assert (3, 15, []) == (found.exit_code, found.counts["clear"], found.damages)
    assert "no masks and no GETs" in found.reasons[0]


def test_a_report_of_trace_cmd():
    found = told(REPORT)
    assert (3, [], 1) == (found.exit_code, found.damages, found.counts["reset"])
    assert "pushed 2 entries, 1 RESET of a ring took 448; a vCPU stopped 1 time" in found.notes[0]


@pytest.mark.parametrize("of", ["ftrace_ring.txt.gz", "qemu_clear.log", "qemu_ring.log.gz"])
def test_the_commands_are_undetermined(of):
    path = str(TRACES / of)
    for verb, *more in (["monitor"], ["monitor", "--format", "json"], ["conform", "--design", "naive"]):
        run = clearorder(verb, path, *more)
        assert 3 == run.returncode
        assert "undetermined" in run.stdout


def test_standard_input_is_read():
    text = gzip.decompress((TRACES / "ftrace_ring.txt.gz").read_bytes())
    with mock.patch("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(text)))):
        run = clearorder("monitor", "-")
    assert 3 == run.returncode
    assert "1,026 entries" in run.stdout


def test_the_same_page_twice_is_no_finding():
    assert [] == problems(HEAD + push(1) + push(2) + reset(2, 2) + push(3, 2))


def test_what_no_line_shows_is_not_counted_as_nothing():
    """Without the event of RESETs pushes still show that entries were taken; a trace may begin with a RESET."""
    found = told(HEAD + push(1) + push(2, 1) + push(3, 2))
    assert any("RESET that has no line" in reason for reason in found.reasons)
    assert "Ring 0 ends with 1 entry that no RESET took." == found.notes[-1]
    assert "What the RESET of ring 0 at line 3 took is not known" in told(HEAD + reset(9, 9) + push(10, 9)).notes[0]
    assert not any("no line" in reason for reason in told(HEAD + push(1) + reset(1, 1) + push(2)).reasons)


@pytest.mark.parametrize(
    "lines, at, said",
    [
        (push(1) + push(3), 4, "from entry 0x1 to 0x3: lines are missing"),
        (push(5) + push(1), 4, "or the trace has two VMs"),
        (push(4) + reset(4, 4) + reset(4, 2), 5, "is reset to 0x2, and stood at 0x4"),
        (push(4, used=3), 3, "is not the used 3"),
        (push(70_000), 3, "no ring holds more than 65,536"),
        (push(1).replace("slot 2", "slot"), 3, "not in the form in which Linux prints it"),
        (push(1) + "CPU:1 [LOST 12 EVENTS]\n", 4, "lost 12 events"),
        (push(1) + "CPU:1 [EVENTS DROPPED]\n", 4, "lost some events"),
        ("# entries-in-buffer/entries-written: 10/15   #P:2\n", 3, "overwritten 5 events"),
        ("kvm_clear_dirty_log slot#0 start 0x0 size 0xc0\n", 3, "a line of QEMU's -trace"),
        ('{"t":"end"}\n', 3, "neither a comment"),
        (push(1)[:-4], 3, "breaks off"),
        (" " * LONGEST + "x\n", 3, "longer than"),
        (push(1).replace("kvm_dirty_ring_push", "kvm_exit: x kvm_dirty_ring_push"), 3, "ran into each other"),
    ],
)
def test_a_trace_that_is_damaged_is_told_by_line(lines, at, said):
    found = problems(HEAD + lines)
    assert [at] == [line for line, _ in found]
    assert said in found[0][1]


@pytest.mark.parametrize(
    "line, said",
    [
        (push(1), "two recordings"),
        ('{"t":"hdr","v":2}\n', "two recordings"),
        ("kvm_clear_dirty_log slot#0 start 0x0 siz\n", "not in the form in which QEMU prints it"),
        ("kvm_clear_dirty_log slot#0 start 0x0 size 0x0\n", "no pages"),
        ("foo bar kvm_clear_dirty_log slot#0 start 0x0 size 0x1\n", "ran into each other"),
        ("kvm_clear_dirty_log slot#0 start 0x0", "breaks off"),
    ],
)
def test_qemu_lines_that_are_damaged_are_told_by_line(line, said):
    text = "7@12.000003:kvm_clear_dirty_log slot#-1 start 0x40 size 0xc0\nInvalid access at 0x7\n" + line
    found = problems(text)
    assert [3] == [at for at, _ in found]
    assert said in found[0][1]


def test_a_trace_without_our_events_says_so():
    assert any("no line of it is one of the events" in r for r in told(HEAD).reasons)


def test_no_damage_makes_it_certain_or_raises(tmp_path):
    draw, whole = random.Random(1), (HEAD + REPORT).encode()
    for _ in range(200):
        text = bytearray(whole)
        for _ in range(draw.randrange(1, 6)):
            text[draw.randrange(14, len(text))] = draw.randrange(256)
        path = tmp_path / "t"
        path.write_bytes(text[: draw.randrange(20, len(text))])
        assert 3 == check(str(path)).exit_code


@pytest.mark.parametrize("first", ["{}", "hello", "", "-" * 5000, "1 [0] " * 1000])
def test_other_text_is_no_trace(tmp_path, first):
    path = tmp_path / "t"
    path.write_text(first + "\n")
    with pytest.raises(Exception, match="not the header of a recording"), opened(str(path)):
        pass
