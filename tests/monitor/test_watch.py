"""The blind-clear rule on recordings: real ones, hand-written ones, damaged ones."""

import gzip
import io
import json
import random
import resource
import subprocess
import sys
from functools import cache
from itertools import permutations
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from model.commands.monitor import command
from model.monitor.bitmap import Bits
from model.monitor.blindness import Act, Log, Standing
from model.monitor.findings import should_have_followed, trace
from model.monitor.judgement import Finding, Findings, exit_code
from model.monitor.order import in_order
from model.monitor.recording import Damage, Ioctl, NotARecording, Recording
from model.monitor.watch import Monitor, check, judged
from tests.support.nightly import rest_nightly
from tests.support.paths import DATA

RECORDINGS = DATA / "recordings"
HEADER = {"t": "hdr", "v": 1, "rec": "ptrace", "clock": "monotonic-ns", "page": 4096, "pid": 1, "argv": []}
PAGES = 128


class Script:
    """A hand-written recording: each call is one ioctl that nothing overlaps, unless `q` says otherwise."""

    def __init__(self, manual: int = 1, pages: int = PAGES) -> None:
        self.lines: list[dict] = []
        self.now = 0
        self.add("vm", fd=3, rc=7)
        if manual:
            self.add("cap", cap=168, args=[manual, 0, 0, 0])
        self.region(pages=pages)

    def add(self, t, *, q=None, tid=1, fd=7, rc=0, **more):
        q = q or [self.now, self.now + 1]
        self.now = max(self.now, q[1] + 1)
        failed = {"errno": 22} if rc < 0 else {}
        self.lines.append({"q": q, "b": q[0], "e": q[1], "tid": tid, "fd": fd, "rc": rc, "t": t, **more, **failed})
        return self

    def region(self, slot=0, flags=1, pages=PAGES, gpa=0, **more):
        return self.add("region", slot=slot, flags=flags, gpa=gpa, npages=pages, hva=4096, **more)

    def get(self, bm, slot=0, **more):
        return self.add("get", slot=slot, bm=bm, **more)

    def clear(self, bm, slot=0, first=0, n=PAGES, **more):
        return self.add("clear", slot=slot, first=first, n=n, bm=bm, **more)

    def findings(self) -> Findings:
        return judge([HEADER, *sorted(self.lines, key=lambda r: r["q"][1])])


def lines_of(name: str) -> list[bytes]:
    with gzip.open(RECORDINGS / f"{name}.jsonl.gz") as stream:
        return stream.readlines()


def judge(lines: list) -> Findings:
    """What the monitor says of these lines (dictionaries, or text as it stands)."""
    text = "".join(f"{x if isinstance(x, str) else json.dumps(x)}\n" for x in lines)
    recording = Recording("script", io.BytesIO(text.split("\n", 1)[1].encode()))
    return Monitor("script").run(in_order(recording))


def verdicts(found: Findings) -> list[tuple[str, int, int]]:
    """(judgement, line, blind pages) of each finding."""
    return [(f.judgement, f.clear.line, f.pages) for f in found.listed]


# ---------------------------------------------------------------- real recordings


@pytest.mark.parametrize(
    ("name", "gets", "clears", "blind"),
    [("qemu_mig", 54, 573, 0), ("qemu_vga", 480, 713, 0), ("toy_top", 141, 412, 190), ("toy_cache", 141, 345, 0)],
)
def test_the_four_recordings_have_the_blind_clears_that_were_counted_by_hand(name, gets, clears, blind):
    found = check(str(RECORDINGS / f"{name}.jsonl.gz"))
    assert (gets, clears) == (found.counts["get"], found.counts["clear"])
    assert (blind, 0, 0) == (found.blind, found.possible, found.damaged)
    assert (1 if blind else 0) == found.exit_code


def test_a_finding_names_slot_pages_thread_time_and_the_get_it_should_have_followed():
    first = check(str(RECORDINGS / "toy_top.jsonl.gz")).listed[0]
    assert isinstance(first, Finding)
    assert (0, ((0, 63),), 64, 128) == (first.slot, first.ranges, first.pages, first.mask)
    assert (9, 22281, 4283408217412) == (first.clear.line, first.clear.thread, first.clear.time)
    assert (7, 8) == (first.get.line, first.cleared.line)
    assert first.next.startswith("The mask dates from a report that has been acted on, as in the top-layer design")


# ---------------------------------------------------------------- the kernel's rules, one by one


