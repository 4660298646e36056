"""Cubicle: the exported text, run by a small reader of our own, and by Cubicle where it is installed."""

import re
import shutil
import subprocess
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings

from model import ALL, NONE, Client, Design, Flag, Guest, Lock, Pages, Sort, every, operation, wait_for
from model.designs.catalogue import find_property, load
from model.engines.packed import search as lanes
from model.errors import CannotSay, ModelError
from model.export import cubicle
from model.export.problem import claim
from model.export.reserved import CUBICLE
from model.expr import always
from model.instance.problem import Problem
from model.limits import Limits
from model.parametric.views.one_page import one_page
from model.parametric.views.protocol import protocol
from model.parametric.views.table import Safe
from model.program.design import record
from model.verdict import Proved, Refuted, Undetermined
from tests.support import cubicle as reader
from tests.support.command import clearorder
from tests.support.designs import Plain
from tests.support.hostile_names import NAMES
from tests.support.random_designs import asked, design, designs
from tests.support.seeded_bugs import same_every_time

BUILT_IN = ("per-slot-cache", "top-layer-and-cache", "no-lock-register", "naive", "top-layer")
TEN = [(name, promise) for name in BUILT_IN for promise in ("promise_kept", "no_lost_write")]
UNSAFE = {"no-lock-register", "naive", "top-layer"}
NO_LOST_WRITE = ("--property", "no_lost_write")
MOST = 60_000  # states


def made(name, promise):
    loaded = load(name)
    return claim(record(loaded), find_property(promise, loaded), 1, {})


def packed(asked_of, number):
    """Moves of a shortest violation on one page with so many processes of each kind beside those that are named.

    None where there is none; Undetermined where there are too many states.
    """
    single = one_page(asked_of.instance.program, [asked_of.invariant]).program
    cast = protocol(single, [asked_of.invariant]).cast
    sizes = {sort: named + number for sort, named in cast.named.items()}
    found = lanes.search(Problem(single, (asked_of.invariant,), 1, sizes), Limits(states=200_000))
    return found if isinstance(found, Undetermined) else found.depth if isinstance(found, Refuted) else None


def agrees(asked_of, most):
    """Whether the reader and the packed search say the same with 1 to `most` processes, as far as both can say."""
    text = cubicle.text(asked_of)
    for number in range(1, most + 1):
        try:
            mine = reader.search(text, number, MOST)
        except MemoryError:
            return True
        expected = packed(asked_of, number)
        if isinstance(expected, Undetermined):
            return True
        if expected != mine:
            return False
    return True


# ---------------------------------------------------------------- the designs


@pytest.mark.parametrize("asked_of", TEN, ids="-".join)
def test_the_ten_questions_say_what_the_packed_search_says(asked_of):
    """With one client, and where the question is smaller with two."""
    assert agrees(made(*asked_of), 2 if asked_of[1] == "promise_kept" else 1)


@pytest.mark.slow
@pytest.mark.parametrize("asked_of", TEN, ids="-".join)
def test_the_ten_questions_say_what_the_packed_search_says_up_to_four_clients(asked_of):
    assert agrees(made(*asked_of), 4)


def test_three_clients_lose_a_write_without_the_lock():
    """In 13 moves; two do not."""
    text = cubicle.text(made("no-lock-register", "no_lost_write"))
    assert (None, 13) == (reader.search(text, 2), reader.search(text, 3))


GALLERY = [("legacy-get", "complete_copy"), ("soft-dirty", "complete_copy"), ("wrong-start", "no_lost_write")]
GALLERY += [("clear-by-bmap", "no_lost_write"), ("clear-without-rearm", "complete_copy")]


@pytest.mark.parametrize("asked_of", GALLERY, ids="-".join)
def test_designs_of_the_gallery_say_what_the_packed_search_says(asked_of):
    """Designs with named clients, devices, and without any client."""
    assert agrees(made(*asked_of), 2)


# ---------------------------------------------------------------- random designs


def compared(data, most):
    """Agreement on each property of a random design that is in the fragment."""
    program = record(design(data))
    for promise in data.holds:
        try:
            asked_of = claim(program, asked(promise, data.each_client), 1, {})
            cubicle.text(asked_of)
        except ModelError:
            continue
        assert agrees(asked_of, most)


@settings(same_every_time, max_examples=10)
@given(designs())
def test_random_designs_say_what_the_packed_search_says(data):
    compared(data, 3)


@pytest.mark.slow
@settings(same_every_time, max_examples=600)
@given(designs())
def test_200_random_designs_say_what_the_packed_search_says(data):
    """Of 600 that are drawn more than 200 are in the fragment."""
    compared(data, 4)


