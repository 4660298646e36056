"""What a design declares, and a file as a whole: each slip is one message with file and line, exit code 2."""

import pytest

from model.designs import files
from model.designs.catalogue import find_property, load
from model.errors import DesignError, UsageError
from model.instance.problem import Problem
from model.limits import Limits
from model.program import tracing
from model.program.design import record
from model.verify.portfolio import answer
from model.verify.question import Question
from tests.support.paths import ROOT

REPRODUCERS = ROOT / "tests" / "data" / "reproducers"
HEAD = "from model import *\nfrom model import Design, Pages, Flag, Lock, Queue, operation\n\n\nclass Mine(Design):\n"
TAIL = "\n    log = Pages('log')\n\n    @operation\n    def write(s, me, page):\n        s.log |= page\n"


def refused(file):
    with pytest.raises(DesignError) as caught:
        record(load(str(file)))
    return caught.value.place.line, caught.value.message


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("m49_infinite_nameless", 27, "`while` cannot be recorded"),
        ("m65_import_sys_exit", 7, "it leaves Python (sys.exit, quit or exit)"),
        ("p06", 8, "unread starts as {0, 1}; it can start as NONE or ALL."),
        ("p09", 7, "P.kernel: it is a Python set, which no engine sees."),
        ("p10", 7, "P.kernel: it is the word Pages itself and declares nothing"),
        ("part_named_locked", 6, "s.locked is the language's own and cannot be a part"),
        ("q31_me_as_page", 35, "Mistake.a: me is a client, not a set of pages"),
        ("r105_reg_index", 35, "me.index is the language's own and cannot be a register"),
    ],
)
def test_a_reproducer_of_a_bad_message(name, line, message):
    """Each had an internal of ours in its message, no line, or ended in an internal error."""
    found = refused(REPRODUCERS / "messages" / f"{name}.py")
    assert (line, True) == (found[0], message in found[1])


def test_what_was_an_internal_error_is_recorded():
    """NumPy's integers are numbers; @staticmethod adds nothing to an operation."""
    assert 2 == record(load(str(REPRODUCERS / "messages" / "m17_numpy.py"))).parts["ring"].length
    assert "par" in record(load(str(REPRODUCERS / "messages" / "m46_staticm.py"))).operations


OPERATION = "    @operation\n    def f(s, me):\n"
BODIES = {
    "queue": ("    ring = Queue('q', length=0)\n", "a queue holds a whole number of entries, at least 1"),
    "truth as length": ("    ring = Queue('q', length=True)\n", "a queue holds a whole number"),
    "hidden operation": ("    @staticmethod\n" + OPERATION + "        s.log = NONE\n", "@staticmethod hides"),
    "hidden method": ("    @staticmethod\n    def f(s, me):\n        s.log = NONE\n", "is no operation and no"),
    "sort as text": (OPERATION.replace("n\n", "n(by='Guest')\n") + "        s.log = NONE\n", "by='Guest' is no"),
    "no method": ("    f = operation(print)\n", "@operation stands in front of a method"),
    "async": ("    @operation\n    async def f(s, me):\n        s.log = NONE\n", "`async def` is never run by anyone"),
    "exit": (OPERATION + "        exit()\n", "it leaves Python"),
    "object": (OPERATION + "        s.log |= object()\n", "not a object."),
    "steps": (
        OPERATION + "        for n in range(2000):\n            s.log = ~s.log\n            yield f'x{n}'\n",
        "more than 1,000 steps",
    ),
    "changes": (OPERATION + "        for n in range(9000):\n            s.log = NONE\n", "more than 5,000 times"),
}


@pytest.mark.parametrize("what", BODIES)
def test_a_declaration_is_refused_with_its_line(what, tmp_path):
    """The line is one of those that were added."""
    body, message = BODIES[what]
    (tmp_path / "mine.py").write_text(HEAD + body + TAIL)
    line, said = refused(tmp_path / "mine.py")
    assert (True, True) == (message in said, 6 <= line <= 5 + body.count("\n"))


