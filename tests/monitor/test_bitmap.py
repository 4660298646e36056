"""Bitmaps of recordings, compared with one plain integer a bitmap."""

import struct
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.monitor.bitmap import CHUNK, EVERY, FULL, BadBitmap, Bits, parse, spell

RUNS = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 40), st.integers(1000, 1100)),
        st.one_of(st.integers(1, 3), st.integers(1000, 2100)),
        st.one_of(st.integers(0, 2**64 - 1), st.just(2**64 - 1)),
    ),
    max_size=5,
)


def plain(runs: list[tuple[int, int, int]]) -> int:
    return sum(value << 64 * (word + i) for word, count, value in runs for i in range(count))


def apart(runs: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """The runs without those that overlap one before."""
    kept: list[tuple[int, int, int]] = []
    for word, count, value in runs:
        if all(word + count <= w or w + c <= word for w, c, _ in kept):
            kept.append((word, count, value))
    return kept


def text(runs: list[tuple[int, int, int]]) -> str:
    return ",".join(f"{w}:{v:x}" + (f"*{c}" if c > 1 else "") for w, c, v in runs)


def number(bits: Bits) -> int:
    return sum(value << CHUNK * place for place, value in bits.chunks.items())


@settings(deadline=None)
@given(RUNS, st.integers(1, 200_000))
def test_a_bitmap_reads_as_its_runs_say_in_any_order_and_ends_with_the_slot(runs, pages):
    whole = plain(runs := apart(runs))
    cut = whole & ((1 << pages) - 1)
    # a word past the end may hold zero, and the words in front of it are read
    bits, fits = parse(text(runs), pages)
    assert cut == number(bits)
    assert (cut == whole) == fits


@settings(deadline=None)
@given(RUNS, RUNS, st.integers(0, 3 * CHUNK))
def test_sets_of_pages_behave_as_one_integer(one, two, far):
    a, b = plain(apart(one)), plain(apart(two))
    left, right = parse(text(apart(one)))[0], parse(text(apart(two)))[0]
    assert a | b == number(left | right)
    assert a & ~b == number(left - right)
    assert a & b == number(left & right)
    assert a << far == number(left.shifted(far))
    assert a.bit_count() == left.count()
    assert ((a & -a).bit_length() - 1 if a else None) == left.first()
    assert a & b == number((EVERY - (EVERY - left)) & right)
    assert EVERY == (EVERY - left) | left


@settings(deadline=None, max_examples=30)
@given(RUNS)
def test_ranges_cover_exactly_the_pages(runs):
    bits = parse(text(apart(runs)))[0]
    found = list(bits.ranges())
    assert number(bits) == sum((1 << last + 1) - (1 << first) for first, last in found)
    assert all(last + 1 < first for (_, last), (first, _) in pairwise(found))


@settings(deadline=None)
@given(st.lists(st.sampled_from([0, 1, 2**64 - 1, 12345]), max_size=30))
def test_what_the_recorder_spells_the_monitor_reads_back(words):
    raw = struct.pack(f"<{len(words)}Q", *words)
    assert int.from_bytes(raw, "little") == number(parse(spell(raw))[0])


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("0:1,0:2", "word 0 is given twice"),
        ("5:1,3:1*4", "word 5 is given twice"),
        ("0:1,", "'' at character 5 is not a run W:HEX or W:HEX*N"),
        ("0:zz", "'0:zz' at character 1 is not a run W:HEX or W:HEX*N"),
        ("0:1*0", "a run of no words at character 1"),
        ("0:11112222333344445", "'0:11112222333344445' at character 1 is not a run W:HEX or W:HEX*N"),
        ("-1:1", "'-1:1' at character 1 is not a run W:HEX or W:HEX*N"),
        ("0:1 1:1", "'0:1 1:1' at character 1 is not a run W:HEX or W:HEX*N"),
    ],
)
def test_a_bitmap_in_another_form_is_refused_and_says_where(bad, says):
    with pytest.raises(BadBitmap) as error:
        parse(bad)
    assert says == str(error.value)


def test_a_run_of_any_length_costs_one_integer():
    """2^31 pages are 32,768 chunks; all of one pattern are one object, and so is what is computed from them."""
    bits, fits = parse("0:1*999999999999999")
    assert (32_768, False) == (len(bits.chunks), fits)
    both = bits | parse("0:2*999999999999999")[0]
    assert 1 == len({id(v) for v in both.chunks.values()})
    assert 1 + 512 == both.weight
    assert 32_768 // 64 == parse(",".join(f"{w}:1" for w in range(0, 2**25, 1024)))[0].weight
    assert {0: FULL} == parse("0:ffffffffffffffff*1024")[0].chunks