Writer = Sort("Writer", "a thread that writes", ("writer 0", "writer 1"))


class TwoKinds(Design):
    """A writer marks what some client has asked for; that client must not read it twice."""

    asked = Pages("what a client waits for", per=Client)
    waits = Flag("it waits", per=Client)
    busy = Flag("a writer is at work", per=Writer)
    log = Pages("what was written")
    lock = Lock("of the log")

    @operation
    def ask(s, me):
        s.asked[me] = ALL
        s.waits[me] = True

    @operation(by=Writer)
    def write(s, me, client):
        with s.lock:
            wait_for(s.waits[client])
            s.busy[me] = True
            me.got = s.asked[client]
            yield "begun"
            s.log |= me.got
            s.busy[me] = False
            yield "written"

    @operation
    def take(s, me):
        s.asked[me] -= s.log
        s.waits[me] = False


@always
def nothing_is_written(s):
    """Nobody writes."""
    return s.log <= NONE


def test_several_kinds_of_threads_are_told_apart():
    """A process is of one kind, whichever, from the start: a writer and a client are two."""
    asked_of = claim(record(TwoKinds), nothing_is_written, 1, {})
    text = cubicle.text(asked_of)
    assert "array Kind[proc] : kind" in text
    assert None is reader.search(text, 1)
    assert 3 == packed(asked_of, 1) == reader.search(text, 2)


# ---------------------------------------------------------------- what the comparison would notice


