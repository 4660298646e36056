"""Reading a recording: its trailer, what is missing in its numbering, whose ioctl a line is."""

import io
import json

import pytest

from model.monitor.order import in_order
from model.monitor.recording import Damage, End, Gap, Ioctl, Recording

HEADER = {"t": "hdr", "v": 2, "pid": 5}


def get(begin, end=None, **more):
    end = begin + 1 if end is None else end
    return {"q": [begin, end], "tid": 1, "fd": 7, "rc": 0, "t": "get", "slot": 0, "bm": "", **more}


def trailer(lines, positions, **more):
    return {"t": "end", "lines": lines, "positions": positions, "why": "exited", **more}


def read(*lines, header=HEADER):
    recording = Recording("x", io.BytesIO("".join(json.dumps(x) + "\n" for x in lines).encode()), header)
    return recording, list(in_order(recording))


def test_a_trailer_is_the_last_item_and_says_how_much_was_written():
    recording, items = read(get(0), get(2), trailer(2, 4))
    assert [Ioctl, Ioctl, End] == [type(i) for i in items]
    assert (End(4, 2, 4, frozenset(), "exited"), True) == (recording.end, recording.has_trailer)


@pytest.mark.parametrize(("version", "promised"), [(1, False), (2, True)])
def test_only_version_2_promises_a_trailer(version, promised):
    recording, items = read(get(0), header={"v": version})
    assert (None, promised, 1) == (recording.end, recording.has_trailer, len(items))


def test_a_trailer_that_counts_other_lines_is_damage_and_a_line_after_it_too():
    assert Damage(3, "the trailer counts 2 lines, and there are 1") in read(get(0), trailer(2, 2))[1]
    assert (
        Damage(4, "a line after the trailer (line 3): two recordings in one file?")
        in read(get(0), trailer(1, 2), get(2))[1]
    )


@pytest.mark.parametrize(
    ("begins", "first"), [((0, 4, 6), 2), ((0, 2, 8), 4), ((2, 4), 0)], ids=["one line", "two lines", "the first line"]
)
def test_a_line_that_is_missing_is_a_gap(begins, first):
    gaps = [i for i in read(*map(get, begins))[1] if isinstance(i, Gap)]
    assert [first] == [g.first for g in gaps]


def test_lines_that_are_missing_at_the_end_are_a_gap_where_the_trailer_counts_positions():
    assert [2] == [i.first for i in read(get(0), trailer(1, 4))[1] if isinstance(i, Gap)]


def test_what_follows_a_gap_is_doubtful_and_what_was_before_is_not():
    items = read(get(0), get(4), get(6))[1]
    assert [False, True, True] == [i.doubtful for i in items if isinstance(i, Ioctl)]


def test_a_line_that_overlapped_others_leaves_two_holes_and_everything_from_the_first_is_doubtful():
    items = read(get(0), get(3, 4), get(6))[1]  # 2 and 5 are missing
    assert [2] == [i.first for i in items if isinstance(i, Gap)]
    assert [False, True, True] == [i.doubtful for i in items if isinstance(i, Ioctl)]


def test_an_ioctl_that_never_returned_is_no_gap_where_the_trailer_names_it():
    assert [] == [i for i in read(get(0), get(3), trailer(2, 5, open=[2]))[1] if isinstance(i, Gap)]


def test_two_threads_that_overlap_all_the_time_are_no_gap():
    lines = [get(0, 2), *(get(2 * k - 1, 2 * k + 2) for k in range(1, 20)), get(39, 41)]
    positions = sorted(p for line in lines for p in line["q"])
    assert list(range(42)) == positions
    items = read(*lines, trailer(21, 42))[1]
    assert [Ioctl] * 21 + [End] == [type(i) for i in items]
    assert not any(i.doubtful for i in items[:-1])


def test_a_damaged_line_explains_the_hole_that_it_leaves():
    items = read(get(0), "rubbish", get(4))[1]
    assert [] == [i for i in items if isinstance(i, Gap)]


def test_a_line_names_its_process_and_its_vm_whatever_the_descriptor():
    one, other, third = read(get(0), get(2, pid=9), get(4, pid=9, fd=12, vm=0))[1]
    assert [(5, 7), (9, 7), (9, 12)] == [(i.process, i.fd) for i in (one, other, third)]
    assert [(5, 7), (9, 7), (-1, 0)] == [i.vm for i in (one, other, third)]


def test_a_reset_has_the_pages_that_were_harvested():
    line = {"q": [0, 1], "tid": 1, "fd": 7, "rc": 2, "t": "reset", "ring": {"0": "0:3"}}
    assert {0: "0:3"} == read(line)[1][0].values["ring"]
    assert isinstance(read(line | {"ring": {"x": 1}})[1][0], Damage)
