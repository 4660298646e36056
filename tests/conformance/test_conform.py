"""Recordings held against designs: real ones, hand-written ones, and what nobody can say."""

import gzip
import json
import subprocess
import sys

import pytest

from model import ALL, Pages, operation, record, wait_for
from model.conformance.answer import CONFORMS, DOES_NOT, UNKNOWN
from model.conformance.automaton import Explanations
from model.conformance.conform import held
from model.conformance.letters import Reading
from model.designs.per_slot_cache import PerSlotCache
from model.designs.top_layer import TopLayer
from model.limits import Limits
from tests.support.command import clearorder
from tests.support.conformance import explanations
from tests.support.paths import DATA, ROOT
from tests.support.recordings import INITIALLY_SET, Lines

RECORDINGS = DATA / "recordings"


def judge(lines, design="per-slot-cache", clients=2):
    (answer,) = held(lines.opened(), [explanations(design, clients)], Limits())
    return answer


@pytest.mark.parametrize(
    ("file", "design", "line"),
    [
        ("qemu_mig", "per-slot-cache", None),
        ("qemu_vga", "per-slot-cache", None),
        ("toy_cache", "per-slot-cache", None),
        ("toy_top", "top-layer", None),
        ("toy_top", "per-slot-cache", 9),  # page 0 is cleared at 8 and again at 9, without a GET
        ("qemu_vga", "top-layer", 63),  # an empty mask: top-layer clears what it was asked for
        ("qemu_mig", "naive", 189),
        ("toy_cache", "naive", 9),
        ("toy_top", "naive", 14),
    ],
)
def test_a_real_recording_conforms_to_its_own_design(file, design, line):
    """`line` is the first that nothing explains, None where everything is explained."""
    found = clearorder("conform", RECORDINGS / f"{file}.jsonl.gz", "--design", design, "--format", "json")
    result = json.loads(found.stdout)["results"][0]
    assert (line, 0 if line is None else 1) == (result["offence"] and result["offence"]["line"], found.returncode)


def test_json_is_a_format_as_in_other_commands():
    """`--json`, its first spelling, still is understood."""
    asked = "conform", RECORDINGS / "toy_cache.jsonl.gz", "--design", "per-slot-cache"
    assert clearorder(*asked, "--format", "json").stdout == clearorder(*asked, "--json").stdout


def test_a_clear_that_no_get_told_of_is_not_a_move_of_the_cache():
    lines = Lines()
    lines.get(0b101)
    lines.clear(0b111)
    answer = judge(lines)
    assert (DOES_NOT, 6, 1) == (answer.verdict, answer.offence.at.line, answer.offence.page)
    assert "a CLEAR of this range without page 1" == answer.offence.nearest[0]
    assert "the same after a GET that reports page 1" == answer.offence.nearest[1]
    assert "cache" in answer.offence.possible.never


def test_a_bit_does_not_leave_the_log_by_itself():
    lines = Lines()
    lines.get(0b1)
    lines.get(0b0)
    assert (DOES_NOT, 0) == (judge(lines).verdict, judge(lines).offence.page)


def test_a_log_that_begins_full_begins_with_a_write_of_every_page():
    lines = Lines(manual=INITIALLY_SET)
    lines.get((1 << 64) - 1)
    lines.clear(0b1)
    assert CONFORMS == judge(lines).verdict


class FullAtFirst(PerSlotCache):
    """The cache takes the log that begins full for reported."""

    kernel = Pages("begins full", initially=ALL)
    cache = Pages("begins full", initially=ALL)


def full_at_first(lines):
    (answer,) = held(lines.opened(), [Explanations(Reading(record(FullAtFirst), {"Client": 1}))], Limits())
    return answer


def test_a_clear_before_any_get_is_not_a_move_of_the_cache_though_the_log_begins_full():
    lines = Lines(manual=INITIALLY_SET)
    lines.clear(0b1)
    assert 5 == judge(lines).offence.at.line
    assert CONFORMS == full_at_first(lines).verdict


def test_a_design_whose_log_begins_full_does_not_explain_one_that_begins_empty():
    lines = Lines()
    lines.get(0b1)
    assert 4 == full_at_first(lines).offence.at.line


