"""Fairness and LTL for Spin: it answers every question about infinite runs as the graph of ours does."""

import re
from dataclasses import replace

import pytest

from model import NONE, choose, every_client, operation
from model.designs.catalogue import MAIN, built_in_designs, built_in_properties, load
from model.designs.dirty_log import DirtyLog
from model.designs.naive import Naive
from model.errors import TooWide
from model.export import ltl, promela
from model.export.problem import claim
from model.expr import INFINITE, always, eventually
from model.instance.instance import Instance
from model.liveness import graph as liveness_graph
from model.liveness.goal import applies, asked
from model.liveness.lasso import Fairness
from model.program.design import record
from model.studies.cost import with_device
from tests.support.designs import Plain, UpAndDown, Waits
from tests.support.nightly import rest_nightly
from tests.support.tools import breaks, spin

PROPERTIES = {n: p for n, p in built_in_properties().items() if p.kind in INFINITE}
KINDS = ("strong", "weak", "none")
EVERYWHERE = [(d, n) for d in built_in_designs() for n, p in PROPERTIES.items() if not applies(record(load(d)), p)]
ODD = ("no-lock-register", "delivers-nothing")  # a register that is kept over steps, and nobody who is told
UNLIKE = [  # one operation has a fairness of its own
    ("strong", {"collect": "none"}),
    ("strong", {"sync": "weak"}),
    ("weak", {"clear": "strong"}),
    ("none", {"sync": "weak", "clear": "weak"}),
]


def agree(directory, question, fairness, pages, clients):
    """Spin breaks the formula exactly where the graph has a lasso."""
    sizes = {"Client": clients} if clients else None
    found = liveness_graph.search(Instance(question.program, pages, sizes), question, fairness)
    text = ltl.text(question, Instance(question.observed, pages, sizes), fairness, found)
    assert found.conclusive
    return (found.word == "refuted") == breaks(directory, text, large=clients == 2)


def question(design, property):
    return asked(record(load(design)), PROPERTIES[property])


def first_of_its_kind(asked):
    """All four properties of the cache, and one of the others: what a property says does not depend on the design."""
    design, property = asked
    return design == "per-slot-cache" or property == "every_write_is_read"


@pytest.mark.parametrize("asked", rest_nightly([e for e in EVERYWHERE if e[0] in (*MAIN, *ODD)], first_of_its_kind))
def test_spin_agrees_on_every_property_with_one_client(asked, tmp_path):
    """Strong fairness of every step; the other designs differ from these in an order or a mask, and come nightly."""
    assert agree(tmp_path, question(*asked), Fairness(), 1, 1)


FREED = ("weak", "none"), ("taken_lock_is_freed", "every_write_is_read")


@pytest.mark.parametrize("kind", FREED[0])
@pytest.mark.parametrize(
    "property", rest_nightly([e[1] for e in EVERYWHERE if e[0] == "per-slot-cache"], FREED[1].count)
)
def test_spin_agrees_on_the_cache_without_strong_fairness(property, kind, tmp_path):
    """Weak fairness frees the lock and no more; without fairness nothing holds."""
    assert agree(tmp_path, question("per-slot-cache", property), Fairness(kind), 1, 1)


@pytest.mark.parametrize("design", rest_nightly(MAIN, ["naive", "top-layer"].count))
def test_spin_agrees_on_the_three_main_designs_with_two_clients(design, tmp_path):
    """naive and top-layer leave a write unread for ever; 1.1 million states of the cache and what is guessed."""
    assert agree(tmp_path, question(design, "every_write_is_read"), Fairness(), 1, 2)


@pytest.mark.parametrize(
    ("property", "kind"),
    [
        ("bitmaps_drain", "none"),
        ("taken_lock_is_freed", "strong"),
        pytest.param("bitmaps_drain", "strong", marks=pytest.mark.slow),
        pytest.param("taken_lock_is_freed", "none", marks=pytest.mark.slow),
    ],
)
def test_spin_agrees_where_a_device_writes_too(property, kind, tmp_path):
    """Its writes end where the guest's do, and go on where those do."""
    asks = asked(record(with_device(load("per-slot-cache"))), PROPERTIES[property])
    assert agree(tmp_path, asks, Fairness(kind), 1, 1)


class TwoSteps(DirtyLog):
    """The guest stores first and logs later: what has begun when the writers stop is still to end."""

    sync, clear = Naive.sync, Naive.clear

    @operation
    def write(s, me, page):
        s.unread[every_client] |= page
        yield "stored"
        s.kernel |= page
        yield "logged"


@pytest.mark.parametrize(("but", "verdict"), [({}, "proved"), ({"write": "none"}, "refuted")])
def test_spin_agrees_that_a_write_that_has_begun_must_end(but, verdict, tmp_path):
    """Stored and never logged is never read."""
    asks = asked(record(TwoSteps), PROPERTIES["every_write_is_read"])
    instance = Instance(asks.program, 1, {"Client": 1})
    assert verdict == liveness_graph.search(instance, asks, Fairness("strong", but)).word
    assert agree(tmp_path, asks, Fairness("strong", but), 1, 1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("design", "property"), EVERYWHERE)