def test_a_clear_after_a_get_is_not_blind_and_the_same_clear_again_is():
    assert [] == verdicts(Script().get("0:ff").clear("0:ff").findings())
    assert [("certain", 7, 8)] == verdicts(Script().get("0:ff").clear("0:ff").clear("0:ff").findings())


def test_a_clear_of_what_was_never_reported_is_blind_from_the_start():
    found = Script().clear("0:1").findings()
    assert [("certain", 5, 1)] == verdicts(found)
    assert (None, None) == (found.listed[0].get, found.listed[0].cleared)


def test_initially_set_counts_as_reported_once_and_is_a_finding_of_another_rule_before_any_get():
    """A fresh log reads all ones, so the first CLEAR of a page is not blind, but no GET has told of it either."""
    assert [] == verdicts(Script(manual=3).get("0:ffffffffffffffff*2").clear("0:ffffffffffffffff*2").findings())
    found = Script(manual=3).clear("0:3").clear("0:1").findings()
    assert [("certain", 6, 1), ("certain", 5, 2)] == verdicts(found)
    assert ["stale", "untold"] == [f.case for f in found.listed]
    assert (1, 1) == (found.blind, found.broken)


def test_a_failed_ioctl_changes_nothing():
    script = Script().get("0:f").clear("0:f", rc=-1).clear("0:f")
    assert [] == verdicts(script.findings())
    assert [("certain", 6, 4)] == verdicts(Script().add("get", slot=0, rc=-1).clear("0:f").findings())


def test_mask_bits_past_num_pages_are_ignored():
    script = Script(pages=200).get("0:ff").clear("0:ff,1:1", n=64)
    assert [] == verdicts(script.findings())
    assert [] == verdicts(Script(pages=70).clear("1:ffffffffffffffc0", n=70).findings())


def test_a_mask_counts_from_its_first_page():
    assert [] == verdicts(Script().get("1:10").clear("0:10", first=64, n=64).findings())
    found = Script().get("0:10").clear("0:10", first=64, n=64).findings()
    assert [("certain", 6, 1)] == verdicts(found)
    assert ((68, 68),) == found.listed[0].ranges


def test_a_slot_that_is_deleted_and_made_again_has_a_fresh_log():
    script = Script().get("0:1").region(pages=0, flags=0).region().clear("0:1")
    assert [("certain", 8, 1)] == verdicts(script.findings())
    script = Script(manual=3).get("0:1").clear("0:1").region(pages=0, flags=0).region().clear("0:1")
    found = script.findings()
    assert ([("certain", 9, 1)], "untold") == (verdicts(found), found.listed[0].case)


def test_logging_that_is_turned_off_and_on_begins_afresh():
    assert [("certain", 8, 1)] == verdicts(Script().get("0:1").region(flags=0).region().clear("0:1").findings())


def test_a_slot_that_is_moved_keeps_its_log():
    assert [] == verdicts(Script().get("0:1").region(gpa=1 << 30).clear("0:1").findings())


def test_two_slots_on_the_same_memory_have_a_log_each():
    """Only the slot that was written through is marked, so the report of one says nothing about the other."""
    script = Script().region(slot=9).get("0:1", slot=9).clear("0:1", slot=0)
    assert [("certain", 7, 1)] == verdicts(script.findings())
    assert 0 == script.findings().listed[0].slot


def test_a_new_vm_on_the_same_descriptor_has_nothing_of_the_old_one():
    script = Script().get("0:1").add("vm", fd=3, rc=7).add("cap", cap=168, args=[1, 0, 0, 0]).region().clear("0:1")
    assert [("certain", 9, 1)] == verdicts(script.findings())


def test_in_legacy_mode_get_clears_and_a_clear_after_it_is_blind():
    script = Script(manual=0).get("0:1").get("0:2").clear("0:1")
    found = script.findings()
    assert [("certain", 6, 1)] == verdicts(found)
    assert (4, 4) == (found.listed[0].get.line, found.listed[0].cleared.line)
    assert "legacy" == found.listed[0].case


def test_with_a_dirty_ring_both_ioctls_fail_and_nothing_is_judged():
    script = Script().add("cap", cap=192, args=[65536, 0, 0, 0]).add("get", slot=0, rc=-1).clear("0:1", rc=-1)
    found = script.add("reset", rc=3).findings()
    assert ([], 3, 2) == (verdicts(found), found.exit_code, found.counts["failed"])
    assert found.reasons[0].startswith("VM 7 uses dirty rings (line 5)")


