"""Promela: Spin, which we did not write, gives the recorded verdict and stores as many states as we do."""

import pytest

from model.designs.catalogue import MAIN, find_property, load
from model.errors import TooWide
from model.export import promela
from model.export.problem import claim
from model.expr import MIGRATION, NONE, Client, Flag, Pages, every_client, operation
from model.instance.instance import Instance
from model.program.design import Design, record
from tests.support.nightly import rest_nightly
from tests.support.tools import MAIN_ROWS, ROWS, name, needed, row_claim, run, spin


def agrees(row, directory, compile="-O0"):
    """Spin's verdict is the recorded one; where the property holds, so are its numbers."""
    errors, stored, _ = spin(directory, promela.text(row_claim(row)), compile=compile)
    if row.verdict == "proved":
        assert (0, row.states) == (errors, stored)
    else:
        assert 1 == errors


@pytest.mark.parametrize("row", rest_nightly(ROWS, lambda r: r.design in (*MAIN, "no-lock-register")), ids=name)
def test_spin_agrees_on_every_design_at_one_page_and_two_clients(row, tmp_path):
    """22 models; 1,505 states of the per-slot cache, 6,741 with the guest's stop.

    By default those of the main designs and of the one whose register is kept over steps; gcc takes most of the time.
    """
    agrees(row, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("row", MAIN_ROWS, ids=name)
def test_spin_agrees_on_the_three_main_designs_at_two_pages(row, tmp_path):
    """1,403,799 states of the per-slot cache, 5,299,939 with the guest's stop."""
    agrees(row, tmp_path, "-O2")


def test_spin_takes_as_many_transitions_as_the_reference(tmp_path):
    """5,341 enabled moves of the per-slot cache at 1 page and 2 clients; Spin counts the start as one more."""
    row = next(r for r in ROWS if (r.design, r.property) == ("per-slot-cache", "promise_kept"))
    assert (0, 1505, 5342) == spin(tmp_path, promela.text(row_claim(row)))


class BadFromTheStart(Design):
    """Its first state violates the property already, and no move leads out of it."""

    kernel = Pages("nothing promises the page")
    user = Pages("nor does this", per=Client)
    mine = Pages("nor this", per=Client)
    unread = Pages("and yet MIGRATION misses it", per=Client, initially={MIGRATION: ~NONE})

    @operation
    def collect(s, me):
        s.user[me] = NONE


def test_the_initial_state_is_checked_too(tmp_path):
    """The assertion is a move of its own, possible before any other."""
    made = claim(record(BadFromTheStart), find_property("promise_kept"), 1, {"Client": 1})
    assert 1 == spin(tmp_path, promela.text(made))[0]


class Swap(Design):
    """Three parts go round at once, so that none can be assigned first."""

    kernel = Pages("one")
    user = Pages("two", per=Client)
    mine = Pages("three", per=Client)
    unread = Pages("four", per=Client)
    flag = Flag("set by the guest's write")

    @operation
    def write(s, me, page):
        s.kernel |= page
        s.flag = True

    @operation
    def turn(s, me):
        kernel, user, mine = s.kernel, s.user[me], s.mine[me]
        s.kernel = mine
        s.user[every_client] = kernel
        s.mine[me] = user


def test_assignments_of_one_step_read_the_state_before_it(tmp_path):
    """Spin reaches exactly the states that simultaneous assignment reaches."""
    made = claim(record(Swap), find_property("promise_kept"), 2, {"Client": 2})
    seen, todo = {made.instance.initial}, [made.instance.initial]
    while todo:
        fresh = {after for _, after in made.instance.successors(todo.pop())} - seen
        seen |= fresh
        todo += fresh
    text = promela.text(made)
    assert "hidden unsigned was_" in text
    assert (0, len(seen)) == spin(tmp_path, text)[:2]


def test_an_order_saves_only_what_is_overwritten_before_it_is_read():
    """`collect` needs no temporary: `mine` is assigned before `user` is emptied."""
    instance = Instance(record(load("per-slot-cache")), 1, {"Client": 2})
    assert {()} == {promela.ordered(instance, ground).saved for ground in instance.steps}


def test_the_header_says_property_expectation_and_commands():
    """What a reviewer needs stands at the top."""
    row = next(r for r in ROWS if (r.design, r.property) == ("per-slot-cache", "promise_kept"))
    head = promela.text(row_claim(row)).split("*/")[0]
    for words in (
        "promise_kept: What a client",
        "holds: 1,505 states, depth 26",
        "spin -o2 -a model.pml",
        "pan exits 0",
    ):
        assert words in head


def test_the_trail_is_told_in_our_words(tmp_path):
    """`spin -t` prints the label of each move of the violation."""
    needed("spin", "spin")
    row = next(r for r in ROWS if (r.design, r.property) == ("top-layer", "promise_kept"))
    assert 1 == spin(tmp_path, promela.text(row_claim(row)))[0]
    said = run(tmp_path, "spin", "-t", "model.pml")
    assert "write by the guest: page 1" in said


def test_more_pages_than_spin_can_take_are_refused_by_name():
    """Nothing is cut off silently."""
    made = claim(record(load("top-layer")), find_property("promise_kept"), 40, {"Client": 2})
    with pytest.raises(TooWide, match="Promela's unsigned has at most 31 bits"):
        promela.text(made)
    made = claim(record(load("top-layer")), find_property("promise_kept"), 20, {"Client": 2})
    with pytest.raises(TooWide, match="too many for Spin"):
        promela.text(made)
