"""The theorem, by example: a run of whole pages, looked at on one of them, is a run of the one-page program."""

from dataclasses import replace

import pytest

from model import ALL, MIGRATION, NONE, Client, Design, Flag, Pages, choose, every, every_client, operation, wait_for
from model.designs.catalogue import find_property, load
from model.designs.gallery import entries
from model.engines.packed import search as lanes
from model.errors import CannotSay
from model.expr import always
from model.instance.instance import Instance
from model.instance.problem import Problem
from model.instance.sizes import used_sorts
from model.limits import Limits
from model.parametric.views.decide import prove
from model.parametric.views.elsewhere import Others, trackable
from model.parametric.views.one_page import ONE_OR_NONE, group_of, one_page
from model.program.design import record
from model.verdict import Refuted
from tests.support.one_page import follows

DESIGNS = (
    ("pml-queue", "complete_copy", {"Vcpu": 2}),
    ("multifd-flushed", "complete_copy", {"Channel": 2}),
    ("skip-if-dirty-fenced", "same_content", {}),
    ("ring-with-bitmap", "complete_copy", {"Vcpu": 1}),
    ("per-slot-cache", "no_lost_write", {"Client": 1}),
    ("block-mirror", "complete_copy", {}),
    ("exchanged-pte", "complete_copy", {"Vcpu": 1}),
)


@pytest.mark.parametrize("pages", [2, 3])
@pytest.mark.parametrize(("name", "promise", "sizes"), DESIGNS, ids=[d[0] for d in DESIGNS])
def test_every_move_of_whole_pages_is_a_move_of_one(name, promise, sizes, pages):
    """Of the first few hundred states, each page: with what is known of other pages, and without."""
    loaded = load(name)
    asked = Problem.of(record(loaded), find_property(promise, loaded))
    sizes = {s: n for s, n in sizes.items() if s in used_sorts(asked.program)}
    whole = Instance(asked.program, pages, sizes)
    for tracked in {frozenset(), trackable(asked.program)}:
        single = one_page(asked.program, asked.invariants, tracked).program
        follows(whole, [(page, Instance(single, 1, sizes)) for page in range(pages)])


@pytest.mark.slow
@pytest.mark.parametrize("entry", entries(), ids=lambda e: e.design)
def test_every_move_of_a_design_of_the_gallery_is_a_move_of_one_page(entry):
    """Two pages, two of each sort."""
    loaded = load(entry.design)
    asked = Problem.of(record(loaded), find_property(entry.decided_by, loaded))
    sizes = dict.fromkeys(asked.free_sizes, 2)
    for tracked in {frozenset(), trackable(asked.program)}:
        single = one_page(asked.program, asked.invariants, tracked).program
        follows(asked.at(2, sizes).instance, [(page, Instance(single, 1, sizes)) for page in range(2)], 80)


@pytest.mark.parametrize("pages", [2, 3, 4])
def test_every_move_of_whole_pages_is_a_move_of_their_group(pages):
    """block-mirror rounds to two; the third of three pages is a group of its own."""
    loaded = load("block-mirror")
    asked = Problem.of(record(loaded), find_property("complete_copy", loaded))
    assert 2 == group_of(asked.program)
    seen = one_page(asked.program, asked.invariants, trackable(asked.program), 2).program
    groups = [(first, Instance(chosen_freely(seen), min(2, pages - first), {})) for first in range(0, pages, 2)]
    follows(Instance(asked.program, pages, {}), groups)


def chosen_freely(program):
    """With any set in place of one page or none, which an instance cannot choose."""

    def freely(param):
        return replace(param, kind="any") if param.kind == ONE_OR_NONE else param

    steps = tuple(replace(s, params=tuple(map(freely, s.params))) for s in program.steps)
    return replace(program, steps=steps)


BUGS = {
    "_minus": ("skip-if-dirty-fenced", lambda self, e: self.of(e.args[0])),
    "_union": ("ring-with-bitmap", lambda self, e: self.of(e.args[0])),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_wrong_rule_for_other_pages_is_found(monkeypatch, bug):
    """A set keeps what was taken out of it; a union forgets a part."""
    name, wrong = BUGS[bug]
    monkeypatch.setattr(Others, bug, wrong)
    promise, sizes = next((p, s) for n, p, s in DESIGNS if n == name)
    with pytest.raises(AssertionError):
        test_every_move_of_whole_pages_is_a_move_of_one(name, promise, sizes, 2)


def test_what_is_tracked():
    """Slots of queues and of store buffers, and not what a chosen set is taken out of."""
    found = {n: set(trackable(record(load(n)))) for n, _, _ in DESIGNS}
    assert {"pml.0", "pml.1"} == found["pml-queue"]
    assert {"sent.0"} <= found["multifd-flushed"]
    assert {"ring.0", "ring.1", "taken"} <= found["ring-with-bitmap"]
    assert {"memory.device.cells.0", "memory.device.cells.1"} == found["skip-if-dirty-fenced"]
    assert set() == found["per-slot-cache"]


# ---------------------------------------------------------------- what other pages say differs from client to client


class EachOfThem(Design):
    """One step asks of every client whether its set is empty: of one it is, of another it is not."""

    have = Pages("what a client has", per=Client)
    empty = Flag("it had nothing when it was looked at", per=Client)

    @operation
    def write(s, me, page):
        s.have[MIGRATION] |= page

    @operation
    def drop(s, me, want):
        s.have[me] -= want

    @operation
    def look(s, me):
        s.empty[every_client] = s.have[every_client] <= NONE


@always
def differ_for_a_page(s, client):
    """Where MIGRATION had something and another client nothing, MIGRATION still has every page: false."""
    return choose(s.empty[client] & ~s.empty[MIGRATION], ALL, NONE) <= s.have[MIGRATION]


class AskedOfAll(EachOfThem):
    """A guard over all clients, in which each client's set is compared."""

    empty = None
    marked = Flag("this client was marked", per=Client)
    done = Flag("every client has something and no mark, or nothing and a mark")

    @operation
    def mark(s, me):
        wait_for(~(me == MIGRATION))
        s.marked[me] = True

    @operation
    def look(s, me):
        wait_for(every(Client, lambda c: choose(s.have[c] <= NONE, s.marked[c], ~s.marked[c])))
        s.done = True


@always
def done_for_a_page(s):
    """Where it is done, MIGRATION has every page: false."""
    return choose(s.done, ALL, NONE) <= s.have[MIGRATION]


@pytest.mark.parametrize(("design", "rule"), [(EachOfThem, differ_for_a_page), (AskedOfAll, done_for_a_page)])
def test_what_differs_from_client_to_client_is_not_chosen_once(design, rule):
    """On one page both look safe; with two pages each is violated, and no proof may say otherwise."""
    asked = Problem.of(record(design), rule)
    with pytest.raises(CannotSay, match="may differ from client to client"):
        one_page(asked.program, asked.invariants)
    assert isinstance(lanes.search(asked.at(2, {"Client": 2})), Refuted)
    assert "proved" != prove(asked, Limits(seconds=10)).word
