"""Symmetry changes how many states are kept, never what is said: orbits are counted again by brute force."""

from itertools import permutations, product

import pytest
from hypothesis import assume, event

from model import MIGRATION, NONE, Client, Design, Flag, Guest, Pages, operation, whole
from model.designs.catalogue import built_in_designs, built_in_properties
from model.designs.manifest import rows
from model.engines import explicit
from model.engines.packed import least, levels, sweep, symmetry
from model.engines.packed import search as lanes
from model.expr import PAGES, always
from model.instance.problem import Problem
from model.limits import Limits
from model.program.design import record
from model.program.mutation import mutants
from model.verdict import Refuted, Undetermined
from tests.support.clear_k import ClearK, ClearKNaive, ClearKTopLayer, promise
from tests.support.packed import question
from tests.support.random_designs import SIZES, questions
from tests.support.reachable import reachable
from tests.support.seeded_bugs import on_random_designs, sample


def said(verdict):
    return verdict.word, verdict.depth


def with_symmetry(asked, limits=None, **more):
    return lanes.search(asked, limits, reductions=["symmetry"], **more)


def images(asked, alike, pages=True):
    """Functions on tuples: every order of pages (unless they are told apart) with every order of the clients alike."""
    orders = permutations(range(asked.pages)) if pages else [tuple(range(asked.pages))]

    def image(order, clients):
        to = dict(zip(alike, clients, strict=True))

        def moved(state):
            result = list(state)
            for field, value in zip(asked.fields, state, strict=True):
                if field.sort == PAGES:
                    value = sum((value >> p & 1) << order[p] for p in range(asked.pages))
                number = to.get(field.number, field.number) if field.per == "Client" else field.number
                result[asked.position[field.name, number]] = value
            return tuple(result)

        return moved

    return [image(*how) for how in product(orders, permutations(alike))]


def orbits(asked, alike, pages=True):
    """Orbits among all states, by brute force."""
    moved = images(asked, alike, pages)
    left, count = reachable(asked), 0
    while left:
        state = next(iter(left))
        left -= {image(state) for image in moved}
        count += 1
    return count


def orbits_by_burnside(asked, alike, pages=True):
    """The same by Burnside's lemma: the states that an image leaves where they are, on average over all images."""
    moved, states = images(asked, alike, pages), reachable(asked)
    fixed = sum(image(state) == state for image in moved for state in states)
    assert 0 == fixed % len(moved)
    return fixed // len(moved)


def states_left(asked, found, word_bits=64):
    """How many states the search keeps, going on past violations."""
    run = sweep.Search(Problem.on(asked), word_bits=word_bits)
    run.layers = []
    run.least = least.canonical(found, run.packing)
    return run.run().states


# ---------------------------------------------------------------- how many orbits


@pytest.mark.parametrize(
    ("design", "property", "pages", "clients", "alike"),
    [
        (ClearK, promise, 2, 2, (1,)),
        pytest.param(ClearK, promise, 3, 2, (1,), marks=pytest.mark.slow),
        (ClearK, promise, 1, 4, (1, 2, 3)),
        pytest.param("per-slot-cache", "promise_kept", 3, 1, (0,), marks=pytest.mark.slow),
        ("naive", "promise_kept", 3, 1, (0,)),
        ("per-slot-cache", "promise_kept", 1, 3, (0, 1, 2)),
        ("per-slot-cache", "no_lost_write", 2, 1, (0,)),
        ("top-layer-and-cache", "no_lost_write", 1, 2, (0, 1)),
        ("two-in-one", "promise_kept", 1, 2, (0, 1)),
    ],
)
@pytest.mark.parametrize("word_bits", [64, 7])
def test_as_many_states_are_left_as_there_are_orbits(design, property, pages, clients, alike, word_bits):
    """Whether a state is one word or several."""
    problem = question(design, property, pages, clients)
    asked, found = problem.instance, symmetry.symmetry(problem)
    assert orbits(asked, alike) == states_left(asked, found, word_bits)


@pytest.mark.parametrize(("pages", "clients"), [(2, 1), (1, 2), pytest.param(1, 3, marks=pytest.mark.slow)])
@pytest.mark.parametrize("design", built_in_designs())
def test_every_design_keeps_a_state_for_each_orbit(design, pages, clients):
    """Counted by brute force and by Burnside's lemma; the promise is made to every client, so all are alike."""
    problem = question(design, "promise_kept", pages, clients)
    asked = problem.instance
    counted = orbits(asked, range(clients))
    assert counted == orbits_by_burnside(asked, range(clients))
    assert counted == states_left(asked, symmetry.symmetry(problem))