def test_a_design_of_the_kernel_itself_is_refused_by_name():
    refused = clearorder("conform", RECORDINGS / "toy_top.jsonl.gz", "--design", "manual-clear")
    assert (2, "") == (refused.returncode, refused.stdout)
    assert "manual-clear: clear.cleared looks at a part of the kernel's log" in refused.stderr


def test_a_get_that_takes_what_it_reports_is_one_of_a_vm_without_manual_protect():
    legacy = Lines(manual=None)
    legacy.get(0b0)
    assert CONFORMS == judge(legacy).verdict
    legacy.get(0b1)
    assert DOES_NOT == judge(legacy).verdict
    assert CONFORMS == judge(legacy, "legacy-get").verdict


def test_a_get_that_failed_took_nothing_unless_it_takes_what_it_reports():
    lines = Lines()
    lines.get(0b1)
    lines.add("get", slot=0, rc=-1, errno=14)
    assert (CONFORMS, 1) == (judge(lines).verdict, judge(lines).counts["failed"])
    legacy = Lines(manual=None)
    legacy.add("get", slot=3, rc=-1, errno=2)
    legacy.get(0)
    assert CONFORMS == judge(legacy, "legacy-get").verdict
    legacy.add("get", slot=0, rc=-1, errno=14)
    assert UNKNOWN == judge(legacy, "legacy-get").verdict


def test_a_log_that_began_before_the_recording_is_judged_and_never_confirmed():
    """The recorder came to a VM that ran: the first report may lack what stood reported, a second may not."""
    lines = Lines(attached=True)
    lines.clear(0b1)
    lines.get(0b10)
    lines.get(0b11, slot=9)
    answer = judge(lines)
    assert (UNKNOWN, [2, 4]) == (answer.verdict, [d.line for d in answer.doubts])
    lines.get(0b01)
    assert (5, 1) == (judge(lines).offence.at.line, judge(lines).offence.page)


def test_a_log_that_begins_after_the_recorder_came_is_whole():
    lines = Lines(attached=True)
    lines.region(64)
    lines.get(0b1)
    assert UNKNOWN == judge(lines).verdict, "it may be a GET that takes what it reports"
    lines.clear(0b1)
    assert CONFORMS == judge(lines).verdict


def test_a_life_of_a_log_is_a_run_of_its_own():
    """A mask that is older than the slot: the page was reported in the life before."""
    lines = Lines()
    lines.get(0b1)
    lines.region(64, flags=0)
    lines.region(64)
    lines.clear(0b1)
    assert 8 == judge(lines).offence.at.line
    lines.lines[-3] = lines.lines[-3].replace('"flags": 0', '"flags": 3')  # read-only now: the log goes on
    assert CONFORMS == judge(lines).verdict


def test_ioctls_that_overlap_may_have_come_in_either_order():
    def both(first, second):
        lines = Lines()
        lines.get(0b1)
        at = lines.position
        lines.clear(0b1, q=[at, at + first], tid=8)
        lines.get(0b1, q=[at + 1, at + second])
        lines.clear(0b1)
        return judge(lines)

    assert CONFORMS == both(2, 3).verdict


def test_where_no_order_helps_the_ioctl_that_begins_last_is_named():
    lines = Lines()
    lines.get(0b1)
    at = lines.position
    lines.clear(0b1, q=[at, at + 2])
    lines.clear(0b1, q=[at + 1, at + 3])
    offence = judge(lines).offence
    assert (7, 1) == (offence.at.line, offence.overlaps)


def test_pages_outside_of_a_range_are_not_told_of():
    """naive clears all of a slot; a VMM may do that in ranges, but leaves no page of a range out."""
    lines = Lines(pages=256)
    lines.get(0b1)
    lines.clear((1 << 64) - 1, first=64, count=64)
    lines.clear((1 << 64) - 1, first=0, count=64)
    assert CONFORMS == judge(lines, "naive").verdict
    lines.clear((1 << 64) - 2, first=128, count=64)
    assert (7, 128) == (judge(lines, "naive").offence.at.line - 1, judge(lines, "naive").offence.page)