def test_spin_agrees_on_every_design_with_one_and_two_clients(design, property, kind, tmp_path):
    """The whole table."""
    for clients in (1, 2):
        assert agree(tmp_path, question(design, property), Fairness(kind), 1, clients)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "but"), UNLIKE)
@pytest.mark.parametrize(("design", "property"), EVERYWHERE)
def test_spin_agrees_where_one_operation_differs(design, property, kind, but, tmp_path):
    """A fairness of its own for one operation."""
    assert agree(tmp_path, question(design, property), Fairness(kind, but), 1, 2 if design in MAIN else 1)


@pytest.mark.slow
@pytest.mark.parametrize(("design", "property"), [e for e in EVERYWHERE if e[0] in ("top-layer", "per-slot-cache")])
def test_spin_agrees_with_two_pages_and_one_client(design, property, tmp_path):
    """A step is the same whatever its pages."""
    assert agree(tmp_path, question(design, property), Fairness(), 2, 1)


# ---------------------------------------------------------------- the ends of runs, and the text


@eventually
def done(s):
    """In the end it is done."""
    return choose(s.done, s.done, ~s.done & s.done)


@eventually
def not_done(s):
    """In the end it is not done."""
    return ~s.done


@pytest.mark.parametrize(
    ("property", "kind", "writers", "broken"),
    [
        (done, "weak", "stop", False),
        (done, "none", "stop", False),
        (done, "weak", "go on", False),
        (done, "none", "go on", True),
        (not_done, "weak", "go on", True),
        (not_done, "none", "stop", True),
    ],
)
def test_a_run_may_stay_where_only_a_write_is_possible(property, kind, writers, broken, tmp_path):
    """It is done for ever, unless the guest's writes for ever keep an unfair scheduler busy: then it may be never."""
    asks = asked(record(Waits), replace(property, writers=writers))
    instance = Instance(asks.observed, 1)
    verdict = liveness_graph.search(instance, asks, Fairness(kind))
    assert (broken, broken) == (verdict.word == "refuted", breaks(tmp_path, ltl.text(asks, instance, Fairness(kind))))


@pytest.mark.parametrize(("kind", "broken"), [("strong", False), ("weak", True)])
def test_a_wrong_guess_ends_the_run(kind, broken, tmp_path):
    """Nothing is owed to up and down; that finishing is never possible again must not be guessed while it is."""
    fairness = Fairness(kind, {"raise_it": "none", "lower_it": "none"})
    asks = asked(record(UpAndDown), done)
    verdict = liveness_graph.search(Instance(asks.program, 1), asks, fairness)
    text = ltl.text(asks, Instance(asks.observed, 1), fairness)
    assert (broken, broken) == (verdict.word == "refuted", breaks(tmp_path, text))


def test_a_step_that_waits_for_its_place_only_needs_no_guess():
    """Of 14 steps of the cache 8 are guessed: the first steps of operations, and the one that takes the lock."""
    asks = question("per-slot-cache", "told_is_read")
    text = ltl.text(asks, Instance(asks.observed, 1, {"Client": 2}), Fairness())
    assert (14, 8) == (text.count("-> turn++"), len(re.findall(r"^bit gone_", text, re.MULTILINE)))
    weak = ltl.text(asks, Instance(asks.observed, 1, {"Client": 2}), Fairness("weak"))
    assert (14, 0) == (weak.count("-> turn++"), weak.count("bit gone_"))


def test_the_header_says_what_is_asked_and_what_to_type():
    """What a reviewer needs stands at the top, and the formula at the end."""
    asks = question("per-slot-cache", "taken_lock_is_freed")
    text = ltl.text(asks, Instance(asks.observed, 1, {"Client": 1}), Fairness("strong", {"sync": "weak"}))
    head = text.split("*/")[0]
    for words in ("taken_lock_is_freed: Whenever", "strong, sync: weak", "Expected: not known", "./pan -a"):
        assert words in head
    assert text.endswith("ltl formula { ([]<> fair) -> ([] (premise -> <> goal)) }\n")


def test_more_pages_than_spin_can_take_are_refused_by_name():
    """Nothing is cut off silently."""
    asks = question("top-layer", "told_is_read")
    with pytest.raises(TooWide, match="Promela's unsigned has at most 31 bits"):
        ltl.text(asks, Instance(asks.observed, 40, {"Client": 2}), Fairness())


def test_a_new_value_that_is_a_choice_keeps_its_parentheses(tmp_path):
    """Spin takes `x = (c -> a : b)` and not without them; the plain export has the same moves."""

    class Chooses(Plain):
        """Only the first write is logged."""

        take = None

        @operation
        def write(s, me, page):
            s.log = choose(s.log <= NONE, page, s.log)

    text = promela.text(claim(record(Chooses), fine, 1, {}))
    assert "    log = (((log & ~0) == 0) -> page : log);\n" in text
    assert (0, 2) == spin(tmp_path, text)[:2]


@always
def fine(s):
    """The flag is never set."""
    return ~s.on