def test_a_slot_that_the_recording_did_not_see_made_is_judged_as_possible_only():
    """A recorder that was started late: what was reported before is unknown, what follows is not."""
    lines = [r for r in Script().get("0:1").clear("0:3").clear("0:1").lines if r["t"] in ("get", "clear")]
    found = judge([HEADER, *lines])
    assert [("possible", 3, 1), ("certain", 4, 1)] == verdicts(found)
    assert "unknown" == found.listed[0].case


def test_an_ioctl_on_a_slot_that_does_not_exist_cannot_have_worked():
    found = Script().region(pages=0, flags=0).get("0:1").findings()
    assert (1, 3) == (found.damaged, found.exit_code)
    expected = "GET of slot 0 worked, and the recording shows no logged slot 0 at that time"
    assert Damage(6, expected) == found.damages[0]


# ---------------------------------------------------------------- overlapping ioctls


def test_a_clear_that_overlaps_the_get_that_reports_its_page_is_possibly_blind():
    script = Script().get("0:1", q=[6, 9], tid=2).clear("0:1", q=[7, 8])
    found = script.findings()
    assert [("possible", 5, 1)] == verdicts(found)
    assert (3, "overlap") == (found.exit_code, found.listed[0].case)
    script = Script().clear("0:1", q=[6, 9]).get("0:1", q=[7, 8], tid=2)
    assert [("possible", 6, 1)] == verdicts(script.findings())


def test_after_an_overlap_the_next_clear_is_possibly_blind_too():
    script = Script().get("0:1", q=[6, 9], tid=2).clear("0:1", q=[7, 8]).clear("0:1")
    assert [("possible", 5, 1), ("possible", 7, 1)] == verdicts(script.findings())


def test_two_clears_that_overlap_are_each_blind_in_the_order_that_puts_it_second():
    script = Script().get("0:1").clear("0:1", q=[8, 11], tid=2).clear("0:1", q=[9, 10])
    assert [("possible", 6, 1), ("possible", 7, 1)] == sorted(verdicts(script.findings()), key=lambda v: v[1])


def test_an_overlap_with_another_slot_does_not_matter():
    script = Script().region(slot=1).get("0:1", slot=0).get("0:1", slot=1, q=[10, 13], tid=2)
    assert [] == verdicts(script.clear("0:1", slot=0, q=[11, 12]).findings())


def test_a_clear_during_a_delete_came_before_it():
    script = Script().get("0:1").region(pages=0, flags=0, q=[8, 11], tid=2).clear("0:1", q=[9, 10])
    assert ([], 0) == (verdicts(script.findings()), script.findings().damaged)


ACTS = st.lists(
    st.tuples(st.sampled_from(["get", "clear", "both"]), st.integers(1, 7), st.integers(0, 9), st.integers(1, 4)),
    min_size=1,
    max_size=5,
)


@settings(deadline=None, max_examples=300)
@given(ACTS, st.integers(0, 7), st.integers(0, 7))
def test_certain_and_possible_are_what_every_order_and_some_order_say(raw, one, two):
    """Compared with all orders that the intervals allow, tried one by one from every start that the doubt allows."""
    acts = [
        Act(kind, bits(pages), ioctl(i, 10 * at, 10 * (at + long))) for i, (kind, pages, at, long) in enumerate(raw)
    ]
    sure, doubt = one & two, one & ~two
    standing = Standing(bits(sure), bits(doubt))
    blind: dict[int, list[int]] = {a.ioctl.line: [] for a in acts if a.kind == "clear"}
    ends = []
    for order in permutations(acts):
        if any(later.before(earlier) for i, earlier in enumerate(order) for later in order[i + 1 :]):
            continue
        for start in (sure, sure | doubt):
            reported = start
            for act in order:
                if act.kind == "clear":
                    blind[act.ioctl.line].append(number(act.bits) & ~reported)
                if act.kind == "get":
                    reported |= number(act.bits)
                else:
                    reported &= ~number(act.bits)
            ends.append(reported)
    log = Log(standing)
    judged = [j for act in sorted(acts, key=lambda a: a.ioctl.begin) for j in log.add(act)]
    judged += log.finish()
    assert len(blind) == len(judged)
    for act, certain, possible in judged:
        seen = blind[act.ioctl.line]
        assert every(seen) == number(certain)
        assert some(seen) & ~every(seen) == number(possible)
    assert (every(ends), some(ends)) == (number(log.standing.sure), number(log.standing.maybe))


