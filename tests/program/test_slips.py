"""A line that recording would lose is refused with file, line, a caret under the place, and what to write."""

import subprocess
import sys

import pytest

from model import Design
from model.designs.catalogue import built_in_designs, find_property, gallery_designs, load
from model.errors import DesignError, UsageError
from model.program.design import record
from model.program.observers import invariant
from tests.support.my_design import HEAD, write_design
from tests.support.paths import ROOT

REPRODUCERS = ROOT / "tests" / "data" / "reproducers"
HELPERS = """

def cleared(s, me, page):
    s.kernel -= page
    yield "cleared"


def looks(s):
    return s.kernel <= NONE


def hides(s):
    try:
        s.kernel = NONE
    finally:
        pass

"""

# the line (or lines) of the operation, what the message says, and what the caret stands under
SLIPS = {
    "difference": ("s.kernel - page", "Assign it: s.part -= pages", "s.kernel - page"),
    "comparison": ("s.kernel == page", "Write `=` to assign", "s.kernel == page"),
    "truth": ("~s.flag", "wait_for(...)", "~s.flag"),
    "both": ("s.flag and s.flag", "wait_for(a & b)", "s.flag and s.flag"),
    "method not called": ("s.lock.acquire", "with its brackets", "s.lock.acquire"),
    "element": ("s.unread[me]", "s.part[me] |= pages", "s.unread[me]"),
    "name": ("page", "take the line away", "page"),
    "list": ("[wait_for(s.flag) for _ in '12']", "`for` loop", "[wait_for(s.flag) for _ in '12']"),
    "words of the language": ("choose(s.flag, page, NONE)", "choose(...) is thrown away", "choose(s.flag, page, NONE)"),
    "value of a helper": ("looks(s)", "the value of looks(...) is thrown away", "looks(s)"),
    "helper with a yield": ("cleared(s, me, page)", "Write `yield from cleared(s, me, page)`", "cleared(s, me, page)"),
    "its value kept": ("_done = cleared(s, me, page)", "yield from", "cleared(s, me, page)"),
    "handed on": ("list(cleared(s, me, page))", "yield from", "cleared(s, me, page)"),
    "inner generator": ("def f():\n            yield 'x'\n        f()", "Write `yield from f()`", "f()"),
    "slip in a helper": ("hides(s)", "`try` swallows a refusal", "try"),
    "try": ("try:\n            s.kernel = NONE\n        except ValueError:\n            pass", "`try` swallows", "try"),
    "while": ("while True:\n            s.kernel = NONE", "`while` cannot be recorded", "while"),
    "match": ("match page:\n            case _:\n                s.kernel = NONE", "`match` cannot look", "match"),
    "is": ("wait_for(s.flag is True)", "`is` asks whether", "s.flag is True"),
    "is not": ("wait_for(s.flag is not True)", "`is not` asks", "s.flag is not True"),
    "in": ("wait_for(page in [NONE])", "`in` cannot look", "page in [NONE]"),
    "not in": ("wait_for(page not in [NONE])", "`not in` cannot look", "page not in [NONE]"),
    "chain": ("wait_for(NONE <= page <= page)", "Write (a <= b) & (b <= c)", "NONE <= page <= page"),
    "walrus": ("wait_for((x := s.kernel) <= x)", "`:=` keeps a value", "x := s.kernel"),
    "assert": ("assert page", "`assert` is not recorded", "assert page"),
    "del": ("del s.kernel", "`del` is not recorded", "del s.kernel"),
    "global": ("global seen", "`global` keeps something outside", "global seen"),
    "return": ("return s.kernel", "nobody takes what an operation returns", "return s.kernel"),
    "after return": ("return\n        s.kernel = NONE", "never reached", "s.kernel = NONE"),
    "result of yield": ("s.kernel = NONE\n        me.x = yield 'a'", "gives nothing back", "yield 'a'"),
    "local name": ("kernel = s.kernel - page", "Write s.kernel = ... for a part", "kernel"),
    "annotation": ("s.kernel: page", "thrown away", "s.kernel: page"),
}


def written(directory, body):
    """my_design.py with helpers and one operation that has this body and then something that is right."""
    file = directory / "my_design.py"
    file.write_text(HEAD.replace("\n\nclass", HELPERS + "class", 1) + f"        {body}\n        s.flag = True\n")
    return file


@pytest.mark.parametrize("what", SLIPS)
def test_a_line_that_would_be_lost_is_refused(what, tmp_path, monkeypatch):
    """Each of these was recorded as if the line were not there, or might be."""
    monkeypatch.chdir(tmp_path)
    body, message, under = SLIPS[what]
    lines = written(tmp_path, body).read_text().splitlines()
    with pytest.raises(DesignError) as caught:
        record(load("my_design.py"))
    place = caught.value.place
    assert message in caught.value.message
    assert caught.value.message.startswith("Mine.clear: ")
    assert ("my_design.py", under) == (place.file, lines[place.line - 1][place.start : place.end])


FINE = {
    "driven": "yield from cleared(s, me, page)\n        s.flag = looks(s)\n        yield 'x'",
    "looped": "for name in cleared(s, me, page):\n            yield name\n        s.flag = True\n        yield 'x'",
    "constants": "for n in range(2):\n            s.kernel |= page if n else NONE",
    "asks the design": "if 'kernel' in s:\n            s.kernel |= page",
    "bare return": "s.kernel |= page\n        return",
    "kept aside": "_ = s.kernel - page\n        s.kernel = NONE",
    "a local that is read": "new = s.kernel - page\n        s.kernel = new",
}


