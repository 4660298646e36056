"""Designs whose parts have names of their own: what used to be said of them was false."""

import pytest

from model.designs.catalogue import built_in_properties, find_property, load
from model.verify.claims import Note
from model.verify.portfolio import answer
from model.verify.question import Question
from reports.formats import markdown, phrases, svg
from reports.sequence import diagram
from tests.support.claims import false_claims
from tests.support.paths import ROOT

DATA = ROOT / "tests" / "data" / "reproducers" / "misleading"


def told(name, property="complete_copy", pages=1, **sizes):
    """The story of a design of the directory; nothing in it is false."""
    design = load(str(DATA / f"{name}.py"))
    rule = built_in_properties().get(property) or find_property(property, design)
    result = answer(Question(design, rule, pages, sizes, "explicit"))
    assert [] == false_claims(result.story, result.whole or result.trace, result.trace)
    return result.story


def marked(story):
    return [line.number for line in (*story.lines, *story.tail) if line.broken]


def test_a_report_that_drops_a_page_is_blamed_and_not_the_write():
    """The log is called d."""
    story = told("why_wrong", pages=2, Client=1)
    assert ([2], "only `d` promised page 0 to MIGRATION, because of the write at 1") == (
        marked(story),
        story.because[0],
    )


def test_the_clear_that_takes_the_last_record_is_marked():
    """Two logs: the clear of the second one is fatal, not that of the first."""
    story = told("false_why_kernel_per_backend", "no_lost_write", Client=2)
    assert [14] == marked(story)
    assert "only VFIO's `kernel` promised page 0 to MIGRATION, because of the write at 10" == story.because[0]


def test_a_write_that_set_a_bit_is_not_said_to_have_set_none():
    """A failed backup drops the bitmap that promised the page."""
    story = told("n6_per_client", Client=1)
    assert ([4], "only `kernel` promised page 0 to MIGRATION, because of the write at 1") == (
        marked(story),
        story.because[0],
    )
    assert "MIGRATION: backup.created (fails true)" == story.lines[1].text


def test_a_bitmap_that_goes_to_another_client_is_what_the_page_is_lost_by():
    """Nobody wrote: the page is owed from the start."""
    story = told("h8_per_client", Client=2)
    assert ([3], "only `kernel` promised page 0 to VGA") == (marked(story), story.because[0])


def test_a_send_is_no_write():
    """Its parameter is a set of pages, and it changes what is at stake; it takes out, though."""
    story = told("send_shown_as_write", pages=2)
    assert ([4], "the dirty at 4 removed it") == (marked(story), story.because[1])
    assert ["MIGRATION: send page 1"] == [line.text for line in story.lines if line.operation == "send"]


def test_no_destination_is_spoken_of_where_nobody_makes_a_copy():
    """Two threads clean the page; none of them is a reader with a copy of its own."""
    story = told("false_destination_own_sort")
    assert "two-levels loses a write: it has finished, and page 0 is still in `unread`" == story.title
    words = " ".join([*story.because, *(note for line in story.lines for note in line.notes)])
    assert [] == [w for w in ("destination", "MIGRATION", "source P", " has P") if w in words]


def test_a_call_that_fails_does_not_read_as_one_that_succeeds():
    """The truth parameter is a choice like any other."""
    assert "MIGRATION: get (ok false)" == told("bool_hidden", "logged").lines[-1].text


@pytest.mark.parametrize("word", ["gone", "ist hier gebrochen"])
def test_reports_mark_the_broken_promise_whatever_a_note_says(monkeypatch, word):
    """They look at the kind of a note, never at its words."""
    made = Note.__new__

    def renamed(cls, kind, claim):
        note = made(cls, kind, claim)
        other = str.__new__(cls, word)
        other.kind, other.claim = note.kind, note.claim
        return other

    monkeypatch.setattr(Note, "__new__", renamed)
    result = answer(Question(load("top-layer"), built_in_properties()["no_lost_write"], 1, {"Client": 2}, "explicit"))
    broken = next(line for line in result.story.lines if line.number == 8)
    assert (word,) == broken.notes
    assert phrases.is_broken(broken)
    assert f"**{word}**" in markdown.document([result])
    assert f'class="note bad">{word}' in svg.document([result])
    assert ["broken"] == [row.marker for row in diagram(result.trace, result.story).rows if row.line.number == 8]