def bits(pages: int) -> Bits:
    return Bits({0: pages}) if pages else Bits()


def number(found: Bits) -> int:
    return found.chunks.get(0, 0)


def every(values: list[int]) -> int:
    result = -1
    for value in values:
        result &= value
    return result


def some(values: list[int]) -> int:
    result = 0
    for value in values:
        result |= value
    return result


def ioctl(line: int, begin: int, end: int) -> Ioctl:
    return Ioctl(line, "get", begin, end, 1, (0, 7), 0, None, {"slot": 0}, "")


@cache
def beginning():
    """80 lines of a recording, and what is found in them."""
    lines = list(map(json.loads, lines_of("toy_top")))[:80]
    return lines, judge(lines)


@settings(deadline=None, max_examples=100)
@given(st.randoms(use_true_random=False))
def test_lines_in_any_order_give_the_same_findings(rng):
    """`q` is the authority; the order of lines is not."""
    lines, expected = beginning()
    rest = lines[1:]
    rng.shuffle(rest)
    found = judge([HEADER, *rest])
    assert (expected.blind, expected.possible, 0) == (found.blind, found.possible, found.damaged)


def test_two_threads_that_overlap_in_a_long_chain_are_judged_exactly():
    """Each ioctl overlaps the next, 4,000 of them, and none overlaps more than two: nothing is damaged."""
    script = Script().get("0:ff")
    for k in range(4000):  # positions 8, 9, 10, …: each begins before the one before it ends
        script.get("0:f", q=[2 * k + 8 - (k > 0), 2 * k + 10 - (k == 3999)], tid=k % 2)
    found = script.clear("0:f").findings()
    assert ([], 0, 0) == (verdicts(found), found.damaged, found.exit_code)
    script.clear("0:f")
    assert [("certain", 4007, 4)] == verdicts(script.findings())


# ---------------------------------------------------------------- what a recording does not show

V2 = HEADER | {"v": 2}


def ended(script: Script, **more) -> list[dict]:
    """The script as a whole recording of version 2."""
    n = len(script.lines)
    return [V2, *script.lines, {"t": "end", "why": "exited", "lines": n, "positions": 2 * n, **more}]


def told(lines: list) -> tuple[int, str]:
    """The exit code of a recording, and its first reason or damage."""
    text = "".join(f"{json.dumps(x)}\n" for x in lines[1:])
    found = judged(Recording("script", io.BytesIO(text.encode()), lines[0]))
    problems = [*found.reasons, *(d.problem for d in found.damages), ""]
    return found.exit_code, problems[0]


def test_a_whole_recording_of_version_2_passes():
    assert (0, "") == told(ended(Script().get("0:1").clear("0:1")))


@pytest.mark.parametrize(
    ("lines", "because"),
    [
        (ended(Script().get("0:1").clear("0:1"))[:-1], "it has no trailer: the recorder was killed"),
        (ended(Script().get("0:1").clear("0:1"))[:-2], "it has no trailer: the recorder was killed"),
        (ended(Script()), "it has no GET and no CLEAR"),
        ([V2, {"t": "end", "lines": 0, "positions": 0}], "it has no GET and no CLEAR"),
        (ended(Script().add("get", slot=0, rc=-1)), "it has no GET and no CLEAR"),
        (ended(Script().add("cap", cap=192, args=[65536]).add("reset", rc=3)), "VM 7 uses dirty rings (line 5)"),
        (ended(Script().get("0:1"), unseen=["/vmm: static"]), "the ioctls of one program could not be recorded: /vmm"),
        ([x for i, x in enumerate(ended(Script().get("0:1").get("0:1"))) if i != 4], "the trailer counts 5 lines"),
    ],
    ids=["no trailer", "cut", "nothing", "empty", "failed", "ring", "unseen", "missing line"],
)
def test_what_a_recording_cannot_show_is_undetermined_with_the_reason(lines, because):
    code, reason = told(lines)
    assert (3, because) == (code, reason[: len(because)])


def test_a_missing_line_makes_what_follows_possible_and_not_certain():
    """The line that is gone may have been the GET; version 1 has no trailer that counts."""
    lines = [HEADER, *Script().get("0:1").clear("0:1").clear("0:1").lines]
    code, reason = told([*lines[:4], *lines[5:]])
    assert (3, "lines are missing before it, positions 6 to 7 of the order") == (code, reason[:58])
    assert 1 == told(lines)[0]


