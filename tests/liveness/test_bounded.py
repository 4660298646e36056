"""Liveness to safety in z3: it finds the lassos that the graph finds, none where the graph proves, and no proof."""

from itertools import product

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from model import MIGRATION
from model.designs.catalogue import MAIN, built_in_designs, built_in_properties, load
from model.engines.unrolling import Disagreement
from model.expr import INFINITE, Property
from model.instance.instance import Instance
from model.instance.sizes import used_sorts
from model.instance.trace import ReplayError
from model.limits import Limits
from model.liveness import bounded as liveness_bounded
from model.liveness import graph as liveness_graph
from model.liveness.goal import applies, asked
from model.liveness.lasso import Fairness, checked
from model.program.design import record
from model.verdict import Proved, Refuted, Undetermined
from tests.support.random_designs import design, designs, value
from tests.support.seeded_bugs import same_every_time

KINDS = ("strong", "weak", "none")
PROPERTIES = {n: p for n, p in built_in_properties().items() if p.kind in INFINITE}


def both(question, sizes, fairness, depth, pages=1):
    """(what the graph says, what z3 says up to that many moves)."""
    instance = Instance(question.program, pages, sizes)
    limits = Limits(depth=depth)
    return (
        liveness_graph.search(instance, question, fairness),
        liveness_bounded.search(instance, question, fairness, limits),
    )


def agree(graph, bounded, depth):
    """A lasso of either is one of the other; z3's has the fewest moves."""
    if isinstance(bounded, Refuted):
        return isinstance(graph, Refuted) and bounded.depth <= graph.depth
    return bounded == Undetermined(depth=depth) and (isinstance(graph, Proved) or graph.depth > depth)


def each_with_a_fairness():
    """The main designs with every fairness, two that lose and one with a register with the strong one; by night all."""
    strong = ("asker-only", "two-in-one", "no-lock-register")
    for name, kind in product(built_in_designs(), KINDS):
        marks = () if name in MAIN or (kind == "strong" and name in strong) else pytest.mark.slow
        yield pytest.param(name, kind, marks=marks, id=f"{name}-{kind}")


@pytest.mark.parametrize(("name", "kind"), [*each_with_a_fairness()])
def test_z3_and_the_graph_agree_on_every_design_with_one_client(name, kind):
    """Up to 14 moves of stem and loop, which every lasso of theirs has; 12 where read-before-clear loses a write."""
    program = record(load(name))
    for property in PROPERTIES.values():
        if not applies(program, property):
            found = both(asked(program, property), {"Client": 1}, Fairness(kind), 14)
            assert agree(*found, 14)
            assert "proved" == found[0].word or isinstance(found[1], Refuted)


# moves of the shortest lasso with two clients and strong fairness
SHORTEST = {"naive": 13, "top-layer": 13, "delivers-nothing": 6}
LONGER = {"asker-only": 14, "cache-not-forgotten": 19, "no-lock": 21, "read-before-clear": 20, "two-in-one": 19}


def shortest(name, depth):
    question = asked(record(load(name)), PROPERTIES["every_write_is_read"])
    graph, bounded = both(question, {"Client": 2}, Fairness(), depth)
    assert agree(graph, bounded, depth)
    return bounded


@pytest.mark.parametrize(("name", "moves"), SHORTEST.items())
def test_the_shortest_lassos_of_two_clients(name, moves):
    """Found with as many moves, and not with fewer."""
    assert Refuted(depth=moves) == shortest(name, moves)
    assert Undetermined(depth=moves - 1) == shortest(name, moves - 1)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "moves"), LONGER.items())
def test_the_longer_lassos_of_two_clients(name, moves):
    """The same for those that take seconds."""
    assert Refuted(depth=moves) == shortest(name, moves)
    assert Undetermined(depth=moves - 1) == shortest(name, moves - 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["per-slot-cache", "top-layer-and-cache", "no-lock-register"])
def test_no_lasso_of_up_to_24_moves_where_the_graph_proves(name):
    """Two clients, strong fairness."""
    assert Undetermined(depth=24) == shortest(name, 24)


# ---------------------------------------------------------------- random designs


def random_property(data, writers, kind):
    """A property of infinite runs from the random truth values that come with a random design."""

    def said(number):
        def of_each(s, client):
            return value(data.holds[number], s, {"MIGRATION": MIGRATION, "client": client})

        def of_all(s):
            return value(data.holds[number], s, {"MIGRATION": MIGRATION})

        return of_each if data.each_client else of_all

    premise = said(1) if kind == "leads_to" else None
    return Property("random", kind, "A random property.", said(0), goal=said(0), premise=premise, writers=writers)


of_random_designs = given(
    designs(),
    st.sampled_from(INFINITE),
    st.sampled_from(("stop", "go on")),
    st.sampled_from(KINDS),
    st.sampled_from(KINDS),
)


@settings(same_every_time, max_examples=10)
@of_random_designs
def test_z3_and_the_graph_agree_on_random_designs(data, kind, writers, fairness, of_one):
    z3_and_the_graph_agree(data, kind, writers, fairness, of_one)


@pytest.mark.slow
@settings(same_every_time, max_examples=60)
@of_random_designs
def test_z3_and_the_graph_agree_on_60_random_designs(data, kind, writers, fairness, of_one):
    z3_and_the_graph_agree(data, kind, writers, fairness, of_one)


def z3_and_the_graph_agree(data, kind, writers, fairness, of_one):
    """One page and two clients, two pages and one; operation `one` has a fairness of its own."""
    program = record(design(data))
    question = asked(program, random_property(data, writers, kind))
    for pages, clients in ((1, 2), (2, 1)):
        sizes = {"Client": clients} if "Client" in used_sorts(program) else None
        given_fairness = Fairness(fairness, {"one": of_one})
        graph, bounded = both(question, sizes, given_fairness, 8, pages)
        if isinstance(graph, Undetermined):
            continue
        event(f"{graph.word} {kind}")
        assert agree(graph, bounded, 8)


# ---------------------------------------------------------------- what it answers


def test_a_limit_is_undetermined():
    """Out of time; nothing within the bound; nobody to ask of."""
    question = asked(record(load("per-slot-cache")), PROPERTIES["every_write_is_read"])
    instance = Instance(question.program, 1, {"Client": 2})
    found = liveness_bounded.search(instance, question, Fairness(), Limits(depth=60, seconds=0.5))
    assert "the limit of 0.5 seconds was reached" == found.reason
    found = liveness_bounded.search(instance, question, Fairness(), Limits(depth=3))
    assert ("undetermined", "no lasso of up to 3 moves") == (found.word, found.reason)


def test_what_z3_finds_is_run_again(monkeypatch):
    """A lasso that plain integers do not accept is an error of ours, never a verdict."""

    def refused(*_, **__):
        raise ReplayError("the loop is unfair")

    question = asked(record(load("naive")), PROPERTIES["every_write_is_read"])
    instance = Instance(question.program, 1, {"Client": 1})
    found = liveness_bounded.search(instance, question, Fairness("none"))
    [case] = question.cases(instance)
    assert found.detail == checked(found.detail, case, Fairness("none"), quiet=True)
    monkeypatch.setattr(liveness_bounded, "checked", refused)
    with pytest.raises(Disagreement, match="z3 sees a lasso of 2 moves, and plain integers do not: the loop is unfair"):
        liveness_bounded.search(instance, question, Fairness("none"))