def test_the_end_of_a_slot_is_not_a_whole_word():
    lines = Lines(pages=70)
    lines.get(1 << 69)
    lines.clear(1 << 5, first=64, count=64)
    assert CONFORMS == judge(lines).verdict
    lines.clear(1 << 5, first=64, count=64)
    assert 69 == judge(lines).offence.page


def test_an_empty_mask_is_no_move_of_a_design_whose_clear_takes_something():
    lines = Lines()
    lines.get(0b1)
    lines.clear(0b0)
    assert CONFORMS == judge(lines).verdict
    assert "this one's mask is empty" in judge(lines, "top-layer").offence.nearest[0]


def test_a_marker_of_a_read_tells_designs_apart_that_clear_alike():
    """READ, then CLEAR: the order that loses a write between the two."""
    lines = Lines()
    lines.get(0b11)
    lines.read(0b10)
    lines.clear(0b11)
    assert CONFORMS == judge(lines, "read-before-clear").verdict
    offence = judge(lines).offence
    assert (6, 1) == (offence.at.line, offence.page)
    assert "the same after a CLEAR that takes page 1" == offence.nearest[0]
    proper = Lines()
    proper.get(0b11)
    proper.clear(0b11)
    proper.read(0b10)
    assert CONFORMS == judge(proper).verdict


class NeverEmptiesMine(TopLayer):
    """What was chosen for the clear is kept for the read alone."""

    @operation
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        s.kernel -= want
        yield "cleared"
        s.unread[me] -= want
        yield "read"


def test_what_only_a_read_depends_on_is_part_of_a_state():
    lines = Lines()
    lines.get(0b1)
    lines.clear(0b1)
    lines.read(0b1)
    (answer,) = held(lines.opened(), [Explanations(Reading(record(NeverEmptiesMine), {"Client": 1}))], Limits())
    assert CONFORMS == answer.verdict


def test_a_read_before_any_get_has_reported_the_page_is_the_first_copy():
    lines = Lines()
    lines.read((1 << 64) - 1)
    lines.get(0b1)
    lines.clear(0b1)
    lines.read(0b11)
    assert CONFORMS == judge(lines).verdict
    lines.read(0b01)
    lines.get(0b1)
    lines.read(0b01)
    assert DOES_NOT == judge(lines).verdict


def test_a_marker_without_a_bitmap_is_of_its_whole_range():
    lines = Lines(pages=70_000)
    lines.get(1 << 69_990)
    lines.add("read", slot=0, first=0, n=69_990)
    assert CONFORMS == judge(lines).verdict
    lines.add("read", slot=0, first=69_990, n=1)
    assert 69_990 == judge(lines).offence.page


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda ls: ls[:4], "nothing is visible"),
        (lambda ls: [*ls, '{"t": "get"'], "not a JSON object"),
        (lambda ls: [*ls, ls[0]], "t is 'hdr'"),
        (lambda ls: [*ls, ls[-1]], "was taken"),
        (lambda ls: [*ls[:3], *ls[4:]], "lines are missing"),
        (lambda ls: [ls[0].replace('"v": 1', '"v": 2'), *ls[1:]], "without a trailer"),
    ],
)
def test_what_is_not_recorded_leaves_the_answer_open(change, reason):
    lines = Lines()
    lines.get(0b1)
    lines.clear(0b1)
    lines.lines = change(lines.lines)
    answer = judge(lines)
    assert UNKNOWN == answer.verdict
    assert reason in answer.doubts[0].reason


def test_lines_in_another_order_are_judged_by_their_positions_and_round_nothing_up():
    lines = Lines()
    lines.get(0b1)
    lines.clear(0b1)
    lines.lines[4:] = reversed(lines.lines[4:])
    assert (UNKNOWN, 6) == (judge(lines).verdict, judge(lines).doubts[0].line)
    lines.clear(0b1)
    assert DOES_NOT == judge(lines).verdict