def test_a_get_that_is_far_back_is_not_called_none_at_all():
    script = Script().get("1:1").clear("1:1")
    for _ in range(200):
        script.get("0:1")
    found = script.clear("1:1").findings()
    assert ["stale"] == [f.case for f in found.listed]
    expected = "should have followed a GET that reports page 64; the last that did is further back than the 128 ioctls"
    assert should_have_followed(found.listed[0], None).startswith(expected)


def test_failed_clears_are_counted_apart():
    found = Script().get("0:1").clear("0:1", rc=-1).add("get", slot=0, rc=-1).findings()
    assert (1, 0, 1, 1) == tuple(found.counts[k] for k in ("get", "clear", "failed_clear", "failed_get"))


def test_a_descriptor_that_was_copied_is_the_same_vm():
    script = Script().get("0:1").clear("0:1", fd=12)
    for line in script.lines:
        line["vm"] = 0
    assert ([], 0) == (verdicts(script.findings()), script.findings().damaged)


# ---------------------------------------------------------------- other rules


def read(script: Script, first: int, n: int = 1) -> Script:
    return script.add("read", slot=0, first=first, n=n)


def cases(script: Script) -> list[tuple[str, str, int]]:
    return [(f.judgement, f.case, f.pages) for f in script.findings().listed]


def test_a_page_that_is_cleared_is_read_after_that_where_reads_are_marked():
    assert [] == cases(read(Script().get("0:3").clear("0:3"), 0, 2))
    assert [("certain", "unread", 1)] == cases(read(Script().get("0:3").clear("0:3"), 1))
    assert [("certain", "unread", 2)] == cases(read(Script().get("0:3"), 0, 2).clear("0:3"))


def test_a_read_that_overlaps_the_clear_is_possibly_too_early():
    script = Script().get("0:1").clear("0:1", q=[8, 11])
    script.add("read", slot=0, first=0, n=1, q=[9, 10], tid=2)
    assert [("possible", "unread", 1)] == cases(script)


def test_a_legacy_get_takes_what_it_reports_and_a_second_one_does_not_report_it_again():
    assert [] == cases(read(Script(manual=0).get("0:3"), 0, 2))
    assert [("certain", "unread", 2)] == cases(read(Script(manual=0).get("0:3").get("0:4"), 2))


def test_a_ring_that_is_reset_is_read_after_that():
    ring = Script().add("cap", cap=192, args=[65536]).add("reset", rc=2, ring={"0": "0:3"})
    assert ([], 0) == (cases(read(ring, 0, 2)), ring.findings().exit_code)
    ring = read(Script().add("cap", cap=192, args=[65536]), 0, 2).add("reset", rc=2, ring={"0": "0:3"})
    assert [("certain", "unread", 2)] == cases(ring)


def test_a_log_is_asked_again_before_it_is_switched_off_if_the_guest_ran():
    script = Script().get("0:1", ran=1).clear("0:1", ran=0)
    assert [("certain", "dropped", 1)] == cases(script.region(flags=0, ran=1))
    script = Script().get("0:1", ran=1).clear("0:1", ran=0)
    assert [] == cases(script.region(flags=0, ran=0))
    script = Script().get("0:1", ran=1).clear("0:1", ran=0).get("0:2", ran=1)
    assert [] == cases(script.region(flags=0, ran=1))


def test_where_a_process_has_two_vms_it_is_not_known_whose_guest_ran():
    script = Script().get("0:1", ran=1).clear("0:1", ran=0).add("vm", fd=3, rc=9)
    assert [] == cases(script.region(flags=0, ran=1))


def test_a_client_that_gave_up_with_reports_not_acted_on_misses_nothing():
    script = Script().get("0:3", ran=1).clear("0:1", ran=0)
    assert [] == cases(script.region(flags=0, ran=1))


def test_a_get_that_overlaps_the_clear_may_have_told_of_an_initial_one():
    assert [("certain", "untold", 1)] == cases(Script(manual=3).clear("0:1").get("0:1"))
    assert [] == cases(Script(manual=3).clear("0:1", q=[6, 9]).get("0:1", q=[7, 8], tid=2))


# ---------------------------------------------------------------- damage


