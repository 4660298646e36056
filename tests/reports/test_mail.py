"""Mail: ASCII, at most 72 columns, and the race of the 2019 mail as it would be pasted."""

import re
from dataclasses import replace

import pytest

from reports.formats.mail import document, in_columns
from tests.support.paths import GOLDEN
from tests.support.results import RACE, every_kind, hostile, proved, recovered, refuted, result, undetermined


@pytest.mark.parametrize("layout", [document, in_columns], ids=["numbered", "columns"])
def test_every_kind_of_result_is_ascii_and_at_most_72_columns_wide(layout):
    """Proved, refuted, recovered, undetermined, and a design with hostile names."""
    text = layout(every_kind())
    assert text.isascii()
    wrong = [line for line in text.split("\n") if len(line) > 72 or not line.isprintable() or line != line.rstrip()]
    assert [] == wrong


@pytest.mark.parametrize(("layout", "file"), [(document, "mail"), (in_columns, "mail-columns")])
def test_top_layer_pastes_as_the_race_of_the_2019_mail(layout, file):
    """Its eight steps, the guest's stop and the final sync; shown with one page though two were searched."""
    expected = (GOLDEN / f"top-layer.{file}.txt").read_text()
    assert expected == layout([result("top-layer", pages=2)])


def test_the_eight_steps_stand_in_the_order_of_the_mail():
    """Write, sync, collect, clear, read by migration, write again, collect and clear by the display."""
    steps = re.findall(r"^ ?\(\d+\) (.*)$", document([refuted()]), re.MULTILINE)
    assert RACE == steps


def test_a_proof_is_one_short_paragraph_with_its_scope():
    """Nothing is rounded up: it says what was searched."""
    expected = (
        "per-slot-cache promise_kept: proved for 1 page, 2 clients. explicit:\n"
        "1,505 states, depth 26 at 1 page, 2 clients.\n"
    )
    assert expected == document([proved()])


def test_what_is_undetermined_says_why():
    """The limit that was reached."""
    text = document([undetermined()])
    said = "per-slot-cache no_lost_write: undetermined at 1 page, 2 clients: the limit of 100 states was reached."
    assert " ".join(text.split()).startswith(said)


def test_a_promise_that_is_recovered_says_how():
    """The aftermath stands before the argument."""
    assert "Then: promise broken, recovered by " in document([recovered()])


def test_hostile_names_stay_on_their_line():
    """Newlines and control characters of a name become spaces, other scripts question marks."""
    text = document([hostile()])
    assert "\n::error" not in text
    assert "(1) " in text


def test_too_many_threads_for_72_columns_are_numbered_instead():
    """Seven clients would leave ten columns each; only threads that move count."""
    crowded = refuted()
    lines = [replace(line, thread=f"client {line.number}") for line in crowded.story.lines]
    crowded = replace(crowded, story=replace(crowded.story, lines=tuple(lines)))
    assert document([crowded]) == in_columns([crowded])