def test_a_ring_reports_what_no_get_shows():
    lines = Lines(manual=None)
    lines.lines.insert(2, lines.lines.pop())
    lines.add("cap", cap=223, args=[4096, 0, 0, 0])
    lines.read(0b1)
    assert "dirty rings" in judge(lines).doubts[0].reason


def test_lines_of_two_threads_may_have_changed_places():
    lines = Lines()
    lines.get(0b1)
    lines.clear(0b1, tid=8)
    lines.lines[4:] = reversed(lines.lines[4:])
    assert CONFORMS == judge(lines).verdict


def test_two_vmms_in_one_file_are_not_one():
    lines = Lines()
    lines.get(0b1)
    lines.add("vm", fd=3, rc=6, tid=7)
    assert CONFORMS == judge(lines).verdict
    lines.add("vm", fd=3, rc=5, tid=9)
    assert "are the ioctls of two VMMs mixed" in judge(lines).doubts[0].reason


def test_what_comes_before_a_gap_is_judged():
    lines = Lines()
    lines.clear(0b1)
    lines.position += 2
    lines.get(0b1)
    assert (DOES_NOT, 5) == (judge(lines).verdict, judge(lines).offence.at.line)


def test_an_ioctl_that_never_returned_may_explain_what_came_after():
    """The VMM died in a GET that may have told of the page."""
    lines = Lines()
    lines.clear(0b1, q=[lines.position + 1, lines.position + 2])
    assert UNKNOWN == judge(lines).verdict
    lines.trailer(open=[lines.position - 3])
    assert UNKNOWN == judge(lines).verdict


def test_a_program_whose_ioctls_were_not_seen_leaves_the_answer_open():
    lines = Lines()
    lines.get(0b1)
    lines.trailer(unseen=["/bin/static: no place for a hook"])
    assert "/bin/static" in judge(lines).doubts[0].reason


def test_a_recording_with_its_trailer_is_whole():
    lines = Lines()
    lines.get(0b1)
    lines.trailer()
    assert (CONFORMS, ["It has no CLEAR, so that it says nothing of how bits are cleared."]) == (
        judge(lines).verdict,
        judge(lines).notes,
    )


def test_designs_that_are_no_ioctls_are_refused_by_name():
    refused = clearorder("conform", RECORDINGS / "toy_top.jsonl.gz", "--design", "write-back")
    assert (2, "") == (refused.returncode, refused.stdout)
    assert "write-back" in refused.stderr


def test_a_step_that_sees_only_a_part_of_what_it_compares_rounds_nothing_up():
    answer = clearorder("conform", RECORDINGS / "qemu_mig.jsonl.gz", "--design", "rounded-clear")
    assert answer.returncode in (1, 3)


def test_the_weakest_and_the_strongest_that_explain_a_recording_are_named():
    with gzip.open(RECORDINGS / "toy_top.jsonl.gz", "rt") as file:
        assert 559 == len(file.readlines())
    found = clearorder("conform", RECORDINGS / "toy_top.jsonl.gz", "--infer")
    assert 0 == found.returncode
    assert found.stdout.endswith("weakest that explains it: top-layer\nstrongest that explains it: top-layer\n")


def test_a_recording_comes_through_a_pipe_packed_or_not():
    packed = (RECORDINGS / "toy_top.jsonl.gz").read_bytes()
    argv = [sys.executable, "-m", "model", "conform", "-", "--design", "per-slot-cache", "-q"]
    done = [
        subprocess.run(argv, cwd=ROOT, input=data, capture_output=True) for data in (packed, gzip.decompress(packed))
    ]
    assert [1, 1] == [d.returncode for d in done]
    assert done[0].stdout == done[1].stdout


def test_a_design_or_infer_is_asked_for():
    assert 2 == clearorder("conform", RECORDINGS / "toy_top.jsonl.gz").returncode


def test_the_report_has_the_states_and_the_nearest_move():
    found = clearorder("conform", RECORDINGS / "toy_top.jsonl.gz", "--design", "per-slot-cache")
    assert "until then 350 states of the design explained it" in found.stdout
    assert "cache: lack it" in found.stdout
    assert "nearest that is allowed: a CLEAR of this range without page 0" in found.stdout