def test_a_truncated_last_line_is_named_and_the_verdict_is_undetermined(tmp_path):
    whole = b"".join(lines_of("toy_cache"))
    file = tmp_path / "cut.jsonl"
    file.write_bytes(whole[: len(whole) - 30])
    found = check(str(file))
    assert (0, 3) == (found.blind, found.exit_code)
    assert [Damage(492, "the file breaks off in this line")] == found.damages


def test_a_compressed_file_that_breaks_off_is_undetermined(tmp_path):
    file = tmp_path / "cut.jsonl.gz"
    file.write_bytes((RECORDINGS / "toy_cache.jsonl.gz").read_bytes()[:9000])
    found = check(str(file))
    assert (0, 3, 1) == (found.blind, found.exit_code, found.damaged)
    assert "the compressed file is broken off or damaged here" == found.damages[0].problem


def test_a_certain_blind_clear_stands_where_another_line_is_damaged():
    found = judge([HEADER, *Script().clear("0:1").lines, "{"])
    assert (1, 1, 1) == (found.blind, found.damaged, found.exit_code)


def test_a_line_that_is_lost_may_have_been_the_get():
    lines = Script().get("0:1").clear("0:1").lines
    found = judge([HEADER, *lines[:3], "lost", *lines[4:]])
    assert ([("possible", 6, 1)], 3) == (verdicts(found), found.exit_code)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"q": [4, 3]}, "q is not [begin, end], two positions of which the first is smaller"),
        ({"q": [True, 9]}, "q is not [begin, end], two positions of which the first is smaller"),
        ({"t": "gets"}, "t is 'gets'; it is one of vm, vcpu, cap, region, get, clear, reset, read"),
        ({"t": ["get"]}, "t is ['get']; it is one of vm, vcpu, cap, region, get, clear, reset, read"),
        ({"slot": "0"}, "slot is '0'; it is a whole number from 0 to 2^64-1"),
        ({"slot": -1}, "slot is -1; it is a whole number from 0 to 2^64-1"),
        ({"slot": 10**30}, "slot is a number of 100 bits; it is a whole number from 0 to 2^64-1"),
        ({"tid": None}, "tid is None; it is a whole number from 0 to 2^64-1"),
        ({"bm": None}, "bm is missing"),
        ({"bm": 5}, "bm is 5; it is text such as '0:ff,2:1*3'"),
        ({"bm": "0:1,0:1"}, "bm: word 0 is given twice"),
        ({"bm": "0:1*3"}, "bm reports pages past the end of slot 0"),
        ({"bm": "1:1"}, "bm reports pages past the end of slot 0"),
    ],
)
def test_a_line_that_cannot_be_is_reported_with_its_number(change, says):
    script = Script(pages=64).get("0:1")
    script.lines[-1] |= change
    found = judge([HEADER, *script.lines])
    assert ([Damage(5, says)], 3) == (found.damages, found.exit_code)


def test_a_line_that_stands_there_twice_is_not_a_second_clear():
    lines = Script().get("0:1").clear("0:1").lines
    found = judge([HEADER, *lines, lines[-1]])
    assert (0, [Damage(7, "position 8 was taken, or its line is far from its place")]) == (found.blind, found.damages)


def test_deep_nesting_is_one_damaged_line():
    found = judge([HEADER, "[" * 100_000])
    assert [Damage(2, "nested too deeply to be a recorded ioctl")] == found.damages


@pytest.mark.parametrize("text", ["", "{}", "[]", "\x00\xff", '{"t":"hdr"}', "not json", '{"t":"hdr","v":3}'])
def test_a_file_without_a_header_is_bad_use(tmp_path, text):
    file = tmp_path / "x.jsonl"
    file.write_text(text)
    with pytest.raises(NotARecording) as error:
        check(str(file))
    assert 2 == error.value.exit_code
    version = text.endswith(('hdr"}', "3}"))
    assert ("a recording of version" in str(error.value)) == version
    assert ("line 1 is not the header of a recording" in str(error.value)) != version


