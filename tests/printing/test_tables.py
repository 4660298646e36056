"""The writer of lines and tables: nothing past the edge, no word broken that fits a line, nothing lost."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from model.printing.lines import packed, verdict, wrapped
from model.printing.tables import Row, table

WORDS = st.text(st.sampled_from("ab-_.,é漢"), min_size=1, max_size=25)
SAID = st.lists(WORDS, max_size=12).map(" ".join)


def plain(lines):
    return [line.plain for line in lines]


def words(lines):
    return re.findall(r"\S+", "\n".join(lines))


@settings(max_examples=60, deadline=None)
@given(SAID, st.integers(30, 70), st.integers(0, 20))
def test_a_line_is_broken_between_words_and_nothing_is_lost(said, width, indent):
    lines = plain(wrapped(said, width, indent))
    assert all(cell_len(line) <= width for line in lines)
    assert said.split() == words(lines) or any(cell_len(w) > width - indent for w in said.split())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(SAID, SAID, SAID), min_size=1, max_size=4), st.integers(60, 90))
def test_a_table_fits_and_keeps_every_word(rows, width):
    lines = plain(table(("one", "two", "three"), rows, width))
    assert all(cell_len(line) <= width for line in lines)
    assert all(any(word in line for line in lines) for row in rows for cell in row for word in cell.split())


def test_cells_are_wrapped_at_words_and_numbers_stand_at_the_right():
    rows = [("top-layer", "10", "the clear at 8 removed it"), ("naive", "8", "it takes away every bit")]
    assert [
        "design     moves  why",
        "top-layer     10  the clear at 8",
        "                  removed it",
        "naive          8  it takes away",
        "                  every bit",
    ] == plain(table(("design", "moves", "why"), rows, 33))


def test_a_table_that_is_too_wide_is_told_row_by_row():
    assert ["top-layer-and-cache", "  verdict: undetermined", "  property: no_lost_write"] == plain(
        table(("design", "verdict", "property"), [("top-layer-and-cache", "undetermined", "no_lost_write")], 28)
    )


def test_lines_below_a_row_are_indented():
    assert ["naive  refuted", "    the clear takes", "      every bit"] == plain(
        table((), [Row(("naive", "refuted"), ("the clear takes every bit",))], 20)
    )


def test_a_set_of_pages_is_one_word():
    assert ["kernel", "{0, 1, 2}"] == plain(wrapped("kernel {0, 1, 2}", 12))


def test_items_that_do_not_fit_begin_the_next_line():
    assert ["  1 write  kernel {0}", "           user {0}"] == plain(
        packed(["kernel {0}", "user {0}"], 24, "  1 write  ", 11)
    )


def test_styles_go_on_where_a_line_is_broken():
    lines = list(wrapped(Text("one two three", "bold red"), 8, 2))
    assert ["one two", "  three"] == plain(lines)
    assert all("bold red" in str([line.style, *line.spans]) for line in lines)


@pytest.mark.parametrize("word", ["proved", "refuted", "undetermined"])
def test_a_verdict_has_one_style_everywhere(word):
    assert verdict(word).style