SLIPS = {
    "a bystander that does not hear": (
        r"User\[z\] := case (.*?)\| z = me : False .*?;",
        r"User[z] := case \1| z = me : False | _ : User[z];",
    ),
    "a lock that is not taken": (r"Lock_slots_lock := True", "Lock_slots_lock := False"),
    "a guard that is not asked": (r"Lock_slots_lock = False && ", ""),
    "a case in another order": (r"\| z = me && User\[me\] = True : True ", "| z = me : False "),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_in_the_text_is_noticed(slip, monkeypatch):
    """Each makes the reader and the packed search disagree on a safe design or a refuted one."""
    pattern, instead = SLIPS[slip]
    whole, changed = cubicle.text, []

    def slipped(asked_of):
        changed.append(re.subn(pattern, instead, whole(asked_of)))
        return changed[-1][0]

    monkeypatch.setattr(cubicle, "text", slipped)
    same = [agrees(made(name, "promise_kept"), 2) for name in ("per-slot-cache", "top-layer")]
    assert any(count for _, count in changed)
    assert not all(same)


@pytest.mark.parametrize(
    "wrong",
    [
        ("transition ", "transition Unsafe_", "no name of a type"),
        ("(me)\nrequires", "(me z)\nrequires", "z already used as a transition's parameter"),
        ("array At[proc] : placeClient", "array At[proc] : place", "unknown type place"),
        ("| _ : User[z]", "", "a case without a default"),
        ("Kernel := True", "Kernel := Idle_Client", "types are not compatible"),
        ("var Kernel : bool", "var kernel : bool", "no name of a variable"),
        ("*)", "", "unterminated comment"),
    ],
    ids=lambda w: w[2],
)
def test_the_reader_refuses_what_cubicle_refuses(wrong):
    """Else it would agree with anything."""
    old, new, said = wrong
    text = cubicle.text(made("naive", "no_lost_write"))
    assert old in text
    with pytest.raises(reader.Refused, match=re.escape(said)):
        reader.Parser(text.replace(old, new)).parse()


# ---------------------------------------------------------------- Cubicle itself


def cubicle_says(text, directory):
    """SAFE or UNSAFE, from a Cubicle that is installed."""
    program = shutil.which("cubicle")
    if program is None:
        pytest.skip("cubicle is not installed: github.com/cubicle-model-checker/cubicle")
    (directory / "model.cub").write_text(text)
    done = subprocess.run(
        [program, "-nocolor", "model.cub"], cwd=directory, capture_output=True, text=True, timeout=300
    )
    found = re.search(r"The system is (SAFE)|(UNSAFE) !", done.stdout)
    assert found, done.stdout[-500:] + done.stderr[-500:]
    return found[1] or found[2]


@pytest.mark.parametrize("asked_of", TEN, ids="-".join)
def test_cubicle_says_what_views_say(asked_of, tmp_path):
    """For any number of clients; the per-slot cache keeps its promise, and so on."""
    unsafe = asked_of[0] in UNSAFE
    assert ("UNSAFE" if unsafe else "SAFE") == cubicle_says(cubicle.text(made(*asked_of)), tmp_path)


@pytest.mark.slow
@settings(same_every_time, max_examples=600)
@given(data=designs())
def test_cubicle_says_what_the_packed_search_says_of_200_random_designs(data, tmp_path_factory):
    """A violation with up to four clients is one for Cubicle, and what is safe for Cubicle has none."""
    if shutil.which("cubicle") is None:
        pytest.skip("cubicle is not installed: github.com/cubicle-model-checker/cubicle")
    program = record(design(data))
    for promise in data.holds:
        try:
            asked_of = claim(program, asked(promise, data.each_client), 1, {})
            text = cubicle.text(asked_of)
        except ModelError:
            continue
        said = cubicle_says(text, tmp_path_factory.mktemp("cubicle"))
        found = [packed(asked_of, number) for number in range(1, 5)]
        assert "UNSAFE" == said or not any(isinstance(f, int) for f in found)
        assert "SAFE" == said or any(f is not None for f in found)


# ---------------------------------------------------------------- refused by name


class Counts(Plain):
    """Nobody goes on before everyone is ready."""

    ready = Flag("is ready", per=Client)

    @operation
    def prepare(s, me):
        s.ready[me] = True

    @operation(by=Guest)
    def write(s, me, page):
        wait_for(every(Client, lambda c: s.ready[c]))
        s.log |= page


class Empties(Plain):
    """A page goes where another page is not."""

    done = Pages("what was done")
    write = take = None

    @operation
    def clear(s, me, page):
        s.done |= page
        if_empty = s.log <= NONE
        s.log = s.log - page
        wait_for(if_empty | (s.done <= NONE))


def refusal(design, promise):
    with pytest.raises(CannotSay) as refused:
        cubicle.text(claim(record(design), promise, 1, {}))
    return str(refused.value)


def test_a_guard_over_all_is_refused():
    """What stands in its way Cubicle lets vanish."""
    assert "write asks something of every client at once, and Cubicle lets those" in refusal(Counts, nothing_is_written)


def test_pages_that_are_related_are_refused():
    """One page could do what whole slots cannot."""
    done = clearorder("check", "manual-clear", "--property", "complete_copy", "--format", "cubicle")
    assert 2 == done.returncode
    assert "clear.flushed relates pages, and a Cubicle model has one page" in done.stderr


def test_what_is_expected_is_for_any_number():
    """That one client loses nothing is not what Cubicle is asked."""
    few = (*NO_LOST_WRITE, "--clients", "1", "--engine", "lanes")
    done = clearorder("check", "top-layer", *few, "--format", "cubicle")
    assert "Expected: UNSAFE." in done.stdout
    for safe in (Proved(1, 1), Proved(1, 1, detail=Safe((), (), {"Client": 1}, (), None, "")), None):
        assert "Expected: not known." in cubicle.text(replace(made(*TEN[0]), expected=safe))


# ---------------------------------------------------------------- names


WORDS = sorted(reader.KEYWORDS | {"True", "False", "proc", "int", "real", "bool", "mbool"})
WORDS += ["z", "me", "p1", "kind", "Kind", "A_Client", "Idle_Client", "At", "place", "é", "kind_2", "Kind_2"]


def named(names):
    """A design with a part and a step of each name that the language takes; how many there are."""
    taken = list(dict.fromkeys(names))
    if with_names(taken) is None:
        taken = [name for name in taken if with_names([name])]
    return with_names(taken), len(taken)


def with_names(names):
    """The design, or None where it is refused."""
    parts = {name: Pages("pages", per=Client) for name in names}
    members = {"__doc__": "Names.", "__module__": __name__, "log": Pages("x"), **parts, "take": taking(names)}
    with suppress(ModelError, ValueError):
        found = type("Named", (Design,), members)
        record(found)
        return found


def taking(names):
    """An operation with a step for each part."""

    @operation
    def take(s, me):
        for name in names:
            getattr(s, name)[me] |= s.log
            yield name

    return take


def reads(names):
    """The model with these names is read, has a variable for each, and finds nothing."""
    design, count = named(names)
    text = cubicle.text(claim(record(design), nothing_is_written, 1, {}))
    model = reader.Parser(text).parse()
    assert count + 1 == len(model.arrays)
    assert None is reader.search(text, 1)
    return count


def test_every_word_of_cubicle_can_be_a_name_in_a_design():
    """Keywords and types of any version, and words that the export uses itself; the reader knows Cubicle's grammar."""
    assert len(WORDS) == reads(WORDS)
    assert set(WORDS) >= set(CUBICLE)


@pytest.mark.parametrize("first", [7, pytest.param(None, marks=pytest.mark.slow)])
def test_hostile_names_are_spelled(first):
    """Line ends, signs of every language, words of other tools; a tenth of them, or all."""
    assert reads(NAMES if first is None else NAMES[first::10]) > 20