def mutated(rng: random.Random, lines: list[bytes]) -> bytes:
    """A recording with one to five things wrong with it."""
    lines = list(lines[: rng.randrange(5, 120)])
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(1, len(lines)) if len(lines) > 1 else 0
        match rng.randrange(10):
            case 0:
                lines[at] = lines[at][: rng.randrange(len(lines[at]))]
            case 1:
                rng.shuffle(lines)
            case 2:
                lines[at] = bytes(rng.randrange(256) for _ in range(rng.randrange(80))) + b"\n"
            case 3:
                lines.insert(at, rng.choice(lines))
            case 4:
                lines[at] = b"[" * rng.randrange(5000) + b"\n"
            case 5:
                lines[at] = lines[at].replace(b'"bm":"', b'"bm":"0:1*%d,' % rng.choice([2, 10**6, 10**14]))
            case _:
                lines[at] = changed(rng, lines[at])
    return b"".join(lines)[: rng.choice([None, None, rng.randrange(20_000)])]


ODD = [None, True, -1, 0, 1, 2**31, 2**63, 2**64, 10**40, 1e308, "x", "", [], [1], {}, {"a": 1}, "0:1*99999999999999"]


def changed(rng: random.Random, line: bytes) -> bytes:
    """The line with one field of another type or size, or without it."""
    try:
        record = json.loads(line)
        name = rng.choice(list(record))
    except (ValueError, IndexError, TypeError, RecursionError):
        return line
    match rng.randrange(4):
        case 0:
            del record[name]
        case 1:
            record[name] = rng.choice(ODD)
        case 2 if "npages" in record:
            record["npages"] = rng.choice([2**31, 2**52, 2**64 - 1])
        case _:
            record["bm"] = rng.choice(
                ["0:1*33554432", "0:1,0:2", "33554431:f", "9" * 40, "0:1*0", "2:3,1:1", ",", "0:g"]
            )
    return json.dumps(record).encode() + b"\n"


@pytest.mark.parametrize("seeds", rest_nightly([range(120), range(120, 1500)], lambda seeds: seeds[0] == 0), ids=str)
def test_fuzzed_recordings_give_a_message_or_a_verdict_in_little_memory(seeds, tmp_path):
    """Never a traceback: whatever is raised is ours, and what is not damaged enough to matter still has a verdict."""
    sources = [lines_of(name) for name in ("toy_top", "qemu_mig", "qemu_vga")]
    before, codes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, dict.fromkeys((0, 1, 2, 3), 0)
    file = tmp_path / "fuzzed.jsonl"
    for seed in seeds:
        rng = random.Random(seed)
        file.write_bytes(mutated(rng, rng.choice(sources)))
        try:
            codes[check(str(file)).exit_code] += 1
        except NotARecording as error:
            codes[error.exit_code] += 1
    assert all(codes.values()), codes
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # KB


def hostile() -> bytes:
    """Slots of 2^31 pages, each with a pattern of its own in every word: 256 MB a bitmap if it were written out."""
    script = Script(pages=2**31 - 1)
    rng = random.Random(1)
    for slot in range(1, 12):
        script.region(slot=slot, pages=2**31 - 1)
    for i in range(36):
        words = ",".join(f"{w}:{rng.getrandbits(63) + 1:x}*{300_000 + i}" for w in range(i, 2**25 - 301_000, 310_000))
        (script.get if i % 3 else script.clear)(words, slot=i % 12, **({} if i % 3 else {"n": 2**31 - 1}))
    return "\n".join(map(json.dumps, [HEADER, *script.lines])).encode() + b"\n" + b'{"bm":"' + b"1" * 70_000_000


def test_a_hostile_recording_stays_under_a_gigabyte(tmp_path):
    file = tmp_path / "hostile.jsonl"
    file.write_bytes(hostile())
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "from model.monitor.watch import check\nf = check(sys.argv[1]); print(f.exit_code, f.damages[-1].problem)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, timeout=120)
    assert ("", 0) == (done.stderr, done.returncode)
    assert done.stdout.split(" ", 1)[0] in "13"


# ---------------------------------------------------------------- the command


def run(*args: str):
    return CliRunner().invoke(command, [*args], standalone_mode=False)


TOP, CACHE = str(RECORDINGS / "toy_top.jsonl.gz"), str(RECORDINGS / "toy_cache.jsonl.gz")


def test_the_command_ends_with_1_where_a_clear_is_blind_and_with_0_where_none_is():
    assert 1 == run(TOP, CACHE).return_value
    assert 0 == run(CACHE).return_value


WHOLE = "0:ffffffffffffffff"


