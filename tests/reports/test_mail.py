"""Mail: ASCII, at most 72 columns, and the race of the 2019 mail as it would be pasted."""

import re
import shlex
from dataclasses import replace

import pytest

from model.designs.catalogue import find_property, load
from model.designs.environment import load_in
from model.verify.portfolio import answer
from model.verify.question import Question
from reports.bitmaps import bitmaps, initials
from reports.formats.mail import document, in_columns
from reports.formats.phrases import folded
from reports.sibling import safe_sibling
from tests.support.command import check
from tests.support.paths import GOLDEN
from tests.support.results import RACE, broken, every_kind, hostile, proved, recovered, refuted, result, undetermined


def versionless(text):
    """The mail without the numbers of its versions."""
    return re.sub(r"(clearorder|z3) [0-9.]+[0-9]", r"\1 VERSION", text)


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
    assert expected == versionless(layout([result("top-layer", pages=2)]))


def test_the_eight_steps_stand_in_the_order_of_the_mail():
    """Write, sync, collect, clear, read by migration, write again, collect and clear by the display."""
    steps = re.findall(r"^ ?\(\d+\) (.*?)(?:   .*)?$", document([refuted()]), re.MULTILINE)
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


def test_the_command_in_the_mail_finds_the_same_moves():
    """What is pasted into a shell ends in the loss that the mail shows: joined lines, the size of the trace."""
    mail = document([refuted()])
    words = shlex.split(mail.partition("To run it again:\n")[2].replace("\\\n", ""))
    assert ["python", "-m", "model.check"] == words[:3]
    again = check(*words[3:], "--format", "mail")
    assert (1, mail) == (again.returncode, again.stdout)


def test_every_bitmap_of_the_table_is_that_of_the_state():
    """The digits after each move, read back, are the pages of the trace."""
    trace = broken().whole
    table = bitmaps(trace)
    kernel = [row.split()[0] for row in table.rows]
    expected = ["".join(str(p) for p in range(2) if trace.value(at, "kernel", None) >> p & 1) or "." for at in range(9)]
    assert expected == kernel
    assert {len(line) for line in (*table.heads, *table.rows)} == {table.width}


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["MIGRATION", "VGA"], ["M", "V"]),
        (["MIGRATION", "VGA", "VHOST"], ["M", "VG", "VH"]),
        (["client 2", "client 3"], ["0", "1"]),
    ],
)
def test_threads_are_told_apart_in_one_or_two_letters(names, short):
    """Where two letters do not do, their numbers."""
    assert short == initials(names)


def test_a_design_is_compared_with_the_one_that_mends_it_in_its_family():
    """Not with one that is safe for two clients only, nor with a design that has little to do with it."""
    assert "per-slot-cache" == safe_sibling(refuted()).program.name
    assert "any number of pages and clients" == safe_sibling(recovered()).scope
    assert safe_sibling(result("free-page-reclaimed-early")) is None


def test_what_the_table_shows_is_explained_and_nothing_else():
    """A flag is no set of pages; registers stand in no table; blocks are told apart by a letter, not by a digit."""
    text = " ".join(document([answer(Question(load("rearm-today"), find_property("complete_copy")))]).split())
    assert "(f the first block, s the second block; a digit: that page is in the set; x: the flag is on" in text
    assert "me." not in document([result("no-lock")]).partition("@@")[0]
    assert "flag is on" not in document([refuted()])


def test_a_recorded_proof_is_told_with_the_sizes_that_it_has():
    """Its one client is not any number of them."""
    found = result("hdbss-freed-early", "complete_copy", clients=1)
    assert "any number of pages and vcpus, 1 client" == safe_sibling(found).scope


def test_of_a_property_of_the_users_own_no_design_is_recorded_as_proved(tmp_path):
    """Also where it has the name of a built-in one."""
    rule = "@always\ndef no_lost_write(s, c):\n    'Mine.'\n    return s.kernel <= s.user[c]\n"
    own = "from model.designs.naive import Naive\nfrom model.expr import always\n\n\nclass Own(Naive):\n    'Mine.'\n\n"
    (tmp_path / "own.py").write_text(own + rule)
    found = result(str(tmp_path / "own.py"))
    assert "refuted" == found.verdict.word
    assert "recorded as proved" not in document([found])


def test_in_an_environment_a_sibling_is_recorded_without_it():
    """The proofs of the gallery speak of each design by itself."""
    design = load_in("top-layer", "qemu")
    found = answer(Question(design, find_property("no_lost_write", design), 1, {"Client": 2}, "explicit"))
    assert "any number of pages and clients, without the environment qemu" == safe_sibling(found).scope


def test_a_design_that_cannot_stand_in_the_environment_is_no_sibling():
    """Of its family some have threads of which the environment says nothing; the mail ended in a refusal."""
    design = load_in("chunked-asker-only", "qemu")
    found = answer(Question(design, find_property("promise_kept", design), 1, {"Client": 2}, "explicit"))
    assert "Found by" in document([found])


def test_lines_break_between_words_and_neither_at_hyphens_nor_within_a_set():
    """`report-then-` at the end of a line is no design."""
    assert ["the report-then-unmap", "  of {0, 1, 2}"] == folded("the report-then-unmap of {0, 1, 2}", 23, 2)
    assert [] == folded("", 24)