def test_recording_that_never_ends_is_stopped(tmp_path, monkeypatch):
    """A loop that the source does not show to be endless, in which nothing happens."""
    monkeypatch.setattr(tracing, "SECONDS", 0.3)
    body = "    @operation\n    def f(s, me):\n        for _ in iter(int, 1):\n            pass\n"
    (tmp_path / "mine.py").write_text(HEAD + body + TAIL)
    assert "it was still being recorded after 0 seconds" in refused(tmp_path / "mine.py")[1]


def test_a_file_that_never_ends_is_stopped(tmp_path, monkeypatch):
    """`except` around it does not help."""
    monkeypatch.setattr(files, "SECONDS", 0.3)
    (tmp_path / "mine.py").write_text("while True:\n    try:\n        pass\n    except Exception:\n        pass\n")
    assert "the file was still running after 0 seconds" in refused(tmp_path / "mine.py")[1]


def test_modules_beside_a_design_are_found_and_hide_none_of_pythons(tmp_path):
    """queue.py and model.py are names that anybody might give."""
    for name in ("queue", "model", "properties"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('the wrong one')\n")
    (tmp_path / "clearorder_test_parts.py").write_text("from model import Pages\nlog = Pages('log')\n")
    text = HEAD.replace(
        "class", "import queue\nqueue.Queue\nfrom clearorder_test_parts import log as shared\n\n\nclass"
    )
    (tmp_path / "mine.py").write_text(text + "    log = shared\n" + TAIL.replace("    log = Pages('log')\n", ""))
    assert ("write",) == record(load(str(tmp_path / "mine.py"))).operations


def test_two_sorts_of_one_name_are_refused():
    """The size of one of them was taken for both."""
    line, message = refused(REPRODUCERS / "silent" / "q29_two_sorts_same.py")
    assert message.startswith("Mistake uses two sorts that are both called Device: one for the threads of a, another")
    assert 9 == line


def test_a_size_of_a_sort_that_has_one_is_refused():
    """It was ignored."""
    program = record(load(str(REPRODUCERS / "silent" / "scope_fixed_sort.py")))
    asked = find_property("marks_stay", load(str(REPRODUCERS / "silent" / "scope_fixed_sort.py")))
    with pytest.raises(UsageError, match="has exactly 1 marker, not 2: its Sort says size=1"):
        Problem.of(program, asked, sizes={"Marker": 2}).instance.sizes  # noqa: B018
    assert {"Marker": 1} == dict(Problem.of(program, asked, sizes={"Marker": 1}).instance.sizes)


@pytest.mark.parametrize("engine", ["explicit", "lanes", "bounded", "inductive"])
def test_each_operation_of_the_machine_is_a_thread(engine):
    """Both are inside after two moves; with one thread for all hardware it was proved."""
    design = load(str(REPRODUCERS / "silent" / "machine_threads.py"))
    limits = Limits(seconds=10, depth=4)
    found = answer(Question(design, find_property("not_both", design), 1, {}, engine, limits)).verdict
    assert ("undetermined" if engine == "inductive" else "refuted", engine) == (found.word, engine)
    assert {"Machine": 2} == {s: v.size for s, v in record(design).sorts.items() if s == "Machine"}


@pytest.mark.parametrize("name", ["no_vcpu", "chunk"])
def test_a_property_of_a_sort_that_the_design_lacks_is_refused(name, tmp_path):
    """It was an internal error; of nobody it would hold."""
    text = "from model import *\nfrom model import Sort, Vcpu, every\nfrom model.expr import always\n"
    text += "Chunk = Sort('Chunk', 'a chunk')\nclass Seen(Design):\n    seen = Flag('seen')\n    @operation\n"
    text += "    def look(s, me):\n        s.seen = True\n@always\ndef no_vcpu(s):\n    '''x'''\n"
    text += "    return every(Vcpu, lambda v: ~s.seen)\n@always\ndef chunk(s):\n    '''x'''\n"
    text += "    return every(Chunk, lambda v: ~s.seen)\n"
    (tmp_path / "seen.py").write_text(text)
    design = load(str(tmp_path / "seen.py"))
    with pytest.raises(UsageError, match="it is about each (Vcpu|Chunk), and Seen has none"):
        Problem.of(record(design), find_property(name, design))