@pytest.mark.parametrize(
    ("first", "again", "case"),
    [
        (WHOLE, "0:fffffffffff00000", "tail"),  # pages 20 to 63: a range of 20 pages, copied as a whole word
        (WHOLE, WHOLE, "stale"),
        (WHOLE, "0:0ffffffffff00000", "stale"),  # not up to the end of the word
        ("0:fffffffffff00000", "0:fffffffffff00000", "stale"),  # nothing beside it was cleared
    ],
)
def test_a_tail_of_a_word_beside_a_range_that_was_cleared_is_told_as_such(first, again, case):
    """The third finding on QEMU (Q-7): still a blind CLEAR, and no claim that the destination is behind."""
    found = Script().get(WHOLE).clear(first).clear(again).findings()
    assert [case] == [f.case for f in found.listed]
    assert (case == "stale") == ("destination ends one write behind" in found.listed[0].next)
    assert 1 == found.exit_code


@pytest.mark.parametrize(("case", "moves"), [("initial", 8), ("stale", 10), ("overlap", 16), ("legacy", 0)])
def test_what_can_happen_next_is_a_shortest_loss_of_the_design_that_does_the_same(case, moves):
    assert moves == len(trace(case))


def test_text_says_it_in_the_first_line_and_names_what_can_follow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    lines = run(TOP, "--color", "never").output.splitlines()
    assert f"{TOP}: 190 blind CLEARs of 412" == lines[0]
    assert (
        "  line 9: certain: slot 0, process 22237, thread 22281 at 0.002945 s: CLEAR blind on 64 of 128 pages: 0-63"
        == lines[1]
    )
    assert "  and 170 more; -v lists them" in lines
    found = run(CACHE, "--color", "never").output.splitlines()
    assert f"{CACHE}: no blind CLEAR in 345 CLEARs, 141 GETs" == found[0]
    assert found[1].startswith("  A recording of version 1 does not say where it ends")


def test_text_draws_the_first_offender_once_as_three_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = run(TOP, "--color", "never").output.splitlines()
    at = [i for i, line in enumerate(lines) if line.startswith("  The first of them, page 0 of slot 0:")]
    assert 1 == len(at)
    rows = [line.split("  ") for line in lines[at[0] + 1 : at[0] + 6]]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    assert [
        ["GET", "CLEAR", "CLEAR"],
        ["line 7 at 0.001695 s", "line 8 at 0.001723 s", "line 9 at 0.002945 s"],
        ["thread 22279", "thread 22279", "thread 22281"],
        ["reports it", "takes it", "takes it: blind"],
        ["as move 2 below", "as move 4 below", "as move 8 below"],
    ] == cells
    assert "      8 VGA: clear.cleared page 0" in lines


def test_json_counts_the_blind_clears_and_lists_them():
    document = json.loads(run(TOP, "--format", "json").output)
    assert (190, 0, 190) == (document["blind_clears"], document["possible_blind_clears"], len(document["findings"]))
    first = document["findings"][0]
    assert ("top-layer", 10, "VGA: clear.cleared page 0") == (first["design"], len(first["trace"]), first["trace"][7])
    assert ([[0, 63]], "certain", 9, 22281) == tuple(first[k] for k in ("pages", "judgement", "line", "thread"))


def test_sarif_has_an_error_for_each_blind_clear():
    log = json.loads(run(TOP, CACHE, "--format", "sarif").output)
    results = log["runs"][0]["results"]
    assert ("2.1.0", 190, {"error"}) == (log["version"], len(results), {r["level"] for r in results})
    place = results[0]["locations"][0]["physicalLocation"]
    assert (TOP, 9) == (place["artifactLocation"]["uri"], place["region"]["startLine"])


def test_junit_has_a_test_case_for_each_recording():
    suites = ElementTree.fromstring(run(TOP, CACHE, "--format", "junit").output)
    assert [1, 0] == [len(case.findall("failure")) for case in suites.iter("testcase")]


def test_an_output_file_is_whole_or_not_there(tmp_path):
    assert 0 == run(CACHE, "--format", "json", "-o", str(tmp_path / "out.json")).return_value
    assert 0 == json.loads((tmp_path / "out.json").read_text())["blind_clears"]
    assert ["out.json"] == [p.name for p in tmp_path.iterdir()]


def test_a_refutation_outranks_what_is_undetermined():
    proved, refuted, open_ = Findings("a"), Findings("b", blind=1, damaged=1), Findings("c", possible=1)
    assert [0, 1, 3] == [f.exit_code for f in (proved, refuted, open_)]
    assert (1, 3, 0) == (exit_code([proved, refuted, open_]), exit_code([proved, open_]), exit_code([proved]))