def keeps_a_state_for_each_orbit(data):
    """What is alike is what the engine finds; that it is alike is tried on every state and every move."""
    for pages, clients in (*SIZES, (2, 2)):
        asked = questions(data, pages, clients)[0]
        made = asked.instance
        assume(levels.search(Problem.on(made), limits=Limits(states=1_500)).verdict.conclusive)
        found = symmetry.symmetry(asked)
        event(str(found).partition(";")[0])
        assert {"Client"} >= {sort for sort, _ in found.classes}
        alike = next((numbers for _, numbers in found.classes), ())
        for image in images(made, alike, found.pages):
            assert made.initial == image(made.initial)
            for state in reachable(made):
                after = {image(to) for _, to in made.successors(state)}
                assert after == {to for _, to in made.successors(image(state))}
        assert orbits(made, alike, found.pages) == states_left(made, found)


test_random_designs_keep_a_state_for_each_orbit = on_random_designs(keeps_a_state_for_each_orbit, 15)
test_100_random_designs_keep_a_state_for_each_orbit = pytest.mark.slow(
    on_random_designs(keeps_a_state_for_each_orbit, 100)
)


@pytest.mark.parametrize(
    ("pages", "clients", "states"), [(3, 3, 643_251), pytest.param(4, 3, 9_130_739, marks=pytest.mark.slow)]
)
def test_the_yardstick_has_as_many_orbits_as_rumur_finds(pages, clients, states):
    """rumur's exact canonicalisation keeps 643,251 states at 3 pages and 3 clients."""
    found = with_symmetry(question(ClearK, promise, pages, clients))
    assert ("proved", states) == (found.word, found.orbits)


def test_a_sorting_network_with_a_comparison_too_few_is_caught(monkeypatch):
    """Sorted by halves, some orbits keep two states."""
    asked = question(ClearK, promise, 3, 2)
    right = with_symmetry(asked).orbits
    monkeypatch.setattr(least, "network", lambda count: [(0, 1), (1, 2)])
    assert right < with_symmetry(asked).orbits


def test_elements_that_are_not_alike_are_caught_when_they_are_exchanged_all_the_same():
    """MIGRATION for the other client: the counts of the reference no longer come out."""
    asked = question(ClearK, promise, 2, 2).instance
    assert orbits(asked, (1,)) != states_left(asked, symmetry.Symmetry(True, (("Client", (0, 1)),)))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_exchanges_of_neighbours_lead_through_every_order_once(count):
    seen, order = [tuple(range(count))], list(range(count))
    for i in symmetry._neighbours(count):
        order[i], order[i + 1] = order[i + 1], order[i]
        seen.append(tuple(order))
    assert sorted(permutations(range(count))) == sorted(seen)


def test_two_classes_are_led_through_every_combination_of_orders():
    orders, seen = {"A": [0, 1, 2], "B": [5, 7]}, [((0, 1, 2), (5, 7))]
    for sort, one, other in symmetry.Symmetry(False, (("A", (0, 1, 2)), ("B", (5, 7)))).exchanges():
        order = orders[sort]
        i, j = {"A": (one, other), "B": (0, 1)}[sort]
        order[i], order[j] = order[j], order[i]
        seen.append((tuple(orders["A"]), tuple(orders["B"])))
    assert sorted(product(permutations((0, 1, 2)), permutations((5, 7)))) == sorted(seen)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6])
def test_networks_sort(count):
    """Every sequence of zeros and ones, which is enough (Knuth, 5.3.4, theorem Z)."""
    for bits in product((0, 1), repeat=count):
        things = list(bits)
        for p, q in least.network(count):
            things[p], things[q] = min(things[p], things[q]), max(things[p], things[q])
        assert sorted(bits) == things


# ---------------------------------------------------------------- what is alike


class Chunked(Design):
    """A log that is cleared two pages at a time."""

    log = Pages("written")

    @operation(by=Guest)
    def write(s, me, page):
        s.log |= page

    @operation(by=Guest)
    def clear(s, me, page):
        s.log -= whole(page, 2)


class FirstIsServed(Design):
    """MIGRATION's bitmap is full at the start; nothing else tells it from the others."""

    mine = Pages("pages", per=Client, initially={MIGRATION: ~NONE})

    @operation
    def take(s, me, page):
        s.mine[me] -= page


class Remembered(Design):
    """A client keeps another in mind between two steps."""

    seen = Flag("has been looked at", per=Client)

    @operation
    def look(s, me, other: Client):
        yield "looked"
        s.seen[other] = True
        yield "marked"