@pytest.mark.parametrize("what", FINE)
def test_what_is_recorded_is_not_refused(what, tmp_path, monkeypatch):
    """Python at recording time is the language's macro system, as in hardware description languages."""
    monkeypatch.chdir(tmp_path)
    body = FINE[what]
    file = written(tmp_path, body)
    if "yield" in body or "return" in body:
        file.write_text(file.read_text().removesuffix("        s.flag = True\n"))
    assert ("clear",) == record(load("my_design.py")).operations


def test_the_message_shows_the_line_with_a_caret_under_the_place(tmp_path):
    """As compilers do; exit code 2."""
    write_design(tmp_path, "s.kernel - page")
    command = [sys.executable, "-m", "model.check", str(tmp_path / "my_design.py")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    head, *rest = done.stderr.splitlines()
    assert head.startswith(f"error: {tmp_path}/my_design.py:15: Mine.clear: the value of this line is thrown away")
    assert ([" 15 |         s.kernel - page", "    |         ^^^^^^^^^^^^^^^"], 2) == (rest, done.returncode)


def test_a_refusal_while_recording_has_a_caret_too(tmp_path, monkeypatch):
    """The interpreter knows which columns it was at (PEP 657); a line with letters that take two bytes counts right."""
    monkeypatch.chdir(tmp_path)
    write_design(tmp_path, "assert_é = NONE; s.kernal |= assert_é")
    with pytest.raises(DesignError) as caught:
        record(load("my_design.py"))
    assert (
        " 15 |         assert_é = NONE; s.kernal |= assert_é\n    |                          ^^^^^^^^\n"
        in caught.value.shown() + "\n"
    )


BLIND = {  # what the bytecode shows of the same slips where there is no source
    **{n: SLIPS[n] for n in ("difference", "comparison", "element", "try", "while", "is", "in", "return")},
    "method": ("s.lock.acquire", "thrown away", ""),
    "generator": ("cleared(s, me, page)", "Write `yield from cleared(...)`", ""),
}


@pytest.mark.parametrize("what", BLIND)
def test_without_source_the_bytecode_is_read(what, tmp_path):
    """`exec` and a prompt leave no file behind."""
    body, message, _ = BLIND[what]
    names = {"__name__": "typed"}
    exec(compile(written(tmp_path, body).read_text(), "<typed>", "exec"), names)
    with pytest.raises(DesignError) as caught:
        record(names["Mine"])
    assert message.partition("Assign")[0] in caught.value.message or "thrown away" in caught.value.message


def test_a_design_without_source_says_so(tmp_path):
    """A note, since less of it could be read."""
    names = {"__name__": "typed"}
    exec(compile(written(tmp_path, "s.kernel |= page").read_text(), "<typed>", "exec"), names)
    assert ("Mine.clear: its source cannot be read, so it was checked for lost lines by its bytecode alone",) == (
        record(names["Mine"]).notes
    )
    assert () == record(load(str(tmp_path / "my_design.py"))).notes


@pytest.mark.parametrize("name", [*built_in_designs(), *gallery_designs()])
def test_no_line_of_a_built_in_design_is_lost(name):
    """Nor is one of them refused."""
    assert () == record(load(name)).notes


@pytest.mark.parametrize(
    ("name", "line"),
    [("generator_helper", 24), ("q18_except_swallow", 26), ("q21_dead_expr", 26), ("q40_is", 35), ("q41_is_none", 35)],
)
def test_a_reproducer_of_a_lost_line_is_refused(name, line):
    """Each was proved for any number of pages and clients."""
    with pytest.raises(DesignError) as caught:
        record(load(str(REPRODUCERS / "silent" / f"{name}.py")))
    assert line == caught.value.place.line


def test_the_helper_that_is_driven_is_recorded():
    """The same design with `yield from`."""
    steps = record(load(str(REPRODUCERS / "silent" / "generator_helper_right.py"))).steps
    assert ["chosen", "read", "cleared"] == [s.name for s in steps if s.operation == "clear"]


ACTS = {
    "silent/m59_property_bool": (34, "it returns Python's True, whatever the state is"),
    "silent/m61b": (37, "a property says what holds of a state and changes nothing"),
    "messages/m60_property_none": (37, "the value of this line is thrown away"),
    "messages/m63_prop_if": (37, "`if`, `and`, `or` and `not` cannot look at the state"),
}


@pytest.mark.parametrize("file", ACTS)
def test_a_property_that_acts_or_says_nothing_is_refused(file):
    """With the line of the property, not of the design."""
    line, message = ACTS[file]
    design = load(str(REPRODUCERS / f"{file}.py"))
    with pytest.raises(UsageError) as caught:
        invariant(record(design), find_property("prop", design))
    assert caught.value.message.startswith(f"prop cannot be asked of mistake: {message}")
    assert (f"{file.split('/')[1]}.py", line) == (caught.value.place.file.split("/")[-1], caught.value.place.line)


def test_a_property_that_waits_is_refused():
    """A lock that a property takes, and a queue that it empties, would change the state."""
    assert issubclass(load(str(REPRODUCERS / "silent" / "m61c.py")), Design)
    design = load(str(REPRODUCERS / "silent" / "m61c.py"))
    kept = find_property("prop", design)
    taken = type(kept)("takes", "always", "x", lambda s: s.slots_lock.acquire())
    with pytest.raises(UsageError, match="changes nothing"):
        invariant(record(design), taken)
