"""The size of store buffers: asked for, said in every scope, and what a proof at one size says of larger ones."""

import json

import pytest
from click.testing import CliRunner

from model import Design, Flag, Pages, operation, wait_for
from model.check.command import command
from model.designs.catalogue import find_property, load
from model.errors import DesignError, UsageError
from model.expr import Sort, always
from model.instance.instance import Instance
from model.limits import Limits
from model.program.design import record
from model.verdict import Proved
from model.verify.buffers import ENOUGH, FULL, UNKNOWN
from model.verify.portfolio import answer
from model.verify.question import Question
from model.verify.trace_file import load_trace, replay
from tests.support.designs import Plain
from tests.support.paths import ROOT

LITMUS = ROOT / "tests" / "data" / "litmus"


def ran(*arguments):
    """(exit code, what was written, on one line)"""
    found = CliRunner().invoke(command, list(map(str, arguments)), standalone_mode=False)
    return found.return_value, " ".join(found.stdout.split())


def shape(name, entries, engine="lanes", **limits):
    """The answer for a litmus shape with so many entries."""
    file = str(LITMUS / f"{name}.py")
    design = load(file)
    rule = find_property("never", design)
    return answer(Question(design, rule, 1, {"Buffer": entries}, engine, Limits(**limits), spec=file))


def test_the_size_is_asked_for_and_said():
    """One entry forbids what two allow; the scope, a trace and a proof for any number name the entries."""
    file = LITMUS / "sb_2stores.py"
    code, said = ran(file, "--property", "never", "--size", "Buffer=1")
    assert (0, True) == (code, "proved any number of pages, 1 p0, 1 p1, store buffers of 1" in said)
    code, said = ran(file, "--property", "never")
    assert (1, True) == (code, "refuted shortest: 6 moves, 1 page, 1 p0, 1 p1, store buffers of 2" in said)


def test_json_has_the_entries_and_a_trace_is_read_back(tmp_path):
    """Under `buffers`, in the scope and beside the trace; the trace runs again with as many."""
    (tmp_path / "t.json").write_text("")
    code, said = ran(LITMUS / "sb_2stores.py", "--property", "never", "--size", "Buffer=3", "--format", "json")
    result = json.loads(said)["results"][0]
    assert (1, 3, 3) == (code, result["scope"]["buffers"], result["trace"]["buffers"])
    assert "drainers" not in result["trace"]
    trace = replay(load_trace(json.dumps(json.loads(said))), load(str(LITMUS / "sb_2stores.py")))
    assert (6, 3) == (len(trace), trace.instance.program.buffer)


@pytest.mark.parametrize(
    ("name", "entries", "notes"), [("mp", 1, [FULL]), ("mp", 2, [ENOUGH]), ("mp", 3, []), ("sb_2stores", 1, [FULL])]
)
def test_a_full_buffer_is_noted(name, entries, notes):
    """Full and in the way, full and not in the way, never full; read off the reachable states."""
    found = shape(name, entries)
    assert isinstance(found.verdict, Proved)
    assert notes == list(found.notes)


def test_what_the_limits_leave_open_is_said():
    """A proof by induction is followed by a search that may not end."""
    assert [UNKNOWN] == [n for n in shape("mp", 2, engine="inductive", states=2).notes if "buffer" in n]


def test_a_refutation_needs_no_note():
    """A larger buffer has every behaviour of a smaller one."""
    assert [] == list(shape("sb", 1).notes)


def test_what_waits_for_room_counts_only_where_it_could_be_stored():
    """The writer stores once, and a guard keeps it from coming again: one entry is enough."""

    class Once(Design):
        x = Flag("x", memory="tso")
        over = Flag("the writer has been here")

        @operation
        def write(s, me):
            wait_for(~s.over)
            s.x = True
            s.over = True

    @always
    def anything(s):
        """Holds."""
        return s.x | ~s.x | s.over

    found = answer(Question(Once, anything, 1, {"Buffer": 1}, "lanes"))
    assert [ENOUGH] == [n for n in found.notes if "buffer" in n]


class Buffered(Plain):
    """A store buffer of each client."""

    log = Pages("x", memory="tso")
    take = None


def test_a_size_that_does_not_fit_is_refused():
    """A design without store buffers, none at all, another than was recorded."""
    code = CliRunner().invoke(command, ["top-layer", "--size", "Buffer=3"], standalone_mode=False)
    assert isinstance(code.exception, UsageError)
    assert "top-layer has no Buffer; it has Client." == code.exception.message
    with pytest.raises(UsageError, match="a store buffer has at least 1 entry, not 0"):
        record(Buffered, buffer=0)
    with pytest.raises(UsageError, match=r"was recorded with store buffers of 2; write record\(design, buffer=3\)"):
        Instance(record(Buffered), 1, {"Client": 1, "Buffer": 3})
    with pytest.raises(UsageError, match="buffered has no Vcpu; it has Buffer, Client"):
        Instance(record(Buffered), 1, {"Vcpu": 1})
    assert 3 == Instance(record(Buffered, buffer=3), 1, {"Client": 1, "Buffer": 3}).buffer_size["Buffer"]
    assert {} == Instance(record(Plain), 1, {"Client": 1}).buffer_size


@pytest.mark.parametrize("name", ["Buffer", "Drainer"])
def test_sorts_of_store_buffers_are_theirs(name):
    """A design that has both would confuse the sizes."""
    own = Sort(name, "of the design's own")

    class Own(Buffered):
        y = Flag("y", per=own)

    with pytest.raises(DesignError, match=f"Own has store buffers, and {name} is a sort of theirs; rename yours"):
        record(Own)


def test_a_certificate_names_the_entries(tmp_path):
    """Any number of pages and clients, with buffers of three; cvc5 confirms it for three."""
    from model.commands.certify import command as certify

    pytest.importorskip("cvc5")
    file = tmp_path / "marks.py"
    file.write_text(MARKS)
    words = [str(file), "--property", "marked", "--size", "Buffer=1", "--engine", "inductive"]
    done = CliRunner().invoke(command, [*words, "--certificate", str(tmp_path / "c")], standalone_mode=False)
    assert (0, True) == (done.return_value, "store buffers of 1" in " ".join(done.stdout.split()))
    manifest = next((tmp_path / "c").rglob("manifest.json"))
    assert 1 == json.loads(manifest.read_text())["sizes"]["Buffer"]
    confirmed = CliRunner().invoke(certify, [str(manifest.parent)], standalone_mode=False)
    assert (0, True) == (confirmed.return_value, "any number of everything, store buffers of 1" in confirmed.stdout)


MARKS = '''
from model import Client, Design, Pages, operation
from model.expr import always


class Marks(Design):
    """A client marks pages, which nobody takes away."""

    asked = Pages("what was asked for", ghost=True)
    card = Pages("a byte a page", memory="tso")

    @operation
    def mark(s, me, page):
        s.asked |= page
        s.card |= page


@always
def marked(s):
    """Only what was asked for is marked."""
    return s.card <= s.asked
'''