@always
def anything(s):
    """Nothing is asked."""
    return s.log <= s.log if hasattr(s, "log") else NONE <= NONE


@pytest.mark.parametrize(
    ("design", "pages", "clients", "text"),
    [
        (Chunked, 4, None, "nothing alike; pages have numbers here (whole, shifted or a constant set)"),
        (FirstIsServed, 2, 3, "all pages; clients 1 and 2 alike"),
        (Remembered, 1, 3, "nothing alike"),
        (ClearK, 1, 4, "clients 1 and 2 and 3 alike"),
    ],
)
def test_what_is_told_apart_is_left_alone(design, pages, clients, text):
    """By `whole`, by the first state, by a register that holds a client, by a step for MIGRATION only."""
    asked = Problem(record(design), (), pages, {"Client": clients} if clients else {})
    assert text == str(symmetry.symmetry(asked))


def test_a_client_that_the_property_names_is_left_alone():
    """The design treats all three alike."""
    asked = Problem.of(record(ClearKNaive), always_first(), sizes={"Client": 3})
    assert "clients 1 and 2 alike" == str(symmetry.symmetry(asked))


def always_first():
    @always
    def first_is_empty(s):
        """MIGRATION holds nothing."""
        return s.hold[MIGRATION] <= NONE

    return first_is_empty


def test_more_than_four_that_are_alike_are_exchanged_by_fours():
    """5 orders of magnitude are 120 orders; the first four have 24."""
    asked = question("naive", "promise_kept", 1, 5)
    assert (("Client", (0, 1, 2, 3)),) == symmetry.symmetry(asked).classes


# ---------------------------------------------------------------- the same verdicts


@pytest.mark.parametrize("row", [r for r in rows() if r.states < 200_000], ids=str)
def test_every_row_of_the_manifest_has_the_same_verdict_and_depth_with_symmetry(row):
    found = with_symmetry(question(row.design, row.property, row.pages, row.clients))
    assert (row.verdict, row.depth) == said(found)
    assert row.states == found.states
    assert found.orbits <= row.states


@pytest.mark.parametrize(("design", "depth"), [(ClearKNaive, 6), (ClearKTopLayer, 8)])
def test_the_unsafe_forms_of_the_yardstick_are_refuted_in_as_few_moves(design, depth):
    assert ("refuted", depth) == said(with_symmetry(question(design, promise, 3, 3)))


def differences_on_mutants(design, form, pages, clients):
    """Mutants of which symmetry says otherwise."""
    wanted = built_in_properties()[form]
    found = []
    for mutant in mutants(record_of(design)):
        asked = Problem.of(mutant.program, wanted, pages=pages, sizes={"Client": clients})
        plain, reduced = lanes.search(asked), with_symmetry(asked)
        if said(plain) != said(reduced):
            found.append((mutant.change, said(plain), said(reduced)))
    return found


def record_of(design):
    from model.designs.catalogue import load

    return record(load(design))


@pytest.mark.parametrize(
    ("design", "size"),
    [
        ("per-slot-cache", (2, 1)),
        ("top-layer-and-cache", (1, 2)),
        *(pytest.param("per-slot-cache", size, marks=pytest.mark.slow) for size in ((1, 2), (2, 2))),
        *(pytest.param("top-layer-and-cache", size, marks=pytest.mark.slow) for size in ((2, 1), (2, 2))),
    ],
    ids=str,
)
def test_mutants_get_the_same_verdicts_with_symmetry(design, size):
    """One-line slips of the safe designs."""
    assert [] == differences_on_mutants(design, "promise_kept", *size)


@pytest.mark.parametrize("most", [60, pytest.param(300, marks=pytest.mark.slow)])
def test_random_designs_get_the_same_verdicts_with_symmetry(most):
    """Their questions are those that are refuted latest."""
    for asked, expected in sample(most):
        assert said(expected) == said(with_symmetry(asked))


def three_clients_get_the_same_verdict(data):
    asked = questions(data, 2, 3)[0]
    expected = explicit.search(asked, Limits(states=3_000))
    assume(not isinstance(expected, Undetermined))
    actual = with_symmetry(asked)
    assert said(expected) == said(actual)
    if isinstance(actual, Refuted):
        assert {d[:2] for d in actual.detail} <= {d[:2] for d in expected.detail}


test_random_designs_with_three_clients_get_the_same_verdicts_with_symmetry = on_random_designs(
    three_clients_get_the_same_verdict, 15
)
test_100_random_designs_with_three_clients_get_the_same_verdicts_with_symmetry = pytest.mark.slow(
    on_random_designs(three_clients_get_the_same_verdict, 100)
)
